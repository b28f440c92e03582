"""Workers and callers that die before and after every call of the store and of the channels."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from random import Random

import pytest

from lldkit.clock import ManualClock
from lldkit.notifications import (
    Digest,
    FakeChannel,
    Later,
    MemoryDirectory,
    MemoryStore,
    Mode,
    Notifier,
    Preferences,
    QuietHours,
    Recipient,
    Refused,
    Route,
    Store,
    Unclear,
)
from lldkit.notifications.postgres import PostgresStore
from lldkit.notifications.sqlite import SQLiteStore
from lldkit.retry import constant
from lldkit.simulation import CrashReport, Faults, every_crash
from notifications.helpers import EVERYTHING

ROUTES = Route(
    to=("email",),
    routes=(
        Route(matchers=("category=alert",), to=("push", "sms"), mode=Mode.FALLBACK),
        Route(matchers=("category=comment",), to=("email",), digest=Digest(window_seconds=60)),
        Route(matchers=("category=order",), to=("email", "sms")),
    ),
)
ADDRESSES = {name: f"{name}-address" for name in ("email", "sms", "push")}
OPEN_STATES = {"queued", "deferred", "digesting", "sending", "retrying"}


@dataclass
class Left:
    """All that survives a crash."""

    store: Store
    clock: ManualClock
    channels: dict[str, FakeChannel]
    receipts: dict[str, str] = field(default_factory=dict)

    starts: int = 0

    def router(self, store: Store, channels: dict[str, FakeChannel]) -> Notifier:
        self.starts += 1
        people = [
            Recipient("u1", ADDRESSES),
            Recipient("owl", ADDRESSES, preferences=Preferences(quiet=QuietHours("11:00", "12:01"))),
        ]
        return Notifier(
            routes=ROUTES,
            channels=channels,
            templates=EVERYTHING,
            directory=MemoryDirectory(people),
            store=store,
            backoff=constant(10.0),
            clock=self.clock,
            rng=Random(self.starts),  # each process has a chance of its own
        )


Step = tuple[str, str]


def explore(
    calls: list[Step],
    *,
    scripts: dict[str, list[object]] | None = None,
    store: Callable[[], Store] = MemoryStore,
    rounds: int = 3,
) -> CrashReport:
    """Say these things (recipient, category), and let a worker look so many times, once a minute."""

    def setup() -> Left:
        given = scripts or {}
        channels = {name: FakeChannel(name, script=given.get(name, ())) for name in ADDRESSES}  # type: ignore[arg-type]
        return Left(store(), ManualClock(start=datetime(2024, 7, 1, 12, tzinfo=UTC)), channels)

    def run(left: Left, faults: Faults) -> None:
        channels = {name: faults.wrap(channel, name=name) for name, channel in left.channels.items()}
        router = left.router(faults.wrap(left.store, name="store"), channels)
        for number, (recipient, category) in enumerate(calls):
            receipt = router.notify(recipient, category, {"name": str(number)}, dedupe_key=str(number))
            left.receipts[str(number)] = receipt.duplicate_of or receipt.id
        for _ in range(rounds):
            router.run_due()
            left.clock.advance(61)

    def check(left: Left) -> bool:
        router = left.router(left.store, left.channels)
        for _ in range(4):
            router.run_due()
            left.clock.advance(61)
        found = [each for receipt in left.receipts.values() for each in router.deliveries(receipt)]
        told = {message.idempotency_key for channel in left.channels.values() for message in channel.sent}
        sent = {each.id for each in found if each.state == "sent"}
        assert not [each for each in found if each.state in OPEN_STATES], "something is stuck"
        assert sent == told, "what is called sent is what was sent, each under one key"
        assert len(left.receipts) == len(calls)
        return bool(sent)

    return every_crash(setup, run, check=check)


SCENARIOS: dict[str, tuple[list[Step], dict[str, list[object]]]] = {
    "two channels": ([("u1", "order")], {}),
    "retries": ([("u1", "news")], {"email": [Later("busy"), Unclear("timeout")]}),
    "fallback": ([("u1", "alert")], {"push": [Refused("gone")]}),
    "digest": ([("u1", "comment"), ("u1", "comment")], {}),
    "quiet hours": ([("owl", "news"), ("owl", "news")], {}),  # they end after a minute
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_whoever_dies_wherever_every_message_is_sent_under_one_key(name: str) -> None:
    calls, scripts = SCENARIOS[name]
    report = explore(calls, scripts=scripts)
    assert report.points > 50
    assert report.runs == report.points + 1
    assert report.violations == ()


def test_two_deaths_in_a_row_lose_nothing() -> None:
    def short(left: Left, faults: Faults) -> None:
        channels = {name: faults.wrap(channel, name=name) for name, channel in left.channels.items()}
        router = left.router(faults.wrap(left.store, name="store"), channels)
        left.receipts["k"] = router.notify("u1", "news", {"name": "x"}, dedupe_key="k").id
        router.run_due(channels=["email"])

    def setup() -> Left:
        channels = {name: FakeChannel(name) for name in ADDRESSES}
        return Left(MemoryStore(), ManualClock(), channels)

    def check(left: Left) -> bool:
        left.clock.advance(61)
        router = left.router(left.store, left.channels)
        router.run_due()
        keys = [message.idempotency_key for message in left.channels["email"].calls]
        return len(set(keys)) == 1 and len(left.channels["email"].sent) == 1

    report = every_crash(setup, short, check=check, crashes=2)
    assert report.runs > 200
    assert report.violations == ()


def test_the_same_over_sqlite(tmp_path: Path) -> None:
    numbers = count()
    calls = [("u1", "alert"), ("u1", "comment")]
    report = explore(
        calls,
        scripts={"push": [Refused("gone")]},
        store=lambda: SQLiteStore(tmp_path / f"{next(numbers)}.db"),
        rounds=2,
    )
    assert report.violations == ()


def test_the_same_over_postgres(postgres_dsn: str) -> None:
    with closing(PostgresStore(postgres_dsn, server_time=False)) as store:

        def empty() -> PostgresStore:
            with store._connection() as connection:
                connection.execute("TRUNCATE notifications_rows")
            return store

        report = explore([("u1", "alert")], scripts={"push": [Refused("gone")]}, store=empty, rounds=1)
        assert report.violations == ()


def test_the_search_finds_a_store_that_forgets() -> None:
    """A store that makes only the first write of a commit is found out."""

    class Half(MemoryStore):
        def commit(self, writes: object, /, **given: object) -> None:
            super().commit(list(writes)[:1], **given)  # type: ignore[call-overload, arg-type]

    assert explore([("u1", "news")], store=Half).violations != ()
