"""Workers with real threads and loops: what they do with a job's end, with time, and with their own."""

import asyncio
import functools
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import pytest

from lldkit.clock import ManualClock
from lldkit.rate_limiter import RateLimited, RateLimiter, per_minute
from lldkit.retry import constant
from lldkit.scheduler import (
    DeadReason,
    Discard,
    JobEnded,
    JobFailed,
    JobLost,
    JobStarted,
    JobState,
    MemoryStore,
    Queue,
    Renewal,
    RetryLater,
    SlotLeaked,
    Snooze,
    StoreFailed,
    StoreUnavailable,
    Worker,
    current_job,
)
from scheduler.helpers import PATIENCE, end, eventually, let_pass_beating, until, wish

Kind = Literal["threads", "asyncio"]
KINDS: tuple[Kind, ...] = ("threads", "asyncio")


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    left = [thread for thread in threading.enumerate() if thread not in before]
    for thread in left:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in left)


@contextmanager
def working(worker: Worker) -> Iterator[list[int]]:
    """Run `worker` in a thread; at the end it is stopped, and the list has its status."""
    statuses: list[int] = []
    thread = threading.Thread(target=lambda: statuses.append(worker.run()))
    thread.start()
    try:
        yield statuses
    finally:
        worker.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_all_jobs_are_run_and_their_results_kept(kind: Kind) -> None:
    queue = Queue()

    @queue.task()
    def double(x: int) -> int:
        return 2 * x

    jobs = queue.submit([double.call(n) for n in range(300)])
    assert Worker(queue, runner=kind, concurrency=4, batch=7).run(until_idle=True) == 0
    assert [queue.get(job.id).result for job in jobs] == [2 * n for n in range(300)]
    assert queue.stats().succeeded == 300


def test_async_and_plain_functions_run_in_both_runners(kind: Kind) -> None:
    queue = Queue()

    @queue.task()
    async def later(x: int) -> str:
        await asyncio.sleep(0)
        return f"{current_job().job.id} {x}"

    @queue.task()
    def now(x: int) -> str:
        return f"{current_job().job.id} {x}"

    jobs = queue.submit([task.call(n) for n in range(5) for task in (later, now)])
    Worker(queue, runner=kind).run(until_idle=True)
    assert [queue.get(job.id).result for job in jobs] == [f"{job.id} {n // 2}" for n, job in enumerate(jobs)]


def test_no_more_jobs_run_at_once_than_there_are_places(kind: Kind) -> None:
    queue, lock = Queue(), threading.Lock()
    running = most = 0

    @queue.task()
    def work() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0)
        with lock:
            running -= 1

    queue.submit([work.call()] * 100)
    Worker(queue, runner=kind, concurrency=3).run(until_idle=True)
    assert most <= 3


def test_current_job_is_for_jobs_only() -> None:
    with pytest.raises(RuntimeError, match="there is no job here"):
        current_job()


# How runs end


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def queue(clock: ManualClock) -> Queue:
    return Queue(clock=clock)


def raising(*errors: BaseException) -> Callable[[], str]:
    """A function that raises these, one each call, and then returns."""
    left = list(errors)

    def work() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return work


def test_a_failure_is_tried_again_after_what_the_policy_says(queue: Queue) -> None:
    work = queue.task(name="work", backoff=constant(7.0))(raising(ValueError("no"), ValueError("still no")))
    job = work.enqueue()
    assert queue.run_inline() == 1
    waiting = queue.get(job.id)
    assert (waiting.state, waiting.attempts) == (JobState.SCHEDULED, 1)
    assert (waiting.scheduled_at - waiting.enqueued_at).total_seconds() == 7.0
    assert waiting.error is not None
    assert waiting.error[:2] == ("ValueError", "no")
    assert "raise left.pop(0)" in waiting.error.traceback
    assert queue.advance(14) == 2
    assert queue.get(job.id).result == "done"


