"""What every solution of this kata gets and gives: the document, a user, a reason, the shape of the flags."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

Value = bool | int | float | str | dict[str, Any]
"""What a flag may serve. Whole numbers and others are of one kind; a boolean is no number."""

User = Mapping[str, object]
"""The attributes of who asks; `id`, a text, says who it is. Asking never changes it."""


class Document(dict[str, Any]):
    """A document of flags; a dict like any other, which the checks show whole.

    `flags` has the flags by key: `enabled`, `serve`, `off` (level 1), `rules` (2), `salt` (3), `split` (4),
    `requires` (5). `segments` has conditions by name (4).
    """

    def __repr__(self) -> str:
        return dict.__repr__(self)


@dataclass(frozen=True, slots=True)
class Why:
    """Why a user was served what they were served (level 5).

    `reason` is "unknown", "cycle", "disabled", "requires" (`at` is the key of the first flag that is not as required),
    "rule" (`at` is its place, from 0 on), "serve", or "nothing" (the flag serves nothing: it was the default).
    """

    reason: str
    at: str | int | None = None


class Flags(Protocol):
    """The class that you write. The level that first asks for a name stands behind it."""

    def __init__(self, document: Document) -> None: ...

    def enabled(self, key: str, user: User, default: bool) -> bool:
        """What the flag serves to the user, or `default`."""

    def variant(self, key: str, user: User, default: Value) -> Value:
        """The same for values of every kind (level 2)."""

    def explain(self, key: str, user: User) -> Why:
        """Why the user is served what they are served (level 5)."""

    def update(self, document: Document, version: int) -> bool:
        """Replace the document, unless `version` is not newer; whether it was replaced (level 6)."""

    def on_change(self, listener: Callable[[int], object]) -> None:
        """Have `listener` called with the version after each update (level 6)."""
