"""The directed checks and the scenarios of the parking lot."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from interface import Busy, Declined, Full, Killed, Log, Space, Tariff, Unknown
from lldkit.dojo.author import Desk, check, scenario

NORTH = "north"
PARIS = ZoneInfo("Europe/Paris")


def spaces(*sizes, row=""):
    """Spaces A1, A2 ... of these sizes; the first one is the nearest."""
    return [Space(f"A{n}", size, {NORTH: n}, row, n) for n, size in enumerate(sizes, 1)]


# -- level 1: how many are inside ----------------------------------------------------------------------------------


@check(level=1)
def the_sign_counts_down_and_up(desk: Desk) -> None:
    """A sign that is one too high sends a driver round in circles."""
    lot = desk.make(capacity={"car": 2, "bike": 1})
    desk.expect([lot.take("car"), lot.take("car"), lot.take("car")], [True, True, False])
    desk.expect((lot.free("car"), lot.free("bike")), (0, 1))
    desk.expect(lot.give("car"), None)
    desk.expect((lot.free("car"), lot.take("car")), (1, True))


@check(level=1, kills=["w01"], needs=["the_sign_counts_down_and_up"])
def zero_is_a_capacity(desk: Desk) -> None:
    """A deck that is closed for repair has capacity 0, and everybody drives in."""
    lot = desk.make(capacity={"truck": 0})
    desk.expect((lot.take("truck"), lot.free("truck")), (False, 0))


@check(level=1, kills=["w02"], needs=["the_sign_counts_down_and_up"])
def nobody_leaves_who_did_not_come(desk: Desk) -> None:
    """A barrier that counts a cyclist out twice shows places that nobody will find."""
    lot = desk.make(capacity={"car": 1})
    desk.raises(ValueError, lot.give, "car")
    desk.expect((lot.free("car"), lot.take("car"), lot.take("car")), (1, True, False))


@check(level=1, kills=["w23"], needs=["the_sign_counts_down_and_up"])
def an_unknown_size_is_refused(desk: Desk) -> None:
    """A typing error in a gate's settings must not look like a full lot for a week."""
    lot = desk.make(capacity={"car": 1})
    for verb in (lot.take, lot.give, lot.free):
        desk.raises(ValueError, verb, "cra")
    desk.raises(ValueError, desk.make, capacity={"car": -1})
    desk.raises(ValueError, desk.make, capacity={"car": 5, "truck": -1})


@check(level=1, needs=["the_sign_counts_down_and_up"])
def what_was_given_is_not_kept(desk: Desk) -> None:
    """A settings page that edits its own dictionary must not move the walls of the lot."""
    capacity = {"car": 1}
    lot, other = desk.make(capacity=capacity), desk.make(capacity=capacity)
    lot.take("car")
    desk.expect(capacity, {"car": 1})
    desk.quietly('capacity["car"] = 9', lambda: capacity.update(car=9))
    desk.expect((lot.free("car"), other.free("car")), (0, 1))


# -- level 2: which space ------------------------------------------------------------------------------------------


@check(level=2)
def the_nearest_free_space_is_taken(desk: Desk) -> None:
    """Drivers who are sent to the far end on an empty morning do not come back."""
    made = [Space("b", "car", {NORTH: 2, "south": 1}), Space("c", "car", {NORTH: 1, "south": 2})]
    lot = desk.make(spaces=[*made, Space("a", "car", {NORTH: 2, "south": 3})])
    desk.expect([lot.park("car", NORTH), lot.park("car", NORTH)], ["c", "a"])
    desk.expect((lot.unpark("c"), lot.unpark("c"), lot.park("car", "south")), (True, False, "b"))
    desk.expect((lot.park("car", NORTH), lot.park("car", NORTH)), ("c", None))
    desk.afresh()
    lot = desk.make(spaces=[Space("A9", "car", {NORTH: 1}), Space("A10", "car", {NORTH: 1})])
    desk.expect(lot.park("car", NORTH), "A10")


@check(level=2, kills=["w03"], needs=["the_nearest_free_space_is_taken"])
def names_mean_nothing(desk: Desk) -> None:
    """Another operator calls its sizes S, M and L, and the alphabet says that L is the smallest."""
    lot = desk.make(spaces=spaces("L", "S", "M"), sizes=("S", "M", "L"))
    desk.expect([lot.park("M", NORTH), lot.park("M", NORTH), lot.park("M", NORTH)], ["A3", "A1", None])
    desk.expect(lot.park("S", NORTH), "A2")


@check(level=2, kills=["w04"], needs=["the_nearest_free_space_is_taken"])
def a_larger_space_fits(desk: Desk) -> None:
    """A motorcycle in front of an empty lot is told that the lot is full."""
    lot = desk.make(spaces=spaces("truck", "car"))
    desk.expect([lot.park("bike", NORTH), lot.park("bike", NORTH), lot.park("bike", NORTH)], ["A2", "A1", None])
    desk.expect(desk.make(spaces=spaces("bike")).park("car", NORTH), None)