def test_after_the_last_attempt_a_job_is_dead_and_no_wait_was_drawn(queue: Queue) -> None:
    drawn = []

    class Counting:
        def delay(self, retry: int, previous: float, rng: Any, /) -> float:
            drawn.append((retry, previous))
            return 2.0 * retry

    work = queue.task(name="work", max_attempts=3, backoff=Counting())(raising(*map(ValueError, "abcd")))
    job = work.enqueue()
    assert queue.advance(100) == 3
    dead = queue.get(job.id)
    assert (dead.state, dead.reason, dead.attempts) == (JobState.DEAD, DeadReason.EXHAUSTED, 3)
    assert dead.error is not None
    assert dead.error.message == "c"
    assert drawn == [(1, 0.0), (2, 2.0)]
    assert [letter.id for letter in queue.dead_letters().items] == [job.id]
    queue.retry(job.id)
    assert queue.advance(100) == 2
    assert queue.get(job.id).state is JobState.SUCCEEDED


def test_a_refusal_is_heeded_and_a_snooze_costs_no_attempt(queue: Queue, clock: ManualClock) -> None:
    limiter = RateLimiter(per_minute(1), clock=clock)
    limiter.acquire("k")
    with pytest.raises(RateLimited) as caught:
        limiter.throttle("k", timeout=0.0)
    work = queue.task(name="work", backoff=constant(1.0))(raising(caught.value, RetryLater(11.0), Snooze(5.0)))
    job = work.enqueue()
    waits = []
    for _ in range(3):
        queue.run_inline()
        waits.append((queue.get(job.id).scheduled_at - clock.now()).total_seconds())
        clock.advance(waits[-1])
    assert waits == [60.0, 11.0, 5.0]
    assert queue.get(job.id).attempts == 2


@pytest.mark.parametrize(
    ("error", "reason"),
    [(Discard("never"), DeadReason.DISCARDED), (KeyError("x"), DeadReason.DISCARDED)],
)
def test_what_can_never_succeed_is_buried_at_once(queue: Queue, error: Exception, reason: DeadReason) -> None:
    work = queue.task(name="work", retry_on=(ValueError,))(raising(error))
    job = work.enqueue()
    assert queue.advance(100) == 1
    assert queue.get(job.id).reason is reason
    with pytest.raises(JobFailed, match="ended without a result: discarded") as caught:
        queue.result(job.id, timeout_seconds=0)
    assert caught.value.job.id == job.id


def test_a_payload_that_does_not_fit_and_a_result_that_is_no_json_are_dead_at_once(queue: Queue) -> None:
    def before(a: int) -> None: ...

    job = queue.task(name="work")(before).enqueue(1)
    queue._tasks.clear()

    @queue.task()
    def work(a: int, b: int) -> None: ...

    @queue.task()
    def pair() -> tuple[int, int]:
        return 1, 2

    other = pair.enqueue()
    queue.run_inline()
    for each in (job, other):
        assert queue.get(each.id).reason is DeadReason.BAD_PAYLOAD


def test_a_type_error_inside_a_task_is_a_failure_as_any(queue: Queue) -> None:
    work = queue.task(name="work")(raising(TypeError("inside")))
    job = work.enqueue()
    queue.run_inline()
    assert queue.get(job.id).state is JobState.SCHEDULED


def test_a_task_that_nobody_knows_is_given_back_with_growing_delay_and_dead_after_a_day(
    queue: Queue, clock: ManualClock
) -> None:
    job = queue.task(name="work")(print).enqueue()
    known = dict(queue._tasks)
    queue._tasks.clear()
    waits = []
    for _ in range(4):
        queue.run_inline()
        waits.append((queue.get(job.id).scheduled_at - clock.now()).total_seconds())
        clock.advance(waits[-1])
    assert waits == [1.0, 1.0, 2.0, 4.0]
    assert (queue.get(job.id).attempts, queue.get(job.id).crashes) == (0, 0)
    queue._tasks.update(known)
    queue.run_inline()
    assert queue.get(job.id).state is JobState.SUCCEEDED
    queue._tasks.clear()
    other = queue.store.put([queue.store.get(job.id).new._replace(id="other")])[0].record
    queue.advance(2 * 86_400)
    assert queue.get(other.new.id).reason is DeadReason.UNKNOWN_TASK


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), GeneratorExit()])
def test_what_must_not_be_swallowed_is_not_and_the_job_is_released(queue: Queue, error: BaseException) -> None:
    work = queue.task(name="work")(raising(error))
    job = work.enqueue()
    with pytest.raises(type(error)):
        queue.run_inline()
    released = queue.get(job.id)
    assert (released.state, released.attempts, released.crashes) == (JobState.READY, 0, 0)
    queue.run_inline()
    assert queue.get(job.id).result == "done"


