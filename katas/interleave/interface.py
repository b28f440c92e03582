"""What every solution of this kata gets and gives: errors, programs of generators, histories, the shape of the lab."""

from collections.abc import Callable, Generator, Hashable, Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol, TypeAlias

# -- levels 3 and 4 --------------------------------------------------------------------------------------------------


class Closed(Exception):
    """The queue takes nothing any more, or has nothing left (level 3)."""


class Reentrant(Exception):
    """A load asks for the key that it is loading (level 4)."""


class Down(Exception):
    """What loads of the checks raise."""


class Stop(BaseException):
    """Somebody ended a load from outside, as a cancellation does; no `Exception` (level 4)."""


# -- level 5: threads as generators ----------------------------------------------------------------------------------

Condition: TypeAlias = Callable[[], object]
Thread: TypeAlias = Generator[Condition | None, None, Any]
"""What stands between two `yield`s is one step. `yield` alone can go on at once; `yield condition` can go on when
`condition()` is true."""
Program: TypeAlias = Callable[[], tuple[Sequence[Thread], Callable[[], bool]]]
"""Builds everything afresh: the threads, and what must be true when all have ended."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a program: who took each step, and how it failed."""

    schedule: tuple[int, ...]
    failure: str  # "check", "exception" or "deadlock"; "" if it did not fail