@check(level=2, kills=["w24"], needs=["the_nearest_free_space_is_taken"])
def the_smallest_comes_first(desk: Desk) -> None:
    """Cars on the spaces of trucks: the trucks drive away, and the small spaces stay empty."""
    lot = desk.make(spaces=spaces("truck", "car"))
    desk.expect([lot.park("car", NORTH), lot.park("truck", NORTH)], ["A2", "A1"])


@check(level=2, kills=["w05"], needs=["the_nearest_free_space_is_taken"])
def what_comes_back_has_its_old_place(desk: Desk) -> None:
    """After a day of coming and going the nearest spaces are the last ones to be used."""
    lot = desk.make(spaces=spaces("car", "car", "car"))
    lot.park("car", NORTH)
    lot.unpark("A1")
    desk.expect(lot.park("car", NORTH), "A1")
    lot.out("A2")
    lot.back("A2")
    desk.expect(lot.park("car", NORTH), "A2")


@check(level=2, needs=["the_nearest_free_space_is_taken"])
def out_is_not_handed_out_and_says_nothing_of_who_stands_there(desk: Desk) -> None:
    """A lamp is broken above a parked car: the car may leave, and nobody may come."""
    lot = desk.make(spaces=spaces("car", "car"))
    lot.park("car", NORTH)
    lot.out("A1")
    lot.out("A2")
    desk.expect((lot.park("car", NORTH), lot.unpark("A1"), lot.unpark("A2")), (None, True, False))
    desk.expect(lot.park("car", NORTH), None)
    lot.back("A1")
    desk.expect((lot.park("car", NORTH), lot.park("car", NORTH)), ("A1", None))


@check(level=2, needs=["the_nearest_free_space_is_taken"])
def sizes_are_checked(desk: Desk) -> None:
    """Sizes are settled when the lot is built: a wrong one is found then, and not by the first customer."""
    desk.raises(ValueError, desk.make, spaces=spaces("boat"))
    lot = desk.make(spaces=spaces("car"))
    desk.raises(ValueError, lot.park, "boat", NORTH)
    lot.park("car", NORTH)
    desk.raises(ValueError, lot.park, "boat", NORTH)
    desk.afresh()
    made, sizes = spaces("S", "L"), ["S", "L"]
    lot = desk.make(spaces=made, sizes=sizes)
    desk.quietly("sizes.reverse()", sizes.reverse)
    desk.quietly("spaces.pop()", made.pop)
    desk.expect([lot.park("S", NORTH), lot.park("S", NORTH)], ["A1", "A2"])


# -- level 3: what it costs ----------------------------------------------------------------------------------------


def cost(desk, tariff, start, seconds):
    """The price of a stay of so many seconds."""
    begin = start.astimezone(UTC)
    return desk.make(tariff=tariff).price(begin, begin + timedelta(seconds=seconds))


NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@check(level=3, kills=["w06"])
def exactly_n_increments_cost_n(desk: Desk) -> None:
    """Who stays exactly an hour pays for one; the popular solution bills two."""
    hourly = Tariff(cents=200)
    for seconds, cents in ((0, 0), (1, 200), (3600, 200), (3600.000001, 400), (7200, 400), (7201, 600)):
        desk.expect(cost(desk, hourly, NOON, seconds), cents)
        desk.afresh()
    desk.expect(cost(desk, Tariff(cents=150, seconds=1800), NOON, 5401), 600)
    desk.expect(cost(desk, hourly, NOON, -60), 0)


@check(level=3, kills=["w07"], needs=["exactly_n_increments_cost_n"])
def money_is_whole_cents(desk: Desk) -> None:
    """A cent that is lost in every ticket is found by the auditor."""
    for cents in (115, 29, 57, 200):
        desk.expect(cost(desk, Tariff(cents=cents), NOON, 3 * 3600), 3 * cents)
        desk.afresh()


@check(level=3, kills=["w25"], needs=["exactly_n_increments_cost_n"])
def free_time_is_all_or_nothing(desk: Desk) -> None:
    """Ten minutes to pick somebody up are free; who stays longer has parked from the beginning."""
    for seconds, cents in ((900, 0), (900.5, 200), (901, 200), (3600, 200), (3601, 400), (43_800, 2600)):
        desk.expect(cost(desk, Tariff(cents=200, free=900), NOON, seconds), cents)
        desk.afresh()


