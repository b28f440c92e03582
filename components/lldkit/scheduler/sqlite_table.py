"""The records of an SQLite file as one transaction sees them: a `ledger.Table` that writes once, at the end."""

import json
import sqlite3
from collections import Counter
from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Any

from lldkit.clock import MICRO
from lldkit.scheduler.interface import JobState, Keep
from lldkit.scheduler.rows import CODES, COLUMNS, MUTABLE, NAMES, mutable_row, record_from_row, row_from_record
from lldkit.scheduler.store import NewJob, Record, ScheduleState

__all__ = ["SQLiteTable"]

AT_ONCE = 1_000
"""How many jobs one claim promotes or takes back at most."""
PRUNED_AT_ONCE = 10_000

# ruff: noqa: S608 - the parts are constants
SELECT = f"SELECT {COLUMNS} FROM lldkit_jobs"
BY_ID = f"{SELECT} WHERE id IN (SELECT value FROM json_each(?)) ORDER BY seq"
LAPSED = f"{SELECT} WHERE state = 3 AND queue = ? AND lease <= ? ORDER BY lease, seq LIMIT {AT_ONCE}"
HELD = f"{SELECT} WHERE state = 3 AND worker = ? ORDER BY seq"
SAME = f"{SELECT} WHERE queue = ? AND unique_key = ? AND unique_key IS NOT NULL ORDER BY seq"
LIVE_OF_KEY = f"{SELECT} WHERE queue = ? AND key = ? AND key IS NOT NULL AND state < 4 ORDER BY seq"
FIRST_OF_KEY = f"{LIVE_OF_KEY} LIMIT 1"
READY = f"""
    {SELECT} WHERE state = 2 AND queue = ? AND (rank, seq) > (?, ?)
    AND (grp IS NULL OR grp NOT IN (SELECT value FROM json_each(?))) ORDER BY rank, seq LIMIT ?
"""
GROUPS = """
    SELECT grp, count(*) FROM lldkit_jobs WHERE state = 3 AND queue = ? AND grp IS NOT NULL GROUP BY grp
"""
CHILDREN = """
    SELECT parent, child FROM lldkit_job_parents
    WHERE parent IN (SELECT value FROM json_each(?)) ORDER BY parent, child
"""
INSERT = f"INSERT INTO lldkit_jobs ({COLUMNS}) VALUES ({', '.join('?' * len(NAMES))})"
INSERT_PARENT = "INSERT OR IGNORE INTO lldkit_job_parents VALUES (?, ?)"
UPDATE = f"UPDATE lldkit_jobs SET {', '.join(f'{name} = ?' for name in MUTABLE)} WHERE seq = ?"
RENUMBER = "UPDATE lldkit_jobs SET seq = ? WHERE seq = ?"
PROMOTE = f"""
    UPDATE lldkit_jobs SET state = 2 WHERE seq IN (
        SELECT seq FROM lldkit_jobs WHERE state = 1 AND queue = ? AND due <= ? ORDER BY due LIMIT {AT_ONCE})
"""
COUNT = """
    INSERT INTO lldkit_job_counts VALUES (?, ?, ?) ON CONFLICT (queue, what) DO UPDATE SET n = n + excluded.n
"""
OLDEST = f"""
    SELECT seq, id FROM (
        SELECT seq, id FROM lldkit_jobs WHERE queue = ? AND state = ? AND finished < ?
        ORDER BY finished, seq LIMIT ?
    ) AS job WHERE NOT EXISTS (
        SELECT * FROM lldkit_job_parents JOIN lldkit_jobs AS child ON child.id = lldkit_job_parents.child
        WHERE parent = job.id AND child.state < 3
    ) LIMIT {PRUNED_AT_ONCE}
"""


