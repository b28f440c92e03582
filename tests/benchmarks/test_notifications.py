"""The core of notifications beside what one writes by hand: routing, deciding, storing; and what is kept in memory."""

import json
import re
import sqlite3
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.beside import beside, code, value_row
from lldkit.clock import ManualClock
from lldkit.notifications import (
    Call,
    FakeChannel,
    MemoryDirectory,
    MemoryStore,
    Notifier,
    Preferences,
    QuietHours,
    Recipient,
    Route,
    Store,
    Template,
    Templates,
    Write,
    resolve,
)
from lldkit.notifications.decide import Facts, Question, decide
from lldkit.notifications.routing import matched
from lldkit.notifications.rows import ReceiptRow, suppression
from lldkit.notifications.sqlite import SQLiteStore

NOON = datetime(2024, 7, 1, 12, tzinfo=UTC)

# --- routing ----------------------------------------------------------------------------------------------------------

TEAMS = tuple(
    Route(matchers=(f'team="team-{number}"', 'severity=~"page|critical"'), to=(f"channel-{number}",))
    if number % 2
    else Route(matchers=(f'service=~"service-{number}-.*"',), to=(f"channel-{number}",))
    for number in range(100)
)
TREE = Route(to=("email",), routes=TEAMS)
LABELS = [
    {"team": f"team-{number}", "severity": "page", "service": f"service-{number + 1}-x", "priority": "high"}
    for number in range(1, 100, 7)
]


PATTERNS = [(f"team-{number}", f"service-{number}-.*", (f"channel-{number}",)) for number in range(100)]


def by_fullmatch(labels: dict[str, str]) -> list[tuple[str, ...]]:
    """The same walk, each pattern a text that `re` looks up in its cache."""
    team, severity, service = labels.get("team", ""), labels.get("severity", ""), labels.get("service", "")
    for number, (of_team, of_service, to) in enumerate(PATTERNS):
        if number % 2:
            if re.fullmatch(of_team, team) and re.fullmatch("page|critical", severity):
                return [to]
        elif re.fullmatch(of_service, service):
            return [to]
    return [("email",)]


def test_resolve_in_a_tree_of_a_hundred_routes(benchmark: BenchmarkFixture) -> None:
    for labels in LABELS:
        assert [route.to for route in resolve(TREE, labels)] == by_fullmatch(labels)
    beside(
        benchmark,
        {
            "lldkit": code("for each in labels: resolve(tree, each)", resolve=resolve, tree=TREE, labels=LABELS),
            "re.fullmatch on texts": code("for each in labels: resolve(each)", resolve=by_fullmatch, labels=LABELS),
        },
        row="resolve, 100 routes, half of them regular expressions",
        floor="re.fullmatch on texts",
        target="at least 10 x faster",
    )


# --- deciding ---------------------------------------------------------------------------------------------------------

ROUTES = Route(to=("email",), routes=(Route(matchers=("category=news",), to=("email", "sms")),))
PERSON = Recipient(
    "u1",
    {"email": "u1@example.com", "sms": "+15550100"},
    zone="Europe/Berlin",
    preferences=Preferences(channels={"sms": True}, categories={"order": False}, quiet=QuietHours("22:00", "07:00")),
)
ASKED = ReceiptRow("r", "u1", "news", "normal", (), "{}", "k", 0, None)  # type: ignore[arg-type]
WALLS = {"Europe/Berlin": ZoneInfo("Europe/Berlin")}


def decided(now: datetime) -> list[tuple[str, str, str]]:
    question = Question(ASKED, PERSON, Facts(), now)
    return [
        (each.decision.channel, each.decision.verdict.value, each.decision.reason.value)
        for each in decide(matched(ROUTES, {"category": "news"}), question)
    ]


def chained(now: datetime) -> list[tuple[str, str, str]]:
    """The same rules as one writes them by hand: no windows, digests, limits and reasons to look up later."""
    answers = []
    channels = ("email", "sms") if ASKED.category == "news" else ("email",)
    wants = PERSON.preferences
    for channel in channels:
        allowed = wants.pairs.get((ASKED.category, channel))
        if allowed is None:
            allowed = wants.categories.get(ASKED.category)
        if allowed is None:
            allowed = wants.channels.get(channel, True)
        wall = now.astimezone(WALLS[PERSON.zone])
        if not allowed:
            answers.append((channel, "suppress", "opted_out"))
        elif not PERSON.addresses.get(channel):
            answers.append((channel, "suppress", "no_address"))
        elif wall.hour >= 22 or wall.hour < 7:
            answers.append((channel, "defer", "quiet_hours"))
        else:
            answers.append((channel, "send", "routed"))
    return answers


