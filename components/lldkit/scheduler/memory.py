"""The engine of one process: dicts and heaps, and a lock around each verb."""

import heapq
import threading
from collections import Counter, defaultdict
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import attrgetter
from typing import Any, TypeAlias, TypeVar

from lldkit.clock import MICRO, SYSTEM, Clock
from lldkit.scheduler.interface import ENDED, WAITING, JobState, Keep
from lldkit.scheduler.store import NewJob, Record, ScheduleState
from lldkit.scheduler.transactional import TransactionalStore
from lldkit.scheduler.transitions import promoted

__all__ = ["MemoryStore"]

Entry: TypeAlias = tuple[int, int, str]
"""(rank, due time or end, seq, id)."""

AT_ONCE = 1_000
"""How many due jobs one claim promotes at most."""


class MemoryStore(TransactionalStore):
    """Keeps jobs in this process; they end with it. The default store of a queue, and the one to test with.

    Safe for threads. A put costs O(log n), a claim O(groups + jobs log n), of n waiting jobs. `clock` is the store's
    time; a queue that makes its own store lends it its own clock.
    """

    def __init__(self, *, clock: Clock = SYSTEM) -> None:
        super().__init__()
        self._clock = clock
        self._lock = threading.Lock()  # guards the table
        self._table = _Table()

    @contextmanager
    def _transaction(self, connection: Any = None) -> Iterator["_Table"]:
        if connection is not None:
            raise ValueError(
                "a MemoryStore has no transactions to join; give a connection only to a store on a database"
            )
        with self._lock:
            self._table.begin(self.now())
            try:
                yield self._table
            except BaseException:
                self._table.roll_back()
                raise

    def _reading(self) -> Any:
        return self._transaction()

    def prune(self, queue: str, keep: Keep) -> int:
        """Forget ended jobs, the oldest first."""
        with self._transaction() as table:
            return table.prune(queue, keep)

    def jobs(
        self, queue: str, *, state: JobState | None, task: str | None, limit: int, before: int | None
    ) -> Sequence[Record]:
        """List jobs; looks at all of them."""
        with self._transaction() as table:
            chosen = (
                record
                for record in table.records.values()
                if record.new.queue == queue
                and state in {None, record.state}
                and task in {None, record.new.task}
                and (before is None or record.seq < before)
            )
            return heapq.nlargest(limit, chosen, key=attrgetter("seq"))

    def stats(self, queue: str) -> Mapping[JobState, int]:
        """Count jobs; O(1)."""
        with self._transaction() as table:
            return dict(table.lane(queue).counts)

    def claims(self, queue: str) -> int:
        """Count claims; O(1)."""
        with self._transaction() as table:
            return table.lane(queue).claims

    def now(self) -> int:
        """The clock's wall time."""
        return round(self._clock.now().timestamp() * MICRO)

    def next_due(self, queue: str) -> int | None:
        """When the first SCHEDULED job is due or the first lease ends."""
        with self._transaction() as table:
            lane = table.lane(queue)
            leases = [table.records[job_id].lease for job_id in lane.running]
            scheduled = table.head(lane.scheduled, JobState.SCHEDULED)
            return min([*leases, *([scheduled[0]] if scheduled else [])], default=None)

    def __repr__(self) -> str:
        return f"<MemoryStore with {len(self._table.records)} jobs>"


class _Lane:
    """One queue: heaps in which the entries of jobs that have moved on are left, to be skipped."""

    __slots__ = ("claims", "counts", "ended", "lapses", "ready", "running", "scheduled")

    def __init__(self) -> None:
        self.ready: dict[str, list[Entry]] = {}  # by group; "" is none
        self.scheduled: list[Entry] = []
        self.running: dict[str, None] = {}
        self.lapses = 0  # no lease ends before
        self.ended: dict[JobState, list[Entry]] = {state: [] for state in ENDED}
        self.counts: Counter[JobState] = Counter()
        self.claims = 0


