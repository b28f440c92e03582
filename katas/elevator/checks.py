"""The directed checks of the elevator."""

from interface import Bed, CarView, View
from lldkit.dojo.author import Desk, check

MEAN, SQUARE = 14.5, 345.0


def ticks(elevator, count):
    """What the first car does in so many ticks."""
    return [elevator.step()[0] for _ in range(count)]


# -- level 1: a car that sweeps ------------------------------------------------------------------------------------


@check(level=1)
def a_car_goes_where_it_is_called(desk: Desk) -> None:
    """Who presses a button wants a door that opens at that floor, and nowhere else."""
    car = desk.make(4)
    car.call(2)
    car.call(2)
    desk.expect(ticks(car, 4), [(1, False), (2, False), (2, True), (2, False)])


@check(level=1, kills=["w01"], needs=["a_car_goes_where_it_is_called"])
def the_floor_it_stands_at_is_called(desk: Desk) -> None:
    """The car is there, the door is shut, and the button does nothing."""
    car = desk.make(3)
    car.call(0)
    car.call(1)
    desk.expect(ticks(car, 4), [(0, True), (1, False), (1, True), (1, False)])


@check(level=1, kills=["w02"], needs=["a_car_goes_where_it_is_called"])
def floors_end(desk: Desk) -> None:
    """A panel with a button too many sends the car through the roof."""
    car = desk.make(3)
    desk.raises(ValueError, car.call, 3)
    desk.raises(ValueError, car.call, -1)
    car.call(2)
    desk.expect(ticks(car, 4), [(1, False), (2, False), (2, True), (2, False)])


@check(level=1, kills=["w03"], needs=["a_car_goes_where_it_is_called"])
def it_does_not_turn_while_calls_lie_ahead(desk: Desk) -> None:
    """Someone who goes to the top is taken down again and again, whenever a button nearer by is pressed."""
    car = desk.make(9)
    car.call(8)
    ticks(car, 3)
    car.call(2)
    desk.expect(ticks(car, 2), [(4, False), (5, False)])


@check(level=1, kills=["w22"], needs=["a_car_goes_where_it_is_called"])
def an_idle_car_keeps_its_direction(desk: Desk) -> None:
    """What the arrow on the wall shows is what the next passenger may trust."""
    car = desk.make(5)
    car.call(3)
    car.call(1)
    ticks(car, 2)
    ticks(car, 4)
    car.call(2)
    ticks(car, 3)
    car.call(4)
    car.call(1)
    desk.expect(ticks(car, 2), [(1, False), (1, True)])


# -- level 2: up, down, and who may board --------------------------------------------------------------------------


@check(level=2)
def a_person_is_fetched_and_brought(desk: Desk) -> None:
    """The shortest story of an elevator."""
    car = desk.make(4)
    desk.expect((car.arrive(1, 3), car.waiting(1), car.riders()), (1, [1], []))
    desk.expect(ticks(car, 2), [(1, False), (1, True)])
    desk.expect((car.waiting(1), car.riders()), ([], [1]))
    desk.expect(ticks(car, 3), [(2, False), (3, False), (3, True)])
    desk.expect((car.riders(), ticks(car, 1)), ([], [(3, False)]))


@check(level=2, kills=["w04"], needs=["a_person_is_fetched_and_brought"])
def it_passes_who_wants_the_other_way(desk: Desk) -> None:
    """Doors open on the way up for people who want down: they stare, and everyone loses ten seconds."""
    car = desk.make(5)
    car.arrive(1, 0)
    car.arrive(2, 4)
    desk.expect(ticks(car, 3), [(1, False), (2, False), (2, True)])


@check(level=2, kills=["w05"], needs=["a_person_is_fetched_and_brought"])
def nobody_boards_against_their_direction(desk: Desk) -> None:
    """Who wants to go home gets a tour of the upper floors, and fills the car for those who go there."""
    car = desk.make(5)
    car.arrive(1, 0)
    car.arrive(1, 4)
    ticks(car, 2)
    desk.expect((car.riders(), car.waiting(1)), ([2], [1]))


