"""The scenarios: threads under the scheduler."""

from lldkit.dojo.author import scenario

NAMES = ("Ann", "Bob", "Cyd", "Dan")


def walkers(barrier, count, rounds=1):
    """So many threads that walk through the barrier so often, and what they note: "in" before it, "out" behind it."""
    log = []

    def walk():
        for number in range(rounds):
            log.append(f"in {number}")
            barrier.wait()
            log.append(f"out {number}")

    return dict.fromkeys(NAMES[:count], walk), log


@scenario(level=1, schedules=1)
def one_party_never_waits(make):
    """A job that is run with one worker must not wait for others; and a barrier for nobody is a mistake."""
    told = []

    def story():
        barrier = make(1)
        told.extend([barrier.wait(), barrier.wait(), make.outcome(make, 0), make.outcome(make, -1)])

    return {"Eve": story}, lambda: make.expect(told, [0, 0, "ValueError", "ValueError"])


@scenario(level=1, kills=["w01", "w03"], schedules=40, smoke=True)
def all_pass_together(make):
    """Three workers are to begin the second phase together; one goes on, and the other two stand at the gate for ever."""
    bodies, log = walkers(make(3), 3)
    return bodies, lambda: make.expect(log, ["in 0"] * 3 + ["out 0"] * 3)


@scenario(level=1, kills=["w02"], proof="sync", smoke=True)
def it_is_used_again_at_once(make):
    """A fast worker is back at the gate while a slow one still rubs his eyes: phase two stands still, once a week."""
    bodies, log = walkers(make(2), 2, rounds=2)

    def invariant():
        make.expect(sorted(log[:3]).count("in 0"), 2)
        return make.expect("out 1" in log[: log.index("in 1") + 2], False)

    return bodies, invariant


@scenario(level=1, kills=["w04"], proof="free")
def everybody_has_a_number_of_his_own(make):
    """Number 0 writes the report of the phase; today there are two reports, or none."""
    barrier, numbers = make(2), []

    def come():
        numbers.append(barrier.wait())

    return {"Ann": come, "Bob": come}, lambda: make.expect(sorted(numbers), [0, 1])


@scenario(level=1, schedules=40)
def rounds_are_filled_by_whoever_comes(make):
    """Four threads and two places: two rounds, whoever meets whom."""
    barrier, numbers = make(2), []

    def come():
        numbers.append(barrier.wait())

    return dict.fromkeys(NAMES, come), lambda: make.expect(sorted(numbers), [0, 0, 1, 1])


@scenario(level=1, kills=["w05"], schedules=40, spurious_wakeups=True, max_steps=2_000)
def a_wake_up_is_no_full_round(make):
    """A worker begins phase two before another has finished phase one, and reads what is not there yet."""
    bodies, log = walkers(make(2), 2)
    return bodies, lambda: make.expect(log, ["in 0"] * 2 + ["out 0"] * 2)


@scenario(level=2, kills=["w06"], schedules=25, race_timeouts=False)
def who_gives_up_takes_the_others_along(make):
    """One worker has given up; the other ones wait for it until somebody restarts the whole cluster."""
    barrier, clock, told = make(3), make.clock(), []

    def come(timeout):
        told.append((make.outcome(barrier.wait, timeout=timeout), clock.monotonic()))

    bodies = {"hasty": lambda: come(5), "patient": lambda: come(None)}
    return bodies, lambda: make.expect(told, [("BrokenBarrier", 5)] * 2)


@scenario(level=2, kills=["w08"], schedules=25, race_timeouts=False)
def who_comes_too_late_is_told(make):
    """The round can never be full any more; who comes now must hear it, not wait for it."""
    barrier, clock, told = make(2), make.clock(), []

    def hasty():
        make.outcome(barrier.wait, timeout=5)

    def late():
        clock.sleep(8)
        told.extend([make.outcome(barrier.wait), make.outcome(barrier.wait, timeout=3), clock.monotonic()])

    expected = ["BrokenBarrier", "BrokenBarrier", 8]
    return {"hasty": hasty, "late": late}, lambda: make.expect(told, expected)


@scenario(level=2, schedules=25, race_timeouts=False)
def an_abort_wakes_everybody(make):
    """The coordinator has seen a worker die and says so; nobody is to wait out his time."""
    barrier, clock, told = make(3), make.clock(), []

    def come():
        told.append((make.outcome(barrier.wait, timeout=9), clock.monotonic()))

    def coordinator():
        clock.sleep(2)
        barrier.abort()

    bodies = {"Ann": come, "Bob": come, "coordinator": coordinator}
    return bodies, lambda: make.expect(told, [("BrokenBarrier", 2)] * 2)


@scenario(level=2, kills=["w09"], schedules=1)
def an_abort_counts_before_anybody_waits(make):
    """The worker died before the others had come; they come, and wait for it."""
    told = []

    def story():
        barrier = make(1)
        barrier.abort()
        told.append(make.outcome(barrier.wait))
        barrier.reset()
        told.append(make.outcome(barrier.wait))

    return {"Eve": story}, lambda: make.expect(told, ["BrokenBarrier", 0])


@scenario(level=2, kills=["w10"], schedules=10, race_timeouts=False)
def who_comes_last_need_not_wait(make):
    """All are there, and the last one, who has no time to wait, breaks what is complete."""
    barrier, clock, told = make(2), make.clock(), []

    def come(at, timeout):
        clock.sleep(at)
        told.append(make.outcome(barrier.wait, timeout=timeout))

    bodies = {"patient": lambda: come(0, 8), "last": lambda: come(2, 0)}
    return bodies, lambda: make.expect(sorted(map(str, told)), ["0", "1"])


@scenario(level=2, kills=["w07"], schedules=25, race_timeouts=False)
def a_reset_comes_for_all(make):
    """The barrier is broken and mended at once; one who slept through both waits for a round that nobody remembers."""
    barrier, clock, told = make(3), make.clock(), []

    def come():
        told.append(make.outcome(barrier.wait))
        clock.sleep(2)
        told.append(make.outcome(barrier.wait))

    def coordinator():
        clock.sleep(1)
        barrier.abort()
        barrier.reset()
        clock.sleep(2)
        told.append(make.outcome(barrier.wait))

    def invariant():
        return make.expect(sorted(map(str, told)), ["0", "1", "2", "BrokenBarrier", "BrokenBarrier"])

    return {"Ann": come, "Bob": come, "coordinator": coordinator}, invariant


@scenario(level=2, schedules=25, race_timeouts=False)
def a_reset_of_a_whole_barrier_sends_the_waiting_away(make):
    """Whoever resets begins anew: nobody may count who waits from before."""
    barrier, clock, told = make(2), make.clock(), []

    def come():
        told.append(make.outcome(barrier.wait))

    def coordinator():
        clock.sleep(2)
        barrier.reset()
        clock.sleep(2)
        told.append(make.outcome(barrier.wait, timeout=3))
        told.append(clock.monotonic())

    expected = ["BrokenBarrier", "BrokenBarrier", 7]
    return {"Ann": come, "coordinator": coordinator}, lambda: make.expect(told, expected)


@scenario(level=2, schedules=100)
def a_round_ends_in_one_way_for_all(make):
    """The time-out meets the last to come: either both go on, or both know that nobody did."""
    barrier, told = make(2), []

    def hasty():
        told.append(make.outcome(barrier.wait, timeout=1))

    def other():
        told.append(make.outcome(barrier.wait))

    def invariant():
        return make.expect(sorted(map(str, told)) in (["0", "1"], ["BrokenBarrier"] * 2), True)

    return {"hasty": hasty, "other": other}, invariant
