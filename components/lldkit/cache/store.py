"""What a second tier is: a store of values with leases, the codec that writes them, and who tells what has changed."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from lldkit.cache.interface import SerializationError

__all__ = ["Codec", "Invalidation", "JsonCodec", "Loaded", "Reading", "Store"]


class Codec(Protocol):
    """Writes values as bytes and reads them again: what it reads equals what was written, types included.

    Both raise any `Exception` for what they cannot do; its version belongs into the bytes.
    """

    name: str

    def encode(self, value: Any) -> bytes:
        """The bytes of `value`."""
        ...

    def decode(self, data: bytes) -> Any:
        """The value whose bytes are `data`."""
        ...


class JsonCodec:
    """JSON behind the version `1:`. Refuses what JSON would change: tuples, keys that are not str, NaN, subclasses.

    >>> JsonCodec().encode({"name": "Ann"}), JsonCodec().decode(b'1:[null, 1.5]')
    (b'1:{"name":"Ann"}', [None, 1.5])
    """

    name = "json"

    def encode(self, value: Any) -> bytes:
        """The bytes of `value`; `TypeError` or `ValueError` if they would not give it back."""
        _check_plain(value)
        return b"1:" + json.dumps(value, separators=(",", ":"), allow_nan=False).encode()

    def decode(self, data: bytes) -> Any:
        """The value; `ValueError` for another version or for what is no JSON."""
        if not data.startswith(b"1:"):
            raise ValueError(f"the version must be 1:, got {data[:8]!r}")
        return json.loads(data[2:])


def _check_plain(value: Any) -> None:
    if type(value) is dict:
        for key, item in value.items():
            if type(key) is not str:
                raise TypeError(f"a key of a JSON object must be a str, got {key!r}")
            _check_plain(item)
    elif type(value) is list:
        for item in value:
            _check_plain(item)
    elif value is not None and type(value) not in (str, int, float, bool):
        raise TypeError(f"JSON has dict, list, str, int, float, bool and None, got {value!r}")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a store knows of a key: a value and the seconds it has left, or whether the asker may load it."""

    found: bool
    value: Any = None
    seconds: float = 0.0
    lease: str | None = None
    """The right to load and fill; None: nobody asked for it, or another has it."""
    unreadable: SerializationError | None = None
    """What was there and could not be read."""


class Loaded(NamedTuple):
    """What a loader brought for a key, the lease it ran under, and for how many seconds it may be kept."""

    key: Any
    value: Any
    lease: str
    seconds: float


class Store(Protocol):
    """Values with lifetimes in seconds (`math.inf`: for ever) that processes share. Safe for threads and tasks.

    All raise `StoreUnavailable`; `fill` and `put` raise `SerializationError`. Each has an async twin.
    """

    def read(self, keys: Sequence[Any], *, lease: bool) -> list[Reading]:
        """The value of each key; where it is missing and `lease` is asked for, the lease, unless another holds it."""
        ...

    def claim(self, key: Any) -> str:
        """The lease, also where there is a value, and taken away from whoever holds it."""
        ...

    def fill(self, loaded: Sequence[Loaded]) -> set[Any]:
        """Store what was loaded and end its leases; the keys whose lease still stood: the others are not stored."""
        ...

    def release(self, leases: Mapping[Any, str]) -> None:
        """Give the leases of these keys back, where no value was loaded."""
        ...

    def put(self, key: Any, value: Any, seconds: float) -> None:
        """Store, and take the lease from whoever loads."""
        ...

    def invalidate(self, key: Any) -> bool:
        """Remove, and take the lease from whoever loads; whether there was a value."""
        ...

    def clear(self) -> None:
        """Remove everything, and take all leases that were given before."""
        ...

    async def aread(self, keys: Sequence[Any], *, lease: bool) -> list[Reading]:
        """As `read`."""
        ...

    async def aclaim(self, key: Any) -> str:
        """As `claim`."""
        ...

    async def afill(self, loaded: Sequence[Loaded]) -> set[Any]:
        """As `fill`."""
        ...

    async def arelease(self, leases: Mapping[Any, str]) -> None:
        """As `release`."""
        ...

    async def aput(self, key: Any, value: Any, seconds: float) -> None:
        """As `put`."""
        ...

    async def ainvalidate(self, key: Any) -> bool:
        """As `invalidate`."""
        ...

    async def aclear(self) -> None:
        """As `clear`."""
        ...


class Invalidation(Protocol):
    """Tells of every key that others have changed, and until when it is sure to have told of all."""

    proven_until: float
    """Monotonic seconds; until then, what was changed more than `max_staleness` ago has been told."""

    def start(
        self,
        store: Any,
        max_staleness: float,
        on_key: Callable[[Any], object],
        on_flush: Callable[[], object],
        on_state: Callable[[bool], object],
    ) -> None:
        """Begin to tell: of a key, of the loss of everything known so far, and of whether the channel works."""
        ...

    def ensure(self) -> None:
        """Start anew where it does not run: after a fork."""
        ...

    def close(self) -> None:
        """End. Idempotent."""
        ...
