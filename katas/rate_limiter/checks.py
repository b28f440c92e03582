"""The directed checks and the scenarios of the rate limiter."""

import math

from interface import Decision, Redis
from lldkit.dojo.author import Desk, check, scenario


def no(remaining, retry_after):
    return Decision(False, remaining, retry_after)


def yes(remaining):
    return Decision(True, remaining, 0.0)


# -- level 1: a fixed window ---------------------------------------------------------------------------------------


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


# -- level 2: a token bucket ---------------------------------------------------------------------------------------


def bucket(desk, clock, **quota):
    return desk.make(**quota, algorithm="token_bucket", clock=clock)


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


@check(level=2)
def bad_buckets_are_refused(desk: Desk) -> None:
    """A misspelt algorithm that falls back to another one is found out by the bill."""
    clock = desk.clock()
    desk.raises(ValueError, bucket, desk, clock, limit=1, period=1, burst=0)
    desk.raises(ValueError, desk.make, limit=1, period=1, algorithm="leaky", clock=clock)


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


# -- level 4: threads, and a million keys --------------------------------------------------------------------------


@check(level=4)
def len_counts_the_keys_that_are_not_idle(desk: Desk) -> None:
    """The number of busy keys is what an operator watches; keys that were only looked at are not busy."""
    clock = desk.clock()
    limiter = bucket(desk, clock, limit=2, period=10)
    desk.expect(len(limiter), 0)
    limiter.peek("a")
    limiter.acquire("a", cost=3)
    desk.expect(len(limiter), 0)
    limiter.acquire("a", cost=2)
    limiter.acquire("b")
    desk.expect(len(limiter), 2)
    clock.advance(5)
    desk.expect(len(limiter), 1)
    limiter.acquire("a")
    clock.advance(5)
    desk.expect(len(limiter), 1)
    clock.advance(5)
    desk.expect(len(limiter), 0)


@check(level=4, kills=["w13"])
def no_busy_key_is_forgotten(desk: Desk) -> None:
    """A limiter that forgets under pressure is bypassed by making pressure: 5000 addresses cost nothing."""
    clock = desk.clock()
    limiter = bucket(desk, clock, limit=1, period=10)
    desk.expect(limiter.acquire("a").allowed, True)
    desk.quietly("for key in range(5000): limiter.acquire(key)", lambda: [limiter.acquire(n) for n in range(5000)])
    desk.expect(limiter.acquire("a").allowed, False)
    desk.expect(len(limiter), 5001)


@check(level=4, needs=["len_counts_the_keys_that_are_not_idle"])
def idle_keys_cost_no_memory(desk: Desk) -> None:
    """A crawler with a new address for every request must not fill the memory of the gateway."""
    clock = desk.clock()
    limiter = desk.make(limit=2, period=1, clock=clock)

    def visits(first):
        for key in range(first, first + 1000):
            limiter.acquire(key)
            clock.sleep(0.125)

    desk.quietly("for key in range(1000): limiter.acquire(key); clock.sleep(0.125)", lambda: visits(0))
    before = desk.size(limiter)
    desk.quietly("for key in range(1000, 2000): limiter.acquire(key); clock.sleep(0.125)", lambda: visits(1000))
    desk.true(desk.size(limiter) <= before + 4000, "1000 keys that came and went leave no trace", "they are kept")


def race(algorithm):
    """Two threads, three calls, a limit of two."""

    def program(make):
        limiter = make(limit=2, period=64, algorithm=algorithm, clock=make.clock())
        seen = []

        def twice():
            seen.append(limiter.acquire("a").allowed)
            seen.append(limiter.acquire("a").allowed)

        def once():
            seen.append(limiter.acquire("a").allowed)

        return {"one": twice, "two": once}, lambda: make.expect(sorted(seen), [False, True, True])

    return program


@scenario(level=4, kills=["w12"])
def threads_in_a_window_admit_the_limit(make):
    """Two threads that both read "one left" admit two: the quota of a partner is exceeded under load only."""
    return race("fixed_window")(make)


@scenario(level=4, needs=["threads_in_a_window_admit_the_limit"])
def threads_at_a_bucket_admit_the_limit(make):
    """The same race, on tokens and the time at which there were so many."""
    return race("token_bucket")(make)


@scenario(level=4, needs=["threads_in_a_window_admit_the_limit"])
def threads_at_a_log_admit_the_limit(make):
    """The same race, on a list."""
    return race("sliding_log")(make)


