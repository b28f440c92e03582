"""The directed checks and the scenarios of the scheduler."""

import threading
from datetime import datetime
from zoneinfo import ZoneInfo

from interface import Claim, DeadLetter, Down, Killed, NeverFires, Numbers, QueueFull, Store, Unavailable
from lldkit.dojo.author import Desk, check, scenario


class Fn:
    """A task with a name for the story; it counts its runs."""

    def __init__(self, name, run=lambda: None):
        self.name, self.run, self.runs = name, run, 0

    def __call__(self, *claim):
        self.runs += 1
        return self.run(*claim)

    def __repr__(self):
        return self.name


def notes(log, name, *more):
    """A task that writes down its name, and does something more."""
    return Fn(name, lambda *claim: (log.append(name), *(action() for action in more)))


def throw(error):
    raise error


def failing(name="fail"):
    return Fn(name, lambda *claim: throw(Down()))


# -- level 1: not now, but then ------------------------------------------------------------------------------------


@check(level=1)
def what_is_due_runs_once(desk: Desk) -> None:
    """A reminder that comes twice is as bad as one that does not come."""
    clock, log = desk.clock(), []
    scheduler = desk.make(clock=clock)
    desk.expect(scheduler.schedule(notes(log, "late"), 2), 1)
    desk.expect(scheduler.schedule(notes(log, "early"), 1), 2)
    desk.expect(scheduler.run_due(), 0)
    clock.advance(1)
    desk.expect(scheduler.run_due(), 1)
    desk.expect(log, ["early"])
    desk.expect(len(scheduler), 1)
    clock.advance(5)
    desk.expect(scheduler.run_due(), 1)
    desk.expect(log, ["early", "late"])
    desk.expect(scheduler.run_due(), 0)
    desk.expect(len(scheduler), 0)


@check(level=1)
def without_a_clock_it_is_the_machines(desk: Desk) -> None:
    """Who only wants a timer should not have to build a clock first."""
    scheduler = desk.make()
    scheduler.schedule(Fn("task"), -1)
    desk.expect(scheduler.run_due(), 1)


@check(level=1, kills=["w02"], needs=["what_is_due_runs_once"])
def equal_times_run_in_order(desk: Desk) -> None:
    """Two timers of one millisecond are no rarity; functions cannot be compared, and order matters."""
    clock, log = desk.clock(), []
    scheduler = desk.make(clock=clock)
    for name in ("c", "a", "b"):
        scheduler.schedule(notes(log, name), 1)
    clock.advance(1)
    desk.expect(scheduler.run_due(), 3)
    desk.expect(log, ["c", "a", "b"])


@check(level=1, needs=["what_is_due_runs_once"])
def a_task_may_schedule(desk: Desk) -> None:
    """Most tasks end by asking for the next one."""
    clock, log = desk.clock(), []
    scheduler = desk.make(clock=clock)
    second = notes(log, "second", lambda: log.append(len(scheduler)))
    first = notes(log, "first", lambda: clock.advance(3), lambda: scheduler.schedule(second, 2))
    scheduler.schedule(first, 0)
    desk.expect(scheduler.run_due(), 2)
    desk.expect(log, ["first", "second", 1])


@check(level=1, needs=["what_is_due_runs_once"])
def after_a_stop_nothing_begins(desk: Desk) -> None:
    """Who stops a service takes its database away next."""
    log = []
    scheduler = desk.make(clock=desk.clock())
    scheduler.schedule(notes(log, "stops", lambda: scheduler.stop()), 0)
    scheduler.schedule(notes(log, "waits"), 0)
    desk.expect(scheduler.run_due(), 1)
    desk.expect(scheduler.run_due(), 0)
    desk.expect(log, ["stops"])
    desk.expect(len(scheduler), 1)
    desk.expect(scheduler.run(), None)


@check(level=1, needs=["after_a_stop_nothing_begins"])
def run_goes_on_until_the_stop(desk: Desk) -> None:
    """The loop of a worker ends when somebody says so, not when there is nothing to do."""
    clock, log = desk.clock(), []
    scheduler = desk.make(clock=clock)
    scheduler.schedule(notes(log, "b", lambda: scheduler.stop()), 0)
    scheduler.schedule(notes(log, "a"), -1)
    scheduler.run()
    desk.expect(log, ["a", "b"])
    desk.expect(len(scheduler), 0)


def at(clock, log, name):
    """A task for threads, which writes down when it ran."""
    return lambda: log.append((name, clock.monotonic()))


@scenario(level=1, kills=["w01"], schedules=10, race_timeouts=False)
def an_earlier_job_wakes_the_sleeper(make):
    """A reminder for ten o'clock that waits for the one of noon comes at noon."""
    clock, log = make.clock(), []
    scheduler = make(clock=clock)
    scheduler.schedule(at(clock, log, "noon"), 8)

    def asks():
        clock.sleep(1)
        scheduler.schedule(at(clock, log, "ten"), 4)
        clock.sleep(9)
        scheduler.stop()

    return {"runs": scheduler.run, "asks": asks}, lambda: make.expect(log, [("ten", 4.0), ("noon", 8.0)])


@scenario(level=1, schedules=10, race_timeouts=False)
def the_first_job_wakes_the_sleeper(make):
    """A service begins with an empty list."""
    clock, log = make.clock(), []
    scheduler = make(clock=clock)

    def asks():
        clock.sleep(1)
        scheduler.schedule(at(clock, log, "now"), 0)
        clock.sleep(1)
        scheduler.stop()

    return {"runs": scheduler.run, "asks": asks}, lambda: make.expect(log, [("now", 1.0)])


@scenario(level=1, kills=["w03"], schedules=10, race_timeouts=False)
def no_lock_is_held_while_a_task_runs(make):
    """While one report is written for a minute, nobody else could ask for a reminder."""
    clock, log = make.clock(), []
    scheduler = make(clock=clock)
    asked = threading.Event()
    scheduler.schedule(lambda: (asked.wait(), log.append("slow")), 0)

    def asks():
        clock.sleep(1)
        log.append(len(scheduler))
        scheduler.schedule(lambda: (log.append("next"), scheduler.stop()), 0)
        asked.set()

    return {"runs": scheduler.run, "asks": asks}, lambda: make.expect(log, [1, "slow", "next"])


@scenario(level=1, schedules=10, race_timeouts=False)
def a_stop_wakes_the_sleeper(make):
    """A service that sleeps until tomorrow must not keep a deployment waiting until tomorrow."""
    clock, log = make.clock(), []
    scheduler = make(clock=clock)
    scheduler.schedule(at(clock, log, "tomorrow"), 64)

    def runs():
        scheduler.run()
        log.append(("returned", clock.monotonic()))

    def stops():
        clock.sleep(1)
        scheduler.stop()

    return {"runs": runs, "stops": stops}, lambda: make.expect(log, [("returned", 1.0)])


@scenario(level=1, schedules=40)
def many_may_schedule_at_once(make):
    """Two requests in one microsecond must not get one number, and none may be lost."""
    log, clock = [], make.clock()
    scheduler = make(clock=clock)

    def asks():
        log.append(scheduler.schedule(lambda: log.append("ran"), 0))

    def holds():
        seen = {"numbers": sorted(log), "runs": scheduler.run_due(), "jobs left": len(scheduler)}
        return make.expect(seen, {"numbers": [1, 2], "runs": 2, "jobs left": 0})

    return {"one": asks, "two": asks}, holds


@check(level=1, needs=["a_task_may_schedule"])
def who_runs_others_is_counted_too(desk: Desk) -> None:
    """A service that waits until nothing is left to do must not leave while the first of its jobs still runs."""
    log = []
    scheduler = desk.make(clock=desk.clock())
    scheduler.schedule(notes(log, "first", lambda: scheduler.run_due(), lambda: log.append(len(scheduler))), 0)
    scheduler.schedule(notes(log, "second"), 0)
    desk.expect(scheduler.run_due(), 1)
    desk.expect(log, ["first", "second", 1])


@check(level=1, needs=["run_goes_on_until_the_stop"])
def a_job_may_be_far_away(desk: Desk) -> None:
    """The reminder for the year 2400 must not end the worker of today."""
    scheduler = desk.make()
    scheduler.schedule(Fn("task"), 1e11)
    stops = threading.Timer(0.05, lambda: desk.quietly("scheduler.stop()  # in another thread", scheduler.stop))
    stops.start()
    try:
        desk.expect(scheduler.run(), None)
    finally:
        stops.cancel()
        stops.join()
    desk.expect(len(scheduler), 1)


@scenario(level=1, schedules=60)
def a_job_that_begins_is_counted(make):
    """Who sees no job left stops the machine, and a job that was just taken never runs."""
    scheduler, log = make(clock=make.clock()), []
    scheduler.schedule(lambda: log.append("ran"), 0)

    def asks():
        log.append(len(scheduler))

    def holds():
        before = log[: log.index("ran")]
        return make.expect(
            {"jobs before the task has run": before}, {"jobs before the task has run": [1] * len(before)}
        )

    return {"runs": scheduler.run_due, "asks": asks}, holds


# -- level 2: again and again, and the important first -------------------------------------------------------------


@check(level=2, kills=["w04"])
def an_interval_does_not_drift(desk: Desk) -> None:
    """A report of every hour that is late by a second each time comes at night after a year."""
    clock, log = desk.clock(), []
    scheduler = desk.make(clock=clock)
    scheduler.schedule(Fn("note_time", lambda: log.append(clock.monotonic())), 10, every=10)
    for seconds in (12, 6, 4, 8):
        clock.advance(seconds)
        scheduler.run_due()
    desk.expect(log, [12.0, 22.0, 30.0])
    desk.expect(len(scheduler), 1)


