"""A lot as a gate sees it: entering, leaving, refusals, and that a refusal changes nothing."""

from datetime import timedelta
from typing import Any

import pytest

from lldkit.clock import ManualClock
from lldkit.parking_lot import (
    AlreadyParked,
    Fit,
    KeyMismatch,
    LevelBalanced,
    LotEvent,
    LotFull,
    NearestToGate,
    NotEligible,
    ParkingLot,
    Space,
    SpaceTaken,
    TicketClosed,
    UnknownGate,
    UnknownTicket,
    Vehicle,
    garage,
)
from parking_lot.helpers import HOURLY, START, a_lot, come, go, spaces


def test_a_second_entry_of_a_plate_is_refused_and_changes_nothing() -> None:
    lot = a_lot(spaces("regular", "regular"))
    first = come(lot, "AB 1")
    before = lot.events()
    with pytest.raises(AlreadyParked) as refused:
        come(lot, "ab-1")
    assert refused.value.ticket_id == first.id
    assert lot.events() == before


def test_a_full_lot_refuses_and_changes_nothing() -> None:
    lot = a_lot(spaces("regular"))
    come(lot, "A")
    before = lot.events()
    with pytest.raises(LotFull) as refused:
        come(lot, "B")
    assert (refused.value.reason, refused.value.retry_after) == ("occupied", None)
    assert lot.events() == before


def test_a_second_exit_bills_nothing_and_leaves_the_next_car_alone() -> None:
    lot = a_lot(spaces("regular"))
    first = come(lot, "A")
    lot.exit(first.id, gate="g")
    second = come(lot, "B")
    with pytest.raises(TicketClosed):
        lot.exit(first.id, gate="g")
    with pytest.raises(TicketClosed):
        lot.quote(first.id)
    assert [ticket.id for ticket in lot.open_tickets().items] == [second.id]
    assert second.space_id == first.space_id
    with pytest.raises(UnknownTicket):
        lot.exit("nobody", gate="g")


def test_small_vehicles_take_larger_spaces_only_when_nothing_smaller_is_free() -> None:
    lot = a_lot(spaces("large", "regular", "large"))
    assert come(lot, "car").space_id == "S1"
    assert come(lot, "bike", size="motorcycle").space_id == "S0"
    assert come(lot, "truck", size="large").space_id == "S2"
    with pytest.raises(LotFull):
        come(lot, "late", size="motorcycle")


def test_a_large_vehicle_never_takes_a_small_space() -> None:
    lot = a_lot(spaces("regular", "compact"))
    with pytest.raises(NotEligible):
        come(lot, "truck", size="large")


def test_reserved_tags_are_for_permits_and_permits_are_used_first() -> None:
    made = [
        Space("a", size="regular", tags=frozenset({"accessible"})),
        Space("b", size="regular"),
        Space("c", size="regular", tags=frozenset({"ev"})),
    ]
    lot = a_lot(made)
    assert come(lot, "electric", permits={"ev"}).space_id == "c"
    assert come(lot, "car").space_id == "b"
    with pytest.raises(LotFull):
        come(lot, "another")
    assert come(lot, "badge", permits={"accessible"}).space_id == "a"


def test_height_decides_where_a_van_fits() -> None:
    lot = a_lot([Space("low", size="regular", max_height_cm=190), Space("open", size="regular")])
    assert come(lot, "van", height_cm=191).space_id == "open"
    low = a_lot([Space("low", size="regular", max_height_cm=190)])
    with pytest.raises(NotEligible):
        come(low, "van", height_cm=191)
    assert come(low, "car", height_cm=190).space_id == "low"


def test_the_nearest_differs_by_gate_and_ties_go_by_id() -> None:
    made = [
        Space("a", size="regular", distances={"north": 9, "south": 1}),
        Space("c", size="regular", distances={"north": 1, "south": 9}),
        Space("b", size="regular", distances={"north": 1, "south": 9}),
    ]
    lot = a_lot(made)
    assert come(lot, "1", gate="north").space_id == "b"
    assert come(lot, "2", gate="south").space_id == "a"
    with pytest.raises(UnknownGate):
        come(lot, "3", gate="west")


def test_a_freed_or_repaired_space_goes_back_to_its_own_order() -> None:
    lot = a_lot([Space(name, size="regular", distances={"g": n}) for n, name in enumerate("abc")])
    first = come(lot, "1")
    lot.out_of_service("b")
    lot.out_of_service("b")
    assert come(lot, "2").space_id == "c"
    go(lot, first)
    lot.in_service("b")
    assert [come(lot, plate).space_id for plate in "34"] == ["a", "b"]


def test_an_occupied_space_goes_out_of_service_when_it_is_left() -> None:
    lot = a_lot(spaces("regular"))
    ticket = come(lot, "1")
    lot.out_of_service("S0")
    assert lot.availability()["", "regular"].occupied == 1
    go(lot, ticket)
    assert lot.availability()["", "regular"].out_of_service == 1
    with pytest.raises(LotFull):
        come(lot, "2")


