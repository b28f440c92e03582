"""The directed checks and the scenarios of the circuit breaker."""

import threading

from interface import Busy, Down, Refused, Stop, Store, driven
from lldkit.dojo.author import Desk, check, scenario


class Fn:
    """A function with a name for the story."""

    def __init__(self, name, run):
        self.name, self.run = name, run

    def __call__(self):
        return self.run()

    def __repr__(self):
        return self.name


def throw(error):
    raise error


OK = Fn("ok", lambda: "served")
FAIL = Fn("fail", lambda: throw(Down()))


def failing(desk, breaker, times=1, function=FAIL, error=Down):
    for _ in range(times):
        desk.raises(error, breaker.call, function)


# -- level 1: failures in a row ------------------------------------------------------------------------------------


@check(level=1, kills=["w06"])
def the_callers_error_comes_through(desk: Desk) -> None:
    """Callers handle their own errors; one that is replaced is handled by nobody."""
    breaker = desk.make(failures=1, open_for=10, clock=desk.clock())
    desk.expect(breaker.call(OK), "served")
    mine = Down()
    try:
        breaker.call(Fn("fail", lambda: throw(mine)))
    except BaseException as error:
        desk.true(error is mine, "the error of the function itself", f"{type(error).__name__} is raised")
    else:
        desk.fail("Down is raised", "no error")


@check(level=1, kills=["w02"])
def it_opens_at_the_stated_failure(desk: Desk) -> None:
    """One call more to a dependency that is down costs every caller one more timeout."""
    breaker = desk.make(failures=2, open_for=10, clock=desk.clock())
    failing(desk, breaker)
    desk.expect(breaker.state(), "closed")
    failing(desk, breaker)
    desk.expect(breaker.state(), "open")
    desk.raises(Refused, breaker.call, OK)


@check(level=1, kills=["w01"], needs=["it_opens_at_the_stated_failure"])
def a_success_breaks_the_row(desk: Desk) -> None:
    """Two failures a week apart are no outage."""
    breaker = desk.make(failures=2, open_for=10, clock=desk.clock())
    failing(desk, breaker)
    breaker.call(OK)
    failing(desk, breaker)
    desk.expect(breaker.state(), "closed")


@check(level=1, kills=["w03"], needs=["it_opens_at_the_stated_failure", "it_half_opens_as_time_passes"])
def refusals_are_not_failures(desk: Desk) -> None:
    """If refusals count, a busy service keeps its own circuit open for ever."""
    clock = desk.clock()
    breaker = desk.make(failures=1, open_for=10, clock=clock)
    failing(desk, breaker)
    clock.advance(5)
    failing(desk, breaker, 3, OK, Refused)
    clock.advance(5)
    desk.expect(breaker.state(), "half_open")


@check(level=1, kills=["w04"])
def nothing_runs_between_calls(desk: Desk) -> None:
    """A timer per opening is a thread per opening, and it knows nothing of the clock that was given."""
    before = threading.active_count()
    breaker = desk.make(failures=1, open_for=10, clock=desk.clock())
    failing(desk, breaker)
    desk.true(threading.active_count() == before, "no thread is started", "a thread is running")


@check(level=1, kills=["w05", "w26"])
def it_half_opens_as_time_passes(desk: Desk) -> None:
    """Time is what the given clock says: no timer, no other clock."""
    clock = desk.clock(20)
    breaker = desk.make(failures=1, open_for=10, clock=clock)
    failing(desk, breaker)
    clock.advance(9.875)
    desk.expect(breaker.state(), "open")
    clock.advance(0.125)
    desk.expect(breaker.state(), "half_open")
    desk.expect(breaker.call(OK), "served")
    desk.expect(breaker.state(), "closed")


