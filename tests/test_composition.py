"""fallback(retry(breaker(limiter(timeout(call))))): what each layer leaves to the next, in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import pytest

from lldkit.circuit_breaker import CircuitBreaker, CircuitOpen, State, consecutive, exceptions
from lldkit.clock import ManualClock
from lldkit.rate_limiter import RateLimited, RateLimiter, per
from lldkit.retry import Reason, Retry, constant, gave_up
from lldkit.simulation import VirtualClock, run_virtual

Call: TypeAlias = Callable[[], Awaitable[str]]
PASSING = (TimeoutError, ConnectionError, RateLimited, CircuitOpen)
ANSWERED = "paid"
SUBSTITUTE = "later"


class Service:
    """A dependency that hangs for ever in some calls, by their number (1 is the first), and answers in the others."""

    def __init__(self, clock: VirtualClock, *, hangs: range = range(0)) -> None:
        self.clock, self.hangs = clock, hangs
        self.times: list[float] = []

    async def __call__(self) -> str:
        self.times.append(self.clock.monotonic())
        if len(self.times) in self.hangs:
            await asyncio.sleep(3_600)
        return ANSWERED


class Layers:
    """The five layers over one service: 10 units a second, three failures open, one probe after 5 s."""

    def __init__(self, *, hangs: range = range(0), timeout: float = 20.0, limit: int = 10) -> None:
        self.clock = VirtualClock()
        self.service = Service(self.clock, hangs=hangs)
        self.limiter = RateLimiter(per(limit, 1.0), clock=self.clock)
        self.breaker = CircuitBreaker(
            *("gateway",),
            trip=consecutive(3),
            open_for=5.0,
            jitter=0,
            probes=1,
            classify=exceptions(ignore=RateLimited),
            clock=self.clock,
        )
        self.retry = Retry(on=PASSING, attempts=6, timeout=timeout, backoff=constant(0.25), clock=self.clock)

    async def timed(self) -> str:
        async with asyncio.timeout(1.0):
            return await self.service()

    def limited(self, call: Call) -> Call:
        return self.limiter.limit(key=lambda: "gateway")(call)

    async def paid(self) -> str:
        try:
            return await self.retry(self.breaker(self.limited(self.timed)))()
        except PASSING as error:
            if gave_up(error) is None:
                raise
            return SUBSTITUTE

    def run(self, call: Call | None = None) -> str:
        async def main() -> str:
            return await (call or self.paid)()

        return run_virtual(main(), clock=self.clock)


def test_a_retry_sleeps_until_the_circuit_lets_a_probe_through() -> None:
    layers = Layers(hangs=range(1, 4))
    assert layers.run() == ANSWERED
    # Three attempts of 1 s with 0.25 s between them open the circuit at 3.5 s. The attempt at 3.75 s is told to come
    # back after the 4.75 s that are left, and the one at 8.5 s is the probe.
    assert layers.service.times == [0.0, 1.25, 2.5, 8.5]
    assert layers.breaker.state is State.CLOSED


def test_a_retry_sleeps_until_the_limiter_has_a_unit() -> None:
    layers = Layers(limit=1)
    assert layers.run() == ANSWERED
    assert layers.run() == ANSWERED
    assert layers.service.times == [0.0, 1.0]


def test_refusals_of_the_limiter_leave_the_circuit_closed() -> None:
    layers = Layers(limit=1, timeout=0.5)
    layers.run()
    assert [layers.run() for _ in range(5)] == [SUBSTITUTE] * 5
    assert layers.breaker.state is State.CLOSED
    assert (layers.breaker.stats.failures, layers.breaker.stats.ignored) == (0, 5)


def test_a_circuit_that_stays_open_too_long_is_answered_by_the_fallback_at_once() -> None:
    layers = Layers(hangs=range(1, 4), timeout=6.0)
    assert layers.run() == SUBSTITUTE
    assert layers.clock.monotonic() == 3.75  # it is told at 3.75 s that the circuit opens at 8.5 s, after the deadline


def test_the_reason_comes_out_with_the_last_error() -> None:
    layers = Layers(hangs=range(1, 4), timeout=6.0)
    with pytest.raises(CircuitOpen) as raised:
        layers.run(layers.retry(layers.breaker(layers.limited(layers.timed))))
    told = gave_up(raised.value)
    assert told is not None
    assert (told.reason, told.attempts, raised.value.retry_after) == (Reason.DEADLINE, 4, 4.75)


def test_cancellation_passes_all_layers_and_frees_the_probe() -> None:
    layers = Layers(hangs=range(1, 5))

    async def main() -> str:
        task = asyncio.ensure_future(layers.paid())
        await asyncio.sleep(9)  # the probe hangs since 8.5 s
        assert layers.breaker.stats.probes_in_flight == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert layers.breaker.stats.probes_in_flight == 0
        return await layers.paid()

    assert layers.run(main) == ANSWERED
    assert layers.service.times == [0.0, 1.25, 2.5, 8.5, 9.0]


def test_a_bug_is_raised_as_itself() -> None:
    layers = Layers()

    async def wrong() -> str:
        layers.service.times.append(layers.clock.monotonic())
        return str(1 // 0)

    with pytest.raises(ZeroDivisionError) as raised:
        layers.run(layers.retry(layers.breaker(layers.limited(wrong))))
    assert gave_up(raised.value) is None
    assert layers.service.times == [0.0]


def test_threads_compose_alike() -> None:
    clock = ManualClock(auto_advance=True)
    limiter = RateLimiter(per(10, 1.0), clock=clock)
    breaker = CircuitBreaker("gateway", trip=consecutive(3), open_for=5.0, jitter=0, probes=1, clock=clock)
    retry = Retry(on=PASSING, attempts=6, timeout=20.0, backoff=constant(0.25), clock=clock)
    times: list[float] = []

    @retry
    @breaker
    @limiter.limit(key=lambda: "gateway")
    def call() -> str:
        times.append(clock.monotonic())
        if len(times) < 4:
            clock.sleep(1.0)  # a plain function brings its own timeout: that of its socket
            raise TimeoutError
        return ANSWERED

    assert call() == ANSWERED
    assert times == [0.0, 1.25, 2.5, 8.5]


def test_a_breaker_outside_the_retry_hears_of_one_failure_where_there_were_three() -> None:
    layers = Layers(hangs=range(1, 4))
    three = layers.retry.replace(attempts=3)
    with pytest.raises(TimeoutError):
        layers.run(layers.breaker(three(layers.timed)))
    assert (len(layers.service.times), layers.breaker.stats.failures) == (3, 1)


def test_a_limiter_outside_the_breaker_pays_for_calls_that_are_never_made() -> None:
    for outside, left in ((True, 9), (False, 10)):
        layers = Layers()
        layers.breaker.force_open()
        guarded = layers.breaker(layers.timed) if outside else layers.breaker(layers.limited(layers.timed))
        with pytest.raises(CircuitOpen):
            layers.run(layers.limited(guarded) if outside else guarded)
        assert layers.limiter.peek("gateway").remaining == left


def test_a_timeout_outside_the_limiter_blames_the_dependency_for_our_own_queue() -> None:
    layers = Layers(limit=1)

    async def queued() -> str:
        await layers.limiter.athrottle("gateway", timeout=None)
        return await layers.service()

    async def impatient() -> str:
        async with asyncio.timeout(0.5):
            return await queued()

    assert layers.run(layers.breaker(impatient)) == ANSWERED
    with pytest.raises(TimeoutError):
        layers.run(layers.breaker(impatient))
    assert (len(layers.service.times), layers.breaker.stats.failures) == (1, 1)


def test_a_fallback_inside_the_retry_is_taken_for_a_success() -> None:
    layers = Layers(hangs=range(1, 2))

    async def covered() -> str:
        try:
            return await layers.timed()
        except TimeoutError:
            return SUBSTITUTE

    assert layers.run(layers.retry(covered)) == SUBSTITUTE
    assert layers.service.times == [0.0]