class SQLiteTable:
    """Changes are kept until the next question or `flush`, so that a batch is one `executemany`."""

    def __init__(self, connection: sqlite3.Connection, now: int) -> None:
        self.now = now
        self._cursor = connection.cursor()
        self._cursor.row_factory = None  # the connection may be somebody else's
        self._added: list[Record] = []
        self._changed: dict[str, tuple[Record, Record]] = {}
        self._counts: Counter[tuple[str, str]] = Counter()
        self._seq: int | None = None

    def _ask(self, sql: str, *parameters: Any) -> list[Record]:
        self._write()
        return list(map(record_from_row, self._cursor.execute(sql, parameters)))

    def next_seq(self, _: NewJob, /) -> int:
        """The number after the last one, which is kept among the counts."""
        if self._seq is None:
            self._seq = self.counts("").get("seq", 0)
        self._seq += 1
        self._counts["", "seq"] += 1
        return self._seq

    def get(self, ids: Iterable[str]) -> Mapping[str, Record]:
        """The jobs that exist."""
        return {record.new.id: record for record in self._ask(BY_ID, json.dumps(list(ids)))}

    def parents(self, job: NewJob) -> Mapping[str, Record]:
        """The parents that exist."""
        return self.get(job.parents)

    def change(self, old: Record | None, new: Record) -> None:
        """Keep a change for later."""
        queue = new.new.queue
        if old is None:
            self._added.append(new)
        else:
            self._counts[queue, old.state.value] -= 1
            self._counts[queue, "claims"] += new.fence - old.fence
            first, _ = self._changed.get(new.new.id, (old, old))
            self._changed[new.new.id] = first, new
        self._counts[queue, new.state.value] += 1

    def _write(self) -> None:
        """Write what was kept."""
        if self._added:
            added, self._added = self._added, []
            self._cursor.executemany(INSERT, map(row_from_record, added))
            families = [(parent, record.new.id) for record in added for parent in record.new.parents]
            self._cursor.executemany(INSERT_PARENT, families)
        if self._changed:
            changed, self._changed = list(self._changed.values()), {}
            self._cursor.executemany(UPDATE, [(*mutable_row(new), old.seq) for old, new in changed])
            self._cursor.executemany(RENUMBER, [(new.seq, old.seq) for old, new in changed if new.seq != old.seq])

    def flush(self) -> None:
        """Write everything; before the commit."""
        self._write()
        counts = [(queue, what, count) for (queue, what), count in self._counts.items() if count]
        self._counts.clear()
        self._cursor.executemany(COUNT, counts)

    def promote(self, queue: str) -> None:
        """Make jobs READY."""
        self._write()
        promoted = self._cursor.execute(PROMOTE, (queue, self.now)).rowcount
        self._counts[queue, JobState.SCHEDULED.value] -= promoted
        self._counts[queue, JobState.READY.value] += promoted

    def lapsed(self, queue: str) -> Iterable[Record]:
        """Leases that have ended."""
        return self._ask(LAPSED, queue, self.now)

    def held_by(self, worker: str) -> Iterable[Record]:
        """Leases of a worker."""
        return self._ask(HELD, worker)

    def ready(self, queue: str, full: set[str], at_once: int = 50) -> Generator[Record]:
        """READY jobs, page by page."""
        rank, seq = -(2**63), 0
        while page := self._ask(READY, queue, rank, seq, json.dumps(list(full)), at_once):
            yield from (record for record in page if record.new.group not in full)
            rank, seq = page[-1].rank, page[-1].seq

    def running_groups(self, queue: str) -> Mapping[str, int]:
        """Count the running jobs of each group."""
        self._write()
        return dict(self._cursor.execute(GROUPS, (queue,)).fetchall())

    def rate(self, queue: str, group: str) -> Any:
        """The state of a rate limit, whose inner tuple is a list in JSON."""
        sql = "SELECT state FROM lldkit_job_rates WHERE queue = ? AND grp = ?"
        found = self._cursor.execute(sql, (queue, group)).fetchone()
        if found is None:
            return None
        at, rate = json.loads(found[0])
        return at, tuple(rate)

    def set_rate(self, queue: str, group: str, state: Any) -> None:
        """Keep the state of a rate limit."""
        self._cursor.execute("REPLACE INTO lldkit_job_rates VALUES (?, ?, ?)", (queue, group, json.dumps(state)))

    def same(self, queue: str, unique_key: str) -> Iterable[Record]:
        """The jobs with a unique key."""
        return self._ask(SAME, queue, unique_key)

    def first_of_key(self, queue: str, key: str) -> Record | None:
        """The first to arrive of a key."""
        return next(iter(self._ask(FIRST_OF_KEY, queue, key)), None)

    def live_of_key(self, queue: str, key: str) -> Iterable[Record]:
        """The jobs of a key that have not ended."""
        return self._ask(LIVE_OF_KEY, queue, key)

    def schedules(self, queue: str) -> Mapping[str, ScheduleState]:
        """The schedules that are known."""
        rows = self._cursor.execute("SELECT name, text, last, paused FROM lldkit_schedules WHERE queue = ?", (queue,))
        return {name: ScheduleState(text, last, bool(paused)) for name, text, last, paused in rows}

    def set_schedule(self, queue: str, name: str, state: ScheduleState | None) -> None:
        """Keep a schedule, or forget it."""
        if state is None:
            self._cursor.execute("DELETE FROM lldkit_schedules WHERE queue = ? AND name = ?", (queue, name))
        else:
            self._cursor.execute("REPLACE INTO lldkit_schedules VALUES (?, ?, ?, ?, ?)", (queue, name, *state))

    def children(self, parents: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """The children of those that have any."""
        self._write()
        families: dict[str, list[str]] = {}
        for parent, child in self._cursor.execute(CHILDREN, (json.dumps(list(parents)),)):
            families.setdefault(parent, []).append(child)
        return families

    def waiting(self, queue: str) -> int:
        """Count the waiting jobs."""
        counts = self.counts(queue)
        return sum(counts.get(state.value, 0) for state in (JobState.BLOCKED, JobState.SCHEDULED, JobState.READY))

    def counts(self, queue: str) -> Counter[str]:
        """How many jobs are in each state, and how many claims there were."""
        counts = Counter(dict(self._cursor.execute("SELECT what, n FROM lldkit_job_counts WHERE queue = ?", (queue,))))
        for (of, what), count in self._counts.items():
            if of == queue:
                counts[what] += count
        return counts

    def prune(self, queue: str, keep: Keep) -> int:
        """Forget ended jobs: the oldest that are too old or too many, but for parents whose children wait."""
        oldest = 0 if keep.seconds is None else self.now - round(keep.seconds * MICRO)
        pruned: list[tuple[int, str]] = []
        counts = self.counts(queue)
        for state in (JobState.SUCCEEDED, JobState.DEAD, JobState.CANCELLED):
            most = keep.succeeded_rows if state is JobState.SUCCEEDED else keep.dead_rows
            surplus = 0 if most is None else max(0, counts[state.value] - most)
            asked = [(queue, CODES[state], oldest, -1), (queue, CODES[state], 2**63 - 1, surplus)]
            chosen = max(
                (self._cursor.execute(OLDEST, each).fetchall() for each in asked), key=len
            )  # one holds the other
            self._counts[queue, state.value] -= len(chosen)
            pruned += chosen
        self._cursor.executemany("DELETE FROM lldkit_jobs WHERE seq = ?", [(seq,) for seq, _ in pruned])
        self._cursor.executemany("DELETE FROM lldkit_job_parents WHERE parent = ?", [(job_id,) for _, job_id in pruned])
        return len(pruned)
