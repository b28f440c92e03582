"""The scenarios: threads under the scheduler, and stories of one thread."""

import threading

from lldkit.dojo.author import scenario


class Down(BaseException):
    """What ends a block that is no Exception, as a cancellation."""


def caught(call):
    """What `call` returns, or the name of what it raises."""
    try:
        return call()
    except (Exception, Down) as error:
        return type(error).__name__


def visitor(enter, inside, seen, name):
    """A thread that is inside once, and notes whom it met there."""

    def body():
        with enter():
            inside.append(name)
            seen.append("".join(sorted(inside)))
            inside.remove(name)

    return body


@scenario(level=1, schedules=20)
def readers_share(make):
    """A thousand readers stand in line for a page that nobody changes."""
    lock, begun, met = make(), threading.Event(), threading.Event()

    def ann():
        with lock.read():
            begun.set()
            met.wait()

    def bob():
        begun.wait()
        with lock.read():
            met.set()

    return {"Ann": ann, "Bob": bob}, None


@scenario(level=1, kills=["w03"], schedules=80, smoke=True, spurious_wakeups=True, max_steps=2_000)
def a_writer_is_alone(make):
    """A reader sees the new street and the old town."""
    lock, inside, seen = make(), [], []
    enters = {"w": lock.write, "r": lock.read, "v": lock.write}
    bodies = {name: visitor(enter, inside, seen, name) for name, enter in enters.items()}
    return bodies, lambda: make.expect(sorted(seen), ["r", "v", "w"])


@scenario(level=1, kills=["w09"], schedules=20, race_timeouts=False)
def all_readers_who_waited_are_let_in(make):
    """The new edition is out; one of those who waited reads it, and the others wait for the next one."""
    lock, clock, meeting = make(), make.clock(), threading.Barrier(2)

    def write():
        with lock.write():
            clock.sleep(4)

    def read():
        clock.sleep(1)
        with lock.read():
            meeting.wait()

    return {"writer": write, "Ann": read, "Bob": read}, None


@scenario(level=1, kills=["w10"], schedules=40, spurious_wakeups=True, max_steps=2_000)
def a_wake_up_is_no_invitation(make):
    """`wait` may return although nobody has notified; its documentation says so."""
    lock, inside, seen = make(), [], []
    bodies = {name: visitor(lock.write, inside, seen, name) for name in "wv"}
    return bodies, lambda: make.expect(sorted(seen), ["v", "w"])


@scenario(level=1, kills=["w02"], schedules=20)
def the_last_reader_lets_the_writer_go(make):
    """All readers have gone, and the writer sleeps; the next reader finds a free lock, and the update comes tomorrow."""
    lock, clock, done = make(), make.clock(), []

    def read():
        with lock.read():
            clock.sleep(2)

    def write():
        clock.sleep(1)
        with lock.write():
            done.append("written")

    return {"Ann": read, "Bob": read, "writer": write}, lambda: make.expect(done, ["written"])


@scenario(level=1, kills=["w07"], schedules=1)
def an_error_gives_it_back(make):
    """One page could not be rendered, and since then nobody can publish."""
    told = []

    def story():
        lock = make()
        for enter in (lock.read, lock.write, lock.read):
            for error in (KeyError("a"), Down()):

                def fails(enter=enter, error=error):
                    with enter():
                        raise error

                told.append(caught(fails))

    return {"Eve": story}, lambda: make.expect(told, ["KeyError", "Down"] * 3)


@scenario(level=2, kills=["w01"], schedules=20, race_timeouts=False)
def a_waiting_writer_keeps_new_readers_out(make):
    """There is always somebody who reads; the price that was to be changed on Monday is still there on Friday."""
    lock, clock, log = make(), make.clock(), []

    def ann():
        with lock.read():
            clock.sleep(4)

    def writer():
        clock.sleep(1)
        with lock.write():
            log.append(("writer", clock.monotonic()))
            clock.sleep(2)

    def bob():
        clock.sleep(2)
        with lock.read():
            log.append(("Bob", clock.monotonic()))

    return {"Ann": ann, "writer": writer, "Bob": bob}, lambda: make.expect(log, [("writer", 4), ("Bob", 6)])


