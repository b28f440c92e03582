"""Many processes of one host as one: each writes its snapshot into a shared folder, and any of them answers for all.

The folder holds, for each process, `<id>.json` (its last snapshot, written whole and renamed) and `<id>.lock`, which
the process keeps locked with `flock` for as long as it lives. The id has the pid, the time and chance in it, so a pid
that is used again is another process. Whoever takes a snapshot first folds the files of the dead into
`accumulator.json`, under the lock of the folder. The accumulator names whom it holds, so a crash between writing it and
removing their files counts nobody twice. So a scrape costs what the living cost, however many have died.
"""

import atexit
import json
import os
import secrets
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import reduce
from pathlib import Path
from types import TracebackType
from typing import Self

from lldkit.arguments import check_number
from lldkit.metrics.interface import ExpositionError, MergeConflict
from lldkit.metrics.json_text import parse_json, render_json
from lldkit.metrics.merge import merged
from lldkit.metrics.periodic import Periodic
from lldkit.metrics.registry import Registry
from lldkit.metrics.snapshots import Family, Snapshot, sorted_labels

__all__ = ["MultiProcess"]


class MultiProcess:
    """Shares `registry` through `folder`, which all processes of a service name alike and nobody else uses.

    A daemon thread flushes every `flush_seconds`, and again in each forked child, which is a process of its own; so a
    process that is killed loses at most that much. `close` flushes a last time. Safe for threads.

    Counters and histograms of the dead are kept, their gauges go. A full disk or a folder that was removed costs
    nothing but the flush: it is counted in `lldkit_metrics_collect_errors_total{metric="multiprocess"}`.
    """

    def __init__(self, folder: str | os.PathLike[str], registry: Registry, *, flush_seconds: float = 1.0) -> None:
        check_number("flush_seconds", flush_seconds, above=0)
        self._folder = Path(folder)
        self._registry = registry
        self._flush_seconds = flush_seconds
        self._begin()
        self._start()
        _SHARED.add(self)
        atexit.register(self.close)

    def _begin(self) -> None:
        self.id = f"{os.getpid()}-{self._registry.clock.now().timestamp():.6f}-{secrets.token_hex(4)}"
        self._alive: int | None = None  # the descriptor that holds our lock
        self._held: set[int] = set()  # descriptors of the folder's lock
        self._closed = False
        self._writing = threading.Lock()

    def _start(self) -> None:
        clock, seconds = self._registry.clock, self._flush_seconds
        self._periodic = Periodic(self.flush, seconds=seconds, clock=clock, name="lldkit metrics flush")

    def flush(self) -> bool:
        """Write this process's snapshot; whether that went well. After `close` nothing is written any more."""
        return not self._closed and self._flush_or_count()

    def _flush_or_count(self) -> bool:
        try:
            with self._writing:
                self._flush()
        except OSError as error:
            self._registry.failed("multiprocess", f"{type(error).__name__}: {error}")
            return False
        return True

    def _flush(self) -> None:
        lock, data = self._folder / f"{self.id}.lock", self._folder / f"{self.id}.json"
        if self._alive is None or not lock.exists():
            self._come_alive(lock)
        _replace(data, render_json(_named(self._registry.snapshot(), self.id)))

    def _come_alive(self, lock: Path) -> None:
        """Make our lock file and hold it; under the folder's lock, so that nobody finds it before it is held."""
        with self._folder_locked():
            if self._alive is not None:
                os.close(self._alive)
            self._alive = None
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                _lock(descriptor)
            except OSError:
                os.close(descriptor)
                raise
            self._alive = descriptor

    def snapshot(self) -> Snapshot:
        """What all processes have counted together, the dead included. O(series of the living)."""
        self.flush()
        families: dict[str, Family] = {}
        with self._folder_locked():
            total = self._fold()
            paths = [path for path in sorted(self._folder.glob("*.json")) if path.name != ACCUMULATOR]
            found = [snapshot for path in paths if (snapshot := self._read(path)) is not None]
        try:
            total = merged(total, *found)
        except MergeConflict:
            total = reduce(self._join, found, total)
        families.update((family.name, family) for family in total.families)
        return Snapshot(max(total.time, self._registry.clock.now().timestamp()), tuple(families.values()))

    def _fold(self) -> Snapshot:
        """Move what the dead have counted into the accumulator; with the folder's lock held."""
        total, folded = self._accumulated()
        dead = [path for path in self._folder.glob("*.lock") if path.name != FOLDER_LOCK and _is_free(path)]
        orphans = [path for path in self._folder.glob("*.json") if not path.with_suffix(".lock").exists()]
        names = {path.stem for path in [*dead, *orphans] if path.name != ACCUMULATOR}
        if not names:
            return total
        for name in sorted(names - folded):
            found = self._read(self._folder / f"{name}.json")
            total = total if found is None else self._join(total, _without_gauges(found))
        _replace(self._folder / ACCUMULATOR, json.dumps({"folded": sorted(names), "snapshot": render_json(total)}))
        for name in names:
            for suffix in (".json", ".tmp", ".lock"):
                (self._folder / f"{name}{suffix}").unlink(missing_ok=True)
        return total

    def _accumulated(self) -> tuple[Snapshot, set[str]]:
        try:
            document = json.loads((self._folder / ACCUMULATOR).read_text(encoding="utf-8"))
            return parse_json(document["snapshot"]), set(document["folded"])
        except FileNotFoundError:
            return Snapshot(0.0), set()
        except (ValueError, KeyError, TypeError) as error:
            self._registry.failed("multiprocess", f"the accumulator is damaged: {error}")
            return Snapshot(0.0), set()

    def _read(self, path: Path) -> Snapshot | None:
        """A snapshot of the folder; None, and counted, if it is damaged."""
        try:
            return parse_json(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None  # its process has not flushed yet
        except (OSError, UnicodeDecodeError, ExpositionError) as error:
            self._registry.failed("multiprocess", f"{path.name}: {error}")
            return None

    def _join(self, one: Snapshot, other: Snapshot) -> Snapshot:
        """Both; where a metric was defined differently, as by an older release, the newer definition wins."""
        while True:
            try:
                return one.merge(other)
            except MergeConflict as conflict:
                self._registry.failed("multiprocess", str(conflict))
                older, newer = (one, other) if one.time <= other.time else (other, one)
                kept = tuple(family for family in older.families if family.name != conflict.name)
                one, other = replace(older, families=kept), newer

    @contextmanager
    def _folder_locked(self) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._folder / FOLDER_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._held.add(descriptor)
        try:
            _lock(descriptor)
            yield
        finally:
            self._held.discard(descriptor)
            os.close(descriptor)

    def close(self) -> None:
        """Flush a last time, end the thread, and be dead for the others. May be called twice."""
        if self._closed:
            return
        self._periodic.close()
        self._closed = True
        self._flush_or_count()
        with self._writing:
            if self._alive is not None:
                os.close(self._alive)
            self._alive = None
        atexit.unregister(self.close)
        _SHARED.discard(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def survive_fork(self) -> None:
        """Be a process of its own, in a child. Called by itself."""
        for descriptor in (*self._held, *([] if self._alive is None else [self._alive])):
            os.close(descriptor)  # a lock belongs to all copies of its descriptor, and ours would outlive the parent
        closed = self._closed
        self._begin()
        self._closed = closed
        if not closed:
            self._start()


ACCUMULATOR, FOLDER_LOCK = "accumulator.json", "folder.lock"
_SHARED: "weakref.WeakSet[MultiProcess]" = weakref.WeakSet()


def _replace(path: Path, text: str) -> None:
    """Write a file whole or not at all, also for those who read it meanwhile or when we are killed."""
    beside = path.with_suffix(".tmp")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise


def _lock(descriptor: int, *, wait: bool = True) -> None:
    """Lock an open file for this process alone, until all copies of the descriptor are closed; BlockingIOError."""
    import fcntl  # not on every system; who uses this class there learns it here

    fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_free(lock: Path) -> bool:
    """Whether nobody holds the lock any more."""
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        _lock(descriptor, wait=False)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _named(snapshot: Snapshot, name: str) -> Snapshot:
    """Gauges that are to be kept apart get a label that says whose they are."""
    families = (
        replace(
            family,
            series=tuple(
                replace(series, labels=sorted_labels({**dict(series.labels), "process": name}))
                for series in family.series
            ),
        )
        if family.type == "gauge" and family.aggregate == "all"
        else family
        for family in snapshot.families
    )
    return replace(snapshot, families=tuple(families))


def _without_gauges(snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, families=tuple(family for family in snapshot.families if family.type != "gauge"))


def _survive_fork() -> None:
    for shared in list(_SHARED):
        shared.survive_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_survive_fork)
