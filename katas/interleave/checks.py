"""The directed checks and the scenarios of the lab."""

import itertools
import threading

from interface import (
    COUNTER,
    REGISTER,
    SETDEFAULT,
    STACK,
    Call,
    Closed,
    Dice,
    Down,
    History,
    Model,
    Reentrant,
    Run,
    Stop,
    Threads,
    aba,
    double_load,
    first_of_twenty,
    flaw,
    history,
    if_for_while,
    lock_order,
    locked_update,
    lost_update,
    lost_wake_up,
    missed_signal,
    one_lock_order,
    order_of_three,
    philosophers,
    published_early,
    torn_pair,
)
from lldkit.dojo.author import Desk, call_line, check, scenario


def made(desk, name, *args):
    """What `lab.<name>(*args)` hands out, called by its name in the story."""
    lab = desk.make()
    line = f"{name} = {call_line('lab', name, args, {})}"
    return desk.given(name, desk.quietly(line, lambda: getattr(lab, name)(*args)))


def typed(desk, line, **names):
    """What `name = expression`, or an expression, yields; the story tells it as it is run."""
    return desk.quietly(line, lambda: eval(line.split(" = ")[-1], {**globals(), **names}))


# -- level 1: read a timeline ----------------------------------------------------------------------------------------


@check(level=1, kills=["w01"])
def who_has_ended_was_not_interrupted(desk: Desk) -> None:
    """Many switches in a timeline are only ends of threads; whoever suspects them too looks in the wrong places."""
    lab = desk.make()
    desk.expect(lab.preemptions(["Ann reads x", "Bob reads x", "Ann writes x", "Bob writes x"]), [0, 1])
    desk.expect(lab.preemptions(["Ann reads x", "Ann writes x", "Bob reads x"]), [])
    desk.expect(lab.preemptions([]), [])


@check(level=1)
def the_textbook_race_is_read(desk: Desk) -> None:
    """Both read the same value, and the second write buries the first."""
    lab = desk.make()
    desk.expect(lab.fatal(["Ann reads x", "Bob reads x", "Bob writes x", "Ann writes x"]), 0)
    desk.expect(lab.fatal(["Ann reads x", "Ann writes x", "Bob reads x", "Bob writes x"]), None)


@check(level=1, kills=["w02"], needs=["the_textbook_race_is_read"])
def other_names_do_no_harm(desk: Desk) -> None:
    """Two threads on two variables are no race, however often they are interrupted."""
    lab = desk.make()
    desk.expect(lab.fatal(["Ann reads x", "Bob writes y", "Ann writes x"]), None)
    desk.expect(lab.fatal(["Ann reads x", "Bob reads x", "Ann writes x"]), None)
    desk.expect(lab.fatal(["Ann reads y", "Bob writes x", "Ann writes x"]), None)


@check(level=1, kills=["w03"], needs=["the_textbook_race_is_read"])
def who_reads_again_loses_nothing(desk: Desk) -> None:
    """A loop that reads again before it writes is the cure, and must not be reported as the disease."""
    lab = desk.make()
    desk.expect(lab.fatal(["Ann reads x", "Bob writes x", "Ann reads x", "Ann writes x"]), None)
    desk.expect(lab.fatal(["Ann reads x", "Ann writes x", "Bob writes x", "Ann writes x"]), None)


@check(level=1, kills=["w04"], needs=["the_textbook_race_is_read"])
def the_fatal_one_comes_before_the_other_write(desk: Desk) -> None:
    """The last switch is where the damage shows; it was done at an earlier one."""
    lab = desk.make()
    harmless = ["Ann reads x", "Bob reads y", "Ann reads y"]
    desk.expect(lab.fatal([*harmless, "Bob writes x", "Ann reads z", "Bob reads z", "Ann writes x"]), 2)
    twice = ["Ann reads x", "Bob writes x", "Ann reads y", "Bob writes x", "Ann writes x"]
    desk.expect(lab.fatal(twice), 0)


