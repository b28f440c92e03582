"""Deciding before the engine is asked: one trip instead of two, and the answers that asking would have given."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claims.contract import take
from lldkit.claims import AnyOf, Claim, ClaimExpired, ClaimRefused, Unit
from lldkit.claims.journal import MemoryJournal, Read, Record
from lldkit.claims.ledger import LAST
from lldkit.claims.shell import JournaledClaims
from lldkit.claims.times import to_micros
from lldkit.clock import MICRO, ManualClock


class Engine(MemoryJournal):
    """A journal with a clock of its own, which counts how often it is asked."""

    timed = True

    def __init__(self) -> None:
        super().__init__()
        self.time, self.reads, self.appends = 10**15, 0, 0

    def read(self, after: int) -> Read:
        self.reads += 1
        read = super().read(after)
        return Read(read.records, read.snapshot, self.time)

    def append(self, expected: int, records: Sequence[Record], *, since: int = 0, before: int = 0) -> bool:
        self.appends += 1
        return since <= self.time < before and super().append(expected, records, since=since, before=before)

    def pass_time(self, seconds: float) -> None:
        self.time += round(seconds * MICRO)


def opened(units: int = 2) -> tuple[Engine, JournaledClaims, ManualClock]:
    engine, clock = Engine(), ManualClock()
    claims = JournaledClaims(engine, clock=clock)
    claims.add(*(Unit(f"A{n}", pool="seats") for n in range(units)))
    engine.reads = engine.appends = 0
    return engine, claims, clock


def test_a_claim_and_what_is_done_with_it_are_a_trip_each() -> None:
    engine, claims, clock = opened()
    held = take(claims, AnyOf("seats"), ttl=60)
    for seconds, verb in ((1, claims.confirm), (2, claims.release)):
        clock.advance(seconds)
        engine.pass_time(seconds + 0.01)  # the trip takes some time
        verb(held.token)
    assert (engine.reads, engine.appends) == (0, 3)
    assert [(change.at - held.created_at).total_seconds() for change in claims.changes()] == [0, 1, 3]


def test_a_refusal_is_never_made_upon_a_guess() -> None:
    engine, claims, _ = opened(1)
    other = JournaledClaims(engine, clock=ManualClock())
    held = take(other, AnyOf("seats"), ttl=60)
    other.release(held.token)
    take(claims, AnyOf("seats"), ttl=60)  # of which it has not heard
    with pytest.raises(ClaimRefused):
        take(other, AnyOf("seats"), ttl=60)


def test_a_hold_that_ends_while_the_decision_travels_is_seen() -> None:
    engine, claims, clock = opened(1)
    held = take(claims, AnyOf("seats"), ttl=10)
    clock.advance(9.999)
    engine.pass_time(10)
    with pytest.raises(ClaimExpired):
        claims.confirm(held.token)
    assert engine.reads == 1


@pytest.mark.parametrize(("believed", "real"), [(10.0, 9.9), (9.9, 9.9)])
def test_a_clock_that_runs_fast_ends_no_hold_early(believed: float, real: float) -> None:
    engine, claims, clock = opened(1)
    held = take(claims, AnyOf("seats"), ttl=10)
    clock.advance(believed)
    engine.pass_time(real)
    assert claims.confirm(held.token).expires_at is None


def test_a_clock_that_stood_still_is_corrected_before_it_is_a_second_late() -> None:
    engine, claims, _ = opened()
    take(claims, AnyOf("seats"), ttl=60)
    engine.pass_time(1)
    held = take(claims, AnyOf("seats"), ttl=60)
    assert engine.reads == 1
    assert held.created_at.timestamp() == pytest.approx(engine.time / MICRO)


def test_after_a_minute_the_engine_is_asked_again() -> None:
    engine, claims, clock = opened()
    for seconds, reads in ((59, 0), (1, 1), (59, 1)):
        clock.advance(seconds)
        engine.pass_time(seconds)
        claims.release(take(claims, AnyOf("seats"), ttl=60).token)
        assert engine.reads == reads


class Model:
    """Who holds what by the engine's time alone."""

    def __init__(self) -> None:
        self.engine, self.claims, self.clock = opened(2)
        self.held: list[tuple[Claim, int]] = []  # with the end; LAST: confirmed

    def alive(self) -> list[str]:
        return [claim.units[0] for claim, end in self.held if end > self.engine.time]

    def claim(self, _: int) -> None:
        try:
            claim = take(self.claims, AnyOf("seats"), ttl=2)
        except ClaimRefused:
            assert len(self.alive()) == 2
            return
        assert claim.units[0] not in self.alive()
        assert 0 <= self.engine.time - to_micros(claim.created_at) < MICRO
        self.held.append((claim, to_micros(claim.created_at) + 2 * MICRO))

    def confirm(self, pick: int) -> None:
        if self.held:
            claim, end = self.held[pick % len(self.held)]
            try:
                self.claims.confirm(claim.token)
            except ClaimExpired:
                assert end <= self.engine.time
            else:
                assert end > self.engine.time
                self.held[pick % len(self.held)] = claim, LAST

    def release(self, pick: int) -> None:
        if self.held:
            claim, end = self.held.pop(pick % len(self.held))
            assert self.claims.release(claim.token) == (end > self.engine.time)


verbs = st.sampled_from([Model.claim, Model.confirm, Model.release])
seconds = st.sampled_from([0.0, 0.3, 0.999999, 1.0, 1.7, 2.0, 3.0])
drifts = st.sampled_from([-0.5, -0.000001, 0.0, 0.000001, 0.5])


@settings(deadline=None)
@given(st.lists(st.tuples(verbs, st.integers(0, 5), seconds, drifts), max_size=30))
def test_whatever_the_clocks_do_the_engines_time_alone_decides(
    history: list[tuple[Callable[[Model, int], None], int, float, float]],
) -> None:
    model = Model()
    for verb, pick, passed, drift in history:
        model.engine.pass_time(passed)
        model.clock.advance(max(0.0, passed + drift))
        verb(model, pick)
