"""The adaptive mode, simulated call by call against a backend of a stated capacity."""

from random import Random

import pytest

from circuit_breaker.helpers import NeverRandom
from lldkit.circuit_breaker import AdaptiveThrottle, CircuitOpen, Outcome, within
from lldkit.circuit_breaker.throttle import refusal_share
from lldkit.clock import ManualClock


class Backend:
    """Serves the first `capacity` calls of each second."""

    def __init__(self, throttle: AdaptiveThrottle, clock: ManualClock) -> None:
        self.throttle, self.clock = throttle, clock

    def second(self, offered: int, capacity: int) -> tuple[int, int]:
        """(received, refused) while `offered` calls arrive evenly in one second."""
        received = 0
        for _ in range(offered):
            self.clock.advance(1 / offered)
            try:
                permit = self.throttle.admit()
            except CircuitOpen:
                continue
            received += 1
            (permit.success if received <= capacity else permit.failure)()
        return received, offered - received


def throttled(**options: float) -> Backend:
    clock = ManualClock()
    return Backend(AdaptiveThrottle("t", clock=clock, rng=Random(7), **options), clock)  # type: ignore[arg-type]


def test_half_a_backend_is_not_throttled() -> None:
    backend = throttled()
    refused = sum(backend.second(100, 50)[1] for _ in range(300))
    assert refused < 0.02 * 30_000


def test_a_tenth_of_a_backend_receives_twice_what_it_can() -> None:
    backend = throttled()
    for _ in range(300):
        backend.second(100, 10)
    received = [backend.second(100, 10)[0] for _ in range(100)]
    assert sum(received) / 100 == pytest.approx(20, abs=2)


def test_nothing_is_refused_before_the_first_failure_however_many_are_in_flight() -> None:
    throttle = AdaptiveThrottle("t", clock=ManualClock(), rng=NeverRandom())
    permits = [throttle.admit() for _ in range(1_000)]
    for permit in permits:
        permit.success()
    assert throttle.share == 0.0


def test_a_dead_backend_is_still_probed() -> None:
    backend = throttled()
    received = [backend.second(10, 0)[0] for _ in range(1_000)]
    assert 1 <= sum(received[-880:]) < 40  # about 10 a second / 1 200 in the window
    assert 0.99 < backend.throttle.share < 1


@pytest.mark.parametrize(("capacity", "windows"), [(10, 2), (0, 8)])
def test_refusals_end_after_a_recovery(capacity: int, windows: int) -> None:
    backend = throttled()
    for _ in range(240):
        backend.second(100, capacity)
    for _ in range(120 * windows):
        backend.second(100, 100)
    assert sum(backend.second(100, 100)[1] for _ in range(60)) < 0.01 * 6_000


@pytest.mark.parametrize(("requests", "accepted", "share"), [(0, 0, 0), (9, 0, 0.9), (99, 30, 0.39), (10, 10, 0)])
def test_the_share_follows_the_formula(requests: int, accepted: int, share: float) -> None:
    assert refusal_share(requests, accepted, 2.0) == pytest.approx(share)


def test_the_verbs_are_those_of_a_breaker() -> None:
    clock = ManualClock()
    rng = NeverRandom()
    rng.value = 0.9
    throttle = AdaptiveThrottle("t", clock=clock, rng=rng, window=within(10))
    assert throttle(int)("4") == 4
    with pytest.raises(ValueError, match="invalid"), throttle:
        int("x")
    with pytest.raises(ValueError, match="invalid"):
        throttle.call(int, "y")
    throttle.admit().ignore()
    rng.value = 0.1  # below (3 - 2 x 1) / (3 + 1)
    with pytest.raises(CircuitOpen, match="t is throttled") as refusal:
        throttle.call(int)
    assert (refusal.value.state, refusal.value.retry_after, refusal.value.last_error) == (None, None, "ValueError")
    stats = throttle.stats
    assert (stats.calls, stats.failures, stats.ignored, stats.rejected) == (4, 3, 1, 1)
    clock.advance(100)
    assert throttle.call(int) == 0


async def test_it_protects_coroutines_and_judges_results() -> None:
    throttle = AdaptiveThrottle(
        "t", clock=ManualClock(), rng=NeverRandom(), classify=lambda _error, _result: Outcome.FAILURE
    )

    @throttle
    async def answer() -> int:
        return 42

    assert await answer() == 42
    assert throttle.stats.failures == 1


def test_k_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="k must be a finite number >= 1, got"):
        AdaptiveThrottle("t", k=0.5)