# -- level 2: a counter and a bank -----------------------------------------------------------------------------------


@check(level=2)
def a_transfer_to_oneself_changes_nothing(desk: Desk) -> None:
    """Whoever takes both locks, or computes both balances first, has not thought of one account."""
    bank = made(desk, "bank", {"ann": 5, "bob": 0})
    desk.expect(bank.transfer("ann", "ann", 3), True)
    desk.expect(bank.transfer("ann", "ann", 6), False)
    desk.expect(bank.balances(), {"ann": 5, "bob": 0})


@check(level=2)
def a_negative_amount_is_refused(desk: Desk) -> None:
    """A transfer of -100 is a theft of 100."""
    bank = made(desk, "bank", {"ann": 5, "bob": 5})
    desk.raises(ValueError, bank.transfer, "ann", "bob", -1)
    desk.expect(bank.transfer("ann", "bob", 0), True)
    desk.expect(bank.balances(), {"ann": 5, "bob": 5})


@check(level=2)
def banks_keep_their_own_books(desk: Desk) -> None:
    """A bank that keeps the caller's dict, or hands out its own, is changed by everybody."""
    lab = desk.make()
    books = typed(desk, "books = {'ann': 5, 'bob': 0}")
    bank = desk.given("bank", typed(desk, "bank = lab.bank(books)", lab=lab, books=books))
    desk.quietly("books['ann'] = 99", lambda: books.update(ann=99))
    desk.quietly("bank.balances()['bob'] = 99", lambda: bank.balances().update(bob=99))
    desk.expect(bank.balances(), {"ann": 5, "bob": 0})


@scenario(level=2, proof="free")
def no_addition_is_lost(make):
    """The textbook race: read, add, write, and a thread in between."""
    counter, told = make().counter(), []

    def body():
        told.append(counter.add(1))

    def invariant():
        return make.expect({"told": sorted(told), "value": counter.value()}, {"told": [1, 2], "value": 2})

    return {"one": body, "two": body}, invariant


@scenario(level=2, kills=["w05"], proof="free")
def no_money_is_spent_twice(make):
    """Two threads see the same 10 and both spend it."""
    bank, told = make().bank({"ann": 10, "bob": 0}), []

    def body():
        told.append(bank.transfer("ann", "bob", 10))

    def invariant():
        found = {"told": sorted(told), "balances": bank.balances()}
        return make.expect(found, {"told": [False, True], "balances": {"ann": 0, "bob": 10}})

    return {"one": body, "two": body}, invariant


@scenario(level=2, kills=["w06"], proof="free")
def no_money_is_on_its_way(make):
    """An auditor who adds up the balances in the middle of a transfer finds a hole."""
    bank, sums = make().bank({"ann": 10, "bob": 0}), []

    def transfer():
        bank.transfer("ann", "bob", 10)

    def audit():
        sums.append(sum(bank.balances().values()))

    return {"clerk": transfer, "auditor": audit}, lambda: make.expect(f"the sum is {sums[0]}", "the sum is 10")


@scenario(level=2, kills=["w07"], proof="sync", max_steps=500)
def opposite_transfers_both_end(make):
    """A lock per account, taken in the order of the call: the first Friday on which two people pay each other is the last."""
    bank = make().bank({"ann": 10, "bob": 10})

    def there():
        bank.transfer("ann", "bob", 1)

    def back():
        bank.transfer("bob", "ann", 2)

    return {"there": there, "back": back}, lambda: make.expect(bank.balances(), {"ann": 11, "bob": 9})


@scenario(level=2, kills=["w08"], proof="sync", max_steps=500)
def who_waits_sleeps(make):
    """A thread that asks again and again burns a core where it should sleep, and two of them can do so in step, for ever."""
    bank = make().bank({"ann": 10, "bob": 0, "cyd": 10})

    def ann_pays():
        bank.transfer("ann", "bob", 1)

    def cyd_pays():
        bank.transfer("cyd", "bob", 1)

    bodies = {"Ann": ann_pays, "Cyd": cyd_pays}
    return bodies, lambda: make.expect(bank.balances(), {"ann": 9, "bob": 2, "cyd": 9})


