"""What a type checker must make of every public name of lldkit.cache; generated, checked, never run."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import datetime
from lldkit.cache import Arc, Cache, CacheError, CacheEvent, CacheStats, CachedFunction, Codec, Entry, EntryTooLarge, Fifo, Invalidation, JsonCodec, Lfu, ListenerFailed, LoadDeadlockError, LoadFailed, LoadPolicy, LoadRecursionError, Loaded, Lru, Policy, PolicyFactory, PolicyName, Reading, RefreshStarted, RemovalCause, RendezvousRing, S3Fifo, SerializationError, Sieve, SimulationResult, StaleServed, Store, StoreUnavailable, TierDown, TierFlushed, TierUp, TieredCache, TinyLfu, TraceRecorder, UNSET, Unset, ValueUnreadable, XFetch, belady, cached, simulate
from typing import Any, assert_type

def n0() -> object: return UNSET
def n1() -> object: return Arc
def n2() -> object: return Cache
def n3(x: CacheError) -> None: del x
def n4() -> object: return CacheEvent
def n5(x: CacheStats) -> None: assert_type(x.hits, int); assert_type(x.misses, int); assert_type(x.loads, int); assert_type(x.load_failures, int); assert_type(x.load_seconds, float); assert_type(x.evictions, int); assert_type(x.evicted_weight, int); assert_type(x.expirations, int); assert_type(x.stale_served, int); assert_type(x.size, int); assert_type(x.weight, int); assert_type(x.hit_ratio, float)
def n6() -> object: return CachedFunction
def n7(x: Codec) -> None: assert_type(x.name, str)
def n8() -> object: return Entry
def n9(x: EntryTooLarge) -> None: assert_type(x.key, object); assert_type(x.weight, int); assert_type(x.maxsize, int)
def n10() -> object: return Fifo
def n11(x: Invalidation) -> None: assert_type(x.proven_until, float)
def n12(x: JsonCodec) -> None: del x
def n13() -> object: return Lfu
def n14(x: ListenerFailed) -> None: assert_type(x.at, datetime); assert_type(x.key, object); assert_type(x.error, Exception)
def n15(x: LoadDeadlockError) -> None: assert_type(x.key, object)
def n16(x: LoadFailed) -> None: assert_type(x.at, datetime); assert_type(x.key, object); assert_type(x.error, BaseException)
def n17(x: LoadPolicy) -> None: assert_type(x.refresh_ahead, XFetch | None); assert_type(x.stale_while_revalidate, float); assert_type(x.stale_on_error, float); assert_type(x.negative_ttl, Mapping[type[Exception], float])
def n18(x: LoadRecursionError) -> None: assert_type(x.key, object)
def n19(x: Loaded) -> None: assert_type(x.key, Any); assert_type(x.value, Any); assert_type(x.lease, str); assert_type(x.seconds, float)
def n20() -> object: return Lru
def n21() -> object: return Policy
def n22() -> object: return PolicyFactory
def n23() -> object: return PolicyName
def n24(x: Reading) -> None: assert_type(x.found, bool); assert_type(x.value, Any); assert_type(x.seconds, float); assert_type(x.lease, str | None); assert_type(x.unreadable, SerializationError | None)
def n25(x: RefreshStarted) -> None: assert_type(x.at, datetime); assert_type(x.key, object)
def n26() -> RemovalCause: return RemovalCause.EXPLICIT
def n27(x: RendezvousRing) -> None: assert_type(x.nodes, dict[str, float])
def n28() -> object: return S3Fifo
def n29(x: SerializationError) -> None: assert_type(x.key, object); assert_type(x.codec, str)
def n30() -> object: return Sieve
def n31(x: SimulationResult) -> None: assert_type(x.requests, int); assert_type(x.hits, int); assert_type(x.evictions, int); assert_type(x.hit_ratio, float); assert_type(x.byte_hit_ratio, float)
def n32(x: StaleServed) -> None: assert_type(x.at, datetime); assert_type(x.key, object)
def n33(x: Store) -> None: del x
def n34(x: StoreUnavailable) -> None: assert_type(x.store, str); assert_type(x.retry_after, float)
def n35(x: TierDown) -> None: assert_type(x.at, datetime); assert_type(x.part, str)
def n36(x: TierFlushed) -> None: assert_type(x.at, datetime)
def n37(x: TierUp) -> None: assert_type(x.at, datetime); assert_type(x.part, str)
def n38() -> object: return TieredCache
def n39() -> object: return TinyLfu
def n40(x: TraceRecorder) -> None: del x
def n41() -> Unset: return Unset.UNSET
def n42(x: ValueUnreadable) -> None: assert_type(x.at, datetime); assert_type(x.key, object); assert_type(x.error, SerializationError)
def n43(x: XFetch) -> None: assert_type(x.beta, float)
def n44(keys: Iterable[Hashable], maxsize: int) -> None: assert_type(belady(keys, maxsize=maxsize), SimulationResult)
def n45() -> object: return cached
def n46(keys: Iterable[Hashable], policy: PolicyName | PolicyFactory, maxsize: int) -> None: assert_type(simulate(keys, policy=policy, maxsize=maxsize), SimulationResult)
