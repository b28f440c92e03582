"""How a worker's time is shared: lanes, channels, what a time of day lets go, loops, tasks."""

import asyncio
import threading
import tracemalloc
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from lldkit.clock import ManualClock
from lldkit.notifications import (
    Accepted,
    Call,
    Decided,
    Deferred,
    FakeChannel,
    Later,
    MemoryStore,
    Message,
    Outcome,
    Preferences,
    Priority,
    QuietHours,
    Route,
    Write,
)
from notifications.helpers import NOON, World, utc

PLAIN = Route(to=("email",))


def queue(world: World, count: int) -> None:
    """So many messages of low priority: one, and copies of its rows under other ids, which takes a second only."""
    receipt = world.notify(priority=Priority.LOW, data={"name": "low"})
    rows = world.store.find([("receipt", receipt), ("delivery", f"{receipt}-1")])
    asked, delivery = (row.value for row in rows.values())
    writes: list[Write] = []
    for number in range(1, count):
        name = f"{receipt}+{number:06}"
        mine = delivery._replace(id=f"{name}-1", receipt_id=name, idempotency_key=f"{name}-1")
        writes += (
            Write(("receipt", name), asked._replace(id=name, deliveries=(mine.id,)), 0),
            Write(mine.key, mine, 0, *mine.place),
        )
    world.store.commit(writes, now=mine.due)


def test_a_critical_message_waits_for_at_most_one_batch_and_low_gets_its_share_while_critical_floods() -> None:
    world = World(PLAIN)
    queue(world, 100_000)
    world.run()
    world.notify(priority=Priority.CRITICAL, data={"name": "critical"})
    world.run()
    assert Counter(world.sent()[:100]) == {"it is low": 100}
    assert Counter(world.sent()[100:]) == {"it is critical": 1, "it is low": 99}
    calls = [Call("u1", "news", {"name": "critical"}, priority=Priority.CRITICAL) for _ in range(500)]
    world.router.notify_many(calls)
    for batch in range(2, 7):
        world.run()
        assert Counter(world.sent()[100 * batch :]) == {"it is critical": 93, "it is low": 7}  # 100 x 1/15


def test_one_slow_channel_does_not_delay_another() -> None:
    started, release = threading.Event(), threading.Event()

    class Slow(FakeChannel):
        def send(self, message: Message, /) -> Outcome:
            started.set()
            release.wait(30)
            return super().send(message)

    world = World(Route(to=("email", "sms")))
    channels = {"email": Slow("email"), "sms": world.channels["sms"]}
    router = world.again(channels=channels)
    router.notify("u1", "news", {"name": "x"})
    stuck = threading.Thread(target=lambda: router.run_due(channels=["email"]))
    stuck.start()
    assert started.wait(30)
    try:
        assert router.run_due(channels=["sms"]).sent == 1
    finally:
        release.set()
        stuck.join()
    with pytest.raises(ValueError, match="channels must be among"):
        router.run_due(channels=["fax"])


async def test_tasks_serve_all_channels_at_once() -> None:
    both = asyncio.Event()

    class Meeting:
        waiting = 0

        def __init__(self, name: str) -> None:
            self.name = name

        async def asend(self, message: Message, /) -> Outcome:
            Meeting.waiting += 1
            if Meeting.waiting == 2:
                both.set()
            await asyncio.wait_for(both.wait(), 30)
            return Accepted(message.id)

    world = World(Route(to=("email", "sms")), channels={name: Meeting(name) for name in ("email", "sms")})
    await world.router.anotify("u1", "news", {"name": "x"})
    assert (await world.router.arun_due()).sent == 2


async def test_a_cancelled_run_ends_its_lease() -> None:
    inside = asyncio.Event()

    class Endless:
        name = "email"

        async def asend(self, message: Message, /) -> Outcome:
            inside.set()
            await asyncio.sleep(3_600)
            return Accepted(message.id)

    world = World(PLAIN)
    receipt = world.notify()
    running = asyncio.ensure_future(world.again(channels={"email": Endless()}).arun_due())
    await inside.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert world.states(receipt) == ["email retrying"]
    assert world.run().sent == 1