def test_nearest_to_gate_starves_the_truck_and_best_fit_does_not() -> None:
    made = [Space("large", size="large", distances={"g": 1}), Space("small", size="regular", distances={"g": 2})]
    greedy = a_lot(made, allocation=NearestToGate())
    come(greedy, "car")
    with pytest.raises(LotFull):
        come(greedy, "truck", size="large")
    fitting = a_lot(made)
    come(fitting, "car")
    assert come(fitting, "truck", size="large").space_id == "large"


def test_level_balanced_fills_the_emptiest_level() -> None:
    made = [Space(f"{level}{n}", size="regular", level=level) for level in "12" for n in range(2)]
    lot = a_lot(made, allocation=LevelBalanced())
    assert [come(lot, plate).space_id[0] for plate in "abcd"] == ["1", "2", "1", "2"]


def test_an_allocation_of_ones_own_chooses_among_the_groups() -> None:
    class LargestFirst:
        def order(self, space: Space, request: object, view: object) -> tuple[int | float | str, ...]:
            del request
            return (-view.rank_of_size(space.size), space.id)  # type: ignore[attr-defined]

    lot = a_lot(spaces("regular", "large"), allocation=LargestFirst())
    assert come(lot, "car").space_id == "S1"


def test_a_plate_is_compared_in_one_form_and_shown_as_it_was() -> None:
    lot = a_lot(spaces("regular", "regular", "regular"))
    ticket = come(lot, " ab 12-C ")
    assert ticket.plate == " ab 12-C "
    for same in ("AB12C", "ab12c", "\uff21\uff22\uff11\uff12\uff23"):
        with pytest.raises(AlreadyParked):
            come(lot, same)
    come(lot, "\u00c5 1")
    with pytest.raises(AlreadyParked):
        come(lot, "A\u030a 1")
    assert come(lot, "AB1 2D").plate == "AB1 2D"


def test_a_repeated_event_has_the_same_answer_and_another_one_is_refused() -> None:
    lot = a_lot(spaces("regular", "regular"))
    first = come(lot, "A", key="evt-1")
    assert come(lot, "A", key="evt-1") == first
    with pytest.raises(KeyMismatch):
        come(lot, "B", key="evt-1")
    quote = lot.quote(first.id)
    receipt = lot.pay(first.id, amount=quote.due, key="pay-1")
    assert lot.pay(first.id, amount=quote.due, key="pay-1") == receipt
    left = lot.exit(first.id, gate="g", key="evt-2")
    assert lot.exit(first.id, gate="g", key="evt-2") == left
    with pytest.raises(KeyMismatch):
        lot.exit(first.id, gate="h", key="evt-2")
    assert come(lot, "A", key="evt-1") == first
    assert len(lot.open_tickets().items) == 0


def test_relocating_moves_the_vehicle_or_changes_nothing() -> None:
    lot = a_lot(spaces("regular", "regular", "compact"))
    one, two = come(lot, "1"), come(lot, "2")
    with pytest.raises(SpaceTaken) as taken:
        lot.relocate(one.id, "S1")
    assert (taken.value.space, taken.value.ticket) == ("S1", two.id)
    with pytest.raises(NotEligible):
        lot.relocate(one.id, "S2")
    go(lot, two)
    assert lot.relocate(one.id, "S1", key="m").space_id == "S1"
    assert lot.relocate(one.id, "S1", key="m").space_id == "S1"
    assert lot.ticket(one.id).space_id == "S1"
    assert come(lot, "3").space_id == "S0"


def test_a_late_gate_is_clamped_to_the_last_event_of_the_ticket_and_an_event_says_so() -> None:
    clock = ManualClock(start=START)
    lot = a_lot(spaces("regular"), clock)
    ticket = come(lot, "1", at=START + timedelta(hours=1))
    left = lot.exit(ticket.id, gate="g", at=START)
    assert left.at == START + timedelta(hours=1)
    clamped = [event for event in lot.events() if event.what == "clamped"]
    assert len(clamped) == 1
    assert clamped[0].data["ticket"] == ticket.id


def test_the_sign_is_told_whenever_its_number_changes() -> None:
    heard: list[LotEvent] = []
    lot = a_lot(spaces("regular", "large"), on_event=heard.append)
    ticket = come(lot, "1")
    lot.exit(ticket.id, gate="g")
    signs = [(event.data["size"], event.data["free"]) for event in heard if event.what == "sign"]
    assert signs == [("regular", 0), ("regular", 1)]
    assert [event.what for event in heard if event.what != "sign"] == ["tariff", "entered", "exited"]


def test_gates_have_their_commands_until_they_are_done() -> None:
    lot = a_lot(garage("two_levels"))
    ticket = come(lot, "1", gate="north")
    left = lot.exit(ticket.id, gate="south")
    (opened,) = lot.commands("south")
    assert (opened.id, opened.ticket_id, opened.action) == (left.command_id, ticket.id, "open")
    assert lot.commands("south") == [opened]
    assert lot.done(opened.id)
    assert not lot.done(opened.id)
    assert lot.commands("south") == []
    assert len(lot.commands("north")) == 1


