"""A kept text comes back as it was, or not at all."""

from pathlib import Path

import pytest

from lldkit.snapshot.kept import keep_text, kept_text


def test_a_text_comes_back_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    for text in ("first", "", '{"ü": "\n"}'):
        keep_text(path, text)
        assert kept_text(path) == text
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("damage", ["", "{", "[]", "null", '{"sha256": "x"}', '{"sha256": "x", "text": 3}', "\0"])
def test_what_is_damaged_or_missing_is_none(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "kept"
    assert kept_text(path) is None
    path.write_text(damage)
    assert kept_text(path) is None


def test_a_changed_letter_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    keep_text(path, "on")
    path.write_text(path.read_text().replace('"on"', '"of"'))
    assert kept_text(path) is None