@check(level=3, kills=["w10"], needs=["exactly_n_increments_cost_n"])
def each_day_has_its_cap(desk: Desk) -> None:
    """A week for the price of a day fills the lot with holiday makers."""
    daily = Tariff(cents=200, cap=1000)
    desk.expect(cost(desk, daily, NOON, 12 * 3600), 1000)
    desk.expect(cost(desk, daily, NOON, 36 * 3600), 2000)
    desk.expect(cost(desk, daily, NOON, 60 * 3600), 3000)
    desk.expect(cost(desk, Tariff(cents=200, cap=0), NOON, 3600), 0)


@check(level=3, kills=["w08"], needs=["each_day_has_its_cap"])
def days_begin_at_the_reset(desk: Desk) -> None:
    """From eight in the evening to eight in the morning are two days, if the day begins at six."""
    tariff = Tariff(cents=200, cap=900, reset=6, zone="Europe/Paris")
    evening = datetime(2026, 6, 1, 20, tzinfo=PARIS)
    desk.expect(cost(desk, tariff, evening, 12 * 3600), 900 + 400)
    desk.expect(cost(desk, tariff, evening + timedelta(hours=10), 3600), 200)
    desk.expect(cost(desk, tariff, evening + timedelta(hours=9, minutes=30), 3600), 400)
    desk.expect(cost(desk, tariff, evening + timedelta(hours=9, minutes=30), 1800), 200)


@check(level=3, kills=["w30"], needs=["days_begin_at_the_reset"])
def the_reset_keeps_to_the_wall(desk: Desk) -> None:
    """After a Sunday in March the day of the tariff begins an hour late, and stays so until October."""
    tariff = Tariff(cents=100, cap=100, reset=6, zone="Europe/Paris")
    for start, end, cents in (
        (datetime(2026, 3, 28, 12), datetime(2026, 3, 29, 6, 30), 200),
        (datetime(2026, 3, 27, 12), datetime(2026, 3, 29, 6, 30), 300),
        (datetime(2026, 10, 24, 12), datetime(2026, 10, 25, 5, 30), 100),
    ):
        desk.expect(desk.make(tariff=tariff).price(start.replace(tzinfo=PARIS), end.replace(tzinfo=PARIS)), cents)
        desk.afresh()


@check(level=3, kills=["w09"], needs=["exactly_n_increments_cost_n"])
def time_is_what_passes(desk: Desk) -> None:
    """On a Sunday in March each guest of the night pays for an hour that never was, and complains."""
    lot = desk.make(tariff=Tariff(cents=200, reset=6, zone="Europe/Paris"))
    spring = [datetime(2025, 3, 30, hour, 30, tzinfo=PARIS) for hour in (1, 3)]
    autumn = [datetime(2025, 10, 26, hour, 30, tzinfo=PARIS) for hour in (1, 3)]
    desk.expect((lot.price(*spring), lot.price(*autumn)), (200, 600))
    twice = datetime(2025, 10, 26, 2, 30, tzinfo=PARIS)
    desk.expect(lot.price(twice, twice.replace(fold=1)), 200)
    desk.expect(lot.price(datetime(2025, 3, 29, 7, tzinfo=PARIS), datetime(2025, 3, 30, 7, tzinfo=PARIS)), 4800 - 200)


# -- level 4: two gates, one cashier -------------------------------------------------------------------------------


class Till:
    """A cashier that writes down what it took; its first calls end with the errors `fails`."""

    def __init__(self, fails=(), meanwhile=lambda: None):
        self.taken, self.fails, self.meanwhile = [], list(fails), meanwhile

    def __call__(self, ticket, cents):
        self.meanwhile()
        if self.fails:
            raise self.fails.pop(0)
        self.taken.append((ticket, cents))

    def __repr__(self):
        return "cashier"


@check(level=4)
def a_stay_has_a_ticket_and_a_price(desk: Desk) -> None:
    """What the gate tells, the cashier takes, and the space is for the next one."""
    clock, till = desk.clock(), Till()
    epoch = datetime(2026, 6, 1, 23, tzinfo=UTC)
    tariff = Tariff(cents=200, cap=500)
    lot = desk.make(spaces=spaces("car"), tariff=tariff, clock=clock, epoch=epoch, cashier=till)
    desk.expect(lot.enter("car", NORTH, "a"), 1)
    desk.raises(Full, lot.enter, "car", NORTH, "b")
    clock.advance(4 * 3600)
    desk.expect((lot.exit(1, "c"), till.taken), (200 + 500, [(1, 700)]))
    desk.expect(lot.enter("car", NORTH, "d"), 2)
    desk.raises(Unknown, lot.exit, 7, "e")
    desk.expect(desk.make(spaces=spaces("car")).enter("car", NORTH, "a"), 1)
    desk.afresh()
    clock, till = desk.clock(0.5), Till(meanwhile=lambda: clock.advance(3600))
    lot = desk.make(spaces=spaces("car"), tariff=tariff, clock=clock, epoch=NOON, cashier=till)
    lot.enter("car", NORTH, "a")
    clock.advance(3600.25)
    desk.expect((lot.exit(1, "b"), till.taken), (400, [(1, 400)]))


