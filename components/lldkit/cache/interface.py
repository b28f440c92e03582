"""What the parts of the cache are to each other: entries and policies, loading rules, figures, events, errors."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from types import MappingProxyType
from typing import Any, ClassVar, Final, Generic, Literal, Protocol, TypeAlias, TypeVar, final

from lldkit.arguments import check_number
from lldkit.errors import LldkitError

__all__ = [
    "UNSET",
    "CacheError",
    "CacheEvent",
    "CacheStats",
    "Entry",
    "EntryTooLarge",
    "ListenerFailed",
    "LoadDeadlockError",
    "LoadFailed",
    "LoadPolicy",
    "LoadRecursionError",
    "Policy",
    "PolicyFactory",
    "PolicyName",
    "RefreshStarted",
    "RemovalCause",
    "SimulationResult",
    "StaleServed",
    "Unset",
    "XFetch",
]

K = TypeVar("K")


class Entry(Generic[K]):
    """What a policy knows of a cached value: its key and weight, and the policy's own marks. Compared by identity."""

    __slots__ = ("key", "newer", "older", "place", "uses", "weight")

    def __init__(self, key: K, weight: int = 1) -> None:
        self.key = key
        self.weight = weight
        self.uses = 0
        self.place = 0
        self.older: Entry[K] | None = None
        self.newer: Entry[K] | None = None


class Policy(Protocol[K]):
    """Who goes when room is needed: structure only, without values, clock, lock or loading.

    For a newcomer the cache first calls `evict` until there is room, then `add`. Called by one thread at a time.
    """

    hit_is_atomic: ClassVar[bool]
    """A hit adds one to `entry.uses` and nothing else: the cache does it in place, without the lock, up to 3."""

    def hit(self, entry: Entry[K]) -> None:
        """`entry`, which is inside, was used."""
        ...

    def add(self, entry: Entry[K]) -> None:
        """`entry` comes in; its marks are the policy's from now on."""
        ...

    def remove(self, entry: Entry[K]) -> None:
        """`entry`, which is inside, was invalidated or has expired."""
        ...

    def evict(self) -> Entry[K]:
        """Choose a victim, remove it and return it; O(1) amortised. Never called when nothing is inside."""
        ...


PolicyFactory: TypeAlias = Callable[[int], Policy[Any]]
"""Makes a policy for a cache of `maxsize`."""

PolicyName: TypeAlias = Literal["arc", "fifo", "lfu", "lru", "s3fifo", "sieve", "w-tinylfu"]


@final
class Unset(Enum):
    """The type of `UNSET`."""

    UNSET = auto()

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset.UNSET
"""Says that an argument was left out where None means something."""


class RemovalCause(Enum):
    """Why an entry has left."""

    EXPLICIT = "explicit"
    REPLACED = "replaced"
    SIZE = "size"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class XFetch:
    """Refresh before expiry, by chance, sooner for what takes long to load; so that callers do not all come at once.

    Vattani, Chierichetti, Lowenstein, "Optimal probabilistic cache stampede prevention", VLDB 2015. With `gap` seconds
    left and `delta` seconds that the last load took, a hit refreshes with probability exp(-gap / (beta * delta)).
    """

    beta: float = 1.0

    def __post_init__(self) -> None:
        check_number("beta", self.beta, above=0)

    def is_due(self, gap: float, delta: float, draw: float) -> bool:
        """Whether to refresh now, given a `draw` from [0, 1).

        >>> XFetch().is_due(gap=2.0, delta=0.4, draw=0.99), XFetch().is_due(gap=2.0, delta=0.4, draw=0.995)
        (False, True)
        """
        return gap <= -self.beta * delta * math.log1p(-draw)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPolicy:
    """What happens around a load: before expiry, after it, and when it fails. All times are seconds."""

    refresh_ahead: XFetch | None = None
    stale_while_revalidate: float = 0.0
    """How long past expiry one caller refreshes while the others get the old value."""
    stale_on_error: float = 0.0
    """How long past expiry a failed load answers with the old value."""
    negative_ttl: Mapping[type[Exception], float] = field(default_factory=dict)
    """For how long which errors are cached; the class nearest to that of the error decides."""

    def __post_init__(self) -> None:
        check_number("stale_while_revalidate", self.stale_while_revalidate)
        check_number("stale_on_error", self.stale_on_error)
        for kind, seconds in self.negative_ttl.items():
            if not issubclass(kind, Exception):
                raise TypeError(f"negative_ttl maps classes of Exception to seconds, got the key {kind!r}")
            check_number(f"negative_ttl[{kind.__name__}]", seconds, above=0)
        object.__setattr__(self, "negative_ttl", MappingProxyType(dict(self.negative_ttl)))

    def remembers(self, error: Exception) -> float | None:
        """For how many seconds `error` is cached; None: not at all.

        >>> LoadPolicy(negative_ttl={LookupError: 5}).remembers(KeyError("gone"))
        5
        """
        return next((self.negative_ttl[kind] for kind in type(error).__mro__ if kind in self.negative_ttl), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheStats:
    """What a cache did and holds. Requests, loads and removals are counted only with `record_stats=True`."""

    hits: int = 0
    misses: int = 0
    loads: int = 0
    load_failures: int = 0
    load_seconds: float = 0.0
    evictions: int = 0
    evicted_weight: int = 0
    expirations: int = 0
    stale_served: int = 0
    size: int = 0
    weight: int = 0

    @property
    def hit_ratio(self) -> float:
        """Hits per request, 0.0 before the first."""
        return self.hits / max(1, self.hits + self.misses)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationResult:
    """What a policy did with a trace."""

    requests: int
    hits: int
    evictions: int
    hit_ratio: float
    byte_hit_ratio: float
    """Weight of the hits per weight of the requests."""


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """A loader raised."""

    at: datetime
    key: object
    error: BaseException


@dataclass(frozen=True, slots=True)
class StaleServed:
    """A caller got a value that had expired."""

    at: datetime
    key: object


@dataclass(frozen=True, slots=True)
class RefreshStarted:
    """A load began while the old value is served."""

    at: datetime
    key: object


@dataclass(frozen=True, slots=True)
class ListenerFailed:
    """`on_removal` raised."""

    at: datetime
    key: object
    error: Exception


CacheEvent: TypeAlias = LoadFailed | StaleServed | RefreshStarted | ListenerFailed


class CacheError(LldkitError):
    """Base of the errors of this component."""


class LoadRecursionError(CacheError):
    """A loader asked, itself or through other loaders, for the key that it is loading."""

    def __init__(self, key: object) -> None:
        super().__init__(f"the load of {key!r} asks for {key!r} itself; a loader must not need its own result")
        self.key = key


class LoadDeadlockError(CacheError):
    """Waiting for this load would never end, because the load waits for the caller."""

    def __init__(self, key: object) -> None:
        super().__init__(f"waiting for the load of {key!r} would never end: it waits for this caller")
        self.key = key


class EntryTooLarge(CacheError):
    """A value is heavier than the whole cache; what was stored under its key is gone."""

    def __init__(self, key: object, weight: int, maxsize: int) -> None:
        super().__init__(f"the value of {key!r} weighs {weight}, and the cache holds {maxsize}")
        self.key = key
        self.weight = weight
        self.maxsize = maxsize
