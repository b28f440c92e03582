"""What a value must be beyond its type, written as `Annotated[int, Between(1, 64)]`."""

import re
from dataclasses import dataclass
from typing import Any, Protocol

__all__ = ["Between", "Check", "Length", "Matches", "NonFinite", "OneOf"]


class Check(Protocol):
    """Says what would be right, or an empty text for a value that is."""

    def wants(self, value: Any) -> str:
        """What would be right instead of `value`."""
        ...


@dataclass(frozen=True, slots=True, init=False)
class Between:
    """From `low` to `high`, both included; None leaves a side open."""

    low: Any
    high: Any

    def __init__(self, low: Any, high: Any) -> None:
        if low is not None and high is not None and not low <= high:
            raise ValueError(f"the bounds of Between must be in order, got {low!r} and {high!r}")
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)

    def wants(self, value: Any) -> str:
        """The bounds, if `value` is outside."""
        if (self.low is None or value >= self.low) and (self.high is None or value <= self.high):
            return ""
        if self.high is None:
            return f"at least {self.low}"
        return f"at most {self.high}" if self.low is None else f"from {self.low} to {self.high}"


@dataclass(frozen=True, slots=True, init=False)
class OneOf:
    """One of these values."""

    values: tuple[Any, ...]

    def __init__(self, *values: Any) -> None:
        object.__setattr__(self, "values", values)

    def wants(self, value: Any) -> str:
        """The values, if `value` is none of them."""
        return "" if value in self.values else "one of " + ", ".join(map(repr, self.values))


@dataclass(frozen=True, slots=True)
class Length:
    """As many characters or items as from `low` to `high`."""

    low: int
    high: int | None = None

    def wants(self, value: Any) -> str:
        """The bounds, if `value` is too short or too long."""
        if self.low <= len(value) and (self.high is None or len(value) <= self.high):
            return ""
        return f"a length of at least {self.low}" if self.high is None else f"a length from {self.low} to {self.high}"


@dataclass(frozen=True, slots=True)
class Matches:
    """A text that matches the regular expression `pattern` as a whole."""

    pattern: str

    def __post_init__(self) -> None:
        re.compile(self.pattern)

    def wants(self, value: Any) -> str:
        """The pattern, if `value` does not match it."""
        return "" if re.fullmatch(self.pattern, value) else f"a text that matches {self.pattern}"


@dataclass(frozen=True, slots=True)
class NonFinite:
    """Marks a float that may be `nan` or infinite; any other may not."""

    def wants(self, value: Any) -> str:  # noqa: ARG002 - the shape of a check
        """Nothing: it allows more, and asks for nothing."""
        return ""
