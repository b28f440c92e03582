"""The seam of the stores: rows with versions, that one transaction reads, or writes if nobody was faster.

A store knows nothing of payments. It keeps values under keys, each with a version that counts its writes, in groups and
with a time at which somebody wants to find them. All decisions are made by pure functions between a `read` and a
`commit`; the versions say whether what they saw still stands.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

__all__ = ["CLOCK", "Change", "Key", "Query", "Row", "Store", "Write"]

Key: TypeAlias = tuple[str, str]
"""A table and the id in it."""

CLOCK: Key = ("clock", "")
"""Reads as the time of the store (microseconds since 1970), in stores that have a clock of their own."""


class Row(NamedTuple):
    """A value, and how often its key was written; a key that is not there has version 0."""

    value: Any
    version: int


class Write(NamedTuple):
    """A new value for a key, None to delete it, if its version is still `expected`.

    `group` and `due` (in microseconds since 1970) are what `scan` finds it by.
    """

    key: Key
    value: Any
    expected: int
    group: str = ""
    due: int | None = None


class Change(NamedTuple):
    """Writes that are made together or not at all."""

    writes: tuple[Write, ...]


class Query(NamedTuple):
    """Rows of a table: of one group, or of all (None); due by a time, or any (None); with ids above `after`.

    They come by due time where one is asked for, else by id.
    """

    table: str
    group: str | None = None
    due: int | None = None
    after: str = ""
    limit: int = 100


class Store(Protocol):
    """Keeps rows. Every method is one transaction; safe for threads."""

    def read(self, keys: Collection[Key], /) -> Mapping[Key, Row]:
        """Those of the keys that are there, as they stood at one moment."""
        ...

    def commit(self, change: Change, /) -> None:
        """Make all writes, or raise StaleVersion and make none."""
        ...

    def scan(self, query: Query, /) -> Sequence[tuple[Key, Row]]:
        """The first rows that the query means."""
        ...

    def close(self) -> None:
        """Let go of connections. Idempotent."""
        ...
