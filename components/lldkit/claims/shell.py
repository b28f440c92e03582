"""The shell of claims over a journal: checks what it is given, draws tokens, decides, and answers with values."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import ParamSpec, Self, TypeVar

from lldkit.arguments import check_count, check_number
from lldkit.claims.core import Ledger
from lldkit.claims.interface import (
    Change,
    Claim,
    ClaimLost,
    ClaimState,
    ClaimsUnavailable,
    Token,
    Unit,
    UnitState,
    Want,
    Window,
)
from lldkit.claims.journal import Conflicted, Journal, Record, Replica, Unreachable
from lldkit.claims.ledger import Held
from lldkit.claims.times import to_datetime, to_micros
from lldkit.claims.wants import ask, check_key, check_ttl
from lldkit.clock import MICRO, SYSTEM, Clock
from lldkit.events import Emitter
from lldkit.twins import in_thread

__all__ = ["JournaledClaims"]

P = ParamSpec("P")
R = TypeVar("R")
CHANGES = {"held", "confirmed", "extended", "released", "expired"}


class JournaledClaims:
    """Claims that are a fold of a journal; the engines hand in theirs.

    A hold lives at most `max_ttl_seconds` at a time and is extended at most `max_extensions` times. Keys, and claims
    that have ended, are remembered for `keep_seconds`. `on_event` hears each `Change` that is made through this object.
    Safe for threads and tasks. `ClaimsUnavailable` where the engine does not answer.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        clock: Clock = SYSTEM,
        max_ttl_seconds: float = 34_560_000,
        max_extensions: int = 5,
        keep_seconds: float = 86_400,
        on_event: Callable[[Change], None] | None = None,
    ) -> None:
        self._journal = journal
        self._max_ttl = check_number("max_ttl_seconds", max_ttl_seconds, above=0)
        keep = round(check_number("keep_seconds", keep_seconds, above=0) * MICRO)
        ledger = Ledger(max_extensions=check_count("max_extensions", max_extensions), keep=keep)
        self._replica = Replica(journal, ledger, clock=clock)
        self._emit = Emitter(on_event)

    def add(self, *units: Unit) -> None:
        """Add units; as `Claims.add`."""
        self._record(lambda ledger, now: (ledger.add(units, now), _nothing))

    def set_capacity(self, pool: str, n: int) -> None:
        """Set what a `Count` may have of the pool; as `Claims.set_capacity`."""
        check_count("n", n)
        self._record(lambda ledger, now: (ledger.set_capacity(pool, n, now), _nothing))

    def set_service(self, unit_id: str, *, in_service: bool) -> None:
        """Take a unit out of service, or back; as `Claims.set_service`."""
        self._record(lambda ledger, now: (ledger.set_service(unit_id, in_service=in_service, now=now), _nothing))

    def claim(
        self, *wants: Want, owner: str, ttl_seconds: float | None, key: str | None = None, exclusive: bool = False
    ) -> Claim:
        """Claim all or nothing; as `Claims.claim`."""
        asked = ask(wants, owner=owner, ttl_seconds=ttl_seconds, most=self._max_ttl, key=key, exclusive=exclusive)
        new, secret = secrets.token_hex(8), secrets.token_hex(16)

        def decide(ledger: Ledger, now: int) -> tuple[Sequence[Record], Callable[[], Claim]]:
            records, claim_id = ledger.claim(asked, new, secret, now)
            return records, lambda: _claim(ledger.held(claim_id))

        return self._record(decide)

    def confirm(self, token: Token, *, key: str | None = None) -> Claim:
        """Keep a hold until it is released; as `Claims.confirm`."""
        claim_id, secret = _parts(token)
        check_key(key)

        def decide(ledger: Ledger, now: int) -> tuple[Sequence[Record], Callable[[], Claim]]:
            return ledger.confirm(claim_id, secret, key, now), lambda: _claim(ledger.held(claim_id))

        return self._record(decide)

    def extend(self, token: Token, *, ttl_seconds: float) -> Claim:
        """Let a hold end later, or earlier; as `Claims.extend`."""
        claim_id, secret = _parts(token)
        ttl = check_ttl(ttl_seconds, self._max_ttl)

        def decide(ledger: Ledger, now: int) -> tuple[Sequence[Record], Callable[[], Claim]]:
            return ledger.extend(claim_id, secret, ttl, now), lambda: _claim(ledger.held(claim_id))

        return self._record(decide)

    def release(self, token: Token, *, key: str | None = None) -> bool:
        """Give a claim back; as `Claims.release`."""
        claim_id, secret = _parts(token)
        check_key(key)

        def decide(ledger: Ledger, now: int) -> tuple[Sequence[Record], Callable[[], bool]]:
            records, was_own = ledger.release(claim_id, secret, key, now)
            return records, lambda: was_own

        return self._record(decide)

    def get(self, unit_id: str) -> UnitState:
        """How the unit stands; as `Claims.get`."""

        def look(ledger: Ledger, _: int) -> UnitState:
            free, serving, held = ledger.standing(unit_id)
            if held is None:
                return UnitState(unit_id, free, serving)
            until = None if held.until is None else to_datetime(held.until)
            return UnitState(unit_id, free, serving, held.owner, held.id, held.fence, until)

        return self._look(look)

    def owned(self, owner: str) -> tuple[Claim, ...]:
        """The live claims of an owner; as `Claims.owned`."""
        return self._look(lambda ledger, _: tuple(map(_claim, ledger.owned(owner))))

    def free(self, pool: str, *, start: datetime | None = None, end: datetime | None = None) -> int:
        """How many are free; as `Claims.free`."""
        window = None if start is None or end is None else (to_micros(start), to_micros(end))
        return self._look(lambda ledger, _: ledger.free(pool, window))

    def changes(self, *, after: int = 0, limit: int = 100) -> Sequence[Change]:
        """What happened; as `Claims.changes`."""
        check_count("after", after)
        check_count("limit", limit, least=1)
        records = self._answered(self._replica.records, after, 2**31)
        return [_change(seq, record) for seq, record in records if record["k"] in CHANGES][:limit]

    async def aadd(self, *units: Unit) -> None:
        """`add` for tasks."""
        await in_thread(self.add, *units)

    async def aset_capacity(self, pool: str, n: int) -> None:
        """`set_capacity` for tasks."""
        await in_thread(self.set_capacity, pool, n)

    async def aset_service(self, unit_id: str, *, in_service: bool) -> None:
        """`set_service` for tasks."""
        await in_thread(self.set_service, unit_id, in_service=in_service)

    async def aclaim(
        self, *wants: Want, owner: str, ttl_seconds: float | None, key: str | None = None, exclusive: bool = False
    ) -> Claim:
        """`claim` for tasks."""
        call = partial(self.claim, *wants, owner=owner, ttl_seconds=ttl_seconds, key=key, exclusive=exclusive)
        return await in_thread(call)

    async def aconfirm(self, token: Token, *, key: str | None = None) -> Claim:
        """`confirm` for tasks."""
        return await in_thread(self.confirm, token, key=key)

    async def aextend(self, token: Token, *, ttl_seconds: float) -> Claim:
        """`extend` for tasks."""
        return await in_thread(self.extend, token, ttl_seconds=ttl_seconds)

    async def arelease(self, token: Token, *, key: str | None = None) -> bool:
        """`release` for tasks."""
        return await in_thread(self.release, token, key=key)

    async def aget(self, unit_id: str) -> UnitState:
        """`get` for tasks."""
        return await in_thread(self.get, unit_id)

    async def aowned(self, owner: str) -> tuple[Claim, ...]:
        """`owned` for tasks."""
        return await in_thread(self.owned, owner)

    async def afree(self, pool: str, *, start: datetime | None = None, end: datetime | None = None) -> int:
        """`free` for tasks."""
        return await in_thread(self.free, pool, start=start, end=end)

    async def achanges(self, *, after: int = 0, limit: int = 100) -> Sequence[Change]:
        """`changes` for tasks."""
        return await in_thread(self.changes, after=after, limit=limit)

    def close(self) -> None:
        """Let go of what was opened here. Idempotent."""
        self._journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _look(self, question: Callable[[Ledger, int], R]) -> R:
        return self._answered(self._replica.look, question)

    def _record(self, decision: Callable[[Ledger, int], tuple[Sequence[Record], Callable[[], R]]]) -> R:
        told: list[Change] = []

        def answered(ledger: Ledger, now: int) -> tuple[Sequence[Record], Callable[[], R]]:
            records, answer = decision(ledger, now)
            told[:] = [_change(0, record) for record in records if record["k"] in CHANGES] if self._emit else ()
            return records, answer

        result = self._answered(self._replica.decide, answered)
        for change in told:
            self._emit(change)
        return result

    def _answered(self, ask: Callable[P, R], *question: P.args, **options: P.kwargs) -> R:
        """The answer of the replica; its errors are ours."""
        try:
            return ask(*question, **options)
        except (Unreachable, Conflicted) as error:
            raise ClaimsUnavailable(0.0 if isinstance(error, Conflicted) else None) from error


def _nothing() -> None:
    """The answer of a verb that has none."""


def _parts(token: Token) -> tuple[str, str]:
    """The claim's id and its secret; a guessed token belongs to no claim."""
    if not isinstance(token, Token):
        raise TypeError(f"expected a Token, got a {type(token).__name__}")
    claim_id, dot, secret = token.reveal().partition(".")
    if not dot:
        raise ClaimLost(claim_id[:16])
    return claim_id, secret


def _claim(held: Held) -> Claim:
    windows = tuple(Window(of[1:], to_datetime(start), to_datetime(end), n) for of, start, end, n in held.windows)
    state = ClaimState.CONFIRMED if held.until is None else ClaimState.HELD
    until = None if held.until is None else to_datetime(held.until)
    token = Token(f"{held.id}.{held.token}")
    return Claim(held.id, token, held.owner, tuple(held.units), windows, state, held.fence, to_datetime(held.at), until)


def _change(seq: int, record: Record) -> Change:
    return Change(to_datetime(record["at"]), seq, record["k"], record["id"], record["owner"], tuple(record["units"]))
