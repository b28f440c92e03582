"""Races made likely with real threads: keys, values and numbers that give way in the middle, and a hammer.

CPython with a GIL switches threads only on entering a function, on jumping back and after calls, so that `self.total +=
amount` never loses an update as long as the operands are plain numbers; a cache never loads twice while its keys are
plain strings. Operands written in Python open exactly those gaps. They go where plain ones go, into code that cannot be
run under the explorer: a C extension, a real engine, the free-threaded build.

>>> YieldingNumber(2) + 3, YieldingKey("nut") in {"nut"}
(5, True)
"""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from lldkit.clock import SYSTEM, Clock
from lldkit.interleave.interface import InterleaveError

__all__ = ["HammerFailure", "HammerReport", "YieldingKey", "YieldingNumber", "YieldingValue", "hammer"]

T = TypeVar("T")


def _give_way() -> None:
    SYSTEM.sleep(0)  # lets another thread run


class YieldingKey(str):
    """A text key, equal to the plain string, whose `hash` and `==` let another thread run."""

    __slots__ = ()

    def __hash__(self) -> int:
        _give_way()
        return super().__hash__()

    def __eq__(self, other: object) -> bool:
        _give_way()
        return super().__eq__(other)


class YieldingValue(Generic[T]):
    """Some `value` whose truth test and `repr` let another thread run; equal to others by `value`."""

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value

    def __bool__(self) -> bool:
        _give_way()
        return bool(self.value)

    def __repr__(self) -> str:
        _give_way()
        return f"YieldingValue({self.value!r})"

    def __eq__(self, other: object) -> bool:
        return self.value == (other.value if isinstance(other, YieldingValue) else other)

    def __hash__(self) -> int:
        return hash(self.value)


class YieldingNumber(int):
    """An int whose `+`, `-` and order let another thread run, whichever side it stands on; sums yield again."""

    __slots__ = ()

    def __add__(self, other: int) -> "YieldingNumber":
        _give_way()
        return _yielding(super().__add__(other))

    __radd__ = __iadd__ = __add__

    def __sub__(self, other: int) -> "YieldingNumber":
        _give_way()
        return _yielding(super().__sub__(other))

    __isub__ = __sub__

    def __rsub__(self, other: int) -> "YieldingNumber":
        _give_way()
        return _yielding(super().__rsub__(other))

    def __lt__(self, other: int) -> bool:
        _give_way()
        return super().__lt__(other)

    def __le__(self, other: int) -> bool:
        _give_way()
        return super().__le__(other)

    def __gt__(self, other: int) -> bool:
        _give_way()
        return super().__gt__(other)

    def __ge__(self, other: int) -> bool:
        _give_way()
        return super().__ge__(other)


def _yielding(result: int) -> "YieldingNumber":
    return result if result is NotImplemented else YieldingNumber(result)


@dataclass(frozen=True, slots=True)
class HammerReport:
    """What came of a hammering: `calls` that ended, `errors` they raised, and threads `lost`.

    A thread is lost that was still inside a body when the time was up. `seconds` are real ones.
    """

    calls: int
    errors: tuple[BaseException, ...]
    lost: tuple[str, ...]
    seconds: float

    def assert_ok(self) -> "HammerReport":
        """Return the report if nothing was raised and nobody lost, else raise `HammerFailure` from the first error."""
        if self.errors or self.lost:
            raise HammerFailure(self) from next(iter(self.errors), None)
        return self


class HammerFailure(InterleaveError, AssertionError):
    """A body raised, or a thread was lost."""

    def __init__(self, report: HammerReport) -> None:
        first = f", the first {report.errors[0]!r}" if report.errors else ""
        lost = f", lost {', '.join(report.lost)} after {report.seconds:.1f} s" if report.lost else ""
        super().__init__(f"{report.calls} calls, {len(report.errors)} errors{first}{lost}")
        self.report = report


def hammer(
    *bodies: Callable[[], object],
    threads: int = 8,
    rounds: int = 300,
    switch_interval: float = 1e-6,
    limit_seconds: float = 30.0,
    clock: Clock = SYSTEM,
) -> HammerReport:
    """Call `bodies` from real threads, `rounds` times each, all threads starting every round at one moment.

    Thread i runs body i modulo their number. The interpreter switches threads every `switch_interval` seconds
    meanwhile. After `limit_seconds` of real time the rest is given up; the threads are daemons, so that a lost one
    keeps nobody from leaving. What a body raises is collected and its thread goes on. Finding nothing proves nothing.
    """
    if not bodies or threads < len(bodies) or rounds < 1:
        raise ValueError(
            f"a hammer needs bodies, a thread for each and a round, got {len(bodies)}, {threads}, {rounds}"
        )
    crew = [_Worker(bodies[number % len(bodies)]) for number in range(threads)]
    start_line = threading.Barrier(threads)
    pool = [
        threading.Thread(target=worker.run, args=(rounds, start_line), name=f"hammer {number}", daemon=True)
        for number, worker in enumerate(crew)
    ]
    began = clock.monotonic()
    with _switching_every(switch_interval):
        try:
            for thread in pool:
                thread.start()
            for thread in pool:
                thread.join(max(0.0, began + limit_seconds - clock.monotonic()))
        finally:
            start_line.abort()
    lost = [thread.name for thread, worker in zip(pool, crew, strict=True) if worker.inside]
    errors = [error for worker in crew for error in worker.errors]
    return HammerReport(sum(worker.calls for worker in crew), tuple(errors), tuple(lost), clock.monotonic() - began)


class _Worker:
    """One thread's share; only that thread writes here."""

    def __init__(self, body: Callable[[], object]) -> None:
        self.body = body
        self.calls = 0
        self.errors: list[BaseException] = []
        self.inside = False

    def run(self, rounds: int, start_line: threading.Barrier) -> None:
        for _ in range(rounds):
            try:
                start_line.wait()
            except threading.BrokenBarrierError:  # the time is up
                return
            self.inside = True
            try:
                self.body()
            except BaseException as error:  # noqa: BLE001 - a thread has nobody to raise to; the report tells
                self.errors.append(error)
            self.calls += 1
            self.inside = False


@contextmanager
def _switching_every(seconds: float) -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(seconds)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