@check(level=4, kills=["w14"], needs=["a_stay_has_a_ticket_and_a_price"])
def a_repeated_event_has_its_answer(desk: Desk) -> None:
    """A sensor without an answer sends its event again: one car must not be inside twice, nor pay twice."""
    clock, till = desk.clock(), Till()
    lot = desk.make(spaces=spaces("car", "car"), tariff=Tariff(cents=200), clock=clock, cashier=till)
    desk.expect([lot.enter("car", NORTH, "in"), lot.enter("car", NORTH, "in")], [1, 1])
    desk.expect(lot.park("car", NORTH), "A2")
    clock.advance(60)
    desk.expect(lot.exit(1, "out"), 200)
    clock.advance(7200)
    desk.expect((lot.exit(1, "out"), till.taken), (200, [(1, 200)]))
    desk.expect((lot.enter("car", NORTH, "in"), lot.park("car", NORTH)), (1, "A1"))


@check(level=4, kills=["w15"], needs=["a_stay_has_a_ticket_and_a_price"])
def a_ticket_is_used_up(desk: Desk) -> None:
    """An old ticket that opens the barrier again takes the space away from the next car."""
    till = Till()
    lot = desk.make(spaces=spaces("car"), clock=desk.clock(), cashier=till)
    lot.enter("car", NORTH, "a")
    lot.exit(1, "b")
    desk.expect(lot.enter("car", NORTH, "c"), 2)
    desk.raises(Unknown, lot.exit, 1, "d")
    desk.raises(Full, lot.enter, "car", NORTH, "e")
    desk.true(len(till.taken) == 1, "the cashier took money once", f"it took money {len(till.taken)} times")


@scenario(level=4, kills=["w13"], schedules=3)
def a_failed_payment_leaves_the_car_inside(make):
    """The card is declined, the ticket is gone, and the car leaves without having paid."""
    clock, till, seen = make.clock(), Till(fails=[Declined, KeyboardInterrupt]), {}
    lot = make(spaces=spaces("car"), tariff=Tariff(cents=200), clock=clock, cashier=till)
    lot.enter("car", NORTH, "a")

    def leaves():
        clock.sleep(3600)
        for failure in (Declined, KeyboardInterrupt):
            try:
                lot.exit(1, "b")
            except failure:
                seen[f"after {failure.__name__} park gives"] = lot.park("car", NORTH)
        clock.sleep(1)
        seen["then exit gives"] = make.outcome(lot.exit, 1, "b")
        seen["the cashier took"] = till.taken

    def paid():
        told = {f"after {failure.__name__} park gives": None for failure in (Declined, KeyboardInterrupt)}
        make.expect(seen, {**told, "then exit gives": 400, "the cashier took": [(1, 400)]})

    return {"leaves": leaves}, paid


@scenario(level=4, schedules=3)
def a_ticket_at_the_cashier_is_busy(make):
    """Two terminals and one ticket: the second one must not charge as well, nor stop another ticket."""
    seen = []

    def meanwhile():
        till.meanwhile = lambda: None
        seen.extend([make.outcome(lot.exit, 1, "d"), make.outcome(lot.exit, 2, "e")])

    till = Till(meanwhile=meanwhile)
    lot = make(spaces=spaces("car", "car"), tariff=Tariff(cents=200), clock=make.clock(), cashier=till)
    lot.enter("car", NORTH, "a")
    lot.enter("car", NORTH, "b")
    once = lambda: make.expect((seen, till.taken), (["Busy", 0], [(2, 0), (1, 0)]))
    return {"leaves": lambda: lot.exit(1, "c")}, once


@scenario(level=4, kills=["w31"], schedules=30)
def the_last_place_is_counted_once(make):
    """Two barriers open for one place, or two bicycles are counted out of which one was inside."""
    lot, took, gave = make(capacity={"car": 1, "bike": 1}), [], []
    lot.take("bike")

    def gate():
        took.append(lot.take("car"))
        gave.append(make.outcome(lot.give, "bike") or "out")

    return {"one": gate, "two": gate}, lambda: make.expect((sorted(took), sorted(gave)), ([False, True], ["ValueError", "out"]))


@scenario(level=4, kills=["w11"], schedules=30)
def the_last_space_is_given_once(make):
    """Two cars meet on one space, with two tickets for it."""
    lot, seen = make(spaces=spaces("car"), clock=make.clock()), []

    def gate(event):
        try:
            seen.append(lot.enter("car", NORTH, event))
        except Full:
            seen.append(0)

    return {"one": lambda: gate("a"), "two": lambda: gate("b")}, lambda: make.expect(sorted(seen), [0, 1])