# -- level 3: a bounded queue ----------------------------------------------------------------------------------------


@check(level=3)
def a_queue_without_room_is_refused(desk: Desk) -> None:
    """A queue of 0 places blocks its first caller for ever."""
    lab = desk.make()
    desk.raises(ValueError, lab.queue, 0)
    desk.raises(ValueError, lab.queue, -1)


@check(level=3, kills=["w13"])
def what_is_left_is_handed_out(desk: Desk) -> None:
    """A queue that is closed for the night must not throw away the work of the day."""
    queue = made(desk, "queue", 2)
    queue.put(None)
    queue.put("b")
    queue.close()
    desk.expect(queue.get(), None)
    desk.expect(queue.get(), "b")
    desk.raises(Closed, queue.get)


@check(level=3)
def a_closed_queue_takes_nothing(desk: Desk) -> None:
    """What is put after the end is never fetched."""
    queue = made(desk, "queue", 2)
    queue.put("a")
    queue.close()
    queue.close()
    desk.raises(Closed, queue.put, "b")
    desk.expect(queue.get(), "a")
    desk.raises(Closed, queue.get)


@scenario(level=3, kills=["w12"], proof="free", max_steps=1_000)
def no_signal_is_missed(make):
    """The item comes between the look and the sleep; the sleeper sleeps on."""
    queue, got = make().queue(1), []

    def take():
        got.append(queue.get())

    def put():
        queue.put("apple")

    return {"taker": take, "putter": put}, lambda: make.expect(got, ["apple"])


@scenario(level=3, kills=["w09"], schedules=60, max_steps=1_000)
def who_wakes_up_looks_again(make):
    """Between the notify and the wake-up somebody else may have taken the item."""
    queue, got = make().queue(2), []

    def take():
        got.append(queue.get())

    def put():
        queue.put("apple")
        queue.put("pear")

    bodies = {"taker A": take, "taker B": take, "putter": put}
    return bodies, lambda: make.expect(sorted(got), ["apple", "pear"])


@scenario(level=3, schedules=30, max_steps=1_000, spurious_wakeups=True)
def a_wake_up_without_cause_deceives_nobody(make):
    """`wait` may return although nobody has notified; its documentation says so."""
    queue, clock, told = make().queue(1), make.clock(), []

    def put():
        queue.put("a")
        queue.put("b")
        told.append("b is in")

    def take():
        clock.sleep(8)
        told.append("there is room")
        told.extend([queue.get(), queue.get()])

    def invariant():
        in_time = told.index("there is room") < told.index("b is in")
        found = {"got": [each for each in told if len(each) == 1], "b went in when there was room": in_time}
        return make.expect(found, {"got": ["a", "b"], "b went in when there was room": True})

    return {"taker": take, "putter": put}, invariant


@scenario(level=3, kills=["w10"], schedules=200, max_steps=1_000)
def the_right_one_is_woken(make):
    """One notify on a condition that takers and putters share wakes a taker where a putter was meant."""
    queue, got = make().queue(1), []

    def take():
        got.append(queue.get())

    def put():
        queue.put("apple")

    bodies = {"taker A": take, "taker B": take, "putter A": put, "putter B": put}
    return bodies, lambda: make.expect(got, ["apple", "apple"])


def caught(body):
    """What `body` returns, or the name of what it raises."""
    try:
        return body()
    except (Closed, Down, Stop, Reentrant) as error:
        return type(error).__name__


@scenario(level=3, kills=["w11"], proof="free", max_steps=1_000)
def close_wakes_everybody(make):
    """Workers sleep on an empty queue; a program whose workers are not told of the end has to be killed."""
    queue, told = make().queue(1), []

    def take():
        told.append(caught(queue.get))

    def close():
        queue.close()

    bodies = {"taker A": take, "taker B": take, "closer": close}
    return bodies, lambda: make.expect(told, ["Closed", "Closed"])


