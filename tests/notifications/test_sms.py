"""Segments of text messages."""

import pytest

from lldkit.notifications.sms import SmsLength, sms_segments


def test_the_default_alphabet_has_127_characters_and_its_extension_10() -> None:
    one: set[str] = set()
    two: set[str] = set()
    for code in range(0x10000):
        if 0xD800 <= code < 0xE000:
            continue
        encoding, units, _ = sms_segments(chr(code))
        if encoding == "GSM-7":
            (one if units == 1 else two).add(chr(code))
    assert len(one) == 127  # 128 codes, of which one is the escape
    assert two == set("\f^{}\\[~]|€")


@pytest.mark.parametrize(
    ("text", "units", "segments"),
    [
        ("", 0, 1),
        ("x" * 160, 160, 1),
        ("x" * 161, 161, 2),
        ("x" * 306, 306, 2),
        ("x" * 307, 307, 3),
        ("x" * 152 + "€" + "x" * 152, 306, 3),  # the pair does not fit behind 152, so that 153 + 2 are left over
    ],
)
def test_septets_are_cut_at_153_and_never_behind_an_escape(text: str, units: int, segments: int) -> None:
    assert sms_segments(text) == SmsLength("GSM-7", units, segments)


@pytest.mark.parametrize(
    ("text", "units", "segments"),
    [
        ("я" * 70, 70, 1),
        ("я" * 71, 71, 2),
        ("я" * 134, 134, 2),
        ("😀" * 35, 70, 1),
        ("😀" * 67, 134, 3),  # 33 pairs each, not 33.5
    ],
)
def test_units_are_cut_at_67_and_never_inside_a_surrogate_pair(text: str, units: int, segments: int) -> None:
    assert sms_segments(text) == SmsLength("UCS-2", units, segments)
