"""A value that shows itself only to who asks for it by name."""

import hmac
from typing import Generic, NoReturn, Self, TypeVar

__all__ = ["HIDDEN", "Secret"]

T = TypeVar("T", covariant=True)  # noqa: PLC0105 - the letter is the convention of this house
HIDDEN = "***"


class Secret(Generic[T]):
    """Holds a value that no text shows: `reveal()` is the only way in.

    Equality takes as long for nearly right as for wrong, and the hash is the same for all. JSON and pickle refuse it;
    a copy of it is the same object. Immutable.

    >>> key = Secret("hunter2")
    >>> f"{key} {key!r}", key.reveal()
    ('*** Secret(***)', 'hunter2')
    """

    __slots__ = ("_value",)
    _value: T

    def __init__(self, value: T) -> None:
        object.__setattr__(self, "_value", value)

    def reveal(self) -> T:
        """The value."""
        return self._value

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a Secret cannot be changed")

    def __repr__(self) -> str:
        return f"Secret({HIDDEN})"

    def __str__(self) -> str:
        return HIDDEN

    def __format__(self, specification: str) -> str:
        return format(HIDDEN, specification)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        mine, theirs = self._value, other._value
        alike = hmac.compare_digest(repr(mine).encode(), repr(theirs).encode())
        return alike and type(mine) is type(theirs)

    def __hash__(self) -> int:
        return hash(Secret)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Secret is not pickled; reveal() it where you mean to")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self
