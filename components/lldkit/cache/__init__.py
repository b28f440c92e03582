"""Keep what is asked for often, load what is missing once, and never serve what was invalidated.

users = Cache[int, User](maxsize=10_000, ttl=300, ttl_jitter=0.1)
user = users.get_or_load(42, db.fetch_user)              # 200 threads, one query
user = await users.aget_or_load(42, db.afetch_user)      # the same cache, the same load
users.invalidate(42)                                     # also beats a load that is under way
"""

from lldkit.cache.arc import Arc
from lldkit.cache.cache import Cache
from lldkit.cache.cached import CachedFunction, cached
from lldkit.cache.fifo import Fifo
from lldkit.cache.interface import (
    UNSET,
    CacheError,
    CacheEvent,
    CacheStats,
    Entry,
    EntryTooLarge,
    ListenerFailed,
    LoadDeadlockError,
    LoadFailed,
    LoadPolicy,
    LoadRecursionError,
    Policy,
    PolicyFactory,
    PolicyName,
    RefreshStarted,
    RemovalCause,
    SerializationError,
    SimulationResult,
    StaleServed,
    StoreUnavailable,
    TierDown,
    TierFlushed,
    TierUp,
    Unset,
    ValueUnreadable,
    XFetch,
)
from lldkit.cache.lfu import Lfu
from lldkit.cache.lru import Lru
from lldkit.cache.ring import RendezvousRing
from lldkit.cache.s3fifo import S3Fifo
from lldkit.cache.sieve import Sieve
from lldkit.cache.simulate import belady, simulate
from lldkit.cache.store import Codec, Invalidation, JsonCodec, Loaded, Reading, Store
from lldkit.cache.tiered import TieredCache
from lldkit.cache.tinylfu import TinyLfu
from lldkit.cache.trace import TraceRecorder

__all__ = [
    "UNSET",
    "Arc",
    "Cache",
    "CacheError",
    "CacheEvent",
    "CacheStats",
    "CachedFunction",
    "Codec",
    "Entry",
    "EntryTooLarge",
    "Fifo",
    "Invalidation",
    "JsonCodec",
    "Lfu",
    "ListenerFailed",
    "LoadDeadlockError",
    "LoadFailed",
    "LoadPolicy",
    "LoadRecursionError",
    "Loaded",
    "Lru",
    "Policy",
    "PolicyFactory",
    "PolicyName",
    "Reading",
    "RefreshStarted",
    "RemovalCause",
    "RendezvousRing",
    "S3Fifo",
    "SerializationError",
    "Sieve",
    "SimulationResult",
    "StaleServed",
    "Store",
    "StoreUnavailable",
    "TierDown",
    "TierFlushed",
    "TierUp",
    "TieredCache",
    "TinyLfu",
    "TraceRecorder",
    "Unset",
    "ValueUnreadable",
    "XFetch",
    "belady",
    "cached",
    "simulate",
]
