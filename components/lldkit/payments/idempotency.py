"""Idempotency keys: one effect for one key, the same outcome however often it is sent, and a lease for who is at work.

`decide` is pure; `Idempotency` keeps the records in a store, for handlers of HTTP and whoever else needs it alone.
"""

import json
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from lldkit.arguments import check_count, check_number
from lldkit.clock import MICRO, SYSTEM, Clock
from lldkit.payments.errors import IdempotencyInProgress, IdempotencyKeyInvalid, IdempotencyMismatch, LeaseLost
from lldkit.payments.ledger import micros, repeated
from lldkit.payments.store import Change, Key, Store, Write
from lldkit.payments.store import Row as Stored

__all__ = ["MOST_KEY", "Claim", "Idempotency", "Record", "Replay", "Terms", "decide", "key_of", "record_write"]

MOST_KEY = 255  # characters


class Record(NamedTuple):
    """What is kept under a key: times in microseconds; `response` is None while somebody is at work.

    `fingerprint` is None when the key was released: nothing is left of it but the fence, which never falls.
    """

    fingerprint: str | None
    fence: int
    lease_until: int
    keep_until: int
    response: bytes | None = None

    @property
    def is_open(self) -> bool:
        """Whether somebody is, or was, at work."""
        return self.fingerprint is not None and self.response is None

    @property
    def released(self) -> "Record":
        """The record of a key that is free again, for any request."""
        return self._replace(fingerprint=None, lease_until=0)


class Claim(NamedTuple):
    """The right to do the work of a key, until a later `fence` is given out. `is_new` unless somebody else gave up."""

    key: Key
    fence: int
    is_new: bool = True


class Replay(NamedTuple):
    """The work has been done, with this outcome."""

    response: bytes


class Terms(NamedTuple):
    """How long a claim is safe, and how long an outcome is kept, in microseconds."""

    lease: int
    keep: int


Decided: TypeAlias = tuple[Record, Claim] | Replay


def decide(key: Key, record: Record | None, fingerprint: str, now: int, terms: Terms) -> Decided:
    """A claim with the record to keep, or the outcome that is known.

    IdempotencyMismatch for another request under the key, IdempotencyInProgress while somebody is at work.
    """
    if record is None or record.fingerprint is None or record.keep_until <= now:
        fence = 0 if record is None else record.fence
        return Record(fingerprint, fence + 1, now + terms.lease, now + terms.keep), Claim(key, fence + 1)
    if record.fingerprint != fingerprint:
        raise IdempotencyMismatch
    if record.response is not None:
        return Replay(record.response)
    if now < record.lease_until:
        raise IdempotencyInProgress((record.lease_until - now) / MICRO)
    taken = record._replace(fence=record.fence + 1, lease_until=now + terms.lease)
    return taken, Claim(key, taken.fence, is_new=False)


def key_of(key: str, scope: Sequence[str], max_length: int) -> Key:
    """The row of a key in its scope; two scopes never share one. IdempotencyKeyInvalid."""
    if not 0 < len(key) <= max_length:
        raise IdempotencyKeyInvalid(f"a key is a text of 1 to {max_length} characters, got {key!r:.300}")
    return "keys", json.dumps([*scope, key])


def record_write(key: Key, record: Record, stored: Stored | None) -> Write:
    """The record as it is kept, and found again when it need not be kept any more."""
    return Write(key, record, 0 if stored is None else stored.version, due=record.keep_until)


class Idempotency:
    """Claims and outcomes of keys. Safe for threads, tasks and processes that share the store.

    A claim lives for `lease_seconds`; an outcome is kept for `keep_seconds` from the claim on, and is up to
    `max_response_bytes` long.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock = SYSTEM,
        lease_seconds: float = 30,
        keep_seconds: float = 86_400,
        max_key_length: int = MOST_KEY,
        max_response_bytes: int = 65_536,
    ) -> None:
        self._store = store
        self._clock = clock
        self._terms = Terms(
            round(check_number("lease_seconds", lease_seconds, above=0) * MICRO),
            round(check_number("keep_seconds", keep_seconds, above=0) * MICRO),
        )
        self._max_key_length = check_count("max_key_length", max_key_length, least=1)
        self._max_response_bytes = check_count("max_response_bytes", max_response_bytes)

    def begin(self, key: str, *, scope: tuple[str, ...], fingerprint: str) -> Claim | Replay:
        """Claim the work of a key, or get the outcome that is known.

        IdempotencyInProgress, IdempotencyMismatch, IdempotencyKeyInvalid.
        """
        row = key_of(key, scope, self._max_key_length)
        return repeated(lambda: self._begin(row, fingerprint))

    def _begin(self, key: Key, fingerprint: str) -> Claim | Replay:
        stored = self._store.read([key]).get(key)
        record = None if stored is None else stored.value
        decided = decide(key, record, fingerprint, micros(self._store, self._clock), self._terms)
        if isinstance(decided, Replay):
            return decided
        record, claim = decided
        self._store.commit(Change((record_write(key, record, stored),)))
        return claim

    def complete(self, claim: Claim, response: bytes) -> None:
        """Keep the outcome. LeaseLost if somebody has taken over, or it is ended; ValueError if it is too long."""
        if len(response) > self._max_response_bytes:
            raise ValueError(f"a response has at most {self._max_response_bytes} bytes, got {len(response)}")
        repeated(lambda: self._finish(claim, response))

    def release(self, claim: Claim) -> None:
        """Nothing was done: the key is free again. LeaseLost if somebody has taken over, or it is ended."""
        repeated(lambda: self._finish(claim, None))

    def _finish(self, claim: Claim, response: bytes | None) -> None:
        stored = self._store.read([claim.key]).get(claim.key)
        known: Record | None = None if stored is None else stored.value
        if known is None or not known.is_open or known.fence != claim.fence:
            raise LeaseLost(claim.fence)
        record = known.released if response is None else known._replace(response=response)
        self._store.commit(Change((record_write(claim.key, record, stored),)))
