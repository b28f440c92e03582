"""Timelines by hand: when it opens, how it comes back, what it tells, and what its callers see."""

import gc
import math
import pickle
import traceback
from random import Random
from typing import Any

import pytest

from circuit_breaker.helpers import Bench, NeverRandom
from lldkit.circuit_breaker import (
    Breakers,
    CircuitBreaker,
    CircuitOpen,
    ListenerFailed,
    OpenFor,
    Outcome,
    ProbeReclaimed,
    Rejected,
    State,
    StateChanged,
    WouldRefuse,
    consecutive,
    exceptions,
    last,
    rate,
    within,
)
from lldkit.clock import ManualClock


class Down(Exception):
    """The dependency failed."""


def test_the_fifth_outcome_opens_though_it_is_a_success() -> None:
    bench = Bench(trip=rate(failures=0.5, min_calls=5))
    bench.fail(3)
    bench.succeed()
    assert bench.state() is State.CLOSED
    bench.succeed()
    assert bench.state() is State.OPEN


def test_one_failure_of_one_call_is_too_little_to_judge() -> None:
    bench = Bench(trip=rate(min_calls=20))
    bench.fail()
    assert bench.state() is State.CLOSED
    assert bench.breaker.stats.failure_rate == 1.0


def test_the_threshold_itself_opens() -> None:
    bench = Bench(trip=rate(failures=0.7, min_calls=10), window=last(10))
    bench.succeed(3)
    bench.fail(6)
    assert bench.state() is State.CLOSED
    bench.fail()
    assert bench.state() is State.OPEN


def test_failures_in_a_row_are_broken_by_a_success() -> None:
    bench = Bench(trip=consecutive(3))
    bench.fail(2)
    bench.succeed()
    bench.fail(2)
    assert bench.state() is State.CLOSED
    bench.fail()
    assert bench.state() is State.OPEN


def test_failures_in_a_row_are_counted_beyond_the_seconds_that_are_remembered() -> None:
    bench = Bench(trip=consecutive(3), window=within(10))
    bench.fail(2)
    bench.succeed()
    bench.fail(2)
    assert bench.state() is State.CLOSED
    bench.clock.advance(3600)
    bench.fail()
    assert bench.state() is State.OPEN


def test_a_rule_answers_with_a_bool() -> None:
    """It is a user's to call too, and what is printed or compared with `is` must not be None."""
    counts = last(5).open()
    share, row = rate(failures=0.5, min_calls=1), consecutive(1)
    assert [share(counts), row(counts)] == [False, False]
    counts.add(1, 0.0, 0.0)
    assert [share(counts), row(counts)] == [True, True]
    assert [share.counts_slow, row.counts_slow, rate(slow=0.5).counts_slow] == [False, False, True]


def test_windows_have_no_dict() -> None:
    """A fleet holds thousands of them."""
    assert [hasattr(window.open(), "__dict__") for window in (last(5), within(5))] == [False, False]


def test_slow_calls_open_by_their_own_rate() -> None:
    bench = Bench(trip=rate(failures=None, slow=0.5, min_calls=2), slow_call=4.0)
    bench.succeed()
    permit = bench.breaker.admit()
    bench.clock.advance(4.0)
    permit.success()  # reached exactly is slow
    assert bench.state() is State.OPEN


def test_a_slow_success_is_slow_and_not_failed_and_an_ignored_call_is_neither() -> None:
    bench = Bench(slow_call=4.0)
    for report in ("success", "ignore"):
        permit = bench.breaker.admit()
        bench.clock.advance(5)
        getattr(permit, report)()
    stats = bench.breaker.stats
    assert (stats.calls, stats.slow, stats.slow_successes, stats.failures, stats.ignored) == (1, 1, 1, 0, 1)
    assert (stats.mean_seconds, stats.slow_rate) == (5.0, 1.0)