@check(level=1, kills=["w24"], needs=["it_half_opens_as_time_passes"])
def one_failed_probe_opens_again(desk: Desk) -> None:
    """Half-open is a question; one failure answers it, whatever the threshold."""
    clock = desk.clock()
    breaker = desk.make(failures=2, open_for=10, clock=clock)
    failing(desk, breaker, 2)
    clock.advance(10)
    failing(desk, breaker)
    desk.expect(breaker.state(), "open")
    clock.advance(10)
    breaker.call(OK)
    failing(desk, breaker)
    desk.expect(breaker.state(), "closed")


@check(level=1, kills=["w25"])
def a_refusal_says_when_to_come_back(desk: Desk) -> None:
    """Whoever retries sleeps for `retry_after`."""
    clock = desk.clock()
    breaker = desk.make(failures=1, open_for=10, clock=clock)
    failing(desk, breaker)
    clock.advance(4)
    desk.expect(wait_of(breaker), 6.0)


def wait_of(breaker):
    try:
        breaker.call(OK)
    except Refused as refused:
        return refused.retry_after
    return "no refusal"


@check(level=1)
def bad_arguments_are_refused(desk: Desk) -> None:
    """A breaker that takes `open_for=0` quietly never refuses anything."""
    clock = desk.clock()
    desk.raises(ValueError, desk.make, failures=0, open_for=1, clock=clock)
    desk.raises(ValueError, desk.make, failures=1, open_for=0, clock=clock)
    desk.raises(ValueError, desk.make, failures=1, open_for=-1, clock=clock)


# -- level 2: a rate over the last calls ---------------------------------------------------------------------------


@check(level=2, kills=["w07"])
def no_calls_have_no_rate(desk: Desk) -> None:
    """A dashboard asks before the first call comes."""
    breaker = desk.make(rate=0.5, last=4, open_for=10, clock=desk.clock())
    desk.expect(breaker.failure_rate(), 0.0)
    failing(desk, breaker)
    desk.expect(breaker.failure_rate(), 1.0)


@check(level=2, kills=["w08"])
def the_oldest_call_leaves(desk: Desk) -> None:
    """Failures of yesterday must not open the circuit of today."""
    breaker = desk.make(rate=0.5, last=4, open_for=10, clock=desk.clock())
    failing(desk, breaker)
    for _ in range(4):
        breaker.call(OK)
    desk.expect(breaker.failure_rate(), 0.0)
    failing(desk, breaker)
    desk.expect(breaker.state(), "closed")
    failing(desk, breaker)
    desk.expect(breaker.state(), "open")


@check(level=2, kills=["w09"])
def a_success_can_open(desk: Desk) -> None:
    """The call that completes the window may be a success; the rate is bad all the same."""
    breaker = desk.make(rate=0.5, last=4, open_for=10, clock=desk.clock())
    failing(desk, breaker, 2)
    breaker.call(OK)
    desk.expect(breaker.state(), "closed")
    breaker.call(OK)
    desk.expect(breaker.state(), "open")


# -- level 3: seconds, and a least number of calls -----------------------------------------------------------------


@check(level=3, kills=["w10"])
def idle_time_empties_the_window(desk: Desk) -> None:
    """After a quiet night the failures of the evening say nothing."""
    clock = desk.clock()
    breaker = desk.make(rate=0.5, within=8, min_calls=3, open_for=10, clock=clock)
    failing(desk, breaker, 2)
    clock.advance(1000)
    desk.expect(breaker.failure_rate(), 0.0)
    failing(desk, breaker)
    desk.expect(breaker.state(), "closed")
    clock.advance(8)
    desk.expect(breaker.failure_rate(), 0.0)


@check(level=3, kills=["w11"])
def too_few_calls_are_not_judged(desk: Desk) -> None:
    """One failure of one call is a rate of 100 % and no outage; `min_calls` is where judging begins."""
    breaker = desk.make(rate=0.5, within=8, min_calls=3, open_for=10, clock=desk.clock())
    failing(desk, breaker, 2)
    desk.expect(breaker.state(), "closed")
    failing(desk, breaker)
    desk.expect(breaker.state(), "open")


