"""docs/katas.md shows reports as they are."""

import re
from pathlib import Path

import pytest

from lldkit.dojo import catalog
from lldkit.dojo.interface import Manifest

ROOT = Path(__file__).parent.parent.parent
SHOWN = re.findall(r"<!-- golden: (\w+) -->\n```text\n(.*?)```", (ROOT / "docs" / "katas.md").read_text(), re.DOTALL)


@pytest.mark.parametrize(("name", "text"), SHOWN, ids=[name for name, _ in SHOWN])
def test_a_report_in_the_document_is_the_golden_one(kata: Manifest, name: str, text: str) -> None:
    assert text in (kata.folder / "golden" / f"{name}.txt").read_text()


def test_some_reports_are_shown() -> None:
    assert [name for name, _ in SHOWN] == ["w07", "w12"]


def test_the_list_of_katas_is_complete() -> None:
    text = (ROOT / "katas" / "README.md").read_text()
    for name in catalog.names():
        kata = catalog.load_kata(name)
        assert f"[{name}]({kata.folder.relative_to(catalog.root()).as_posix()}) | {kata.last} |" in text