def test_an_interrupt_in_a_job_stops_the_worker_and_is_raised_by_it(kind: Kind) -> None:
    queue = Queue()
    work = queue.task(name="work")(raising(SystemExit(3)))
    job = work.enqueue()
    with pytest.raises(SystemExit):
        Worker(queue, runner=kind, concurrency=1).run()
    assert (queue.get(job.id).state, queue.get(job.id).attempts) == (JobState.READY, 0)


def test_a_job_reads_the_results_of_its_parents_and_reports_progress(queue: Queue) -> None:
    @queue.task()
    def parent(x: int) -> int:
        return x

    @queue.task()
    def child() -> int:
        current_job().report({"percent": 50})
        return sum(current_job().parents.values())

    parents = queue.submit([parent.call(1), parent.call(2)])
    job = child.options(depends_on=[each.id for each in parents]).enqueue()
    queue.run_inline()
    assert queue.get(job.id).result == 3


def test_assert_enqueued_finds_the_job_or_lists_what_there_is(queue: Queue) -> None:
    work = queue.task(name="work")(print)
    job = work.enqueue("a", "b")
    assert queue.assert_enqueued(work, "a", "b").id == job.id
    with pytest.raises(AssertionError, match=r'no job work \[\["b"\],{}\] waits; there are'):
        queue.assert_enqueued(work, "b")


# Time


def test_a_heartbeat_keeps_a_job_of_five_leases_length(kind: Kind, clock: ManualClock) -> None:
    store = MemoryStore(clock=clock)
    queue = Queue(store=store, clock=clock)
    starts: list[int] = []
    go_on = threading.Event()

    @queue.task()
    def work(n: int) -> None:
        starts.append(n)
        go_on.wait(PATIENCE)

    job = work.enqueue(1)
    with working(Worker(queue, runner=kind, lease_seconds=9.0)):
        eventually(lambda: starts == [1])
        let_pass_beating(clock, store, job.id, 45, 9.0)
        go_on.set()
        until(clock, lambda: queue.stats().succeeded == 1)
    assert starts == [1]
    assert (queue.get(job.id).fence, queue.get(job.id).crashes) == (1, 0)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # forking beside threads is the point
def test_a_forked_child_that_inherits_a_worker_does_not_beat(clock: ManualClock) -> None:
    store = MemoryStore(clock=clock)
    queue = Queue(store=store, clock=clock)
    go_on, begun = threading.Event(), threading.Event()

    @queue.task()
    def work() -> None:
        begun.set()
        go_on.wait(PATIENCE)

    job = work.enqueue()
    with working(Worker(queue, lease_seconds=9.0, concurrency=1)):
        assert begun.wait(PATIENCE)
        child = os.fork()
        if child == 0:
            os._exit(threading.active_count() - 1)
        assert os.waitpid(child, 0)[1] == 0
        let_pass_beating(clock, store, job.id, 6, 9.0)
        go_on.set()
        until(clock, lambda: queue.stats().succeeded == 1)


