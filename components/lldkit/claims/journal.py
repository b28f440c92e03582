"""A journal and its replicas: whoever appends next decides, and everybody's state is the fold of what was appended.

A journal numbers records without gaps. `append` is compare and set: it takes place only if the journal still ends where
the writer thinks it does. So a decision that was made upon a state is recorded only if that state was the newest, and
no lock is held between processes. A `Replica` keeps a state in memory, decides upon it, appends, and applies what it
appended; when somebody was faster it reads what it missed and decides again.

So a replica need not ask before it decides. It takes its state for the newest, and for the engine's time the last one
it was told and what has passed since; the engine records only what was decided upon the newest state, in a span of its
own time in which nothing else falls due. A refusal is never made upon a guess.
"""

import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from lldkit.claims.times import to_micros
from lldkit.clock import MICRO, Clock
from lldkit.errors import LldkitError

__all__ = [
    "Conflicted",
    "Journal",
    "JournalDamaged",
    "MemoryJournal",
    "Read",
    "Record",
    "Replica",
    "State",
    "Unreachable",
]

Record: TypeAlias = dict[str, Any]
"""One thing that happened: JSON values, of which `at` is the time in microseconds."""

R = TypeVar("R")


class JournalDamaged(LldkitError):
    """Record `seq` is not what was written, and others stand behind it."""

    def __init__(self, seq: int, reason: str) -> None:
        super().__init__(f"record {seq} of the journal is damaged: {reason}")
        self.seq, self.reason = seq, reason

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.seq, self.reason)


class Unreachable(LldkitError):
    """The engine did not answer; whether records were appended is unknown."""


class Conflicted(LldkitError):
    """Others were faster `MOST_TRIES` times in a row; nothing was appended."""


@dataclass(frozen=True, slots=True)
class Read:
    """What stands behind a number: records with theirs, a snapshot if some of them are gone, the engine's time."""

    records: Sequence[tuple[int, Record]]
    snapshot: tuple[int, Mapping[str, Any]] | None = None
    now: int | None = None


class Journal(Protocol):
    """Numbered records that many share. Safe for threads; raises `Unreachable`, and `JournalDamaged` when read."""

    timed: bool
    """Whether the engine's clock counts, which `Read.now` tells."""

    def read(self, after: int) -> Read:
        """Return what stands behind record `after`."""
        ...

    def append(self, expected: int, records: Sequence[Record], *, since: int, before: int) -> bool:
        """Add records if `expected` is the last one, and if a timed journal's clock is between the two times."""
        ...

    def compact(self, seq: int, body: Mapping[str, Any]) -> None:
        """Keep the state after record `seq`, and let most records before it go."""
        ...

    def close(self) -> None:
        """Let go of what was opened here."""
        ...


class State(Protocol):
    """What a journal folds into. Deterministic: equal records make equal states."""

    now: int
    """The time of the last record."""

    def apply(self, seq: int, record: Record) -> None:
        """Take in one record."""
        ...

    def due(self, now: int) -> Sequence[Record]:
        """What has happened by the passing of time alone, and is not recorded yet."""
        ...

    def next_due(self) -> int | None:
        """A time before which nothing more happens by itself; None: nothing ever does."""
        ...

    def dump(self) -> Mapping[str, Any]:
        """All of it, as JSON values."""
        ...

    def load(self, body: Mapping[str, Any]) -> None:
        """Become what was dumped."""
        ...

    def weight(self) -> int:
        """About how many records a dump of it is as long as."""
        ...


S = TypeVar("S", bound=State)
MOST_TRIES = 1_000
MOST_THOUGHT, MOST_LATE = 5 * MICRO, 1 * MICRO
"""How long after the engine was asked for the time a decision may be recorded, and how late a guess may be."""
LONGEST_GUESSED = 60.0
"""How many seconds the time of an engine is guessed from its last answer; two clocks drift apart some milliseconds."""
LEAST_BETWEEN_SNAPSHOTS = 10_000