@scenario(level=4, schedules=30)
def a_space_is_parked_on_once(make):
    """Two attendants wave two cars to one space."""
    lot, seen = make(spaces=spaces("car"), clock=make.clock()), []
    body = lambda: seen.append(lot.park("car", NORTH) or "")
    return {"one": body, "two": body}, lambda: make.expect(sorted(seen), ["", "A1"])


@scenario(level=4, schedules=30)
def a_space_is_given_back_once(make):
    """Two attendants give one space back, and both count it."""
    lot, seen = make(spaces=spaces("car"), clock=make.clock()), []
    lot.park("car", NORTH)
    body = lambda: seen.append(lot.unpark("A1"))
    return {"one": body, "two": body}, lambda: make.expect(sorted(seen), [False, True])


@scenario(level=4, schedules=30)
def one_ticket_at_two_exits_pays_once(make):
    """A couple with one ticket at two machines."""
    till = Till()
    lot, seen = make(spaces=spaces("car"), clock=make.clock(), cashier=till), []
    lot.enter("car", NORTH, "in")

    def leave(event):
        try:
            lot.exit(1, event)
            seen.append("left")
        except (Busy, Unknown):
            seen.append("refused")

    def once():
        make.expect((sorted(seen), len(till.taken)), (["left", "refused"], 1))

    return {"one": lambda: leave("a"), "two": lambda: leave("b")}, once


@scenario(level=4, kills=["w32"], schedules=30)
def one_event_lets_in_one(make):
    """The sensor sends its event again while the first one is under way, and a car that never came gets a ticket."""
    lot, seen = make(spaces=spaces("car", "car"), clock=make.clock()), []
    body = lambda: seen.append(lot.enter("car", NORTH, "in"))
    return {"one": body, "two": body}, lambda: make.expect(seen, [1, 1])


@scenario(level=4, kills=["w33"], schedules=100)
def one_event_lets_out_one(make):
    """The exit asks again, and a car that has just paid hears that it never was here."""
    till = Till()
    lot, seen = make(spaces=spaces("car"), clock=make.clock(), cashier=till), []
    lot.enter("car", NORTH, "in")
    body = lambda: seen.append(make.outcome(lot.exit, 1, "out"))

    def answered():
        right = [0, "Busy"] if "Busy" in seen else [0, 0]
        make.expect((sorted(seen, key=str), till.taken), (right, [(1, 0)]))

    return {"one": body, "two": body}, answered


@scenario(level=4, kills=["w12"], schedules=3)
def the_lock_is_free_after_a_failure(make):
    """One declined card, and no gate opens any more."""
    lot, seen = make(spaces=spaces("car", "car"), clock=make.clock(), cashier=Till(fails=[Declined])), []
    lot.enter("car", NORTH, "a")

    def leaves():
        try:
            lot.exit(1, "b")
        except Declined:
            seen.append(lot.enter("car", NORTH, "c"))

    return {"leaves": leaves}, lambda: make.expect(seen, [2])


@scenario(level=4, kills=["w26"], schedules=10, race_timeouts=False)
def while_the_cashier_works_others_go_on(make):
    """A customer looks for coins, and the queue at the entrance reaches the road."""
    clock, seen = make.clock(), []

    def slow(ticket, cents):
        clock.sleep(60)

    lot = make(spaces=spaces("car", "car"), clock=clock, cashier=slow)
    lot.enter("car", NORTH, "a")

    def comes():
        clock.sleep(1)
        lot.enter("car", NORTH, "c")
        seen.append(clock.monotonic())

    return {"leaves": lambda: lot.exit(1, "b"), "comes": comes}, lambda: make.expect(seen, [1.0])


# -- level 5: a bus, and tomorrow ----------------------------------------------------------------------------------


def rows(text):
    """Rows of spaces, such as "AAA.A|BB": a point is a pillar."""
    return [
        Space(f"{name}{at}", "car", {NORTH: at}, name, at)
        for row in text.split("|")
        for at, name in enumerate(row, 1)
        if name != "."
    ]


@check(level=5)
def the_shortest_stretch_that_is_long_enough(desk: Desk) -> None:
    """A bus in the middle of the longest row leaves no row for the next bus."""
    lot = desk.make(spaces=rows("AAAAA|BBB|CCC"))
    desk.expect((lot.run(3), lot.run(2), lot.run(4)), (("B1", "B2", "B3"), ("B1", "B2"), ("A1", "A2", "A3", "A4")))
    lot.out("B3")
    desk.expect((lot.run(3), lot.run(1), lot.run(6)), (("C1", "C2", "C3"), ("B1",), ()))
    lot.park("car", NORTH)
    desk.expect((lot.run(5), lot.run(4)), ((), ("A2", "A3", "A4", "A5")))
    desk.afresh()
    made = rows("AA")
    lot = desk.make(spaces=made)
    desk.quietly("spaces.clear()", made.clear)
    desk.expect(lot.run(2), ("A1", "A2"))