@check(level=2, kills=["w21"], needs=["an_interval_does_not_drift"])
def missed_runs_are_left_out(desk: Desk) -> None:
    """After a night of sleep a laptop must not send the 500 reminders of the night."""
    clock = desk.clock()
    scheduler = desk.make(clock=clock)
    task = Fn("task")
    scheduler.schedule(task, 0, every=10)
    clock.advance(35)
    desk.expect(scheduler.run_due(), 1)
    clock.advance(4)
    desk.expect(scheduler.run_due(), 0)
    clock.advance(1)
    desk.expect(scheduler.run_due(), 1)


@check(level=2, kills=["w28"], needs=["missed_runs_are_left_out"])
def now_is_not_later(desk: Desk) -> None:
    """In floats a tenth of a second is no tenth: once in a while the next run is this one, and nothing else runs."""
    clock = desk.clock()
    scheduler = desk.make(clock=clock)
    task = Fn("cancel_after_9_runs", lambda: scheduler.cancel(1) if task.runs == 9 else None)
    scheduler.schedule(task, 0.7, every=0.1)
    clock.advance(0.7)
    desk.expect(scheduler.run_due(), 1)
    clock.advance(0.1)
    scheduler.run_due()
    desk.true(task.runs <= 2, "at 0.7 + 0.1 the job has run twice at most", f"it ran {task.runs} times")


@check(level=2, needs=["missed_runs_are_left_out"])
def a_long_run_is_not_repeated_at_once(desk: Desk) -> None:
    """A backup that takes longer than its interval would run for ever."""
    clock = desk.clock()
    scheduler = desk.make(clock=clock)
    scheduler.schedule(Fn("take_25_seconds", lambda: clock.advance(25)), 0, every=10)
    desk.expect(scheduler.run_due(), 1)
    clock.advance(4)
    desk.expect(scheduler.run_due(), 0)
    clock.advance(1)
    desk.expect(scheduler.run_due(), 1)


@check(level=2, kills=["w06"])
def equal_priorities_run_in_order(desk: Desk) -> None:
    """A queue in which the last comes first keeps its first customer waiting for ever."""
    log = []
    clock = desk.clock()
    scheduler = desk.make(clock=clock)
    for name, time, priority in (("x", 1, 0), ("a", 0, 5), ("b", 0, 5), ("c", -1, 5), ("z", 0, -1), ("top", 1, 9)):
        scheduler.schedule(notes(log, name), time, priority=priority)
    clock.advance(1)
    desk.expect(scheduler.run_due(), 6)
    desk.expect(log, ["top", "c", "a", "b", "x", "z"])


@check(level=2, kills=["w22"], needs=["equal_priorities_run_in_order"])
def the_important_must_be_due(desk: Desk) -> None:
    """An urgent job of tomorrow that stands before the jobs of today stops them all."""
    log = []
    scheduler = desk.make(clock=desk.clock())
    scheduler.schedule(notes(log, "tomorrow"), 64, priority=9)
    scheduler.schedule(notes(log, "today"), 0)
    desk.expect(scheduler.run_due(), 1)
    desk.expect(log, ["today"])


@check(level=2)
def what_is_cancelled_does_not_run(desk: Desk) -> None:
    """Who has paid must not be reminded."""
    clock, log = desk.clock(), []
    scheduler = desk.make(clock=clock)
    number = scheduler.schedule(notes(log, "reminder"), 1)
    scheduler.schedule(notes(log, "other"), 1)
    desk.expect(scheduler.cancel(number), True)
    desk.expect(scheduler.cancel(number), False)
    desk.expect(scheduler.cancel(99), False)
    desk.expect(len(scheduler), 1)
    clock.advance(1)
    desk.expect(scheduler.run_due(), 1)
    desk.expect(log, ["other"])
    desk.expect(scheduler.cancel(2), False)


@check(level=2, needs=["what_is_cancelled_does_not_run"])
def a_job_may_cancel_itself(desk: Desk) -> None:
    """The usual end of "try every minute until it works"."""
    clock, seen = desk.clock(), []
    scheduler = desk.make(clock=clock)
    scheduler.schedule(Fn("cancel_1", lambda: seen.append(scheduler.cancel(1))), 0, every=1)
    scheduler.schedule(Fn("cancel_2", lambda: seen.append(scheduler.cancel(2))), 0)
    scheduler.schedule(Fn("cancel_4", lambda: seen.append(scheduler.cancel(4))), 0)
    scheduler.schedule(Fn("never"), 0)
    desk.expect(scheduler.run_due(), 3)
    desk.expect(seen, [True, False, True])
    clock.advance(5)
    desk.expect(scheduler.run_due(), 0)
    desk.expect(len(scheduler), 0)


@check(level=2, needs=["what_is_cancelled_does_not_run"])
def a_cancel_of_many_leaves_the_others(desk: Desk) -> None:
    """Who tidies up while a job waits for its turn may throw it away with the rest."""
    log = []
    scheduler = desk.make(clock=desk.clock())
    line = "numbers = [scheduler.schedule(later, 64) for _ in range(40)]"
    numbers = desk.quietly(line, lambda: [scheduler.schedule(Fn("later"), 64) for _ in range(40)])
    scheduler.schedule(Fn("cancel_all_numbers", lambda: [scheduler.cancel(number) for number in numbers]), 0)
    scheduler.schedule(notes(log, "other"), 0)
    desk.expect(scheduler.run_due(), 2)
    desk.expect(log, ["other"])
    desk.expect(len(scheduler), 0)


@scenario(level=2, kills=["w05"], schedules=60)
def a_cancel_is_believed(make):
    """ "Your order is cancelled" must be true in the microsecond in which it would have been sent."""
    scheduler, log, answers = make(clock=make.clock()), [], []
    number = scheduler.schedule(lambda: log.append("ran"), 0)

    def cancels():
        answers.append(scheduler.cancel(number))

    def holds():
        (cancelled,) = answers
        seen = {"cancel returned": cancelled, "runs": len(log)}
        return make.expect(seen, {"cancel returned": cancelled, "runs": 0 if cancelled else 1})

    return {"runs": scheduler.run_due, "cancels": cancels}, holds


@scenario(level=2, needs=["a_cancel_is_believed"], schedules=60)
def one_of_two_cancels(make):
    """Who is told that he has cancelled the order pays the money back."""
    scheduler, seen = make(clock=make.clock()), []
    number = scheduler.schedule(lambda: None, 0)

    def cancels():
        seen.append(scheduler.cancel(number))

    return {"one": cancels, "two": cancels}, lambda: make.expect(sorted(seen), [False, True])


@scenario(level=2, needs=["a_cancel_is_believed"], schedules=60)
def an_interval_may_be_cancelled_while_it_runs(make):
    """A job that comes back after it was cancelled can never be got rid of."""
    clock, log = make.clock(), []
    scheduler = make(clock=clock)
    number = scheduler.schedule(lambda: log.append("ran"), 0, every=1)

    def cancels():
        log.append(scheduler.cancel(number))

    def holds():
        clock.sleep(2)
        seen = {"cancel returned": True in log, "runs after it": scheduler.run_due(), "jobs left": len(scheduler)}
        return make.expect(seen, {"cancel returned": True, "runs after it": 0, "jobs left": 0})

    return {"runs": scheduler.run_due, "cancels": cancels}, holds


@check(level=2)
def bad_intervals_are_refused(desk: Desk) -> None:
    """An interval of 0 is a loop without end at full speed."""
    scheduler = desk.make(clock=desk.clock())
    desk.raises(ValueError, scheduler.schedule, Fn("task"), 0, every=0)
    desk.raises(ValueError, scheduler.schedule, Fn("task"), 0, every=-1)
    desk.expect(len(scheduler), 0)
    desk.expect(scheduler.schedule(Fn("task"), 0), 1)


# -- level 3: workers, failures, and the end of the day ------------------------------------------------------------


@check(level=3, kills=["w07"])
def tries_are_bounded_and_spread(desk: Desk) -> None:
    """A thousand jobs that fail together and come back together are the next outage."""
    clock, rng, log = desk.clock(), Numbers(0.0, 0.5, 0.75), []
    scheduler = desk.make(clock=clock, rng=rng, base=4, cap=8)
    scheduler.schedule(Fn("fail", lambda: (log.append(clock.monotonic()), throw(Down()))), 0, attempts=4)
    desk.expect(scheduler.run_due(), 1)
    for seconds in (1.875, 0.125, 5.875, 0.125, 6.875, 0.125):
        clock.advance(seconds)
        scheduler.run_due()
    desk.expect(log, [0.0, 2.0, 8.0, 15.0])
    desk.expect(rng.drawn, 3)
    desk.expect(scheduler.dead_letters(), [DeadLetter(1, 4, "Down")])
    desk.expect(len(scheduler), 0)


@check(level=3, needs=["tries_are_bounded_and_spread"])
def nobody_waits_after_the_last_attempt(desk: Desk) -> None:
    """Who must be told that his job is dead should be told before lunch."""
    rng = Numbers(0.5)
    scheduler = desk.make(clock=desk.clock(), rng=rng)
    scheduler.schedule(failing(), 0)
    desk.expect(scheduler.run_due(), 1)
    desk.expect(scheduler.dead_letters(), [DeadLetter(1, 1, "Down")])
    desk.expect(rng.drawn, 0)
    desk.expect(len(scheduler), 0)


