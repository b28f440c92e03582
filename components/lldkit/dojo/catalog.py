"""Where the katas are: the checkout's `katas/` first, else the copy inside the installed package."""

from __future__ import annotations

import re
from pathlib import Path

from lldkit.dojo.interface import KataNotFound, Level, Manifest, PlannedCheck

__all__ = ["gives_clock", "load_kata", "names", "plan", "root"]

MANIFEST = "kata.toml"


def root() -> Path:
    """The folder that holds the katas."""
    package = Path(__file__).resolve().parent.parent
    checkout = package.parent.parent / "katas"
    return checkout if checkout.is_dir() and package.parent.name == "components" else package / "katas"


def _folders(katas: Path) -> dict[str, Path]:
    found = [*katas.glob(f"*/{MANIFEST}"), *katas.glob(f"concurrency/*/{MANIFEST}")]
    return {path.parent.name: path.parent for path in sorted(found)}


def names(katas: Path | None = None) -> list[str]:
    """The names of all katas, sorted."""
    return sorted(_folders(katas or root()))


def load_kata(name: str, *, katas: Path | None = None) -> Manifest:
    """Read the kata called `name`, by the last part of its path, by an alias, or by the path of its folder."""
    from lldkit.dojo import manifest

    folders = _folders(katas or root())
    folder = folders.get(name) or next((path for path in (Path(name),) if (path / MANIFEST).is_file()), None)
    if folder is None:
        for path in folders.values():
            kata = _read(path, manifest)
            if name in kata.aliases:
                return kata
        import difflib

        raise KataNotFound(name, difflib.get_close_matches(name, folders))
    return _read(folder, manifest)


def _read(folder: Path, manifest: object) -> Manifest:
    file = folder / MANIFEST
    parsed: Manifest = manifest.parse(file.read_text("utf-8"), file=f"{folder.name}/{MANIFEST}")  # type: ignore[attr-defined]
    return parsed._replace(folder=folder)


def gives_clock(kata: Manifest) -> bool:
    """Whether a kata gives its solutions a clock; where it gives none the machine's is theirs to ask."""
    return "clock" in (kata.folder / "interface.py").read_text("utf-8").lower()


_CHECK = re.compile(r"^@(check|scenario)\(\s*level=(\d+)[^@]*?^def (\w+)\(", re.MULTILINE)


def plan(kata: Manifest, upto: int) -> list[PlannedCheck]:
    """Every check that a complete grade of levels 1..`upto` contains, in order of levels."""
    text = (kata.folder / "checks.py").read_text("utf-8")
    kinds = {"check": "directed", "scenario": "schedule"}
    written = [PlannedCheck(name, int(level), kinds[word]) for word, level, name in _CHECK.findall(text)]
    found: list[PlannedCheck] = []
    for level in kata.level[:upto]:
        own = [check for check in written if check.level == level.n]
        found += [*_built_in(level, ("preflight", "example")), *own, *_built_in(level, ("model", "budget", "smoke"))]
    return found


def _built_in(level: Level, kinds: tuple[str, ...]) -> list[PlannedCheck]:
    there = {"preflight": True, "example": True, "model": level.programs > 0, "budget": bool(level.budgets)}
    there["smoke"] = level.smoke > 0
    ids = {"example": "examples"}
    return [PlannedCheck(f"{ids.get(kind, kind)}-{level.n}", level.n, kind) for kind in kinds if there[kind]]
