"""The scenarios: threads under the scheduler, which switches wherever the reference is touched."""

import threading

from interface import AtomicRef
from lldkit.dojo.author import scenario

BIG = 10**6  # no small int that CPython keeps only once


class Between(AtomicRef):
    """A reference to which somebody else adds 10 between each of the first reads and what follows."""

    def __init__(self, value, reads=1):
        super().__init__(value)
        self.reads = reads

    def get(self):
        found = super().get()
        self.reads -= 1
        if self.reads >= 0:
            super().cas(found, found + 10)
        return found


@scenario(level=1, kills=["w01"], schedules=1, max_steps=600)
def who_has_lost_a_try_gets_on(make):
    """Somebody was faster, once; and now a core is busy for ever."""
    counter = make(Between(BIG))
    return {"Eve": counter.add}, None


@scenario(level=1, schedules=1, max_steps=600)
def who_has_lost_three_tries_gets_on(make):
    """There are others, and they are fast; each of them has got on, and so do you."""
    counter = make(Between(BIG, reads=3))
    return {"Eve": counter.add}, None


@scenario(level=1, kills=["w03"], schedules=1, max_steps=600)
def an_old_read_is_never_written(make):
    """Between your first look and your swap another one has added 10; and then it has never been."""
    counter = make(Between(0))
    return {"Eve": counter.add}, lambda: make.expect(counter.value() >= 10, True)


@scenario(level=1, kills=["w02"], proof="sync", max_steps=600)
def two_adders_lose_nothing(make):
    """A caller holds a number that was never written, and the sum is wrong by one, once a month."""
    counter, told = make(AtomicRef(BIG)), []

    def add():
        told.append(counter.add())

    bodies = {"Ann": add, "Bob": add}
    return bodies, lambda: make.expect([*sorted(told), counter.value()], [BIG + 1, BIG + 2, BIG + 2])


class Freezing(AtomicRef):
    """A reference in which one thread is frozen before or after its first successful swap, until the others are done."""

    def __init__(self, value, before):
        super().__init__(value)
        self.before, self.thawed, self.frozen = before, threading.Event(), None

    def freeze(self):
        self.frozen = threading.current_thread().name
        self.thawed.wait()

    def cas(self, expected, new):
        is_victim = threading.current_thread().name == "frozen" and self.frozen is None
        if is_victim and self.before:
            self.freeze()
        done = super().cas(expected, new)
        if is_victim and not self.before:
            self.freeze()
        return done


@scenario(level=1, kills=["w04"], schedules=20, max_steps=600)
def a_frozen_thread_stops_nobody(make):
    """The operating system takes the processor away from one thread; nobody can say for how long, and nobody else may notice."""
    early, late = Freezing(0, before=True), Freezing(0, before=False)
    counters = [make(early), make(late)]

    def frozen():
        for counter in counters:
            counter.add()

    def other():
        for ref, counter in zip((early, late), counters, strict=True):
            counter.add(10)
            counter.add(10)
            ref.thawed.set()

    def invariant():
        return make.expect([counter.value() for counter in counters], [21, 21])

    return {"frozen": frozen, "other": other}, invariant


@scenario(level=1, schedules=60)
def all_answers_fit_one_order(make):
    """Linearizable: whatever was answered, there is one order of the calls in which it is right."""
    counter, history = make.recorded(AtomicRef(0))

    def reader():
        counter.value()
        counter.add(4)

    return {"one": counter.add, "two": lambda: counter.add(2), "reader": reader}, lambda: make.linearizable(history)


@scenario(level=2, schedules=1)
def versions_begin_at_0_and_rise_by_one(make):
    """A version that skips or repeats a number tells nobody whether he has missed something."""
    told = []

    def story():
        store = make.also("VersionedStore", AtomicRef({}))
        told.extend([store.get("a"), store.put("a", None, 0), store.get("a"), store.put("a", "x", 1)])
        told.extend([store.put("b", "y", 0), store.get("a"), store.get("b")])
        told.extend([store.put("b", "y", 1), store.get("b")])

    expected = [(None, 0), 1, (None, 1), 2, 1, ("x", 2), ("y", 1), 2, ("y", 2)]
    return {"Eve": story}, lambda: make.expect(told, expected)


@scenario(level=2, kills=["w05"], proof="sync", max_steps=600)
def another_key_is_no_conflict(make):
    """Ann has edited the title and Bob the price of another article, and Bob is told that he came too late."""
    store = make.also("VersionedStore", AtomicRef({}))

    def invariant():
        return make.expect([store.get("a"), store.get("b")], [(1, 1), (2, 1)])

    return {"Ann": lambda: store.put("a", 1, 0), "Bob": lambda: store.put("b", 2, 0)}, invariant


@scenario(level=2, kills=["w06"], schedules=1, max_steps=600)
def a_true_conflict_is_told(make):
    """Whoever edits an old copy must hear of it, and what is there must stay."""
    told = []

    def story():
        store = make.also("VersionedStore", AtomicRef({}))
        store.put("a", "new", 0)
        for expected in (0, 2):
            try:
                store.put("a", "mine", expected)
            except Exception as error:
                told.append([type(error).__name__, error.key, error.expected, error.actual])
        told.append(store.get("a"))

    expected = [["Conflict", "a", 0, 1], ["Conflict", "a", 2, 1], ("new", 1)]
    return {"Eve": story}, lambda: make.expect(told, expected)


@scenario(level=2, kills=["w07"], schedules=1)
def what_was_published_stays_as_it_was(make):
    """A reader has a state in hand, reads one key and then another; they are to be of one moment."""
    told = []

    def story():
        ref = AtomicRef({})
        store = make.also("VersionedStore", ref)
        store.put("a", 1, 0)
        before = ref.get()
        content = dict(before)
        store.put("a", 2, 1)
        store.put("b", 3, 0)
        told.append(before == content)

    return {"Eve": story}, lambda: make.expect(told, [True])


@scenario(level=2, schedules=60, max_steps=600)
def of_two_with_one_version_one_wins(make):
    """Two have read version 0, and two are told that theirs is version 1; one of them is gone."""
    store, told = make.also("VersionedStore", AtomicRef({})), []

    def put(value):
        told.append(make.outcome(store.put, "a", value, 0))

    def invariant():
        return make.expect([*sorted(map(str, told)), store.get("a")[1]], ["1", "Conflict", 1])

    return {"Ann": lambda: put("Ann's"), "Bob": lambda: put("Bob's")}, invariant


@scenario(level=2, schedules=60, max_steps=600)
def each_answer_is_of_one_moment(make):
    """The reader has the old text with the new version, and when he writes it back the new text is gone."""
    store, seen = make.also("VersionedStore", AtomicRef({})), []

    def put(value, version):
        try:
            seen.append(store.put("a", value, version) == version + 1)
        except Exception as error:
            seen.append(error.actual != version)

    def writer():
        put(1, 0)
        put(2, 1)

    def reader():
        value, version = store.get("a")
        seen.append((value or 0) == version)

    bodies = {"writer": writer, "reader": reader, "other": lambda: put(2, 1)}
    return bodies, lambda: make.expect(seen, [True] * 4)
