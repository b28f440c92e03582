"""`Fallback`: what callers get while the engine is down, how soon they get it, and who is told."""

import asyncio
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_stores import Spy, kinds
from lldkit.clock import ManualClock
from lldkit.rate_limiter import (
    Algorithm,
    Ask,
    Fallback,
    FallbackEntered,
    MemoryStore,
    Quota,
    RateLimited,
    RateLimiter,
    RateLimiterEvent,
    StoreFull,
    StoreUnavailable,
    fixed_window,
    gcra,
    per,
    per_hour,
    per_second,
    sliding_counter,
    sliding_log,
    token_bucket,
)
from lldkit.rate_limiter.fallback import OnError, share_of

DOWN = StoreUnavailable("the engine")


class Scene:
    """A limiter behind a `Fallback`, its engine, its clock and what was told."""

    def __init__(self, quota: Quota | list[Quota], algorithm: Algorithm[Any] = gcra, **options: Any) -> None:
        self.clock, self.engine, self.events = ManualClock(), Spy(), list[RateLimiterEvent]()
        self.fallback = Fallback(self.engine, **options)
        self.limiter = RateLimiter(
            quota, algorithm=algorithm, store=self.fallback, clock=self.clock, on_event=self.events.append
        )

    def told(self) -> list[str]:
        """The news of the fallback and its engine."""
        return [kind for kind in kinds(self.events) if kind != "Denied"]


def test_while_the_engine_answers_it_alone_decides() -> None:
    scene = Scene(per_second(2), on_error="local", share=0.5)
    assert [bool(scene.limiter.acquire("key")) for _ in range(3)] == [True, True, False]
    assert (scene.engine.trips, scene.told()) == (3, [])


def test_open_allows_and_forgets_the_count() -> None:
    scene = Scene(per_hour(2), on_error="open")
    scene.engine.error = DOWN
    assert all(scene.limiter.acquire("key") for _ in range(20))
    assert scene.limiter.acquire("key").remaining == 1
    assert scene.limiter.peek("key")
    assert scene.limiter.acquire("key", cost=3).retry_after == math.inf, "what can never pass does not pass now"


def test_closed_refuses_until_after_the_pause() -> None:
    scene = Scene(per_hour(5), on_error="closed", pause=2.5)
    scene.engine.error = DOWN
    for _ in range(2):
        denied = scene.limiter.acquire("key", cost=5)
        assert (bool(denied), denied.retry_after, denied.remaining) == (False, 2.5, 0)
    assert scene.limiter.acquire("key", cost=6).retry_after == math.inf
    assert scene.limiter.acquire("key", cost=0), "a look takes nothing"
    with pytest.raises(RateLimited) as refused:
        scene.limiter.throttle("key", timeout=1)
    assert refused.value.retry_after == 2.5


def test_local_admits_its_share_of_the_quota() -> None:
    # 500/s for a fleet; a tenth of it is 50 at once and one more each 20 ms.
    scene = Scene(per_second(500), on_error="local", share=0.1, pause=100)
    scene.engine.error = DOWN
    assert sum(bool(scene.limiter.acquire("key")) for _ in range(600)) == 50
    assert scene.limiter.acquire("key").retry_after == 0.02
    scene.clock.advance(0.4)
    assert sum(bool(scene.limiter.acquire("key")) for _ in range(600)) == 20


def test_local_refuses_what_only_the_whole_quota_could_admit_until_the_engine_may_be_back() -> None:
    scene = Scene(per_second(10), on_error="local", share=0.3, pause=4)
    scene.engine.error = DOWN
    assert scene.limiter.acquire("key", cost=4).retry_after == 4
    assert scene.limiter.acquire("key", cost=11).retry_after == math.inf
    assert scene.limiter.acquire("key", cost=3)


def test_raise_raises_at_once_and_says_when_to_come_back() -> None:
    scene = Scene(per_second(10), on_error="raise", pause=4)
    scene.engine.error = StoreUnavailable("the engine", 0.5)
    for _ in range(3):
        with pytest.raises(StoreUnavailable, match="did not answer") as raised:
            scene.limiter.acquire("key")
        assert raised.value.retry_after == 4
    assert scene.engine.trips == 1
    assert scene.limiter.stats.store_faults == 3