def test_slowness_is_measured_from_the_calls_own_admission_across_a_transition() -> None:
    bench = Bench(slow_call=4.0, trip=rate(failures=0.9, slow=0.5, min_calls=2), probes=1)
    bench.half_open()
    probe = bench.breaker.admit()
    bench.clock.advance(3.9)
    probe.success()
    assert bench.state() is State.CLOSED
    bench.half_open()
    probe = bench.breaker.admit()
    bench.clock.advance(4.0)
    probe.success()  # a slow success fails, where the trip has a slow rate
    assert bench.state() is State.OPEN


def test_the_hundred_and_first_outcome_evicts_the_first_exactly() -> None:
    bench = Bench(trip=rate(failures=1.0, min_calls=100), window=last(100))
    bench.fail()
    bench.succeed(99)
    assert (bench.breaker.stats.calls, bench.breaker.stats.failures) == (100, 1)
    bench.succeed()
    assert (bench.breaker.stats.calls, bench.breaker.stats.failures) == (100, 0)


def test_a_whole_bucket_leaves_at_once_and_a_year_later_nothing_is_left() -> None:
    bench = Bench(trip=rate(min_calls=1_000), window=within(10, buckets=5))  # buckets of 2 s
    bench.clock.advance(1.9)
    bench.fail()
    bench.clock.advance(8.0)  # 9.9: the bucket 0-2 is the oldest of five
    bench.succeed()
    assert bench.breaker.stats.calls == 2
    bench.clock.advance(0.1)  # 10.0: it leaves
    assert (bench.breaker.stats.calls, bench.breaker.stats.failures) == (1, 0)
    bench.clock.advance(365 * 86_400)
    stats = bench.breaker.stats
    assert (stats.calls, stats.failures, stats.mean_seconds, stats.failure_rate, stats.slow_rate) == (0, 0, 0, 0, 0)


def test_reading_the_state_moves_nothing() -> None:
    bench = Bench(probes=1)
    bench.fail()
    bench.clock.advance(10)
    told = len(bench.events)
    assert [bench.breaker.state for _ in range(3)] == [State.HALF_OPEN] * 3
    assert len(bench.events) == told
    bench.breaker.admit()
    assert bench.moves == [(State.CLOSED, State.OPEN), (State.OPEN, State.HALF_OPEN)]


def test_rejections_carry_the_time_to_wait_and_count_as_nothing() -> None:
    bench = Bench(probes=1, probe_timeout=7.0)
    bench.fail()
    bench.clock.advance(4)
    with pytest.raises(CircuitOpen, match=r"b is open; retry in 6\.000 s") as refusal:
        bench.breaker.call(print)
    assert (refusal.value.state, refusal.value.retry_after) == (State.OPEN, 6.0)
    bench.clock.advance(6)
    probe = bench.breaker.admit()
    bench.clock.advance(2)
    with pytest.raises(CircuitOpen) as full:
        bench.breaker.admit()
    assert probe.unreported
    assert (full.value.state, full.value.retry_after) == (State.HALF_OPEN, 5.0)
    stats = bench.breaker.stats
    assert (stats.rejected, stats.calls, stats.probes_in_flight, stats.retry_after) == (2, 0, 1, 5.0)
    assert [event.retry_after for event in bench.events if isinstance(event, Rejected)] == [6.0, 5.0]


def test_a_forced_opening_knows_no_time() -> None:
    bench = Bench()
    bench.breaker.force_open()
    bench.clock.advance(1e6)
    with pytest.raises(CircuitOpen, match="b is forced_open") as refusal:
        bench.breaker.admit()
    assert refusal.value.retry_after is None
    bench.breaker.reset()
    assert bench.breaker.call(int) == 0


def test_successes_and_probes_out_never_exceed_the_probes() -> None:
    bench = Bench(probes=3)
    bench.half_open()
    first = bench.breaker.admit()
    bench.succeed()
    third = bench.breaker.admit()
    with pytest.raises(CircuitOpen):
        bench.breaker.admit()
    first.success()
    assert third.unreported
    with pytest.raises(CircuitOpen):
        bench.breaker.admit()


