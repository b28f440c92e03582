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


@check(level=1, needs=["the_sign_counts_down_and_up"])
def what_was_given_is_not_kept(desk: Desk) -> None:
    """A settings page that edits its own dictionary must not move the walls of the lot."""
    capacity = {"car": 1}
    lot, other = desk.make(capacity=capacity), desk.make(capacity=capacity)
    lot.take("car")
    desk.expect(capacity, {"car": 1})
    capacity["car"] = 9
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
    """A size that nobody knows is found when the lot is built, and not by the first customer."""
    desk.raises(ValueError, desk.make, spaces=spaces("boat"))
    lot = desk.make(spaces=spaces("car"))
    desk.raises(ValueError, lot.park, "boat", NORTH)
    desk.expect(lot.unpark("nowhere"), False)


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
    for seconds, cents in ((900, 0), (901, 200), (3600, 200), (3601, 400)):
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
    """A cashier that writes down what it took; `fails` of its first calls end with Declined."""

    def __init__(self, fails=0, meanwhile=lambda: None):
        self.taken, self.fails, self.meanwhile = [], fails, meanwhile

    def __call__(self, ticket, cents):
        self.meanwhile()
        if self.fails:
            self.fails -= 1
            raise Declined
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
    desk.expect(len(till.taken), 1)


@scenario(level=4, kills=["w13"], schedules=3)
def a_failed_payment_leaves_the_car_inside(make):
    """The card is declined, the ticket is gone, and the car leaves without having paid."""
    clock, till, seen = make.clock(), Till(fails=1), []
    lot = make(spaces=spaces("car"), tariff=Tariff(cents=200), clock=clock, cashier=till)
    lot.enter("car", NORTH, "a")

    def leaves():
        clock.sleep(3600)
        try:
            lot.exit(1, "b")
        except Declined:
            seen.append(lot.park("car", NORTH))
        clock.sleep(1)
        seen.append(lot.exit(1, "b"))

    return {"leaves": leaves}, lambda: make.expect((seen, till.taken), ([None, 400], [(1, 400)]))


@scenario(level=4, schedules=3)
def a_ticket_at_the_cashier_is_busy(make):
    """Two terminals and one ticket: the second one must not charge as well."""
    seen = []

    def meanwhile():
        till.meanwhile = lambda: None
        try:
            lot.exit(1, "c")
        except Busy:
            seen.append("busy")

    till = Till(meanwhile=meanwhile)
    lot = make(spaces=spaces("car"), tariff=Tariff(cents=200), clock=make.clock(), cashier=till)
    lot.enter("car", NORTH, "a")
    return {"leaves": lambda: lot.exit(1, "b")}, lambda: make.expect((seen, till.taken), (["busy"], [(1, 0)]))


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


@scenario(level=4, kills=["w12"], schedules=3)
def the_lock_is_free_after_a_failure(make):
    """One declined card, and no gate opens any more."""
    lot, seen = make(spaces=spaces("car", "car"), clock=make.clock(), cashier=Till(fails=1)), []
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
    clock, log, till = desk.clock(), Log(), Till()
    given = {"spaces": spaces("car", "car", "car"), "clock": clock, "log": log, "cashier": till}
    lot = desk.make(**given, tariff=Tariff(cents=100))
    desk.expect((lot.enter("car", NORTH, "a"), lot.enter("car", NORTH, "b"), lot.exit(1, "c")), (1, 2, 0))
    lot.set_tariff(Tariff(cents=300))
    clock.advance(60)
    again = desk.make(**given, tariff=Tariff(cents=100))
    desk.expect(again.enter("car", NORTH, "d"), 3)
    desk.raises(Unknown, again.exit, 1, "e")
    clock.advance(60)
    desk.expect((again.exit(2, "f"), again.exit(3, "g")), (100, 300))
    desk.expect((again.park("car", NORTH), again.park("car", NORTH)), ("A1", "A2"))