class Dice(Random):
    """`random.Random`, called by its seed in stories."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.seeded = seed

    def __repr__(self) -> str:
        return f"Dice({self.seeded})"


class Threads:
    """A program in signs, a step each: `.` does nothing, `a` raises flag a, `A` waits for that flag, `!` fails.

    If `last` is given, that thread must be the last to end.
    """

    def __init__(self, *texts: str, last: int | None = None) -> None:
        self.texts, self.last = texts, last

    def __call__(self) -> tuple[Sequence[Thread], Callable[[], bool]]:
        flags: set[str] = set()
        ended: list[int] = []
        threads = [self._thread(number, flags, ended) for number in range(len(self.texts))]
        return threads, lambda: self.last is None or ended[-1] == self.last

    def _thread(self, number: int, flags: set[str], ended: list[int]) -> Thread:
        for place, sign in enumerate(self.texts[number]):
            if sign.isupper():
                yield lambda flag=sign.lower(): flag in flags
            elif place:
                yield
            self._do(sign, flags)
        ended.append(number)

    def _do(self, sign: str, flags: set[str]) -> None:
        if sign == "!":
            raise Down
        if sign.islower():
            flags.add(sign)

    def __repr__(self) -> str:
        last = "" if self.last is None else f", last={self.last}"
        return f"Threads({', '.join(map(repr, self.texts))}{last})"


class Box:
    """A place for one value."""

    def __init__(self, value: Any = 0) -> None:
        self.value = value


class Lock:
    """A lock for generators: `yield from lock.take()`, then `lock.give()`."""

    def __init__(self) -> None:
        self.taken = False

    def take(self) -> Thread:
        """Wait until it is free, and take it in one step."""
        yield lambda: not self.taken
        self.taken = True

    def give(self) -> None:
        """Give it back."""
        self.taken = False


class Signal:
    """A condition variable for generators: `yield from signal.wait()`."""

    def __init__(self) -> None:
        self.sleepers: list[Box] = []

    def wait(self) -> Thread:
        """Sleep until somebody notifies."""
        sleeper = Box(False)
        self.sleepers.append(sleeper)
        yield lambda: sleeper.value

    def notify(self, sleepers: int = 1) -> None:
        """Wake those that sleep longest."""
        for sleeper in self.sleepers[:sleepers]:
            sleeper.value = True
        del self.sleepers[:sleepers]


def fine() -> bool:
    """Nothing more is asked of a program than to end."""
    return True


def lost_update() -> Any:
    """Two threads add one, in two steps."""
    box = Box()

    def add() -> Thread:
        seen = box.value
        yield
        box.value = seen + 1

    return [add(), add()], lambda: box.value == 2


def locked_update() -> Any:
    """The same under a lock."""
    box, lock = Box(), Lock()

    def add() -> Thread:
        yield from lock.take()
        seen = box.value
        yield
        box.value = seen + 1
        lock.give()

    return [add(), add()], lambda: box.value == 2


def torn_pair() -> Any:
    """A mean is read between the update of the sum and that of the count."""
    total, count, means = Box(10), Box(1), list[float]()

    def add() -> Thread:
        total.value += 10
        yield
        count.value += 1

    def mean() -> Thread:
        yield
        means.append(total.value / count.value)

    return [add(), mean()], lambda: means == [10]


def double_load() -> Any:
    """Two threads miss, and both load."""
    cache, loads = {}, []

    def get() -> Thread:
        if "k" not in cache:
            yield
            loads.append("k")
            cache["k"] = 1

    return [get(), get()], lambda: loads == ["k"]


def published_early() -> Any:
    """An object is shown to others before it is filled."""
    shown: list[dict[str, int]] = []

    def get() -> Thread:
        if not shown:
            shown.append({})
            yield
            shown[0]["value"] = 7
        yield
        shown[0]["value"]

    return [get(), get()], fine


def if_for_while() -> Any:
    """Two threads wait for one apple each, and look only once."""
    basket, changed = [], Signal()

    def take() -> Thread:
        if not basket:
            yield from changed.wait()
        basket.pop()

    def put() -> Thread:
        yield
        basket.append("apple")
        changed.notify(2)

    return [take(), take(), put(), put()], fine


def lost_wake_up() -> Any:
    """Takers and putters of a queue of one place sleep on one signal, which wakes the wrong one."""
    queue, changed = [], Signal()

    def take() -> Thread:
        while not queue:
            yield from changed.wait()
        queue.pop()
        changed.notify()

    def put() -> Thread:
        while queue:
            yield from changed.wait()
        queue.append("apple")
        changed.notify()

    return [take(), take(), put(), put()], fine


def missed_signal() -> Any:
    """The test and the sleep are two steps, and the signal comes in between."""
    ready, told = Box(False), Signal()

    def wait() -> Thread:
        if not ready.value:
            yield
            yield from told.wait()

    def tell() -> Thread:
        yield
        ready.value = True
        told.notify()

    return [wait(), tell()], fine


def both(first: Lock, second: Lock) -> Thread:
    """Take two locks, and give them back."""
    yield from first.take()
    yield from second.take()
    second.give()
    first.give()


def lock_order() -> Any:
    """A, then B, against B, then A."""
    a, b = Lock(), Lock()
    return [both(a, b), both(b, a)], fine


def one_lock_order() -> Any:
    """Both take A first."""
    a, b = Lock(), Lock()
    return [both(a, b), both(a, b)], fine


def philosophers() -> Any:
    """Three of them; each takes the fork at the left, then the one at the right."""
    forks = [Lock(), Lock(), Lock()]
    return [both(forks[seat], forks[(seat + 1) % 3]) for seat in range(3)], fine


def aba() -> Any:
    """A pop that compares only the name of the top: it went away and came back, and what lies below has changed."""
    below, top, taken = {"a": "b", "b": "c", "c": ""}, Box("a"), []

    def pop() -> Thread:
        while True:
            name = top.value
            under = below[name]
            yield
            if top.value == name:
                top.value = under
                taken.append(name)
                return name

    def one() -> Thread:
        yield from pop()

    def other() -> Thread:
        name = yield from pop()
        yield from pop()
        yield
        taken.remove(name)
        below[name], top.value = top.value, name

    return [one(), other()], lambda: top.value not in taken


def order_of_three() -> Any:
    """A flash of x, a copy to y, and a look at both: wrong in one order of all three."""
    x, y, bad = Box(), Box(), []

    def flash() -> Thread:
        x.value = 1
        yield
        x.value = 0

    def copy() -> Thread:
        if x.value == 1:
            yield
            y.value = 1

    def look() -> Thread:
        if y.value == 0:
            yield
            if x.value == 0:
                yield
                bad.extend([y.value] * y.value)

    return [flash(), copy(), look()], lambda: not bad


def first_of_twenty() -> Any:
    """Wrong only where one thread takes twenty steps before the other takes its first."""
    done, early = Box(False), []

    def zero() -> Thread:
        early.append(done.value)
        yield

    def one() -> Thread:
        for _ in range(20):
            yield
        done.value = True

    return [zero(), one()], lambda: not any(early)


# -- level 6: histories ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Call:
    """One call of one process: what was asked, what came back, and when; pending calls have neither of the last."""

    process: str
    name: str
    argument: Hashable
    result: Hashable
    called: int
    returned: int | None  # None: pending


class History(tuple[Call, ...]):
    """The calls of all processes, in any order."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"history({', '.join(map(repr, map(_line, self)))})"


def history(*lines: str) -> History:
    """A history written down: `"A 0-3 add 2 = 5"` is called at 0 by A and returns 5 at 3; `"A 0- add 2"` is pending."""
    return History(map(_call, lines))


def _call(line: str) -> Call:
    asked, _, result = line.partition(" = ")
    process, stamps, name, *argument = asked.split()
    called, _, returned = stamps.partition("-")
    value = _value(argument[0]) if argument else None
    return Call(process, name, value, _value(result), int(called), int(returned) if returned else None)


