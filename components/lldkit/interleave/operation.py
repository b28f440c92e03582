"""One call of a history, and the values that stand for what a call may end in."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

__all__ = ["PENDING", "Keyword", "Operation", "Pending", "Raised"]


class Pending(Enum):
    """The type of `PENDING`."""

    PENDING = "pending"

    def __repr__(self) -> str:
        return "PENDING"


PENDING: Final = Pending.PENDING
"""The result of a call that never returned: it may have taken effect at any time after it was made, or never."""


@dataclass(frozen=True, slots=True)
class Raised:
    """A result: the call raised an exception of class `error`. Two are equal when their classes have one name.

    >>> Raised("KeyError", "'nut'") == Raised("KeyError", "'bolt'")
    True
    """

    error: str
    message: str = field(default="", compare=False)

    @classmethod
    def of(cls, error: BaseException) -> "Raised":
        """Return `error` as a value."""
        return cls(type(error).__qualname__, str(error))


@dataclass(frozen=True, slots=True)
class Keyword:
    """An argument that was passed by name and that no signature could turn into a positional one."""

    name: str
    value: object


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of one process (a thread, a task, a client): what was asked, what came back, and when.

    `called` and `returned` are stamps of one counter or clock, common to all operations of a history. A call precedes
    another when it returned before the other was called; otherwise the two are concurrent. A call that never returned
    has `result=PENDING` and `returned=None`. Raises `ValueError` when these two disagree, or when it returned before
    it was called.
    """

    process: Hashable
    name: str
    args: tuple[object, ...]
    result: object = PENDING
    called: int = 0
    returned: int | None = None

    def __post_init__(self) -> None:
        if (self.result is PENDING) != (self.returned is None):
            raise ValueError(
                "a call has both a result and a time of return, or neither; "
                f"{self} has result={self.result!r} and returned={self.returned!r}"
            )
        if self.returned is not None and self.returned < self.called:
            raise ValueError(f"a call returns after it was made; {self} was made at {self.called}, not before")

    def __str__(self) -> str:
        arguments = (f"{a.name}={a.value!r}" if isinstance(a, Keyword) else repr(a) for a in self.args)
        call = f"{self.name}({', '.join(arguments)})"
        match self.result:
            case Pending.PENDING:
                return f"{call} …"
            case None:
                return call
            case Raised(error):
                return f"{call} raised {error}"
            case result:
                return f"{call} → {result!r}"