@scenario(level=3, kills=["w14"], schedules=40, max_steps=1_000)
def a_putter_that_waited_is_told(make):
    """Whoever waits for room when the queue is closed must hear of it, and his item must not slip in."""
    queue, told = make().queue(1), []
    queue.put("old")

    def put():
        told.append(caught(lambda: queue.put("new")))

    def close():
        queue.close()

    def invariant():
        found = {"putters were told": told, "left in the queue": [caught(queue.get) for _ in range(2)]}
        return make.expect(found, {"putters were told": ["Closed", "Closed"], "left in the queue": ["old", "Closed"]})

    return {"putter A": put, "putter B": put, "closer": close}, invariant


# -- level 4: one load at a time -------------------------------------------------------------------------------------


def fails():
    """A load that fails."""
    raise Down


@check(level=4)
def nothing_is_kept(desk: Desk) -> None:
    """A flight is no cache: whoever comes later wants what is true then."""
    flight = made(desk, "flight")
    desk.expect(flight.call("k", lambda: None), None)
    desk.expect(flight.call("k", lambda: 2), 2)


@check(level=4, kills=["w16"])
def an_error_is_not_kept(desk: Desk) -> None:
    """The database hiccups once, and a key is dead until the next deployment."""
    flight = made(desk, "flight")
    desk.raises(Down, flight.call, "k", fails)
    desk.expect(flight.call("k", lambda: "found"), "found")


@scenario(level=4, kills=["w18"], proof="free")
def who_needs_himself_is_told(make):
    """A load that waits for its own end waits for ever."""
    flight, told = make().flight(), []

    def load():
        return flight.call("k", lambda: "never")

    def body():
        told.append(caught(lambda: flight.call("k", load)))
        told.append(flight.call("k", lambda: "free"))

    return {"one": body}, lambda: make.expect(told, ["Reentrant", "free"])


@scenario(level=4, schedules=10, max_steps=1_000)
def a_load_may_need_another_key(make):
    """An order is loaded with its customer; a lock held over the load stops at the second key."""
    flight, told = make().flight(), []

    def load():
        return flight.call("customer", lambda: "Ann")

    def body():
        told.append(flight.call("order", load))

    return {"one": body, "two": body}, lambda: make.expect(told, ["Ann", "Ann"])


def at_once(make, ends, threads):
    """Threads that call before the load is over: time passes only when nobody can go on."""
    flight, clock, loads, told = make().flight(), make.clock(), [], []

    def load():
        loads.append("load")
        clock.sleep(8)
        return ends()

    def body():
        told.append(caught(lambda: flight.call("k", load)))

    wanted = {"loads": 1, "told": [caught(ends)] * threads}
    return [body] * threads, lambda: make.expect({"loads": len(loads), "told": told}, wanted)


@scenario(level=4, kills=["w15"], schedules=100, max_steps=1_000, race_timeouts=False)
def one_loads_for_all(make):
    """Three threads look, nobody loads yet, and all three ask the database."""
    return at_once(make, lambda: "found", 3)


@scenario(level=4, schedules=20, max_steps=1_000, race_timeouts=False)
def all_get_the_error(make):
    """A waiter who gets None in place of the error goes on with nothing."""
    return at_once(make, fails, 2)


def stops():
    """A load that is ended from outside."""
    raise Stop


@scenario(level=4, kills=["w17"], schedules=10, max_steps=1_000, race_timeouts=False)
def the_key_is_free_afterwards(make):
    """A cancelled request takes its key with it: all later ones wait for a load that nobody makes."""
    flight, clock, told = make().flight(), make.clock(), []

    def first():
        told.append(caught(lambda: flight.call("k", stops)))

    def later():
        clock.sleep(8)
        told.append(flight.call("k", lambda: "found"))

    return {"first": first, "later": later}, lambda: make.expect(told, ["Stop", "found"])