@check(level=2, kills=["w06"], needs=["a_person_is_fetched_and_brought"])
def who_does_not_fit_is_not_forgotten(desk: Desk) -> None:
    """The lamp goes out, the car leaves full, and three people look at a dark button."""
    car = desk.make(4, capacity=1)
    car.arrive(1, 3)
    car.arrive(1, 2)
    ticks(car, 5)
    desk.expect((car.riders(), car.waiting(1)), ([], [2]))
    desk.expect(ticks(car, 3), [(2, False), (1, False), (1, True)])
    desk.expect(car.riders(), [2])
    small = desk.make(3, capacity=1)
    for to in (2, 2, 0):
        small.arrive(1, to)
    ticks(small, 2)
    desk.expect(small.waiting(1), [2, 3])


@check(level=2, kills=["w20"], needs=["a_person_is_fetched_and_brought"])
def a_full_car_is_full(desk: Desk) -> None:
    """The ninth person of eight makes the car refuse to move."""
    car = desk.make(5, capacity=1)
    for to in (3, 4):
        car.arrive(1, to)
    car.arrive(2, 4)
    desk.expect(ticks(car, 4), [(1, False), (1, True), (2, False), (3, False)])
    desk.expect((car.riders(), car.waiting(1), car.waiting(2)), ([1], [2], [3]))
    large = desk.make(2)
    for _ in range(9):
        large.arrive(0, 1)
    desk.expect((large.step()[0], large.waiting(0)), ((0, True), [9]))


@check(level=2, kills=["w23"], needs=["a_person_is_fetched_and_brought"])
def it_turns_before_it_opens(desk: Desk) -> None:
    """The door opens at the top, nobody may board, and it opens a second time for those who stood before it."""
    car = desk.make(2)
    car.arrive(1, 0)
    car.call(1)
    ticks(car, 2)
    desk.expect((car.riders(), car.waiting(1)), ([1], []))
    full = desk.make(2)
    full.arrive(0, 1)
    full.arrive(1, 0)
    ticks(full, 3)
    desk.expect((full.riders(), full.waiting(1)), ([2], []))


@check(level=2, needs=["a_person_is_fetched_and_brought"])
def people_who_go_nowhere_are_refused(desk: Desk) -> None:
    """A destination that does not exist keeps a car busy for ever."""
    car = desk.make(3)
    for floor, to in ((1, 1), (0, 3), (3, 0), (0, -1), (-1, 0)):
        desk.raises(ValueError, car.arrive, floor, to)
    desk.expect((car.arrive(0, 1), ticks(car, 1)), (1, [(0, True)]))


# -- level 3: a group of cars --------------------------------------------------------------------------------------


@check(level=3)
def a_call_has_one_car_and_the_next_call_another(desk: Desk) -> None:
    """Two calls far apart are work for two cars."""
    group = desk.make(9, cars=2)
    group.arrive(2, 0)
    group.arrive(7, 8)
    for _ in range(3):
        group.step()
    desk.expect((group.riders(), group.riders(1), group.step()), ([1], [], [(1, False), (4, False)]))
    group.call(1)
    desk.expect(group.step(), [(1, True), (5, False)])


@check(level=3, kills=["w07"], needs=["a_call_keeps_its_car"])
def busy_cars_take_calls(desk: Desk) -> None:
    """At nine in the morning no car is idle: calls that need an idle one are lost exactly then."""
    group = desk.make(9, cars=2)
    group.call(8, 0)
    group.call(8, 1)
    group.step()
    group.arrive(4, 6)
    for _ in range(4):
        group.step()
    desk.expect((group.waiting(4), group.riders(0)), ([], [1]))


