"""How many segments a text message is paid as (3GPP TS 23.038 and 23.040)."""

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

__all__ = ["SmsLength", "sms_segments"]

_BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION: Final = "\f^{}\\[~]|€"  # each an escape and a character
_SEPTETS: Final = dict.fromkeys(_BASIC, 1) | dict.fromkeys(_EXTENSION, 2)


class SmsLength(NamedTuple):
    """A text's `encoding`, its length in `units` of it (septets, or 16 bits), and the `segments` it is cut into."""

    encoding: Literal["GSM-7", "UCS-2"]
    units: int
    segments: int


def sms_segments(text: str) -> SmsLength:
    """Measure `text`: GSM-7 if its alphabet has every character, else UCS-2. O(n).

    One segment holds 160 septets or 70 units, each of several 153 or 67, because they carry a number; neither an
    escaped character nor a surrogate pair is cut.

    >>> sms_segments("10 €")
    SmsLength(encoding='GSM-7', units=5, segments=1)
    """
    if _SEPTETS.keys() >= set(text):
        septets = [_SEPTETS[character] for character in text]
        return SmsLength("GSM-7", sum(septets), _segments(septets, alone=160, each=153))
    units = [1 + (character > "\uffff") for character in text]
    return SmsLength("UCS-2", sum(units), _segments(units, alone=70, each=67))


def _segments(widths: list[int], *, alone: int, each: int) -> int:
    return 1 if sum(widths) <= alone else _filled(widths, each)


def _filled(widths: Iterable[int], each: int) -> int:
    """How many boxes of size `each` it takes when what does not fit whole begins the next one."""
    boxes, used = 1, 0
    for width in widths:
        if used + width > each:
            boxes, used = boxes + 1, 0
        used += width
    return boxes