def test_a_blocked_loop_does_not_stop_the_heartbeat(clock: ManualClock) -> None:
    store = MemoryStore(clock=clock)
    queue = Queue(store=store, clock=clock)
    begun, go_on = threading.Event(), threading.Event()

    @queue.task()
    async def work() -> None:
        begun.set()
        go_on.wait(PATIENCE)  # a bug of the task: nothing else on this loop can run

    job = work.enqueue()
    with working(Worker(queue, runner="asyncio", lease_seconds=9.0)):
        assert begun.wait(PATIENCE)
        let_pass_beating(clock, store, job.id, 18, 9.0)
        go_on.set()
        until(clock, lambda: queue.stats().succeeded == 1)
    assert queue.get(job.id).fence == 1


def test_a_thread_that_ignores_its_timeout_is_leaked_and_a_worker_without_threads_exits_2(clock: ManualClock) -> None:
    queue = Queue(clock=clock)
    events: list[Any] = []
    begun, go_on = threading.Event(), threading.Event()

    @queue.task(timeout_seconds=5.0, max_attempts=1)
    def work() -> str:
        begun.set()
        go_on.wait(PATIENCE)
        return "too late"

    job = work.enqueue()
    with working(Worker(queue, concurrency=1, lease_seconds=1e6, on_event=events.append)) as statuses:
        assert begun.wait(PATIENCE)
        clock.advance(4.9)
        assert queue.get(job.id).state is JobState.RUNNING
        until(clock, lambda: queue.get(job.id).state is JobState.DEAD)
        until(clock, lambda: statuses)
    dead = queue.get(job.id)
    assert statuses == [2]
    assert (dead.reason, dead.attempts) == (DeadReason.EXHAUSTED, 1)
    assert dead.error is not None
    assert dead.error[:2] == ("JobTimeout", "the job ran for longer than 5 s")
    assert [event.leaked for event in events if isinstance(event, SlotLeaked)] == [1]
    go_on.set()
    assert queue.get(job.id) == dead


def test_a_task_of_a_loop_is_cancelled_at_its_timeout(clock: ManualClock) -> None:
    queue = Queue(clock=clock)
    ends: list[str] = []

    @queue.task(timeout_seconds=5.0, max_attempts=2, backoff=constant(1.0))
    async def work() -> None:
        try:
            await clock.asleep(1e6)
        except asyncio.CancelledError:
            ends.append("cancelled")
            raise

    job = work.enqueue()
    with working(Worker(queue, runner="asyncio", lease_seconds=1e6)) as statuses:
        until(clock, lambda: queue.get(job.id).state is JobState.DEAD)
    assert ends == ["cancelled", "cancelled"]
    assert queue.get(job.id).attempts == 2
    assert statuses == [0]


def test_a_cancelled_job_is_stopped_by_the_next_heartbeat(kind: Kind, clock: ManualClock) -> None:
    queue = Queue(clock=clock)
    begun = threading.Event()

    @queue.task()
    def looping() -> None:
        begun.set()
        while True:
            try:
                time.sleep(0.001)
                current_job().check_cancelled()
            except Exception:  # noqa: BLE001 - a JobCancelled passes by what a task catches
                continue

    @queue.task()
    async def waiting() -> None:
        begun.set()
        await clock.asleep(1e6)

    job = (looping if kind == "threads" else waiting).enqueue()
    with working(Worker(queue, runner=kind, lease_seconds=9.0)):
        assert begun.wait(PATIENCE)
        assert queue.cancel(job.id)
        until(clock, lambda: queue.get(job.id).state is JobState.CANCELLED)
    assert queue.cancel(job.id) is False


