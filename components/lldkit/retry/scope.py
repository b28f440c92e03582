"""Where code runs: inside a retried attempt, or where a test has switched retrying or its sleeps off.

Both are context variables, so that threads and tasks do not see each other's. A task that is created inside a retried
attempt counts as inside for as long as that attempt lasts, and no longer.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple, Protocol

from lldkit.retry.plan import Mode

__all__ = ["RETRIED", "Marker", "mode", "retrying", "sleeps"]


class Switches(NamedTuple):
    """What `retrying` switches."""

    enabled: bool = True
    wait: bool = True


class Marker(Protocol):
    """A call that marks what its retried attempts run, for as long as one is `active`."""

    active: bool


_switches: ContextVar[Switches] = ContextVar("lldkit.retry.switches", default=Switches())  # noqa: B039 - immutable
RETRIED: ContextVar[Marker | None] = ContextVar("lldkit.retry.retried", default=None)
PLAIN, NESTED = Mode(), Mode(nested=True)


def mode(call: Marker) -> Mode:
    """How `call` is to be retried; its own retried attempts do not make it nested."""
    if not _switches.get().enabled:
        return Mode(enabled=False)
    retried = RETRIED.get()
    return NESTED if retried is not None and retried is not call and retried.active else PLAIN


def sleeps() -> bool:
    """Whether sleeps are real."""
    return _switches.get().wait


@contextmanager
def retrying(*, enabled: bool = True, wait: bool = True) -> Iterator[None]:
    """Switch retrying off (`enabled=False`), or only its sleeps (`wait=False`), for the code inside; for tests.

    It holds in this thread or task and those tasks that are created inside. Decisions stay as they are: with
    `wait=False` a sleep that would end after the deadline is still not begun.
    """
    token = _switches.set(Switches(enabled, wait))
    try:
        yield
    finally:
        _switches.reset(token)
