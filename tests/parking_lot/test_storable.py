"""Price lists of a user's own: what a lot asks of them, and how a store keeps them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import pytest

from lldkit.clock import ManualClock
from lldkit.parking_lot import Bill, Charge, MemoryStore, ParkingLot, RateTable, make_bill, per
from lldkit.parking_lot.sqlite import SQLiteStore
from parking_lot.helpers import HOURLY, START, a_lot, come, eur, spaces


class ByTheStay:
    """One price for any stay, and none for a reservation that is used."""

    def __init__(self, euros: int) -> None:
        self.euros, self.asked = euros, list[object]()

    def price(self, start: datetime, end: datetime, *, reservation: bool = False) -> Bill:
        self.asked.append(reservation)
        exact = Fraction(self.euros)
        return make_bill([Charge("stay", start, end, 1, exact, exact, exact, "the price of a stay")], "EUR")


class Kept(ByTheStay):
    """The same, and a store can keep it."""

    def document(self) -> Mapping[str, Any]:
        return {"euros": self.euros}

    @classmethod
    def restored(cls, document: Mapping[str, Any]) -> Self:
        return cls(document["euros"])


class KeptElsewhere(Kept):
    """Another class."""


def opened(path: Path, tariff: Any) -> ParkingLot:
    store, clock = SQLiteStore(path), ManualClock(start=START)
    return ParkingLot(spaces("regular", "regular"), tariff=tariff, clock=clock, store=store)


def test_a_stay_is_priced_by_ones_own_price_list_of_its_entry_after_a_restart(tmp_path: Path) -> None:
    with opened(tmp_path / "lot.db", Kept(7)) as lot:
        ticket = come(lot, "1")
        assert lot.set_tariff(HOURLY) == 2
    with opened(tmp_path / "lot.db", Kept(9)) as lot:
        assert lot.quote(ticket.id).due == eur(700)
        assert lot.quote(come(lot, "2").id).due == eur(900)
        (line,) = lot.quote(ticket.id).bill.lines
        assert (line.because, line.amount) == ("the price of a stay", eur(700))
    with opened(tmp_path / "lot.db", Kept(9)) as lot:
        assert [event.data["version"] for event in lot.events() if event.what == "tariff"] == [1, 2, 3]


def test_another_process_may_set_a_price_list_of_ones_own() -> None:
    store = MemoryStore()
    lots = [a_lot(spaces("regular"), store=store, tariff=Kept(7)) for _ in range(2)]
    lots[0].set_tariff(Kept(8))
    ticket = come(lots[1], "1")
    assert [lot.quote(ticket.id).due for lot in lots] == [eur(800)] * 2


def test_a_price_list_that_cannot_be_read_back_is_said_to_be_so_at_construction(tmp_path: Path) -> None:
    with opened(tmp_path / "lot.db", Kept(7)) as lot:
        come(lot, "1")
    for other in (HOURLY, KeptElsewhere(7)):
        with pytest.raises(TypeError, match=r"somebody parks by a price list of .*\.Kept;"):
            opened(tmp_path / "lot.db", other)


def test_a_price_list_that_a_store_cannot_keep_is_refused_before_anything_changed(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="a store keeps a Tariff, a RateTable or a StorablePricer"):
        opened(tmp_path / "lot.db", ByTheStay(7))
    with opened(tmp_path / "lot.db", HOURLY) as lot:
        with pytest.raises(TypeError, match="StorablePricer"):
            lot.set_tariff(ByTheStay(7))
        assert [event.what for event in lot.events()] == ["tariff"]


def test_in_memory_any_price_list_will_do_and_is_asked_by_yes_and_no() -> None:
    tariff = ByTheStay(7)
    lot = a_lot(spaces("regular", "regular"), tariff=tariff, reservable={"regular": 1})
    first = come(lot, "1")
    lot.set_tariff(ByTheStay(8))
    second = come(lot, "2")
    lot.set_tariff(RateTable(currency="EUR", tz="UTC", lines=[per(60, 1)]))
    assert [lot.quote(ticket.id).due for ticket in (first, second)] == [eur(700), eur(800)]
    lot.set_tariff(tariff)
    lot.cancel(lot.reserve("regular", START, START + timedelta(hours=1), owner="o").id)
    assert tariff.asked == [False, True, True]