class Replica(Generic[S]):
    """A state that follows a journal. Safe for threads."""

    def __init__(self, journal: Journal, state: S, *, clock: Clock) -> None:
        self._journal, self.state, self._clock = journal, state, clock
        self._lock = threading.Lock()
        self.seq = 0
        self._compacted = 0
        self._sure = False  # whether what the journal has is known: not before the first read, nor after a failure
        self._told = 0, 0.0  # the engine's time when it was last asked, and the monotonic time of the answer

    def look(self, question: Callable[[S, int], R]) -> R:
        """The answer to a question about the newest state."""
        with self._lock:
            return question(self.state, self._settle(self._catch_up()))

    def decide(self, decision: Callable[[S, int], tuple[Sequence[Record], Callable[[], R]]]) -> R:
        """Append what `decision` says about the newest state; then return its answer. What it raises is raised.

        It is called again when somebody else was faster, and must do nothing but decide.
        """
        with self._lock:
            guess = self._guess()
            for _ in range(MOST_TRIES):
                now = self._settle(self._catch_up() if guess is None else guess, guess)
                try:
                    records, answer = decision(self.state, now)
                except Exception:
                    if guess is None:
                        raise
                else:
                    if self._append(records, *self._span(now, guess)) if records else guess is None:
                        return answer()
                guess = None
        raise Conflicted(f"others were faster {MOST_TRIES} times in a row; try again")

    def records(self, after: int, limit: int) -> Sequence[tuple[int, Record]]:
        """Up to `limit` records behind `after`, of those that the journal still has; what is due is recorded first."""
        with self._lock:
            self._settle(self._catch_up())
            return self._journal.read(after).records[:limit]

    def _guess(self) -> int | None:
        """What time it is, if the state may be the newest: not after this time has come, and hardly before."""
        if not self._sure:
            return None
        if not self._journal.timed:
            return to_micros(self._clock.now())
        engine, at = self._told
        passed = self._clock.monotonic() - at
        return engine + int(passed * MICRO) if passed < LONGEST_GUESSED else None

    def _span(self, now: int, guess: int | None) -> tuple[int, int]:
        """Since when and before when a decision may be recorded: upon a guess, only while nothing else falls due."""
        if guess is None or not self._journal.timed:
            return 0, now + MOST_THOUGHT
        following = self.state.next_due()
        return guess, guess + MOST_LATE if following is None else min(guess + MOST_LATE, following)

    def _settle(self, now: int, guess: int | None = None) -> int:
        """Record what is due; time never runs back."""
        while due := self.state.due(max(now, self.state.now)):
            if not self._append(due, guess or 0, now + MOST_THOUGHT):
                now, guess = self._catch_up(), None
        return max(now, self.state.now)

    def _catch_up(self) -> int:
        self._sure = False
        read = self._journal.read(self.seq)
        if read.snapshot is not None:
            self.seq, body = read.snapshot
            self._compacted = self.seq
            self.state.load(body)
        for seq, record in read.records:
            self.state.apply(seq, record)
            self.seq = seq
        self._sure = True
        if read.now is None:
            return to_micros(self._clock.now())
        self._told = read.now, self._clock.monotonic()
        return read.now

    def _append(self, records: Sequence[Record], since: int, before: int) -> bool:
        self._sure = False
        if not self._journal.append(self.seq, records, since=since, before=before):
            return False
        for record in records:
            self.seq += 1
            self.state.apply(self.seq, record)
        self._sure = True
        if self.seq - self._compacted > max(LEAST_BETWEEN_SNAPSHOTS, self.state.weight()):
            self._journal.compact(self.seq, self.state.dump())
            self._compacted = self.seq
        return True


class MemoryJournal:
    """A journal for the replicas of one process. Safe for threads."""

    timed = False

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: list[Record] = []
        self._before = 0  # how many records are gone
        self._snapshot: tuple[int, Mapping[str, Any]] | None = None

    def read(self, after: int) -> Read:
        """Return what stands behind record `after`."""
        if after == self._before + len(self._records):
            return _NOTHING
        with self._lock:
            snapshot = self._snapshot if after < self._before else None
            after = snapshot[0] if snapshot else after
            behind = itertools.islice(self._records, after - self._before, None)
            return Read([(seq, record) for seq, record in enumerate(behind, after + 1)], snapshot)

    def append(self, expected: int, records: Sequence[Record], *, since: int = 0, before: int = 0) -> bool:  # noqa: ARG002 - see Journal
        """Add records if `expected` is the last one."""
        with self._lock:
            if expected != self._before + len(self._records):
                return False
            self._records.extend(records)
            return True

    def compact(self, seq: int, body: Mapping[str, Any]) -> None:
        """Keep the state after record `seq` in place of the records before it."""
        with self._lock:
            if seq > self._before:
                del self._records[: seq - self._before]
                self._before, self._snapshot = seq, (seq, body)

    def close(self) -> None:
        """Nothing was opened."""


_NOTHING = Read(())
