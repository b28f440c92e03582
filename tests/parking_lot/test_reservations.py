"""Reservations by window: capacity, the protected band, early birds, no-shows, overstayers."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from lldkit.clock import ManualClock
from lldkit.parking_lot import (
    CapacityExceeded,
    Component,
    Dimension,
    Element,
    LotEvent,
    LotFull,
    ParkingLot,
    ReservationInvalid,
    Restrictions,
    Tariff,
)
from parking_lot.helpers import START, a_lot, come, eur, go, recount, spaces

FEES = Tariff(
    id="t",
    currency="EUR",
    tz="UTC",
    elements=[
        Element([Component(Dimension.FLAT, Decimal(3))], Restrictions(reservation="RESERVATION")),
        Element([Component(Dimension.FLAT, Decimal(8))], Restrictions(reservation="RESERVATION_EXPIRES")),
        Element([Component(Dimension.PARKING_TIME, Decimal(2))]),
    ],
)


def at(hour: int, minute: int = 0) -> datetime:
    return START.replace(hour=hour, minute=minute)


def opened(*sizes: str, heard: list[LotEvent] | None = None, most: int = 2) -> tuple[ParkingLot, ManualClock]:
    clock = ManualClock(start=START)
    options = {"reservable": {"regular": most}, "tariff": FEES, "on_event": None if heard is None else heard.append}
    return a_lot(spaces(*sizes), clock, **options), clock


def fees(lot: ParkingLot) -> list[tuple[str, int]]:
    return [(event.what, event.data["fee"]) for event in lot.events() if event.what in {"no_show", "cancelled"}]


def test_windows_are_half_open_and_counted_at_every_instant() -> None:
    lot, _ = opened("regular", "regular")
    lot.reserve("regular", at(9), at(11), owner="a")
    lot.reserve("regular", at(10), at(12), owner="b")
    with pytest.raises(CapacityExceeded) as refused:
        lot.reserve("regular", at(10, 30), at(10, 45), owner="c")
    assert refused.value.retry_after == 3_600 + 1_800  # when the first no-show would end
    lot.reserve("regular", at(11), at(12), owner="d")
    with pytest.raises(CapacityExceeded) as refused:
        lot.reserve("regular", at(11, 30), at(12), owner="e")
    assert refused.value.retry_after == 2 * 3_600 + 1_800  # the reservation of nine is not in the way


def test_a_walk_in_cannot_take_what_is_due_soon_and_the_reserver_gets_it() -> None:
    lot, clock = opened("regular")
    booked = lot.reserve("regular", at(9), at(11), owner="a")
    clock.advance(50 * 60)
    with pytest.raises(LotFull) as refused:
        come(lot, "walk-in")
    assert (refused.value.reason, refused.value.retry_after) == ("reserved", 40 * 60)
    assert lot.availability()["", "regular"].held == 1
    assert come(lot, "reserver", reservation=booked.id).space_id == "S0"
    with pytest.raises(ReservationInvalid, match="used already"):
        come(lot, "again", reservation=booked.id)


def test_before_the_protected_band_the_space_is_for_all_and_the_reserver_is_too_early() -> None:
    lot, clock = opened("regular")
    booked = lot.reserve("regular", at(9), at(11), owner="a")
    clock.advance(44 * 60)
    with pytest.raises(ReservationInvalid, match="begins at"):
        come(lot, "early", reservation=booked.id)
    assert come(lot, "walk-in").space_id == "S0"


def test_a_no_show_frees_at_the_very_second_once_and_with_one_fee() -> None:
    lot, clock = opened("regular")
    booked = lot.reserve("regular", at(9), at(11), owner="a")
    clock.advance(5_400 - 0.001)
    with pytest.raises(LotFull):
        come(lot, "walk-in")
    clock.advance(0.001)
    assert lot.availability()["", "regular"].free == 1
    assert come(lot, "walk-in").space_id == "S0"
    with pytest.raises(ReservationInvalid, match="over"):
        come(lot, "late", reservation=booked.id)
    clock.advance(86_400)
    lot.availability()
    assert fees(lot) == [("no_show", 800)]
    (told,) = (event for event in lot.events() if event.what == "no_show")
    assert told.at == at(9, 30)
    lot.reserve("regular", at(9) + timedelta(days=1), at(11) + timedelta(days=1), owner="b")


def test_an_overstayer_breaks_a_reservation_and_it_is_told_at_once() -> None:
    heard: list[LotEvent] = []
    lot, clock = opened("regular", heard=heard)
    come(lot, "overstayer")
    booked = lot.reserve("regular", at(9), at(11), owner="a")
    clock.advance(3_600)
    lot.availability()
    assert [(event.what, event.at) for event in heard if event.what == "broken"] == [("broken", at(9))]
    with pytest.raises(LotFull) as refused:
        come(lot, "reserver", reservation=booked.id)
    assert refused.value.reason == "occupied"
    clock.advance(1_800)
    assert fees(lot) == [("no_show", 0)]


def test_a_space_that_is_left_in_time_is_held_for_who_waits_for_it() -> None:
    lot, clock = opened("regular")
    ticket = come(lot, "overstayer")
    booked = lot.reserve("regular", at(9), at(11), owner="a")
    clock.advance(3_600 - 300)
    go(lot, ticket)
    with pytest.raises(LotFull, match="reserved"):
        come(lot, "walk-in")
    clock.advance(300)
    assert come(lot, "reserver", reservation=booked.id).space_id == "S0"
    assert not [event for event in lot.events() if event.what == "broken"]


def test_a_reservation_that_is_cancelled_is_billed_for_and_frees_its_window_and_its_space() -> None:
    lot, clock = opened("regular", most=1)
    booked = lot.reserve("regular", at(9), at(11), owner="a", key="r")
    assert lot.reserve("regular", at(9), at(11), owner="a", key="r") == booked
    clock.advance(50 * 60)
    assert lot.cancel(booked.id).total == eur(300)
    assert come(lot, "walk-in").space_id == "S0"
    assert lot.reserve("regular", at(9), at(11), owner="b").owner == "b"
    with pytest.raises(ReservationInvalid, match="over"):
        lot.cancel(booked.id)
    assert lot.reserve("regular", at(9), at(11), owner="a", key="r") == booked


def test_held_spaces_are_of_the_size_or_larger_and_counted() -> None:
    lot, clock = opened("large", "regular")
    lot.reserve("regular", at(9), at(11), owner="a")
    lot.reserve("regular", at(9), at(11), owner="b")
    clock.advance(3_000)
    shown = lot.availability()
    assert (shown["", "regular"].held, shown["", "large"].held) == (1, 1)
    assert {sign: [a.free, a.occupied, a.held, a.out_of_service] for sign, a in shown.items()} == recount(lot)


@pytest.mark.parametrize(
    ("size", "start", "end", "message"),
    [
        ("huge", at(9), at(10), "size must be one of"),
        ("regular", at(10), at(10), "must end after its start"),
        ("regular", at(6), at(7), "after now"),
    ],
)
def test_nonsense_is_refused(size: str, start: datetime, end: datetime, message: str) -> None:
    lot, _ = opened("regular")
    with pytest.raises(ValueError, match=message):
        lot.reserve(size, start, end, owner="a")
    with pytest.raises(CapacityExceeded):
        lot.reserve("large", at(9), at(10), owner="a")