def _value(text: str) -> Hashable:
    return int(text) if text.lstrip("-").isdigit() else text or None


def _line(call: Call) -> str:
    argument = "" if call.argument is None else f" {call.argument}"
    result = "" if call.result is None else f" = {call.result}"
    returned = "" if call.returned is None else call.returned
    return f"{call.process} {call.called}-{returned} {call.name}{argument}{result}"


class Model:
    """What one call does when nobody else is there: `apply(state, name, argument)` -> (state, result); states hash."""

    def __init__(
        self,
        name: str,
        initial: Hashable,
        apply: Callable[[Any, str, Any], tuple[Hashable, Hashable]],
    ) -> None:
        self.name, self.initial, self.apply = name, initial, apply

    def __repr__(self) -> str:
        return self.name


def _stack(state: tuple[Hashable, ...], name: str, argument: Hashable) -> tuple[Hashable, Hashable]:
    if name == "push":
        return (*state, argument), None
    return state[:-1], (state[-1] if state else None)


REGISTER = Model("REGISTER", 0, lambda state, name, value: (value, None) if name == "write" else (state, state))
COUNTER = Model("COUNTER", 0, lambda state, name, amount: (state + (amount or 0),) * 2)
SETDEFAULT = Model("SETDEFAULT", None, lambda state, name, value: (value if state is None else state,) * 2)
STACK = Model("STACK", (), _stack)


def flaw(order: Any, history: Iterable[Call], model: Model) -> str:
    """What is wrong with an order of the calls of a history; "" if nothing is. For the checks, and for your tests."""
    if type(order) is not list or any(type(call) is not Call for call in order):
        return "something that is no list of calls"
    unused, state = set(history), model.initial
    for place, call in enumerate(order):
        if call not in unused:
            return f"an order with {_line(call)!r}, which stands there twice or was never made"
        unused.discard(call)
        for later in order[place + 1 :]:
            if later.returned is not None and later.returned < call.called:
                return f"an order with {_line(call)!r} before {_line(later)!r}, which had returned by then"
        state, result = model.apply(state, call.name, call.argument)
        if call.returned is not None and result != call.result:
            return f"an order in which {_line(call)!r} should have got {result}"
    missing = sorted(_line(call) for call in unused if call.returned is not None)
    return f"an order without {missing[0]!r}" if missing else ""


# -- what you write --------------------------------------------------------------------------------------------------


class Counter(Protocol):
    """Level 2."""

    def add(self, amount: int) -> int:
        """Add, and return the new value."""

    def value(self) -> int:
        """The value now."""


class Bank(Protocol):
    """Level 2."""

    def transfer(self, source: str, target: str, amount: int) -> bool:
        """Move `amount` if `source` has it; whether it was moved."""

    def balances(self) -> dict[str, int]:
        """All balances at one moment."""


class Queue(Protocol):
    """Level 3."""

    def put(self, item: Any) -> None:
        """Append, as soon as there is room; raise `Closed`."""

    def get(self) -> Any:
        """Take the oldest, as soon as there is one; raise `Closed`."""

    def close(self) -> None:
        """Take nothing any more."""


class Flight(Protocol):
    """Level 4."""

    def call(self, key: Hashable, load: Callable[[], Any]) -> Any:
        """What `load()` returns or raises, one load per key at a time."""


class Lab(Protocol):
    """The class that you write. The level that first asks for a name stands behind it."""

    def preemptions(self, timeline: Sequence[str]) -> list[int]:
        """The steps after which a thread was interrupted."""

    def fatal(self, timeline: Sequence[str]) -> int | None:
        """The preemption that lost an update."""

    def counter(self) -> Counter:
        """A counter for threads, at 0 (level 2)."""

    def bank(self, balances: dict[str, int]) -> Bank:
        """Accounts for threads (level 2)."""

    def queue(self, capacity: int) -> Queue:
        """A bounded queue that can be closed (level 3)."""

    def flight(self) -> Flight:
        """One load per key at a time (level 4)."""

    def play(self, program: Program, priorities: Sequence[int], changes: Sequence[int]) -> Run:
        """Run a program by priorities (level 5)."""

    def plan(self, threads: int, length: int, depth: int, rng: Random) -> tuple[list[int], list[int]]:
        """Draw priorities and change points (level 5)."""

    def find(self, program: Program, *, length: int, depth: int, runs: int, rng: Random) -> Run | None:
        """The first run that fails (level 5)."""

    def order(self, history: Iterable[Call], model: Model) -> list[Call] | None:
        """An order of the calls that explains a history; None if there is none (level 6)."""
