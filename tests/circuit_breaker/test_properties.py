"""Hypothesis against models that are slow and obvious: windows as lists, and a breaker written as a story."""

import math
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from circuit_breaker.helpers import NeverRandom
from lldkit.circuit_breaker import (
    TRANSITIONS,
    CircuitBreaker,
    CircuitOpen,
    Core,
    Event,
    OpenFor,
    Outcome,
    Permit,
    Policy,
    State,
    last,
    rate,
    step,
    within,
)
from lldkit.circuit_breaker.windows import FAILURE, SLOW
from lldkit.clock import ManualClock
from lldkit.machine import InvalidTransition

KINDS = st.integers(0, 3)


def totals(kinds: list[int]) -> tuple[int, int, int, int]:
    return (
        len(kinds),
        sum(kind & FAILURE for kind in kinds),
        sum(bool(kind & SLOW) for kind in kinds),
        sum(kind == FAILURE | SLOW for kind in kinds),
    )


@settings(deadline=None)
@given(st.integers(1, 12), st.lists(KINDS, max_size=60))
def test_a_ring_is_the_tail_of_the_list_of_calls(size: int, kinds: list[int]) -> None:
    ring = last(size).open()
    for index, kind in enumerate(kinds):
        ring.add(kind, float(kind), 0.0)
        tail = kinds[: index + 1][-size:]
        assert (ring.calls, ring.failures, ring.slow, ring.slow_failures) == totals(tail)
        assert ring.total_seconds() == sum(tail)


@settings(deadline=None)
@given(
    st.integers(1, 7), st.lists(st.tuples(st.integers(-3_000, 9_000), KINDS), max_size=60), st.sampled_from([0.7, 2, 5])
)
def test_buckets_never_go_negative_when_the_clock_goes_backwards(
    buckets: int, steps: list[tuple[int, int]], seconds: float
) -> None:
    window, now = within(seconds, buckets=buckets).open(), 0.0
    for millis, kind in steps:
        now = max(0.0, now + millis / 1_000)
        window.add(kind, 0.0, now)
        assert min(window.calls - 1, window.failures, window.slow, window.slow_failures) >= 0
        assert window.failures <= window.calls