@check(level=5, needs=["the_shortest_stretch_that_is_long_enough"])
def a_pillar_ends_a_stretch(desk: Desk) -> None:
    """The bus meets the pillar."""
    lot = desk.make(spaces=rows("AA.AAA.AAAA"))
    desk.expect((lot.run(4), lot.run(3), lot.run(5)), (("A8", "A9", "A10", "A11"), ("A4", "A5", "A6"), ()))


@check(level=5, kills=["w18"], needs=["the_shortest_stretch_that_is_long_enough"])
def a_run_stays_in_its_row(desk: Desk) -> None:
    """Half of the bus stands in the next row."""
    first = [Space(f"A{n}", "car", {NORTH: n}, "A", n) for n in (1, 2)]
    second = [Space(f"B{n}", "car", {NORTH: n}, "B", n) for n in (3, 4)]
    lot = desk.make(spaces=first + second)
    desk.expect((lot.run(3), lot.run(2)), ((), ("A1", "A2")))


@check(level=5, kills=["w27"])
def the_last_stretch_counts(desk: Desk) -> None:
    """The best places are at the end of the last row, and nobody is ever sent there."""
    lot = desk.make(spaces=rows("A|BBBB"))
    desk.expect(lot.run(4), ("B1", "B2", "B3", "B4"))
    desk.expect(desk.make().run(1), ())


@check(level=5, kills=["w16"])
def windows_that_touch_do_not_overlap(desk: Desk) -> None:
    """From nine to eleven and from eleven to twelve: half of the day cannot be sold."""
    lot = desk.make(reservable=1)
    desk.expect([lot.reserve(9, 11), lot.reserve(11, 12), lot.reserve(8, 9)], [True, True, True])
    desk.expect([lot.reserve(10, 12), lot.reserve(8, 12), lot.reserve(9, 10)], [False, False, False])
    desk.raises(ValueError, lot.reserve, 5, 5)


@check(level=5, kills=["w17"], needs=["windows_that_touch_do_not_overlap"])
def what_fits_at_every_instant_is_accepted(desk: Desk) -> None:
    """Two guests one after the other need one space; counted as two, the house stays half empty."""
    lot = desk.make(reservable=2)
    desk.expect([lot.reserve(9, 11), lot.reserve(11, 13), lot.reserve(9, 13)], [True, True, True])
    desk.expect(lot.reserve(10, 12), False)
    desk.expect(desk.make().reserve(1, 2), False)
    other = desk.make(reservable=2)
    desk.expect([other.reserve(9, 11), other.reserve(10, 12), other.reserve(8, 10)], [True, True, True])
    desk.expect(other.reserve(8, 11), False)
    desk.afresh()
    full = desk.make(spaces=spaces("car"), reservable=1)
    full.park("car", NORTH)
    desk.expect(full.reserve(0, 1), True)


@scenario(level=5, kills=["w34"], schedules=30)
def a_run_is_free_at_one_moment(make):
    """A car moves over while the bus looks: the bus is sent to two places that were never free together."""
    lot, seen = make(spaces=spaces("car", "car", row="A")), []
    lot.park("car", NORTH)
    lot.park("car", NORTH)
    lot.unpark("A1")

    def moves():
        lot.park("car", NORTH)
        lot.unpark("A2")

    return {"looks": lambda: seen.append(lot.run(2)), "moves": moves}, lambda: make.expect(seen, [()])


@scenario(level=5, schedules=30)
def the_last_promise_is_made_once(make):
    """Two guests, one promise, one disappointment."""
    lot, seen = make(reservable=1), []
    body = lambda: seen.append(lot.reserve(1, 2))
    return {"one": body, "two": body}, lambda: make.expect(sorted(seen), [False, True])


# -- level 6: power off, power on ----------------------------------------------------------------------------------


@check(level=6)
def a_restart_goes_on_where_it_stopped(desk: Desk) -> None:
    """After the power came back the cars stand where they stood."""
    clock, log, till = desk.clock(0.75), Log(), Till()
    given = {"spaces": spaces("car", "car", "car"), "clock": clock, "log": log, "cashier": till}
    lot = desk.make(**given, tariff=Tariff(cents=100))
    desk.expect((lot.enter("car", NORTH, "a"), lot.enter("car", NORTH, "b"), lot.exit(1, "c")), (1, 2, 0))
    lot.set_tariff(Tariff(cents=300))
    clock.advance(60)
    again = desk.make(**given, tariff=Tariff(cents=900))
    desk.expect(again.enter("car", NORTH, "d"), 3)
    desk.raises(Unknown, again.exit, 1, "e")
    clock.advance(3539.75)
    desk.expect((again.exit(2, "f"), again.exit(3, "g")), (100, 300))
    desk.expect((again.park("car", NORTH), again.park("car", NORTH)), ("A1", "A2"))


