"""A journal and its replicas: whoever appends next decides, and everybody's state is the fold of what was appended.

A journal numbers records without gaps. `append` is compare and set: it takes place only if the journal still ends where
the writer thinks it does. So a decision that was made upon a state is recorded only if that state was the newest, and
no lock is held between processes. A `Replica` keeps a state in memory, decides upon it, appends, and applies what it
appended; when somebody was faster it reads what it missed and decides again.
"""

import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

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
    """Whether the engine's clock counts, so that it is asked before each decision."""

    def read(self, after: int) -> Read:
        """Return what stands behind record `after`."""
        ...

    def append(self, expected: int, records: Sequence[Record], *, now: int) -> bool:
        """Add records if `expected` is the last one; a timed journal also refuses if it was read long before."""
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
LEAST_BETWEEN_SNAPSHOTS = 10_000


class Replica(Generic[S]):
    """A state that follows a journal; `now` reads a clock in microseconds, for one without time. Safe for threads."""

    def __init__(self, journal: Journal, state: S, *, now: Callable[[], int]) -> None:
        self._journal, self.state, self._clock = journal, state, now
        self._lock = threading.Lock()
        self.seq = 0
        self._compacted = 0
        self._sure = False  # whether what the journal has is known: not before the first read, nor after a failure

    def look(self, question: Callable[[S, int], R]) -> R:
        """The answer to a question about the newest state."""
        with self._lock:
            return question(self.state, self._settle(self._catch_up()))

    def decide(self, decision: Callable[[S, int], tuple[Sequence[Record], Callable[[], R]]]) -> R:
        """Append what `decision` says about the newest state; then return its answer. What it raises is raised.

        It is called again when somebody else was faster, and must do nothing but decide.
        """
        with self._lock:
            fresh = False
            for _ in range(MOST_TRIES):
                if fresh or self._journal.timed or not self._sure:
                    now, fresh = self._catch_up(), True
                else:
                    now = self._clock()
                now = self._settle(now)
                try:
                    records, answer = decision(self.state, now)
                except Exception:
                    if fresh:
                        raise
                    fresh = True
                    continue
                if records and self._append(records, now):
                    return answer()
                if not records and fresh:
                    return answer()
                fresh = True
        raise Conflicted(f"others were faster {MOST_TRIES} times in a row; try again")

    def records(self, after: int, limit: int) -> Sequence[tuple[int, Record]]:
        """Up to `limit` records behind `after`, of those that the journal still has; what is due is recorded first."""
        with self._lock:
            self._settle(self._catch_up())
            return self._journal.read(after).records[:limit]

    def _settle(self, now: int) -> int:
        """Record what is due; time never runs back."""
        while due := self.state.due(max(now, self.state.now)):
            if not self._append(due, now):
                now = self._catch_up()
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
        return self._clock() if read.now is None else read.now

    def _append(self, records: Sequence[Record], now: int) -> bool:
        self._sure = False
        if not self._journal.append(self.seq, records, now=now):
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

    def append(self, expected: int, records: Sequence[Record], *, now: int) -> bool:  # noqa: ARG002 - see Journal
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
