"""The seams of the scheduler, the values that cross them, and its errors."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from lldkit.errors import LldkitError

__all__ = ["CronSyntaxError", "NeverFires", "SchedulerError", "Trigger", "UnknownZone"]


class Trigger(Protocol):
    """When something is due, as a pure question about instants: aware in, aware out, in the trigger's own zone."""

    def next(self, after: datetime, /) -> datetime | None:
        """The first run strictly after `after`, as an instant; None when there is none."""
        ...

    def prev(self, before: datetime, /) -> datetime | None:
        """The last run strictly before `before`, as an instant; None when there is none."""
        ...


class SchedulerError(LldkitError):
    """Whatever the scheduler refuses."""


class CronSyntaxError(SchedulerError, ValueError):
    """An expression that is no cron: `problem` in its `field`, at the character `position` (from 0)."""

    def __init__(self, expression: str, field: str, position: int, problem: str) -> None:
        super().__init__(f"{expression!r}, {field} at character {position}: {problem}")
        self.expression = expression
        self.field = field
        self.position = position
        self.problem = problem

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return type(self), (self.expression, self.field, self.position, self.problem)


class UnknownZone(SchedulerError, ValueError):
    """No time zone of this name in the database of this machine."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no such time zone, got {name!r}; it takes names as 'Europe/Berlin'")
        self.name = name

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return type(self), (self.name,)


class NeverFires(SchedulerError, ValueError):
    """A trigger that has no run at all, as the 30th of February."""
