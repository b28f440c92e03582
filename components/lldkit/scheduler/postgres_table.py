"""The records in PostgreSQL as one transaction sees and locks them: a `ledger.Table` that writes in batches."""

import hashlib
import json
from collections import Counter
from collections.abc import Generator, Iterable, Mapping, Sequence
from importlib import resources
from typing import Any

from psycopg.rows import tuple_row

from lldkit.clock import MICRO
from lldkit.engines.postgres import Connection
from lldkit.scheduler.interface import JobState, Keep
from lldkit.scheduler.rows import CODES, COLUMNS, NAMES, record_from_row, row_from_record
from lldkit.scheduler.store import LeaseRef, NewJob, Record, Renewal, ScheduleState

__all__ = ["PostgresTable", "Statements"]

_TEXT = resources.files("lldkit.scheduler").joinpath("postgres.sql").read_text(encoding="utf-8")
MANY = 20
"""How many rows are worth a COPY."""
COUNTS = [*(state.value for state in JobState), "claims"]


class Statements:
    """The statements of `postgres.sql` for one schema, and what belongs to the schema beside them."""

    def __init__(self, schema: str, lock_timeout: int) -> None:
        text = _TEXT.replace("{schema}", schema).replace("{columns}", COLUMNS)
        text = text.replace("{lock_timeout}", str(lock_timeout))
        sections = dict(section.split("\n", 1) for section in text.split("-- : ")[1:])
        self.migrations = [sql for name, sql in sections.items() if name.startswith("migration ")]
        self.sql = {name: sql.encode() for name, sql in sections.items()}
        self.namespace = f"scheduler.{schema}"
        self.channel = f"lldkit_scheduler_{schema}"

    def lock(self, *names: str) -> int:
        """The number of an advisory lock."""
        name = "\0".join([self.namespace, *names]).encode()
        return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), signed=True)


