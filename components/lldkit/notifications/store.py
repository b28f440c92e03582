"""The seam of the stores: rows with versions that one transaction writes if nobody was faster, and leases on due ones.

A store knows nothing of notifications. It keeps values under keys, each with a version that counts its writes. A row
may be in a group, and may wait in a lane: for its time, or for the end of a lease. All decisions are made by pure
functions between a `find` and a `commit`; the versions say whether what they saw still stands, and are the fences of
whoever was too slow.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

from lldkit.notifications.interface import NotificationError

__all__ = ["Key", "Query", "Row", "StaleVersion", "Store", "Wakeful", "Write", "is_due"]

Key: TypeAlias = tuple[str, str]
"""A kind of row, and the id in it."""


class Row(NamedTuple):
    """A value, how often its key was written (0: never), and when a worker may look at it (None: never)."""

    value: Any
    version: int
    due: int | None = None


class Write(NamedTuple):
    """A new value for a key, None to delete it, if its version is still `expected`.

    It waits in `lane` until `due` (microseconds since 1970), or is leased for `lease` microseconds of the store's time.
    """

    key: Key
    value: Any
    expected: int
    group: str = ""
    lane: str = ""
    due: int | None = None
    lease: int | None = None


class Query(NamedTuple):
    """Rows of a `group` of a kind, or of all groups (None), by id, with ids above `after`.

    With a `lane` instead: those that wait there until `due` at the latest (None: any), by the time at which they do.
    """

    kind: str = ""
    group: str | None = None
    after: str = ""
    lane: str = ""
    due: int | None = None
    limit: int = 100


class Store(Protocol):
    """Keeps rows. Every method is one transaction, or takes part in that of `connection`; safe for threads."""

    def commit(self, writes: Sequence[Write], /, *, now: int, connection: Any = None) -> None:
        """Make all writes, or raise StaleVersion and make none; leases begin `now`, or by the store's own time."""
        ...

    def claim(self, shares: Sequence[tuple[str, int]], /, *, now: int, lease: int) -> Sequence[tuple[Key, Row]]:
        """Lease up to so many rows of each lane for `lease` microseconds, and return them with their new versions.

        Those are due whose time has come by `now`, or whose lease has run out: by `now`, or by the store's own time
        where it has one. In each lane the first come first.
        """
        ...

    def find(self, what: Collection[Key] | Query, /, *, connection: Any = None) -> Mapping[Key, Row]:
        """Those of the keys that are there, or the first rows that the query means, in its order."""
        ...

    def close(self) -> None:
        """Let go of connections. Idempotent."""
        ...


@runtime_checkable
class Wakeful(Protocol):
    """A store that tells when there is something to do; without one a worker looks once a second."""

    def subscribe(self, give: Callable[[], object], /) -> Callable[[], None]:
        """Call `give` after commits by which something is due, until the function is called that is returned.

        A hint: it may come too often or not at all. It is called in any thread, and must not block.
        """
        ...


def is_due(writes: Iterable[Write], now: int) -> bool:
    """Whether a worker that sleeps should look at once."""
    return any(write.due is not None and write.due <= now for write in writes)


class StaleVersion(NotificationError):
    """Somebody else has written the row: its version is `found`, not `expected`."""

    def __init__(self, key: Key, expected: int, found: int) -> None:
        super().__init__(f"{key[0]} {key[1]!r} has version {found}, not {expected}: somebody else has written it")
        self.key = key
        self.expected = expected
        self.found = found