def test_decide_for_one_recipient(benchmark: BenchmarkFixture) -> None:
    assert decided(NOON) == chained(NOON)
    assert decided(NOON + timedelta(hours=12)) == chained(NOON + timedelta(hours=12))
    beside(
        benchmark,
        {
            "lldkit": code("decided(now)", decided=decided, now=NOON),
            "an if chain, by hand": code("chained(now)", chained=chained, now=NOON),
        },
        row="decide, one recipient, two channels",
        floor="an if chain, by hand",
        target="at least 0.1 of it",
    )


ONE = Template(subject="about $name", text="it is $name")
TEMPLATES = Templates({"news": {"email": ONE, "sms": ONE}, "order": {"email": ONE}})


def router(store: Store, people: int = 1) -> Notifier:
    directory = MemoryDirectory(Recipient(f"u{number}", PERSON.addresses) for number in range(people))
    return Notifier(
        routes=ROUTES,
        channels={name: FakeChannel(name) for name in ("email", "sms")},
        templates=TEMPLATES,
        directory=directory,
        store=store,
        clock=ManualClock(start=NOON),
        rng=Random(1),
    )


def test_explain_is_flat_in_the_number_of_recipients(benchmark: BenchmarkFixture) -> None:
    few, many = (router(MemoryStore(), people) for people in (10, 100_000))
    beside(
        benchmark,
        {
            "lldkit": code("explain('u5', 'news', data)", explain=many.explain, data={"name": "x"}),
            "lldkit, 10 recipients": code("explain('u5', 'news', data)", explain=few.explain, data={"name": "x"}),
        },
        row="explain among 100,000 recipients",
        floor="lldkit, 10 recipients",
        target="at most 1.2 x",
    )


# --- storing ----------------------------------------------------------------------------------------------------------


class ByHand:
    """The same rows in the same tables, by statements that know what they are for."""

    def __init__(self, path: Path) -> None:
        SQLiteStore(path).close()
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("PRAGMA synchronous = NORMAL")
        self.numbers = count()

    def notify_many(self, calls: list[Call]) -> None:
        rows: list[tuple[object, ...]] = []
        for call in calls:
            name = f"n{next(self.numbers):026x}"
            text, data = call.data["name"], json.dumps(call.data)
            number = f"{name}-1"
            asked = [name, call.recipient_id, call.category, "normal", [], data, None, 1, None, [number]]
            rows.append(("receipt", name, 1, "", "", None, None, json.dumps(asked)))
            place = ["normal/email", 1, "", "", 0, None, 0, 0.0, 0, None, None, ""]
            texts = [f"about {text}", f"it is {text}", None, None, [[1, "queued", "routed"]]]
            message = [number, name, number, "email", "normal", "queued", "routed", "root", *place, *texts]
            rows.append(("delivery", number, 1, "", "normal/email", 1, None, json.dumps(message)))
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.executemany("INSERT INTO notifications_rows VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        self.connection.execute("COMMIT")


def test_notify_on_sqlite_in_batches_of_a_hundred(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    ours, hand = router(SQLiteStore(tmp_path / "ours.db")), ByHand(tmp_path / "hand.db")
    calls = [Call("u0", "order", {"name": str(number)}) for number in range(100)]
    subjects: dict[str, Callable[[], object]] = {
        "lldkit": lambda: ours.notify_many(calls),
        "sqlite3, by hand": lambda: hand.notify_many(calls),
    }
    beside(
        benchmark,
        subjects,
        row="notify on SQLite, batches of 100",
        floor="sqlite3, by hand",
        target="at least 0.4 of it",
    )
    ours.close()


# --- memory -----------------------------------------------------------------------------------------------------------


def test_memory_of_a_queued_delivery(benchmark: BenchmarkFixture) -> None:
    def queued() -> float:
        here = router(MemoryStore())
        return grown(lambda: here.notify_many([Call("u0", "news", {"name": "x"}) for _ in range(1_000)]), 2_000)

    target = "at most 1,536 B, with half a receipt"
    value_row(benchmark, {"lldkit": queued}, row="memory per queued delivery, without its bodies", target=target)


def test_memory_of_a_suppressed_address(benchmark: BenchmarkFixture) -> None:
    def suppressed() -> float:
        store = MemoryStore()
        return grown(lambda: fill(store), 10_000)

    value_row(benchmark, {"lldkit": suppressed}, row="memory per suppressed address", target="at most 200 B")


def fill(store: Store) -> None:
    for number in range(10_000):
        key = suppression("email", f"somebody.{number}@example.com")
        store.commit([Write(key, "bounced", 0)], now=0)


def grown(make: Callable[[], object], number: int) -> float:
    """How many bytes it leaves behind, per piece."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        make()
        return (tracemalloc.get_traced_memory()[0] - before) / number
    finally:
        tracemalloc.stop()
