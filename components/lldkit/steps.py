"""One procedure for threads and tasks: a generator that yields what it wants done, and two small runners that do it."""

import math
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar, cast

from lldkit.clock import Clock
from lldkit.turns import TaskTurn, ThreadTurn, Turn

__all__ = ["Await", "Do", "Sleep", "Steps", "arun", "run"]

Q = TypeVar("Q")
A = TypeVar("A")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Do(Generic[Q]):
    """Carry out a question to the engine; the answer is sent back."""

    question: Q


@dataclass(frozen=True, slots=True)
class Sleep:
    """Let so many seconds pass."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Await:
    """Wait for a turn until `deadline` in monotonic seconds (`math.inf`: for ever); whether it came is sent back."""

    turn: Turn
    deadline: float

    def seconds(self, clock: Clock) -> float | None:
        """How long that is from now."""
        return None if self.deadline == math.inf else max(0.0, self.deadline - clock.monotonic())


Steps: TypeAlias = Generator[Do[Q] | Sleep | Await, Any, R]
"""A procedure that asks questions of type Q and returns an R."""


def run(steps: Steps[Q, R], do: Callable[[Q], object], clock: Clock) -> R:
    """Run `steps` in this thread. What a step raises is raised inside the generator, which may take more steps."""
    try:
        step = next(steps)
        while True:
            try:
                answer: object = None
                if isinstance(step, Do):
                    answer = do(step.question)
                elif isinstance(step, Sleep):
                    clock.sleep(step.seconds)
                else:
                    answer = cast("ThreadTurn", step.turn).wait(clock, step.seconds(clock))
            except BaseException as error:  # noqa: BLE001 - the steps decide, and raise it again
                step = steps.throw(error)
            else:
                step = steps.send(answer)
    except StopIteration as done:
        return cast("R", done.value)


async def arun(steps: Steps[Q, R], do: Callable[[Q], Awaitable[object]], clock: Clock) -> R:
    """Run `steps` in this task; as `run`."""
    try:
        step = next(steps)
        while True:
            try:
                answer: object = None
                if isinstance(step, Do):
                    answer = await do(step.question)
                elif isinstance(step, Sleep):
                    await clock.asleep(step.seconds)
                else:
                    answer = await cast("TaskTurn", step.turn).wait(clock, step.seconds(clock))
            except BaseException as error:  # noqa: BLE001 - the steps decide, and raise it again
                step = steps.throw(error)
            else:
                step = steps.send(answer)
    except StopIteration as done:
        return cast("R", done.value)
