"""How many at once: a concurrency limiter whose slots are leases, so that a dead holder blocks nobody for long."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random, SystemRandom
from types import TracebackType
from typing import Literal, Self, TypeAlias

from lldkit.arguments import check_count
from lldkit.clock import MICRO, SYSTEM, Clock
from lldkit.events import Emitter
from lldkit.rate_limiter.arguments import check_timeout, plain_key
from lldkit.rate_limiter.interface import (
    Denied,
    LeaseLost,
    PlainKey,
    QueueFull,
    RateLimited,
    RateLimiterEvent,
    Waited,
)
from lldkit.rate_limiter.leasing import LeaseAnswer, LeaseStore
from lldkit.rate_limiter.memory import MemoryLeases
from lldkit.rate_limiter.waiting import Lines, Waiter
from lldkit.steps import Await, Do, Steps, arun, run
from lldkit.turns import TaskTurn, ThreadTurn, Turn

__all__ = ["ConcurrencyLimiter", "Lease", "LeaseDecision"]

Question: TypeAlias = tuple[Literal["acquire", "release"], PlainKey, str]
"""A verb of the store, a key and a token."""


@dataclass(frozen=True, slots=True)
class LeaseDecision:
    """An answer of `ConcurrencyLimiter.acquire`; truthy exactly when allowed.

    `in_flight` counts this one if allowed. `retry_after` is the seconds until a lease expires, 0.0 if allowed; a holder
    that releases frees its slot sooner.
    """

    allowed: bool
    limit: int
    in_flight: int
    retry_after: float
    lease: "Lease | None"

    def __bool__(self) -> bool:
        return self.allowed


class Lease:
    """A slot held until it is released or expires; as a context manager, plain or async, it releases on every exit.

    `renew` lets it last a full term from now and raises `LeaseLost` when it had expired. `release` frees the slot; it
    may come twice or late, and never frees a slot that somebody else holds by now. Safe for threads.
    """

    def __init__(self, limiter: "ConcurrencyLimiter", key: PlainKey, token: str, asked_at: float) -> None:
        self.key = key
        self.token = token
        self._limiter = limiter
        self._asked_at = asked_at

    @property
    def expires_in(self) -> float:
        """Seconds left, never more than the engine will grant; 0.0 when it is over."""
        return max(0.0, self._asked_at + self._limiter.lease_seconds - self._limiter.clock.monotonic())

    def renew(self) -> None:
        """Let the lease last a full term from now."""
        now, limiter = self._limiter.clock.monotonic(), self._limiter
        self._renewed(now, limiter.store.renew(self.key, self.token, *limiter.term(now)))

    async def arenew(self) -> None:
        """`renew` for tasks."""
        now, limiter = self._limiter.clock.monotonic(), self._limiter
        self._renewed(now, await limiter.store.arenew(self.key, self.token, *limiter.term(now)))

    def release(self) -> None:
        """Free the slot, and wake who waits for it."""
        self._limiter.store.release(self.key, self.token)
        self._limiter.freed(self.key)

    async def arelease(self) -> None:
        """`release` for tasks."""
        await self._limiter.store.arelease(self.key, self.token)
        self._limiter.freed(self.key)

    def _renewed(self, asked_at: float, still_live: bool) -> None:
        if not still_live:
            raise LeaseLost(self.key, self.token)
        self._asked_at = asked_at

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.release()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.arelease()

    def __repr__(self) -> str:
        return f"Lease(key={self.key!r}, token={self.token!r}, expires_in={self.expires_in:g})"


class ConcurrencyLimiter:
    """Lets at most `limit` holders of a key work at once, each for at most `lease_seconds` unless it renews.

    `acquire` decides at once, `throttle` waits in line; `aacquire` and `athrottle` are their twins for tasks. A holder
    that dies blocks its slot until its lease expires. `max_waiters` bounds the callers in `throttle`; `rng` makes the
    tokens and spreads the polls of an engine that cannot tell when a slot is freed elsewhere. Safe for threads and
    tasks, on the same object.

    >>> slots = ConcurrencyLimiter(1)
    >>> with slots.throttle("render", timeout=5):
    ...     slots.acquire("render").allowed
    False
    """

    def __init__(
        self,
        limit: int,
        *,
        lease_seconds: float = 30.0,
        store: LeaseStore | None = None,
        name: str = "default",
        max_waiters: int = 1_000,
        clock: Clock = SYSTEM,
        rng: Random | None = None,
        on_event: Callable[[RateLimiterEvent], None] | None = None,
    ) -> None:
        check_count("limit", limit, least=1)
        check_count("max_waiters", max_waiters)
        if not 1 / MICRO <= lease_seconds < math.inf:
            raise ValueError(f"lease_seconds must be a finite number of at least a microsecond, got {lease_seconds!r}")
        self.limit = limit
        self.lease_seconds = lease_seconds
        self.store: LeaseStore = MemoryLeases() if store is None else store
        self.clock = clock
        self._name = name
        self._rng = SystemRandom() if rng is None else rng
        self._emit = Emitter(on_event)
        self._lines: Lines[None] = Lines(max_waiters)

    def acquire(self, key: PlainKey) -> LeaseDecision:
        """Take a slot now or not at all; a decision that is not allowed has no lease."""
        decision = run(self._acquiring(plain_key(key)), self._do, self.clock)
        return decision or self._denied(key, decision)

    async def aacquire(self, key: PlainKey) -> LeaseDecision:
        """`acquire` for tasks."""
        decision = await arun(self._acquiring(plain_key(key)), self._ado, self.clock)
        return decision or self._denied(key, decision)

    def throttle(self, key: PlainKey, *, timeout: float | None) -> Lease:
        """Wait for a slot, first come, first served per key.

        `timeout` is in seconds, None for ever. Raises `RateLimited` when no slot came free in time and `QueueFull` when
        `max_waiters` wait.
        """
        return run(self._throttling(plain_key(key), timeout, ThreadTurn), self._do, self.clock)

    async def athrottle(self, key: PlainKey, *, timeout: float | None) -> Lease:
        """`throttle` for tasks."""
        return await arun(self._throttling(plain_key(key), timeout, TaskTurn), self._ado, self.clock)

    @property
    def waiters(self) -> int:
        """How many callers wait in `throttle`."""
        return self._lines.waiters

    def term(self, now: float) -> tuple[int, int]:
        """The length of a lease and the time, in microseconds, as stores want them."""
        return round(self.lease_seconds * MICRO), round(now * MICRO)

    def freed(self, key: PlainKey) -> None:
        """Wake the head of the line: a slot of `key` may be free."""
        self._lines.wake_head((key,))

    def _acquiring(self, key: PlainKey) -> Steps[Question, LeaseDecision]:
        """Ask once. Whoever is interrupted while asking may hold a slot unknowingly, and gives it back."""
        token = f"{self._rng.getrandbits(128):032x}"
        now = self.clock.monotonic()
        try:
            answer: LeaseAnswer = yield Do(("acquire", key, token))
        except GeneratorExit:
            raise
        except BaseException:
            yield Do(("release", key, token))
            raise
        lease = Lease(self, key, token, now) if answer.granted else None
        return LeaseDecision(answer.granted, self.limit, answer.in_flight, answer.retry_after_us / MICRO, lease)

    def _throttling(
        self, key: PlainKey, timeout: float | None, make_turn: Callable[[], Turn]
    ) -> Steps[Question, Lease]:
        """The head of the line asks whenever a slot was freed, or a lease has expired; the others wait for a turn."""
        check_timeout(timeout)
        arrived = self.clock.monotonic()
        deadline = math.inf if timeout is None else arrived + timeout
        decision = LeaseDecision(allowed=False, limit=self.limit, in_flight=self.limit, retry_after=0.0, lease=None)
        if (key,) not in self._lines:
            decision = yield from self._acquiring(key)
            if decision.lease:
                return decision.lease
        waiter = Waiter(1, make_turn())
        if not self._lines.join((key,), waiter):
            self._denied(key, decision)
            raise QueueFull(key, decision, self._lines.waiters)
        try:
            woken = yield Await(waiter.turn, deadline)
            while woken or self.clock.monotonic() < deadline:
                waiter.turn.take()
                decision = yield from self._acquiring(key)
                if decision.lease:
                    if self._emit:
                        self._emit(Waited(self.clock.now(), self._name, key, self.clock.monotonic() - arrived))
                    return decision.lease
                patience = min(decision.retry_after, self._poll())
                woken = yield Await(waiter.turn, min(deadline, self.clock.monotonic() + patience))
        finally:
            self._lines.leave((key,), waiter)
        self._denied(key, decision)
        raise RateLimited(key, decision, f"all {self.limit} slots of {key!r} stayed taken for {timeout} s")

    def _poll(self) -> float:
        """Seconds until the head asks again, spread so that processes do not ask in step."""
        poll = self.store.poll_seconds
        return math.inf if poll is None else poll * self._rng.uniform(0.5, 1.5)

    def _denied(self, key: PlainKey, decision: LeaseDecision) -> LeaseDecision:
        if self._emit:
            self._emit(Denied(self.clock.now(), self._name, key, decision))
        return decision

    def _do(self, question: Question) -> object:
        verb, key, token = question
        if verb == "release":
            self.store.release(key, token)
            return None
        return self.store.acquire(key, token, self.limit, *self.term(self.clock.monotonic()))

    async def _ado(self, question: Question) -> object:
        verb, key, token = question
        if verb == "release":
            await self.store.arelease(key, token)
            return None
        return await self.store.aacquire(key, token, self.limit, *self.term(self.clock.monotonic()))
