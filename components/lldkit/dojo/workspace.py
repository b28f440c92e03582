"""The learner's files: found, written, and never overwritten without a backup whose path is told."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import os
import tempfile
from pathlib import Path

from lldkit.dojo.interface import WorkspaceError
from lldkit.dojo.journal import Journal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lldkit.dojo.interface import Manifest

__all__ = ["FILES", "MARK", "Workspace", "digest", "statement"]

MARK = ".lldkit-katas"
FILES = ("README.md", "solution.py", "demo.py", "tests.py", "interface.py", "NOTES.md")


class Workspace:
    """A folder with one folder per kata and a hidden one for journal, snapshots and backups."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.journal = Journal(root / MARK / "journal.jsonl")

    @classmethod
    def find(cls, directory: str | None, environment: Mapping[str, str], here: Path, home: Path) -> Workspace:
        """`--dir`, else $LLDKIT_KATAS, else the nearest parent that is one, else ~/lldkit-katas."""
        if chosen := directory or environment.get("LLDKIT_KATAS"):
            return cls(Path(chosen).expanduser().absolute())
        above = next((folder for folder in (here, *here.parents) if (folder / MARK).is_dir()), None)
        return cls(above or home / "lldkit-katas")

    def folder(self, kata: str) -> Path:
        """Where the files of a kata are."""
        return self.root / kata

    def start(self, kata: Manifest) -> list[Path]:
        """Write what a kata begins with and return what was written; refuse when there is work already."""
        folder = self.folder(kata.name)
        if (folder / "solution.py").exists():
            remedy = f"is there already and stays as it is; begin anew with: lldkit kata reset {kata.name}"
            raise WorkspaceError(folder / "solution.py", remedy)
        names = [*FILES, *(["note.md"] if (kata.folder / "note.md").is_file() else [])]
        texts = {name: _beginning(kata, name) for name in names}
        missing = [name for name in names if not (folder / name).exists()]
        for name in missing:
            self.write(folder / name, texts[name])
        return [folder / name for name in missing]

    def read(self, path: Path) -> bytes:
        """The bytes of a learner's file."""
        try:
            return path.read_bytes()
        except FileNotFoundError:
            raise WorkspaceError(path, "is not there; lldkit kata start NAME writes it") from None
        except OSError as error:
            raise WorkspaceError(path, f"cannot be read ({error.strerror})") from None

    def write(self, path: Path, text: str, *, ours: tuple[str, ...] = ()) -> Path | None:
        """Replace a file at once or not at all; what stood there is backed up first, unless it is one of `ours`."""
        backup = None
        with self._told(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists() and path.read_bytes().decode("utf-8", "replace") not in {text, *ours}:
                backup = self._back_up(path)
            handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(text.encode())
                Path(temporary).chmod(0o644)
                Path(temporary).replace(path)
            except BaseException:
                with contextlib.suppress(OSError):
                    Path(temporary).unlink()
                raise
        return backup

    def _back_up(self, path: Path) -> Path:
        folder = self.root / MARK / "backups" / path.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        number = 1
        while True:
            backup = folder / f"{path.stem}.{number}{path.suffix}"
            try:
                with backup.open("xb") as file:  # two windows never take the same number
                    file.write(path.read_bytes())
            except FileExistsError:
                number += 1
            else:
                return backup

    def snapshot(self, data: bytes) -> str:
        """Keep a distinct save for ever; its digest."""
        name = digest(data)
        path = self.root / MARK / "snapshots" / f"{name}.py.gz"
        if not path.exists():
            with self._told(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(gzip.compress(data, mtime=0))
        return name

    def saved(self, name: str) -> bytes | None:
        """The save with this digest."""
        path = self.root / MARK / "snapshots" / f"{name}.py.gz"
        try:
            return gzip.decompress(path.read_bytes())
        except (OSError, EOFError):
            return None

    def describe(self, kata: Manifest, level: int) -> list[Path]:
        """Let README.md and interface.py be those of `level`; the backups of what the learner wrote there."""
        known = tuple(statement(kata, n) for n in range(1, kata.last + 1))
        folder = self.folder(kata.name)
        backups = [
            self.write(folder / "interface.py", _beginning(kata, "interface.py")),
            self.write(folder / "README.md", statement(kata, level), ours=known),
        ]
        return [backup for backup in backups if backup is not None]

    @contextlib.contextmanager
    def _told(self, path: Path) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            remedy = f"cannot be written ({error.strerror}); choose another folder with --dir or free some space"
            raise WorkspaceError(path, remedy) from None


def digest(data: bytes) -> str:
    """A short name for these bytes."""
    return hashlib.sha256(data).hexdigest()[:16]


def statement(kata: Manifest, level: int) -> str:
    """The README of a kata whose level `level` is open."""
    parts = [f"# {kata.title}\n"]
    for item in kata.level[:level]:
        text = (kata.folder / "levels" / f"{item.n}.md").read_text("utf-8")
        parts.append(text.replace("# Level", "## Level", 1))
    later = [f"{item.n}. {item.title} ({item.minutes} min)" for item in kata.level[level:]]
    if later:
        parts.append("## Later levels\n\n" + "\n".join(later) + "\n")
    if (rules := kata.folder.parent / "RULES.md").is_file():  # of the concurrency katas
        parts.append(rules.read_text("utf-8").replace("# ", "## ", 1))
    parts.append("Grade it: `lldkit kata check`, or let `lldkit kata watch` do so at every save.\n")
    return "\n".join(parts)


def _beginning(kata: Manifest, name: str) -> str:
    if name == "README.md":
        return statement(kata, 1)
    where = kata.folder if name in {"interface.py", "note.md"} else kata.folder / "stub"
    return (where / name).read_text("utf-8")