@check(level=3, kills=["w32"], needs=["tries_are_bounded_and_spread"])
def a_thousand_failures_are_one_more(desk: Desk) -> None:
    """2 to the power of 1024 is no float: a job that has failed for a night takes the worker with it."""
    clock = desk.clock()
    scheduler = desk.make(clock=clock, rng=Numbers(0.0), base=1.0, cap=2)
    scheduler.schedule(failing(), 0, attempts=1100)

    def fails():
        for _ in range(1099):
            scheduler.run_due()
            clock.advance(1)

    desk.quietly("for _ in range(1099): scheduler.run_due(), clock.advance(1)", fails)
    desk.expect(scheduler.dead_letters(), [])
    desk.expect(scheduler.run_due(), 1)
    desk.expect(scheduler.dead_letters(), [DeadLetter(1, 1100, "Down")])


@check(level=3, needs=["nobody_waits_after_the_last_attempt"])
def without_dice_it_rolls_its_own(desk: Desk) -> None:
    """Chance is injected for tests, and must be there without them, too."""
    clock = desk.clock()
    scheduler = desk.make(clock=clock, base=2)
    scheduler.schedule(failing(), 0, attempts=2)
    desk.expect(scheduler.run_due(), 1)
    clock.advance(0.875)
    desk.expect(scheduler.run_due(), 0)
    clock.advance(1.125)
    desk.expect(scheduler.run_due(), 1)


@check(level=3, needs=["nobody_waits_after_the_last_attempt"])
def letters_are_a_copy(desk: Desk) -> None:
    """Who empties the list that he was shown must not empty the scheduler's."""
    scheduler = desk.make(clock=desk.clock(), rng=Numbers(0.5))
    scheduler.schedule(failing(), 0)
    scheduler.run_due()
    desk.quietly("scheduler.dead_letters().clear()", lambda: scheduler.dead_letters().clear())
    desk.expect(len(scheduler.dead_letters()), 1)


@check(level=3, kills=["w23"], needs=["nobody_waits_after_the_last_attempt"])
def a_job_with_an_interval_survives_its_letters(desk: Desk) -> None:
    """One bad night must not end the backups of a year."""
    clock, errors = desk.clock(), [Down(), Down(), Down(), None, Down()]

    def once():
        error = errors.pop(0)
        if error is not None:
            raise error

    scheduler = desk.make(clock=clock, rng=Numbers(0.0), base=2)
    scheduler.schedule(Fn("fail_3_times_and_once_more", once), 0, every=10, attempts=2)
    for seconds in (0, 1, 9, 1, 9):
        clock.advance(seconds)
        scheduler.run_due()
    desk.expect(scheduler.dead_letters(), [DeadLetter(1, 2, "Down")])
    desk.expect(len(errors), 0)
    desk.expect(len(scheduler), 1)


@check(level=3, kills=["w08"])
def an_interrupt_comes_out_at_once(desk: Desk) -> None:
    """A worker that swallows Ctrl-C can only be killed, and then it loses what it has."""
    rng = Numbers(0.5)
    scheduler = desk.make(clock=desk.clock(), rng=rng)
    stops = [KeyboardInterrupt(), SystemExit()]
    task = Fn("raise_KeyboardInterrupt_then_SystemExit_then_return", lambda: stops and throw(stops.pop(0)))
    scheduler.schedule(task, 0, priority=1)
    scheduler.schedule(Fn("other"), 0)
    desk.raises(KeyboardInterrupt, scheduler.run_due)
    desk.raises(SystemExit, scheduler.run_due)
    desk.expect(scheduler.dead_letters(), [])
    desk.expect(len(scheduler), 2)
    desk.expect(scheduler.run_due(), 2)
    desk.expect(rng.drawn, 0)


@check(level=3, needs=["nobody_waits_after_the_last_attempt"])
def the_cancelled_leave_no_letter(desk: Desk) -> None:
    """An alarm about a job that nobody wants any more wakes somebody for nothing."""
    clock, rng = desk.clock(), Numbers(0.5)
    scheduler = desk.make(clock=clock, rng=rng)
    task = Fn("cancel_itself_and_fail", lambda: (scheduler.cancel(1), throw(Down())))
    scheduler.schedule(task, 0, every=4, attempts=2)
    desk.expect(scheduler.run_due(), 1)
    clock.advance(64)
    desk.expect(scheduler.run_due(), 0)
    desk.expect(scheduler.dead_letters(), [])
    desk.expect(rng.drawn, 0)


@check(level=3)
def a_drained_scheduler_runs_what_is_due(desk: Desk) -> None:
    """A deployment should lose nothing that was promised for now."""
    log = []
    scheduler = desk.make(clock=desk.clock())
    scheduler.schedule(notes(log, "stops", lambda: scheduler.stop(drain=True)), 0)
    scheduler.schedule(notes(log, "due"), 0)
    scheduler.run()
    desk.expect(log, ["stops", "due"])
    scheduler.schedule(notes(log, "another"), 0)
    scheduler.stop()
    scheduler.stop(drain=True)
    desk.expect(scheduler.run_due(), 0)


@scenario(level=3, kills=["w09"], schedules=10, race_timeouts=False)
def a_drain_waits_for_nothing_later(make):
    """A deployment that waits for the reminders of next week is killed after half a minute."""
    clock, log = make.clock(), []
    scheduler = make(clock=clock, rng=Numbers(0.5))
    scheduler.schedule(at(clock, log, "next week"), 64)
    scheduler.schedule(lambda: (log.append("fails"), throw(Down())), 1, attempts=2)

    def runs():
        scheduler.run()
        log.append(("returned", clock.monotonic()))

    def stops():
        clock.sleep(1.25)
        scheduler.stop(drain=True)

    return {"runs": runs, "stops": stops}, lambda: make.expect(
        (log, len(scheduler)), (["fails", ("returned", 1.25)], 2)
    )


@scenario(level=3, schedules=20, race_timeouts=False)
def each_free_worker_is_in_time(make):
    """Nine workers sleep while a job is late, because the one who was woken is busy with another."""
    clock, log = make.clock(), []
    scheduler = make(clock=clock)

    def asks():
        clock.sleep(1)
        scheduler.schedule(lambda: (clock.sleep(16), log.append(("slow", clock.monotonic()))), 2)
        scheduler.schedule(at(clock, log, "quick"), 3)
        clock.sleep(18)
        scheduler.stop()

    return {"one": scheduler.run, "two": scheduler.run, "asks": asks}, lambda: make.expect(
        log, [("quick", 3.0), ("slow", 18.0)]
    )


@scenario(level=3, schedules=60)
def a_job_runs_on_one_worker(make):
    """Two workers that take the same job send the same bill twice."""
    log = []
    scheduler = make(clock=make.clock())
    scheduler.schedule(lambda: log.append("a"), 0)
    scheduler.schedule(lambda: log.append("b"), 0)
    runs = []

    def body():
        runs.append(scheduler.run_due())

    return {"one": body, "two": body}, lambda: make.expect((sorted(log), sum(runs), len(scheduler)), (["a", "b"], 2, 0))


@scenario(level=3, schedules=60)
def a_failure_is_counted_once(make):
    """Two workers that count into one number lose one of two failures."""
    scheduler = make(clock=make.clock(), rng=Numbers(0.5))
    scheduler.schedule(lambda: throw(Down()), 0)
    scheduler.schedule(lambda: throw(Down()), 0)

    def holds():
        letters = sorted(scheduler.dead_letters(), key=lambda letter: letter.id)
        return make.expect(letters, [DeadLetter(1, 1, "Down"), DeadLetter(2, 1, "Down")])

    return {"one": scheduler.run_due, "two": scheduler.run_due}, holds


@scenario(level=3, schedules=10, race_timeouts=False)
def a_retry_is_in_time(make):
    """A retry that nobody wakes up for comes with the next job, if there is one."""
    clock, log = make.clock(), []
    scheduler = make(clock=clock, rng=Numbers(0.0), base=4)

    def fails():
        log.append(clock.monotonic())
        raise Down

    scheduler.schedule(fails, 1, attempts=3)

    def stops():
        clock.sleep(16)
        scheduler.stop()

    return {"one": scheduler.run, "two": scheduler.run, "stops": stops}, lambda: make.expect(log, [1.0, 3.0, 7.0])


@scenario(level=3, kills=["w33"], schedules=10, race_timeouts=False)
def what_was_interrupted_is_run_by_who_is_free(make):
    """Ctrl-C ends one worker; the others sleep, and its job is due and lies there."""
    clock, log = make.clock(), []
    scheduler = make(clock=clock, rng=Numbers(0.0))

    def task():
        log.append(clock.monotonic())
        if len(log) == 1:
            clock.sleep(2)
            raise KeyboardInterrupt

    scheduler.schedule(task, 0)
    return beside_a_sleeper(scheduler, clock), lambda: make.expect(log, [0.0, 2.0])


def beside_a_sleeper(scheduler, clock):
    """One thread runs what is due; while its first task runs another begins to wait, and after 6 seconds all stop."""

    def one():
        try:
            scheduler.run_due()
        except KeyboardInterrupt:
            pass

    def free():
        clock.sleep(1)
        scheduler.run()

    def stops():
        clock.sleep(6)
        scheduler.stop()

    return {"one": one, "free": free, "stops": stops}