@scenario(level=4, kills=["w20"], schedules=30, max_steps=1_000, race_timeouts=False)
def a_stop_ends_the_leader_alone(make):
    """One user closes the tab, and a hundred others get an error for it."""
    flight, clock, told = make().flight(), make.clock(), []

    def load():
        clock.sleep(8)
        raise Stop

    def leader():
        told.append(caught(lambda: flight.call("k", load)))

    def other():
        clock.sleep(4)
        told.append(caught(lambda: flight.call("k", lambda: "found")))

    return {"leader": leader, "other": other}, lambda: make.expect(sorted(told), ["Stop", "found"])


@scenario(level=4, kills=["w19"], schedules=10, max_steps=1_000)
def keys_do_not_wait_for_each_other(make):
    """One slow key, and the whole service is as slow as it."""
    flight, meeting, told = make().flight(), threading.Barrier(2), []

    def load():
        meeting.wait()  # ends when both keys are loading
        return "found"

    def first():
        told.append(flight.call("a", load))

    def second():
        told.append(flight.call("b", load))

    return {"first": first, "second": second}, lambda: make.expect(told, ["found", "found"])


# -- level 5: a scheduler --------------------------------------------------------------------------------------------


def ticking(desk, program):
    """The same program, which tells the grader's watchdog that something goes on."""

    def fresh():
        desk.pulse()
        return program()

    fresh.__name__ = program.__name__
    return fresh


@check(level=5)
def the_highest_priority_goes_first(desk: Desk) -> None:
    """PCT's guarantee counts the orders that priorities can bring about; whoever does not keep to them has none."""
    lab = desk.make()
    desk.expect(lab.play(Threads("..", "..", ".."), [5, 7, 6], []), Run((1, 1, 2, 2, 0, 0), ""))


@check(level=5, kills=["w23"])
def a_deadlock_is_a_failure(desk: Desk) -> None:
    """A run in which nobody can go on looks like one that has ended, if one does not count who is left."""
    lab = desk.make()
    desk.expect(lab.play(Threads("...", ".A"), [2, 1], []), Run((0, 0, 0, 1), "deadlock"))
    desk.expect(lab.play(Threads(".b.", ".A.a", "..B"), [1, 2, 3], []), Run((2, 2, 1, 0, 0, 2, 0), "deadlock"))


@check(level=5)
def each_failure_has_its_name(desk: Desk) -> None:
    """What went wrong is the first thing that the finder of a bug is asked."""
    lab = desk.make()
    desk.expect(lab.play(Threads("..", ".!."), [1, 2], []), Run((1, 1), "exception"))
    desk.expect(lab.play(Threads("..", ".", last=1), [1, 2], []), Run((1, 0, 0), "check"))
    desk.expect(lab.play(Threads("..", ".", last=0), [1, 2], []), Run((1, 0, 0), ""))


@check(level=5, kills=["w22"], needs=["the_highest_priority_goes_first"])
def each_change_has_a_priority_of_its_own(desk: Desk) -> None:
    """Change points that all lower to one priority cannot tell who of the lowered goes first: depth 3 is out of reach."""
    lab = desk.make()
    desk.expect(lab.play(Threads("...", "...", "."), [3, 4, 5], [2, 1]), Run((2, 0, 1, 1, 1, 0, 0), ""))
    desk.expect(lab.play(Threads("...", "...", "."), [3, 4, 5], [1, 2]), Run((2, 0, 0, 0, 1, 1, 1), ""))


@check(level=5, kills=["w24"], needs=["the_highest_priority_goes_first"])
def a_change_meets_who_can_go_on(desk: Desk) -> None:
    """A change point that is spent on a thread that waits is lost."""
    lab = desk.make()
    desk.expect(lab.play(Threads(".A", "..a", "..."), [4, 3, 2], [2]), Run((0, 1, 2, 2, 2, 1, 1, 0), ""))


