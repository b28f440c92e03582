"""Every claim of safety for threads: under the deterministic scheduler, and with real threads whose keys yield."""

import threading
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from lldkit import interleave
from lldkit.clock import ManualClock
from lldkit.rate_limiter import (
    ConcurrencyLimiter,
    LimiterStats,
    MemoryStore,
    RateLimited,
    RateLimiter,
    Reservation,
    StoreFull,
    fixed_window,
    gcra,
    per_day,
    per_hour,
    per_second,
    sliding_counter,
    sliding_log,
    token_bucket,
)

INCLUDE = ["lldkit.rate_limiter"]
Program = tuple[dict[str, Callable[[], object]], Callable[[], object]]
ALGORITHMS = pytest.mark.parametrize(
    "algorithm", [gcra, token_bucket, fixed_window, sliding_log, sliding_counter], ids=lambda algorithm: algorithm.name
)


def prove(program: Callable[[], Program], *, schedules: int = 150, race_timeouts: bool = True) -> None:
    interleave.explore(program, schedules=schedules, include=INCLUDE, race_timeouts=race_timeouts).assert_ok()


@ALGORITHMS
def test_racing_acquires_admit_exactly_the_limit(algorithm: Any) -> None:
    def program() -> Program:
        limiter, admitted = RateLimiter(per_day(3), algorithm=algorithm, clock=ManualClock()), list[bool]()

        def body() -> None:
            admitted.extend(bool(limiter.acquire("k")) for _ in range(2))

        return {"a": body, "b": body, "c": body}, lambda: sum(admitted) == 3

    prove(program)


def test_several_quotas_are_taken_together_or_not_at_all() -> None:
    def program() -> Program:
        limiter = RateLimiter([per_day(2, name="x"), per_day(3, name="y")], clock=ManualClock())
        admitted: list[bool] = []

        def body() -> None:
            admitted.extend(bool(limiter.acquire("k")) for _ in range(2))

        def invariant() -> bool:
            left = [decision.remaining for decision in limiter.peek("k").by_quota]
            return sum(admitted) == 2 and left == [0, 1]

        return {"a": body, "b": body}, invariant

    prove(program)


def test_a_reservation_cancelled_by_two_threads_comes_back_once() -> None:
    def program() -> Program:
        limiter = RateLimiter(per_second(8, burst=4), clock=ManualClock())
        limiter.acquire("k", cost=4)
        limiter.reserve("k", cost=2, max_delay=9)
        promise: Reservation = limiter.reserve("k", cost=2, max_delay=9)
        return {"a": promise.cancel, "b": promise.cancel}, lambda: limiter.peek("k").refill_after == 0.375

    prove(program)


def test_new_keys_never_exceed_the_bound_and_every_refusal_is_counted() -> None:
    def program() -> Program:
        store = MemoryStore(max_keys=2)
        limiter, kept, full = RateLimiter(per_day(1), store=store, clock=ManualClock()), list[str](), list[str]()

        def body(*keys: str) -> None:
            for key in keys:
                try:
                    limiter.acquire(key)
                    kept.append(key)
                except StoreFull:
                    full.append(key)

        def invariant() -> bool:
            stats: LimiterStats = limiter.stats
            return (len(kept), len(full), stats.keys, stats.store_faults) == (2, 2, 2, 2)

        return {"a": lambda: body("1", "2"), "b": lambda: body("3", "4")}, invariant

    prove(program)


def test_the_denials_of_racing_threads_are_all_counted() -> None:
    def program() -> Program:
        limiter = RateLimiter(per_day(1), clock=ManualClock())
        limiter.acquire("k")

        def body() -> None:
            limiter.acquire("k")
            limiter.acquire(("other way", 1))
            limiter.acquire("k")

        return {"a": body, "b": body}, lambda: limiter.stats.denials == 5

    prove(program)


def test_waiting_threads_are_all_served_at_the_rate_and_none_is_lost() -> None:
    def program() -> Program:
        limiter, served = RateLimiter(per_second(4, burst=1)), list[float]()
        limiter.acquire("k")

        def body() -> None:
            limiter.throttle("k", timeout=None)
            served.append(time.monotonic())

        def invariant() -> bool:
            gaps = [later - earlier for earlier, later in pairwise(served)]
            return len(served) == 3 and limiter.stats.waiters == 0 and all(gap > 0.249 for gap in gaps)

        return {"a": body, "b": body, "c": body}, invariant

    prove(program, race_timeouts=False)  # else a thread may be served and look at the clock much later