@check(level=6, kills=["w28"], needs=["a_restart_goes_on_where_it_stopped"])
def a_restart_keeps_the_answers(desk: Desk) -> None:
    """The power failed before the sensor had its answer; it asks again."""
    log = Log()
    given = {"spaces": spaces("car", "car", "car"), "clock": desk.clock(), "log": log}
    lot = desk.make(**given)
    lot.enter("car", NORTH, "a")
    lot.enter("car", NORTH, "b")
    lot.exit(2, "c")
    again = desk.make(**given)
    desk.expect((again.enter("car", NORTH, "a"), again.exit(2, "c")), (1, 0))
    desk.expect((again.park("car", NORTH), len(log.records())), ("A2", 3))


@check(level=6, kills=["w19"], needs=["a_restart_goes_on_where_it_stopped"])
def reading_the_log_opens_nothing(desk: Desk) -> None:
    """The power comes back, and all barriers go up, once for each car of the day."""
    opened, till = [], Till()

    def gates(ticket):
        opened.append((ticket, len(log.records())))

    log = Log()
    given = {"spaces": spaces("car"), "clock": desk.clock(), "log": log, "gates": gates, "cashier": till}
    lot = desk.make(**given)
    lot.enter("car", NORTH, "a")
    desk.expect((lot.exit(1, "b"), opened), (0, [(1, 2)]))
    again = desk.make(**given)
    desk.expect((again.exit(1, "b"), opened, till.taken), (0, [(1, 2)], [(1, 0)]))


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


@check(level=6, kills=["w29"], needs=["a_restart_goes_on_where_it_stopped"])
def a_crash_before_the_record_is_no_entry(desk: Desk) -> None:
    """The disk is full: the gate shows an error, and the space must not be lost."""
    log = Log()
    lot = desk.make(spaces=spaces("car"), clock=desk.clock(), log=log)

    def full():
        raise OSError("no space left")

    log.before = full
    desk.raises(OSError, lot.enter, "car", NORTH, "a")
    desk.raises(OSError, lot.hold, "A1", 60)
    log.before = lambda: None
    desk.expect((lot.enter("car", NORTH, "a"), lot.exit(1, "b"), len(log.records())), (1, 0, 2))


@check(level=6, needs=["a_restart_goes_on_where_it_stopped"])
def a_crash_leaves_all_or_nothing(desk: Desk) -> None:
    """Killed before the record nothing has happened; killed after it all has."""
    def kill():
        raise Killed

    for moment, entered in (("before", False), ("after", True)):
        log = Log()
        given = {"spaces": spaces("car"), "clock": desk.clock(), "log": log}
        lot = desk.make(**given)
        setattr(log, moment, kill)
        desk.raises(Killed, lot.enter, "car", NORTH, "a")
        setattr(log, moment, lambda: None)
        again = desk.make(**given)
        desk.expect(again.park("car", NORTH), None if entered else "A1")
        desk.expect(len(log.records()), int(entered))
        desk.afresh()


@check(level=6)
def a_hold_keeps_a_space_for_its_time(desk: Desk) -> None:
    """A space that is paid for in the app must be there on arrival."""
    clock = desk.clock()
    lot = desk.make(spaces=spaces("car", "car"), clock=clock, log=Log())
    desk.expect((lot.hold("A1", 60), lot.hold("A1", 60), lot.park("car", NORTH)), (1, None, "A2"))
    desk.expect((lot.hold("A2", 60), lot.run(1)), (None, ()))
    clock.advance(59)
    desk.expect((lot.park("car", NORTH), lot.hold("A1", 1)), (None, None))
    clock.advance(1)
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


@check(level=6, kills=["w21"], needs=["a_hold_keeps_a_space_for_its_time"])
def an_old_token_confirms_nothing(desk: Desk) -> None:
    """Who was too late takes the space of who came in time."""
    clock = desk.clock()
    lot = desk.make(spaces=spaces("car"), clock=clock)
    lot.hold("A1", 60)
    clock.advance(60)
    desk.expect((lot.hold("A1", 60), lot.confirm(1), lot.confirm(2)), (2, False, True))


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
