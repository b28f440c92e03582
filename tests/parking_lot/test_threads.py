"""Gates and cashiers at once, under the deterministic scheduler; and the same as tasks."""

import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from lldkit import interleave
from lldkit.clock import ManualClock
from lldkit.parking_lot import (
    AlreadyParked,
    CapacityExceeded,
    LotFull,
    MemoryStore,
    ParkingError,
    PaymentRejected,
    TicketClosed,
    Vehicle,
)
from parking_lot.helpers import START, Till, a_lot, come, eur, recount, spaces

INCLUDE = ["lldkit.parking_lot", "lldkit.claims"]
Program = tuple[dict[str, Callable[[], object]], Callable[[], object]]


def prove(program: Callable[[], Program], *, schedules: int = 60) -> None:
    interleave.explore(program, schedules=schedules, include=INCLUDE).assert_ok()


def test_two_gates_never_get_one_space() -> None:
    def program() -> Program:
        lot, got, full = a_lot(spaces("regular", "regular")), list[str](), list[int]()

        def body(plate: str) -> None:
            try:
                got.append(come(lot, plate).space_id)
            except LotFull:
                full.append(1)

        bodies: dict[str, Callable[[], object]] = {each: partial(body, each) for each in "xyz"}
        return bodies, lambda: sorted(got) == ["S0", "S1"] and len(full) == 1

    prove(program)


def test_one_plate_at_two_gates_of_two_processes_gets_one_ticket() -> None:
    def program() -> Program:
        store, made, refused = MemoryStore(), list[str](), list[int]()
        lots = [a_lot(spaces("regular", "regular"), store=store) for _ in range(2)]

        def body(index: int) -> None:
            try:
                made.append(come(lots[index], "AB 1").id)
            except AlreadyParked:
                refused.append(1)

        return {"x": lambda: body(0), "y": lambda: body(1)}, lambda: len(made) == len(refused) == 1

    prove(program)


def test_one_event_that_is_sent_twice_at_once_has_one_answer() -> None:
    def program() -> Program:
        lot, got = a_lot(spaces("regular", "regular")), list[object]()

        def body() -> None:
            got.append(come(lot, "AB 1", key="evt"))

        return {"x": body, "y": body}, lambda: len(got) == 2 and got[0] == got[1]

    prove(program)


def test_of_two_payments_at_once_one_is_taken() -> None:
    def program() -> Program:
        clock, till = ManualClock(start=START), Till()
        lot = a_lot(spaces("regular"), clock, cashier=till)
        ticket, refused = come(lot, "1"), list[str]()
        clock.advance(60)

        def body() -> None:
            try:
                lot.pay(ticket.id, amount=eur(200))
            except PaymentRejected as error:
                refused.append(error.code)

        def paid_once() -> bool:
            return len(till.charges) == len(refused) == 1 and lot.quote(ticket.id).paid == eur(200)

        return {"x": body, "y": body}, paid_once

    prove(program)


def test_of_two_exits_at_once_one_opens_the_gate() -> None:
    def program() -> Program:
        lot = a_lot(spaces("regular"))
        ticket, closed = come(lot, "1"), list[int]()

        def body() -> None:
            try:
                lot.exit(ticket.id, gate="g")
            except TicketClosed:
                closed.append(1)

        return {"x": body, "y": body}, lambda: len(closed) == 1 and len(lot.commands("g")) == 2

    prove(program)


def test_the_last_reservation_is_given_once() -> None:
    def program() -> Program:
        lot, got, refused = a_lot(spaces("regular"), reservable={"regular": 1}), list[str](), list[int]()

        def body() -> None:
            try:
                got.append(lot.reserve("regular", START, START + timedelta(hours=1), owner="o").id)
            except CapacityExceeded:
                refused.append(1)

        return {"x": body, "y": body}, lambda: len(got) == len(refused) == 1

    prove(program)


async def test_tasks_do_the_same_on_one_object() -> None:
    clock = ManualClock(start=START)
    lot = a_lot(spaces(*["regular"] * 5), clock, cashier=Till(), reservable={"regular": 1})

    async def stay(plate: str) -> str:
        try:
            ticket = await lot.aenter(Vehicle(plate), gate="g", key=plate)
        except LotFull:
            return "full"
        quote = await lot.aquote(ticket.id)
        await lot.apay(ticket.id, amount=quote.due, key=f"pay {plate}")
        return ticket.space_id

    got = await asyncio.gather(*(stay(str(n)) for n in range(8)))
    assert sorted(got) == ["S0", "S1", "S2", "S3", "S4", "full", "full", "full"]
    assert [a.occupied for a in lot.availability().values()] == [recount(lot)["", "regular"][1]] == [5]
    left = await lot.aexit(lot.open_tickets().items[0].id, gate="g")
    assert left.paid == eur(0)
    booked = await lot.areserve("regular", START, START + timedelta(hours=1), owner="o")
    assert booked.owner == "o"


async def test_a_task_that_is_cancelled_while_the_cashier_hangs_leaves_nothing_locked() -> None:
    clock = ManualClock(start=START)
    loop, inside = asyncio.get_running_loop(), asyncio.Event()
    go_on = threading.Event()

    def hang() -> None:
        loop.call_soon_threadsafe(inside.set)
        assert go_on.wait(60)
        raise ParkingError("the till is closed")

    lot = a_lot(spaces("regular", "regular"), clock, cashier=Till(hang))
    ticket = come(lot, "1")
    clock.advance(60)
    paying = asyncio.create_task(lot.apay(ticket.id, amount=eur(200)))
    await inside.wait()
    paying.cancel()
    assert (await lot.aenter(Vehicle("2"), gate="g")).space_id == "S1"
    go_on.set()
    assert (await asyncio.gather(paying, return_exceptions=True))[0].__class__ is asyncio.CancelledError
    assert lot.quote(ticket.id).due == eur(200)
