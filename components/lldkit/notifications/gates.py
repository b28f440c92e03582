"""Gates: limits and breakers, asked in passing or to be gone through."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Literal, get_args

from lldkit.circuit_breaker import Breakers, CircuitOpen, Permit
from lldkit.circuit_breaker import State as BreakerState
from lldkit.notifications.decide import Held
from lldkit.notifications.interface import Accepted, Outcome, Priority, Reason, Refused
from lldkit.notifications.rows import ReceiptRow
from lldkit.rate_limiter import Key, RateLimiter, RateLimiterError

__all__ = ["ALL", "Gates", "Limit", "Pass"]

ALL = frozenset(Priority)
Per = Literal["recipient", "channel", "category", "total"]
PATIENCE = 1.0
"""Seconds to wait for a limiter or breaker that does not say how long."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How many messages per recipient, channel or category, or in all, may be sent; those beyond wait.

    It counts those of `channel` (None: of every one) and of these `priorities`.
    """

    limiter: RateLimiter
    _: KW_ONLY
    per: Per
    channel: str | None = None
    priorities: Collection[Priority] = ALL

    def __post_init__(self) -> None:
        if self.per not in get_args(Per):
            raise ValueError(f"per must be one of {get_args(Per)}, got {self.per!r}")

    def key(self, asked: ReceiptRow, channel: str) -> "Key | None":
        """Under which key the limiter counts this; None if it does not."""
        if asked.priority not in self.priorities or self.channel not in {None, channel}:
            return None
        by = {"recipient": asked.recipient_id, "channel": channel, "category": asked.category, "total": ""}
        return (self.per, by[self.per])


class Pass:
    """The right to one attempt; report what came of it."""

    def __init__(self, permit: Permit | None) -> None:
        self._permit = permit

    def report(self, outcome: Outcome | None) -> None:
        """An outcome, None if the attempt was broken off. A refusal is an answer, so the provider is well."""
        if self._permit is None:
            return
        if outcome is None:
            self._permit.ignore()
        elif isinstance(outcome, Accepted | Refused):
            self._permit.success()
        else:
            self._permit.failure()


class Gates:
    """The limits and breakers in front of the channels. Safe for threads, as they are."""

    def __init__(self, limits: Sequence[Limit], breakers: Breakers | None) -> None:
        self._limits = tuple(limits)
        self._breakers = breakers

    def __bool__(self) -> bool:
        return bool(self._limits) or self._breakers is not None

    def peek(self, asked: ReceiptRow, channel: str) -> Held | None:
        """What would hold this up now; nothing is consumed."""
        return self._breaker_open(channel) or next(self._refused(asked, channel), None)

    def peek_all(self, asked: ReceiptRow, channels: Iterable[str]) -> dict[str, Held]:
        """What would hold these up now."""
        if not self:
            return {}
        return {channel: held for channel in channels if (held := self.peek(asked, channel)) is not None}

    def enter(self, asked: ReceiptRow, channel: str) -> Pass | Held:
        """Go through all gates, or none: the limits are looked at before any of them is drawn upon."""
        if (refused := next(self._refused(asked, channel), None)) is not None:
            return refused
        permit: Permit | None = None
        if self._breakers is not None:
            try:
                permit = self._breakers[channel].admit()
            except CircuitOpen as error:
                return _open(channel, error.retry_after)
        for limit in self._limits:
            if (held := _drawn(limit, asked, channel)) is not None:  # another sender was faster
                Pass(permit).report(None)
                return held
        return Pass(permit)

    def _breaker_open(self, channel: str) -> Held | None:
        if self._breakers is None:
            return None
        breaker = self._breakers[channel]
        if breaker.state not in {BreakerState.OPEN, BreakerState.FORCED_OPEN}:
            return None
        return _open(channel, breaker.stats.retry_after)

    def _refused(self, asked: ReceiptRow, channel: str) -> Iterator[Held]:
        for limit in self._limits:
            key = limit.key(asked, channel)
            if key is not None:
                try:
                    decision = limit.limiter.peek(key)
                except RateLimiterError as error:
                    yield _limited(limit, getattr(error, "retry_after", PATIENCE))
                else:
                    if not decision:
                        yield _limited(limit, decision.retry_after)


def _drawn(limit: Limit, asked: ReceiptRow, channel: str) -> Held | None:
    key = limit.key(asked, channel)
    if key is None:
        return None
    try:
        decision = limit.limiter.acquire(key)
    except RateLimiterError as error:
        return _limited(limit, getattr(error, "retry_after", PATIENCE))
    return None if decision else _limited(limit, decision.retry_after)


def _limited(limit: Limit, seconds: float) -> Held:
    where = "" if limit.channel is None else f" on {limit.channel}"
    return Held(Reason.RATE_LIMITED, max(seconds, 1e-6), f"limit per {limit.per}{where}")


def _open(channel: str, seconds: float | None) -> Held:
    return Held(Reason.BREAKER_OPEN, PATIENCE if seconds is None else max(seconds, 1e-6), f"breaker {channel}")