def test_a_round_forgives_as_many_failures_as_it_is_told() -> None:
    bench = Bench(probes=2, probe_failures=1)
    bench.half_open()
    bench.fail()
    bench.succeed()
    assert bench.state() is State.HALF_OPEN
    bench.fail()
    assert bench.state() is State.OPEN


def test_an_ignored_probe_gives_its_slot_back_any_number_of_times() -> None:
    bench = Bench(probes=1)
    bench.half_open()
    for _ in range(100):
        bench.report(Outcome.IGNORED)
    assert (bench.breaker.state, bench.breaker.stats.calls) == (State.HALF_OPEN, 0)
    bench.succeed()
    assert bench.state() is State.CLOSED


def test_a_lost_probe_is_reclaimed_and_its_late_report_does_nothing() -> None:
    bench = Bench(probes=1, probe_timeout=5.0)
    bench.half_open()
    lost = bench.breaker.admit()
    bench.clock.advance(5)
    holder = bench.breaker.admit()
    assert [type(event) for event in bench.events[-1:]] == [ProbeReclaimed]
    lost.failure()
    assert bench.state() is State.HALF_OPEN
    assert bench.breaker.stats.probes_in_flight == 1
    holder.success()
    assert bench.state() is State.CLOSED


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_a_probe_that_is_interrupted_frees_its_slot_at_once(stop: type[BaseException]) -> None:
    bench = Bench(probes=1)
    bench.half_open()

    def interrupted() -> None:
        raise stop

    with pytest.raises(stop):
        bench.breaker.call(interrupted)
    bench.succeed()
    assert bench.state() is State.CLOSED


def test_a_probe_that_is_garbage_frees_its_slot() -> None:
    bench = Bench(probes=1)
    bench.half_open()
    bench.breaker.admit()
    gc.collect()
    bench.succeed()
    assert bench.state() is State.CLOSED


def test_the_first_report_of_a_permit_wins() -> None:
    bench = Bench(trip=consecutive(2))
    permit = bench.breaker.admit()
    permit.success()
    permit.failure()
    permit.ignore()
    assert (bench.breaker.stats.calls, bench.breaker.stats.failures, bench.breaker.stats.ignored) == (1, 0, 0)


@pytest.mark.parametrize("way", ["permit", "decorator"])
def test_a_late_success_does_not_close(way: str) -> None:
    bench = Bench(trip=consecutive(1))

    def trips() -> int:
        bench.breaker.trip()
        return 1

    if way == "permit":
        late = bench.breaker.admit()
        bench.breaker.trip()
        late.success()
    else:
        assert bench.breaker(trips)() == 1
    assert (bench.breaker.state, bench.breaker.stats.calls) == (State.OPEN, 0)


def test_late_failures_count_in_no_later_generation() -> None:
    bench = Bench(trip=consecutive(1), probes=1)
    late, later = bench.breaker.admit(), bench.breaker.admit()
    bench.half_open()
    probe = bench.breaker.admit()
    late.failure()
    assert bench.state() is State.HALF_OPEN
    probe.success()
    assert bench.state() is State.CLOSED
    later.failure()
    assert (bench.breaker.state, bench.breaker.stats.calls) == (State.CLOSED, 0)
    assert probe.generation == late.generation + 2


def test_openings_grow_with_failed_rounds_and_start_over_after_a_close() -> None:
    bench = Bench(open_for=OpenFor(1.0, factor=2.0, cap=10.0), probes=1)
    bench.fail()
    waits = []
    for _ in range(6):
        waits.append(bench.breaker.stats.retry_after)
        bench.clock.advance(waits[-1] or math.nan)
        bench.fail()
    assert waits == [1, 2, 4, 8, 10, 10]
    bench.clock.advance(10)
    bench.succeed()
    bench.fail()
    assert bench.breaker.stats.retry_after == 1


