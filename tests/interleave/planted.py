"""Programs with a planted bug, each with its repaired twin.

Plain functions without assertions of pytest in the bodies, so that a schedule recorded on them in one interpreter
replays in another.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lldkit.interleave import Granularity, Kind, Program

__all__ = ["PLANTED", "Planted"]


@dataclass(frozen=True)
class Planted:
    """A bug: `find` schedules of the default portfolio are enough to meet it, whatever the seed."""

    name: str
    bug: Program
    twin: Program | None
    find: int
    kinds: frozenset[Kind]
    proof: Granularity | None = None  # where the twin is proved
    proof_runs: int = 10_000
    cycle: int = 0  # how many threads wait in a circle
    options: tuple[tuple[str, Any], ...] = ()


class Box:
    """A place for one value."""

    def __init__(self, value: Any = 0) -> None:
        self.value = value


# ── lost updates ──────────────────────────────────────────────────────────────────────────────────────────────────────


def counting(threads: int, times: int, *, locked: bool) -> Program:
    """Several threads add to a counter."""

    def program() -> Any:
        box, lock = Box(), threading.Lock()

        def bare() -> None:
            for _ in range(times):
                box.value += 1

        def guarded() -> None:
            for _ in range(times):
                with lock:
                    box.value += 1

        return [guarded if locked else bare] * threads, lambda: box.value == threads * times

    return program


# ── condition variables ───────────────────────────────────────────────────────────────────────────────────────────────


class BoundedQueue:
    """A queue on two conditions, which waits in a loop if it is right."""

    def __init__(self, capacity: int, *, loop: bool, one_condition: bool = False, notify_all: bool = True) -> None:
        self._lock = threading.Lock()
        self._not_full = threading.Condition(self._lock)
        self._not_empty = self._not_full if one_condition else threading.Condition(self._lock)
        self._items: list[int] = []
        self._capacity = capacity
        self._loop = loop
        self._notify_all = notify_all

    def put(self, item: int) -> None:
        with self._lock:
            self._wait(self._not_full, lambda: len(self._items) >= self._capacity)
            self._items.append(item)
            self._tell(self._not_empty)

    def get(self) -> int:
        with self._lock:
            self._wait(self._not_empty, lambda: not self._items)
            item = self._items.pop(0)
            self._tell(self._not_full)
            return item

    def _wait(self, condition: threading.Condition, must: Callable[[], bool]) -> None:
        while must():
            condition.wait()
            if not self._loop:
                return

    def _tell(self, condition: threading.Condition) -> None:
        if self._notify_all:
            condition.notify_all()
        else:
            condition.notify()


def bounded_queue(takers: int, **how: Any) -> Program:
    """Takers and as many putters on a queue of one place."""

    def program() -> Any:
        queue, got = BoundedQueue(1, **how), []
        take, put = (lambda: got.append(queue.get())), (lambda: queue.put(1))
        return [take, put] * takers, lambda: got == [1] * takers

    return program


def signal(*, tested_under_lock: bool) -> Program:
    """A flag is tested, and only then the lock is taken to wait for its signal."""

    def program() -> Any:
        condition, ready = threading.Condition(), Box(value=False)

        def late() -> None:
            if not ready.value:
                with condition:
                    condition.wait()

        def right() -> None:
            with condition:
                while not ready.value:
                    condition.wait()

        def tell() -> None:
            with condition:
                ready.value = True
                condition.notify()

        return [right if tested_under_lock else late, tell], None

    return program


def permit(*, given_back: bool) -> Program:
    """An exception between acquire and release loses the permit of a semaphore."""

    def program() -> Any:
        permits, boxes = threading.Semaphore(1), [Box(None), Box(None)]

        def work(mine: Box, other: Box) -> None:
            permits.acquire()
            try:
                mine.value = 1
                if other.value == 1:  # what this thread finds only where it is second
                    if given_back:
                        permits.release()
                    raise LookupError  # noqa: TRY301 - losing the way to the release is the bug
                permits.release()
            except LookupError:
                pass
            permits.acquire()
            permits.release()

        first, second = boxes
        return [lambda: work(first, second), lambda: work(second, first)], None

    return program


# ── check then act ────────────────────────────────────────────────────────────────────────────────────────────────────


class Settings:
    """Something that is empty before it is filled."""

    value: int

    def fill(self) -> "Settings":
        self.value = 7
        return self


def lazy(*, filled_first: bool) -> Program:
    """Double-checked initialisation that shows the object before it is filled."""

    def program() -> Any:
        lock, shared, seen = threading.Lock(), Box(None), []

        def get() -> None:
            if shared.value is None:
                with lock:
                    if shared.value is None:
                        if filled_first:
                            shared.value = Settings().fill()
                        else:
                            shared.value = Settings()
                            shared.value.fill()
            seen.append(shared.value.value)

        return [get, get], lambda: seen == [7, 7]

    return program


def loading_cache(*, locked: bool) -> Program:
    """Two threads miss, and both load."""

    def program() -> Any:
        cache: dict[str, int] = {}
        loads: list[str] = []
        lock = threading.Lock()

        def load(key: str) -> int:
            loads.append(key)
            return 1

        def bare() -> None:
            if "k" not in cache:
                cache["k"] = load("k")

        def guarded() -> None:
            with lock:
                bare()

        return [guarded if locked else bare] * 2, lambda: loads == ["k"]

    return program


class Registry:
    """A `setdefault` in two steps, or in one."""

    def __init__(self, *, locked: bool) -> None:
        self._entries: dict[str, int] = {}
        self._lock = threading.Lock()
        self._locked = locked

    def setdefault(self, key: str, value: int) -> int:
        if self._locked:
            with self._lock:
                return self._setdefault(key, value)
        return self._setdefault(key, value)

    def _setdefault(self, key: str, value: int) -> int:
        if key not in self._entries:
            self._entries[key] = value
        return self._entries[key]


def set_default(*, locked: bool) -> Program:
    """Both threads must be told the same value: anything else has no sequential explanation."""

    def program() -> Any:
        registry, told = Registry(locked=locked), []

        def one() -> None:
            told.append(registry.setdefault("k", 1))

        def two() -> None:
            told.append(registry.setdefault("k", 2))

        def linearizable() -> bool:
            if len(set(told)) != 1:
                raise NotInAnyOrderError(told)
            return True

        return [one, two], linearizable

    return program


class NotInAnyOrderError(AssertionError):
    """The results fit no order of the calls."""

    interleave_kind = Kind.NOT_LINEARIZABLE


class Node:
    """A link of a stack."""

    def __init__(self, name: str, below: "Node | None") -> None:
        self.name = name
        self.below = below


class LinkedStack:
    """A stack whose pop compares the top with what it read before; a version tells a node that came back."""

    def __init__(self, *, versioned: bool) -> None:
        self.top: tuple[Node | None, int] = (None, 0)
        self._versioned = versioned
        self._swap = threading.Lock()

    def _compare_and_swap(self, old: tuple[Node | None, int], new: Node | None) -> bool:
        with self._swap:
            same = self.top == old if self._versioned else self.top[0] is old[0]
            if same:
                self.top = (new, self.top[1] + 1)
            return same

    def push(self, node: Node) -> None:
        while True:
            old = self.top
            node.below = old[0]
            if self._compare_and_swap(old, node):
                return

    def pop(self) -> Node | None:
        while True:
            old = self.top
            if old[0] is None:
                return None
            if self._compare_and_swap(old, old[0].below):
                return old[0]

    def names(self) -> list[str]:
        node, names = self.top[0], list[str]()
        while node is not None and len(names) < 9:
            names.append(node.name)
            node = node.below
        return names


def aba(*, versioned: bool) -> Program:
    """One thread pops A and B and pushes A back, while another stands in the middle of popping A."""

    def program() -> Any:
        stack, taken = LinkedStack(versioned=versioned), list[str]()
        for name in "CBA":
            stack.push(Node(name, None))

        def one() -> None:
            node = stack.pop()
            taken.append(node.name if node else "nothing")

        def other() -> None:
            a, b = stack.pop(), stack.pop()
            taken.extend(node.name for node in (b,) if node)
            if a is not None:
                stack.push(a)

        return [one, other], lambda: sorted([*taken, *stack.names()]) == ["A", "B", "C"]

    return program


# ── lock order ────────────────────────────────────────────────────────────────────────────────────────────────────────


def transfer(*, ordered: bool) -> Program:
    """A-B against B-A."""

    def program() -> Any:
        a, b = threading.Lock(), threading.Lock()

        def take(first: Any, second: Any) -> None:
            with first, second:
                pass

        return {"there": lambda: take(a, b), "back": (lambda: take(a, b)) if ordered else (lambda: take(b, a))}, None

    return program


def philosophers(count: int, *, ordered: bool) -> Program:
    """Each takes the fork at the left, then the one at the right."""

    def program() -> Any:
        forks = [threading.Lock() for _ in range(count)]

        def eat(seat: int) -> None:
            left, right = seat, (seat + 1) % count
            if ordered:
                left, right = min(left, right), max(left, right)
            with forks[left], forks[right]:
                pass

        return {f"P{seat}": (lambda seat=seat: eat(seat)) for seat in range(count)}, None

    return program


def readers_writer(*, counted_inside: bool) -> Program:
    """The first reader takes the room, the last one gives it back; who is first is counted outside the lock."""

    def program() -> Any:
        door, room, readers, inside = threading.Lock(), threading.Lock(), Box(), []
        wrong: list[str] = []

        @contextmanager
        def counting_lock() -> Iterator[None]:
            if counted_inside:
                with door:
                    yield
            else:
                yield

        def read() -> None:
            with counting_lock():
                readers.value += 1
                if readers.value == 1:
                    room.acquire()
            if "writer" in inside:
                wrong.append("read while written")
            with counting_lock():
                readers.value -= 1
                if readers.value == 0:
                    room.release()

        def write() -> None:
            with room:
                inside.append("writer")
                inside.remove("writer")

        return {"reader A": read, "reader B": read, "writer": write}, lambda: not wrong

    return program


# ── orders ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def depth_three(*, locked: bool) -> Program:
    """Two stores of two threads must fall between two reads of a third, in that order."""

    def program() -> Any:
        x, y, lock, bad = Box(), Box(), threading.Lock(), []

        def first() -> None:
            def flash() -> None:
                x.value = 1
                x.value = 0

            with_lock(lock if locked else None, flash)

        def second() -> None:
            def copy() -> None:
                if x.value == 1:
                    y.value = 1

            with_lock(lock if locked else None, copy)

        def third() -> None:
            def look() -> None:
                if y.value == 0 and x.value == 0 and y.value == 1:
                    bad.append(1)

            with_lock(lock if locked else None, look)

        return [first, second, third], lambda: not bad

    return program


def with_lock(lock: Any, act: Callable[[], object]) -> None:
    if lock is None:
        act()
    else:
        with lock:
            act()


def breaker(*, locked: bool) -> Program:
    """A half-open breaker lets one probe through."""

    def program() -> Any:
        state, lock, admitted = Box("half-open"), threading.Lock(), []

        def ask() -> None:
            if state.value == "half-open":
                state.value = "probing"
                admitted.append(1)

        return [(lambda: with_lock(lock, ask)) if locked else ask] * 2, lambda: len(admitted) == 1

    return program


def torn_pair(*, locked: bool) -> Program:
    """Sum and count are updated one after the other; a mean is read in between."""

    def program() -> Any:
        total, count, lock, means = Box(10), Box(1), threading.Lock(), []

        def add() -> None:
            total.value += 10
            count.value += 1

        def mean() -> None:
            means.append(total.value / count.value)

        pair = [add, mean]
        guarded = [lambda: with_lock(lock, add), lambda: with_lock(lock, mean)]
        return guarded if locked else pair, lambda: means == [10]

    return program


def reorder(*, locked: bool) -> Program:
    """Four threads set a and b, a fifth sees one of the two."""

    def program() -> Any:
        a, b, lock = Box(), Box(), threading.Lock()

        def write() -> None:
            a.value = 1
            b.value = -1

        def check() -> None:
            if (a.value, b.value) not in {(0, 0), (1, -1)}:
                raise ValueError("half of two writes")

        bodies = [write, write, write, write, check]
        return [lambda act=act: with_lock(lock if locked else None, act) for act in bodies], None

    return program


def two_stage(*, one_lock: bool) -> Program:
    """Two values guarded by two locks are not updated as one."""

    def program() -> Any:
        first: Any = threading.Lock()
        second: Any = threading.Lock()
        if one_lock:
            first = second = threading.RLock()
        a, b = Box(), Box()

        def update() -> None:
            with first:
                a.value = 1
                if one_lock:
                    b.value = 2
            if not one_lock:
                with second:
                    b.value = a.value + 1

        def check() -> None:
            with first:
                seen = a.value
                later = b.value if one_lock else None
            if seen == 0:
                return
            if later is None:
                with second:
                    later = b.value
            if later != seen + 1:
                raise ValueError("the second stage is missing")

        return [update, check], None

    return program


def wrong_lock(*, same: bool) -> Program:
    """One of three threads guards the value with another lock."""

    def program() -> Any:
        right = threading.Lock()
        wrong, shared = (right if same else threading.Lock()), Box()

        def add(lock: Any) -> None:
            with lock:
                before = shared.value
                shared.value = before + 1
                if shared.value != before + 1:
                    raise ValueError("somebody wrote in between")

        return [lambda: add(right), lambda: add(right), lambda: add(wrong)], None

    return program


def iterated(*, copied: bool) -> Program:
    """A dict grows while somebody walks over it."""

    def program() -> Any:
        table = {"a": 1, "b": 2}

        def walk() -> None:
            for key in list(table) if copied else table:
                table[key]

        def grow() -> None:
            table["c"] = 3

        return [walk, grow], None

    return program


# ── time, livelock, priorities ────────────────────────────────────────────────────────────────────────────────────────


def timed_wait(*, checked: bool) -> Program:
    """`wait(timeout)` that ends at the instant of the notify: was it notified, or is it too late?"""

    def program() -> Any:
        condition, items, got = threading.Condition(), list[int](), list[object]()

        def take() -> None:
            with condition:
                if not items:
                    condition.wait(timeout=1)
                if checked and not items:
                    got.append(None)
                    return
                got.append(items.pop() if items else "nothing, taken for something")

        def put() -> None:
            time.sleep(1)
            with condition:
                items.append(1)
                condition.notify()

        return [take, put], lambda: got in ([1], [None])

    return program


def try_locks(*, ordered: bool) -> Program:
    """Both take one lock, fail to get the other, step back and try again: for ever, if they keep in step."""

    def program() -> Any:
        a, b = threading.Lock(), threading.Lock()

        def both(first: Any, second: Any) -> None:
            while True:
                with first:
                    if second.acquire(blocking=False):
                        second.release()
                        return
                time.sleep(0)

        return [lambda: both(a, b), (lambda: both(a, b)) if ordered else (lambda: both(b, a))], None

    return program


def first_of_twenty(*, steps: int = 20) -> Program:
    """Thread 1 must take all its steps before thread 0 takes its only one (after figure 5 of the PCT paper)."""

    def program() -> Any:
        done = Box(value=False)
        early: list[bool] = []

        def zero() -> None:
            early.append(done.value)

        def one() -> None:
            for _ in range(steps):
                done.value = False
            done.value = True

        return [zero, one], lambda: not any(early)

    return program


CHECK, EXCEPTION, DEADLOCK = {Kind.CHECK}, {Kind.EXCEPTION}, {Kind.DEADLOCK}
FREE, SYNC = Granularity.FREE, Granularity.SYNC


def planted(
    name: str, bug: Program, twin: Program | None, find: int, kinds: set[Kind], *proof: Any, **more: Any
) -> Planted:
    granularity, runs = (*proof, None, None)[:2] if proof else (None, None)
    return Planted(name, bug, twin, find, frozenset(kinds), granularity, runs or 10_000, **more)


PLANTED = [
    planted("counter 2x1", counting(2, 1, locked=False), counting(2, 1, locked=True), 250, CHECK, FREE, 20),
    planted("counter 2x3", counting(2, 3, locked=False), counting(2, 3, locked=True), 50, CHECK, FREE, 20),
    planted("if for while", bounded_queue(2, loop=False), bounded_queue(2, loop=True), 30, EXCEPTION),
    planted(
        "lost wake-up",
        bounded_queue(2, loop=True, one_condition=True, notify_all=False),
        bounded_queue(1, loop=True, one_condition=True),
        60,
        DEADLOCK,
        SYNC,
    ),
    planted("missed signal", signal(tested_under_lock=False), signal(tested_under_lock=True), 200, DEADLOCK, SYNC),
    planted("lost permit", permit(given_back=False), permit(given_back=True), 30, DEADLOCK, SYNC),
    planted("lazy init", lazy(filled_first=False), lazy(filled_first=True), 400, EXCEPTION, FREE),
    planted("double load", loading_cache(locked=False), loading_cache(locked=True), 30, CHECK, SYNC),
    planted("setdefault", set_default(locked=False), set_default(locked=True), 150, {Kind.NOT_LINEARIZABLE}, SYNC),
    planted("aba", aba(versioned=False), aba(versioned=True), 600, CHECK, SYNC),
    planted("lock order", transfer(ordered=False), transfer(ordered=True), 100, DEADLOCK, SYNC, cycle=2),
    planted(
        "philosophers", philosophers(5, ordered=False), philosophers(5, ordered=True), 400, DEADLOCK, SYNC, cycle=5
    ),
    planted(
        "readers-writer",
        readers_writer(counted_inside=False),
        readers_writer(counted_inside=True),
        80,
        CHECK | DEADLOCK | EXCEPTION,
        SYNC,
    ),
    planted("depth 3", depth_three(locked=False), depth_three(locked=True), 2_000, CHECK, FREE, 3_000),
    planted("two probes", breaker(locked=False), breaker(locked=True), 150, CHECK, FREE, 3_000),
    planted("torn pair", torn_pair(locked=False), torn_pair(locked=True), 200, CHECK, FREE, 3_000),
    planted("reorder 5", reorder(locked=False), reorder(locked=True), 200, EXCEPTION, FREE),
    planted("two-stage", two_stage(one_lock=False), two_stage(one_lock=True), 250, EXCEPTION, FREE),
    planted("wrong lock 3", wrong_lock(same=False), wrong_lock(same=True), 100, EXCEPTION, FREE),
    planted("iterated", iterated(copied=False), iterated(copied=True), 60, EXCEPTION, FREE),
    planted("timed wait", timed_wait(checked=False), timed_wait(checked=True), 30, CHECK, SYNC),
    planted("try-locks", try_locks(ordered=False), None, 400, {Kind.LIVELOCK}),
    planted("first of twenty", first_of_twenty(), None, 150, CHECK),
]
