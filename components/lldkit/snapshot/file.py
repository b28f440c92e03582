"""A document in a file: read-only to us, or with its numbered versions in a folder beside it."""

import contextlib
import fcntl
import hashlib
import os
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lldkit.arguments import check_count
from lldkit.clock import SYSTEM, Clock
from lldkit.snapshot.documents import checked_publication, chosen, read_text, succeed, written
from lldkit.snapshot.interface import Document, SnapshotError, StoreUnavailable, VersionNotFound
from lldkit.snapshot.memory import HEARTBEAT
from lldkit.snapshot.twins import Twins

__all__ = ["FileStore", "FileWatch", "ReadOnly", "replace_file"]

GRAIN_SECONDS = 2.0  # the coarsest timestamps of file systems in use


class ReadOnly(SnapshotError):
    """The file is not ours to write: give the store a `versions_directory`."""


class FileWatch:
    """Tells whether a file, or the list of a folder, is another one than at the last look; mostly at one `stat` each.

    Two changes within one tick of the file system's clock leave one timestamp; so what is as young as such a tick is
    looked at by content. Belongs to one thread.
    """

    def __init__(self, path: Path, *, clock: Clock = SYSTEM) -> None:
        self._path = path
        self._clock = clock
        self._stat: tuple[int, ...] | None = None
        self._content: object = None
        self._is_young = True

    def changed(self) -> bool:
        """Whether something has changed since the last call; the first one says yes. A missing file is a state."""
        try:
            found = self._path.stat()
        except OSError:
            stat, young = None, False
        else:
            stat = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
            young = abs(self._clock.now().timestamp() - found.st_mtime) < GRAIN_SECONDS
        if stat is not None and stat == self._stat and not self._is_young:
            return False
        before, self._content = self._content, self._read() if stat else "missing"
        self._stat, self._is_young = stat, young
        return before != self._content

    def _read(self) -> object:
        try:
            if self._path.is_dir():
                return sorted(each.name for each in self._path.iterdir())
            return hashlib.sha256(self._path.read_bytes()).digest()
        except OSError:
            return "missing"


class FileStore(Twins):
    """Reads the JSON object in the file `path`; with a `versions_directory` it also publishes and keeps history.

    There each version is a file of its own, written aside, synchronised and renamed, so that it is whole or not there,
    and survives the death of process and machine once `publish` has returned. `path` always holds the newest body, for
    others to read; edits of it are then ignored. Writers of all processes take turns by a lock on the folder.

    Without it, each content that is seen is the next version, counted by this object. Safe for threads, tasks and
    processes; POSIX only. `StoreUnavailable` where a file cannot be read or written, `ReadOnly` from `publish`.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        versions_directory: str | os.PathLike[str] | None = None,
        history_limit: int = 1_000,
        clock: Clock = SYSTEM,
    ) -> None:
        self._path = Path(path)
        self._folder = None if versions_directory is None else Path(versions_directory)
        self._history_limit = check_count("history_limit", history_limit, least=1)
        self._clock = clock
        self._lock = threading.Lock()  # guards what was seen of a file that is not ours
        self._seen: Document | None = None
        self._origin = secrets.token_hex(8)
        if self._folder is not None:
            with _answering():
                self._folder.mkdir(parents=True, exist_ok=True)

    def read(self, version: int | None = None) -> Document:
        """Return a version, None for the newest; `VersionNotFound`."""
        if self._folder is None:
            return chosen(self._look(), version)
        while True:
            with _answering():
                numbers = _numbers(self._folder)
                if not numbers or (version is not None and version not in numbers):
                    raise VersionNotFound(version, numbers[0] if numbers else 0, numbers[-1] if numbers else 0)
                with contextlib.suppress(FileNotFoundError):  # it was the oldest and has left since
                    return _load(self._folder, numbers[-1] if version is None else version)

    def publish(self, body: Mapping[str, object], *, expected: int, author: str, reason: str = "") -> Document:
        """Add a version if the newest is still `expected`, else raise `VersionConflict`."""
        checked, at = checked_publication(body, expected, author, reason), self._clock.now()
        if self._folder is None:
            raise ReadOnly(f"{self._path} is read-only to us; give its store a versions_directory")
        with _answering(), _exclusive(self._folder / ".lock"):
            numbers = _numbers(self._folder)
            head = _load(self._folder, numbers[-1]) if numbers else None
            origin = head.origin if head else secrets.token_hex(8)
            document = succeed(head, checked, expected=expected, author=author, reason=reason, origin=origin, at=at)
            replace_file(self._folder / _name(document.version), _text(document))
            replace_file(self._path, written(checked))
            for number in numbers[: max(0, len(numbers) + 1 - self._history_limit)]:
                (self._folder / _name(number)).unlink(missing_ok=True)
        return document

    def history(self, *, limit: int = 50) -> Sequence[Document]:
        """The newest versions that are kept, newest first."""
        check_count("limit", limit, least=1)
        if self._folder is None:
            return tuple(self._look())
        found = []
        with _answering():
            for number in _numbers(self._folder)[: -limit - 1 : -1]:
                with contextlib.suppress(FileNotFoundError):
                    found.append(_load(self._folder, number))
        return tuple(found)

    def hints(self, stop: threading.Event) -> Iterator[bool]:
        """Look at the files ten times a second until `stop` is set; as `DocumentStore.hints`."""
        watch = FileWatch(self._folder or self._path, clock=self._clock)
        while not stop.is_set():
            moved = watch.changed()
            yield moved
            if not moved:
                stop.wait(HEARTBEAT)

    def _look(self) -> list[Document]:
        """What a file that is not ours holds, as a version of its own if it is another content."""
        with _answering():
            try:
                body, changed = read_text(self._path.read_bytes()), self._path.stat().st_mtime
            except FileNotFoundError:
                return []
        with self._lock:
            seen = self._seen
            if seen is None or seen.body != body:
                number, at = (1 if seen is None else seen.version + 1), datetime.fromtimestamp(changed, UTC)
                seen = Document(body, number, self._origin, str(self._path), "", number - 1 or None, at)
                self._seen = seen
            return [seen]


def replace_file(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write `text` to `path` so that after any crash the old content is there, or the new one, whole and durable."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _name(version: int) -> str:
    return f"{version:010}.json"


def _numbers(folder: Path) -> list[int]:
    """The versions in the folder, ascending."""
    return sorted(int(each.stem) for each in folder.glob("*.json") if each.stem.isdecimal())


def _text(document: Document) -> str:
    head = {"version": document.version, "origin": document.origin, "author": document.author}
    more = {"reason": document.reason, "parent": document.parent, "created_at": document.created_at.isoformat()}
    return written({**head, **more, "body": document.body})


def _load(folder: Path, version: int) -> Document:
    record: Any = read_text((folder / _name(version)).read_bytes())
    return Document(**{**record, "created_at": datetime.fromisoformat(record["created_at"])})


@contextlib.contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    """Hold the lock of all writers, of threads and of processes; it ends with its holder, however that ends."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, TypeError) as error:  # not there, not readable, or no JSON object
        raise StoreUnavailable("the file") from error
