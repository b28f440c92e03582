"""What a type checker must make of every public name of lldkit.snapshot; generated, checked, never run."""

from collections.abc import Mapping
from datetime import datetime
from lldkit.snapshot import AsyncFollower, Cell, ChangeBus, Changes, Document, DocumentStore, Follower, FollowerStatus, MemoryStore, Missed, Snapshot, SnapshotError, StoreUnavailable, Subscription, VersionConflict, VersionNotFound, restart_after_fork
from typing import assert_type

def n0() -> object: return AsyncFollower
def n1() -> object: return Cell
def n2() -> object: return ChangeBus
def n3() -> object: return Changes
def n4(x: Document) -> None: assert_type(x.body, Mapping[str, object]); assert_type(x.version, int); assert_type(x.origin, str); assert_type(x.author, str); assert_type(x.reason, str); assert_type(x.parent, int | None); assert_type(x.created_at, datetime)
def n5(x: DocumentStore) -> None: del x
def n6() -> object: return Follower
def n7(x: FollowerStatus) -> None: assert_type(x.version, int); assert_type(x.fresh_at, datetime | None); assert_type(x.stale_seconds, float); assert_type(x.failures, int); assert_type(x.last_error, str | None); assert_type(x.connected, bool)
def n8(x: MemoryStore) -> None: del x
def n9(x: Missed) -> None: assert_type(x.count, int)
def n10() -> object: return Snapshot
def n11(x: SnapshotError) -> None: del x
def n12(x: StoreUnavailable) -> None: assert_type(x.store, str); assert_type(x.retry_after, float | None)
def n13(x: Subscription) -> None: del x
def n14(x: VersionConflict) -> None: assert_type(x.expected, int); assert_type(x.actual, int)
def n15(x: VersionNotFound) -> None: assert_type(x.version, int | None); assert_type(x.oldest, int); assert_type(x.newest, int)
def n16() -> object: return restart_after_fork