def five_thousand(seed: int) -> list[tuple[float, str]]:
    """When which of 5,000 messages that were deferred until seven was sent, in seconds after seven."""
    world = World(PLAIN, start=utc("2024-07-01T23:00+02:00"), rng=Random(seed))
    world.recipient(preferences=Preferences(quiet=QuietHours("22:00", "07:00")))
    world.router.notify_many([Call("u1", "news", {"name": str(number)}) for number in range(5_000)])
    seven = utc("2024-07-02T07:00+02:00")
    sent: list[tuple[float, str]] = []
    while (due := world.router.next_due()) is not None:
        at = max((due - seven).total_seconds(), 0.0)
        step = at if at < 0.5 else int(at) + 1.0  # a worker that looks once a second
        world.clock.advance(max(0.0, (seven - world.clock.now()).total_seconds() + step))
        world.router.run_due(limit=1_000)
        sent += [(step, text or "") for text in world.sent()[len(sent) :]]
    return sent


def test_what_the_morning_lets_go_is_spread_evenly_and_in_order() -> None:
    sent = five_thousand(7)
    assert [text for _, text in sent] == [f"it is {number}" for number in range(5_000)]
    per_second = Counter(int(at) for at, _ in sent)
    assert max(per_second.values()) <= 100
    assert max(per_second) <= 60
    assert five_thousand(7) == sent


def test_nobody_waits_for_the_spread_alone() -> None:
    world = World(PLAIN, start=utc("2024-07-01T23:00+02:00"))
    world.recipient(preferences=Preferences(quiet=QuietHours("22:00", "07:00")))
    world.notify()
    assert world.run(8 * 3_600).sent == 1


# --- loops ---


def test_the_loop_sends_until_it_is_stopped() -> None:
    stop = threading.Event()

    class Last(FakeChannel):
        def send(self, message: Message, /) -> Outcome:
            outcome = super().send(message)
            if len(self.sent) == 2:
                stop.set()
            return outcome

    clock = ManualClock(start=NOON, auto_advance=True)
    channel = Last("email", script=[Later("busy", 5.0)])
    world = World(PLAIN, channels={"email": channel}, clock=clock)
    world.notify()
    world.notify()
    world.router.run(stop)
    assert len(channel.sent) == 2
    assert clock.now() - NOON == timedelta(seconds=10)


def test_deferrals_are_told() -> None:
    world = World(PLAIN)
    world.recipient(preferences=Preferences(quiet=QuietHours("13:00", "15:00")))
    world.notify()
    assert isinstance(world.events[0], Decided)
    world.recipient(preferences=Preferences(quiet=QuietHours("13:00", "16:00")))
    world.run(3_600)
    deferred = [event for event in world.events if isinstance(event, Deferred)]
    assert [(event.reason, event.until) for event in deferred] == [("quiet_hours", utc("2024-07-01T16:00+02:00"))]


def test_unsubscribing_takes_one_click_where_nothing_is_mandatory() -> None:
    for mandatory in (False, True):
        world = World(
            Route(to=("email",), mandatory=mandatory),
            unsubscribe=lambda recipient, category: f"https://shop.example/leave/{category}/{recipient.id}",
        )
        world.notify()
        world.run()
        (message,) = world.channels["email"].sent
        expected = {
            "List-Unsubscribe": "<https://shop.example/leave/news/u1>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
        assert message.headers == ({} if mandatory else expected)


def test_ten_thousand_are_stored_in_one_transaction_and_bounded_memory() -> None:
    commits: list[int] = []

    class Counting(MemoryStore):
        def commit(self, writes: Sequence[Write], /, *, now: int, connection: Any = None) -> None:
            commits.append(len(writes))
            super().commit(writes, now=now, connection=connection)

    world = World(PLAIN, store=Counting(), on_event=None)
    calls = (Call("u1", "news", {"name": "x"}) for _ in range(10_000))
    assert len(world.router.notify_many(calls)) == 10_000
    assert commits == [20_000]
    tracemalloc.start()
    world.router.notify_many([Call("u1", "news", {"name": "x"}) for _ in range(500)])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak / 500 < 8_192  # what is kept, and as much again on the way
