"""Whatever is asked of them in whatever order, all stores give the same answers, and what must hold holds."""

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lldkit.clock import MICRO, ManualClock
from lldkit.machine import InvalidTransition
from lldkit.scheduler import (
    DeadReason,
    JobEvent,
    JobState,
    Keep,
    Lease,
    LeaseRef,
    Limit,
    MemoryStore,
    NewJob,
    QueueFull,
    Record,
    Store,
    UnknownJob,
)
from lldkit.scheduler.sqlite import SQLiteStore
from scheduler.contract import conflict
from scheduler.helpers import end, wish

LIMITS = {"g": Limit(running=2), "h": Limit(per_second=1, burst=2)}
REFUSALS = (QueueFull, UnknownJob, InvalidTransition)
ENDS = [JobEvent.SUCCEED, JobEvent.RETRY, JobEvent.RELEASE, JobEvent.BURY, JobEvent.LOSE]

some_fields = st.fixed_dictionaries(
    {},
    optional={
        "key": st.sampled_from("kl"),
        "group": st.sampled_from("gh"),
        "head_start": st.integers(-2, 2).map(lambda priority: priority * 60 * MICRO),
        "delay": st.sampled_from([MICRO, 20 * MICRO]),
        "expires": st.just(40 * MICRO),
        "on_parent_failure": st.sampled_from(["cancel", "hold", "run"]),
        "max_crashes": st.integers(1, 3),
        "unique_key": st.sampled_from("uv"),
        "conflict": st.sampled_from([conflict(), conflict(within=30 * MICRO), conflict(debounce=5 * MICRO)]),
    },
)


class Stores(RuleBasedStateMachine):
    """One life, lived in several stores at once."""

    @initialize()
    def start(self) -> None:
        self.clock = ManualClock()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "jobs.db"
        self.stores: list[Store] = [MemoryStore(clock=self.clock), SQLiteStore(path, clock=self.clock)]
        self.ids: list[str] = []
        self.leases: list[Lease] = []

    def teardown(self) -> None:
        for store in getattr(self, "stores", []):
            store.close()
        if hasattr(self, "folder"):
            self.folder.cleanup()

    def ask(self, verb: str, *args: Any, **kwargs: Any) -> Any:
        """Ask all stores the same; they must agree, in what they refuse too."""
        answers = []
        for store in self.stores:
            try:
                answers.append(getattr(store, verb)(*args, **kwargs))
            except REFUSALS as refusal:
                answers.append((type(refusal), str(refusal)))
        for answer in answers:
            assert self.seen(answer) == self.seen(answers[0])
        return answers[0]

    def seen(self, answer: Any) -> Any:
        """What the stores must agree in."""
        return answer

    def records(self) -> list[Record]:
        return list(self.stores[0].jobs("q", state=None, task=None, limit=10_000, before=None))

    @rule(data=st.data(), fields=some_fields, count=st.integers(1, 3), capacity=st.sampled_from([None, 8]))
    def put(self, data: st.DataObject, fields: dict[str, Any], count: int, capacity: int | None) -> None:
        parents = data.draw(st.lists(st.sampled_from(self.ids), max_size=2, unique=True)) if self.ids else []
        names = [f"j{len(self.ids) + n}" for n in range(count)]
        given = {"unique_key": None, **fields}
        unique_key = given.pop("unique_key")
        jobs = [NewJob(name, "[[],{}]", unique_key, tuple(parents), "q", "t", **given) for name in names]
        self.ask("put", jobs, capacity=capacity)
        self.ids += names

    @rule(limit=st.integers(1, 4), worker=st.sampled_from("vw"), idle=st.booleans())
    def claim(self, limit: int, worker: str, idle: bool) -> None:
        leases = self.ask("claim", wish(limit, worker=worker, idle=idle, limits=LIMITS))
        assert len(leases) <= limit
        assert idle or not any(lease.suspect for lease in leases)
        assert len(leases) == 1 or not any(lease.suspect for lease in leases)
        self.leases += leases

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), event=st.sampled_from(ENDS), delay=st.sampled_from([0, 0, 10 * MICRO]))
    def settle(self, data: st.DataObject, event: JobEvent, delay: int) -> None:
        """An old lease may be told as well: its fence is refused."""
        lease = data.draw(st.sampled_from(self.leases))
        reason = DeadReason.EXHAUSTED if event is JobEvent.BURY else None
        self.ask("settle", [end(lease, event, delay=delay, reason=reason)])

    @precondition(lambda self: self.leases)
    @rule(data=st.data())
    def renew(self, data: st.DataObject) -> None:
        lease = data.draw(st.sampled_from(self.leases))
        self.ask("renew", [LeaseRef(lease.new.id, lease.fence, "1")], seconds=30.0)

    @precondition(lambda self: self.ids)
    @rule(data=st.data(), verb=st.sampled_from(["cancel", "retry"]))
    def control(self, data: st.DataObject, verb: str) -> None:
        self.ask(verb, data.draw(st.sampled_from(self.ids)))

    @rule(seconds=st.sampled_from([0.5, 5.0, 31.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(rows=st.integers(0, 3))
    def prune(self, rows: int) -> None:
        self.ask("prune", "q", Keep(succeeded_rows=rows, dead_rows=rows, seconds=60.0))

    @invariant()
    def all_stores_hold_the_same(self) -> None:
        if not hasattr(self, "stores"):
            return
        records = self.ask("jobs", "q", state=None, task=None, limit=10_000, before=None)
        counts = Counter(record.state for record in records)
        for store in self.stores:
            assert {state: n for state, n in store.stats("q").items() if n} == dict(counts)
        self.ask("next_due", "q")
        self.ask("claims", "q")

    @invariant()
    def what_must_hold_holds(self) -> None:
        if not hasattr(self, "stores"):
            return
        records = self.records()
        running = [record for record in records if record.state is JobState.RUNNING]
        assert sum(record.new.group == "g" for record in running) <= 2
        for key in "kl":
            live = sorted(record.seq for record in records if record.new.key == key and record.finished is None)
            unblocked = [
                record.seq
                for record in records
                if record.new.key == key and record.finished is None and record.state is not JobState.BLOCKED
            ]
            assert unblocked in ([], live[:1]), "only the first of a key is not blocked"
        by_id = {record.new.id: record for record in records}
        for record in records:
            parents = [by_id[parent] for parent in record.new.parents if parent in by_id]
            if record.state not in {JobState.BLOCKED, JobState.CANCELLED}:
                policy_allows = {"run": 3, "hold": 1, "cancel": 1}[record.new.on_parent_failure]
                allowed = [JobState.SUCCEEDED, JobState.DEAD, JobState.CANCELLED][:policy_allows]
                later = [
                    parent for parent in parents if parent.seq > record.seq
                ]  # replayed after the child had gone on
                assert record.fence or all(parent.state in allowed or parent in later for parent in parents)


TestStores = Stores.TestCase
TestStores.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)
