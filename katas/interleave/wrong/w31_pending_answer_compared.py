"""Interleavings: read them, survive them, find them, judge them."""

import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import pairwise
from random import Random
from typing import Any

from interface import Call, Closed, Model, Program, Reentrant, Run


class Lab:
    """Everything about interleavings."""

    def preemptions(self, timeline: Sequence[str]) -> list[int]:
        """The steps after which a thread was interrupted."""
        threads = [line.split()[0] for line in timeline]
        switches = [step for step, (one, other) in enumerate(pairwise(threads)) if one != other]
        return [step for step in switches if threads[step] in threads[step + 1 :]]

    def fatal(self, timeline: Sequence[str]) -> int | None:
        """The preemption that lost an update."""
        steps = [line.split() for line in timeline]
        for write, (thread, verb, name) in enumerate(steps):
            mine = [step for step in range(write) if steps[step][0] == thread and steps[step][2] == name]
            if verb == "writes" and mine and steps[mine[-1]][1] == "reads":
                between = [step for step in range(mine[-1], write) if steps[step][1:] == ["writes", name]]
                if between:
                    return max(step for step in range(between[0]) if steps[step][0] == thread)
        return None

    def counter(self) -> "Counter":
        """A counter for threads, at 0."""
        return Counter()

    def bank(self, balances: dict[str, int]) -> "Bank":
        """Accounts for threads."""
        return Bank(balances)

    def queue(self, capacity: int) -> "Queue":
        """A bounded queue that can be closed."""
        return Queue(capacity)

    def flight(self) -> "Flight":
        """One load per key at a time."""
        return Flight()

    def play(self, program: Program, priorities: Sequence[int], changes: Sequence[int]) -> Run:
        """Run a program by priorities."""
        threads, holds = program()
        waits = dict.fromkeys(range(len(threads)))  # those that have not ended, and what each waits for
        priority, schedule = list(priorities), list[int]()
        while waits:
            ready = [thread for thread, condition in waits.items() if condition is None or condition()]
            if not ready:
                return Run(tuple(schedule), "deadlock")
            chosen = max(ready, key=priority.__getitem__)
            if len(schedule) in changes:
                priority[chosen] = changes.index(len(schedule))
                chosen = max(ready, key=priority.__getitem__)
            schedule.append(chosen)
            try:
                waits[chosen] = next(threads[chosen])
            except StopIteration:
                del waits[chosen]
            except Exception:
                return Run(tuple(schedule), "exception")
        return Run(tuple(schedule), "" if holds() else "check")

    def plan(self, threads: int, length: int, depth: int, rng: Random) -> tuple[list[int], list[int]]:
        """Draw priorities and change points."""
        priorities = list(range(depth, depth + threads))
        rng.shuffle(priorities)
        return priorities, rng.sample(range(length), min(depth - 1, length))

    def find(self, program: Program, *, length: int, depth: int, runs: int, rng: Random) -> Run | None:
        """The first run that fails."""
        threads = len(program()[0])
        for _ in range(runs):
            run = self.play(program, *self.plan(threads, length, depth, rng))
            if run.failure:
                return run
        return None

    def order(self, history: Iterable[Call], model: Model) -> list[Call] | None:
        """An order of the calls that explains a history."""
        return _Search(list(history), model).extend(frozenset(), model.initial)


class Counter:
    """A number under a lock."""

    def __init__(self) -> None:
        self._lock, self._value = threading.Lock(), 0

    def add(self, amount: int) -> int:
        """Add, and return the new value."""
        with self._lock:
            self._value += amount
            return self._value

    def value(self) -> int:
        """The value now."""
        return self._value  # a single read needs no lock


class Bank:
    """All balances under one lock."""

    def __init__(self, balances: dict[str, int]) -> None:
        self._lock, self._balances = threading.Lock(), dict(balances)

    def transfer(self, source: str, target: str, amount: int) -> bool:
        """Move `amount` if `source` has it; whether it was moved."""
        if amount < 0:
            raise ValueError(f"an amount is at least 0, got {amount}")
        with self._lock:
            if self._balances[source] < amount:
                return False
            self._balances[source] -= amount
            self._balances[target] += amount
            return True

    def balances(self) -> dict[str, int]:
        """All balances at one moment."""
        with self._lock:
            return dict(self._balances)


class Queue:
    """A bounded queue on one lock and two conditions."""

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"a queue has room for 1 item at least, got {capacity}")
        self._capacity, self._items, self._closed = capacity, deque[Any](), False
        self._lock = threading.Lock()
        self._not_full, self._not_empty = threading.Condition(self._lock), threading.Condition(self._lock)

    def put(self, item: Any) -> None:
        """Append, as soon as there is room."""
        with self._lock:
            while len(self._items) == self._capacity and not self._closed:
                self._not_full.wait()
            if self._closed:
                raise Closed
            self._items.append(item)
            self._not_empty.notify()

    def get(self) -> Any:
        """Take the oldest, as soon as there is one."""
        with self._lock:
            while not self._items and not self._closed:
                self._not_empty.wait()
            if not self._items:
                raise Closed
            self._not_full.notify()
            return self._items.popleft()

    def close(self) -> None:
        """Take nothing any more, and tell all who wait."""
        with self._lock:
            self._closed = True
            self._not_full.notify_all()
            self._not_empty.notify_all()


class Flight:
    """One load per key at a time; who comes meanwhile waits for it."""

    def __init__(self) -> None:
        self._lock, self._loads = threading.Lock(), dict[Hashable, _Load]()

    def call(self, key: Hashable, load: Callable[[], Any]) -> Any:
        """What `load()` returns or raises."""
        while True:
            with self._lock:
                running = self._loads.get(key)
                if running is None:
                    mine = self._loads[key] = _Load()
            if running is None:
                return self._lead(key, mine, load)
            if running.leader == threading.get_ident():
                raise Reentrant(key)
            running.over.wait()
            if running.outcome is not None:
                return running.outcome()

    def _lead(self, key: Hashable, mine: "_Load", load: Callable[[], Any]) -> Any:
        try:
            mine.returned(load())
        except Exception as error:
            mine.raised(error)
        finally:
            with self._lock:
                del self._loads[key]
            mine.over.set()
        return mine.outcome()


class _Load:
    """A load that is under way; without an outcome at its end it was abandoned."""

    def __init__(self) -> None:
        self.leader, self.over = threading.get_ident(), threading.Event()
        self.outcome: Callable[[], Any] | None = None

    def returned(self, value: Any) -> None:
        """Everybody gets the value."""
        self.outcome = lambda: value

    def raised(self, error: Exception) -> None:
        """Everybody gets the error."""

        def outcome() -> Any:
            raise error

        self.outcome = outcome


class _Search:
    """A search among all orders, that comes to no set of calls and state twice."""

    def __init__(self, calls: list[Call], model: Model) -> None:
        self._calls, self._model = calls, model
        self._seen = set[tuple[frozenset[int], Hashable]]()

    def extend(self, made: frozenset[int], state: Hashable) -> list[Call] | None:
        """Calls that can follow when those of `made` have led to `state`, until all that returned are there."""
        left = [number for number in range(len(self._calls)) if number not in made]
        returns = [self._calls[number].returned for number in left if self._calls[number].returned is not None]
        if not returns:
            return []
        if (made, state) in self._seen:
            return None
        self._seen.add((made, state))
        for number in left:
            call = self._calls[number]
            if call.called <= min(returns):
                after, result = self._model.apply(state, call.name, call.argument)
                if result == call.result:
                    rest = self.extend(made | {number}, after)
                    if rest is not None:
                        return [call, *rest]
        return None
