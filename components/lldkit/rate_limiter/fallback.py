"""Fallback: an explicit answer to "what if the engine is down", given in a bounded time."""

import asyncio
import functools
import math
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any, Literal, get_args

from lldkit.clock import MICRO
from lldkit.rate_limiter.asking import carry_out
from lldkit.rate_limiter.decision import CountedVerdict, Promised, Verdict
from lldkit.rate_limiter.guarding import Guard, Steps, microseconds
from lldkit.rate_limiter.interface import (
    Algorithm,
    Ask,
    FallbackEntered,
    FallbackLeft,
    Quota,
    RateLimiterEvent,
    Store,
    StoreFailed,
    StoreFull,
    StoreUnavailable,
    Tell,
)
from lldkit.rate_limiter.memory import MemoryStore

__all__ = ["Fallback", "OnError"]

OnError = Literal["raise", "open", "closed", "local"]


class Fallback(Guard):
    """Answers for an engine that fails, and leaves it alone for `pause` seconds before one call tries it again.

    `on_error` is what callers get meanwhile:

    - `"raise"`: `StoreUnavailable`, at once, with `retry_after` = `pause`;
    - `"open"`: every call is allowed that the quota could ever allow;
    - `"closed"`: every call is refused, with `retry_after` = `pause`;
    - `"local"`: `share` of each quota is admitted by this process itself (1 / processes keeps the fleet's quota; at
      least a burst of 1); what only the whole quota could admit is refused for `pause`.

    With the last three no error of the engine reaches the caller, whatever the engine raises. A full engine
    (`StoreFull`) answers others still, so the call gets the fallback's answer and there is no pause. Cancelling a
    promise, or a reset, is lost while the engine is down. Entering and leaving are one event each.

    `timeout` (seconds) ends a task's call to the engine. A thread that waits inside the engine's client cannot be
    freed by anybody else, and no thread is started here: build a client that is called from threads with time-outs of
    its own of at most `timeout`. The pause is counted from the start of the call that failed, on the limiter's clock;
    limiters that share this object share their clock.

    Safe for threads and tasks; no lock is held during a call.
    """

    def __init__(
        self, store: Store, *, on_error: OnError, share: float = 1.0, timeout: float = 0.25, pause: float = 1.0
    ) -> None:
        super().__init__(store)
        if on_error not in get_args(OnError):
            raise ValueError(f"on_error must be one of {get_args(OnError)}, got {on_error!r}")
        if not 1e-9 <= share <= 1:
            raise ValueError(f"share must be a part of the quota, at least 1e-9 and at most 1, got {share!r}")
        microseconds("timeout", timeout)
        self._on_error = on_error
        self._share = share
        self._timeout = timeout
        self._pause = microseconds("pause", pause, zero=True)
        self._local = MemoryStore()
        self._tellers: list[Tell] = []
        self._lock = threading.Lock()  # guards the two below
        self._is_down = False
        self._until = 0  # the engine is left alone until this microsecond

    def attach(self, algorithm: Algorithm[Any], tell: Tell) -> None:
        """Introduce the limiter to the store behind, and keep `tell` for the news of this one."""
        super().attach(algorithm, tell)
        self._local.attach(algorithm, tell)
        self._tellers.append(tell)

    def _answer(self, ask: Ask) -> Steps:
        if ask.mode == "cancel" and ask.promises[0][:1] == (self,):
            return self._cancel_own(ask)
        if ask.mode == "reset" and self._on_error == "local":
            self._locally(ask)  # or what was spent in an earlier pause would come back in the next one
        is_trial = self._is_down
        if not self._may_ask(ask.now):
            return self._instead(ask, None)
        try:
            verdicts = yield ask
        except StoreFull as error:
            if self._on_error == "raise":
                raise
            self._tell(functools.partial(StoreFailed, error=error))
            return self._instead(ask, error)
        except Exception as error:  # noqa: BLE001 - whatever an engine raises, it did not answer
            self._enter(ask.now, error)
            return self._instead(ask, error)
        if is_trial:  # a call that was under way when the engine failed says nothing about how it is now
            self._leave()
        return verdicts

    async def _acall(self, ask: Ask) -> Sequence[Verdict]:
        async with asyncio.timeout(self._timeout):
            return await super()._acall(ask)

    def _may_ask(self, now: int) -> bool:
        """Whether the engine is to be asked; after each pause one call is, and the others wait for its news."""
        with self._lock:
            if not self._is_down:
                return True
            if now < self._until:
                return False
            self._until = now + self._pause
            return True

    def _enter(self, now: int, error: Exception) -> None:
        with self._lock:
            until = now + self._pause
            is_news = not self._is_down
            self._until = until if is_news else max(self._until, until)
            self._is_down = True
        if is_news:
            self._tell(functools.partial(FallbackEntered, error=self._unavailable(error)))

    def _leave(self) -> None:
        with self._lock:
            is_news = self._is_down
            self._is_down = False
        if is_news:
            self._tell(FallbackLeft)

    def _tell(self, event: Callable[[datetime, str], RateLimiterEvent]) -> None:
        for tell in self._tellers:
            tell(event)

    def _unavailable(self, error: Exception | None) -> StoreUnavailable:
        if isinstance(error, StoreUnavailable):
            return error
        unavailable = StoreUnavailable(type(self._store).__name__, self._pause / MICRO)
        unavailable.__cause__ = error
        return unavailable

    def _instead(self, ask: Ask, error: Exception | None) -> Sequence[Verdict]:
        """What the caller gets in place of the engine's answer."""
        if self._on_error == "raise":
            failed = self._unavailable(error)
            raise StoreUnavailable(failed.store, self._pause / MICRO) from (error and failed)
        if ask.mode in {"cancel", "reset"}:
            return []
        if self._on_error == "closed":
            return self._closed(ask)
        if self._on_error == "open":
            verdicts = carry_out(ask, [None] * len(ask.quotas), ask.now)[1]
        else:
            verdicts = self._locally(ask)
        return [Promised(each, (self, each.promise)) if isinstance(each, Promised) else each for each in verdicts]

    def _closed(self, ask: Ask) -> list[Verdict]:
        looks = ask.cost == 0
        return [
            CountedVerdict(quota, looks, 0, self._wait(quota, ask.cost) if not looks else 0, self._pause, self._pause)
            for quota in ask.quotas
        ]

    def _locally(self, ask: Ask) -> list[Verdict]:
        try:
            verdicts = self._local.apply(self._shared(ask))
        except StoreFull:
            return self._closed(ask)
        return [
            CountedVerdict(
                verdict.quota,
                False,
                verdict.remaining,
                self._wait(quota, ask.cost),
                verdict.reset_after_us,
                verdict.refill_after_us,
            )
            if verdict.retry_after_us is None
            else verdict
            for verdict, quota in zip(verdicts, ask.quotas, strict=False)
        ]

    def _cancel_own(self, ask: Ask) -> Sequence[Verdict]:
        if self._on_error != "local":
            return []
        return self._local.apply(self._shared(ask._replace(promises=tuple(own for _, own in ask.promises))))

    def _shared(self, ask: Ask) -> Ask:
        return ask._replace(quotas=tuple(share_of(quota, self._share, ask.algorithm.bursts) for quota in ask.quotas))

    def _wait(self, quota: Quota, cost: int) -> int | None:
        """When to ask again: after the pause, or never."""
        return self._pause if cost <= quota.burst else None


@functools.lru_cache(maxsize=1_024)
def share_of(quota: Quota, share: float, bursts: bool) -> Quota:
    """`quota` at `share` of its rate and burst; where that is no whole number of units the period makes up for it."""
    exact = Fraction(share).limit_denominator(10**12) * quota.limit  # 1 / 3 is meant to be a third
    limit = max(1, int(exact))
    period_us = math.ceil(quota.period_us * limit / exact)
    burst = max(1, int(exact * quota.burst / quota.limit)) if bursts else limit
    return Quota(limit, period_us / MICRO, burst, quota.name)