def test_a_worker_whose_lease_has_passed_to_another_changes_nothing_and_goes_on(clock: ManualClock) -> None:
    """As after SIGSTOP: the job has run elsewhere when the first worker wakes up."""
    queue = Queue(clock=clock)
    events: list[Any] = []
    begun, go_on = threading.Event(), threading.Event()
    seen: list[bool] = []

    @queue.task()
    def work(n: int) -> int:
        if n == 1 and current_job().fence == 1:
            begun.set()
            go_on.wait(PATIENCE)
            seen.append(current_job().heartbeat_ok)
            return -1
        return n

    job = work.enqueue(1)
    worker = Worker(queue, concurrency=1, lease_seconds=9.0, on_event=events.append)
    renew, queue.store.renew = queue.store.renew, lambda leases, *, seconds: [Renewal.KEPT for _ in leases]  # type: ignore[method-assign]
    with working(worker):
        assert begun.wait(PATIENCE)
        clock.advance(9.0)
        assert queue.run_inline() == 1
        queue.store.renew = renew  # type: ignore[method-assign]
        until(clock, lambda: any(isinstance(event, JobLost) for event in events))
        done = queue.get(job.id)
        go_on.set()
        second = work.enqueue(2)
        until(clock, lambda: queue.get(second.id).state is JobState.SUCCEEDED)
    assert queue.get(job.id) == done
    assert (done.result, done.fence, done.crashes) == (1, 2, 1)
    assert seen == [False]
    assert sum(isinstance(event, JobLost) for event in events) == 1


class Moody(MemoryStore):
    """A store that does not answer when it is told so."""

    down = False
    lose_replies = False

    def settle(self, outcomes: Any, *, connection: Any = None) -> list[bool]:
        answers = super().settle(outcomes, connection=connection) if not self.down else []
        if self.down or self.lose_replies:
            raise StoreUnavailable("the store", 0.5)
        return answers

    def claim(self, want: Any) -> Any:
        if self.down:
            raise StoreUnavailable("the store", 0.5)
        return super().claim(want)

    def renew(self, leases: Any, *, seconds: float) -> Any:
        if self.down:
            raise StoreUnavailable("the store", 0.5)
        return super().renew(leases, seconds=seconds)


def test_a_worker_that_is_cut_off_asks_its_jobs_to_stop_when_its_own_time_is_up(clock: ManualClock) -> None:
    store = Moody(clock=clock)
    queue = Queue(store=store, clock=clock)
    begun = threading.Event()
    stopped_at: list[float] = []

    @queue.task()
    def work() -> None:
        begun.set()
        while not current_job().cancelled:
            time.sleep(0.001)
        stopped_at.append(clock.monotonic())

    work.enqueue()
    with working(Worker(queue, lease_seconds=9.0)):
        assert begun.wait(PATIENCE)
        store.down = True
        until(clock, lambda: stopped_at)
        store.down = False
        until(clock, lambda: queue.stats().succeeded == 1)
    assert stopped_at[0] >= 9.0


@pytest.mark.parametrize("what", ["down", "lose_replies"])
def test_outcomes_are_told_until_the_store_has_heard_them(clock: ManualClock, what: str) -> None:
    store = Moody(clock=clock)
    queue = Queue(store=store, clock=clock)
    events: list[Any] = []
    runs: list[int] = []
    work = queue.task(name="work")(runs.append)
    queue.submit([work.call(n) for n in range(5)])
    with working(Worker(queue, concurrency=1, lease_seconds=1e6, on_event=events.append)):
        eventually(lambda: len(runs) > 0)
        setattr(store, what, True)
        until(clock, lambda: any(isinstance(event, StoreFailed) for event in events) or len(runs) == 5)
        setattr(store, what, False)
        until(clock, lambda: queue.stats().succeeded == 5)
    assert sorted(runs) == [0, 1, 2, 3, 4]
    assert not any(isinstance(event, JobLost) for event in events)


# The end of a worker


def test_a_worker_that_is_stopped_lets_its_jobs_end_and_gives_the_others_back(kind: Kind) -> None:
    queue = Queue()
    begun, go_on = threading.Event(), threading.Event()

    @queue.task()
    def work(n: int) -> None:
        begun.set()
        go_on.wait(PATIENCE)

    queue.submit([work.call(n) for n in range(10)])
    with working(Worker(queue, runner=kind, concurrency=1)) as statuses:
        assert begun.wait(PATIENCE)
        worker_stopped = threading.Timer(0, go_on.set)
        statuses_before = list(statuses)
        eventually(lambda: queue.stats().running == 10)
        worker_stopped.start()
    worker_stopped.join()
    assert statuses_before == []
    assert statuses == [0]
    stats = queue.stats()
    assert stats.running == 0
    assert stats.succeeded + stats.ready == 10
    assert all(job.attempts == job.crashes == 0 for job in queue.jobs(state=JobState.READY).items)


