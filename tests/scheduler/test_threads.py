"""Every claim of safety for threads, under the deterministic scheduler."""

from collections.abc import Callable
from typing import Any

from lldkit import interleave
from lldkit.clock import ManualClock
from lldkit.scheduler import JobState, MemoryStore, Queue, QueueFull, Unique, Worker
from scheduler.helpers import a_job, end, ids, wish

INCLUDE = ["lldkit.scheduler"]
Program = tuple[dict[str, Callable[[], object]], Callable[[], object]]


def prove(program: Callable[[], Program], *, schedules: int = 60) -> None:
    interleave.explore(program, schedules=schedules, include=INCLUDE).assert_ok()


def test_a_job_is_leased_to_one_of_those_who_claim_at_once() -> None:
    def program() -> Program:
        store, claimed = MemoryStore(clock=ManualClock()), list[str]()
        store.put([a_job("a"), a_job("b"), a_job("c")])

        def body() -> None:
            claimed.extend(ids(store.claim(wish(2))))

        return {"x": body, "y": body}, lambda: sorted(claimed) == ["a", "b", "c"]

    prove(program)


def test_enqueues_of_one_unique_key_at_once_make_one_job() -> None:
    def program() -> Program:
        queue, made = Queue(clock=ManualClock()), list[str]()
        work = queue.task(name="work", unique=Unique())(print)

        def body() -> None:
            made.append(work.enqueue(1).id)

        return {"x": body, "y": body, "z": body}, lambda: len(made) == 3 and len(set(made)) == 1

    prove(program)


def test_the_last_place_of_a_full_queue_is_given_once() -> None:
    def program() -> Program:
        queue, refused = Queue(capacity=1, clock=ManualClock()), list[int]()
        work = queue.task(name="work")(print)

        def body() -> None:
            try:
                work.enqueue(1)
            except QueueFull:
                refused.append(1)

        return {"x": body, "y": body}, lambda: len(refused) == 1 and queue.stats().ready == 1

    prove(program)


def test_a_cancel_beside_the_end_of_the_run_has_one_winner() -> None:
    def program() -> Program:
        store, answers = MemoryStore(clock=ManualClock()), dict[str, Any]()
        store.put([a_job("a"), a_job("child", parents=("a",))])
        (lease,) = store.claim(wish())

        def cancel() -> None:
            answers["cancel"] = store.cancel("a")

        def settle() -> None:
            answers["settle"] = store.settle([end(lease)])

        def invariant() -> bool:
            cancelled = answers["cancel"]
            state, child = store.get("a").state, store.get("child").state
            if cancelled:
                return (state, child) == (JobState.CANCELLED, JobState.CANCELLED)
            return (state, child) == (JobState.SUCCEEDED, JobState.READY)

        return {"x": cancel, "y": settle}, invariant

    prove(program)


def test_a_child_that_is_put_while_its_parent_ends_is_not_stranded() -> None:
    def program() -> Program:
        store = MemoryStore(clock=ManualClock())
        store.put([a_job("a")])
        (lease,) = store.claim(wish())

        def settle() -> None:
            store.settle([end(lease)])

        def put() -> None:
            store.put([a_job("child", parents=("a",))])

        return {"x": settle, "y": put}, lambda: store.get("child").state is JobState.READY

    prove(program)


def test_a_worker_ends_with_every_job_run_once_however_its_threads_interleave() -> None:
    def program() -> Program:
        queue, runs = Queue(), list[int]()
        work = queue.task(name="work")(runs.append)
        queue.submit([work.call(n) for n in range(3)])
        worker = Worker(queue, concurrency=2, batch=2, signals=False)

        def run() -> None:
            worker.run(until_idle=True)

        return {"worker": run}, lambda: sorted(runs) == [0, 1, 2] and queue.stats().succeeded == 3

    prove(program, schedules=15)
