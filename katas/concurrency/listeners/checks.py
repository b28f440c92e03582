"""The scenarios: threads under the scheduler, and stories of one thread."""

import threading

from lldkit.dojo.author import scenario


def named(heard, *names):
    """Listeners that note their name in `heard`."""
    return [lambda event, name=name: heard.append(name) for name in names]


@scenario(level=1, schedules=1)
def everybody_is_told_in_order(make):
    """A listener that is called out of order sees the cache before it was filled."""
    listeners, heard = make(), []

    def story():
        ann, bob = named(heard, "Ann", "Bob")
        for each in (bob, ann, bob):
            listeners.add(each)
        listeners.notify(1)
        listeners.remove(bob)
        listeners.notify(2)
        heard.append(make.outcome(listeners.remove, print))

    expected = ["Bob", "Ann", "Bob", "Ann", "Bob", "ValueError"]
    return {"Eve": story}, lambda: make.expect(heard, expected)


@scenario(level=1, kills=["w04"], schedules=1)
def one_error_does_not_silence_the_others(make):
    """The mailer cannot reach its server, and so the order is never written to the journal."""
    listeners, heard = make(), []

    def fails(event):
        raise KeyError(event)

    def fails_too(event):
        raise OSError(event)

    def story():
        for each in (fails, *named(heard, "Ann"), fails_too, *named(heard, "Bob")):
            listeners.add(each)
        try:
            listeners.notify("e")
        except ExceptionGroup as group:
            heard.extend(type(error).__name__ for error in group.exceptions)

    return {"Eve": story}, lambda: make.expect(heard, ["Ann", "Bob", "KeyError", "OSError"])


@scenario(level=1, kills=["w09"], schedules=1)
def one_error_comes_in_a_group_too(make):
    """The caller unpacks the group; the day on which only one has failed, it is none, and what he sees is another error."""
    listeners, told = make(), []

    def fails(event):
        raise KeyError(event)

    def story():
        listeners.add(fails)
        told.append(make.outcome(listeners.notify, "e"))

    return {"Eve": story}, lambda: make.expect(told, ["ExceptionGroup"])


@scenario(level=1, kills=["w05"], proof="free", smoke=True)
def nobody_is_forgotten(make):
    """The second plug-in registers at the same moment as the first, and is never called; restarting helps, mostly."""
    listeners, heard = make(), []
    ann, bob = named(heard, "Ann", "Bob")

    def invariant():
        listeners.notify("e")
        return make.expect(sorted(heard), ["Ann", "Bob"])

    return {"one": lambda: listeners.add(ann), "two": lambda: listeners.add(bob)}, invariant


@scenario(level=1, proof="free")
def a_removal_buries_no_addition(make):
    """One plug-in goes while another one comes, and the newcomer goes with it."""
    listeners, heard = make(), []
    ann, bob = named(heard, "Ann", "Bob")
    listeners.add(ann)

    def invariant():
        listeners.notify("e")
        return make.expect(heard, ["Bob"])

    return {"remover": lambda: listeners.remove(ann), "adder": lambda: listeners.add(bob)}, invariant


@scenario(level=1, kills=["w02"], proof="free", smoke=True)
def a_copy_is_whole(make):
    """What was read in two steps belongs to no moment: a name without its handler, a handler without its name."""
    listeners, heard = make(), []
    ann, bob = named(heard, "Ann", "Bob")
    listeners.add(ann)
    listeners.add(bob)

    def invariant():
        return make.expect(heard in (["Ann", "Bob"], ["Bob"]), True)

    return {"remover": lambda: listeners.remove(ann), "teller": lambda: listeners.notify("e")}, invariant


@scenario(level=1, kills=["w03"], schedules=20)
def nobody_waits_for_a_listener(make):
    """A listener takes ten seconds to reach a server; for ten seconds nobody can register, and some day two wait in a ring."""
    listeners, heard, begun, changed = make(), [], threading.Event(), threading.Event()
    (ann,) = named(heard, "Ann")

    def slow(event):
        begun.set()
        changed.wait()

    def other():
        begun.wait()
        listeners.add(ann)
        listeners.remove(ann)
        changed.set()

    listeners.add(slow)
    return {"teller": lambda: listeners.notify("e"), "other": other}, lambda: make.expect(heard, [])


@scenario(level=1, kills=["w01"], schedules=20)
def who_comes_later_is_not_called(make):
    """A listener that registers while an event is on its way gets it once now and once from the backlog that it reads."""
    listeners, heard, begun, added = make(), [], threading.Event(), threading.Event()
    (ann,) = named(heard, "Ann")

    def slow(event):
        begun.set()
        added.wait()

    def other():
        begun.wait()
        listeners.add(ann)
        added.set()

    listeners.add(slow)
    return {"teller": lambda: listeners.notify("e"), "other": other}, lambda: make.expect(heard, [])


@scenario(level=2, kills=["w06"], schedules=1)
def who_is_removed_meanwhile_is_still_called(make):
    """One listener decides what another one hears: whether the audit log has the event depends on who registered first."""
    listeners, heard = make(), []
    (bob,) = named(heard, "Bob")

    def story():
        listeners.add(lambda event: listeners.remove(bob) if event == 1 else heard.append(event))
        listeners.add(bob)
        listeners.notify(1)
        listeners.notify(2)

    return {"Eve": story}, lambda: make.expect(heard, ["Bob", 2])


@scenario(level=2, kills=["w07"], schedules=1)
def what_is_done_inside_stays_done_though_one_raises(make):
    """A listener has registered another one; whether it is there depends on whether a third one failed."""
    listeners, heard = make(), []
    (bob,) = named(heard, "Bob")

    def fails(event):
        raise KeyError(event)

    def story():
        listeners.add(lambda event: listeners.add(bob) if event == 1 else None)
        listeners.add(fails)
        make.outcome(listeners.notify, 1)
        make.outcome(listeners.notify, 2)

    return {"Eve": story}, lambda: make.expect(heard, ["Bob"])


@scenario(level=2, schedules=1)
def a_round_within_a_round(make):
    """A listener tells of something that follows from what it hears; that round has all who are there by then."""
    listeners, heard = make(), []

    def outer(event):
        heard.append(f"outer {event}")
        if event == 1:
            listeners.add(lambda event: heard.append(f"new {event}"))
            listeners.notify(2)

    def story():
        listeners.add(outer)
        listeners.notify(1)

    return {"Eve": story}, lambda: make.expect(heard, ["outer 1", "outer 2", "new 2"])


@scenario(level=2, kills=["w08"], schedules=1)
def a_round_within_keeps_its_errors_apart(make):
    """One listener failed, another one told of something else, and nobody ever hears that the first one failed."""
    listeners, told = make(), []

    def fails(event):
        if event == "order":
            raise KeyError(event)

    def tells_on(event):
        if event == "order":
            told.append(make.outcome(listeners.notify, "mail"))

    def story():
        listeners.add(fails)
        listeners.add(tells_on)
        told.append(make.outcome(listeners.notify, "order"))

    return {"Eve": story}, lambda: make.expect(told, [None, "ExceptionGroup"])