def test_what_still_runs_at_the_deadline_is_released_uncounted(kind: Kind, clock: ManualClock) -> None:
    queue = Queue(clock=clock)
    begun, go_on = threading.Event(), threading.Event()

    @queue.task()
    def work() -> None:
        begun.set()
        go_on.wait(PATIENCE)

    job = work.enqueue()
    worker = Worker(queue, runner=kind, concurrency=1, lease_seconds=1e6)
    with working(worker) as statuses:
        assert begun.wait(PATIENCE)
        worker.stop(1.0)
        until(clock, lambda: statuses)
    assert statuses[0] in {1, 2}
    released = queue.get(job.id)
    assert (released.state, released.attempts, released.crashes) == (JobState.READY, 0, 0)
    assert clock.monotonic() <= 3.0
    go_on.set()


def test_a_job_that_listens_is_released_when_its_worker_stops(clock: ManualClock) -> None:
    queue = Queue(clock=clock)
    begun = threading.Event()

    @queue.task()
    def work() -> None:
        begun.set()
        while True:
            time.sleep(0.001)
            current_job().check_cancelled()

    job = work.enqueue()
    worker = Worker(queue, lease_seconds=1e6)
    with working(worker) as statuses:
        assert begun.wait(PATIENCE)
        worker.stop(1.0)
        until(clock, lambda: statuses)
    assert statuses == [1]
    assert (queue.get(job.id).state, queue.get(job.id).attempts) == (JobState.READY, 0)


def test_a_worker_may_run_so_many_jobs_and_no_more(kind: Kind) -> None:
    queue = Queue()
    work = queue.task(name="work")(lambda: None)
    queue.submit([work.call()] * 10)
    assert Worker(queue, runner=kind, max_jobs=7).run() == 0
    assert (queue.stats().succeeded, queue.stats().ready) == (7, 3)


def test_one_worker_serves_several_queues() -> None:
    store = MemoryStore()
    queues = [Queue(store=store, name=name) for name in "ab"]
    for queue in queues:
        work = queue.task(name="work")(lambda: None)
        queue.submit([work.call()] * 20)
    Worker(queues).run(until_idle=True)
    assert [queue.stats().succeeded for queue in queues] == [20, 20]


async def test_a_worker_runs_on_the_callers_loop_and_ends_when_it_is_cancelled() -> None:
    queue = Queue()
    here: list[asyncio.AbstractEventLoop] = []

    @queue.task()
    async def work() -> None:
        here.append(asyncio.get_running_loop())

    job = await work.aenqueue()
    running = asyncio.create_task(Worker(queue, runner="asyncio").arun())
    assert await queue.aresult(job.id, timeout_seconds=PATIENCE) is None
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert here == [asyncio.get_running_loop()]


def test_a_listener_that_raises_breaks_nothing(kind: Kind) -> None:
    queue = Queue()
    work = queue.task(name="work")(lambda: None)
    queue.submit([work.call()] * 20)

    def listener(event: object) -> None:
        raise RuntimeError(event)

    worker = Worker(queue, runner=kind, on_event=listener)
    assert worker.run(until_idle=True) == 0
    assert worker.listener_failures == 40
    assert queue.stats().succeeded == 20


def test_events_tell_of_each_job_in_its_order() -> None:
    queue = Queue()
    events: list[Any] = []
    work = queue.task(name="work", max_attempts=1)(raising(ValueError("no")))
    job = work.enqueue()
    Worker(queue, concurrency=1, on_event=events.append).run(until_idle=True)
    assert [type(event) for event in events] == [JobStarted, JobEnded]
    assert (events[0].id, events[0].fence, events[1].what, events[1].error) == (job.id, 1, "bury", "ValueError")