@check(level=5, kills=["w21"])
def change_points_come_in_any_order(desk: Desk) -> None:
    """If they are sorted in time, every drop ends above the one before, and half of the orders are never seen."""
    lab = desk.make()
    plans = typed(desk, "changes = [lab.plan(2, 20, 3, Dice(seed))[1] for seed in range(40)]", lab=lab)
    desk.true(
        any(early < late for early, late in plans) and any(early > late for early, late in plans),
        "some of 40 that rise, and some that fall",
        f"all one way, such as {', '.join(map(str, plans[:3]))}",
    )


@check(level=5)
def plans_are_as_asked(desk: Desk) -> None:
    """Priorities below the depth would fall together with those of the change points."""
    for depth, length, count in ((3, 8, 2), (1, 8, 0), (4, 2, 2)):
        lab = desk.make()
        plans = typed(desk, f"plans = [lab.plan(3, {length}, {depth}, Dice(seed)) for seed in range(200)]", lab=lab)
        orders = typed(desk, "sorted({tuple(priorities) for priorities, _ in plans})", plans=plans)
        desk.expect(orders, sorted(itertools.permutations(range(depth, depth + 3))))
        desk.expect(typed(desk, "{len(set(changes)) for _, changes in plans}", plans=plans), {count})
        steps = typed(desk, "{step for _, changes in plans for step in changes}", plans=plans)
        desk.expect(steps, set(range(length if count else 0)))
        desk.afresh()


@check(level=5, kills=["w32"])
def equal_dice_draw_equal_plans(desk: Desk) -> None:
    """A bug that was found and cannot be found again is a rumour."""
    lab = desk.make()
    plans = [lab.plan(4, 30, 5, Dice(3)), lab.plan(4, 30, 5, Dice(3))]
    desk.expect(plans[1], plans[0])


@check(level=5, kills=["w25"])
def every_run_has_a_plan_of_its_own(desk: Desk) -> None:
    """A thousand runs by one plan are one run."""
    lab = desk.make()
    program, never = Threads("..", "..", last=0), Threads("..", ".")
    for seed in range(5):
        run = lab.find(program, length=4, depth=1, runs=50, rng=Dice(seed))
        desk.true(run is not None, "a run that fails, as one in two does", "None")
    desk.expect(lab.find(never, length=4, depth=2, runs=5, rng=Dice(1)), None)
    desk.expect(lab.find(program, length=4, depth=1, runs=0, rng=Dice(1)), None)


TABLE = {
    # program: how it fails, depth of the bug
    lost_update: ("check", 2),
    torn_pair: ("check", 2),
    double_load: ("check", 2),
    published_early: ("exception", 2),
    if_for_while: ("exception", 3),
    lost_wake_up: ("deadlock", 3),
    missed_signal: ("deadlock", 2),
    lock_order: ("deadlock", 2),
    philosophers: ("deadlock", 3),
    aba: ("check", 2),
    order_of_three: ("check", 3),
    first_of_twenty: ("check", 1),
}


@check(level=5, needs=["each_failure_has_its_name", "plans_are_as_asked"])
def the_planted_bugs_are_found(desk: Desk) -> None:
    """What a scheduler is for. Each schedule that it names is run again, step by step."""
    for program, (failure, depth) in TABLE.items():
        lab = desk.make()
        run = lab.find(ticking(desk, program), length=20, depth=depth, runs=1000, rng=Dice(7))
        desk.expect(None if run is None else run.failure, failure)
        again = replayed(program, run.schedule)
        desk.true(again == failure, f"a schedule that fails again: {failure}", f"{run.schedule}, which does not")
        desk.afresh()


@check(level=5, needs=["each_failure_has_its_name", "plans_are_as_asked"])
def the_repaired_are_left_in_peace(desk: Desk) -> None:
    """An alarm about code that is right costs more trust than ten bugs found win."""
    lab = desk.make()
    for program in (locked_update, one_lock_order):
        desk.expect(lab.find(ticking(desk, program), length=12, depth=3, runs=200, rng=Dice(7)), None)