def test_a_waiter_that_gives_up_at_any_moment_loses_no_turn() -> None:
    def program() -> Program:
        limiter, outcomes = RateLimiter(per_second(1, burst=1), algorithm=sliding_log), list[str]()
        limiter.acquire("k")

        def patient() -> None:
            limiter.throttle("k", timeout=None)
            outcomes.append("served")

        def hasty() -> None:
            try:
                limiter.throttle("k", timeout=1.0)
                outcomes.append("served")
            except RateLimited:
                outcomes.append("left")

        return {
            "patient": patient,
            "hasty": hasty,
            "other": patient,
        }, lambda: len(outcomes) == 3 and outcomes.count("served") >= 2 and limiter.stats.waiters == 0

    prove(program)


def test_never_more_than_the_limit_hold_a_slot_and_all_waiters_get_one() -> None:
    def program() -> Program:
        slots, inside, most = ConcurrencyLimiter(1, lease_seconds=100), list[str](), list[int]()

        def body() -> None:
            with slots.throttle("k", timeout=None):
                inside.append("x")
                most.append(len(inside))
                inside.pop()

        return {"a": body, "b": body, "c": body}, lambda: most == [1, 1, 1] and slots.waiters == 0

    prove(program, race_timeouts=False)  # else a holder may be stopped for longer than its lease lasts


def test_no_lock_is_held_while_the_clock_or_a_listener_runs() -> None:
    """Each of them calls the limiter again, from the same thread: with a lock held that would never return."""

    class Nosy(ManualClock):
        limiter: RateLimiter | None = None

        def monotonic(self) -> float:
            limiter, self.limiter = self.limiter, None
            if limiter:
                limiter.acquire("clock")
                self.limiter = limiter
            return super().monotonic()

    clock = Nosy()
    limiter = RateLimiter(per_day(1), clock=clock, on_event=lambda _: limiter.reset("listener"))
    clock.limiter = limiter
    assert finishes(lambda: [limiter.acquire("k"), limiter.acquire("k"), limiter.peek("k")])


class Awkward(str):
    """A key that runs code of its own when it is hashed or compared."""

    __slots__ = ()
    trouble: Callable[[], object] = staticmethod(lambda: None)

    def __hash__(self) -> int:
        self.trouble()
        return super().__hash__()

    def __eq__(self, other: object) -> bool:
        self.trouble()
        return super().__eq__(other)


def test_a_key_whose_hash_yields_calls_back_or_raises_leaves_the_limiter_usable() -> None:
    limiter = RateLimiter(per_day(2), clock=ManualClock())

    def fail() -> None:
        raise ZeroDivisionError

    for trouble in (lambda: time.sleep(0), lambda: limiter.acquire("inner"), fail):
        Awkward.trouble = staticmethod(trouble)
        assert finishes(lambda: [limiter.acquire(Awkward("k")), limiter.acquire((Awkward("k"), 1))])
    assert not limiter.acquire("k")  # the same key as the awkward one, which was asked three times


def finishes(body: Callable[[], object]) -> bool:
    """Whether `body` returns; a deadlock must not hang the tests."""
    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    thread.join(10)
    return not thread.is_alive()


def test_eight_real_threads_admit_exactly_the_limit() -> None:
    limiter, admitted = RateLimiter(per_hour(1_000), clock=ManualClock()), list[int]()

    def body() -> None:
        admitted.append(sum(bool(limiter.acquire("k")) for _ in range(3_000)))

    threads = [threading.Thread(target=body) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(admitted) == 1_000
    assert limiter.stats.denials == 23_000


def test_twenty_real_threads_never_hold_more_than_three_slots() -> None:
    slots, inside, most = ConcurrencyLimiter(3), list[int](), list[int]()

    def body() -> None:
        for _ in range(20):
            with slots.throttle("k", timeout=None):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0)
                inside.pop()

    threads = [threading.Thread(target=body) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(most), max(most) <= 3) == (400, True)


def test_no_class_here_starts_a_thread() -> None:
    before = threading.active_count()
    limiter = RateLimiter(per_second(10))
    for key in range(1_000):
        limiter.acquire(key)
    ConcurrencyLimiter(1).acquire("k")
    assert threading.active_count() == before
