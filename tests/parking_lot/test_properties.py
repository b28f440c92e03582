"""Random stays, tables and histories, against what must hold of all of them and against naive models."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from lldkit.clock import ManualClock
from lldkit.parking_lot import (
    Component,
    Dimension,
    Element,
    MemoryStore,
    ParkingError,
    ParkingLot,
    RateTable,
    Restrictions,
    Space,
    Tariff,
    Window,
    flat,
    free,
    per,
    replay,
)
from parking_lot.helpers import HOURLY, START, come, go, recount

BEGIN, AUTUMN = datetime(2025, 3, 28, tzinfo=UTC), datetime(2025, 10, 24, tzinfo=UTC)
starts = st.builds(
    lambda day, s: day + timedelta(seconds=s), st.sampled_from([BEGIN, AUTUMN]), st.integers(0, 4 * 86_400)
)
ZONES = ["Europe/Paris", "Africa/Cairo"]
lengths = st.integers(0, 3 * 86_400)
times = st.integers(0, 47).map(lambda half: time(half // 2, half % 2 * 30))
cents = st.integers(0, 900)
increments = st.builds(per, st.sampled_from([600, 1_800, 3_600]), cents)
lines = st.lists(
    st.one_of(
        increments,
        st.builds(flat, cents),
        st.builds(lambda s, v: per(600, v, start_seconds=s, end_seconds=s + 7_200), st.integers(0, 7_200), cents),
    ),
    max_size=3,
)
windows = st.lists(st.builds(Window, lines, start_time=times, end_time=times), max_size=2)
tables = st.builds(
    RateTable,
    currency=st.just("EUR"),
    tz=st.sampled_from(["Europe/Paris", "UTC", "Australia/Lord_Howe"]),
    lines=st.tuples(lines, st.sampled_from([[], [free(900, cliff=True)], [free(900, cliff=False)]])).map(
        lambda both: both[1] + both[0]
    ),
    windows=windows,
    daily_cap=st.one_of(st.none(), st.integers(0, 3_000)),
    reset=times,
    crossing=st.sampled_from(["split", "overpay", "follow"]),
    vat=st.sampled_from([None, Decimal(19)]),
)


@settings(deadline=None)
@given(tables, starts, lengths, st.integers(0, 7_200))
def test_a_longer_stay_in_a_rate_table_never_costs_less(table: RateTable, start: datetime, s: int, more: int) -> None:
    shorter, longer = (table.price(start, start + timedelta(seconds=each)) for each in (s, s + more))
    assert 0 <= shorter.total.amount <= longer.total.amount


@settings(deadline=None)
@given(tables, starts, lengths)
def test_lines_sum_up_and_net_and_vat_are_the_total(table: RateTable, start: datetime, s: int) -> None:
    bill = table.price(start, start + timedelta(seconds=s))
    assert sum(line.amount.amount for line in bill.lines) == bill.total.amount
    assert bill.net + bill.vat == bill.total
    assert all(type(each) is Fraction for line in bill.lines for each in (line.exact, line.quantity, line.unit_price))


@settings(deadline=None)
@given(tables, starts, lengths, st.integers(1, 3))
def test_a_stay_that_is_split_at_a_reset_sums_up_to_the_whole(
    table: RateTable, start: datetime, s: int, days: int
) -> None:
    table = replace(table, tz="UTC", lines=[line for line in table.lines if line.kind != "free"])
    middle = datetime.combine((start + timedelta(days=days)).date(), table.reset, UTC)
    end = max(middle, start + timedelta(seconds=s))
    whole, first, second = (table.price(*each) for each in ((start, end), (start, middle), (middle, end)))
    if start < middle:
        assert whole.exact == first.exact + second.exact


def minute_by_minute(table: RateTable, start: datetime, minutes: int) -> int:
    """The cost of one rate per begun minute, that of each window, by looking at the wall clock every minute."""
    zone, total = ZoneInfo(table.tz), 0
    for minute in range(minutes):
        local = (start + timedelta(minutes=minute)).astimezone(zone)
        found = next((window.lines for window in table.windows if window.holds(local)), table.lines)
        total += sum(line.value for line in found)
    return total


@settings(deadline=None, max_examples=60)
@given(starts, st.integers(0, 2_000), st.tuples(times, times), st.tuples(cents, cents), st.sampled_from(ZONES))
def test_windows_hold_what_a_look_at_the_wall_clock_every_minute_says(
    start: datetime, minutes: int, span: tuple[time, time], values: tuple[int, int], tz: str
) -> None:
    start = start.replace(second=0)
    window = Window([per(60, values[0])], start_time=span[0], end_time=span[1])
    table = RateTable(currency="EUR", tz=tz, lines=[per(60, values[1])], windows=[window])
    priced = table.price(start, start + timedelta(minutes=minutes))
    assert priced.total.amount == minute_by_minute(table, start, minutes)


restrictions = st.builds(
    Restrictions,
    start_time=st.one_of(st.none(), times),
    end_time=st.one_of(st.none(), times),
    min_duration=st.sampled_from([None, 1_800]),
    max_duration=st.sampled_from([None, 3_600, 7_200]),
)
elements = st.builds(
    lambda kind, price, when: Element([Component(kind, Decimal(price) / 100)], when),
    st.sampled_from([Dimension.PARKING_TIME, Dimension.FLAT]),
    cents,
    restrictions,
)
tariffs = st.builds(
    Tariff,
    id=st.just("t"),
    currency=st.just("EUR"),
    elements=st.lists(elements, max_size=4),
    tz=st.sampled_from(["Europe/Paris", "UTC"]),
)


@settings(deadline=None)
@given(tariffs, starts, lengths, st.integers(0, 7_200))
def test_a_longer_stay_in_a_tariff_without_steps_never_costs_less(
    tariff: Tariff, start: datetime, s: int, more: int
) -> None:
    shorter, longer = (tariff.price(start, start + timedelta(seconds=each)) for each in (s, s + more))
    assert 0 <= shorter.exact <= longer.exact
    assert sum(line.amount.amount for line in longer.lines) == longer.total.amount


plates = st.sampled_from("ABCDEF")
space_ids = st.sampled_from([f"{row}{n}" for row in "xy" for n in range(6)])
SPACES = [
    *(Space(f"x{n}", size="regular", row="x", position=n, distances={"g": n, "h": 9 - n}) for n in range(6)),
    *(Space(f"y{n}", size="large", row="y", position=n, level="1") for n in range(6)),
]


class Histories(RuleBasedStateMachine):
    """Anything may happen in any order; what must hold is looked at after each step."""

    def __init__(self) -> None:
        super().__init__()
        self.clock, self.store = ManualClock(start=START), MemoryStore()
        self.options: Any = {"reservable": {"regular": 3, "large": 2}, "store": self.store, "clock": self.clock}
        self.lot = ParkingLot(SPACES, tariff=HOURLY, **self.options)
        self.booked: list[str] = []

    def attempt(self, verb: Callable[[], object]) -> None:
        """A refusal changes nothing."""
        self.lot.availability()
        before = self.store.read(0)
        try:
            verb()
        except ParkingError:
            assert self.store.read(0) == before

    @rule(plate=plates, size=st.sampled_from(["regular", "large", "bus"]))
    def enter(self, plate: str, size: str) -> None:
        self.attempt(lambda: come(self.lot, plate, size=size))

    @rule(pick=st.integers(0, 9))
    def leave(self, pick: int) -> None:
        inside = self.lot.open_tickets().items
        if inside:
            go(self.lot, inside[pick % len(inside)])

    @rule(pick=st.integers(0, 9), space_id=space_ids)
    def relocate(self, pick: int, space_id: str) -> None:
        inside = self.lot.open_tickets().items
        if inside:
            self.attempt(lambda: self.lot.relocate(inside[pick % len(inside)].id, space_id))

    @rule(space_id=space_ids, out=st.booleans())
    def service(self, space_id: str, out: bool) -> None:
        (self.lot.out_of_service if out else self.lot.in_service)(space_id)

    @rule(hours=st.integers(0, 3), size=st.sampled_from(["regular", "large"]))
    def reserve(self, hours: int, size: str) -> None:
        start = self.clock.now() + timedelta(hours=hours)

        def book() -> None:
            self.booked.append(self.lot.reserve(size, start, start + timedelta(hours=1), owner="o").id)

        self.attempt(book)

    @rule(plate=plates, pick=st.integers(0, 9), cancel=st.booleans())
    def use(self, plate: str, pick: int, cancel: bool) -> None:
        if self.booked:
            booking = self.booked[pick % len(self.booked)]
            self.attempt(lambda: self.lot.cancel(booking) if cancel else come(self.lot, plate, reservation=booking))

    @rule(minutes=st.integers(1, 90))
    def wait(self, minutes: int) -> None:
        self.clock.advance(minutes * 60)

    @invariant()
    def counts_agree_and_nothing_is_given_twice(self) -> None:
        shown = self.lot.availability()
        assert {k: [a.free, a.occupied, a.held, a.out_of_service] for k, a in shown.items()} == recount(self.lot)
        assert all(a.free + a.occupied + a.held + a.out_of_service == a.total == 6 for a in shown.values())
        inside = self.lot.open_tickets().items
        taken = [space for ticket in inside for space in ticket.spaces]
        assert len(taken) == len(set(taken)) == sum(a.occupied for a in shown.values())
        assert len({ticket.plate for ticket in inside}) == len(inside)

    @invariant()
    def the_log_makes_the_same_state(self) -> None:
        assert self.lot.recover().equal
        state = self.lot._replica.state
        assert replay(self.lot.events(limit=10**6), self.lot.layout).dump() == state.dump()
        copy = type(replay([], self.lot.layout))(self.lot.layout)
        copy.load(state.dump())
        assert copy.dump() == state.dump()
        assert copy.availability() == state.availability()


def test_in_any_history_no_space_is_given_twice_and_the_log_makes_the_same_state() -> None:
    bounded = settings(max_examples=40, stateful_step_count=25, deadline=None)
    run_state_machine_as_test(Histories, settings=bounded)