def test_jitter_only_lengthens_and_a_fleet_does_not_reopen_in_step() -> None:
    clock = ManualClock()
    fleet = [CircuitBreaker("b", trip=consecutive(1), open_for=10, clock=clock, rng=Random(i)) for i in range(100)]
    for breaker in fleet:
        breaker.admit().failure()
    waits = sorted(breaker.stats.retry_after or 0 for breaker in fleet)
    assert waits[0] >= 10
    assert waits[-1] <= 11
    slots = [sum(10 + i * 0.1 <= wait < 10.1 + i * 0.1 for wait in waits) for i in range(11)]
    assert max(slots) < 25  # of 100; in step it would be all of them


@pytest.mark.parametrize(("elapsed", "share"), [(0.0, 0.10), (2.5, 0.325), (5.0, 0.55), (9.0, 0.91)])
def test_a_ramp_admits_a_growing_share(elapsed: float, share: float) -> None:
    bench = Bench(probes=1, ramp_up=10.0, trip=consecutive(2))
    bench.half_open()
    bench.succeed()
    assert bench.state() is State.RAMPING
    bench.clock.advance(elapsed)
    bench.rng.value = share - 1e-9
    bench.breaker.admit()
    bench.rng.value = share
    with pytest.raises(CircuitOpen) as refusal:
        bench.breaker.admit()
    assert refusal.value.retry_after == pytest.approx(10.0 - elapsed)
    assert bench.breaker.stats.calls == 0  # a refusal counts nowhere
    bench.clock.advance(10.0)
    assert bench.state() is State.CLOSED
    bench.breaker.admit()
    assert bench.moves[-1] == (State.RAMPING, State.CLOSED)


def test_failures_on_the_ramp_trip_and_its_calls_count_after_it() -> None:
    bench = Bench(probes=1, ramp_up=10.0, trip=consecutive(2))
    bench.half_open()
    bench.succeed()
    on_the_ramp = bench.breaker.admit()
    bench.clock.advance(10)
    bench.fail()
    assert bench.state() is State.CLOSED
    on_the_ramp.failure()
    assert bench.state() is State.OPEN
    bench.clock.advance(10)
    bench.succeed()
    bench.fail(2)
    assert bench.moves[-1] == (State.RAMPING, State.OPEN)


def test_the_tripping_caller_sees_its_own_error_with_its_traceback() -> None:
    bench = Bench()
    mine = Down("mine")

    @bench.breaker
    def deep() -> None:
        raise mine

    with pytest.raises(Down) as seen:
        deep()
    assert seen.value is mine
    assert seen.value.__cause__ is None
    assert [frame.name for frame in traceback.extract_tb(seen.value.__traceback__)][-1] == "deep"
    assert bench.state() is State.OPEN


def test_a_thousand_refusals_are_fresh_and_equally_deep() -> None:
    bench = Bench()
    bench.breaker.trip()
    refusals = []
    for _ in range(1_000):
        with pytest.raises(CircuitOpen) as refusal:
            bench.breaker.call(int)
        refusals.append(refusal.value)
    assert len({id(each) for each in refusals}) == 1_000
    assert len({len(traceback.extract_tb(each.__traceback__)) for each in refusals}) == 1


def test_a_refusal_pickles_and_names_the_type_of_the_last_failure_without_its_text() -> None:
    bench = Bench()
    with pytest.raises(Down):
        bench.breaker.call(fails_with, Down("password=hunter2"))
    with pytest.raises(CircuitOpen) as refusal:
        bench.breaker.admit()
    again = pickle.loads(pickle.dumps(refusal.value))
    assert (again.name, again.state, again.retry_after, again.last_error) == ("b", State.OPEN, 10.0, "Down")
    assert str(again) == str(refusal.value)


def fails_with(error: BaseException) -> None:
    raise error