def test_jobs_that_wait_here_too_long_are_given_back_for_others(clock: ManualClock) -> None:
    queue = Queue(clock=clock)
    begun, go_on = threading.Event(), threading.Event()

    @queue.task()
    def work(n: int) -> None:
        begun.set()
        go_on.wait(PATIENCE)

    queue.submit([work.call(n) for n in range(50)])
    with working(Worker(queue, concurrency=1, batch=50, lease_seconds=1e6)):
        assert begun.wait(PATIENCE)
        eventually(lambda: queue.stats().running == 50)
        until(clock, lambda: queue.stats().running == 1)
        assert clock.monotonic() >= 1.0
        assert all(job.attempts == job.crashes == 0 for job in queue.jobs(state=JobState.READY).items)
        go_on.set()
        until(clock, lambda: queue.stats().succeeded == 50)


# Waiting


def test_a_result_is_waited_for() -> None:
    queue = Queue()

    @queue.task()
    def work() -> str:
        return "done"

    job = work.options(delay_seconds=0.05).enqueue()
    with working(Worker(queue)):
        assert queue.result(job.id, timeout_seconds=PATIENCE) == "done"


def test_a_result_that_does_not_come_in_time_is_a_timeout(queue: Queue) -> None:
    job = queue.task(name="work")(print).enqueue()
    with pytest.raises(TimeoutError, match="is ready after 0 s"):
        queue.result(job.id, timeout_seconds=0)


def test_a_full_queue_blocks_and_lets_its_waiters_in_one_by_one_in_their_order() -> None:
    queue = Queue(capacity=1, when_full="block")
    work = queue.task(name="work")(lambda n: n)
    work.enqueue(0)
    entered: list[int] = []

    def enter(n: int) -> None:
        work.enqueue(n)
        entered.append(n)

    threads = []
    for n in range(1, 4):
        thread = threading.Thread(target=enter, args=(n,))
        thread.start()
        eventually(functools.partial(lambda n: len(queue._line) == n, n))
        threads.append(thread)
    for n in range(1, 4):
        assert entered == list(range(1, n))
        (lease,) = queue.store.claim(wish(1, queue="default"))
        eventually(functools.partial(lambda n: len(entered) == n, n))
        queue.store.settle([end(lease)])
    for thread in threads:
        thread.join(PATIENCE)
    assert entered == [1, 2, 3]


async def test_a_waiter_that_is_cancelled_takes_no_place() -> None:
    queue = Queue(capacity=1, when_full="block")
    work = queue.task(name="work")(lambda n: n)
    await work.aenqueue(0)
    first = asyncio.create_task(work.aenqueue(1))
    await asyncio.to_thread(eventually, lambda: len(queue._line) == 1)
    second = asyncio.create_task(work.aenqueue(2))
    await asyncio.to_thread(eventually, lambda: len(queue._line) == 2)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    queue.store.claim(wish(1, queue="default"))
    job = await asyncio.wait_for(second, PATIENCE)
    assert job.args == [2]
    assert queue.stats().ready == 1


def test_a_fault_of_the_store_ends_the_worker_with_its_error(kind: Kind) -> None:
    class Broken(MemoryStore):
        def settle(self, outcomes: Any, *, connection: Any = None) -> list[bool]:
            raise ZeroDivisionError

    queue = Queue(store=Broken())
    queue.task(name="work")(lambda: None).enqueue()
    with pytest.raises(ZeroDivisionError):
        Worker(queue, runner=kind).run()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"concurrency": 0}, "concurrency must be at least 1"),
        ({"runner": "fibres"}, "runner must be 'threads', 'asyncio' or 'processes'"),
        ({"lease_seconds": 0}, "lease_seconds must be a finite number > 0"),
        ({"batch": 0}, "batch must be at least 1"),
        ({"max_jobs": 0}, "max_jobs must be at least 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Worker(Queue(), **settings)