@scenario(level=3, schedules=10, race_timeouts=False)
def a_retry_is_in_time_for_who_is_free(make):
    """The first try was made by somebody who does nothing else any more; all others know of no job."""
    clock, log = make.clock(), []
    scheduler = make(clock=clock, rng=Numbers(0.0), base=4)

    def task():
        log.append(clock.monotonic())
        if len(log) == 1:
            clock.sleep(2)
            raise Down

    scheduler.schedule(task, 0, attempts=2)
    return beside_a_sleeper(scheduler, clock), lambda: make.expect(log, [0.0, 4.0])


@scenario(level=3, schedules=10, race_timeouts=False)
def an_interval_is_in_time_for_who_is_free(make):
    """A heartbeat that was begun by hand stops as soon as that hand is gone."""
    clock, log = make.clock(), []
    scheduler = make(clock=clock, rng=Numbers(0.0))
    scheduler.schedule(lambda: (log.append(clock.monotonic()), len(log) == 1 and clock.sleep(2)), 0, every=4)
    return beside_a_sleeper(scheduler, clock), lambda: make.expect(log, [0.0, 4.0])


@check(level=3)
def bad_rules_are_refused(desk: Desk) -> None:
    """A job with 0 attempts is never done, and nobody hears of it."""
    clock = desk.clock()
    desk.raises(ValueError, desk.make, clock=clock, base=0)
    desk.raises(ValueError, desk.make, clock=clock, base=2, cap=1)
    scheduler = desk.make(clock=clock, base=2, cap=2)
    desk.raises(ValueError, scheduler.schedule, Fn("task"), 0, attempts=0)
    desk.expect(len(scheduler), 0)


# -- level 4: half past two in Berlin ------------------------------------------------------------------------------


def table(desk, rows):
    """Expression, zone, after, and the first run, all worked out by hand."""
    scheduler = desk.make(clock=desk.clock())
    for expression, tz, after, first in rows:
        desk.afresh()
        found = scheduler.next_run(expression, tz, datetime.fromisoformat(after))
        desk.expect(found.isoformat(), first)


@check(level=4)
def the_fields_of_an_expression(desk: Desk) -> None:
    """A backup at 3 that runs every minute from 3 to 4 fills the disk."""
    start = "2024-01-01T00:00+00:00"  # a Monday
    table(desk, [
        ("* * * * *", "UTC", start, "2024-01-01T00:01:00+00:00"),
        ("0 3 * * *", "UTC", start, "2024-01-01T03:00:00+00:00"),
        ("0 0 * * *", "UTC", start, "2024-01-02T00:00:00+00:00"),
        ("*/25 * * * *", "UTC", "2024-01-01T00:50+00:00", "2024-01-01T01:00:00+00:00"),
        ("10-30/10 4,6 * * *", "UTC", "2024-01-01T04:30+00:00", "2024-01-01T06:10:00+00:00"),
        ("0 22 1 3,12 *", "UTC", start, "2024-03-01T22:00:00+00:00"),
        ("59 23 31 12 *", "UTC", start, "2024-12-31T23:59:00+00:00"),
        ("0 0 1 2 *", "UTC", "2023-01-31T12:00+00:00", "2023-02-01T00:00:00+00:00"),
        ("0 0 29 2 *", "UTC", "2024-02-29T00:00+00:00", "2028-02-29T00:00:00+00:00"),
        ("0 0 29 2 *", "UTC", "2096-03-01T00:00+00:00", "2104-02-29T00:00:00+00:00"),
        ("0 12 * * *", "UTC", "2024-01-01T12:00:00.000001+00:00", "2024-01-02T12:00:00+00:00"),
        ("0 12 * * *", "UTC", "2024-01-01T11:59:59.999999+00:00", "2024-01-01T12:00:00+00:00"),
        ("0 9 * * *", "Asia/Tokyo", start, "2024-01-02T09:00:00+09:00"),
        ("0 9 * * *", "America/New_York", start, "2024-01-01T09:00:00-05:00"),
    ])  # fmt: skip


@check(level=4, kills=["w12"])
def the_day_and_the_weekday(desk: Desk) -> None:
    """A job for Sundays that runs on Mondays is found out after a week, or after a year."""
    start = "2024-01-03T00:00+00:00"  # a Wednesday
    table(desk, [
        ("0 8 * * 1", "UTC", start, "2024-01-08T08:00:00+00:00"),
        ("0 8 * * 0", "UTC", start, "2024-01-07T08:00:00+00:00"),
        ("0 8 * * 7", "UTC", start, "2024-01-07T08:00:00+00:00"),
        ("0 8 * * 5-7", "UTC", "2024-01-06T09:00+00:00", "2024-01-07T08:00:00+00:00"),
        ("0 8 20 * 1", "UTC", start, "2024-01-08T08:00:00+00:00"),
        ("0 8 5 * 1", "UTC", start, "2024-01-05T08:00:00+00:00"),
        ("0 8 */10 * 1", "UTC", start, "2024-03-11T08:00:00+00:00"),
        ("0 8 13 * */5", "UTC", start, "2024-09-13T08:00:00+00:00"),
        ("0 8 1-31 * 1", "UTC", start, "2024-01-03T08:00:00+00:00"),
        ("0 8 30 2 1", "UTC", start, "2024-02-05T08:00:00+00:00"),
        ("0 8 1,* * 1", "UTC", start, "2024-01-03T08:00:00+00:00"),
        ("0 0 29 2 */7", "UTC", "2060-03-01T00:00+00:00", "2088-02-29T00:00:00+00:00"),
        ("0 0 29 2 */7", "UTC", "2088-03-01T00:00+00:00", "2128-02-29T00:00:00+00:00"),
    ])  # fmt: skip


@check(level=4, kills=["w10"])
def the_night_that_lacks_an_hour(desk: Desk) -> None:
    """The bill run of 02:30 is missing for one day of the year, or comes at half past three for all of summer."""
    table(desk, [
        ("30 2 * * *", "Europe/Berlin", "2024-03-30T12:00+01:00", "2024-03-31T03:00:00+02:00"),
        ("30 2 * * *", "Europe/Berlin", "2024-03-31T03:00+02:00", "2024-04-01T02:30:00+02:00"),
        ("10,40 2 * * *", "Europe/Berlin", "2024-03-31T01:00+01:00", "2024-03-31T03:00:00+02:00"),
        ("10,40 2 * * *", "Europe/Berlin", "2024-03-31T03:00+02:00", "2024-04-01T02:10:00+02:00"),
        ("59 2 * * *", "Europe/Berlin", "2024-03-31T01:00+01:00", "2024-03-31T03:00:00+02:00"),
        ("5,*/20 2 * * *", "Europe/Berlin", "2024-03-31T01:59+01:00", "2024-03-31T03:00:00+02:00"),
        ("0 3 * * *", "Europe/Berlin", "2024-03-31T01:00+01:00", "2024-03-31T03:00:00+02:00"),
        ("0 2,3 * * *", "Europe/Berlin", "2024-03-31T03:00+02:00", "2024-04-01T02:00:00+02:00"),
        ("30 2 * * *", "America/New_York", "2024-03-10T01:00-05:00", "2024-03-10T03:00:00-04:00"),
        ("*/30 2 * * *", "America/New_York", "2024-03-10T01:00-05:00", "2024-03-11T02:00:00-04:00"),
        ("30 * * * *", "America/New_York", "2024-03-10T01:30-05:00", "2024-03-10T03:30:00-04:00"),
        ("0 */2 * * *", "America/New_York", "2024-03-10T00:00-05:00", "2024-03-10T04:00:00-04:00"),
        ("10 2 * * *", "Australia/Lord_Howe", "2024-10-06T00:00+10:30", "2024-10-06T02:30:00+11:00"),
        ("45 2 * * *", "Australia/Lord_Howe", "2024-10-06T00:00+10:30", "2024-10-06T02:45:00+11:00"),
    ])  # fmt: skip


@check(level=4)
def the_first_passage_of_an_hour(desk: Desk) -> None:
    """Who is told "01:30" in the night of the change, and comes an hour later, finds the doors closed."""
    table(desk, [
        ("30 1 * * *", "America/New_York", "2024-11-03T00:00-04:00", "2024-11-03T01:30:00-04:00"),
        ("0 2 * * *", "Europe/Berlin", "2024-10-26T12:00+02:00", "2024-10-27T02:00:00+02:00"),
    ])  # fmt: skip


@check(level=4, kills=["w11", "w27"], needs=["the_first_passage_of_an_hour"])
def the_night_that_has_an_hour_twice(desk: Desk) -> None:
    """Money that is booked at 01:30 is booked twice in one night of the year."""
    table(desk, [
        ("30 1 * * *", "America/New_York", "2024-11-03T01:30-04:00", "2024-11-04T01:30:00-05:00"),
        ("30 1 * * *", "America/New_York", "2024-11-03T01:15-05:00", "2024-11-04T01:30:00-05:00"),
        ("30 * * * *", "America/New_York", "2024-11-03T01:30-04:00", "2024-11-03T01:30:00-05:00"),
        ("30 * * * *", "America/New_York", "2024-11-03T01:30-05:00", "2024-11-03T02:30:00-05:00"),
        ("*/30 1 * * *", "America/New_York", "2024-11-03T01:30-04:00", "2024-11-03T01:00:00-05:00"),
        ("*/30 2 * * *", "Europe/Berlin", "2024-10-27T02:30+02:00", "2024-10-27T02:00:00+01:00"),
        ("0 2 * * *", "Europe/Berlin", "2024-10-27T00:00+00:00", "2024-10-28T02:00:00+01:00"),
        ("45 1 * * *", "Australia/Lord_Howe", "2024-04-07T01:45+11:00", "2024-04-08T01:45:00+10:30"),
        ("45 * * * *", "Australia/Lord_Howe", "2024-04-07T01:45+11:00", "2024-04-07T01:45:00+10:30"),
    ])  # fmt: skip


