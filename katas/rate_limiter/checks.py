"""The directed checks and the scenarios of the rate limiter."""

import math

from interface import Decision
from lldkit.dojo.author import Desk, check


def no(remaining, retry_after):
    return Decision(False, remaining, retry_after)


def yes(remaining):
    return Decision(True, remaining, 0.0)


# -- level 1: a fixed window ---------------------------------------------------------------------------------------


@check(level=1)
def bad_arguments_are_refused(desk: Desk) -> None:
    """A limit of 0 that is taken quietly locks every client out on the day of a typing error."""
    clock = desk.clock()
    desk.raises(ValueError, desk.make, limit=0, period=1, clock=clock)
    desk.raises(ValueError, desk.make, limit=1, period=0, clock=clock)
    desk.raises(ValueError, desk.make, limit=1, period=-1, clock=clock)
    limiter = desk.make(limit=2, period=1, clock=clock)
    desk.raises(ValueError, limiter.acquire, "a", cost=0)
    desk.raises(ValueError, limiter.peek, "a", cost=-1)
    desk.expect(limiter.acquire("a"), yes(1))


@check(level=1, kills=["w03"])
def the_clock_that_was_given_is_the_time(desk: Desk) -> None:
    """A limiter that reads the machine's clock cannot be tested, and a correction of that clock locks clients out."""
    clock = desk.clock(20)
    limiter = desk.make(limit=1, period=10, clock=clock)
    desk.expect(limiter.acquire("a"), yes(0))
    clock.advance(10)
    desk.expect(limiter.acquire("a"), yes(0))


@check(level=1, kills=["w01"])
def a_refused_call_spends_nothing(desk: Desk) -> None:
    """If refusals count, a client that retries in a loop keeps itself out for ever."""
    limiter = desk.make(limit=3, period=10, clock=desk.clock())
    desk.expect(limiter.acquire("a", cost=2).allowed, True)
    desk.expect(limiter.acquire("a", cost=2).allowed, False)
    desk.expect(limiter.acquire("a").allowed, True)


@check(level=1, kills=["w02"])
def windows_are_the_same_for_all_keys(desk: Desk) -> None:
    """Clients plan by the window that the documentation names; one of their own each cannot be documented."""
    clock = desk.clock(8)
    limiter = desk.make(limit=1, period=10, clock=clock)
    desk.expect(limiter.acquire("a").allowed, True)
    clock.advance(2)
    desk.expect(limiter.acquire("a").allowed, True)


@check(level=1, kills=["w04"], needs=["windows_are_the_same_for_all_keys"])
def retry_after_is_exact(desk: Desk) -> None:
    """Clients sleep for `retry_after`: too long wastes their time, too short makes them ask twice."""
    clock = desk.clock(4)
    limiter = desk.make(limit=2, period=10, clock=clock)
    desk.expect(limiter.acquire("a", cost=2).retry_after, 0.0)
    desk.expect(limiter.acquire("a").retry_after, 6.0)
    clock.advance(5.875)
    desk.expect(limiter.acquire("a").retry_after, 0.125)
    desk.expect(limiter.acquire("a", cost=3).retry_after, math.inf)


@check(level=1, kills=["w05"])
def remaining_is_never_negative(desk: Desk) -> None:
    """A header that says `remaining: -1` breaks clients that parse it as a count."""
    limiter = desk.make(limit=2, period=10, clock=desk.clock())
    desk.expect(limiter.acquire("a").remaining, 1)
    desk.expect(limiter.acquire("a", cost=2).remaining, 1)
    desk.expect(limiter.acquire("a", cost=9).remaining, 1)


@check(level=1)
def peek_spends_nothing(desk: Desk) -> None:
    """Dashboards peek every second; they must not use up what they show."""
    limiter = desk.make(limit=2, period=10, clock=desk.clock())
    desk.expect(limiter.peek("a", cost=2), yes(0))
    desk.expect(limiter.peek("a", cost=3), no(2, math.inf))
    desk.expect(limiter.acquire("a", cost=2), yes(0))


@check(level=1)
def limiters_share_nothing(desk: Desk) -> None:
    """Two quotas of one service are two limiters; a state that both use makes each of them wrong."""
    clock = desk.clock()
    first = desk.make(limit=1, period=10, clock=clock)
    second = desk.make(limit=1, period=10, clock=clock)
    desk.expect(first.acquire("a").allowed, True)
    desk.expect(second.acquire("a").allowed, True)


# -- level 2: a token bucket ---------------------------------------------------------------------------------------


def bucket(desk, clock, **quota):
    return desk.make(**quota, algorithm="token_bucket", clock=clock)


@check(level=2)
def bad_buckets_are_refused(desk: Desk) -> None:
    """A misspelt algorithm that falls back to another one is found out by the bill."""
    clock = desk.clock()
    desk.raises(ValueError, bucket, desk, clock, limit=1, period=1, burst=0)
    desk.raises(ValueError, desk.make, limit=1, period=1, algorithm="leaky", clock=clock)


@check(level=2, kills=["w06"])
def a_bucket_refills_as_time_passes(desk: Desk) -> None:
    """Tokens are a function of time; a thread that adds them is late, never idle, and one per limiter."""
    clock = desk.clock()
    limiter = bucket(desk, clock, limit=2, period=1)
    desk.expect(limiter.acquire("a", cost=2), yes(0))
    clock.advance(1)
    desk.expect(limiter.acquire("a", cost=2), yes(0))