@scenario(level=4, needs=["threads_in_a_window_admit_the_limit"], race_timeouts=False)
def keys_come_and_go_while_they_are_counted(make):
    """A dictionary that changes while somebody walks it raises RuntimeError, once a week."""
    clock = make.clock()
    limiter = make(limit=1, period=1, algorithm="sliding_log", clock=clock)
    limiter.acquire("a")
    limiter.acquire("b")
    counts = []

    def come():
        clock.sleep(1)
        limiter.acquire("c")
        limiter.acquire("d")

    def count():
        clock.sleep(1)
        counts.append(len(limiter))

    def hold():
        make.expect(counts[0] in {0, 1, 2}, True)
        return make.expect(len(limiter), 2)

    return {"come": come, "count": count}, hold


# -- level 5: GCRA, and waiting in line ----------------------------------------------------------------------------


@check(level=5, kills=["w15"])
def a_wait_is_one_sleep(desk: Desk) -> None:
    """A thousand waiting clients that poll every 10 ms are a hundred thousand wake-ups a second."""
    clock = desk.clock()
    limiter = desk.make(limit=1, period=2, algorithm="gcra", clock=clock)
    desk.expect(limiter.acquire("a").allowed, True)
    desk.expect(limiter.throttle("a", timeout=10), yes(0))
    desk.expect([seconds for seconds in clock.sleeps if seconds], [2.0])


@check(level=5, kills=["w17"])
def a_refused_wait_owes_nothing(desk: Desk) -> None:
    """A caller who was turned away must not leave his units behind, or refusals push everybody back."""
    clock = desk.clock()
    limiter = desk.make(limit=1, period=1, algorithm="gcra", clock=clock)
    desk.expect(limiter.throttle("a", timeout=0), yes(0))
    desk.expect(limiter.throttle("a", timeout=0.5), no(0, 1.0))
    clock.advance(1)
    desk.expect(limiter.acquire("a"), yes(0))


@check(level=5)
def what_can_never_be_there_is_not_waited_for(desk: Desk) -> None:
    """A call that sleeps its whole timeout for something impossible holds a thread for nothing."""
    limiter = desk.make(limit=2, period=1, burst=2, algorithm="token_bucket", clock=desk.clock())
    desk.expect(limiter.throttle("a", cost=3, timeout=math.inf), no(2, math.inf))
    desk.expect(limiter.throttle("a", cost=2, timeout=math.inf), yes(0))


def waits(make, clock, limiter, served):
    """A thread body: begin after `delay`, wait for the units, write down who was served when."""

    def waiter(name, delay, cost):
        def body():
            clock.sleep(delay)
            if limiter.throttle("a", cost=cost, timeout=100).allowed:
                served.append((name, clock.monotonic()))

        return body

    return waiter


@scenario(level=5, kills=["w14"], needs=["a_wait_is_one_sleep"], race_timeouts=False)
def who_waits_holds_up_nobody(make):
    """One slow partner must not stop the calls to all the others."""
    clock = make.clock()
    limiter = make(limit=1, period=4, algorithm="gcra", clock=clock)
    limiter.acquire("a")
    times = {}

    def waiter():
        limiter.throttle("a", timeout=100)
        times["the wait"] = clock.monotonic()

    def other():
        clock.sleep(1)
        limiter.acquire("b")
        limiter.peek("a")
        times["others"] = clock.monotonic()

    return {"waiter": waiter, "other": other}, lambda: make.expect(times, {"the wait": 4.0, "others": 1.0})


@scenario(level=5, kills=["w16"], needs=["who_waits_holds_up_nobody"], race_timeouts=False)
def who_waits_first_is_served_first(make):
    """Without a line the small and lucky pass the large and early for ever: they starve."""
    clock = make.clock()
    limiter = make(limit=1, period=1, burst=2, algorithm="token_bucket", clock=clock)
    limiter.acquire("a", cost=2)
    served = []

    def waiter(name, delay, cost):
        def body():
            clock.sleep(delay)
            if limiter.throttle("a", cost=cost, timeout=100).allowed:
                served.append((name, clock.monotonic()))

        return body

    bodies = {"A": waiter("A", 0.0, 2), "B": waiter("B", 0.5, 1), "C": waiter("C", 0.75, 1)}
    return bodies, lambda: make.expect(served, [("A", 2.0), ("B", 3.0), ("C", 4.0)])