def test_pages_of_open_tickets_are_complete_and_end() -> None:
    lot = a_lot(spaces(*["regular"] * 5))
    made = sorted(come(lot, str(n)).id for n in range(5))
    first = lot.open_tickets(limit=2)
    second = lot.open_tickets(limit=2, after=first.next)
    third = lot.open_tickets(limit=2, after=second.next)
    assert [t.id for page in (first, second, third) for t in page.items] == made
    assert third.next is None


def test_closed_stays_are_forgotten_beyond_the_bound_with_their_keys() -> None:
    lot = a_lot(spaces("regular"), keep_closed=2)
    tickets = []
    for n in range(4):
        tickets.append(come(lot, str(n), key=f"in {n}"))
        lot.exit(tickets[-1].id, gate="g")
    with pytest.raises(UnknownTicket):
        lot.ticket(tickets[1].id)
    assert lot.ticket(tickets[2].id) == tickets[2]
    state = lot._replica.state
    assert (len(state.closed), len(state.keys)) == (2, 2)


@pytest.mark.parametrize(
    ("made", "options", "message"),
    [
        (spaces("huge"), {}, "the size of S0 must be one of"),
        ([*spaces("large"), *spaces("large")], {}, "two spaces have the same id"),
        (spaces("large"), {"reservable": {"large": -1}}, "reservable"),
        (spaces("large"), {"grace_seconds": -1}, "grace_seconds must be"),
        (spaces("large"), {"keep_closed": -1}, "keep_closed must be"),
        (spaces("large", "large", row="A", position=1), {}, "have position 1"),
    ],
)
def test_nonsense_is_refused_at_construction(made: list[Space], options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        a_lot(made, **options)


def test_an_unknown_size_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="size must be one of"):
        a_lot(spaces("regular")).enter(Vehicle("1", size="huge"), gate="g")


def test_nothing_compares_the_names_of_sizes() -> None:
    fit = Fit(order=("zwerg", "mittel", "ast"))
    lot = ParkingLot([Space("a", size="ast"), Space("z", size="zwerg")], tariff=HOURLY, fit=fit)
    assert lot.enter(Vehicle("1", size="zwerg"), gate="g").space_id == "z"
    assert lot.enter(Vehicle("2", size="mittel"), gate="g").space_id == "a"


def test_a_key_names_all_that_was_asked() -> None:
    lot = a_lot(spaces("regular", "regular"))
    ticket = come(lot, "A", key="evt-1", height_cm=150, at=START)
    for height, at in ((151, START), (150, START + timedelta(seconds=1))):
        with pytest.raises(KeyMismatch) as mismatch:
            come(lot, "A", key="evt-1", height_cm=height, at=at)
        assert mismatch.value.key == "evt-1"
    assert come(lot, "A", key="evt-1", height_cm=150, at=START) == ticket
    moved = lot.relocate(ticket.id, ticket.space_id, key="m")
    with pytest.raises(KeyMismatch):
        lot.relocate(ticket.id, "S1", key="m")
    assert lot.relocate(ticket.id, ticket.space_id, key="m") == moved


def test_a_stay_that_is_not_remembered_leaves_no_keys_behind() -> None:
    lot = a_lot(spaces("regular"), keep_closed=0)
    lot.exit(come(lot, "1", key="in").id, gate="g", key="out")
    assert lot._replica.state.keys == {}


def test_refusals_have_the_fields_that_a_handler_needs() -> None:
    clock = ManualClock(start=START)
    lot = a_lot(spaces("regular"), clock)
    ticket = come(lot, "A")
    clock.advance(60)
    go(lot, ticket)
    with pytest.raises(TicketClosed) as closed:
        lot.quote(ticket.id)
    assert (closed.value.id, closed.value.closed_at) == (ticket.id, START + timedelta(seconds=60))
    with pytest.raises(UnknownTicket) as unknown:
        lot.quote("nobody")
    assert unknown.value.id == "nobody"
    with pytest.raises(UnknownGate) as gate:
        a_lot(spaces("regular", distances={"g": 1})).commands("x")
    assert gate.value.gate == "x"


def test_an_id_that_was_given_out_before_is_refused_and_loses_no_car() -> None:
    lot = a_lot(spaces("regular", "regular"), new_id=lambda: "T", reservable={"regular": 2})
    come(lot, "A")
    with pytest.raises(ValueError, match="never used, got 'T' again"):
        come(lot, "B")
    assert [ticket.plate for ticket in lot.open_tickets().items] == ["A"]
    lot.reserve("regular", START, START + timedelta(hours=1), owner="o")
    with pytest.raises(ValueError, match="never used"):
        lot.reserve("regular", START, START + timedelta(hours=1), owner="o")