def test_a_long_seeded_trace_equals_a_naive_list_of_timestamps() -> None:
    rng, window, width = Random(11), within(5, buckets=10).open(), 500_000
    now, kept = 0, list[tuple[int, int]]()
    for call in range(100_000):
        now += rng.choice([0, 1, 20_000, 300_000, 499_999, 500_000] if rng.random() < 0.2 else [0, 3_000])
        now += 9_000_000 if rng.random() < 0.0005 else 0
        kind = rng.choice([0, 0, 0, 1, 2, 3])
        window.add(kind, 0.0, now / 1_000_000)
        kept.append((now // width, kind))
        if call % 50:
            continue
        kept = [(bucket, each) for bucket, each in kept if bucket > now // width - 10]
        assert (window.calls, window.failures, window.slow, window.slow_failures) == totals([k for _, k in kept])


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_an_event_moves_as_the_table_says_or_is_refused(state: State, event: Event) -> None:
    core = Core(Policy(OpenFor(1.0)), state, shadow=Core(Policy(OpenFor(1.0))) if state is State.OBSERVING else None)
    if event in TRANSITIONS.allowed(state):
        moved, effects = step(core, event, 0)
        assert moved.state is TRANSITIONS.next(state, event)
        assert len(effects) == 1
    else:
        with pytest.raises(InvalidTransition):
            step(core, event, 0)


class Story:
    """A breaker of two probes, a window of four calls and openings of 10 s, told in plain sentences."""

    def __init__(self) -> None:
        self.state, self.now = "closed", 0.0
        self.generation = 0
        self.window: list[str] = []
        self.reopens = 0.0
        self.out: dict[int, float] = {}
        self.good = 0

    def enter(self, state: str) -> None:
        self.state, self.window, self.out, self.good = state, [], {}, 0
        self.generation += 1
        if state == "open":
            self.reopens = self.now + 10

    def shown(self) -> str:
        return "half_open" if self.state == "open" and self.now >= self.reopens else self.state

    def admits(self, ticket: int) -> bool:
        if self.state == "open" and self.now >= self.reopens:
            self.enter("half_open")
        if self.state == "half_open":
            self.out = {each: end for each, end in self.out.items() if end > self.now}
            if self.good + len(self.out) >= 2:
                return False
            self.out[ticket] = self.now + 5
        return self.state in {"closed", "half_open", "disabled"}

    def told(self, ticket: int, generation: int, outcome: str) -> None:
        if generation != self.generation or self.state == "disabled":
            return
        held = ticket in self.out and self.out[ticket] > self.now
        if held:
            del self.out[ticket]
        if outcome == "ignored":
            return
        self.window = [*self.window, outcome][-4:]
        if self.state == "closed":
            bad = self.window.count("failure")
            if len(self.window) >= 2 and bad >= len(self.window) / 2:
                self.enter("open")
        elif held and outcome == "failure":
            self.enter("open")
        elif held:
            self.good += 1
            if self.good == 2:
                self.enter("closed")


class BreakerMachine(RuleBasedStateMachine):
    """Random admissions, reports, time and moves by hand: breaker and story agree after each step."""

    def __init__(self) -> None:
        super().__init__()
        self.clock, self.story = ManualClock(), Story()
        self.breaker = CircuitBreaker(
            "b",
            window=last(4),
            trip=rate(min_calls=2),
            open_for=10,
            jitter=0,
            probes=2,
            probe_timeout=5,
            clock=self.clock,
            rng=NeverRandom(),
        )
        self.permits: list[tuple[int, int, Permit]] = []
        self.tickets = 0

    @rule()
    def admit(self) -> None:
        self.tickets += 1
        expected = self.story.admits(self.tickets)
        try:
            permit = self.breaker.admit()
        except CircuitOpen as refusal:
            assert (expected, refusal.state) == (False, State(self.story.state))  # noqa: PT017 - a rule has two ways out
        else:
            assert expected
            self.permits.append((self.tickets, self.story.generation, permit))

    @precondition(lambda self: self.permits)
    @rule(data=st.data(), outcome=st.sampled_from(Outcome))
    def report(self, data: Any, outcome: Outcome) -> None:
        ticket, generation, permit = self.permits.pop(data.draw(st.integers(0, len(self.permits) - 1)))
        {Outcome.SUCCESS: permit.success, Outcome.FAILURE: permit.failure}.get(outcome, permit.ignore)()
        permit.failure()  # a second report does nothing
        self.story.told(ticket, generation, outcome.value)

    @rule(seconds=st.sampled_from([0.5, 2.5, 5, 10]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.story.now += seconds

    @rule(move=st.sampled_from(["trip", "reset", "force_open", "disable"]))
    def by_hand(self, move: str) -> None:
        getattr(self.breaker, move)()
        self.story.enter({"trip": "open", "reset": "closed", "force_open": "forced_open", "disable": "disabled"}[move])

    @invariant()
    def they_agree(self) -> None:
        stats = self.breaker.stats
        assert self.breaker.state.value == self.story.shown()
        assert stats.generation == self.story.generation
        assert (stats.calls, stats.failures) == (len(self.story.window), self.story.window.count("failure"))
        assert stats.probes_in_flight == sum(end > self.story.now for end in self.story.out.values())


TestBreakerMachine = BreakerMachine.TestCase
TestBreakerMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@settings(deadline=None)
@given(st.floats(0.001, 1e3), st.floats(1, 10), st.integers(0, 10_000))
def test_openings_never_shrink_and_never_pass_the_cap(base: float, factor: float, rounds: int) -> None:
    opening = OpenFor(base, factor=factor, cap=2_000)
    assert base <= opening.seconds(rounds) <= opening.seconds(rounds + 1) <= 2_000
    assert math.isfinite(opening.seconds(rounds))