@check(level=3, kills=["w12"])
def the_memory_of_a_window_is_bounded(desk: Desk) -> None:
    """A service of 10 000 calls a second must not keep them all."""
    breaker = desk.make(rate=1.0, within=8, min_calls=1_000_000, open_for=10, clock=desk.clock())
    breaker.call(OK)
    before = desk.size(breaker)
    desk.quietly("for _ in range(1000): breaker.call(ok)", lambda: [breaker.call(OK) for _ in range(1000)])
    desk.true(desk.size(breaker) <= before + 1000, "1000 calls in one slice leave the memory as it was", "it grows")


@check(level=3)
def windows_are_one_or_the_other(desk: Desk) -> None:
    """What contradicts itself is refused before it decides anything."""
    clock = desk.clock()
    desk.raises(ValueError, desk.make, rate=0.5, open_for=1, clock=clock)
    desk.raises(ValueError, desk.make, rate=0.5, last=4, within=8, open_for=1, clock=clock)
    desk.raises(ValueError, desk.make, failures=1, rate=0.5, last=4, open_for=1, clock=clock)
    desk.raises(ValueError, desk.make, failures=1, last=4, open_for=1, clock=clock)
    desk.raises(ValueError, desk.make, rate=1.5, last=4, open_for=1, clock=clock)
    desk.raises(ValueError, desk.make, open_for=1, clock=clock)


# -- level 4: threads ----------------------------------------------------------------------------------------------


@scenario(level=4, kills=["w14"], schedules=20)
def calls_run_side_by_side(make):
    """A lock around the call turns a pool of 50 threads into one."""
    breaker, meeting = make(failures=1, open_for=64, clock=make.clock()), threading.Barrier(2)

    def body():
        breaker.call(meeting.wait)

    return {"one": body, "two": body}, lambda: make.expect(breaker.state(), "closed")


@check(level=4, kills=["w13"])
def who_asks_while_a_probe_is_out_is_refused(desk: Desk) -> None:
    """A dependency that gets up slowly is knocked down again by everybody at once."""
    clock = desk.clock()
    breaker = desk.make(failures=1, open_for=10, clock=clock)
    failing(desk, breaker)
    clock.advance(10)

    def meanwhile():
        failing(desk, breaker, 1, OK, Refused)
        desk.expect(wait_of(breaker), 0.0)

    breaker.call(Fn("probe_while_others_ask", meanwhile))
    desk.expect(breaker.state(), "closed")