@check(level=4, kills=["w30"])
def nights_without_a_midnight(desk: Desk) -> None:
    """Not all clocks are changed at two: some skip midnight, some come back to the day before, and one has skipped a day."""
    table(desk, [
        ("*/30 * * * *", "America/St_Johns", "2010-11-06T23:31-02:30", "2010-11-07T00:00:00-02:30"),
        ("*/30 * * * *", "America/St_Johns", "2010-11-07T00:00-02:30", "2010-11-06T23:30:00-03:30"),
        ("*/30 * * * *", "America/St_Johns", "2010-11-06T23:30-03:30", "2010-11-07T00:00:00-03:30"),
        ("0 0 * * *", "America/St_Johns", "2010-11-07T00:00-02:30", "2010-11-08T00:00:00-03:30"),
        ("0 0 * * *", "America/Sao_Paulo", "2018-11-03T12:00-03:00", "2018-11-04T01:00:00-02:00"),
        ("0 12 * * *", "Pacific/Apia", "2011-12-29T12:00-10:00", "2011-12-31T00:00:00+14:00"),
        ("0 12 * * *", "Pacific/Apia", "2011-12-31T00:00+14:00", "2011-12-31T12:00:00+14:00"),
        ("0 * * * *", "Pacific/Apia", "2011-12-29T23:00-10:00", "2011-12-31T00:00:00+14:00"),
    ])  # fmt: skip


@check(level=4, needs=["the_night_that_has_an_hour_twice"])
def after_may_be_in_the_second_passage(desk: Desk) -> None:
    """The time of now in its own zone is what everybody asks with, also between two and three in that night."""
    scheduler = desk.make(clock=desk.clock())
    after = datetime(2024, 10, 27, 2, 15, fold=1, tzinfo=ZoneInfo("Europe/Berlin"))
    found = scheduler.next_run("*/30 * * * *", "Europe/Berlin", after)
    desk.expect(found.isoformat(), "2024-10-27T02:30:00+01:00")


@check(level=4)
def what_is_no_expression_is_refused(desk: Desk) -> None:
    """A typing error that is taken for something runs at some time, or never."""
    scheduler = desk.make(clock=desk.clock())
    after = datetime.fromisoformat("2024-01-01T00:00+00:00")
    bad = ("", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 0 *",
           "* * * 13 *", "* * * * 8", "*/0 * * * *", "5/10 * * * *", "9-5 * * * *", "5- * * * *", "-5 * * * *",
           "1,,2 * * * *", "x * * * *", "*/x * * * *", "*/-1 * * * *", "1-60 * * * *",
           "+5 * * * *", "1_0 * * * *", "*/+5 * * * *")  # fmt: skip
    for expression in bad:
        desk.afresh()
        desk.raises(ValueError, scheduler.next_run, expression, "UTC", after)
    desk.raises(ValueError, scheduler.next_run, "* * * * *", "UTC", after.replace(tzinfo=None))
    desk.raises(ValueError, scheduler.cron, Fn("task"), "* * * * 8", "UTC")
    desk.raises(ValueError, scheduler.cron, Fn("task"), "* * * * *", "UTC", attempts=0)
    desk.expect(len(scheduler), 0)
    desk.raises(ValueError, desk.make, clock=desk.clock(), epoch=after.replace(tzinfo=None))


@check(level=4)
def days_that_never_come_are_refused(desk: Desk) -> None:
    """A job for 30 February is a mistake, and the best time to hear of it is when it is made."""
    scheduler = desk.make(clock=desk.clock())
    after = datetime.fromisoformat("2024-01-01T00:00+00:00")
    for expression in ("0 0 30 2 *", "0 0 31 4,6 *", "0 0 31 9-11/2 */2"):
        desk.raises(NeverFires, scheduler.next_run, expression, "UTC", after)
    desk.raises(NeverFires, scheduler.cron, Fn("task"), "0 0 30 2 *", "UTC")
    desk.expect(len(scheduler), 0)


@check(level=4, needs=["the_night_that_lacks_an_hour"])
def a_cron_job_lives_by_the_clock(desk: Desk) -> None:
    """What the calendar says must also happen, and only once."""
    clock, log = desk.clock(), []
    epoch = datetime.fromisoformat("2024-03-30T12:00+01:00")
    scheduler = desk.make(clock=clock, epoch=epoch, rng=Numbers(0.0), base=2)
    run = Fn("note_time_and_fail", lambda: (log.append(clock.monotonic() / 3600), throw(Down())))
    desk.expect(scheduler.cron(run, "30 2 * * *", "Europe/Berlin", attempts=2), 1)
    for seconds in (13.875 * 3600, 450, 0.875, 0.125, 23 * 3600, 0.5 * 3600, 1, 48 * 3600, 1):
        clock.advance(seconds)
        scheduler.run_due()
    desk.expect([round(hours, 2) for hours in log], [14.0, 14.0, 37.5, 37.5, 85.5, 85.5])
    desk.expect(len(scheduler.dead_letters()), 3)
    desk.expect(scheduler.cancel(1), True)