class PostgresTable:
    """What one transaction sees, in READ COMMITTED: each question sees what others have committed until then.

    So whoever asks for something that must not change meanwhile takes a lock first: of rows that may be changed, of a
    key or a unique key by an advisory lock. Changes are kept until the next question or `flush`, so that a batch is one
    statement.
    """

    def __init__(self, connection: Connection, statements: Statements, now: int, sender: str = "") -> None:
        self.now = now
        self._cursor = connection.cursor(row_factory=tuple_row)  # the connection may be somebody else's
        self._statements = statements
        self._sender = sender  # of the word that others hear at the commit
        self.page = 50  # how many jobs a claim takes in hand at once
        self.block = 1  # how many numbers are drawn at once
        self._added: list[Record] = []
        self._changed: dict[str, Record] = {}
        self._counts: Counter[tuple[str, str]] = Counter()
        self._numbers: list[int] = []
        self._locks: set[int] = set()

    def _run(self, statement: str, /, **given: Any) -> list[tuple[Any, ...]]:
        self._write()
        return self._execute(statement, **given)

    def _execute(self, statement: str, /, **given: Any) -> list[tuple[Any, ...]]:
        """Run a statement by a plan for the table as it is: one that is kept from its youth may read all of it."""
        cursor = self._cursor.execute(self._statements.sql[statement], given, prepare=False)
        return cursor.fetchall() if cursor.description else []

    def _ask(self, statement: str, /, **given: Any) -> list[Record]:
        return list(map(record_from_row, self._run(statement, **given)))

    # Locks

    def lock(self, *names: tuple[str, ...]) -> None:
        """Wait until these are ours until the end of the transaction; in one order for all, so that nobody blocks."""
        wanted = {self._statements.lock(*each) for each in names} - self._locks
        if wanted:
            self._locks |= wanted
            self._execute("lock", locks=sorted(wanted))

    def lock_keys(self, jobs: Iterable[NewJob]) -> None:
        """Take all locks of the keys and unique keys of new jobs at once."""
        keys = [("key", job.queue, job.key) for job in jobs if job.key is not None]
        unique = [("unique", job.queue, job.unique_key) for job in jobs if job.unique_key is not None]
        self.lock(*keys, *unique)

    # Records

    def next_seq(self, job: NewJob, /) -> int:
        """A number of the sequence, of which a block is drawn at once; one of a key alone and under its lock."""
        if job.key is not None:
            self.lock(("key", job.queue, job.key))
            return int(self._execute("numbers", count=1)[0][0])
        if not self._numbers:
            rows = self._execute("numbers", count=self.block)
            self._numbers = sorted((number for (number,) in rows), reverse=True)
        return self._numbers.pop()

    def get(self, ids: Iterable[str]) -> Mapping[str, Record]:
        """Lock and read the jobs that exist."""
        return {record.new.id: record for record in self._ask("get", ids=list(ids))}

    def look(self, ids: Iterable[str]) -> Mapping[str, Record]:
        """Read the jobs that exist."""
        return {record.new.id: record for record in self._ask("look", ids=list(ids))}

    def parents(self, job: NewJob) -> Mapping[str, Record]:
        """The parents that exist. Whoever ends one locks its row, and then that of the child."""
        return {record.new.id: record for record in self._ask("share", ids=list(job.parents))} if job.parents else {}

    def change(self, old: Record | None, new: Record) -> None:
        """Keep a change for later."""
        queue = new.new.queue
        if old is None:
            self._added.append(new)
        else:
            self._counts[queue, old.state.value] -= 1
            self._counts[queue, "claims"] += new.fence - old.fence
            self._changed[new.new.id] = new
        self._counts[queue, new.state.value] += 1

    def _write(self) -> None:
        """Write what was kept."""
        if self._added:
            added, self._added = self._added, []
            self._insert(added)
            families = [(parent, record.new.id) for record in added for parent in record.new.parents]
            if families:
                self._execute(
                    "insert_parents", parents=[each[0] for each in families], children=[e[1] for e in families]
                )
        if self._changed:
            changed, self._changed = self._changed, {}
            self._execute("update", rows=_as_json(changed.values()), ids=list(changed))

    def _insert(self, added: list[Record]) -> None:
        if len(added) < MANY:  # one round trip
            self._execute("insert", rows=_as_json(added))
            return
        with self._cursor.copy(self._statements.sql["copy"]) as copy:  # two, and a third of the time for each row
            for record in added:
                copy.write_row(row_from_record(record))

    def flush(self) -> None:
        """Write everything; before the commit."""
        self._write()
        rows: dict[str, dict[str, Any]] = {}
        for (queue, what), count in self._counts.items():
            if count:
                rows.setdefault(queue, {"queue": queue})[what] = count
        self._counts.clear()
        if rows:
            given = {"channel": self._statements.channel, "sender": self._sender}
            self._execute("add_counts", rows=json.dumps(list(rows.values())), **given)

    # What a claim asks

    def promote(self, queue: str) -> None:
        """Make jobs READY that nobody else has in hand."""
        self._write()
        self._cursor.execute(self._statements.sql["promote"], {"queue": queue, "now": self.now}, prepare=False)
        promoted = self._cursor.rowcount
        self._counts[queue, JobState.SCHEDULED.value] -= promoted
        self._counts[queue, JobState.READY.value] += promoted

    def lapsed(self, queue: str) -> Iterable[Record]:
        """Leases that have ended. One claim takes back at a time, so that it sees all that a worker has held."""
        if not self._run("has_lapsed", queue=queue, now=self.now)[0][0]:
            return []
        if not self._run("try_lock", lock=self._statements.lock("lapsed"))[0][0]:
            return []
        return self._ask("lapsed", queue=queue, now=self.now)

    def held_by(self, worker: str) -> Iterable[Record]:
        """Leases of a worker."""
        return self._ask("held", worker=worker)

    def ready(self, queue: str, full: set[str]) -> Generator[Record]:
        """READY jobs that nobody else has in hand, page by page."""
        rank, seq = -(2**63), 0
        while page := self._ask("ready", queue=queue, rank=rank, seq=seq, full=list(full), limit=self.page):
            yield from (record for record in page if record.new.group not in full)
            rank, seq = page[-1].rank, page[-1].seq

    def running_groups(self, queue: str) -> Mapping[str, int]:
        """Count the running jobs of each group."""
        return dict(self._run("running_groups", queue=queue))

    def rate(self, queue: str, group: str) -> Any:
        """The state of a rate limit, whose inner tuple is a list in JSON."""
        found = self._run("rate", queue=queue, group=group)
        if not found:
            return None
        at, rate = json.loads(found[0][0])
        return at, tuple(rate)

    def set_rate(self, queue: str, group: str, state: Any) -> None:
        """Keep the state of a rate limit."""
        self._run("set_rate", queue=queue, group=group, state=json.dumps(state))

    def renew(self, leases: Sequence[LeaseRef], seconds: float) -> list[Renewal]:
        """Move deadlines; as `ledger.renew`, but it waits for nobody."""
        rows = self._run(
            "renew",
            ids=[ref.id for ref in leases],
            fences=[ref.fence for ref in leases],
            progress=[ref.progress for ref in leases],
            until=self.now + round(seconds * MICRO),
        )
        cancelling = {(job_id, fence): is_cancelling for job_id, fence, is_cancelling in rows}
        answers = {None: Renewal.LOST, False: Renewal.KEPT, True: Renewal.CANCEL}
        return [answers[cancelling.get((ref.id, ref.fence))] for ref in leases]

    # Keys and families

    def same(self, queue: str, unique_key: str) -> Iterable[Record]:
        """The jobs with a unique key; those that wait, and so may be replaced, are locked."""
        self.lock(("unique", queue, unique_key))
        found = {record.new.id: record for record in self._ask("same", queue=queue, unique_key=unique_key)}
        waiting = [job_id for job_id, record in found.items() if CODES[record.state] < CODES[JobState.RUNNING]]
        return list({**found, **(self.get(waiting) if waiting else {})}.values())

    def first_of_key(self, queue: str, key: str) -> Record | None:
        """The first to arrive of a key."""
        self.lock(("key", queue, key))
        return next(iter(self._ask("first_of_key", queue=queue, key=key)), None)

    def live_of_key(self, queue: str, key: str) -> Iterable[Record]:
        """The jobs of a key that have not ended."""
        self.lock(("key", queue, key))
        return self._ask("live_of_key", queue=queue, key=key)

    def children(self, parents: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """The children of those that have any."""
        families: dict[str, list[str]] = {}
        for parent, child in self._run("children", parents=list(parents)):
            families.setdefault(parent, []).append(child)
        return families

    # Schedules

    def schedules(self, queue: str) -> Mapping[str, ScheduleState]:
        """The schedules that are known; nobody else changes them until the end of the transaction."""
        self.lock(("schedules", queue))
        return self.look_at_schedules(queue)

    def look_at_schedules(self, queue: str) -> Mapping[str, ScheduleState]:
        """The schedules that are known."""
        return {name: ScheduleState(*state) for name, *state in self._run("schedules", queue=queue)}

    def set_schedule(self, queue: str, name: str, state: ScheduleState | None) -> None:
        """Keep a schedule, or forget it."""
        if state is None:
            self._run("forget_schedule", queue=queue, name=name)
        else:
            self._run("set_schedule", queue=queue, name=name, **state._asdict())

    # Counts

    def waiting(self, queue: str) -> int:
        """Count the waiting jobs."""
        counts = self.counts(queue)
        return sum(counts[state.value] for state in (JobState.BLOCKED, JobState.SCHEDULED, JobState.READY))

    def counts(self, queue: str) -> Counter[str]:
        """How many jobs are in each state, and how many claims there were: as committed, and what was done here."""
        (row,) = self._run("counts", queue=queue)
        counts = Counter(dict(zip(COUNTS, row, strict=True)))
        for (of, what), count in self._counts.items():
            if of == queue:
                counts[what] += count
        return counts

    def fold(self) -> None:
        """Add up what transactions have counted."""
        self._run("fold")

    def prune(self, queue: str, keep: Keep) -> int:
        """Forget ended jobs: the oldest that are too old or too many, but for parents whose children wait."""
        oldest = 0 if keep.seconds is None else self.now - round(keep.seconds * MICRO)
        pruned: list[str] = []
        counts = self.counts(queue)
        for state in (JobState.SUCCEEDED, JobState.DEAD, JobState.CANCELLED):
            most = keep.succeeded_rows if state is JobState.SUCCEEDED else keep.dead_rows
            surplus = 0 if most is None else max(0, counts[state.value] - most)
            by_age = self._run("oldest", queue=queue, state=CODES[state], before=oldest, among=None)
            by_number = self._run("oldest", queue=queue, state=CODES[state], before=2**63 - 1, among=surplus)
            chosen = [job_id for (job_id,) in max(by_age, by_number, key=len)]  # one holds the other
            self._counts[queue, state.value] -= len(chosen)
            pruned += chosen
        if pruned:
            self._run("delete", ids=pruned)
            self._run("delete_parents", ids=pruned)
        return len(pruned)


def _as_json(records: Iterable[Record]) -> str:
    return json.dumps([dict(zip(NAMES, row_from_record(record), strict=True)) for record in records])
