"""Every claim of safety for threads: under the deterministic scheduler, and with real threads that meet."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from circuit_breaker.helpers import Bench
from lldkit import interleave
from lldkit.circuit_breaker import (
    AdaptiveThrottle,
    Breakers,
    CircuitBreaker,
    CircuitOpen,
    State,
    StateChanged,
    consecutive,
    rate,
    within,
)
from lldkit.clock import ManualClock

INCLUDE = ["lldkit.circuit_breaker"]
Program = tuple[dict[str, Callable[[], object]], Callable[[], object]]


def prove(program: Callable[[], Program], *, schedules: int = 60) -> None:
    interleave.explore(program, schedules=schedules, include=INCLUDE).assert_ok()


def test_racing_callers_get_exactly_the_probes() -> None:
    def program() -> Program:
        bench, admitted, refused = Bench(probes=2), list[object](), list[object]()
        bench.half_open()

        def body() -> None:
            for _ in range(2):
                try:
                    admitted.append(bench.breaker.admit())
                except CircuitOpen as refusal:
                    refused.append(refusal)

        return {"a": body, "b": body, "c": body}, lambda: (len(admitted), len(refused)) == (2, 4)

    prove(program)


def test_two_threads_that_trip_together_tell_one_event() -> None:
    def program() -> Program:
        bench = Bench(trip=consecutive(1))
        permits = [bench.breaker.admit(), bench.breaker.admit()]
        bodies: dict[str, Callable[[], object]] = {"a": permits[0].failure, "b": permits[1].failure}
        return bodies, lambda: bench.moves == [(State.CLOSED, State.OPEN)]

    prove(program)


def test_no_outcome_is_lost_and_every_failure_counts() -> None:
    def program() -> Program:
        bench = Bench(trip=rate(failures=1.0, min_calls=50))

        @bench.breaker
        def call(fail: bool) -> None:
            if fail:
                raise ValueError

        def body() -> None:
            for fail in (True, False):
                with suppress(ValueError):
                    call(fail)

        def invariant() -> bool:
            stats = bench.breaker.stats
            return (stats.calls, stats.failures) == (6, 3)

        return {"a": body, "b": body, "c": body}, invariant

    prove(program)


def test_a_permit_that_two_threads_report_counts_once() -> None:
    def program() -> Program:
        bench = Bench(trip=consecutive(5))
        permit = bench.breaker.admit()
        return {"a": permit.failure, "b": permit.success}, lambda: bench.breaker.stats.calls == 1

    prove(program)


def test_a_probe_and_a_reset_by_hand_leave_a_state_of_the_table() -> None:
    def program() -> Program:
        bench = Bench(probes=1)
        bench.half_open()
        probe = bench.breaker.admit()

        def invariant() -> bool:
            chain = [State.CLOSED, *(target for _, target in bench.moves)]
            joined = all(source is before for (source, _), before in zip(bench.moves, chain, strict=False))
            return joined and bench.state() is State.CLOSED

        return {"probe": probe.failure, "hand": bench.breaker.reset}, invariant

    prove(program)


def test_events_are_told_in_the_order_of_the_moves() -> None:
    def program() -> Program:
        bench = Bench()

        def body() -> None:
            bench.breaker.trip()
            bench.breaker.reset()

        def invariant() -> bool:
            sources = [source for source, _ in bench.moves]
            return sources == [State.CLOSED, *(target for _, target in bench.moves)][:-1] and len(sources) == 4

        return {"a": body, "b": body}, invariant

    prove(program)


def test_one_name_has_one_breaker() -> None:
    def program() -> Program:
        breakers, got = Breakers(CircuitBreaker, max_breakers=1), list[CircuitBreaker]()

        def body() -> None:
            got.append(breakers["x"])

        return {"a": body, "b": body}, lambda: got[0] is got[1] and len(breakers) == 1

    prove(program)


def test_the_throttle_loses_no_count() -> None:
    def program() -> Program:
        throttle = AdaptiveThrottle("t", clock=ManualClock())

        def body() -> None:
            for _ in range(2):
                throttle.call(int)

        return {"a": body, "b": body}, lambda: throttle.stats.calls == 4

    prove(program)


def finishes(body: Callable[[], object]) -> bool:
    """Whether `body` returns; a deadlock must not hang the tests."""
    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    thread.join(10)
    return not thread.is_alive()


def together(count: int, body: Callable[[], object]) -> bool:
    threads = [threading.Thread(target=body, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    return not any(thread.is_alive() for thread in threads)


def test_eight_threads_meet_inside_one_protected_function() -> None:
    for half_open in (False, True):
        bench, barrier = Bench(probes=8), threading.Barrier(8, timeout=10)
        if half_open:
            bench.half_open()
        assert together(8, bench.breaker(barrier.wait))
        assert bench.breaker.stats.successes == (0 if half_open else 8)  # eight probes have closed it
        assert bench.state() is State.CLOSED


def test_one_probe_of_twenty_threads() -> None:
    bench, start, leave = Bench(probes=1), threading.Barrier(20, timeout=10), threading.Event()
    calls, refusals = list[int](), list[CircuitOpen]()
    bench.half_open()

    def probe() -> None:
        calls.append(1)
        leave.wait(10)

    def body() -> None:
        start.wait()
        try:
            bench.breaker.call(probe)
        except CircuitOpen as refusal:
            refusals.append(refusal)
            if len(refusals) == 19:
                leave.set()

    assert together(20, body)
    assert (len(calls), len(refusals)) == (1, 19)


def test_a_listener_that_waits_for_another_thread_on_the_breaker_does_not_deadlock() -> None:
    served: list[bool] = []

    def listener(event: object) -> None:
        if isinstance(event, StateChanged) and event.target is State.OPEN:
            served.append(finishes(lambda: bench.breaker.stats) and finishes(bench.breaker.reset))

    bench = Bench(on_event=listener)
    assert finishes(bench.fail)
    assert served[0]


def test_no_lock_is_held_while_the_clock_the_judge_or_chance_runs() -> None:
    """Each of them asks the breaker again, from the same thread: with a lock held that would never return."""

    class Nosy(ManualClock):
        breaker: CircuitBreaker | None = None

        def monotonic(self) -> float:
            breaker, self.breaker = self.breaker, None
            if breaker:
                _ = breaker.stats
                self.breaker = breaker
            return super().monotonic()

    clock = Nosy()
    breaker = CircuitBreaker("b", trip=consecutive(1), clock=clock, open_for=1, probes=1)
    clock.breaker = breaker

    def life() -> None:
        breaker.admit().failure()
        clock.advance(2)
        breaker.call(time.sleep, 0)
        breaker.reset()

    assert finishes(life)
    assert breaker.state is State.CLOSED


def test_real_threads_lose_no_outcome() -> None:
    bench = Bench(trip=rate(failures=1.0, min_calls=1_000_000), window=within(1e6))
    call = bench.breaker(threading.get_ident)

    def body() -> None:
        for _ in range(2_000):
            call()

    assert together(8, body)
    assert bench.breaker.stats.calls == 16_000


def test_no_class_here_starts_a_thread() -> None:
    before = threading.active_count()
    bench = Bench()
    bench.fail()
    AdaptiveThrottle("t").call(int)
    assert threading.active_count() == before