@check(level=4, kills=["w29"], needs=["a_cron_job_lives_by_the_clock"])
def an_epoch_is_an_instant(desk: Desk) -> None:
    """A service that was started on the eve of summer time is an hour late until it is started anew."""
    epoch = datetime(2024, 3, 30, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    clock = desk.clock()
    scheduler = desk.make(clock=clock, epoch=epoch)
    scheduler.cron(Fn("task"), "0 12 31 3 *", "Europe/Berlin")
    clock.advance(23 * 3600 - 1)
    desk.expect(scheduler.run_due(), 0)
    clock.advance(1)
    desk.expect(scheduler.run_due(), 1)
    clock.advance(3600)
    scheduler.cron(Fn("task"), "30 13 31 3 *", "Europe/Berlin")
    clock.advance(1799)
    desk.expect(scheduler.run_due(), 0)
    clock.advance(1)
    desk.expect(scheduler.run_due(), 1)


@check(level=4, needs=["a_cron_job_lives_by_the_clock"])
def a_minute_is_not_rounded_away(desk: Desk) -> None:
    """A clock seldom reads whole seconds; who rounds them up has missed what comes at once."""
    for seconds in (59.75, 59.9999997):
        desk.afresh()
        clock = desk.clock()
        scheduler = desk.make(clock=clock)
        desk.quietly(f"clock.advance({seconds})", lambda: clock.advance(seconds))  # noqa: B023 - called at once
        scheduler.cron(Fn("task"), "* * * * *", "UTC")
        desk.quietly(f"clock.advance(60 - {seconds})", lambda: clock.advance(60 - seconds))  # noqa: B023 - called at once
        desk.expect(scheduler.run_due(), 1)


@check(level=4, needs=["a_cron_job_lives_by_the_clock"])
def cron_jobs_have_priorities(desk: Desk) -> None:
    """At midnight everything is due at once; then it matters who goes first."""
    clock, log = desk.clock(1), []
    scheduler = desk.make(clock=clock)
    scheduler.schedule(notes(log, "first"), 60)
    scheduler.cron(notes(log, "second", lambda: throw(Down())), "1 0 * * 4", "UTC")  # it is a Thursday
    scheduler.cron(notes(log, "top"), "1 0 * * 4", "UTC", priority=1)
    scheduler.schedule(notes(log, "last"), 60)
    clock.advance(59)
    desk.expect(scheduler.run_due(), 4)
    desk.expect(log, ["top", "first", "second", "last"])
    desk.expect(scheduler.dead_letters(), [DeadLetter(2, 1, "Down")])
    desk.expect(len(scheduler), 2)


# -- level 5: a process dies ---------------------------------------------------------------------------------------


class Fleet:
    """Processes that share a store; `tasks` do what a check says, and write down what was run."""

    def __init__(self, desk, processes=2, **options):
        self.desk, self.log, self.store = desk, [], Store("store")
        self.clock = desk.clock()
        self.options = {"rng": Numbers(0.0), **options}
        self.stores, self.acts = [], []
        self.tasks = {"mail": Fn("send", self.run), "bill": Fn("charge", self.run)}
        self.processes = [self.process() for _ in range(processes)]

    def process(self):
        """One process more."""
        self.stores.append(store := self.store.connect())
        options = {"lease": 10, **self.options}
        return self.desk.make(clock=self.clock, store=store, tasks=self.tasks, **options)

    def run(self, claim):
        """What every task does: the next act of the play, if there is one."""
        self.log.append(claim.id)
        self.desk.quietly(f"# job {claim.id} runs", lambda: None)
        if self.acts:
            self.acts.pop(0)(claim)

    def dies(self, store):
        """An act: the process of `store` is killed here."""
        return lambda claim: self.desk.quietly("# the process is killed", lambda: store.kill())

    def fails(self, claim):
        """An act: the task fails."""
        self.desk.quietly("# it raises Down", lambda: throw(Down()))

    def ran(self, *numbers):
        """These jobs have run so far, in this order."""
        self.desk.true(self.log == [*numbers], f"the jobs {[*numbers]} have run", f"these have run: {self.log}")

    def killed(self, process):
        """Work until the process is killed."""
        self.desk.raises(Killed, process.run_due)


@check(level=5)
def any_process_runs_what_is_due(desk: Desk) -> None:
    """Who takes an order is not who packs it."""
    fleet = Fleet(desk)
    one, two = fleet.processes
    desk.expect(one.enqueue("mail", delay=2), 1)
    desk.expect(two.enqueue("bill"), 2)
    desk.expect(one.enqueue("mail"), 3)
    desk.expect(two.run_due(), 2)
    fleet.clock.advance(2)
    desk.expect(one.run_due(), 1)
    desk.expect(two.run_due(), 0)
    fleet.ran(2, 3, 1)


@check(level=5, needs=["any_process_runs_what_is_due"])
def failures_are_tried_again(desk: Desk) -> None:
    """With a store or without, a failure is a failure."""
    rng = Numbers(0.0, 0.5)
    fleet = Fleet(desk, rng=rng, base=4)
    one, two = fleet.processes
    one.enqueue("mail", attempts=3)
    fleet.acts = [fleet.fails] * 3
    desk.expect(one.run_due(), 1)
    fleet.clock.advance(1.875)
    desk.expect(one.run_due(), 0)
    fleet.clock.advance(0.125)
    desk.expect(one.run_due(), 1)
    fleet.clock.advance(5.875)
    desk.expect(two.run_due(), 0)
    desk.expect(two.dead_letters(), [])
    fleet.clock.advance(0.125)
    desk.expect(two.run_due(), 1)
    desk.expect(one.dead_letters(), [DeadLetter(1, 3, "Down")])
    desk.expect(rng.drawn, 2)
    fleet.clock.advance(64)
    desk.expect(one.run_due(), 0)


@check(level=5, kills=["w13"], needs=["any_process_runs_what_is_due"])
def what_a_dead_process_ran_is_run_again(desk: Desk) -> None:
    """A power cut must not eat the order that was just being packed."""
    fleet = Fleet(desk)
    one, two = fleet.processes
    one.enqueue("mail")
    fleet.acts = [fleet.dies(fleet.stores[0])]
    fleet.killed(one)
    fleet.clock.advance(9.875)
    desk.expect(two.run_due(), 0)
    fleet.clock.advance(0.125)
    desk.expect(two.run_due(), 1)
    fleet.ran(1, 1)
    desk.expect(two.dead_letters(), [])


@check(level=5, needs=["what_a_dead_process_ran_is_run_again"])
def a_kill_at_any_trip_loses_nothing(desk: Desk) -> None:
    """Every line of a program is the last one, some day."""
    for hook in ("on_trip", "on_answer"):
        for trip in range(1, 7):
            desk.afresh()
            fleet = Fleet(desk)
            one, two = fleet.processes
            two.enqueue("mail")
            kill_at(desk, fleet.stores[0], hook, trip)
            try:
                one.run_due()
                one.run_due()
            except Killed:
                pass
            fleet.clock.advance(10)
            two.run_due()
            fleet.clock.advance(10)
            desk.expect(two.run_due(), 0)
            desk.true(1 <= len(fleet.log) <= 2, "the job has run", f"it ran {len(fleet.log)} times")
            desk.expect(two.dead_letters(), [])


def kill_at(desk, store, hook, trip):
    """Kill the process at its `trip`-th transaction, before it or after its commit."""
    trips = []

    def count():
        trips.append(1)
        if len(trips) == trip:
            store.kill()

    where = "before" if hook == "on_trip" else "after the commit of"
    desk.quietly(
        f"# scheduler will be killed {where} its transaction number {trip}", lambda: setattr(store, hook, count)
    )


@check(level=5, needs=["any_process_runs_what_is_due"])
def what_was_put_there_stays(desk: Desk) -> None:
    """The customer has seen "thank you for your order"."""
    fleet = Fleet(desk)
    one, two = fleet.processes
    desk.expect(one.enqueue("mail"), 1)
    desk.quietly("# the process of scheduler is killed", lambda: setattr(fleet.stores[0], "_dead", True))
    desk.expect(two.run_due(), 1)


@check(level=5, kills=["w14"], needs=["what_a_dead_process_ran_is_run_again"])
def a_long_job_keeps_its_lease(desk: Desk) -> None:
    """A film takes an hour to cut; with a lease of half a minute 120 machines would cut it at once."""
    fleet = Fleet(desk)
    one, two = fleet.processes
    one.enqueue("mail")

    def long(claim):
        for _ in range(4):
            fleet.clock.advance(9)
            desk.expect(one.beat(), 1)
            desk.expect(two.run_due(), 0)
        fleet.clock.advance(9.875)
        desk.expect(two.run_due(), 0)
        desk.expect(two.beat(), 0)

    fleet.acts = [long]
    desk.expect(one.run_due(), 1)
    desk.expect(one.beat(), 0)


@check(level=5, kills=["w15"], needs=["what_a_dead_process_ran_is_run_again"])
def a_process_that_wakes_up_too_late_is_refused(desk: Desk) -> None:
    """A virtual machine that was frozen for a minute comes back and believes that nothing has happened."""
    fleet = Fleet(desk)
    one, two = fleet.processes
    one.enqueue("mail")

    def freezes(claim):
        fleet.clock.advance(10)
        fleet.killed(two)
        desk.expect(one.beat(), 0)

    fleet.acts = [freezes, fleet.dies(fleet.stores[1])]
    desk.expect(one.run_due(), 0)
    fleet.ran(1, 1)
    fleet.clock.advance(10)
    desk.expect(one.run_due(), 1)
    fleet.ran(1, 1, 1)


@check(level=5, needs=["what_a_dead_process_ran_is_run_again"])
def a_claim_ends_with_its_lease(desk: Desk) -> None:
    """Whoever has overslept cannot know who else is at work by now."""
    fleet = Fleet(desk)
    one, _ = fleet.processes
    one.enqueue("mail")

    def oversleeps(claim):
        fleet.clock.advance(9.875)
        desk.expect(one.beat(), 1)
        fleet.clock.advance(10)
        desk.expect(one.beat(), 0)

    fleet.acts = [oversleeps]
    desk.expect(one.run_due(), 1)
    fleet.ran(1, 1)


@check(level=5, needs=["a_process_that_wakes_up_too_late_is_refused"])
def a_late_failure_is_refused_too(desk: Desk) -> None:
    """Of two runs of one job the first may fail after the second has succeeded."""
    fleet = Fleet(desk, rng=(rng := Numbers(0.0)))
    one, two = fleet.processes
    one.enqueue("mail", attempts=2)

    def freezes_and_fails(claim):
        fleet.clock.advance(10)
        desk.expect(two.run_due(), 1)
        fleet.fails(claim)

    fleet.acts = [freezes_and_fails]
    desk.expect(one.run_due(), 0)
    desk.expect(one.dead_letters(), [])
    desk.expect(rng.drawn, 0)


@check(level=5, needs=["a_process_that_wakes_up_too_late_is_refused"])
def a_late_interrupt_is_refused_too(desk: Desk) -> None:
    """Whoever stops a process that was frozen must not free a job that another one has by now."""
    fleet = Fleet(desk, 3)
    one, two, three = fleet.processes
    one.enqueue("mail")

    def freezes_and_is_interrupted(claim):
        fleet.clock.advance(10)
        fleet.killed(two)
        desk.quietly("# it raises KeyboardInterrupt", lambda: throw(KeyboardInterrupt()))

    fleet.acts = [freezes_and_is_interrupted, fleet.dies(fleet.stores[1])]
    desk.raises(KeyboardInterrupt, one.run_due)
    desk.expect(three.run_due(), 0)
    fleet.ran(1, 1)


@check(level=5, kills=["w35"], needs=["a_process_that_wakes_up_too_late_is_refused"])
def the_way_to_the_store_takes_time(desk: Desk) -> None:
    """A lease that was looked at before the network hung is an old lease."""
    fleet = Fleet(desk)
    one, _ = fleet.processes
    one.enqueue("mail")
    fleet.acts = [lambda claim: slow(desk, fleet.stores[0], fleet.clock, 10)]
    desk.expect(one.run_due(), 1)
    fleet.ran(1, 1)


def slow(desk, store, clock, seconds):
    """Let the next way to the store take so long."""

    def waits():
        store.on_trip = lambda: None
        clock.advance(seconds)

    line = f"# the next transaction begins {seconds} seconds after it is asked for"
    desk.quietly(line, lambda: setattr(store, "on_trip", waits))


@check(level=5, needs=["a_claim_ends_with_its_lease"])
def a_beat_counts_what_is_left(desk: Desk) -> None:
    """A process that believes in two jobs and has one does the work of the other for nothing."""
    fleet = Fleet(desk)
    one, _ = fleet.processes
    one.enqueue("mail")
    one.enqueue("bill")

    def first(claim):
        fleet.clock.advance(5)
        one.run_due()

    def second(claim):
        fleet.clock.advance(5)
        desk.expect(one.beat(), 1)

    fleet.acts = [first, second]
    one.run_due()
    fleet.ran(1, 2, 1)


@check(level=5, needs=["a_process_that_wakes_up_too_late_is_refused"])
def each_claim_has_a_higher_fence(desk: Desk) -> None:
    """Whoever is downstream can refuse what comes from an old claim, if it can tell old from new."""
    fleet = Fleet(desk, rng=Numbers(0.0), base=1)
    one, two = fleet.processes
    one.enqueue("mail", attempts=2)
    claims = []

    def freezes(claim):
        claims.append(claim)
        fleet.clock.advance(10)
        two.run_due()

    def notes_and_fails(claim):
        claims.append(claim)
        fleet.fails(claim)

    fleet.acts = [freezes, notes_and_fails, claims.append]
    one.run_due()
    fleet.clock.advance(1)
    one.run_due()
    rising = [claim.fence for claim in claims]
    desk.true([type(claim) for claim in claims] == [Claim] * 3, "each run gets a Claim", "something else")
    desk.true(rising == sorted(set(rising)), "the fences of the three claims rise", f"they are {rising}")


@check(level=5, kills=["w16"], needs=["what_a_dead_process_ran_is_run_again"])
def a_poisoned_job_is_given_up(desk: Desk) -> None:
    """A picture that crashes the process which opens it would crash all of them, one after the other, for ever."""
    fleet = Fleet(desk, 4)
    fleet.processes[0].enqueue("mail", attempts=9)
    for number in (0, 1, 2):
        fleet.acts = [fleet.dies(fleet.stores[number])]
        fleet.killed(fleet.processes[number])
        fleet.clock.advance(10)
    fleet.processes[3].run_due()
    fleet.ran(1, 1, 1)
    desk.expect(fleet.processes[3].dead_letters(), [DeadLetter(1, 0, "crashed")])


@check(level=5, needs=["a_poisoned_job_is_given_up"])
def a_death_by_crashes_is_no_outcome(desk: Desk) -> None:
    """Who counts what he has done must not count what others have left behind."""
    fleet = Fleet(desk, max_crashes=1)
    one, two = fleet.processes
    one.enqueue("mail")
    fleet.acts = [fleet.dies(fleet.stores[0])]
    fleet.killed(one)
    fleet.clock.advance(10)
    desk.expect(two.run_due(), 0)
    desk.expect(two.dead_letters(), [DeadLetter(1, 0, "crashed")])


@check(level=5, kills=["w34"], needs=["a_poisoned_job_is_given_up"])
def a_failure_does_not_undo_a_crash(desk: Desk) -> None:
    """A job that kills every second process is as much a poison, and fails politely between."""
    fleet = Fleet(desk, 3, max_crashes=2)
    one, two, three = fleet.processes
    one.enqueue("mail", attempts=9)
    fleet.acts = [fleet.dies(fleet.stores[0]), fleet.fails, fleet.dies(fleet.stores[1])]
    fleet.killed(one)
    fleet.clock.advance(10)
    desk.expect(two.run_due(), 1)
    fleet.clock.advance(1)
    fleet.killed(two)
    fleet.clock.advance(10)
    three.run_due()
    fleet.ran(1, 1, 1)
    desk.expect(three.dead_letters(), [DeadLetter(1, 1, "crashed")])


@check(level=5, needs=["a_poisoned_job_is_given_up"])
def who_was_given_up_is_refused(desk: Desk) -> None:
    """A job that is reported dead and then done makes people distrust both reports."""
    fleet = Fleet(desk, max_crashes=1)
    one, two = fleet.processes
    one.enqueue("mail")
    one.enqueue("bill")

    def freezes(claim):
        fleet.clock.advance(10)
        desk.expect(two.run_due(), 1)
        desk.expect(one.beat(), 0)

    fleet.acts = [freezes]
    desk.expect(one.run_due(), 0)
    desk.expect(one.dead_letters(), [DeadLetter(1, 0, "crashed")])
    fleet.ran(1, 2)


@check(level=5, needs=["what_a_dead_process_ran_is_run_again"])
def an_interrupted_job_is_free_at_once(desk: Desk) -> None:
    """A deployment stops every process; if each leaves its job locked, all wait for their leases."""
    fleet = Fleet(desk, rng=(rng := Numbers(0.5)), max_crashes=1)
    one, two = fleet.processes
    one.enqueue("mail")
    fleet.acts = [lambda claim: throw(KeyboardInterrupt()), lambda claim: throw(Stop())]
    desk.raises(KeyboardInterrupt, one.run_due)
    desk.expect(one.beat(), 0)
    desk.raises(Stop, two.run_due)
    desk.expect(one.run_due(), 1)
    desk.expect(rng.drawn, 0)


class Stop(BaseException):
    """What a task of somebody else may end with."""


@check(level=5, needs=["any_process_runs_what_is_due"])
def no_transaction_is_open_while_a_task_runs(desk: Desk) -> None:
    """A database in which a transaction is open for an hour stops cleaning up."""
    fleet = Fleet(desk)
    one, _ = fleet.processes
    one.enqueue("mail")
    fleet.acts = [lambda claim: desk.expect(one.enqueue("bill"), 2)]
    desk.expect(one.run_due(), 2)


@scenario(level=5, kills=["w31"], schedules=60)
def a_beat_may_come_at_any_time(make):
    """The thread of the heartbeat knows nothing of the other; a connection that both use at once is broken."""
    runs, beats, log = [], [], []
    scheduler = make(clock=make.clock(), store=Store(), tasks={"mail": log.append})
    scheduler.enqueue("mail")

    def works():
        runs.append(scheduler.run_due())

    def beats_once():
        beats.append(scheduler.beat())

    def holds():
        seen = {"outcomes": runs, "runs": len(log), "claims renewed": beats}
        return make.expect(seen, {"outcomes": [1], "runs": 1, "claims renewed": [1] if 1 in beats else [0]})

    return {"works": works, "beats": beats_once}, holds


@check(level=5)
def bad_queues_are_refused(desk: Desk) -> None:
    """A lease of 0 seconds is a job that everybody runs at once."""
    clock = desk.clock()
    desk.raises(ValueError, desk.make, clock=clock, store=Store(), tasks={}, lease=0)
    desk.raises(ValueError, desk.make, clock=clock, store=Store(), tasks={}, max_crashes=0)
    scheduler = desk.make(clock=clock, store=Store(), tasks={"mail": Fn("send")}, lease=1, max_crashes=1)
    desk.raises(ValueError, scheduler.enqueue, "male")
    desk.raises(ValueError, scheduler.enqueue, "mail", delay=-1)
    desk.raises(ValueError, scheduler.enqueue, "mail", attempts=0)
    desk.expect(scheduler.run_due(), 0)


# -- level 6: many at once -----------------------------------------------------------------------------------------


def between(store, action):
    """Before each transaction of this process from now on, others do something, one after the other."""
    todo = list(action)

    def hook():
        if todo:
            todo.pop(0)()

    store.on_trip = hook


@check(level=6, kills=["w17"])
def two_claim_at_once(desk: Desk) -> None:
    """Two processes that have seen the same free job both run it: the customer pays twice."""
    for pauses in range(1, 4):
        desk.afresh()
        fleet = Fleet(desk)
        one, two = fleet.processes
        one.enqueue("mail")
        one.enqueue("bill")
        nothing = [lambda: None] * (pauses - 1)
        between(fleet.stores[0], [*nothing, lambda: desk.quietly("scheduler_2.run_due()  # meanwhile", two.run_due)])
        one.run_due()
        desk.true(sorted(fleet.log) == [1, 2], "the jobs 1 and 2 have run, once each", f"these have run: {fleet.log}")


@check(level=6, needs=["two_claim_at_once"])
def a_renewal_is_no_claim(desk: Desk) -> None:
    """A heartbeat that writes without looking takes a job away from who has it."""
    fleet = Fleet(desk)
    one, two = fleet.processes
    one.enqueue("mail")

    def freezes(claim):
        fleet.clock.advance(10)
        between(fleet.stores[0], [lambda: desk.quietly("scheduler_2.run_due()  # meanwhile", two.run_due)])
        desk.expect(one.beat(), 0)

    fleet.acts = [freezes]
    desk.expect(one.run_due(), 0)


@check(level=6, kills=["w18"])
def two_enqueue_the_same_at_once(desk: Desk) -> None:
    """A double click must not become a double order, also when two servers answer."""
    for pauses in range(1, 4):
        desk.afresh()
        fleet = Fleet(desk)
        one, two = fleet.processes
        nothing = [lambda: None] * (pauses - 1)
        also = lambda: desk.quietly("scheduler_2.enqueue('mail', unique='x')  # meanwhile",
                                    lambda: two.enqueue("mail", unique="x"))  # fmt: skip
        between(fleet.stores[0], [*nothing, also])
        number = one.enqueue("mail", unique="x")
        fleet.stores[0].on_trip = lambda: None
        desk.expect(two.enqueue("mail", unique="x"), number)
        desk.expect(one.run_due(), 1)


@check(level=6)
def unique_means_that_waits_or_runs(desk: Desk) -> None:
    """The next order of the same customer is a new one; and a full store has room for what is there already."""
    fleet = Fleet(desk, capacity=1, base=4)
    one, two = fleet.processes
    desk.expect(one.enqueue("mail", unique="x"), 1)
    desk.expect(two.enqueue("mail", unique="x"), 1)
    fleet.acts = [lambda claim: desk.expect(two.enqueue("mail", unique="x"), 1)]
    desk.expect(one.run_due(), 1)
    desk.expect(two.enqueue("mail", unique="x"), 2)
    desk.raises(QueueFull, two.enqueue, "mail", unique="y")
    fleet.acts = [fleet.fails]
    desk.expect(one.run_due(), 1)
    desk.expect(two.enqueue("mail", unique="x"), 3)


@check(level=6, needs=["unique_means_that_waits_or_runs"])
def a_retry_waits_too(desk: Desk) -> None:
    """An order that is tried again in a minute is not gone; who clicks once more must not order twice."""
    fleet = Fleet(desk, base=4)
    one, two = fleet.processes
    one.enqueue("mail", unique="x", attempts=2)
    fleet.acts = [fleet.fails]
    desk.expect(one.run_due(), 1)
    desk.expect(two.enqueue("mail", unique="x"), 1)
    fleet.clock.advance(2)
    fleet.acts = [fleet.dies(fleet.stores[0])]
    fleet.killed(one)
    fleet.clock.advance(10)
    desk.expect(two.enqueue("mail", unique="x"), 1)


@check(level=6, kills=["w24"], needs=["unique_means_that_waits_or_runs"])
def a_lost_answer_may_be_asked_for_again(desk: Desk) -> None:
    """The network fails after the commit; whoever tries again must not order twice, or fail what has been done."""
    fleet = Fleet(desk)
    one, two = fleet.processes
    lose(desk, fleet.stores[0])
    desk.raises(Unavailable, one.enqueue, "mail", unique="x")
    desk.expect(one.enqueue("mail", unique="x"), 1)
    fleet.acts = [lambda claim: lose(desk, fleet.stores[0])]
    desk.raises(Unavailable, one.run_due)
    fleet.clock.advance(10)
    desk.expect(two.run_due(), 0)
    desk.expect(two.dead_letters(), [])
    fleet.ran(1)


def lose(desk, store):
    """Lose the next answer of the store."""

    def loses():
        store.on_answer = lambda: None
        raise Unavailable

    desk.quietly("# the next answer of the store to scheduler will be lost", lambda: setattr(store, "on_answer", loses))


@check(level=6, needs=["two_claim_at_once"])
def a_lost_claim_is_nobodys(desk: Desk) -> None:
    """Who does not hear whether he has the job must not ask for the next one as if nothing had happened."""
    fleet = Fleet(desk)
    one, two = fleet.processes
    one.enqueue("mail")
    lose(desk, fleet.stores[0])
    desk.raises(Unavailable, one.run_due)
    fleet.ran()
    fleet.clock.advance(10)
    desk.expect(two.run_due(), 1)
    fleet.ran(1)


@check(level=6, kills=["w25"])
def a_key_is_served_in_order(desk: Desk) -> None:
    """ "Paid" that overtakes "ordered" is a payment without an order."""
    fleet = Fleet(desk, base=4)
    one, two = fleet.processes
    one.enqueue("mail", key="k", attempts=2)
    one.enqueue("bill", key="k")
    one.enqueue("mail", key="other")
    one.enqueue("mail")

    def fails(claim):
        desk.expect(two.run_due(), 2)
        fleet.fails(claim)

    fleet.acts = [fails]
    desk.expect(one.run_due(), 1)
    fleet.ran(1, 3, 4)
    desk.expect(two.run_due(), 0)
    fleet.clock.advance(2)
    desk.expect(two.run_due(), 2)
    fleet.ran(1, 3, 4, 1, 2)


@check(level=6, needs=["a_key_is_served_in_order"])
def a_second_run_holds_its_key_too(desk: Desk) -> None:
    """After a crash the first order runs again, and the second one must wait for it as before."""
    fleet = Fleet(desk, 3)
    one, two, three = fleet.processes
    one.enqueue("mail", key="k")
    one.enqueue("bill", key="k")
    fleet.acts = [fleet.dies(fleet.stores[0]), lambda claim: desk.expect(three.run_due(), 0)]
    fleet.killed(one)
    fleet.clock.advance(10)
    desk.expect(two.run_due(), 2)
    fleet.ran(1, 1, 2)


@check(level=6, needs=["a_key_is_served_in_order"])
def a_dead_job_frees_its_key(desk: Desk) -> None:
    """One bad message must not stop all others of that customer for ever."""
    fleet = Fleet(desk, max_crashes=1)
    one, two = fleet.processes
    one.enqueue("mail", key="", delay=1)
    one.enqueue("bill", key="")
    desk.expect(one.run_due(), 0)
    fleet.clock.advance(1)
    fleet.acts = [fleet.dies(fleet.stores[0])]
    fleet.killed(one)
    desk.expect(two.run_due(), 0)
    fleet.clock.advance(10)
    desk.expect(two.run_due(), 1)
    fleet.ran(1, 2)


@check(level=6)
def a_child_waits_for_all_its_parents(desk: Desk) -> None:
    """An invoice that is written before the prices are there is an invoice over nothing."""
    fleet = Fleet(desk, rng=Numbers(0.0), base=4)
    one, two = fleet.processes
    one.enqueue("mail", delay=1)
    one.enqueue("mail", attempts=2)
    desk.expect(two.enqueue("bill", after=[1, 2]), 3)
    fleet.acts = [fleet.fails]
    desk.expect(one.run_due(), 1)
    fleet.clock.advance(1)
    fleet.acts = [lambda claim: desk.expect(two.run_due(), 0)]
    desk.expect(one.run_due(), 1)
    fleet.clock.advance(1)
    desk.expect(one.run_due(), 2)
    fleet.ran(2, 1, 2, 3)
    desk.expect(one.enqueue("bill", after=[1]), 4)
    desk.expect(one.run_due(), 1)
    for nobody in (9, 0, -1):
        desk.raises(ValueError, one.enqueue, "bill", after=[1, nobody])
    desk.expect(one.enqueue("bill"), 5)


@check(level=6, kills=["w19"], needs=["a_child_waits_for_all_its_parents"])
def a_parent_ends_while_its_child_begins(desk: Desk) -> None:
    """A child that waits for a parent who is gone waits for ever, and nobody sees why."""
    for pauses in range(1, 4):
        desk.afresh()
        fleet = Fleet(desk)
        one, two = fleet.processes
        one.enqueue("mail")
        nothing = [lambda: None] * (pauses - 1)
        between(fleet.stores[0], [*nothing, lambda: desk.quietly("scheduler_2.run_due()  # meanwhile", two.run_due)])
        child = one.enqueue("bill", after=[1])
        fleet.stores[0].on_trip = lambda: None
        one.run_due()
        fleet.ran(1, child)


@check(level=6, needs=["a_child_waits_for_all_its_parents"])
def children_of_the_dead_are_dead(desk: Desk) -> None:
    """Jobs that wait for what will never come fill the store, and nobody is told."""
    fleet = Fleet(desk, max_crashes=1)
    one, two = fleet.processes
    one.enqueue("mail")
    one.enqueue("bill", after=[1])
    one.enqueue("bill", after=[2], delay=64)
    one.enqueue("mail")
    fleet.acts = [fleet.fails]
    desk.expect(two.run_due(), 2)
    letters = [DeadLetter(1, 1, "Down"), DeadLetter(2, 0, "parent"), DeadLetter(3, 0, "parent")]
    desk.expect(two.dead_letters(), letters)
    desk.expect(one.enqueue("mail", after=[3]), 5)
    desk.expect(one.dead_letters(), [*letters, DeadLetter(5, 0, "parent")])
    one.enqueue("mail")
    one.enqueue("bill", after=[6])
    one.enqueue("mail", delay=1)
    fleet.acts = [fleet.dies(fleet.stores[0])]
    fleet.killed(one)
    fleet.clock.advance(10)
    fleet.acts = [lambda claim: desk.expect(len(two.dead_letters()), 6)]
    desk.expect(two.run_due(), 1)
    fleet.ran(1, 4, 6, 8)


@check(level=6, needs=["children_of_the_dead_are_dead"])
def children_die_with_their_parents(desk: Desk) -> None:
    """Between the death of a parent and the next look there may be a night."""
    fleet = Fleet(desk)
    one, two = fleet.processes
    one.enqueue("mail")
    one.enqueue("bill", after=[1])
    fleet.acts = [lambda claim: (kill_at(desk, fleet.stores[0], "on_answer", 1), fleet.fails(claim))]
    fleet.killed(one)
    desk.expect(two.dead_letters(), [DeadLetter(1, 1, "Down"), DeadLetter(2, 0, "parent")])


@check(level=6, kills=["w20"])
def a_full_store_takes_back_what_it_has_given(desk: Desk) -> None:
    """A job that was accepted, failed, and found its place taken is a promise that was broken in silence."""
    fleet = Fleet(desk, capacity=2, base=4, max_crashes=2)
    one, two = fleet.processes
    desk.raises(ValueError, desk.make, clock=fleet.clock, store=Store(), tasks={}, capacity=0)
    one.enqueue("mail", attempts=2)
    one.enqueue("mail", delay=64)
    desk.raises(QueueFull, two.enqueue, "bill")

    def fails(claim):
        desk.expect(two.enqueue("bill", delay=64), 3)
        desk.raises(QueueFull, two.enqueue, "bill")
        fleet.fails(claim)

    fleet.acts = [fails]
    desk.expect(one.run_due(), 1)
    desk.raises(QueueFull, two.enqueue, "bill")
    fleet.clock.advance(2)
    fleet.acts = [fleet.dies(fleet.stores[0])]
    fleet.killed(one)
    fleet.clock.advance(10)
    desk.expect(two.run_due(), 1)
    desk.expect(two.dead_letters(), [])
    fleet.clock.advance(64)
    desk.expect(two.run_due(), 2)
