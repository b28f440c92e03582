"""The shell: layers in, one typed value out, which is swapped whole or not at all.

Whoever changes something has the turn; it is held while layers, `build` and `check` run, which must not ask for it
again. Readers never need it, and listeners run after it.
"""

import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from lldkit.clock import SYSTEM, Clock
from lldkit.config.explain import candidates, check_path
from lldkit.config.hints import hints_of
from lldkit.config.history import History, Record, document_of, recorded
from lldkit.config.interface import (
    Change,
    Changed,
    ConfigError,
    ConfigEvent,
    ConfigLoaded,
    Entry,
    Explanation,
    Held,
    KeyPath,
    Layer,
    ListenerFailed,
    Problem,
    Rejected,
    Released,
    Reloaded,
    ReloadResult,
    RolledBack,
    SourceBack,
    SourceLost,
    UnusedKey,
)
from lldkit.config.layers import Values
from lldkit.config.load import Judgement, Rules, Unknown, judge, rejected
from lldkit.config.merge import diff_documents
from lldkit.config.override import Overrides, Overriding
from lldkit.config.paths import path_of, path_text, value_at
from lldkit.config.schema import Free, Plan, leaves, section_of
from lldkit.config.source import Sources
from lldkit.config.stack import Named
from lldkit.config.track import Tracked
from lldkit.config.watch import Move, Watch, selected
from lldkit.events import Outbox
from lldkit.snapshot import (
    AsyncFollower,
    Cell,
    ChangeBus,
    Follower,
    Snapshot,
    StoreUnavailable,
    Subscription,
    restart_after_fork,
)
from lldkit.twins import in_thread

__all__ = ["Config"]

T = TypeVar("T")