@check(level=6, kills=["w28"], needs=["a_restart_goes_on_where_it_stopped"])
def a_restart_keeps_the_answers(desk: Desk) -> None:
    """The power failed before the sensor had its answer; it asks again."""
    log = Log()
    given = {"spaces": spaces("car", "car", "car"), "clock": desk.clock(), "log": log}
    lot, before = desk.make(**given), len(log.records())
    lot.enter("car", NORTH, "a")
    lot.enter("car", NORTH, "b")
    lot.exit(2, "c")
    again = desk.make(**given)
    desk.expect((again.enter("car", NORTH, "a"), again.exit(2, "c")), (1, 0))
    desk.expect((again.park("car", NORTH), len(log.records()) - before), ("A2", 3))


class Gates:
    """Barriers that write down which ticket opened them, and what `look` saw then."""

    def __init__(self, look=lambda: None):
        self.opened, self.seen, self.look = [], [], look

    def __call__(self, ticket):
        self.opened.append(ticket)
        self.seen.append(self.look())

    def __repr__(self):
        return "gates"


@check(level=6, kills=["w19"], needs=["a_restart_goes_on_where_it_stopped"])
def reading_the_log_opens_nothing(desk: Desk) -> None:
    """The power comes back, and all barriers go up, once for each car of the day."""
    till, gates = Till(), Gates()
    given = {"spaces": spaces("car"), "clock": desk.clock(), "log": Log(), "gates": gates, "cashier": till}
    lot = desk.make(**given)
    lot.enter("car", NORTH, "a")
    desk.expect((lot.exit(1, "b"), gates.opened), (0, [1]))
    again = desk.make(**given)
    desk.expect((again.exit(1, "b"), gates.opened, till.taken), (0, [1], [(1, 0)]))


@check(level=6, kills=["w35"])
def the_barrier_opens_after_the_record(desk: Desk) -> None:
    """The power fails as the barrier rises: the car is gone, and in the books it parks for ever."""
    log = Log()
    gates = Gates(lambda: len(log.records()))
    lot = desk.make(spaces=spaces("car"), clock=desk.clock(), log=log, gates=gates)
    lot.enter("car", NORTH, "a")
    before = len(log.records())
    lot.exit(1, "b")
    new = [seen - before for seen in gates.seen]
    desk.true(new == [1], "1 new record in the log when the barrier opens", f"{new[0] if new else 'it stays shut'}")


@check(level=6, kills=["w22"])
def the_tariff_of_the_entry_holds(desk: Desk) -> None:
    """Who came for one euro leaves for three, because it was Monday meanwhile."""
    clock = desk.clock()
    lot = desk.make(spaces=spaces("car", "car"), tariff=Tariff(cents=100), clock=clock)
    lot.enter("car", NORTH, "a")
    desk.expect(lot.set_tariff(Tariff(cents=300)), None)
    lot.enter("car", NORTH, "b")
    clock.advance(60)
    desk.expect((lot.exit(1, "c"), lot.exit(2, "d")), (100, 300))


@check(level=6)
def a_hold_keeps_a_space_for_its_time(desk: Desk) -> None:
    """A space that is paid for in the app must be there on arrival."""
    clock = desk.clock()
    lot = desk.make(spaces=spaces("car", "car"), clock=clock, log=Log())
    desk.expect((lot.hold("A1", 60.5), lot.hold("A1", 60), lot.park("car", NORTH)), (1, None, "A2"))
    desk.expect((lot.hold("A2", 60), lot.run(1)), (None, ()))
    clock.advance(60.25)
    desk.expect((lot.park("car", NORTH), lot.hold("A1", 1)), (None, None))
    clock.advance(0.25)
    desk.expect((lot.confirm(1), lot.hold("A1", 60)), (False, 2))
    desk.expect((lot.confirm(2), lot.confirm(2), lot.unpark("A1"), lot.park("car", NORTH)), (True, False, True, "A1"))


@check(level=6, kills=["w20"], needs=["a_hold_keeps_a_space_for_its_time", "a_restart_goes_on_where_it_stopped"])
def a_hold_ends_while_the_power_is_off(desk: Desk) -> None:
    """A night without power, and in the morning every hold begins anew."""
    clock, log = desk.clock(), Log()
    given = {"spaces": spaces("car", "car"), "clock": clock, "log": log}
    lot = desk.make(**given)
    desk.expect((lot.hold("A1", 60), lot.hold("A2", 90)), (1, 2))
    clock.advance(60)
    again = desk.make(**given)
    desk.expect((again.park("car", NORTH), again.confirm(1), again.confirm(2)), ("A1", False, True))
    third = desk.make(**given)
    desk.expect((third.hold("A2", 1), third.hold("A1", 1)), (None, 3))


