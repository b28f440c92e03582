"""Schedules: ticks that any number of processes emit, once; misfires, overlap, pauses, backfills; on three stores."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lldkit.clock import EPOCH, ManualClock
from lldkit.scheduler import (
    JobState,
    MemoryStore,
    Queue,
    QueueEvent,
    Schedule,
    ScheduleFired,
    Store,
    Worker,
    cron,
    every,
    once,
)
from lldkit.scheduler.postgres import PostgresStore
from lldkit.scheduler.schedules import tick
from lldkit.scheduler.sqlite import SQLiteStore
from scheduler.helpers import end, eventually, schema_of, wish

HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()  # at EPOCH, a midnight


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest, clock: ManualClock, tmp_path: Path) -> Iterator[Store]:
    store: Store
    if request.param == "memory":
        store = MemoryStore(clock=clock)
    elif request.param == "sqlite":
        store = SQLiteStore(tmp_path / "j.db", clock=clock)
    else:
        dsn = request.getfixturevalue("postgres_dsn")
        store = PostgresStore(dsn, schema=schema_of(dsn), clock=clock)
    yield store
    store.close()


@pytest.fixture
def queue(store: Store, clock: ManualClock) -> Queue:
    queue = Queue(store=store, clock=clock)
    queue.task(name="work")(lambda: None)
    return queue


def hourly(queue: Queue, name: str = "hourly", **settings: Any) -> Schedule:
    work = queue.find("work")
    assert work is not None
    trigger = settings.pop("trigger", cron("0 * * * *", tz="UTC"))
    return Schedule(name, trigger, work.call(), **settings)


def due_times(queue: Queue, state: JobState | None = None) -> list[datetime]:
    return [job.scheduled_at for job in reversed(queue.jobs(state=state).items)]


def test_a_schedule_emits_a_job_at_each_due_time_and_none_before(queue: Queue, clock: ManualClock) -> None:
    queue.schedule(hourly(queue))
    assert queue.tick() == 0
    clock.advance(3_599.9)
    assert queue.tick() == 0
    clock.advance(0.1)
    assert [queue.tick(), queue.tick()] == [1, 0]
    assert due_times(queue) == [EPOCH + HOUR]


def test_two_processes_that_tick_at_once_emit_one_job(queue: Queue, store: Store, clock: ManualClock) -> None:
    other = Queue(store=store, clock=clock)
    other.task(name="work")(lambda: None)
    for each in (queue, other):
        each.schedule(hourly(each))
    clock.advance(3_600)
    assert [queue.tick(), other.tick(), queue.tick()] == [1, 0, 0]
    late = tick(hourly(queue), EPOCH + HOUR)
    assert store.fire([late]) == [False]  # the answer to it was lost
    assert len(due_times(queue)) == 1


def test_advance_ticks_and_runs(queue: Queue) -> None:
    queue.schedule(hourly(queue))
    assert queue.advance(3 * 3_600) == 3
    assert due_times(queue, JobState.SUCCEEDED) == [EPOCH + n * HOUR for n in (1, 2, 3)]


@pytest.mark.parametrize(("misfire", "emitted"), [("latest", 1), ("all", 36), ("skip", 0)])
def test_after_three_hours_of_silence_the_policy_decides(
    queue: Queue, clock: ManualClock, misfire: Any, emitted: int
) -> None:
    trigger = cron("*/5 * * * *", tz="UTC")
    queue.schedule(hourly(queue, trigger=trigger, misfire=misfire, overlap="buffer_all"))
    clock.advance(3 * 3_600 + 100)
    assert queue.tick() == emitted
    times = due_times(queue)
    assert times == sorted(times)
    assert queue.run_inline() == emitted
    assert times[-1:] == ([EPOCH + 3 * HOUR] if emitted else [])


def test_what_was_given_up_is_told_once_by_whoever_has_emitted(queue: Queue, store: Store, clock: ManualClock) -> None:
    heard: list[QueueEvent] = []
    queues = [Queue(store=store, clock=clock, on_event=heard.append) for _ in range(2)]
    for each in queues:
        each.task(name="work")(lambda: None)
        each.schedule(hourly(each, trigger=every(60, start=EPOCH), misfire="all", max_catch_up=2, overlap="buffer_all"))
    clock.advance(600)
    assert [each.tick() for each in queues] == [2, 0]
    ids = [job.id for job in reversed(queue.jobs().items)]
    times = [EPOCH + timedelta(minutes=n) for n in (9, 10)]
    assert heard == [
        ScheduleFired(clock.now(), "hourly", ids[0], times[0], 8),
        ScheduleFired(clock.now(), "hourly", ids[1], times[1], 0),
    ]


def test_a_wall_clock_that_is_set_back_fires_nothing_twice(queue: Queue, clock: ManualClock) -> None:
    queue.schedule(hourly(queue))
    clock.advance(3_600)
    assert queue.tick() == 1
    queue.run_inline()
    clock.step_wall(-3_000)
    emitted = []
    for _ in range(7):
        emitted.append(queue.tick())
        clock.advance(600)
    assert emitted == [0] * 7
    assert len(due_times(queue)) == 1


def test_an_interval_keeps_its_grid_after_a_late_tick(queue: Queue, clock: ManualClock) -> None:
    queue.schedule(hourly(queue, trigger=every(300, start=EPOCH)))
    clock.advance(340)
    queue.tick()
    queue.run_inline()
    clock.advance(260)
    queue.tick()
    assert due_times(queue) == [EPOCH + timedelta(seconds=300), EPOCH + timedelta(seconds=600)]


# Overlap


def emitted_beside(queue: Queue, clock: ManualClock, overlap: Any, ticks: int) -> list[str]:
    """The states of the first runs while the first of them does not end."""
    queue.schedule(hourly(queue, overlap=overlap))
    for number in range(ticks):
        clock.advance(3_600)
        queue.tick()
        if not number:
            assert len(queue.store.claim(wish(queue="default", seconds=1e6))) == 1
    return [job.state.value for job in reversed(queue.jobs().items)]


@pytest.mark.parametrize(
    ("overlap", "states"),
    [
        ("skip", ["running"]),
        ("buffer_one", ["running", "blocked"]),
        ("buffer_all", ["running", "blocked", "blocked", "blocked"]),
        ("cancel_running", ["running", "cancelled", "cancelled", "blocked"]),
        ("allow", ["running", "ready", "ready", "ready"]),
    ],
)
def test_while_a_run_has_not_ended_overlap_decides(
    queue: Queue, clock: ManualClock, overlap: Any, states: list[str]
) -> None:
    assert emitted_beside(queue, clock, overlap, 4) == states


def test_a_run_that_was_asked_to_stop_makes_room_for_the_next(queue: Queue, clock: ManualClock) -> None:
    emitted_beside(queue, clock, "cancel_running", 2)
    running = queue.jobs(state=JobState.RUNNING).items[0].record
    assert running.cancelling
    queue.store.settle([end(running)])
    assert queue.run_inline() == 1
    assert [job.state.value for job in queue.jobs().items] == ["succeeded", "cancelled"]


def test_a_crashed_run_blocks_its_schedule_no_longer_than_its_lease(queue: Queue, clock: ManualClock) -> None:
    queue.schedule(hourly(queue, overlap="skip"))
    clock.advance(3_600)
    queue.tick()
    queue.store.claim(wish(queue="default", seconds=30))  # and its worker dies
    clock.advance(31)
    assert queue.run_inline() == 1
    clock.advance(3_600)
    assert queue.tick() == 1
    assert queue.run_inline() == 1


# Control


def test_a_paused_schedule_emits_nothing_and_goes_on_from_when_it_is_resumed(queue: Queue, clock: ManualClock) -> None:
    queue.schedule(hourly(queue, misfire="all"))
    queue.pause("hourly")
    clock.advance(5 * 3_600)
    assert queue.tick() == 0
    queue.resume("hourly")
    assert queue.tick() == 0
    clock.advance(3_600)
    assert queue.tick() == 1
    with pytest.raises(ValueError, match="has no schedule 'daily'; it has \\['hourly'\\]"):
        queue.pause("daily")


def test_a_backfill_enqueues_each_due_time_once_and_one_after_the_other(queue: Queue, clock: ManualClock) -> None:
    queue.schedule(hourly(queue))
    start = EPOCH - 5 * HOUR
    assert queue.backfill("hourly", start, EPOCH) == 5
    assert queue.backfill("hourly", start, EPOCH) == 5
    assert [job.state.value for job in reversed(queue.jobs().items)] == ["ready", *["blocked"] * 4]
    assert queue.run_inline() == 5
    ids = [job.id for job in reversed(queue.jobs().items)]
    assert ids == [f"hourly@{round((start + n * HOUR).timestamp() * 1e6)}" for n in range(5)]
    with pytest.raises(ValueError, match="knows no schedule 'daily'"):
        queue.backfill("daily", start, EPOCH)


def test_syncing_makes_the_store_equal_to_the_code_and_says_what_has_changed(queue: Queue, clock: ManualClock) -> None:
    a, b, c = (hourly(queue, name) for name in "abc")
    assert queue.sync_schedules([a, b]) == (("a", "b"), (), ())
    clock.advance(1_800)
    changed = hourly(queue, "b", trigger=cron("30 * * * *", tz="UTC"))
    assert queue.sync_schedules([changed, c]) == (("c",), ("b",), ("a",))
    assert queue.sync_schedules([changed, c]) == ((), (), ())
    assert sorted(queue.store.schedules("default")) == ["b", "c"]
    assert queue.tick() == 1  # b at half past, which lies after its last due time
    clock.advance(1_800)
    assert queue.tick() == 1  # c at the hour


def test_a_schedule_that_this_process_does_not_know_is_left_to_others(
    queue: Queue, store: Store, clock: ManualClock
) -> None:
    queue.schedule(hourly(queue))
    stranger = Queue(store=store, clock=clock)
    clock.advance(3_600)
    assert stranger.tick() == 0
    assert queue.tick() == 1


def test_jitter_is_the_same_everywhere_and_within_its_bound(queue: Queue) -> None:
    schedule = hourly(queue, jitter_seconds=60.0)
    delays = []
    for n in range(200):
        run = EPOCH + n * HOUR
        one, again = tick(schedule, run), tick(hourly(queue, jitter_seconds=60.0), run)
        assert one == again
        assert one.job.at is not None
        delays.append(one.job.at - one.due)
    assert 0 <= min(delays) < 5e6
    assert 55e6 < max(delays) < 60e6


def test_a_worker_ticks(clock: ManualClock) -> None:
    queue = Queue()
    runs: list[int] = []
    work = queue.task(name="work")(runs.append)
    queue.schedule(Schedule("once", once(queue.clock.now() + timedelta(seconds=0.05)), work.call(7)))
    worker = Worker(queue, max_jobs=1)
    assert worker.run() == 0
    eventually(lambda: runs == [7])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"misfire": "never"}, "misfire must be one of"),
        ({"overlap": "queue"}, "overlap must be one of"),
        ({"grace_seconds": -1}, "grace_seconds must be"),
        ({"max_catch_up": 0}, "max_catch_up must be at least 1"),
        ({"jitter_seconds": -1}, "jitter_seconds must be"),
        ({"name": ""}, "name must not be empty"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], message: str) -> None:
    queue = Queue()
    queue.task(name="work")(lambda: None)
    with pytest.raises(ValueError, match=message):
        hourly(queue, **settings)


def test_a_call_of_another_queue_is_refused(queue: Queue) -> None:
    other = Queue(name="other")
    other.task(name="work")(lambda: None)
    with pytest.raises(ValueError, match="belongs to another queue than 'default'"):
        queue.schedule(hourly(other))