def replayed(program, schedule):
    """How a program ends when its threads take their steps as a schedule says; "" if that proves nothing."""
    threads, holds = program()
    waits, left = [None] * len(threads), set(range(len(threads)))
    for thread in schedule:
        if thread not in left or not (waits[thread] is None or waits[thread]()):
            return ""
        try:
            waits[thread] = next(threads[thread])
        except StopIteration:
            left.discard(thread)
        except Exception:
            return "exception"
    if left:
        stuck = all(waits[thread] is not None and not waits[thread]() for thread in left)
        return "deadlock" if stuck else ""
    return "" if holds() else "check"


# -- level 6: a judge ------------------------------------------------------------------------------------------------


def judged(desk, calls, model, order=None):
    """Ask the solution about calls that such an `order` of processes explains, or none does."""
    answer = desk.make().order(calls, model)
    problem = "None" if answer is None else flaw(answer, calls, model)
    if order is None:
        desk.true(answer is None, "None: no order explains this", problem)
    else:
        desk.true(not problem, f"an order that explains every answer, such as {', '.join(order)}", problem)


@check(level=6, kills=["w30"])
def who_returned_first_comes_first(desk: Desk) -> None:
    """A read that returns what was overwritten a minute ago is stale, whichever process asks."""
    judged(desk, history("A 0-1 write 1", "B 2-3 read = 0"), REGISTER)
    judged(desk, history("A 0-2 write 1", "B 2-3 read = 0"), REGISTER, "BA")


@check(level=6, kills=["w28"])
def no_beginning_is_given_the_last_word(desk: Desk) -> None:
    """The first call that fits now may be the one that had to wait."""
    judged(desk, history("A 0-5 write 1", "B 0-5 write 2", "C 6-7 read = 1"), REGISTER, "BAC")
    judged(desk, history("B 0-5 write 2", "A 0-5 write 1", "C 6-7 read = 2"), REGISTER, "ABC")


@check(level=6, kills=["w27"])
def a_pending_call_may_have_happened(desk: Desk) -> None:
    """The reply was lost, not the request: the money has moved although nobody said so."""
    judged(desk, history("A 0- write 1", "B 2-3 read = 1"), REGISTER, "AB")
    judged(desk, history("A 0- write 1", "B 2-3 read = 0", "B 4-5 read = 1"), REGISTER, "BAB")
    judged(desk, history("A 4- write 1", "B 2-3 read = 1"), REGISTER)
    judged(desk, history("A 0- write 1", "B 2-3 read = 0"), REGISTER, "B")


@check(level=6, kills=["w31"], needs=["a_pending_call_may_have_happened"])
def nobody_knows_a_pending_answer(desk: Desk) -> None:
    """Nothing was recorded, and that is not the same as having recorded None."""
    judged(desk, history("A 0- add 1", "B 2-3 add 1 = 2"), COUNTER, "AB")
    judged(desk, history("A 0-1 push a", "B 2- pop", "C 4-5 pop"), STACK, "ABC")


@check(level=6, kills=["w29"])
def the_same_calls_may_lead_to_another_state(desk: Desk) -> None:
    """Two writes in either order leave two different values; to have seen one is not to have seen the other."""
    calls = history("A 0-9 write 1", "B 0-9 write 2", "C 0-9 read = 1", "D 0-9 read = 2", "E 10-11 read = 1")
    judged(desk, calls, REGISTER, "BDACE")
    judged(desk, history("A 0-5 push a", "B 0-5 push b", "C 6-7 pop = a", "C 8-9 pop = b"), STACK, "BACC")