@scenario(level=4, kills=["w23"], needs=["calls_run_side_by_side"], schedules=100)
def one_probe_of_many(make):
    """All threads come at the moment when the opening is over; a place that is looked at and then taken lets two pass."""
    clock, told = make.clock(), []
    breaker = make(failures=1, open_for=8, clock=clock)
    try:
        breaker.call(FAIL)
    except Down:
        pass

    def probe():
        told.append("begins")
        clock.sleep(1)
        told.append("ends")

    def body():
        clock.sleep(8)
        try:
            breaker.call(probe)
        except Refused:
            pass

    # Who comes when the first probe has closed the circuit may call; nobody may while it is out.
    return {"one": body, "two": body}, lambda: make.expect(told, ["begins", "ends"] * (len(told) // 2))


@scenario(level=4, needs=["calls_run_side_by_side"], schedules=100)
def no_outcome_is_lost(make):
    """Two failures at the same moment are two."""
    breaker = make(rate=1.0, last=8, open_for=64, clock=make.clock())

    def body():
        for function in (FAIL, OK):
            try:
                breaker.call(function)
            except Down:
                pass

    def invariant():
        for _ in range(3):
            breaker.call(OK)
        return make.expect(breaker.failure_rate(), 2 / 7)

    return {"one": body, "two": body}, invariant


@scenario(level=4, needs=["calls_run_side_by_side"], schedules=60)
def the_rate_may_be_read_meanwhile(make):
    """A dashboard reads while calls are made; whoever drops old slices as he reads must not drop the newest call."""
    breaker = make(rate=1.0, within=64, min_calls=8, open_for=64, clock=make.clock())

    def calls():
        breaker.call(OK)
        breaker.call(OK)

    def invariant():
        try:
            breaker.call(FAIL)
        except Down:
            pass
        return make.expect(breaker.failure_rate(), 1 / 3)

    return {"calls": calls, "reads": breaker.failure_rate}, invariant


@scenario(level=4, kills=["w16"], schedules=60)
def a_listener_may_ask_the_breaker(make):
    """A listener that lets another thread read the state for its log line, and waits for it, stops the service."""
    clock, heard = make.clock(), []

    def look(to):
        heard.append((to, breaker.state(), breaker.failure_rate(), make.outcome(breaker.call, OK)))

    def listener(to):
        logger = threading.Thread(target=look, args=(to,), name="logger")
        logger.start()
        logger.join()

    breaker = make(rate=1.0, last=1, open_for=64, clock=clock, on_change=listener)

    def body():
        make.outcome(breaker.call, FAIL)
        clock.sleep(64)
        breaker.call(OK)

    expected = [("open", "open", 0.0, "Refused"), ("closed", "closed", 0.0, "served")]
    return {"one": body}, lambda: make.expect(heard, expected)


@check(level=4, kills=["w15"])
def a_late_result_decides_nothing(desk: Desk) -> None:
    """A call that hung for a minute and then succeeded says how things were a minute ago."""
    clock = desk.clock()
    breaker = desk.make(failures=1, open_for=10, clock=clock)

    def late():
        failing(desk, breaker)
        return "late"

    breaker.call(Fn("succeed_while_another_fails", late))
    desk.expect(breaker.state(), "open")

    def later():
        clock.advance(10)
        breaker.call(OK)
        desk.expect(breaker.state(), "closed")
        raise Down

    clock.advance(10)
    breaker.call(OK)
    failing(desk, breaker, 1, Fn("fail_after_a_whole_outage", lambda: (failing(desk, breaker), later())))
    desk.expect(breaker.state(), "closed")


@check(level=4, needs=["a_late_result_decides_nothing"])
def a_late_result_counts_in_no_later_window(desk: Desk) -> None:
    """The failures of the last outage must not be the first of the next."""
    clock = desk.clock()
    breaker = desk.make(rate=0.5, last=2, open_for=10, clock=clock)

    def outage():
        failing(desk, breaker, 2)
        clock.advance(10)
        breaker.call(OK)
        breaker.call(OK)
        raise Down

    failing(desk, breaker, 1, Fn("fail_after_a_whole_outage", outage))
    desk.expect(breaker.failure_rate(), 0.0)
    desk.expect(breaker.state(), "closed")


@check(level=4, kills=["w17"])
def each_refusal_is_its_own(desk: Desk) -> None:
    """One exception object for all refusals grows a frame with every raise, and threads overwrite each other's."""
    breaker = desk.make(failures=1, open_for=10, clock=desk.clock())
    failing(desk, breaker)
    seen = []
    for _ in range(2):
        try:
            breaker.call(OK)
        except Refused as refused:
            seen.append(refused)
    desk.true(len(seen) == 2 and seen[0] is not seen[1], "each refusal is a new object", "one object is raised again")


@check(level=4)
def every_change_is_told_once(desk: Desk) -> None:
    """Alerts are built upon these events."""
    clock, told = desk.clock(), []
    breaker = desk.make(failures=1, open_for=10, clock=clock, on_change=Told(told))
    failing(desk, breaker)
    desk.raises(Refused, breaker.call, OK)
    clock.advance(10)
    breaker.call(OK)
    breaker.call(OK)
    desk.expect(told, ["open", "closed"])


class Told:
    """A listener that writes down what it hears."""

    def __init__(self, told):
        self.told = told

    def __call__(self, to):
        self.told.append(to)

    def __repr__(self):
        return "told.append"


# -- level 5: outcomes ---------------------------------------------------------------------------------------------


@check(level=5, kills=["w18"])
def cancellation_is_no_failure(desk: Desk) -> None:
    """A user who closes a page says nothing about the database."""
    breaker = desk.make(failures=1, open_for=10, clock=desk.clock())
    failing(desk, breaker, 1, Fn("raise_Stop", lambda: throw(Stop())), Stop)
    desk.expect(breaker.state(), "closed")

    async def stopped():
        raise Stop

    desk.raises(Stop, lambda: driven(breaker.acall(Fn("raise_Stop", stopped))))
    desk.expect(breaker.state(), "closed")


@check(level=5, kills=["w19"], needs=["cancellation_is_no_failure"])
def an_ignored_probe_gives_its_slot_back(desk: Desk) -> None:
    """A probe that was cancelled and keeps its slot closes the service for ever."""
    clock = desk.clock()
    breaker = desk.make(failures=1, open_for=10, clock=clock, ignore=(Busy,))
    failing(desk, breaker)
    clock.advance(10)
    for error in (Busy, Stop):
        failing(desk, breaker, 1, Fn(f"raise_{error.__name__}", lambda error=error: throw(error())), error)
        desk.expect(breaker.state(), "half_open")
    desk.expect(breaker.call(OK), "served")
    desk.expect(breaker.state(), "closed")


@check(level=5, kills=["w20"])
def slow_is_not_failed(desk: Desk) -> None:
    """A slow answer is an answer; it has a rate of its own."""
    clock = desk.clock()
    breaker = desk.make(rate=0.5, last=2, open_for=10, clock=clock, slow_call=4)
    for _ in range(2):
        breaker.call(Fn("answer_after_4", lambda: clock.advance(4)))
    desk.expect(breaker.failure_rate(), 0.0)
    desk.expect(breaker.state(), "closed")
    strict = desk.make(rate=0.5, last=2, open_for=10, clock=clock, slow_call=4, slow_rate=1.0)
    for _ in range(2):
        strict.call(Fn("answer_after_4", lambda: clock.advance(4)))
    desk.expect(strict.state(), "open")


@check(level=5)
def coroutines_are_protected_alike(desk: Desk) -> None:
    """One circuit for both kinds of callers, or each kind discovers the outage on its own."""
    breaker = desk.make(failures=1, open_for=10, clock=desk.clock())

    async def ok():
        return "served"

    async def fails():
        raise Down

    desk.expect(driven(breaker.acall(Fn("ok", ok))), "served")
    desk.raises(Down, lambda: driven(breaker.acall(Fn("fail", fails))))
    desk.expect(breaker.state(), "open")
    desk.raises(Refused, breaker.call, OK)


# -- level 6: a fleet ----------------------------------------------------------------------------------------------


def fleet(desk, nodes=2, **options):
    clock = desk.clock()
    store = Store(clock)
    rule = {} if "rate" in options else {"failures": 1}
    return clock, store, [desk.make(**rule, open_for=10, clock=clock, store=store, **options) for _ in range(nodes)]


@check(level=6)
def one_trip_opens_all(desk: Desk) -> None:
    """Each node that has to find out for itself costs its callers a timeout."""
    clock, _, (one, two) = fleet(desk)
    failing(desk, one)
    desk.expect(two.state(), "open")
    clock.advance(4)
    desk.expect(wait_of(two), 6.0)
    clock.advance(6)
    two.call(OK)
    desk.expect(one.state(), "closed")
    desk.expect(one.call(OK), "served")


@check(level=6, needs=["one_trip_opens_all"])
def each_process_counts_for_itself(desk: Desk) -> None:
    """A store that hears of every call is the next dependency that is too slow."""
    clock = desk.clock()
    store = Store(clock)
    one, two = (desk.make(failures=2, open_for=10, clock=clock, store=store) for _ in range(2))
    failing(desk, one)
    two.call(OK)
    failing(desk, two)
    desk.true(store.read().version == 0, "nothing has been written to the store", "the record has changed")
    failing(desk, one)
    desk.expect(two.state(), "open")


@check(level=6, needs=["one_trip_opens_all"])
def the_trips_to_the_store_are_not_the_calls_time(desk: Desk) -> None:
    """A store that is slow for a minute must not make every probe of the fleet a slow one."""
    clock, store, (one,) = fleet(desk, 1, rate=1.0, last=1, slow_call=4, slow_rate=1.0)

    async def served():
        return "served"

    for probe in (lambda: one.call(OK), lambda: driven(one.acall(Fn("ok", served)))):
        failing(desk, one)
        clock.advance(10)
        store.on_trip = lambda: clock.advance(2)
        desk.expect(probe(), "served")
        store.on_trip = lambda: None
        desk.expect(one.state(), "closed")


@check(level=6, needs=["one_trip_opens_all"])
def one_probe_of_the_fleet(desk: Desk) -> None:
    """Twenty nodes with one probe each are twenty probes."""
    clock, _, (one, two) = fleet(desk)
    failing(desk, one)
    clock.advance(10)
    one.call(Fn("probe_while_another_asks", lambda: failing(desk, two, 1, OK, Refused)))
    desk.expect(two.state(), "closed")


@check(level=6, kills=["w21"], needs=["one_probe_of_the_fleet"])
def a_lost_probe_is_replaced(desk: Desk) -> None:
    """A node that is killed while it probes must not leave the fleet closed for ever."""
    clock, store, (one, two) = fleet(desk, probe_timeout=5)
    failing(desk, one)
    clock.advance(10)

    def hangs():
        clock.advance(4)
        failing(desk, two, 1, OK, Refused)
        clock.advance(1)
        desk.expect(two.call(OK), "served")

    one.call(Fn("probe_that_hangs", hangs))
    desk.expect(one.state(), "closed")
    desk.true(store.lease(1) is not None, "no lease is left behind", "the lease is still held")


@check(level=6, needs=["one_probe_of_the_fleet"])
def an_ignored_probe_ends_its_lease(desk: Desk) -> None:
    """A lease that nobody uses keeps the fleet waiting."""
    clock, _, (one, two) = fleet(desk)
    failing(desk, one)
    clock.advance(10)
    failing(desk, one, 1, Fn("raise_Stop", lambda: throw(Stop())), Stop)
    desk.expect(two.call(OK), "served")
    desk.expect(one.state(), "closed")


@check(level=6, needs=["one_probe_of_the_fleet"])
def the_outcome_is_written_before_the_lease_ends(desk: Desk) -> None:
    """Between the end of the lease and the write another node would probe a circuit that is decided already."""
    clock, store, (one, _) = fleet(desk)
    failing(desk, one)
    clock.advance(10)
    free = []

    def trip():
        store.on_trip = lambda: None
        free.append(store.lease(1) is not None)
        store.on_trip = trip

    def begin():
        store.on_trip = trip

    one.call(Fn("probe", begin))
    store.on_trip = lambda: None
    desk.expect(free, [False, False])


@check(level=6, kills=["w22"])
def an_old_decision_loses(desk: Desk) -> None:
    """A node that paused before it wrote must not undo what the others have decided since."""
    clock, store, (one, two) = fleet(desk)

    def pause():
        store.on_trip = lambda: None
        failing(desk, two)
        clock.advance(10)
        two.call(OK)

    def fails():
        store.on_trip = pause
        raise Down

    failing(desk, one, 1, Fn("fail_and_pause_before_the_store", fails))
    desk.expect(one.state(), "closed")


@check(level=6, needs=["an_old_decision_loses"])
def who_gets_a_lease_looks_again(desk: Desk) -> None:
    """Between reading and leasing another probe may have failed; then the circuit is open and nobody may probe."""
    clock, store, (one, two) = fleet(desk)
    failing(desk, one)
    clock.advance(10)
    trips = []

    def second():
        trips.append(1)
        if len(trips) == 2:
            failing(desk, two)

    store.on_trip = second
    desk.expect(wait_of(one), 10.0)
    store.on_trip = lambda: None
    clock.advance(10)
    desk.expect(two.call(OK), "served")
