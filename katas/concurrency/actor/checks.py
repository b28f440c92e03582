"""The scenarios: threads that make an actor and end it, and the actor's own thread, under the scheduler."""

import threading

from interface import Stopped
from lldkit.dojo.author import scenario


@scenario(level=1, kills=["w01"], schedules=15, race_timeouts=False)
def one_message_at_a_time(make):
    """The handler has no lock, because it was told that it needs none."""
    clock, inside, worst, seen = make.clock(), [], [0], []

    def handler(message):
        inside.append(message)
        worst[0] = max(worst[0], len(inside))
        clock.sleep(1)
        inside.remove(message)
        seen.append(message)

    def main():
        actor = make(handler)
        for message in (0, None, 2):
            actor.tell(message)
        clock.sleep(3_600)  # a thread that asks again and again does not come to the end of it
        actor.stop()

    return {"main": main}, lambda: make.expect([worst, seen], [[1], [0, None, 2]])


@scenario(level=1, kills=["w08"], schedules=15)
def nobody_waits_for_the_handler(make):
    """The handler talks to a slow server, and meanwhile all who have something to say to it stand still."""
    seen, begun, told = [], threading.Event(), threading.Event()

    def handler(message):
        if message == "slow":
            begun.set()
            told.wait()
        seen.append(message)

    def main():
        actor = make(handler)
        actor.tell("slow")
        begun.wait()
        actor.tell("next")
        told.set()
        actor.stop()

    return {"main": main}, lambda: make.expect(seen, ["slow", "next"])