@scenario(level=5, needs=["who_waits_first_is_served_first"], race_timeouts=False)
def who_comes_at_once_is_served_one_by_one(make):
    """Two that take the same unit at the same time have waited for half of what they got."""
    clock = make.clock()
    limiter = make(limit=1, period=1, algorithm="gcra", clock=clock)
    limiter.acquire("a")
    served = []

    def body():
        if limiter.throttle("a", timeout=100).allowed:
            served.append(clock.monotonic())

    return {"A": body, "B": body, "C": body}, lambda: make.expect(sorted(served), [1.0, 2.0, 3.0])


def owed(algorithm):
    """One waits, another one asks meanwhile."""

    def program(make):
        clock = make.clock()
        limiter = make(limit=1, period=4, algorithm=algorithm, clock=clock)
        limiter.acquire("a")
        seen = []

        def other():
            clock.sleep(1)
            seen.extend([limiter.acquire("a"), limiter.peek("a"), limiter.throttle("a", timeout=1)])

        bodies = {"waiter": lambda: limiter.throttle("a", timeout=100), "other": other}
        return bodies, lambda: make.expect(seen, [no(0, 7.0)] * 3)

    return program


@scenario(level=5, needs=["who_waits_first_is_served_first"], race_timeouts=False)
def what_is_waited_for_is_spent(make):
    """A client that is told "one left" while four others wait for it will be refused, and complain."""
    return owed("gcra")(make)


@scenario(level=5, needs=["what_is_waited_for_is_spent"], race_timeouts=False)
def what_is_waited_for_is_spent_in_a_bucket(make):
    """The same for tokens: a bucket in debt has none to show."""
    return owed("token_bucket")(make)


@check(level=5)
def bad_waits_are_refused(desk: Desk) -> None:
    """A negative timeout is somebody's deadline computed wrongly; to wait for ever on it helps nobody."""
    clock = desk.clock()
    limiter = desk.make(limit=1, period=1, algorithm="gcra", clock=clock)
    desk.raises(ValueError, limiter.throttle, "a", timeout=-1)
    desk.raises(ValueError, limiter.throttle, "a", cost=0, timeout=1)
    desk.expect(limiter.acquire("a").allowed, True)
    for algorithm in ("fixed_window", "sliding_log"):
        other = desk.make(limit=1, period=1, algorithm=algorithm, clock=clock)
        desk.raises(ValueError, other.throttle, "a", timeout=1)


# -- level 6: several processes ------------------------------------------------------------------------------------


def server(desk, clock):
    """A Redis on `clock`, and the function that makes a client of it."""
    redis = Redis(clock)

    def client(**arguments):
        return desk.make(**{"limit": 2, "period": 10, "clock": clock, **arguments}, redis=redis)

    return redis, client


@check(level=6)
def clients_of_one_server_count_together(desk: Desk) -> None:
    """Four processes with a quota each serve four quotas."""
    clock = desk.clock()
    _, client = server(desk, clock)
    one, two = client(), client()
    desk.expect(one.acquire("a"), yes(1))
    desk.expect(two.acquire("a"), yes(0))
    desk.expect(one.acquire("a"), no(0, 10.0))
    clock.advance(10)
    desk.expect(one.acquire("a"), yes(1))
    desk.raises(ValueError, client, algorithm="token_bucket")
    desk.raises(ValueError, client, lease=0)


@check(level=6, kills=["w21"], needs=["clients_of_one_server_count_together"])
def a_client_with_a_wrong_clock_changes_nothing(desk: Desk) -> None:
    """Clocks of machines differ; a client that is an hour ahead must not open the next window."""
    clock, wrong = desk.clock(15), desk.clock(3601)
    redis, client = server(desk, clock)
    one, two = client(), client(clock=wrong)
    desk.expect(one.acquire("a", cost=2), yes(0))
    desk.expect(two.acquire("a"), no(0, 5.0))
    clock.advance(5)
    wrong.advance(5)
    desk.expect(two.acquire("a"), yes(1))


@check(level=6, kills=["w18"], needs=["clients_of_one_server_count_together"])
def two_clients_at_once_admit_no_more_than_the_limit(desk: Desk) -> None:
    """GET, compare, INCR: between the first and the last another process does the same."""
    for moment in (2, 3, 4, 5):
        desk.afresh()
        redis, client = server(desk, desk.clock())
        one, two = client(limit=1), client(limit=1)
        seen = []

        def meanwhile(moment=moment, redis=redis, two=two, seen=seen):
            if redis.trips == moment:
                redis.on_trip = lambda: None
                desk.story.append(f"# before command {moment} of this call another process calls:")
                seen.append(two.acquire("a").allowed)

        redis.on_trip = meanwhile
        seen.append(one.acquire("a").allowed)
        redis.on_trip = lambda: None
        seen.append(two.acquire("a").allowed)
        desk.expect(seen.count(True), 1)