class _Table:
    """All records and what finds them. The store's lock is held."""

    def __init__(self) -> None:
        self.now = 0
        self._undo: list[tuple[Record | None, Record]] = []
        self.records: dict[str, Record] = {}
        self._seq = self._seq_before = 0
        self._lanes: defaultdict[str, _Lane] = defaultdict(_Lane)
        self._keys: defaultdict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
        self._same: defaultdict[tuple[str, str], dict[str, None]] = defaultdict(dict)
        self._children: defaultdict[str, list[str]] = defaultdict(list)
        self._held: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._rates: dict[tuple[str, str], Any] = {}
        self._schedules: defaultdict[str, dict[str, ScheduleState]] = defaultdict(dict)

    def lane(self, queue: str) -> _Lane:
        """The queue."""
        return self._lanes[queue]

    def begin(self, now: int) -> None:
        """Begin a transaction."""
        self.now = now
        self._undo.clear()
        self._seq_before = self._seq

    def next_seq(self, _: NewJob, /) -> int:
        """The next number."""
        self._seq += 1
        return self._seq

    def get(self, ids: Iterable[str]) -> Mapping[str, Record]:
        """The jobs that exist."""
        records = self.records
        return {job_id: records[job_id] for job_id in ids if job_id in records}

    def parents(self, job: NewJob) -> Mapping[str, Record]:
        """The parents that exist."""
        return self.get(job.parents)

    def change(self, old: Record | None, new: Record) -> None:
        """Write a record, and remember how to take it back."""
        self._undo.append((old, new))
        self._write(old, new)

    def roll_back(self) -> None:
        """Take back what this transaction has changed."""
        for old, new in reversed(self._undo):
            self._write(new, old)
        self._seq = self._seq_before

    def _write(self, old: Record | None, new: Record | None) -> None:
        if old is None and new is not None:
            self._enlist(new)
        elif new is None and old is not None:
            self._delist(old)
        if old is not None:
            self._leave(old)
        if new is not None:
            self.records[new.new.id] = new
            self._enter(new)
            self._lanes[new.new.queue].claims += old is not None and new.fence > old.fence
            if new.new.key is not None and (old is None or old.state in ENDED):
                heapq.heappush(self._keys[new.new.queue, new.new.key], (new.seq, new.new.id))

    def _enter(self, record: Record) -> None:
        """Put a record where its state wants it."""
        new, state = record.new, record.state
        lane = self._lanes[new.queue]
        lane.counts[state] += 1
        if state is JobState.READY:
            heap = lane.ready.setdefault(new.group or "", [])
            heapq.heappush(heap, (record.rank, record.seq, new.id))
        elif state is JobState.SCHEDULED:
            heapq.heappush(lane.scheduled, (record.due, record.seq, new.id))
        elif state is JobState.RUNNING:
            lane.running[new.id] = None
            lane.lapses = min(lane.lapses, record.lease)
            self._held[record.worker or ""][new.id] = None
        elif state in ENDED:
            heapq.heappush(lane.ended[state], (record.finished or 0, record.seq, new.id))

    def _leave(self, record: Record) -> None:
        """Take a record from where its state had it."""
        new = record.new
        lane = self._lanes[new.queue]
        lane.counts[record.state] -= 1
        if record.state is JobState.RUNNING:
            del lane.running[new.id]
            _discard(self._held, record.worker or "", new.id)

    def _enlist(self, record: Record) -> None:
        """Let a new job be found by its unique key and by its parents."""
        new = record.new
        if new.unique_key is not None:
            self._same[new.queue, new.unique_key][new.id] = None
        for parent in new.parents:
            self._children[parent].append(new.id)

    def _delist(self, record: Record) -> None:
        """Forget a job."""
        new = record.new
        del self.records[new.id]
        self._children.pop(new.id, None)
        if new.unique_key is not None:
            _discard(self._same, (new.queue, new.unique_key), new.id)
        for parent in new.parents:
            if new.id in self._children.get(parent, ()):
                self._children[parent].remove(new.id)

    def head(self, heap: list[Entry], state: JobState) -> Entry | None:
        """The first entry of a heap that is still true; those before it are dropped."""
        while heap:
            place, seq, job_id = heap[0]
            record = self.records.get(job_id)
            if record is not None and record.state is state and record.seq == seq and place == _place(record):
                return heap[0]
            heapq.heappop(heap)
        return None

    def promote(self, queue: str) -> None:
        """Make jobs READY."""
        lane = self._lanes[queue]
        for _ in range(AT_ONCE):
            first = self.head(lane.scheduled, JobState.SCHEDULED)
            if first is None or first[0] > self.now:
                return
            record = self.records[first[2]]
            self.change(record, promoted(record))

    def lapsed(self, queue: str) -> Iterable[Record]:
        """Leases that have ended."""
        lane = self._lanes[queue]
        if not lane.running or lane.lapses > self.now:
            return []
        records = [self.records[job_id] for job_id in lane.running]
        lane.lapses = min(record.lease for record in records)
        return sorted((each for each in records if each.lease <= self.now), key=attrgetter("lease", "seq"))

    def held_by(self, worker: str) -> Iterable[Record]:
        """Leases of a worker."""
        return [self.records[job_id] for job_id in self._held.get(worker, ())]

    def ready(self, queue: str, full: set[str]) -> Generator[Record]:
        """READY jobs, merged from the heaps of their groups. What is still READY at the end goes back to its heap."""
        lane = self._lanes[queue]
        heads = [(first, group or "") for group in list(lane.ready) if (first := self._first_of_group(lane, group))]
        heapq.heapify(heads)
        seen: list[Entry] = []
        try:
            while heads:
                first, group = heads[0]
                heap = lane.ready[group]
                if group not in full:
                    seen.append(heapq.heappop(heap))
                    yield self.records[first[2]]
                following = None if group in full else self._first_of_group(lane, group)
                if following is None:
                    heapq.heappop(heads)
                else:
                    heapq.heapreplace(heads, (following, group))
        finally:
            for entry in seen:
                record = self.records[entry[2]]
                if record.state is JobState.READY:
                    heapq.heappush(lane.ready.setdefault(record.new.group or "", []), entry)

    def _first_of_group(self, lane: _Lane, group: str) -> Entry | None:
        first = self.head(lane.ready[group], JobState.READY)
        if first is None:
            del lane.ready[group]
        return first

    def running_groups(self, queue: str) -> Mapping[str, int]:
        """Count the running jobs of each group."""
        groups = (self.records[job_id].new.group for job_id in self._lanes[queue].running)
        return Counter(group for group in groups if group is not None)

    def rate(self, queue: str, group: str) -> Any:
        """The state of a rate limit."""
        return self._rates.get((queue, group))

    def set_rate(self, queue: str, group: str, state: Any) -> None:
        """Keep the state of a rate limit."""
        self._rates[queue, group] = state

    def same(self, queue: str, unique_key: str) -> Iterable[Record]:
        """The jobs with a unique key."""
        found = (self.records[job_id] for job_id in self._same.get((queue, unique_key), ()))
        return sorted(found, key=attrgetter("seq"))

    def first_of_key(self, queue: str, key: str) -> Record | None:
        """The first to arrive of a key."""
        heap = self._keys.get((queue, key), [])
        while heap:
            seq, job_id = heap[0]
            record = self.records.get(job_id)
            if record is not None and record.seq == seq and record.state not in ENDED:
                return record
            heapq.heappop(heap)
        self._keys.pop((queue, key), None)
        return None

    def live_of_key(self, queue: str, key: str) -> Iterable[Record]:
        """The jobs of a key that have not ended."""
        found = {job_id: self.records.get(job_id) for _, job_id in sorted(self._keys.get((queue, key), ()))}
        return [record for record in found.values() if record is not None and record.state not in ENDED]

    def schedules(self, queue: str) -> Mapping[str, ScheduleState]:
        """The schedules that are known."""
        return self._schedules[queue]

    def set_schedule(self, queue: str, name: str, state: ScheduleState | None) -> None:
        """Keep a schedule, or forget it."""
        if state is None:
            self._schedules[queue].pop(name, None)
        else:
            self._schedules[queue][name] = state

    def children(self, parents: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """The children of those that have any."""
        return {parent: tuple(self._children[parent]) for parent in parents if parent in self._children}

    def waiting(self, queue: str) -> int:
        """Count the waiting jobs."""
        counts = self._lanes[queue].counts
        return sum(counts[state] for state in WAITING)

    def prune(self, queue: str, keep: Keep) -> int:
        """Forget ended jobs."""
        lane = self._lanes[queue]
        before = len(self.records)
        oldest = 0 if keep.seconds is None else self.now - round(keep.seconds * MICRO)
        for state, ended in lane.ended.items():
            most = keep.succeeded_rows if state is JobState.SUCCEEDED else keep.dead_rows
            needed: list[Entry] = []
            while (first := self.head(ended, state)) is not None:
                if first[0] >= oldest and not _is_above(most, lane.counts[state] - len(needed)):
                    break
                heapq.heappop(ended)
                job_id = first[2]
                children = (self.records[child].state for child in self._children.get(job_id, ()))
                if not WAITING.isdisjoint(children):
                    needed.append(first)
                else:
                    self._write(self.records[job_id], None)
            for entry in needed:
                heapq.heappush(ended, entry)
        return before - len(self.records)


def _place(record: Record) -> int | None:
    """What the heap of the record's state is sorted by."""
    if record.state is JobState.READY:
        return record.rank
    return record.due if record.state is JobState.SCHEDULED else record.finished


def _is_above(most: int | None, count: int) -> bool:
    return most is not None and count > most


K = TypeVar("K")


def _discard(index: dict[K, dict[str, None]], place: K, job_id: str) -> None:
    """Take a job out of an index, and the place with its last job."""
    index[place].pop(job_id, None)
    if not index[place]:
        del index[place]