class Config(Generic[T]):
    """A typed value made of layers, weakest first; its own defaults are below all of them.

    `current` is an attribute: reading it takes no lock. The first load raises `ConfigError` with all problems, or
    `StoreUnavailable` where a store is away and `cache_file` has nothing; afterwards a reload that has problems leaves
    the version that is served. `check(value)` gives further problems; `build(document)` replaces the schema, then
    everything is as `build` makes it. Safe for threads and tasks; a reload costs O(keys x layers).

    `unknown` says what a key is that the schema does not know: an error, a line of `unknown_keys()`, or nothing.
    """

    current: T

    def __init__(
        self,
        schema: type[T],
        *,
        layers: Sequence[Layer],
        check: Callable[[T], Iterable[Problem]] | None = None,
        unknown: Unknown = "error",
        history_limit: int = 100,
        cache_file: Path | None = None,
        build: Callable[..., T] | None = None,
        clock: Clock = SYSTEM,
        on_event: Callable[[ConfigEvent], object] | None = None,
    ) -> None:
        if unknown not in ("error", "report", "ignore"):
            raise ValueError(f"unknown must be 'error', 'report' or 'ignore', got {unknown!r}")
        if build is not None and cache_file is not None:
            raise TypeError("cache_file needs a schema to know what is secret; it cannot be had with build")
        self._plan: Plan = Free() if build else section_of(schema)
        self._rules = Rules(self._plan, check, unknown, build)
        self._clock = clock
        self._on_event = on_event
        self._history: History[T] = History(history_limit)
        self._sources = Sources(layers, self._plan, cache_file)
        self._seen: set[KeyPath] | None = None  # by the tracked program
        self._strangers: tuple[Problem, ...] = ()
        self._is_held = False
        self._lost: set[str] = set()
        self._bus: ChangeBus[Move] = ChangeBus()
        self._overrides = Overrides()
        self._renew_locks()
        restart_after_fork(self, Config._renew_locks)
        self._load_first()

    def _renew_locks(self) -> None:
        """Make what a forked child must not inherit."""
        self._overrides.renew_lock()
        self._turn = threading.Lock()
        self._writer: int | None = None  # the thread that has the turn
        self._outbox: Outbox[ConfigEvent] = Outbox(self._on_event)

    def _load_first(self) -> None:
        self._sources.look()
        self._sources.fill_from_cache()
        judgement = self._judge()
        if judgement.problems:
            raise ConfigError(judgement.problems)
        self._strangers = judgement.strangers
        origin = self._sources.origin
        entry = Entry(1, None, "", "first load", origin, self._clock.now())
        self._history.add(Record(entry, judgement.value, self._sources.said(), judgement.document))
        self._cell: Cell[T] = Cell(Snapshot(judgement.value, 1, origin, entry.loaded_at))
        self.current = judgement.value
        self._quiet = ReloadResult(False, 1, {}, ())
        self._rejected: tuple[Problem, ...] = ()
        self._put(ConfigLoaded, origin)
        self._note_losses()
        self._write_cache()
        self._sources.moved = False
        self._outbox.tell()

    @property
    def snapshot(self) -> Snapshot[T]:
        """The newest version with its number, so that both are of one moment."""
        return self._cell.current

    @property
    def version(self) -> int:
        """The number of the version that is served: 1, 2, 3 ...; no number is used twice."""
        return self._cell.current.version

    def reload(self) -> ReloadResult:
        """Ask the layers, and serve what they say now, if it is valid and differs.

        If nothing has changed that costs a look at each layer. Problems are reported, not raised.
        """
        with self._writing() as moves:
            return self._reload(moves)

    async def areload(self) -> ReloadResult:
        """`reload` in a thread, for tasks."""
        return await in_thread(self.reload)

    def _reload(self, moves: list[Move], *, anyway: bool = False) -> ReloadResult:
        self._sources.look()
        if not (self._sources.moved or anyway):
            return self._quiet
        self._note_losses()
        result = self._apply(self._judge(), moves)
        self._sources.moved = False  # not before: what an interruption has cut short is to be done again
        return result

    def _apply(self, judgement: Judgement, moves: list[Move]) -> ReloadResult:
        if judgement.problems:
            return self._reject(judgement.problems)
        self._rejected, self._strangers = (), judgement.strangers
        version = self.version
        changed = self._changes(self._history.newest, judgement)
        self._quiet = ReloadResult(False, version, {}, ())
        if self._is_held:
            return ReloadResult(False, version, changed, ())
        if changed:
            self._serve(judgement.value, judgement.document, self._sources.said(), moves, parent=version)
            self._put(Reloaded, tuple(changed))
            self._quiet = ReloadResult(False, version + 1, {}, ())
        else:
            self._amend()
        self._write_cache()
        return ReloadResult(bool(changed), self.version, changed, ())

    def _judge(self) -> Judgement:
        return judge(self._rules, self._sources.said(), unreadable=self._sources.unreadable())

    def _reject(self, problems: tuple[Problem, ...]) -> ReloadResult:
        if problems != self._rejected:
            self._put(Rejected, problems)
        self._rejected = problems
        self._quiet = ReloadResult(False, self.version, {}, problems)
        return self._quiet

    def _changes(self, record: Record[T], judgement: Judgement) -> Mapping[str, Changed]:
        new = judgement.value if judgement.document is None else judgement.document
        changes = diff_documents(recorded(self._plan, record), document_of(self._plan, new))
        return {path_text(change.path): change for change in changes}

    def _serve(
        self,
        value: T,
        document: Any,
        layers: tuple[Named, ...],
        moves: list[Move],
        *,
        parent: int,
        author: str = "",
        reason: str = "reload",
    ) -> None:
        """The one swap: from here on everybody reads `value`."""
        now, version = self._clock.now(), self.version + 1
        origin = self._sources.origin
        self._history.add(Record(Entry(version, parent, author, reason, origin, now), value, layers, document))
        self._cell.swap(Snapshot(value, version, origin, now))
        self.__dict__["current"] = value  # also while an override has put a property in its place
        moves.append(Move(version, value))

    def _amend(self) -> None:
        """The same value, in other words: no version, and no event."""
        record, origin = self._history.newest, self._sources.origin
        entry = replace(record.entry, origin=origin)
        self._history.amend(replace(record, entry=entry, layers=self._sources.said()))
        if origin != self.snapshot.origin:
            self._cell.swap(replace(self.snapshot, origin=origin))

    def _note_losses(self) -> None:
        """Tell which sources are lost, and which are back."""
        lost = self._sources.lost()
        for name in sorted(lost - self._lost):
            self._put(SourceLost, name)
        for name in sorted(self._lost - lost):
            self._put(SourceBack, name)
        self._lost = lost

    def _write_cache(self) -> None:
        try:
            self._sources.write_cache()
        except OSError as error:  # a full disk is no reason to serve an old version
            self._put(ListenerFailed, "cache_file", type(error).__name__)

    def follow(self, *, poll_seconds: float = 2.0) -> Follower[T]:
        """Reload whenever a store hints, and every `poll_seconds`, in a thread; `close()` it, or use `with`."""
        hints = hints_of(self._sources.stores(), poll_seconds)
        return Follower(self._cell, self._refresh, hints, poll_seconds=poll_seconds, clock=self._clock)

    def afollow(self, *, poll_seconds: float = 2.0) -> AsyncFollower[T]:
        """`follow` in a task: `async with config.afollow(): ...`."""
        hints = hints_of(self._sources.stores(), poll_seconds)
        refresh = partial(in_thread, self._refresh)
        return AsyncFollower(self._cell, refresh, hints, poll_seconds=poll_seconds, clock=self._clock)

    def _refresh(self) -> int:
        result = self.reload()
        if self._lost:
            raise StoreUnavailable(min(self._lost))
        if result.problems:
            raise ConfigError(result.problems)
        return result.version

    def watch(self, path: str, listener: Callable[[Change], object]) -> Subscription:
        """Call `listener` with each change of the value at `path` ("" is all), from now on, after the swap.

        A coroutine function is run in the loop of the task that subscribes. `LookupError` for an unknown path. Read
        `current` after subscribing, and no change is missed.
        """
        if not callable(listener):
            raise TypeError(f"listener must be callable with one Change, got {listener!r}")
        with self._writing():
            watch = self._watch(path, listener)
            watch.subscription = self._bus.subscribe(watch)
            return watch.subscription

    def changes(self, path: str = "") -> AsyncIterator[Change]:
        """The changes of the value at `path` from now on, for a task. Quick ones may become one; the last is told."""
        with self._writing():
            return selected(self._bus.changes(), self._watch(path, None))

    def _watch(self, path: str, listener: Callable[[Change], object] | None) -> Watch:
        check_path(self._plan, path_of(path) if path else ())
        snapshot = self.snapshot
        return Watch(path, Move(snapshot.version, snapshot.value), listener, self._listener_failed)

    def _listener_failed(self, version: int, path: str, error: BaseException) -> None:
        if self._outbox:
            self._outbox.put(ListenerFailed(self._clock.now(), version, path, type(error).__name__))
            self._outbox.tell()

    def history(self) -> Sequence[Entry]:
        """The versions that are kept, newest first."""
        return self._history.entries()

    def diff(self, a: int, b: int) -> Sequence[Changed]:
        """What changed from version `a` to version `b`; `VersionNotFound` for one that is not kept."""
        return diff_documents(*(recorded(self._plan, self._history.find(version)) for version in (a, b)))

    def rollback(self, *, to: int, author: str, reason: str) -> int:
        """Serve again what version `to` served, as a new version, whose number is returned; hold it until `release()`.

        `VersionNotFound`, or `ConfigError` if the check does not accept it any more.
        """
        if not author:
            raise ValueError("author must say who rolls back, got ''")
        with self._writing() as moves:
            record = self._history.find(to)
            if problems := rejected(self._rules, record.value):
                raise ConfigError(problems)
            self._serve(record.value, record.document, record.layers, moves, parent=to, author=author, reason=reason)
            self._put(RolledBack, to, author, reason)
            if not self._is_held:
                self._put(Held)
            self._is_held = True
            self._quiet = replace(self._quiet, version=self.version)
            return self.version

    @property
    def held(self) -> bool:
        """Whether reloads are only judged and reported, because of a rollback."""
        return self._is_held

    def release(self) -> ReloadResult:
        """End the hold and serve what the layers say now."""
        with self._writing() as moves:
            if self._is_held:
                self._is_held = False
                self._put(Released)
            return self._reload(moves, anyway=True)

    def explain(self, path: str) -> Explanation:
        """Who set the key at `path`: all who said something about it, lowest first. `LookupError` for no key."""
        over = self._overrides.here()
        record = self._history.newest
        newest = record if over is None else over
        value = newest.value if newest.document is None else newest.document
        keys, layers = path_of(path), (*record.layers, *(over.layers if over else ()))
        found = candidates(self._plan, layers, keys)
        return Explanation(path, value_at(value, keys), found)

    def unknown_keys(self) -> Sequence[Problem]:
        """What the layers say that the schema does not know, where that is no error."""
        return self._strangers

    def unused(self) -> Sequence[UnusedKey]:
        """The keys that do nothing: those that are unknown, and, once `track` was used, those that were never read."""
        found = [UnusedKey(each.path, "unknown", each.location) for each in self._strangers]
        if (seen := self._seen) is not None:
            unread = [leaf for leaf in leaves(self._plan) if not any(leaf[: len(path)] == path for path in set(seen))]
            found += [UnusedKey(path_text(leaf), "never read", "schema") for leaf in unread]
        return tuple(found)

    def track(self) -> T:
        """`current`, through a proxy that notes which keys are read; for `unused`."""
        if self._seen is None:
            self._seen = set()
        return cast("T", Tracked(self.current, self._seen))

    @contextmanager
    def override(self, values: Mapping[str, object]) -> Iterator[T]:
        """Within the block, in this thread or task and the tasks it starts, `values` are the strongest layer.

        For tests. `values` is a tree, such as `{"pool": {"size": 1}}`, judged as any layer: `ConfigError`. The block
        keeps the version with which it began. Blocks may stand within each other.
        """
        record, mine = self._history.newest, self._overrides.here()
        added = (*(mine.layers if mine else ()), Named("override", Values(values).load()))
        judgement = judge(self._rules, (*record.layers, *added))
        if judgement.problems:
            raise ConfigError(judgement.problems)
        with self._overrides.entered(self, Overriding(judgement.value, judgement.document, added)):
            yield cast("T", judgement.value)

    @contextmanager
    def _writing(self) -> Iterator[list[Move]]:
        """Have the turn; afterwards, with nothing held, tell the moves that were made."""
        me = threading.get_ident()
        if self._writer == me:
            raise RuntimeError("a layer, a check or a build must not change the Config that runs it")
        moves: list[Move] = []
        try:
            with self._turn:
                self._writer = me
                try:
                    yield moves
                finally:
                    self._writer = None
        finally:
            self._outbox.tell()
        for move in moves:
            self._bus.publish(move)

    def _put(self, event: Callable[..., ConfigEvent], *details: object) -> None:
        if self._outbox:
            self._outbox.put(event(self._clock.now(), self.version, *details))