def test_a_failed_engine_is_left_alone_for_the_pause_and_then_asked_once() -> None:
    scene = Scene(per_second(10), on_error="open", pause=2)
    scene.engine.error = DOWN
    for elapsed, trips in [(0, 1), (1.999_999, 1), (0.000_001, 2), (0, 2), (1.999_999, 2), (0.000_001, 3)]:
        scene.clock.advance(elapsed)
        assert scene.limiter.acquire("key")
        assert scene.engine.trips == trips


def test_entering_and_leaving_are_one_event_each() -> None:
    scene = Scene(per_second(10), on_error="closed", pause=1)
    for _ in range(2):
        scene.engine.error = DOWN
        for _ in range(5):
            assert not scene.limiter.acquire("key")
            scene.clock.advance(0.4)
        scene.engine.error = None
        scene.clock.advance(1)
        for _ in range(3):
            assert scene.limiter.acquire("key")
    assert scene.told() == ["FallbackEntered", "FallbackLeft"] * 2
    entered = scene.events[0]
    assert isinstance(entered, FallbackEntered)
    assert (entered.error, entered.name) == (DOWN, "default")


@pytest.mark.parametrize("error", [OSError("reset"), RuntimeError("a bug"), TimeoutError(), StoreUnavailable("x")])
@pytest.mark.parametrize("on_error", ["open", "closed", "local"])
async def test_no_error_of_the_engine_leaks_from_any_verb(on_error: OnError, error: Exception) -> None:
    scene = Scene(per_second(10), on_error=on_error, pause=0)
    limiter = scene.limiter
    promise = limiter.reserve("key", max_delay=1)
    scene.engine.error = error
    answers = [limiter.acquire("key"), limiter.peek("key"), limiter.reserve("key", max_delay=0)]
    answers += [await limiter.aacquire("key"), await limiter.apeek("key"), await limiter.areserve("key", max_delay=0)]
    assert {bool(answer) for answer in answers} == {on_error != "closed"}
    promise.cancel()
    limiter.reset("key")
    await limiter.areset("key")
    assert scene.engine.trips == 1 + 6 + 3, "without a pause the engine is asked each time"
    [entered] = [event for event in scene.events if isinstance(event, FallbackEntered)]
    assert entered.error is error or entered.error.__cause__ is error


def test_a_full_engine_answers_others_still_so_there_is_no_pause() -> None:
    clock, engine, events = ManualClock(), Spy(max_keys=1), list[RateLimiterEvent]()
    limiter = RateLimiter(
        per_hour(1), store=Fallback(engine, on_error="closed", pause=9), clock=clock, on_event=events.append
    )
    assert limiter.acquire("known")
    assert limiter.acquire("new").retry_after == 9
    assert limiter.acquire("known").retry_after == 3_600, "the engine was asked"
    assert [kind for kind in kinds(events) if kind != "Denied"] == ["StoreFailed"]


def test_a_full_engine_is_told_to_those_who_want_errors_raised() -> None:
    limiter = RateLimiter(per_hour(1), store=Fallback(Spy(max_keys=1), on_error="raise"), clock=ManualClock())
    limiter.acquire("known")
    with pytest.raises(StoreFull):
        limiter.acquire("new")


def test_a_local_share_that_is_full_itself_refuses() -> None:
    scene = Scene(per_hour(1), on_error="local", pause=7)
    scene.fallback._local = MemoryStore(max_keys=1)
    scene.engine.error = DOWN
    assert scene.limiter.acquire("a")
    assert scene.limiter.acquire("b").retry_after == 7


def test_a_call_that_began_before_the_failure_does_not_end_the_pause() -> None:
    scene = Scene(per_second(10), on_error="closed", pause=1)

    def fails_meanwhile(ask: Ask) -> None:
        if ask.keys == ("slow",):
            scene.engine.error = DOWN
            assert not scene.limiter.acquire("quick")
            scene.engine.error = None

    scene.engine.before = fails_meanwhile
    assert scene.limiter.acquire("slow")
    assert not scene.limiter.acquire("other")
    assert scene.told() == ["FallbackEntered"]