@check(level=6, kills=["w20"], needs=["clients_of_one_server_count_together"])
def a_window_ends_however_busy_it_is(desk: Desk) -> None:
    """If every hit renews the expiry, the best customer is locked out for as long as he keeps calling."""
    clock = desk.clock()
    _, client = server(desk, clock)
    one = client(limit=3)
    for _ in range(2):
        desk.expect(one.acquire("a").allowed, True)
        clock.advance(6)
    desk.expect(one.acquire("a"), yes(2))


@check(level=6, kills=["w19"], needs=["clients_of_one_server_count_together"])
def nothing_is_left_when_the_window_is_over(desk: Desk) -> None:
    """Counters without an expiry are never deleted; the server is full after a month."""
    clock = desk.clock(4)
    redis, client = server(desk, clock)
    desk.expect(client().acquire("a").allowed, True)
    desk.expect(client(lease=2).acquire("b").allowed, True)
    clock.advance(6)
    desk.expect(len(redis.keys()), 0)


@check(level=6, needs=["two_clients_at_once_admit_no_more_than_the_limit", "nothing_is_left_when_the_window_is_over"])
def a_call_is_one_trip(desk: Desk) -> None:
    """Each trip is half a millisecond, and the gap between two of them is where processes die."""
    clock = desk.clock()
    redis, client = server(desk, clock)
    one = client()
    for cost in (1, 2, 1, 5):
        one.acquire("a", cost=cost)
        one.peek("a", cost=cost)
    desk.true(redis.trips <= 8, "8 calls are at most 8 trips", f"{redis.trips} trips")


@check(level=6, needs=["a_call_is_one_trip"])
def a_trip_that_fails_spends_nothing(desk: Desk) -> None:
    """The network breaks in the middle of the day; what was not answered must not be billed."""
    clock = desk.clock()
    redis, client = server(desk, clock)
    one = client(lease=2)

    def broken():
        raise ConnectionError("the server is gone")

    redis.on_trip = broken
    desk.raises(ConnectionError, one.acquire, "a")
    desk.raises(ConnectionError, one.peek, "a")
    redis.on_trip = lambda: None
    desk.expect(one.acquire("a"), yes(1))
    redis.on_trip = broken
    desk.expect(one.acquire("a"), yes(0))
    desk.raises(ConnectionError, one.acquire, "a")


@check(level=6, needs=["a_call_is_one_trip"])
def leased_units_need_no_trip(desk: Desk) -> None:
    """A lease of 50 makes 50 calls out of one trip; that is what it is for."""
    clock = desk.clock()
    redis, client = server(desk, clock)
    one, two = client(limit=10, lease=4), client(limit=10)
    desk.expect([one.acquire("a").allowed for _ in range(4)], [True] * 4)
    desk.expect(redis.trips, 1)
    desk.expect(two.acquire("a"), yes(5))
    desk.expect(one.acquire("a", cost=5), yes(0))
    desk.expect(len(one), 0)


@check(level=6, needs=["leased_units_need_no_trip"])
def a_lease_ends_with_its_window(desk: Desk) -> None:
    """A unit of yesterday's window that is spent today is one too many today."""
    clock, wrong = desk.clock(3), desk.clock(7200)
    redis, client = server(desk, clock)
    one = client(limit=4, lease=4, clock=wrong)
    redis.on_trip = lambda: [each.sleep(2) for each in (clock, wrong)]
    desk.expect(one.acquire("a"), yes(3))
    desk.expect(len(one), 1)
    redis.on_trip = lambda: None
    clock.advance(5)
    wrong.advance(5)
    desk.expect(len(one), 0)
    desk.expect(one.acquire("a", cost=4), yes(0))
    desk.expect(redis.trips, 2)


@scenario(level=6, kills=["w22"], schedules=60)
def threads_share_the_leased_units(make):
    """Two threads that find the last leased unit both spend it, and every process gives away more than its share."""
    clock = make.clock()
    limiter = make(limit=2, period=64, clock=clock, redis=Redis(clock), lease=2)
    seen = [limiter.acquire("a").allowed]

    def body():
        seen.append(limiter.acquire("a").allowed)

    return {"one": body, "two": body}, lambda: make.expect(sorted(seen), [False, True, True])
