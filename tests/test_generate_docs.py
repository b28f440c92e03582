"""Generated documents: whole files, regions of files, and what nobody generates any more."""

from pathlib import Path

import pytest

from generate_docs import main, renew, stale, with_region

DOCUMENT = "# Room\n\n<!-- generated: diagram -->\nold\n<!-- end -->\n\nend\n<!-- generated: table -->\n<!-- end -->\n"
TEXTS = {"docs/room.md#diagram": "new", "docs/room.md#table": "| a |\n", "docs/img/room-a.svg": "<svg/>\n"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "docs" / "img").mkdir(parents=True)
    (tmp_path / "docs" / "room.md").write_text(DOCUMENT, encoding="utf-8")
    (tmp_path / "docs" / "img" / "gone.svg").write_text("<svg/>", encoding="utf-8")
    (tmp_path / "docs" / "img" / "benchmarks-room.svg").write_text("<svg/>", encoding="utf-8")
    return tmp_path


def test_what_is_stale_is_found_renewed_and_then_fresh(root: Path) -> None:
    assert stale(TEXTS, root) == ["docs/img/gone.svg", "docs/img/room-a.svg", "docs/room.md"]
    renew(TEXTS, root)
    assert stale(TEXTS, root) == []
    assert (root / "docs" / "img" / "benchmarks-room.svg").exists()
    assert (root / "docs" / "room.md").read_text(encoding="utf-8") == (
        "# Room\n\n<!-- generated: diagram -->\nnew\n<!-- end -->\n\nend\n"
        "<!-- generated: table -->\n| a |\n<!-- end -->\n"
    )


def test_a_change_by_hand_in_a_region_is_stale_and_one_beside_it_is_not(root: Path) -> None:
    renew(TEXTS, root)
    path = root / "docs" / "room.md"
    fresh = path.read_text(encoding="utf-8")
    path.write_text(fresh.replace("end\n<", "something else\n<", 1), encoding="utf-8")
    assert stale(TEXTS, root) == []
    path.write_text(fresh.replace("new", "newer"), encoding="utf-8")
    assert stale(TEXTS, root) == ["docs/room.md"]


def test_backslashes_in_generated_text_are_kept() -> None:
    assert r"\1 \g<0>" in with_region(DOCUMENT, "diagram", r"\1 \g<0>", "room.md")


@pytest.mark.parametrize("document", ["# no region", DOCUMENT + DOCUMENT, "<!-- generated: diagram -->\nno end"])
def test_a_region_must_stand_there_exactly_once(document: str) -> None:
    with pytest.raises(ValueError, match=r"room.md must hold the lines <!-- generated: diagram -->"):
        with_region(document, "diagram", "", "room.md")


def test_unknown_arguments_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--chekc"]) == 2
    assert "--check" in capsys.readouterr().err