@check(level=3, kills=["w08"], needs=["a_call_has_one_car_and_the_next_call_another"])
def two_cars_never_go_for_one_call(desk: Desk) -> None:
    """Four cars arrive at once where one person waits, and nobody is anywhere else."""
    group = desk.make(9, cars=2)
    group.arrive(5, 0)
    group.arrive(5, 1)
    desk.expect([group.step() for _ in range(2)], [[(1, False), (0, False)], [(2, False), (0, False)]])


@check(level=3, kills=["w09"], needs=["a_call_has_one_car_and_the_next_call_another"])
def of_equals_the_one_that_rested_longest(desk: Desk) -> None:
    """One car does all the work and wears out; the others gather dust."""
    group = desk.make(4, cars=2)
    group.arrive(0, 1)
    group.call(3, 1)
    for _ in range(4):
        group.step()
    group.arrive(2, 3)
    desk.expect(group.step(), [(1, False), (2, False)])


@check(level=3, kills=["w10"], needs=["a_call_has_one_car_and_the_next_call_another"])
def a_call_keeps_its_car(desk: Desk) -> None:
    """Two cars change their minds at every floor, and the call at the far end is nobody's for long."""
    group = desk.make(9, cars=2)
    group.arrive(8, 0)
    group.call(1, 0)
    group.call(6, 1)
    for _ in range(9):
        group.step()
    desk.expect((group.step(), group.riders(0)), ([(8, True), (6, False)], [1]))


@check(level=3, needs=["a_call_has_one_car_and_the_next_call_another"])
def who_boards_another_car_is_not_fetched_again(desk: Desk) -> None:
    """A car that comes for nobody is a stop for all who are in it."""
    group = desk.make(9, cars=2)
    group.arrive(2, 0)
    group.arrive(4, 8)
    group.call(4, 0)
    for _ in range(4):
        group.step()
    desk.expect((group.step(), group.riders(0)), ([(4, True), (4, False)], [2]))
    desk.expect(group.step(), [(5, False), (4, False)])


@check(level=3, kills=["w24"], needs=["a_call_has_one_car_and_the_next_call_another"])
def it_opens_for_its_own_calls_only(desk: Desk) -> None:
    """A car that stops for what another one comes for is late for its own, and the other one comes for nothing."""
    group = desk.make(3, cars=2)
    group.call(2, 0)
    group.arrive(0, 2)
    desk.expect((group.step(), group.riders(0), group.riders(1)), ([(1, False), (0, True)], [], [1]))


# -- level 4: a day in a moment ------------------------------------------------------------------------------------


def last_come(waiting, floor):
    """Who came last is fetched first."""
    return len(waiting) - 1


@check(level=4)
def one_person_is_simulated_by_hand(desk: Desk) -> None:
    """One person, three floors from the car: three seconds; and an hour in which nobody comes is no fault."""
    house = desk.make(9)
    stats = house.simulate(seed=3, rate=0.1, seconds=12)
    desk.expect(([person[1:] for person in stats.people], stats.mean, stats.longest), ([(3, 4)], 3.0, 3.0))
    empty = house.simulate(seed=3, rate=0.1, seconds=5)
    desk.expect((empty.people, empty.mean, empty.longest), ((), 0.0, 0.0))
    told = 'elevator.simulate(seed=3, rate=0.1, seconds=Random("arrivals 3").expovariate(0.1))'
    just = desk.quietly(told, lambda: house.simulate(seed=3, rate=0.1, seconds=stats.people[0][0]))
    desk.expect((just.people, just.mean, just.longest), ((), 0.0, 0.0))


@check(level=4, kills=["w13"])
def everybody_dispatches_the_same_people(desk: Desk) -> None:
    """A dispatcher that was lucky with its passengers is bought, and is no better."""
    house = desk.make(9)
    told = {"seed": 4, "rate": 0.25, "seconds": 120}
    first, again = house.simulate(**told), house.simulate(**told)
    desk.expect(first.people, again.people)
    desk.expect(first.people, house.simulate(**told, choose=last_come).people)