@check(level=6, kills=["w26"])
def ten_calls_at_once_are_judged_soon(desk: Desk) -> None:
    """Ten calls have 3,628,800 orders, but only 1,024 sets: without a memory a small history takes an afternoon."""
    asked = itertools.count(1)

    def apply(state, name, argument):
        desk.pulse()
        if next(asked) > MOST:
            desk.fail(
                f"the model is asked {MOST:,} times at most: each of 10 calls after each set of the others", "more"
            )
        return COUNTER.apply(state, name, argument)

    calls = [Call(f"P{number}", "add", 0, 0, 0, 9) for number in range(10)]
    calls.append(Call("Q", "add", 0, 1, 10, 11))
    line = "lab.order(ten calls of `add 0 = 0` at the same time, and then `add 0 = 1`, COUNTER)"
    lab = desk.make()
    answer = desk.quietly(line, lambda: lab.order(History(calls), Model("COUNTER", 0, apply)))
    desk.true(answer is None, "None: no order explains this", "an order")


MOST = 10 * 2**9 + 1

BUGS = {
    "two threads add one to the same value": (history("A 0-3 add 1 = 1", "B 1-2 add 1 = 1"), COUNTER),
    "a racy setdefault tells both that they were first": (
        history("A 0-4 setdefault 1 = 1", "B 1-5 setdefault 2 = 2"),
        SETDEFAULT,
    ),
    "a stack compares only the name of its top": (
        history(
            *("P 0-1 push c", "P 2-3 push b", "P 4-5 push a", "A 6-15 pop = a"),
            *("B 7-8 pop = a", "B 9-10 pop = b", "B 11-12 push a", "P 16-17 pop = b"),
        ),
        STACK,
    ),
    "half of two writes is seen": (history("A 0-5 write 11", "B 1-2 read = 10", "B 3-4 read = 11"), REGISTER),
    "an old value comes back": (history("A 0-9 write 1", "B 1-2 read = 1", "C 3-4 read = 0"), REGISTER),
}
REPAIRED = [
    (history("A 0-3 add 1 = 2", "B 1-2 add 1 = 1"), COUNTER, "BA"),
    (history("A 0-4 setdefault 1 = 2", "B 1-5 setdefault 2 = 2"), SETDEFAULT, "BA"),
    (
        history(
            *("P 0-1 push c", "P 2-3 push b", "P 4-5 push a", "A 6-15 pop = a"),
            *("B 7-8 pop = a", "B 9-10 pop = b", "B 11-12 push a", "P 16-17 pop = c"),
        ),
        STACK,
        "PPPBBBAP",
    ),
    (history("A 0-9 write 1", "B 1-2 read = 0", "C 3-4 read = 1"), REGISTER, "BAC"),
]


@check(level=6)
def the_planted_bugs_are_refuted(desk: Desk) -> None:
    """Histories of the bugs that level 5 finds: each looks harmless, and none has an order."""
    for calls, model in BUGS.values():
        judged(desk, calls, model)
        desk.afresh()


@check(level=6)
def the_repaired_are_explained(desk: Desk) -> None:
    """The same objects under a lock."""
    for calls, model, order in REPAIRED:
        judged(desk, calls, model, order)
        desk.afresh()


@check(level=6)
def finder_and_judge_work_together(desk: Desk) -> None:
    """This is how `lldkit.interleave` tests a component: one half looks for a schedule, the other judges what came of it."""
    lab = desk.make()

    def racing(safe):
        def setdefault():
            entries, stamps, calls = [], itertools.count(), []

            def caller(process, value):
                called = next(stamps)
                yield
                if not entries:
                    if not safe:
                        yield
                    entries[:] = [value]
                kept = entries[0]
                yield
                calls.append(Call(process, "setdefault", value, kept, called, next(stamps)))

            return [caller("A", 1), caller("B", 2)], lambda: lab.order(History(calls), SETDEFAULT) is not None

        return ticking(desk, setdefault)

    run = lab.find(racing(safe=False), length=8, depth=2, runs=300, rng=Dice(3))
    desk.expect(None if run is None else run.failure, "check")
    desk.afresh()
    lab = desk.make()
    desk.expect(lab.find(racing(safe=True), length=8, depth=2, runs=100, rng=Dice(3)), None)