@check(level=2, kills=["w08"], needs=["a_bucket_refills_as_time_passes"])
def asking_often_loses_nothing(desk: Desk) -> None:
    """A client that polls faster than one token grows would starve if each refused call forgot the fraction."""
    clock = desk.clock()
    limiter = bucket(desk, clock, limit=1, period=1)
    desk.expect(limiter.acquire("a").allowed, True)
    for _ in range(3):
        clock.advance(0.25)
        desk.expect(limiter.acquire("a").allowed, False)
    clock.advance(0.25)
    desk.expect(limiter.acquire("a").allowed, True)


@check(level=2, kills=["w07"], needs=["asking_often_loses_nothing"])
def fractions_of_tokens_are_kept(desk: Desk) -> None:
    """Half a token lost at every refill makes a quota of 10 per second serve 9."""
    clock = desk.clock()
    limiter = bucket(desk, clock, limit=1, period=1, burst=3)
    desk.expect(limiter.acquire("a", cost=3), yes(0))
    clock.advance(1.5)
    desk.expect(limiter.acquire("a"), yes(0))
    clock.advance(0.5)
    desk.expect(limiter.acquire("a"), yes(0))


@check(level=2, kills=["w09"], needs=["a_bucket_refills_as_time_passes"])
def a_bucket_never_holds_more_than_its_burst(desk: Desk) -> None:
    """A client that was quiet over night must not be able to send the whole night's quota at nine."""
    clock = desk.clock()
    limiter = bucket(desk, clock, limit=1, period=1, burst=2)
    desk.expect(limiter.acquire("a"), yes(1))
    clock.advance(60)
    desk.expect(limiter.acquire("a"), yes(1))


@check(level=2)
def a_cost_above_the_burst_is_never_allowed(desk: Desk) -> None:
    """A finite retry_after would send the client into a loop that cannot end."""
    limiter = bucket(desk, desk.clock(), limit=4, period=1, burst=2)
    desk.expect(limiter.acquire("a", cost=3), no(2, math.inf))


@check(level=2)
def a_clock_that_steps_back_grants_nothing(desk: Desk) -> None:
    """Clocks of virtual machines do step back; the debt of a key must not grow or vanish by it."""
    clock = desk.clock(100)
    limiter = bucket(desk, clock, limit=1, period=1, burst=2)
    desk.expect(limiter.acquire("a", cost=2), yes(0))
    clock.step(-50)
    desk.expect(limiter.acquire("a").allowed, False)
    clock.step(51)
    desk.expect(limiter.acquire("a"), yes(0))


# -- level 3: a sliding log ----------------------------------------------------------------------------------------


def log(desk, clock, **quota):
    return desk.make(**quota, algorithm="sliding_log", clock=clock)


@check(level=3, kills=["w11"])
def a_unit_stops_counting_at_exactly_the_period(desk: Desk) -> None:
    """The contract is half open: who asks again after exactly one period is inside it."""
    clock = desk.clock()
    limiter = log(desk, clock, limit=1, period=10)
    desk.expect(limiter.acquire("a").allowed, True)
    clock.advance(9.875)
    desk.expect(limiter.acquire("a").allowed, False)
    clock.advance(0.125)
    desk.expect(limiter.acquire("a").allowed, True)


@check(level=3)
def no_interval_admits_more_than_the_limit(desk: Desk) -> None:
    """This is what a fixed window cannot promise: twice the limit passes around its edge."""
    clock = desk.clock(8)
    limiter = log(desk, clock, limit=2, period=10)
    desk.expect(limiter.acquire("a", cost=2), yes(0))
    clock.advance(2)
    desk.expect(limiter.acquire("a"), no(0, 8.0))


@check(level=3, kills=["w10"])
def refused_calls_cost_no_memory(desk: Desk) -> None:
    """An attacker who is refused a million times must not fill the memory with his refusals."""
    clock = desk.clock()
    limiter = log(desk, clock, limit=2, period=10)
    desk.expect(limiter.acquire("a", cost=2).allowed, True)
    before = desk.size(limiter)
    desk.quietly("for _ in range(1000): limiter.acquire('a')", lambda: [limiter.acquire("a") for _ in range(1000)])
    desk.true(desk.size(limiter) <= before + 1000, "1000 refused calls leave the memory as it was", "it grows with them")
    clock.advance(10)
    desk.expect(limiter.acquire("a", cost=2).allowed, True)


@check(level=3, needs=["a_unit_stops_counting_at_exactly_the_period"])
def what_no_longer_counts_is_forgotten(desk: Desk) -> None:
    """A key that is used for months must not remember its first day."""
    clock = desk.clock()
    limiter = log(desk, clock, limit=2, period=1)

    def month():
        for _ in range(1000):
            limiter.acquire("a")
            clock.sleep(1)

    desk.expect(limiter.acquire("a").allowed, True)
    before = desk.size(limiter)
    desk.quietly("for _ in range(1000): limiter.acquire('a'); clock.sleep(1)", month)
    desk.true(desk.size(limiter) <= before + 1000, "calls that no longer count leave no trace", "the memory grows with every call")