def test_calls_that_fail_together_enter_once_and_pause_from_the_last() -> None:
    scene = Scene(per_second(10), on_error="closed", pause=1)

    def another_fails_later(ask: Ask) -> None:
        scene.engine.before = lambda ask: None
        scene.clock.advance(0.5)
        scene.limiter.acquire("later")

    scene.engine.error = DOWN
    scene.engine.before = another_fails_later
    scene.limiter.acquire("sooner")
    assert scene.told() == ["FallbackEntered"]
    scene.clock.advance(0.999_999)
    scene.limiter.acquire("key")
    assert scene.engine.trips == 2
    scene.clock.advance(0.000_001)
    scene.limiter.acquire("key")
    assert scene.engine.trips == 3


def test_after_the_pause_one_call_tries_the_engine_while_the_others_go_on_without() -> None:
    scene = Scene(per_second(10), on_error="closed", pause=1)
    scene.engine.error = DOWN
    scene.limiter.acquire("key")
    scene.engine.error = None
    scene.clock.advance(1)
    inside: list[bool] = []

    def meanwhile(ask: Ask) -> None:
        assert not scene.fallback._lock.locked()
        inside.append(bool(scene.limiter.acquire("another")))

    scene.engine.before = meanwhile
    assert scene.limiter.acquire("key")
    assert inside == [False]
    assert scene.engine.trips == 2


def test_a_promise_is_cancelled_where_it_was_made() -> None:
    scene = Scene(per_second(10), on_error="local", share=0.5, pause=1)
    scene.limiter.acquire("key", cost=10)
    engines = scene.limiter.reserve("key", cost=4, max_delay=1)
    assert engines.delay == 0.4
    scene.engine.error = DOWN
    scene.limiter.acquire("key", cost=5)
    own = scene.limiter.reserve("key", cost=2, max_delay=1)
    assert own.delay == 0.4, "2 of 5 a second"
    own.cancel()
    assert scene.limiter.reserve("key", cost=2, max_delay=1).delay == 0.4
    scene.engine.error = None
    scene.clock.advance(1)
    assert scene.engine.costs("cancel") == []
    engines.cancel()
    assert scene.engine.costs("cancel") == [4]


@pytest.mark.parametrize("on_error", ["open", "local"])
def test_a_promise_of_the_fallback_is_not_shown_to_the_engine(on_error: OnError) -> None:
    scene = Scene(per_second(10), on_error=on_error, pause=1)
    scene.engine.error = DOWN
    promise = scene.limiter.reserve("key", cost=4, max_delay=1)
    assert promise
    scene.engine.error = None
    scene.clock.advance(5)
    promise.cancel()
    assert scene.engine.costs("cancel") == []


def test_a_fallback_behind_a_fallback_keeps_its_own_promises() -> None:
    clock, engine = ManualClock(), Spy()
    inner = Fallback(engine, on_error="local", pause=60)
    limiter = RateLimiter(per_second(10), store=Fallback(inner, on_error="closed"), clock=clock)
    engine.error = DOWN
    limiter.acquire("key", cost=10)
    promise = limiter.reserve("key", cost=5, max_delay=1)
    promise.cancel()
    assert limiter.reserve("key", cost=5, max_delay=1).delay == 0.5


def test_a_reset_forgets_the_local_debt_as_well() -> None:
    scene = Scene(per_hour(10), on_error="local", pause=60)
    scene.engine.error = DOWN
    assert scene.limiter.acquire("key", cost=10)
    scene.limiter.reset("key")
    assert scene.limiter.acquire("key", cost=10)