@check(level=4, kills=["w11"])
def a_wait_ends_when_the_car_is_there(desk: Desk) -> None:
    """A figure that grows with the height of the building says nothing about its dispatcher."""
    stats = desk.make(30, cars=50).simulate(seed=5, rate=0.1, seconds=600)
    desk.true(stats.longest <= 29, "with 50 cars nobody waits longer than 29 s, the way from one end to the other", f"{stats.longest:g}")


@check(level=4, kills=["w12"])
def who_still_waits_counts(desk: Desk) -> None:
    """The worse the crowd, the better the mean: only the lucky ones have been counted."""
    stats = desk.make(9).simulate(seed=3, rate=0.1, seconds=8)
    waited = 8 - stats.people[0][0]  # the car would come after 3 s
    desk.expect((len(stats.people), stats.mean, stats.longest), (1, waited, waited))


@check(level=4, kills=["w14"])
def a_simulation_sleeps_never(desk: Desk) -> None:
    """A simulation of a day takes a day, and the tests that need it are switched off."""
    stats = desk.make(5).simulate(seed=7, rate=1 / 8_640, seconds=86_400)
    desk.true(len(stats.people) > 1, "a day with a person every two hours or so", f"{len(stats.people)} people")


@check(level=4, kills=["w25"], needs=["one_person_is_simulated_by_hand"])
def a_simulation_begins_anew(desk: Desk) -> None:
    """The same hour is simulated twice, and the second figure is better: a car had moved in between."""
    house = desk.make(9)
    house.call(5)
    ticks(house, 5)
    desk.expect(house.simulate(seed=3, rate=0.1, seconds=12).mean, 3.0)
    desk.expect((house.arrive(5, 6), ticks(house, 1), house.riders()), (1, [(5, True)], [1]))


@check(level=4, kills=["w26"], needs=["one_person_is_simulated_by_hand"])
def a_dispatcher_sees_who_waits_and_where_the_car_stands(desk: Desk) -> None:
    """A dispatcher sorts the queue that it was shown, and the people in it are fetched in another order."""
    house, seen = desk.make(6), []

    def look(waiting, floor):
        """Note what is shown: where each wants to go, and where the car stands."""
        seen.append((type(waiting)(to for _, _, to in waiting), floor))
        return 0

    house.simulate(seed=623, rate=0.1, seconds=40, choose=look)
    desk.expect(seen, [((2,), 0), ((5, 4), 2), ((4,), 5)])


# -- level 5: beat the bed -----------------------------------------------------------------------------------------

IDLE = CarView(0, False, None)


def ten_afternoons(house):
    """Mean wait and mean square of the waits in the bed, each a mean over ten seeds."""
    figures = [Bed(seed).run(house.dispatch) for seed in range(10)]
    return tuple(sum(column) / 10 for column in zip(*figures, strict=True))


@check(level=5)
def the_only_call_is_answered(desk: Desk) -> None:
    """A dispatcher that sends nobody has no travel costs."""
    house = desk.make(16)
    desk.expect(house.dispatch(0, View({(3, -1): 20}, [IDLE], {(3, -1): 1})), (3, -1))
    desk.expect(house.dispatch(0, View({}, [IDLE], {})), None)


@check(level=5, kills=["w19"], needs=["the_only_call_is_answered"])
def a_call_that_another_car_goes_to_is_left_to_it(desk: Desk) -> None:
    """Three cars race for the oldest call, and two of them have come for nothing."""
    cars = [CarView(0, False, (9, -1)), CarView(8, False, None), CarView(9, False, (4, 1))]
    house, people = desk.make(16), {(9, -1): 1, (5, 1): 1}
    desk.expect(house.dispatch(1, View({(9, -1): 90, (5, 1): 2}, cars, people)), (5, 1))
    desk.expect(house.dispatch(1, View({(9, -1): 90}, cars, people)), None)
    desk.expect(house.dispatch(0, View({(9, -1): 90}, cars, people)), (9, -1))


