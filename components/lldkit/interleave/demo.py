"""Small programs with a race, each with its cure: what `lldkit interleave demo` runs.

They are ordinary programs. Nothing in here knows of the explorer, which alone of this package it watches.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from lldkit.interleave.interface import Program

__all__ = ["DEMOS", "Demo"]


@dataclass(frozen=True, slots=True)
class Demo:
    """A program by `bug` and by `cure`, and in `about` what it does."""

    about: str
    bug: Program
    cure: Program


class Counter:
    """Counts; `add` reads and writes in two steps."""

    def __init__(self) -> None:
        self.value = 0

    def add(self) -> None:
        """One more."""
        self.value += 1


def lost_update(*, repaired: bool) -> Program:
    """Two threads add one."""

    def program() -> tuple[dict[str, Callable[[], None]], Callable[[], bool]]:
        counter, lock = Counter(), threading.Lock()

        def guarded() -> None:
            with lock:
                counter.add()

        add = guarded if repaired else counter.add
        return {"Ann": add, "Bob": add}, lambda: counter.value == 2

    return program


class Account:
    """Money under a lock of its own."""

    def __init__(self, balance: int) -> None:
        self.balance, self.lock = balance, threading.Lock()


def move(source: Account, amount: int, target: Account) -> None:
    """Move money from one account to another, both locked meanwhile."""
    with source.lock:
        source.balance -= amount
        with target.lock:
            target.balance += amount


def deadlock(*, repaired: bool) -> Program:
    """Money is moved there and back, which needs two locks."""

    def program() -> tuple[dict[str, Callable[[], None]], Callable[[], bool]]:
        one, two = Account(100), Account(100)

        def there() -> None:
            move(one, 10, two)

        def back() -> None:
            move(two, 5, one)

        def back_in_the_same_order() -> None:
            move(one, -5, two)

        bodies = {"there": there, "back": back_in_the_same_order if repaired else back}
        return bodies, lambda: (one.balance, two.balance) == (95, 105)

    return program


class Box:
    """Room for one thing; `take` waits until there is one."""

    def __init__(self, *, loop: bool) -> None:
        self.things: list[str] = []
        self.changed = threading.Condition()
        self.loop = loop

    def put(self, thing: str) -> None:
        """Put it in and tell everybody."""
        with self.changed:
            self.things.append(thing)
            self.changed.notify_all()

    def take(self) -> str:
        """Wait for a thing and take it."""
        with self.changed:
            if self.loop:
                while not self.things:
                    self.changed.wait()
            elif not self.things:
                self.changed.wait()
            return self.things.pop()


def wait_without_loop(*, repaired: bool) -> Program:
    """Two threads wait for a thing each, and are told of the first together."""

    def program() -> tuple[dict[str, Callable[[], object]], Callable[[], bool]]:
        box = Box(loop=repaired)

        def put() -> None:
            box.put("apple")
            box.put("pear")

        return {"Ann": box.take, "Bob": box.take, "putter": put}, lambda: not box.things

    return program


def _demo(make: Callable[..., Program]) -> Demo:
    return Demo(str(make.__doc__), make(repaired=False), make(repaired=True))


DEMOS = {
    "deadlock": _demo(deadlock),
    "lost-update": _demo(lost_update),
    "wait-without-loop": _demo(wait_without_loop),
}
