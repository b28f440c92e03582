"""The words of versioned documents: what a reader holds, what a store keeps, and how a store refuses."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Event
from typing import Generic, Protocol, TypeVar

from lldkit.errors import LldkitError

__all__ = [
    "Document",
    "DocumentStore",
    "FollowerStatus",
    "Snapshot",
    "SnapshotError",
    "StoreUnavailable",
    "VersionConflict",
    "VersionNotFound",
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Snapshot(Generic[T]):
    """A value as of a version; `origin` names the history that numbers the versions, `loaded_at` is aware UTC."""

    value: T
    version: int
    origin: str
    loaded_at: datetime


@dataclass(frozen=True, slots=True)
class Document:
    """One version of a document: a JSON object, who wrote it and why, and upon which version it was built.

    `version` counts from 1 within `origin`, which is drawn when a store is made: a store that was wiped and made again
    has another one. `body` is read-only all the way down.
    """

    body: Mapping[str, object]
    version: int
    origin: str
    author: str
    reason: str
    parent: int | None
    created_at: datetime


class DocumentStore(Protocol):
    """Keeps the versions of one document. Safe for threads and tasks; every verb has a twin with the prefix `a`.

    Raises `StoreUnavailable` where the engine behind it does not answer.
    """

    def read(self, version: int | None = None) -> Document:
        """Return a version, None for the newest; `VersionNotFound` also when there is none at all."""
        ...

    async def aread(self, version: int | None = None) -> Document:
        """`read` for tasks."""
        ...

    def publish(self, body: Mapping[str, object], *, expected: int, author: str, reason: str = "") -> Document:
        """Add a version if the newest is still `expected` (0: there is none yet), else raise `VersionConflict`."""
        ...

    async def apublish(self, body: Mapping[str, object], *, expected: int, author: str, reason: str = "") -> Document:
        """`publish` for tasks."""
        ...

    def history(self, *, limit: int = 50) -> Sequence[Document]:
        """The newest versions that are still kept, newest first."""
        ...

    async def ahistory(self, *, limit: int = 50) -> Sequence[Document]:
        """`history` for tasks."""
        ...

    def hints(self, stop: Event) -> Iterator[bool]:
        """Listen until `stop` is set: True for "the newest version may be another", False for "nothing was heard".

        The first True says that the listening has begun: what is published from then on is not missed, unless the
        connection is lost, which raises `StoreUnavailable`. Something is said at least every tenth of a second. A hint
        is a wake-up and never data: it may be lost, doubled or late.
        """
        ...


@dataclass(frozen=True, slots=True)
class FollowerStatus:
    """How a follower stands; times are seconds and aware UTC.

    `fresh_at` is when the newest version was last seen, `stale_seconds` how long that is ago (infinite: never),
    `failures` counts since then, and `last_error` is the type of the last one.
    """

    version: int = 0
    fresh_at: datetime | None = None
    stale_seconds: float = math.inf
    failures: int = 0
    last_error: str | None = None
    connected: bool = False


class SnapshotError(LldkitError):
    """Base of the errors of versioned documents."""


class VersionConflict(SnapshotError):
    """Nothing was published: the newest version is `actual`, and not the `expected` one."""

    def __init__(self, expected: int, actual: int) -> None:
        super().__init__(f"expected version {expected} to be the newest, but it is {actual}; read it and try again")
        self.expected, self.actual = expected, actual

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.expected, self.actual)


class VersionNotFound(SnapshotError):
    """There is no such version, or no longer: those from `oldest` to `newest` are kept (0 and 0: none)."""

    def __init__(self, version: int | None, oldest: int, newest: int) -> None:
        asked = "the newest version" if version is None else f"version {version}"
        kept = f"{oldest} to {newest} are kept" if newest else "nothing was published yet"
        super().__init__(f"{asked} is not there: {kept}")
        self.version, self.oldest, self.newest = version, oldest, newest

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.version, self.oldest, self.newest)


class StoreUnavailable(SnapshotError):
    """The engine of `store` did not answer; whether a publication took effect is then unknown."""

    def __init__(self, store: str, retry_after: float | None = None) -> None:
        super().__init__(f"{store} did not answer")
        self.store, self.retry_after = store, retry_after

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.store, self.retry_after)