@scenario(level=2, kills=["w08"], schedules=20, race_timeouts=False)
def a_leaving_writer_lets_a_writer_go_first(make):
    """Two parts of one change are to be seen together; readers who slip in between see half of it."""
    lock, clock, log = make(), make.clock(), []

    def comes(at, enter, name):
        def body():
            clock.sleep(at)
            with enter():
                log.append(name)
                clock.sleep(4)

        return body

    bodies = {
        "first": comes(0, lock.write, "first"),
        "reader": comes(1, lock.read, "reader"),
        "second": comes(2, lock.write, "second"),
    }
    return bodies, lambda: make.expect(log, ["first", "second", "reader"])


@scenario(level=3, kills=["w11"], schedules=20, race_timeouts=False)
def a_time_out_is_kept(make):
    """Whoever waits at most 3 seconds is told after 3 seconds, whoever leaves meanwhile; and he may come again."""
    lock, clock, told = make(), make.clock(), []

    def holds(seconds):
        with lock.read():
            clock.sleep(seconds)

    def comes(at, enter, timeout):
        def enters():
            with enter(timeout=timeout):
                return "inside"

        def body():
            for pause in (at, 8):
                clock.sleep(pause)
                told.append((make.outcome(enters), clock.monotonic()))

        return body

    bodies = {
        "Ann": lambda: holds(3),
        "Bob": lambda: holds(9),
        "writer": comes(1, lock.write, 5),
        "reader": comes(2, lock.read, 3),
    }
    expected = [("TimeoutError", 5), ("TimeoutError", 6), ("inside", 13), ("inside", 14)]
    return bodies, lambda: make.expect(told, expected)


def gives_up(make, lock, clock):
    """Ann reads for ten seconds; a writer comes at 1 and gives up at 3."""

    def ann():
        with lock.read():
            clock.sleep(10)

    def enters():
        with lock.write(timeout=2):
            pass

    def writer():
        clock.sleep(1)
        make.outcome(enters)

    return {"Ann": ann, "writer": writer}


def reads_at(lock, clock, at, log):
    """A reader who comes at that second, and notes when he gets in."""

    def body():
        clock.sleep(at)
        with lock.read():
            log.append(clock.monotonic())
            clock.sleep(2)

    return body


@scenario(level=3, kills=["w04"], schedules=20, race_timeouts=False)
def a_writer_keeps_readers_out_until_he_gives_up(make):
    """A writer lost patience at noon, and since then no page is served."""
    lock, clock, log = make(), make.clock(), []

    def enters():
        with lock.read(timeout=0):
            return "inside"

    def hasty():
        clock.sleep(2)
        log.append(make.outcome(enters))

    bodies = gives_up(make, lock, clock) | {"hasty": hasty, "Bob": reads_at(lock, clock, 5, log)}
    return bodies, lambda: make.expect(log, ["TimeoutError", 5])


@scenario(level=3, kills=["w06"], schedules=20, race_timeouts=False)
def whom_he_kept_out_gets_in_at_once(make):
    """The writer has gone, and those who made room for him go on standing there."""
    lock, clock, log = make(), make.clock(), []
    readers = {name: reads_at(lock, clock, 2, log) for name in ("Bob", "Cyd")}
    return gives_up(make, lock, clock) | readers, lambda: make.expect(log, [3, 3])


@scenario(level=3, kills=["w05"], schedules=1)
def who_holds_it_is_refused(make):
    """A thread that waits for itself waits long; and two readers who both want to write wait for each other."""
    told = []

    def story():
        lock = make()
        for outer in (lock.read, lock.write):
            for inner in (lock.read, lock.write):

                def twice(outer=outer, inner=inner):
                    with outer():
                        with inner(timeout=1):
                            pass

                told.append(make.outcome(twice))
        with lock.write(timeout=0), make().write(timeout=0):
            told.append("free")

    return {"Eve": story}, lambda: make.expect(told, [*["RuntimeError"] * 4, "free"])


@scenario(level=3, schedules=80)
def in_time_or_not_the_lock_is_free_in_the_end(make):
    """A time-out that meets the way being free: he was inside, or he never was."""
    lock, told = make(), []

    def enters():
        with lock.write(timeout=1):
            return "inside"

    def hasty():
        told.append(make.outcome(enters))

    def other():
        with lock.read():
            pass

    def invariant():
        told.append(make.outcome(enters))
        return make.expect(told in (["inside", "inside"], ["TimeoutError", "inside"]), True)

    return {"hasty": hasty, "other": other}, invariant
