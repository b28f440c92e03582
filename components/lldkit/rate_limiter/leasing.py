"""Leases, purely: who holds a slot until when. A slot whose lease has expired is free, given back or not.

The state of a key is a dict of token to expiry in microseconds; each rule changes it in place.
"""

from typing import NamedTuple, Protocol, TypeAlias

from lldkit.rate_limiter.interface import PlainKey

__all__ = ["Holders", "LeaseAnswer", "LeaseStore", "grant", "live", "renew"]

Holders: TypeAlias = dict[str, int]


class LeaseAnswer(NamedTuple):
    """What an engine says to a request: whether granted, how many are held now, microseconds until one expires."""

    granted: bool
    in_flight: int
    retry_after_us: int


def live(holders: Holders, now: int) -> None:
    """Forget expired leases; a lease is over at exactly its expiry."""
    for token in [token for token, expiry in holders.items() if expiry <= now]:
        del holders[token]


def grant(holders: Holders, token: str, limit: int, expiry: int, now: int) -> LeaseAnswer:
    """Give `token` a slot until `expiry` if one of `limit` is free."""
    live(holders, now)
    if len(holders) < limit:
        holders[token] = expiry
        return LeaseAnswer(granted=True, in_flight=len(holders), retry_after_us=0)
    soonest = sorted(holders.values())[len(holders) - limit]  # the limit may have been lowered
    return LeaseAnswer(granted=False, in_flight=len(holders), retry_after_us=soonest - now)


def renew(holders: Holders, token: str, expiry: int, now: int) -> bool:
    """Move the expiry of a lease that is still live."""
    live(holders, now)
    if token not in holders:
        return False
    holders[token] = expiry
    return True


class LeaseStore(Protocol):
    """An engine that keeps leases; each verb is atomic. Safe for threads.

    Times are microseconds; `now` is the caller's monotonic clock, by which engines of this machine go; engines
    elsewhere go by their own server's time.
    """

    @property
    def poll_seconds(self) -> float | None:
        """How often a waiter asks again for slots freed elsewhere; None where every release passes through here."""
        ...

    def acquire(self, key: PlainKey, token: str, limit: int, lease_us: int, now: int) -> LeaseAnswer:
        """Give `token` one of `limit` slots of `key` for `lease_us`, if one is free."""
        ...

    def renew(self, key: PlainKey, token: str, lease_us: int, now: int) -> bool:
        """Let a live lease last `lease_us` from now; False when it has expired."""
        ...

    def release(self, key: PlainKey, token: str) -> None:
        """Free the slot of `token`; nobody else's."""
        ...

    async def aacquire(self, key: PlainKey, token: str, limit: int, lease_us: int, now: int) -> LeaseAnswer:
        """`acquire` without blocking the event loop."""
        ...

    async def arenew(self, key: PlainKey, token: str, lease_us: int, now: int) -> bool:
        """`renew` without blocking the event loop."""
        ...

    async def arelease(self, key: PlainKey, token: str) -> None:
        """`release` without blocking the event loop."""
        ...
