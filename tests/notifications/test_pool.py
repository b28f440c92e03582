"""The pool under the deterministic scheduler: never too many, and nobody is forgotten."""

import socket
import time
from collections.abc import Callable
from functools import partial

from lldkit import interleave
from lldkit.clock import SystemClock
from lldkit.notifications.pool import ConnectionFailed, Pool, Visit
from lldkit.notifications.wires import Wire, Work
from lldkit.steps import Sleep

INCLUDE = ["lldkit.notifications", "lldkit.turns", "lldkit.steps"]
Program = tuple[dict[str, Callable[[], object]], Callable[[], object]]


class VirtualClock(SystemClock):
    """The time of the run that is being explored."""

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float, /) -> None:  # type: ignore[override]
        time.sleep(seconds)


class Lines:
    """What the tests count: lines that are open, and how many of them were in use at once."""

    def __init__(self, most: int) -> None:
        self.open = self.used = self.most_used = self.dialled = 0
        self.failed: list[str] = []
        self.pool = Pool(most=most, timeout_seconds=5.0, clock=VirtualClock())

    def dial(self) -> Work[Wire]:
        yield Sleep(0.0)
        line = Line(self)
        self.open += 1
        self.dialled += 1
        return line

    def talk(self, wire: Wire) -> Work[None]:
        self.used += 1
        self.most_used = max(self.most_used, self.used)
        try:
            yield Sleep(1.0)
        finally:
            self.used -= 1
        wire.keep = True

    def call(self, key: str) -> None:
        def procedure(visit: Visit) -> Work[None]:
            return self.pool.converse(visit, key, self.dial, self.talk)

        try:
            self.pool.run(procedure)
        except ConnectionFailed as failed:
            self.failed.append(failed.reason)


class Line(Wire):
    """A wire without a socket."""

    def __init__(self, lines: Lines) -> None:
        with socket.socket() as unconnected:
            super().__init__(unconnected)
        self.lines = lines

    @property
    def silent(self) -> bool:
        return True

    def close(self) -> None:
        self.lines.open -= 1


def prove(program: Callable[[], Program], *, schedules: int = 60) -> None:
    interleave.explore(program, schedules=schedules, include=INCLUDE, race_timeouts=False).assert_ok()


def test_who_finds_no_connection_gets_one_in_turn() -> None:
    def program() -> Program:
        lines = Lines(most=1)

        def invariant() -> bool:
            return (lines.most_used, lines.failed, lines.open, lines.dialled) == (1, [], 1, 1)

        return {name: lambda: lines.call("a") for name in ("one", "two", "three")}, invariant

    prove(program)


def test_idle_connections_to_others_make_room() -> None:
    def program() -> Program:
        lines = Lines(most=2)
        calls: dict[str, Callable[[], object]] = {key: partial(lines.call, key) for key in ("a", "b", "c")}

        def invariant() -> bool:
            kept = lines.most_used <= 2 and lines.open <= 2
            return kept and (lines.failed, lines.pool._in_use) == ([], 0)

        return calls, invariant

    prove(program)


def test_who_waits_longer_than_his_time_leaves_no_hole() -> None:
    def program() -> Program:
        lines = Lines(most=1)
        lines.pool._timeout = 0.5

        def invariant() -> bool:
            one_waited = lines.failed in ([], ["AllConnectionsBusy"])
            return one_waited and lines.pool._in_use == 0 and not lines.pool._waiting and lines.most_used == 1

        return {"one": lambda: lines.call("a"), "two": lambda: lines.call("a")}, invariant

    interleave.explore(program, schedules=100, include=INCLUDE).assert_ok()
