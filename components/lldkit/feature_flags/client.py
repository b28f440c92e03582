"""The shell: a document store in, flags out, swapped whole; and whoever wants to hear of it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

from lldkit.arguments import check_number
from lldkit.clock import SYSTEM, Clock
from lldkit.events import Emitter, Outbox
from lldkit.feature_flags.cached import ORIGIN, read_cache, write_cache
from lldkit.feature_flags.context import EMPTY, Context
from lldkit.feature_flags.exposures import Exposures
from lldkit.feature_flags.interface import (
    Exposure,
    FlagEvent,
    FlagProblem,
    FlagsChanged,
    FlagsRejected,
    Format,
    Hook,
    RefreshResult,
    SourceBack,
    SourceLost,
    StickyStore,
)
from lldkit.feature_flags.link import EMPTY_RULES, changed_keys, link
from lldkit.feature_flags.model import RuleSet
from lldkit.feature_flags.parse import NATIVE, TYPES
from lldkit.feature_flags.reader import Reader
from lldkit.feature_flags.serving import Settings
from lldkit.feature_flags.stale import StaleFlag, find_stale
from lldkit.feature_flags.usage import Usage
from lldkit.feature_flags.view import FlagView
from lldkit.snapshot import (
    AsyncFollower,
    Cell,
    ChangeBus,
    Changes,
    Document,
    DocumentStore,
    Follower,
    MemoryStore,
    Missed,
    Snapshot,
    StoreUnavailable,
    Subscription,
    VersionNotFound,
    restart_after_fork,
)

__all__ = ["FlagClient"]


class FlagClient(Reader):
    """Flags of a document, decided here: in memory, without a lock, and never by raising. Safe for threads and tasks.

    `source` is a store, or a document. `defaults` are below the context of each call. While a store is away, or empty,
    the callers' defaults are served, or the last document, if it is in the `cache_file`. `strict` makes an unknown key
    raise `UnknownFlag`: for test suites. Hooks, sinks and sticky stores that raise are counted in `failures`. When the
    newest version was not seen for `stale_after_seconds`, the reason of evaluations is STALE. A refresh costs O(size of
    the document).
    """

    def __init__(
        self,
        source: DocumentStore | Mapping[str, object],
        *,
        format: Format = NATIVE,  # noqa: A002 - it is the word for it
        defaults: Context = EMPTY,
        strict: bool = False,
        sticky: StickyStore | None = None,
        hooks: Sequence[Hook] = (),
        on_exposure: Callable[[Exposure], object] | None = None,
        exposure_window: int = 10_000,
        stale_after_seconds: float | None = None,
        cache_file: Path | None = None,
        clock: Clock = SYSTEM,
        rng: Random | None = None,
        on_event: Callable[[FlagEvent], object] | None = None,
    ) -> None:
        if stale_after_seconds is not None:
            check_number("stale_after_seconds", stale_after_seconds, above=0)
        self._store: DocumentStore = MemoryStore(source, clock=clock) if isinstance(source, Mapping) else source
        self._format = format
        self._cache_file = cache_file
        self._clock = clock
        self._emit = Emitter(on_event)
        self._bus: ChangeBus[Any] = ChangeBus()  # of FlagEvent, from which `on_change` selects
        self._settings = Settings(
            clock,
            (SystemRandom() if rng is None else rng).random,
            self._emit,
            defaults=defaults,
            strict=strict,
            sticky=sticky,
            hooks=hooks,
            exposures=None if on_exposure is None else Exposures(on_exposure, exposure_window, clock),
            stale_after_seconds=stale_after_seconds,
        )
        self._usage = Usage()
        self._rules = EMPTY_RULES
        self._judged = ("", 0)  # the origin and version of the document that was read last
        self._rejected: tuple[FlagProblem, ...] = ()  # if that was none
        self._is_lost = False
        self._cell = Cell(Snapshot(EMPTY_RULES, 0, "nowhere", clock.now()))
        super().__init__(self._settings.serve(EMPTY_RULES))
        self._renew_locks()
        restart_after_fork(self, FlagClient._renew_locks)
        self.refresh()
        if self._is_lost and cache_file is not None:
            self._bootstrap(cache_file)

    def _renew_locks(self) -> None:
        """Make what a forked child must not inherit."""
        self._settings.renew_lock()
        self._turn = threading.Lock()  # of who refreshes; never held while user code runs
        self._outbox: Outbox[FlagEvent] = Outbox(self._tell)

    def _tell(self, event: FlagEvent) -> None:
        self._emit(event)
        self._bus.publish(event)

    # --- what is served ---

    @property
    def snapshot(self) -> Snapshot[RuleSet]:
        """The version that is served, with its number and origin, which is `cache` for one from the cache file."""
        return self._cell.current

    @property
    def problems(self) -> Sequence[FlagProblem]:
        """All that is wrong with the newest version."""
        return self._rejected or self._cell.current.value.problems

    @property
    def failures(self) -> int:
        """How often hooks, sinks, sticky stores, expressions and listeners have raised."""
        return self._settings.failures + self._emit.failures + self._bus.failures

    def view(self) -> FlagView:
        """A reader that stays at the version that is served now: take one per request."""
        return FlagView(self._served)

    # --- how it changes ---

    def refresh(self) -> RefreshResult:
        """Serve the newest version of the store, but for what is malformed in it; where the store is away, nothing."""
        try:
            return self._refresh()
        except StoreUnavailable as error:
            return RefreshResult(False, self.version, frozenset(), (FlagProblem("", "", str(error), fatal=True),))

    async def arefresh(self) -> RefreshResult:
        """`refresh` in a thread, for tasks."""
        return await asyncio.to_thread(self.refresh)

    def _refresh(self) -> RefreshResult:
        try:
            with self._turn:
                return self._read()
        finally:
            self._outbox.tell()

    def _read(self) -> RefreshResult:
        now = self._clock.now()
        self._usage.collect(self._served.compiled.outcomes, now)
        try:
            document = self._store.read()
        except VersionNotFound:  # nothing was published yet
            self._note_answer()
            return RefreshResult(False, self.version, frozenset(), ())
        except StoreUnavailable:
            self._note_loss()
            raise
        self._note_answer()
        return self._apply(document)

    def _note_answer(self) -> None:
        self._settings.is_fresh()
        if self._is_lost:
            self._outbox.put(SourceBack(self._clock.now()))
        self._is_lost = False

    def _note_loss(self) -> None:
        if not self._is_lost:
            self._outbox.put(SourceLost(self._clock.now()))
        self._is_lost = True

    def _apply(self, document: Document) -> RefreshResult:
        current, now = self._cell.current, self._clock.now()
        is_older = document.origin == current.origin and document.version <= current.version
        if is_older or (document.origin, document.version) == self._judged:
            return RefreshResult(False, current.version, frozenset(), tuple(self.problems))
        self._judged = (document.origin, document.version)
        loaded = self._format.load(document.body, current.value.flags)
        fatal = tuple(problem for problem in loaded.problems if problem.fatal)
        if fatal and fatal != self._rejected:
            self._outbox.put(FlagsRejected(now, document.version, fatal))
        if any(not problem.key for problem in fatal):
            self._rejected = fatal  # of the whole document
            return RefreshResult(False, current.version, frozenset(), fatal)
        self._rejected = ()
        rules = link(loaded, document.version, current.value)
        changed = changed_keys(current.value, rules)
        self._usage.swap(rules, changed, now)
        self._cell.swap(Snapshot(rules, document.version, document.origin, now))
        self._served = self._settings.serve(rules)
        self._outbox.put(FlagsChanged(now, document.version, changed))
        self._write_cache(document)
        return RefreshResult(True, document.version, changed, rules.problems)

    def _write_cache(self, document: Document) -> None:
        if self._cache_file is not None and document.origin != ORIGIN:
            try:
                write_cache(self._cache_file, document)
            except OSError as error:
                self._settings.contain("the cache file", error)

    def _bootstrap(self, cache_file: Path) -> None:
        document = read_cache(cache_file)
        if document is not None:
            with self._turn:
                self._apply(document)
            self._outbox.tell()

    def follow(self, *, poll_seconds: float = 2.0) -> Follower[RuleSet]:
        """A thread that keeps this at the newest version, by hints, and by looking every `poll_seconds`."""
        return Follower(
            self._cell, lambda: self._refresh().version, self._hints, poll_seconds=poll_seconds, clock=self._clock
        )

    def afollow(self, *, poll_seconds: float = 2.0) -> AsyncFollower[RuleSet]:
        """`follow` as a task: `async with flags.afollow(): ...`."""

        async def refresh() -> int:
            return (await asyncio.to_thread(self._refresh)).version

        return AsyncFollower(self._cell, refresh, self._hints, poll_seconds=poll_seconds, clock=self._clock)

    def _hints(self, stop: threading.Event) -> Iterator[bool]:
        """Those of the store; a follower that listens in vain reads nothing, so the loss is noted here."""
        try:
            yield from self._store.hints(stop)
        except StoreUnavailable:
            with self._turn:
                self._note_loss()
            self._outbox.tell()
            raise

    # --- who hears of it ---

    def on_change(
        self, listener: Callable[[FlagsChanged], object], *, keys: Iterable[str] | None = None
    ) -> Subscription:
        """Call `listener` after each swap that changes the meaning of any of `keys` (None: of anything)."""
        return self._bus.subscribe(listener, select=_selecting(keys))

    def subscribe(self, listener: Callable[[FlagEvent], object]) -> Subscription:
        """Call `listener` with all that becomes of the document: changes, rejections, a store that comes and goes."""
        return self._bus.subscribe(listener)

    def changes(self, *, keys: Iterable[str] | None = None) -> AsyncIterator[FlagsChanged]:
        """The changes from now on, for a task."""
        return _selected(self._bus.changes(), _selecting(keys))

    # --- for tests, and for those who tidy up ---

    def override(self, values: Mapping[str, object]) -> AbstractContextManager[None]:
        """Within the block flags have these values for this thread or task, also flags that do not exist.

        Only who asks for the flag itself sees it, not the flags that need it. TypeError for a value that is none of the
        flag's type.
        """
        for key, value in values.items():
            flag = self._cell.current.value.flags.get(key)
            kinds = TYPES if flag is None or flag.type == "any" else (flag.type,)
            if not any(TYPES[kind](value) for kind in kinds):
                wanted = "a JSON value" if flag is None else flag.type
                raise TypeError(f"the override of {key!r} must be {wanted}, got {value!r}")
        return self._settings.overriding(values)

    def stale(self, *, unused_for: timedelta, source_root: Path | None = None) -> Sequence[StaleFlag]:
        """Flags to tidy up, as this client has seen them; with `source_root`, and where in the code they are."""
        with self._turn:
            now = self._clock.now()
            self._usage.collect(self._served.compiled.outcomes, now)
            rules, uses = self._cell.current.value, self._usage.copy()
        return find_stale(rules, uses, now, unused_for, source_root)


async def _selected(
    moves: Changes[FlagsChanged], select: Callable[[FlagsChanged], FlagsChanged | None]
) -> AsyncIterator[FlagsChanged]:
    try:
        async for move in moves:
            if not isinstance(move, Missed) and (change := select(move)) is not None:
                yield change
    finally:
        moves.close()


def _selecting(keys: Iterable[str] | None) -> Callable[[FlagEvent], FlagsChanged | None]:
    wanted = None if keys is None else frozenset(keys)

    def select(event: FlagEvent) -> FlagsChanged | None:
        if not isinstance(event, FlagsChanged) or (wanted is not None and not wanted & event.changed):
            return None
        return event

    return select
