"""What the tests of retry share: functions that fail by plan, and an rng that says what it is told."""

from collections.abc import Iterable
from random import Random
from typing import Any

from lldkit.clock import ManualClock
from lldkit.retry import Retry


class Script:
    """A function that raises or returns what its script says, in order, and repeats the last line for ever."""

    def __init__(self, *lines: object, clock: ManualClock | None = None, takes: float = 0.0) -> None:
        self.lines = lines
        self.calls = 0
        self.clock = clock
        self.takes = takes

    def __call__(self, *_: object, **__: object) -> Any:
        line = self.lines[min(self.calls, len(self.lines) - 1)]
        self.calls += 1
        if self.clock is not None:
            self.clock.advance(self.takes)
        if isinstance(line, BaseException):
            raise line
        return line

    async def acall(self, *_: object, **__: object) -> Any:
        return self()


class Fixed(Random):
    """An rng that returns the given numbers in turn and counts how many were drawn."""

    def __init__(self, *numbers: float) -> None:
        super().__init__(0)
        self.numbers = numbers
        self.draws = 0

    def random(self) -> float:
        self.draws += 1
        return self.numbers[(self.draws - 1) % len(self.numbers)]


class Sleepless(ManualClock):
    """A clock that jumps over every sleep and remembers it."""

    def __init__(self) -> None:
        super().__init__(auto_advance=True)
        self.slept: list[float] = []

    def sleep(self, seconds: float, /) -> None:
        self.slept.append(seconds)
        super().sleep(seconds)

    async def asleep(self, seconds: float, /) -> None:
        self.slept.append(seconds)
        await super().asleep(seconds)


class Busy(Exception):
    """A refusal that says when to come back."""

    def __init__(self, retry_after: object) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after


def delays(policy: Retry, errors: Iterable[BaseException]) -> list[float]:
    """The sleeps of one call that fails with `errors` and then succeeds; `policy` has a Sleepless clock."""
    clock = policy.clock
    assert isinstance(clock, Sleepless)
    clock.slept.clear()
    policy.call(Script(*errors, "ok"))
    return clock.slept