@check(level=5, kills=["w15"], needs=["the_only_call_is_answered"])
def nobody_counts_people_behind_buttons(desk: Desk) -> None:
    """It wins in the simulation, and the building that buys it has buttons and no cameras."""
    house = desk.make(16)
    calls = {(3, -1): 20, (12, -1): 20, (7, 1): 19}
    for cars in ([IDLE], [CarView(8, False, None)]):
        answers = [
            house.dispatch(0, View(calls, cars, {call: 9 if call == crowd else 1 for call in calls})) for crowd in calls
        ]
        desk.expect(answers[1:], answers[:1] * 2)


def copied(view):
    """A view of its own, with the same calls in the same order."""
    return View(dict(view.calls), list(view.cars), dict(view.people))


def an_hour(house):
    """What the bed asks in 300 ticks, and how it is answered: car, view, answer."""
    asked = []

    def answer(car, view):
        """Ask, and keep a copy."""
        asked.append((car, copied(view), house.dispatch(car, view)))
        return asked[-1][2]

    Bed(0, ticks=300).run(answer)
    return asked


def ask_again(desk, house, asked):
    """Compare each answer with the first one; the calls are shown beside it."""
    for car, view, answer in asked:
        desk.expect((view.calls, house.dispatch(car, copied(view))), (view.calls, answer))


@check(level=5, kills=["w27"], needs=["the_only_call_is_answered"])
def the_same_view_has_the_same_answer(desk: Desk) -> None:
    """A dispatcher is restarted, or a second one takes over: the cars turn round, and nobody can say why."""
    both = View({(2, -1): 20, (1, -1): 23}, [IDLE], {(2, -1): 1, (1, -1): 1})
    for call in both.calls:
        house, alone = desk.make(16), View({call: 5}, [IDLE], {call: 1})
        answer = house.dispatch(0, copied(both))
        told = f"for _ in range(40): elevator.dispatch(0, {alone})"
        desk.quietly(told, lambda: [house.dispatch(0, copied(alone)) for _ in range(40)])
        desk.expect(house.dispatch(0, copied(both)), answer)
        desk.afresh()


@check(level=5, needs=["the_only_call_is_answered"])
def the_answer_hangs_on_the_view_alone(desk: Desk) -> None:
    """Whoever looks into a complaint asks the same again, is told something else, and finds nothing."""
    house = desk.make(16, cars=3)
    asked = desk.quietly("Bed(0, ticks=300).run(elevator.dispatch)", lambda: an_hour(house))
    desk.quietly("# each question of the bed once more, the last one first", lambda: ask_again(desk, house, asked[::-1]))
    moved = desk.make(16, cars=3)
    moved.call(15)
    desk.quietly("for _ in range(15): elevator_2.step()", lambda: ticks(moved, 15))
    desk.quietly("# each question of the bed to elevator_2", lambda: ask_again(desk, moved, asked))


@check(level=5, needs=["the_only_call_is_answered"])
def the_bed_is_beaten(desk: Desk) -> None:
    """Whoever chases the nearest call lets the tenth floor wait, and its tenants move out."""
    house = desk.make(16, cars=3)
    mean, square = desk.quietly("[Bed(seed).run(elevator.dispatch) for seed in range(10)]", lambda: ten_afternoons(house))
    desk.true(
        mean <= MEAN and square <= SQUARE,
        f"a mean wait of at most {MEAN:g} ticks, and a mean square of at most {SQUARE:g}",
        f"{mean:.1f} and {square:.0f}",
    )


@check(level=5, kills=["w16"])
def figures_are_compared_in_pairs(desk: Desk) -> None:
    """Two dispatchers that differ by 2 s on each day look alike, because days differ by 10."""
    house = desk.make(16)
    desk.expect(house.interval([3, 14, 25], [1, 12, 23], 4.303), (2.0, 2.0))
    desk.raises(ValueError, house.interval, [1, 2], [1, 2, 3], 2)
    desk.raises(ValueError, house.interval, [1], [1], 2)


