"""Versioned documents: one newest version that everybody follows, and nobody reads half of it.

    store = MemoryStore({"limit": 10})
    store.publish({"limit": 20}, expected=1, author="ana", reason="sale")   # VersionConflict if somebody was faster
    cell = Cell(Snapshot(1, version=1, origin="here", loaded_at=clock.now()))
    cell.current.value                                                      # one attribute load, always a whole version

`ChangeBus` tells of changes after the swap; `Follower` keeps a cell at the newest version. Stores that others share
have files of their own: `FileStore` in `lldkit.snapshot.file`, and likewise `sqlite`, `postgres` and `redis`.
"""

from lldkit.snapshot.bus import ChangeBus, Changes, Missed, Subscription
from lldkit.snapshot.cell import Cell
from lldkit.snapshot.follower import AsyncFollower, Follower
from lldkit.snapshot.fork import restart_after_fork
from lldkit.snapshot.interface import (
    Document,
    DocumentStore,
    FollowerStatus,
    Snapshot,
    SnapshotError,
    StoreUnavailable,
    VersionConflict,
    VersionNotFound,
)
from lldkit.snapshot.memory import MemoryStore

__all__ = [
    "AsyncFollower",
    "Cell",
    "ChangeBus",
    "Changes",
    "Document",
    "DocumentStore",
    "Follower",
    "FollowerStatus",
    "MemoryStore",
    "Missed",
    "Snapshot",
    "SnapshotError",
    "StoreUnavailable",
    "Subscription",
    "VersionConflict",
    "VersionNotFound",
    "restart_after_fork",
]