class LoopOnManualTime:
    """Makes the running loop's timers go by a clock that stands still until it is advanced."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        asyncio.get_running_loop().time = self.clock.monotonic  # type: ignore[method-assign]

    async def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        for _ in range(5):
            await asyncio.sleep(0)


async def test_a_task_waits_for_a_stalled_engine_no_longer_than_the_timeout_and_later_ones_not_at_all() -> None:
    loop = LoopOnManualTime()
    scene = Scene(per_second(10), on_error="closed", timeout=0.25, pause=1)
    scene.engine.hangs = True
    first = asyncio.create_task(scene.limiter.aacquire("key"))
    await loop.advance(0)
    await loop.advance(0.249)
    assert not first.done()
    await loop.advance(0.002)
    assert first.done()
    assert first.result().retry_after == 1
    assert not await scene.limiter.aacquire("key")
    assert (scene.engine.trips, scene.told()) == (1, ["FallbackEntered"])


@pytest.mark.parametrize("on_error", ["raise", "open", "closed", "local"])
async def test_a_cancelled_task_is_cancelled_and_says_nothing_of_the_engine(on_error: OnError) -> None:
    scene = Scene(per_second(10), on_error=on_error)
    scene.engine.hangs = True
    task = asyncio.create_task(scene.limiter.aacquire("key"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    scene.engine.hangs = False
    assert (await scene.limiter.aacquire("key")).remaining == 9
    assert scene.told() == []


def test_an_interrupt_is_not_swallowed() -> None:
    scene = Scene(per_second(10), on_error="open")
    scene.engine.error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        scene.limiter.acquire("key")
    assert scene.told() == []


@pytest.mark.parametrize(
    ("quota", "share", "expected"),
    [
        (per_second(500), 0.1, per_second(50)),
        (per_second(10, burst=30), 0.5, Quota(5, 1, 15)),
        (per_second(100, burst=100), 0.29, Quota(29, 1, 29)),  # 0.29 x 100 is 28.999... in floats
        (per_second(10), 0.25, Quota(2, 0.8, 2)),  # 2.5/s
        (per_second(1), 0.1, Quota(1, 10, 1)),
        (per(7, 3, name="x"), 1, per(7, 3, name="x")),
        (per_hour(1), 1e-9, Quota(1, 3_600e9, 1)),
    ],
)
def test_a_share_is_worked_out_exactly(quota: Quota, share: float, expected: Quota) -> None:
    assert share_of(quota, share, True) == expected


def test_a_window_keeps_its_length_where_the_share_is_whole() -> None:
    assert share_of(per_second(10), 0.25, False) == Quota(2, 0.8, 2)
    assert share_of(per_second(10), 0.2, False) == Quota(2, 1, 2)


@given(st.integers(1, 1_000), st.integers(1, 10**9), st.integers(1, 1_000), st.integers(1, 200))
def test_the_shares_of_a_fleet_are_together_never_faster_than_the_quota(
    limit: int, period_us: int, burst: int, processes: int
) -> None:
    quota = Quota(limit, period_us / 1e6, burst)
    part = share_of(quota, 1 / processes, True)
    assert part.limit * quota.period_us * processes <= limit * part.period_us * (1 + 1e-9)
    assert part.burst == max(1, burst // processes)


@pytest.mark.parametrize(
    "algorithm", [gcra, token_bucket, fixed_window, sliding_counter, sliding_log], ids=lambda algorithm: algorithm.name
)
def test_every_algorithm_has_a_local_share(algorithm: Algorithm[Any]) -> None:
    scene = Scene(per_hour(40), algorithm, on_error="local", share=0.25, pause=60)
    scene.engine.error = DOWN
    assert [bool(scene.limiter.acquire("key", cost=5)) for _ in range(3)] == [True, True, False]


def test_closing_closes_the_engine() -> None:
    scene = Scene(per_second(1), on_error="open")
    scene.fallback.close()
    assert scene.engine.closed == 1


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"on_error": "ignore"}, ValueError),
        ({"on_error": "local", "share": 0}, ValueError),
        ({"on_error": "local", "share": 1.1}, ValueError),
        ({"on_error": "open", "timeout": 0}, ValueError),
        ({"on_error": "open", "timeout": None}, TypeError),
        ({"on_error": "open", "pause": -1}, ValueError),
    ],
)
def test_settings_that_make_no_sense_are_refused(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        Fallback(MemoryStore(), **options)