def test_results_can_fail_and_exceptions_can_be_answers() -> None:
    judged = Bench(classify=lambda error, result: Outcome.FAILURE if error or result == 500 else Outcome.SUCCESS)
    assert judged.breaker.call(int, 500) == 500
    assert judged.breaker.state is State.OPEN
    chosen = Bench(classify=exceptions(fail=Down, ignore=KeyError))
    for error in (ValueError(), KeyError()):
        with pytest.raises(type(error)):
            chosen.breaker.call(fails_with, error)
    assert (chosen.breaker.stats.calls, chosen.breaker.stats.ignored) == (1, 1)
    with pytest.raises(Down):
        chosen.breaker.call(fails_with, Down())
    assert chosen.breaker.state is State.OPEN


def test_a_judge_that_is_broken_is_heard_and_keeps_no_slot() -> None:
    bench = Bench(probes=1, classify=lambda _error, result: "fine" if result else Outcome.SUCCESS)
    bench.half_open()
    with pytest.raises(TypeError, match="classify must return an Outcome, got 'fine'"):
        bench.breaker.call(int, 1)
    bench.breaker.call(int, 0)
    assert bench.state() is State.CLOSED


def test_observing_counts_and_never_refuses() -> None:
    bench = Bench(probes=1)
    bench.breaker.observe_only()
    bench.fail()
    permits = [bench.breaker.admit() for _ in range(2)]  # an enforcing one would be open
    bench.clock.advance(10)
    probe, beside = bench.breaker.admit(), bench.breaker.admit()  # one probe, and one that would be refused
    assert bench.state() is State.OBSERVING
    told = [(event.state, event.retry_after) for event in bench.events if isinstance(event, WouldRefuse)]
    assert told == [(State.OPEN, 10.0), (State.OPEN, 10.0), (State.HALF_OPEN, 60.0)]
    probe.success()
    for permit in [*permits, beside]:
        permit.failure()  # calls that would not have been made decide nothing
    bench.succeed()
    assert len([event for event in bench.events if isinstance(event, WouldRefuse)]) == 3
    assert bench.moves == [(State.CLOSED, State.OBSERVING)]


def test_a_disabled_breaker_admits_all_and_counts_none() -> None:
    bench = Bench()
    bench.breaker.disable()
    bench.fail(5)
    assert (bench.breaker.state, bench.breaker.stats.calls) == (State.DISABLED, 0)


def test_every_move_by_hand_tells_one_event_and_begins_anew() -> None:
    bench = Bench(trip=consecutive(3))
    bench.fail()
    generations = [bench.breaker.stats.generation]
    for move in ("trip", "force_open", "disable", "observe_only", "reset", "reset"):
        getattr(bench.breaker, move)()
        generations.append(bench.breaker.stats.generation)
    assert generations == [0, 1, 2, 3, 4, 5, 6]
    assert [event.cause for event in bench.events if isinstance(event, StateChanged)] == [
        *("trip", "force_open", "disable", "observe", "reset", "reset")
    ]
    assert bench.breaker.stats.calls == 0


def test_a_listener_that_raises_is_counted_told_and_harmless() -> None:
    heard: list[object] = []

    def listener(event: object) -> None:
        heard.append(event)
        if isinstance(event, StateChanged):
            raise Down

    bench = Bench(on_event=listener)
    bench.fail()
    assert [type(event) for event in heard] == [StateChanged, ListenerFailed]
    assert bench.breaker.stats.listener_failures == 1


def test_a_listener_may_call_the_breaker_again() -> None:
    heard: list[str] = []

    def listener(event: object) -> None:
        if isinstance(event, StateChanged) and event.target is State.OPEN:
            bench.breaker.reset()
        heard.append(type(event).__name__)

    bench = Bench(on_event=listener)
    bench.fail()
    assert (bench.breaker.state, heard) == (State.CLOSED, ["StateChanged", "StateChanged"])


def test_a_protected_function_may_call_itself() -> None:
    bench = Bench(trip=consecutive(3), probes=1)

    @bench.breaker
    def inner_and_outer(depth: int) -> int:
        return inner_and_outer(depth - 1) if depth else 0

    inner_and_outer(1)
    assert bench.breaker.stats.calls == 2
    bench.half_open()
    with pytest.raises(CircuitOpen):  # the outer call holds the only probe
        inner_and_outer(1)