@scenario(level=1, kills=["w07"], schedules=60, spurious_wakeups=True, max_steps=4_000)
def each_senders_messages_keep_their_order(make):
    """'Close the account' overtakes 'transfer the rest'."""
    seen, actors, made = [], [], threading.Event()

    def ann():
        actor = make(seen.append)
        actors.append(actor)
        made.set()
        for number in (1, 2, 3):
            actor.tell(f"Ann {number}")

    def bob():
        made.wait()
        actors[0].tell("Bob 1")
        actors[0].tell("Bob 2")

    def main():
        threads = [threading.Thread(target=body) for body in (ann, bob)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        actors[0].stop()

    def invariant():
        of_ann = [each for each in seen if each.startswith("Ann")]
        of_bob = [each for each in seen if each.startswith("Bob")]
        return make.expect([*of_ann, *of_bob], ["Ann 1", "Ann 2", "Ann 3", "Bob 1", "Bob 2"])

    return {"main": main}, invariant


@scenario(level=1, kills=["w02"], schedules=15)
def an_error_is_not_the_end(make):
    """One message was malformed, and since then the account answers nobody."""
    seen, errors = [], []

    def handler(message):
        if message == "bad":
            raise KeyError(message)
        seen.append(message)

    def main():
        for on_error in (lambda error: errors.append(type(error).__name__), None):
            actor = make(handler, on_error=on_error)
            for message in ("bad", "good"):
                actor.tell(message)
            actor.stop()

    return {"main": main}, lambda: make.expect([*seen, *errors], ["good", "good", "KeyError"])


@scenario(level=1, kills=["w09"], schedules=15)
def nor_is_an_error_of_on_error(make):
    """The message was malformed, the log that was to say so is full, and the account answers nobody any more."""
    seen = []

    def handler(message):
        if message == "bad":
            raise KeyError(message)
        seen.append(message)

    def full(error):
        raise OSError

    def main():
        actor = make(handler, on_error=full)
        for message in ("bad", "good"):
            actor.tell(message)
        actor.stop()

    return {"main": main}, lambda: make.expect(seen, ["good"])


@scenario(level=1, kills=["w04"], schedules=15)
def the_handler_may_stop_the_actor(make):
    """The message that says stop is handled like all others, by the thread that it stops."""
    seen, actors = [], []

    def handler(message):
        if message == "stop":
            actors[0].stop()
            seen.append(make.outcome(actors[0].tell, "late"))
        else:
            seen.append(message)

    def main():
        actor = make(handler)
        actors.append(actor)
        for message in ("a", "stop"):
            actor.tell(message)
        actor.stop()
        actor.stop()

    return {"main": main}, lambda: make.expect(seen, ["a", "Stopped"])


@scenario(level=1, schedules=15)
def every_stop_waits_for_the_end(make):
    """Somebody has stopped it already; whoever stops it now closes the database, and the last messages find it closed."""
    clock, seen, actors, told, stopped = make.clock(), [], [], threading.Event(), threading.Event()

    def handler(message):
        if message == "stop":
            told.wait()
            actors[0].stop()
            stopped.set()
        clock.sleep(1)
        seen.append(message)

    def main():
        actors.append(make(handler))
        for message in ("stop", "last"):
            actors[0].tell(message)
        told.set()
        stopped.wait()
        actors[0].stop()
        seen.append("closed")

    return {"main": main}, lambda: make.expect(seen, ["stop", "last", "closed"])


@scenario(level=1, kills=["w05"], schedules=120)
def what_was_taken_is_handled(make):
    """The message was taken, so its sender has forgotten it; and the one who took it has gone home."""
    seen, told, actors, made = [], [], [], threading.Event()

    def sender():
        made.wait()
        told.append(make.outcome(actors[0].tell, "m"))

    def main():
        actors.append(make(seen.append))
        made.set()
        actors[0].stop()

    def invariant():
        return make.expect((told, seen) in (([None], ["m"]), (["Stopped"], [])), True)

    return {"sender": sender, "main": main}, invariant


@scenario(level=2, kills=["w10"], schedules=20)
def an_answer_finds_its_asker(make):
    """One gets the balance of another, or waits for ever for an answer that says nothing."""
    told, errors = {}, []

    def handler(message):
        if message is None:
            raise KeyError(message)
        return 2 * message if message else None

    def main():
        actor = make(handler, on_error=errors.append)

        def asks(message):
            told[message] = make.outcome(actor.ask, message)

        threads = [threading.Thread(target=asks, args=(message,)) for message in (3, None, 0)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        actor.stop()
        told["late"] = make.outcome(actor.ask, 4)

    expected = {3: 6, None: "KeyError", 0: None, "late": "Stopped"}
    return {"main": main}, lambda: make.expect([told, errors], [expected, []])


@scenario(level=2, kills=["w06"], schedules=15, race_timeouts=False)
def a_question_that_was_given_up_is_not_handled(make):
    """The shop gave up and ordered elsewhere; ten minutes later the first order is carried out too."""
    clock, seen, told = make.clock(), [], []

    def handler(message):
        seen.append(message)
        clock.sleep(4)

    def main():
        actor = make(handler)
        actor.tell("slow")
        told.append(make.outcome(actor.ask, "order", timeout=2))
        told.append(clock.monotonic())
        actor.tell("next")
        actor.stop()

    return {"main": main}, lambda: make.expect([told, seen], [["TimeoutError", 2], ["slow", "next"]])


@scenario(level=2, kills=["w03"], schedules=15, race_timeouts=False)
def who_waits_for_an_answer_is_told_of_the_end(make):
    """The account is closed, and whoever asked it waits for an answer until his own process is killed."""
    clock, seen, told = make.clock(), [], []

    def handler(message):
        seen.append(message)
        clock.sleep(4)
        return "done"

    def main():
        actor = make(handler)

        def asks(message, at):
            clock.sleep(at)
            told.append((message, make.outcome(actor.ask, message), clock.monotonic()))

        threads = [threading.Thread(target=asks, args=each) for each in (("first", 0), ("second", 1))]
        for thread in threads:
            thread.start()
        clock.sleep(2)
        actor.tell("third")
        actor.stop(drain=False)
        for thread in threads:
            thread.join()

    def invariant():
        return make.expect([sorted(told), seen], [[("first", "done", 4), ("second", "Stopped", 2)], ["first"]])

    return {"main": main}, invariant


@scenario(level=2, schedules=15, race_timeouts=False)
def what_is_dropped_is_not_handled(make):
    """It was to end in peace, then there was no time left for it; and the messages were handled all the same."""
    clock, seen, actors = make.clock(), [], []

    def handler(message):
        clock.sleep(2)
        seen.append(message)
        if message == "drop":
            actors[-1].stop(drain=False)

    def main():
        for first in ("drop", "slow"):
            actors.append(actor := make(handler))
            for message in (first, "late"):
                actor.tell(message)
            stopper = threading.Thread(target=actor.stop)
            stopper.start()
            clock.sleep(1)
            if first == "slow":
                actor.stop(drain=False)
            stopper.join()

    return {"main": main}, lambda: make.expect(seen, ["drop", "slow"])


@scenario(level=2, schedules=80)
def in_time_or_not_the_asker_knows(make):
    """A time-out that meets the answer: whoever was told TimeoutError may have been handled, whoever got an answer was."""
    seen, told, heard, tried = [], [], [], threading.Event()

    def handler(message):
        if message == "slow":
            tried.wait()
        seen.append(message)
        return "answer"

    def main():
        actor = make(handler)
        for message in ("slow", "once"):
            actor.tell(message)
        now = make.outcome(actor.ask, "once", timeout=0)
        tried.set()
        asker = threading.Thread(target=lambda: heard.append(make.outcome(actor.ask, "n")))
        asker.start()
        told.append(make.outcome(actor.ask, "m", timeout=1))
        actor.stop()
        asker.join()
        told.append((now, seen.count("once")))

    def invariant():
        right = told[0] == "TimeoutError" or (told[0] == "answer" and "m" in seen)
        expected = ["answer" if "n" in seen else "Stopped", True, ("TimeoutError", 1)]
        return make.expect([*heard, right, *told[1:]], expected)

    return {"main": main}, invariant