@check(level=5, kills=["w28"])
def a_mean_varies_less_than_its_figures(desk: Desk) -> None:
    """An interval that is too wide hides a better dispatcher; one that is too narrow sells luck."""
    house = desk.make(16)
    desk.expect(house.interval([1, 2], [3, 0], 2), (-4.0, 4.0))
    desk.expect(house.interval([1, 3, 1, 3, 2], [0, 0, 0, 0, 0], 5**0.5), (1.0, 3.0))


# -- level 6: a car fails ------------------------------------------------------------------------------------------


@check(level=6)
def a_failed_car_stands_and_goes_on_when_repaired(desk: Desk) -> None:
    """The rider waits for the mechanic, and then wants to get to where they were going."""
    car = desk.make(4)
    car.arrive(0, 3)
    ticks(car, 2)
    for _ in range(2):
        desk.expect(car.fail(0), None)
    car.call(2)
    desk.expect((ticks(car, 2), car.riders()), ([(1, False), (1, False)], [1]))
    for _ in range(2):
        desk.expect(car.repair(0), None)
    desk.expect(ticks(car, 4), [(2, False), (2, True), (3, False), (3, True)])


@check(level=6, kills=["w18"], needs=["a_failed_car_stands_and_goes_on_when_repaired"])
def the_calls_of_a_failed_car_are_given_to_others(desk: Desk) -> None:
    """The lamp burns, and the car hangs between two floors; or cars come for those first who came last."""
    group = desk.make(6, cars=2)
    group.arrive(2, 5)
    group.step()
    group.fail(0)
    for _ in range(3):
        group.step()
    desk.expect((group.waiting(2), group.riders(1)), ([], [1]))
    group.repair(0)
    desk.expect(group.step(), [(1, False), (3, False)])
    desk.afresh()
    group = desk.make(5, cars=3, capacity=1)
    for floor, car in ((3, 1), (4, 1), (3, 2), (4, 2)):
        group.call(floor, car)
    for floor in (0, 1, 0):
        group.arrive(floor, 3)
    group.step()
    group.fail(0)  # 2 waits at floor 1, and 3 at floor 0, where the button was pressed first
    desk.expect(group.step(), [(0, False), (1, True), (2, False)])


@check(level=6, kills=["w17"], needs=["a_failed_car_stands_and_goes_on_when_repaired"])
def no_call_is_given_to_a_failed_car(desk: Desk) -> None:
    """A car that stands still has the least to do, so it is given every new call."""
    group = desk.make(6, cars=2)
    group.fail(0)
    group.arrive(1, 5)
    group.step()
    group.step()
    desk.expect((group.waiting(1), group.riders(1)), ([], [1]))


@check(level=6, kills=["w21"], needs=["a_failed_car_stands_and_goes_on_when_repaired"])
def calls_wait_while_all_cars_have_failed(desk: Desk) -> None:
    """After a power cut all cars come back, and nobody remembers who had pressed."""
    group = desk.make(6, cars=2)
    group.fail(0)
    group.fail(1)
    group.arrive(1, 5)
    group.arrive(3, 0)
    desk.expect(group.step(), [(0, False), (0, False)])
    group.repair(1)
    group.step()
    desk.expect((group.step(), group.riders(1)), ([(0, False), (1, True)], [1]))


@check(level=6, kills=["w29"], needs=["the_calls_of_a_failed_car_are_given_to_others"])
def a_repaired_car_has_not_rested(desk: Desk) -> None:
    """The car that the mechanic has just left is sent out first, and those that stood idle all day stay where they are."""
    group = desk.make(5, cars=2)
    group.arrive(2, 3)
    group.repair(0)
    group.call(0, 1)
    group.arrive(1, 2)
    group.step()
    desk.expect(group.step(), [(2, False), (1, False)])
    desk.afresh()
    group = desk.make(5, cars=3)
    group.arrive(2, 3)
    group.fail(0)
    group.repair(0)
    group.arrive(1, 2)
    desk.expect(group.step(), [(0, False), (1, False), (1, False)])