def test_blocks_of_one_breaker_nest() -> None:
    bench = Bench(trip=consecutive(9))
    with bench.breaker as outer, pytest.raises(Down), bench.breaker as inner:
        raise Down
    assert outer is not inner
    assert (bench.breaker.stats.successes, bench.breaker.stats.failures) == (1, 1)


def test_the_wall_clock_moves_nothing() -> None:
    bench = Bench(probes=1)
    bench.fail()
    bench.clock.step_wall(1e6)
    assert bench.state() is State.OPEN
    bench.clock.step_wall(-2e6)
    bench.clock.advance(10)
    assert bench.state() is State.HALF_OPEN


def test_stats_say_when_it_opened_until_it_closes() -> None:
    bench = Bench(probes=1)
    bench.clock.advance(3)
    at = bench.clock.now()
    bench.fail()
    bench.clock.advance(10)
    probe = bench.breaker.admit()
    assert bench.breaker.stats.opened_at == at
    probe.success()
    assert bench.breaker.stats.opened_at is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"open_for": 0}, "open_for must be a finite number > 0, got 0"),
        ({"open_for": math.inf}, "got inf"),
        ({"trip": rate(min_calls=101)}, "min_calls must be at most the 100 calls of the window, got 101"),
        ({"trip": rate(slow=0.5)}, "slow_call"),
        ({"slow_call": 0.0}, "slow_call must be a finite number > 0, got 0"),
        ({"probes": 0}, "probes must be at least 1, got 0"),
        ({"probe_failures": -1}, "probe_failures must be at least 0, got -1"),
        ({"probe_timeout": 0}, "probe_timeout must be"),
        ({"jitter": 1.5}, "jitter must be a finite number >= 0 and <= 1, got 1.5"),
        ({"ramp_up": -1}, "ramp_up must be a finite number >= 0, got -1"),
    ],
)
def test_construction_refuses_what_makes_no_sense(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        CircuitBreaker("b", **options)


def test_rules_and_windows_refuse_what_makes_no_sense() -> None:
    for make, message in (
        (lambda: rate(failures=None), "both are None"),
        (lambda: rate(failures=0.0), "failures must be a share above 0 and at most 1, or None, got 0.0"),
        (lambda: rate(slow=1.5), "slow must be"),
        (lambda: rate(min_calls=0), "min_calls must be at least 1, got 0"),
        (lambda: consecutive(0), "failures must be at least 1, got 0"),
        (lambda: last(0), "last must be from 1 to 1000000, got 0"),
        (lambda: within(0), "seconds of within must be a finite number > 0, got 0"),
        (lambda: within(1, buckets=0), "buckets must be from 1 to 10000, got 0"),
        (lambda: OpenFor(1, factor=0.5), "factor must be"),
        (lambda: OpenFor(10, cap=5), "cap must be at least the base of 10 seconds, got 5"),
        (lambda: Breakers(CircuitBreaker, max_breakers=0), "max_breakers must be at least 1, got 0"),
    ):
        with pytest.raises(ValueError, match=message):
            make()
    with pytest.raises(TypeError, match="name must be a str, got 7"):
        CircuitBreaker(7)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="last must be a whole number, got True"):
        last(True)


def test_breakers_are_made_once_per_name_and_closed_idle_ones_leave_first() -> None:
    made: list[str] = []

    def make(name: str) -> CircuitBreaker:
        made.append(name)
        return CircuitBreaker(name, clock=ManualClock(), rng=NeverRandom())

    breakers = Breakers(make, max_breakers=2)
    open_one = breakers["open"]
    open_one.trip()
    assert breakers["open"] is open_one
    breakers["closed"]
    breakers["third"]  # "open" was used longer ago, but it remembers something
    assert ("open" in breakers, "closed" in breakers, "third" in breakers, len(breakers)) == (True, False, True, 2)
    assert made == ["open", "closed", "third"]