@check(level=6, kills=["w36"], needs=["a_hold_keeps_a_space_for_its_time", "a_restart_goes_on_where_it_stopped"])
def what_was_confirmed_outlives_its_hold(desk: Desk) -> None:
    """Paid for in the app, confirmed on arrival, and after a power failure the space is given to somebody else."""
    clock = desk.clock()
    given = {"spaces": spaces("car"), "clock": clock, "log": Log()}
    lot = desk.make(**given)
    lot.hold("A1", 60)
    desk.expect(lot.confirm(1), True)
    clock.advance(60)
    again = desk.make(**given)
    desk.expect((again.park("car", NORTH), again.unpark("A1")), (None, True))


@check(level=6, kills=["w21"], needs=["a_hold_keeps_a_space_for_its_time"])
def an_old_token_confirms_nothing(desk: Desk) -> None:
    """Who was too late takes the space of who came in time."""
    clock = desk.clock()
    lot = desk.make(spaces=spaces("car"), clock=clock)
    lot.hold("A1", 60)
    clock.advance(60)
    desk.expect((lot.hold("A1", 60), lot.confirm(1), lot.confirm(2)), (2, False, True))


def a_full_disk(desk, log, *calls):
    """Each of these calls raises what the log does, and then the disk has room again."""
    def full():
        raise OSError("no space left")

    desk.quietly("# the disk is full", lambda: setattr(log, "before", full))
    for call in calls:
        desk.raises(OSError, *call)
    desk.quietly("# the disk has room again", lambda: setattr(log, "before", lambda: None))


@check(level=6, kills=["w29"], needs=["a_restart_goes_on_where_it_stopped"])
def a_crash_before_the_record_is_no_entry(desk: Desk) -> None:
    """The disk is full: the gate shows an error, and the space must not be lost."""
    log, clock = Log(), desk.clock()
    lot, before = desk.make(spaces=spaces("car"), clock=clock, log=log), len(log.records())
    a_full_disk(desk, log, (lot.enter, "car", NORTH, "a"), (lot.hold, "A1", 60), (lot.set_tariff, Tariff(cents=900)))
    desk.expect((lot.enter("car", NORTH, "a"), clock.advance(60), lot.exit(1, "b")), (1, None, 200))
    desk.expect((len(log.records()) - before, lot.hold("A1", 60)), (2, 1))
    a_full_disk(desk, log, (lot.confirm, 1))
    desk.expect((lot.confirm(1), lot.unpark("A1"), lot.enter("car", NORTH, "c")), (True, True, 2))
    a_full_disk(desk, log, (lot.exit, 2, "d"))
    desk.expect(lot.park("car", NORTH), None)


@check(level=6, kills=["w37"], needs=["a_crash_before_the_record_is_no_entry"])
def what_could_not_be_written_may_be_tried_again(desk: Desk) -> None:
    """The disk was full for a minute, and a car that was at the exit then never gets out."""
    log = Log()
    lot = desk.make(spaces=spaces("car"), clock=desk.clock(), log=log)
    lot.enter("car", NORTH, "a")
    a_full_disk(desk, log, (lot.exit, 1, "b"))
    desk.expect(lot.exit(1, "b"), 0)


@check(level=6, needs=["a_restart_goes_on_where_it_stopped"])
def a_crash_leaves_all_or_nothing(desk: Desk) -> None:
    """Killed before the record nothing has happened; killed after it all has."""
    def kill():
        raise Killed

    for moment, entered in (("before", False), ("after", True)):
        log = Log()
        given = {"spaces": spaces("car"), "clock": desk.clock(), "log": log}
        lot, before = desk.make(**given), len(log.records())
        desk.quietly(f"# the process is killed {moment} it writes", lambda moment=moment: setattr(log, moment, kill))
        desk.raises(Killed, lot.enter, "car", NORTH, "a")
        setattr(log, moment, lambda: None)
        desk.expect(len(log.records()) - before, int(entered))
        again = desk.make(**given)
        desk.expect(again.park("car", NORTH), None if entered else "A1")
        desk.afresh()


@scenario(level=6, schedules=30)
def one_hold_for_two(make):
    """Two apps hold one space."""
    lot, seen = make(spaces=spaces("car"), clock=make.clock()), []
    body = lambda: seen.append(lot.hold("A1", 60) or 0)
    return {"one": body, "two": body}, lambda: make.expect(sorted(seen), [0, 1])


@scenario(level=6, schedules=30)
def one_confirmation_for_two(make):
    """A finger that taps twice."""
    lot, seen = make(spaces=spaces("car"), clock=make.clock()), []
    token = lot.hold("A1", 60)
    body = lambda: seen.append(lot.confirm(token))
    return {"one": body, "two": body}, lambda: make.expect(sorted(seen), [False, True])
