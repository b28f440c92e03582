"""The rate limiter: asks the clock, hands the question to its store, waits when it is told to, and reports."""

import functools
import math
import threading
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, ParamSpec, TypeVar, cast

from lldkit.arguments import check_count
from lldkit.callables import kind_of
from lldkit.clock import MICRO, SYSTEM, Clock
from lldkit.events import Emitter
from lldkit.rate_limiter.arguments import check_cost, check_timeout, checked_quotas, keys_by_quota
from lldkit.rate_limiter.decision import CombinedDecision, Decision, Promised, Verdict
from lldkit.rate_limiter.gcra import gcra
from lldkit.rate_limiter.interface import (
    Algorithm,
    Ask,
    Denied,
    ImpossibleCost,
    Key,
    LimiterStats,
    Mode,
    QueueFull,
    Quota,
    RateLimited,
    RateLimiterError,
    RateLimiterEvent,
    Store,
    StoreFailed,
    StoreFull,
    StoreUnavailable,
    Waited,
)
from lldkit.rate_limiter.memory import MemoryStore, Table
from lldkit.rate_limiter.reservation import Reservation
from lldkit.rate_limiter.waiting import Lines, Place, Waiter
from lldkit.steps import Await, Do, Sleep, Steps, arun, run
from lldkit.turns import TaskTurn, ThreadTurn, Turn

__all__ = ["RateLimiter"]

P = ParamSpec("P")
R = TypeVar("R")
ONE = 1  # by identity: the default cost needs no check
FOREVER = 1e9  # seconds; longer than any wait, and still exact in microseconds


class RateLimiter:
    """Admits each key at the rate of its quota, and says exactly how it stands.

    `acquire` decides at once, `throttle` waits its turn, `peek` looks, `reserve` promises, `reset` forgets; each has a
    twin for tasks with an `a` in front. Several quotas are asked together, all or nothing. `name` is the
    namespace of the buckets in a store that limiters share. `max_waiters` bounds the callers in `throttle`.

    Safe for threads and tasks, on the same object. In memory a call costs O(1) and holds a lock for arithmetic only.

    >>> limiter = RateLimiter(Quota(limit=1, period=60, burst=2))
    >>> [bool(limiter.acquire("user:42")) for _ in range(3)]
    [True, True, False]
    """

    def __init__(
        self,
        quota: Quota | Sequence[Quota],
        *,
        algorithm: Algorithm[Any] = gcra,
        store: Store | None = None,
        name: str = "default",
        clock: Clock = SYSTEM,
        max_waiters: int = 1_000,
        on_event: Callable[[RateLimiterEvent], None] | None = None,
    ) -> None:
        check_count("max_waiters", max_waiters)
        if not isinstance(name, str):
            raise TypeError(f"name must be a str, got {name!r}")
        quotas = checked_quotas(quota, algorithm)
        self._algorithm = algorithm
        self._store: Store = MemoryStore() if store is None else store
        self._owns_store = store is None
        self._name = name
        self._clock = clock
        self._monotonic = clock.monotonic
        self._emit = Emitter(on_event)
        self._listening = on_event is not None
        self._lines: Lines[tuple[float, Decision]] = Lines(max_waiters)
        self._lock = threading.Lock()  # guards the two counters
        self._denials = 0
        self._decide = algorithm.decide
        self._table: Table | None = None
        self._quick = False
        self._store_faults = 0
        self._store.attach(algorithm, self._tell)
        self._install(quotas)

    def acquire(self, key: Key, *, cost: int = 1) -> Decision:
        """Take `cost` units (0 only looks) now or not at all; never waits for units, never raises on a denial."""
        table = self._table
        if table is None or type(key) is not str or (cost is not ONE and (type(cost) is not int or cost < 0)):
            return self._judged(key, self._apply(self._ask("acquire", key, cost)))
        # One quota in memory: what `Store.apply` does, without an `Ask` and in one frame.
        now, evicted = int(self._monotonic() * 1e6 + 0.5), 0
        try:
            with table.lock:
                states = table.states
                state = states.get(key)
                after, decision = self._decide(table.quota, state, now, cost)
                if after is not state:
                    if state is None:
                        evicted = table.store.make_room(1, now)
                    states[key] = after
                elif cost:
                    table.refusals += 1
        except StoreFull as error:
            self._store_failed(error)
            raise
        if evicted:
            table.store.report(evicted)
        if self._listening and not decision:
            self._emit(Denied(self._clock.now(), self._name, key, decision))
        return decision

    async def aacquire(self, key: Key, *, cost: int = 1) -> Decision:
        """`acquire` for tasks."""
        if self._table is not None:
            return self.acquire(key, cost=cost)
        return self._judged(key, await self._aapply(self._ask("acquire", key, cost)))

    def peek(self, key: Key, *, cost: int = 1) -> Decision:
        """Say what `acquire` would answer, and how the key stands, consuming nothing."""
        return _combined(self._apply(self._ask("peek", key, cost)))

    async def apeek(self, key: Key, *, cost: int = 1) -> Decision:
        """`peek` for tasks."""
        return _combined(await self._aapply(self._ask("peek", key, cost)))

    def throttle(self, key: Key, *, cost: int = 1, timeout: float | None) -> Decision:
        """Wait until the units are granted, first come, first served per key.

        `timeout` is in seconds, None for ever. Raises `RateLimited` at once when the wait would exceed it,
        `ImpossibleCost` when no wait would help, `QueueFull` when `max_waiters` wait. Whoever leaves early, by
        KeyboardInterrupt say, gives back what it held, and those behind it move up.
        """
        if self._quick and not self._lines.waiters and (timeout is None or timeout >= 0):
            decision = self.acquire(key, cost=cost)
            if decision:
                return decision
        return run(self._throttling(key, cost, timeout, ThreadTurn), self._apply, self._clock)

    async def athrottle(self, key: Key, *, cost: int = 1, timeout: float | None) -> Decision:
        """`throttle` for tasks; a cancelled task gives back what it held."""
        if self._quick and not self._lines.waiters and (timeout is None or timeout >= 0):
            decision = self.acquire(key, cost=cost)
            if decision:
                return decision
        return await arun(self._throttling(key, cost, timeout, TaskTurn), self._aapply, self._clock)

    def reserve(self, key: Key, *, cost: int = 1, max_delay: float) -> Reservation:
        """Promise `cost` units to be used within `max_delay` seconds; the caller waits `Reservation.delay` itself.

        With several quotas each counts the units from when it could have granted them alone. Raises `ValueError` for an
        algorithm that makes no promises.
        """
        ask = self._ask("reserve", key, cost, self._checked_delay(max_delay))
        return self._reservation(key, ask, self._apply(ask))

    async def areserve(self, key: Key, *, cost: int = 1, max_delay: float) -> Reservation:
        """`reserve` for tasks."""
        ask = self._ask("reserve", key, cost, self._checked_delay(max_delay))
        return self._reservation(key, ask, await self._aapply(ask))

    def reset(self, key: Key) -> None:
        """Forget what `key` owes."""
        self._apply(self._ask("reset", key, 0))

    async def areset(self, key: Key) -> None:
        """`reset` for tasks."""
        await self._aapply(self._ask("reset", key, 0))

    def set_quota(self, quota: Quota | Sequence[Quota]) -> None:
        """Change the quota, live; what each key owes stays owed, in units. Quotas keep their names."""
        quotas = checked_quotas(quota, self._algorithm)
        names, new_names = [q.name for q in self._quotas], [q.name for q in quotas]
        if names != new_names:
            raise ValueError(f"quotas keep their names and order, {names}, got {new_names}")
        self._install(quotas)

    def limit(
        self, *, key: Callable[P, Key], cost: int = 1, timeout: float | None = 0.0
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Decorate a `def` or `async def`: each call first throttles `key(*args, **kwargs)`; raises `RateLimited`."""
        check_cost(cost)
        check_timeout(timeout)

        def decorate(function: Callable[P, R]) -> Callable[P, R]:
            if kind_of(function) == "coroutine":

                @functools.wraps(function)
                async def alimited(*args: P.args, **kwargs: P.kwargs) -> Any:
                    await self.athrottle(key(*args, **kwargs), cost=cost, timeout=timeout)
                    return await cast("Callable[P, Awaitable[Any]]", function)(*args, **kwargs)

                return cast("Callable[P, R]", alimited)

            @functools.wraps(function)
            def limited(*args: P.args, **kwargs: P.kwargs) -> R:
                self.throttle(key(*args, **kwargs), cost=cost, timeout=timeout)
                return function(*args, **kwargs)

            return limited

        return decorate

    @property
    def stats(self) -> LimiterStats:
        """Counters since birth; denials include those that a throttle waited out.

        `keys` and `evictions` are the store's, None where it cannot say cheaply.
        """
        memory = self._store if isinstance(self._store, MemoryStore) else None
        return LimiterStats(
            denials=self._denials + (self._table.refusals if self._table else 0),
            waiters=self._lines.waiters,
            store_faults=self._store_faults,
            listener_failures=self._emit.failures,
            keys=None if memory is None else len(memory),
            evictions=None if memory is None else memory.evictions,
        )

    def close(self) -> None:
        """Close the store if the limiter made it; a store that was passed in belongs to its maker."""
        if self._owns_store:
            self._store.close()

    async def aclose(self) -> None:
        """`close` for tasks."""
        if self._owns_store:
            await self._store.aclose()

    # -- the line -----------------------------------------------------------------------------------------------------

    def _throttling(
        self, key: Key, cost: int, timeout: float | None, make_turn: Callable[[], Turn]
    ) -> Steps[Ask, Decision]:
        """The steps of one `throttle`."""
        check_timeout(timeout)
        arrived = self._clock.monotonic()
        deadline = math.inf if timeout is None else arrived + timeout
        place = keys_by_quota(key, self._quotas)
        if place not in self._lines:
            decision = _combined((yield Do(self._ask("acquire", key, cost))))
            if decision:
                return decision
            self._refuse_hopeless(key, cost, decision, deadline)
        waiter = Waiter(cost, make_turn())
        served_at = self._served_at(place, cost)
        if not self._lines.join(place, waiter):
            raise QueueFull(key, self._denied(key, (yield from self._look(key, cost))), self._lines.waiters)
        try:
            if served_at > deadline or cost > min(quota.burst for quota in self._quotas):
                self._refuse_hopeless(key, cost, (yield from self._look(key, cost)), deadline, served_at)
            if not (yield Await(waiter.turn, deadline)):
                raise RateLimited(key, self._denied(key, (yield from self._look(key, cost))))
            decision = yield from self._at_the_head(key, cost, place, deadline)
        finally:
            self._lines.leave(place, waiter)
        if self._emit:
            self._emit(Waited(self._clock.now(), self._name, key, self._clock.monotonic() - arrived))
        return decision

    def _at_the_head(self, key: Key, cost: int, place: Place, deadline: float) -> Steps[Ask, Decision]:
        """Hold a promise until it acts; without promises ask again. A promise of several quotas would not be exact."""
        promises = self._algorithm.promises and len(self._quotas) == 1
        while True:
            now = self._clock.monotonic()
            max_delay = min(max(0.0, deadline - now), FOREVER) if promises else 0.0
            ask = self._ask("reserve" if promises else "acquire", key, cost, round(max_delay * MICRO))
            verdicts = yield Do(ask)
            decision = _combined(verdicts)
            self._lines.leave_note(place, (now, decision))
            if decision:
                try:
                    yield Sleep(decision.delay_us / MICRO)
                except GeneratorExit:
                    raise
                except BaseException:
                    yield Do(self._cancelling(ask, verdicts))
                    raise
                return decision
            self._refuse_hopeless(key, cost, decision, deadline)
            yield Sleep(decision.retry_after)

    def _served_at(self, place: Place, cost: int) -> float:
        """When a newcomer would be served if nobody cut in, as far as is known: never later than it will be."""
        note, units = self._lines.note(place)
        if note is None:
            return 0.0
        told_at, decision = note
        return told_at + decision.served_after_us(units + cost) / MICRO

    def _look(self, key: Key, cost: int) -> Steps[Ask, Decision]:
        return _combined((yield Do(self._ask("peek", key, cost))))

    def _refuse_hopeless(
        self, key: Key, cost: int, decision: Decision, deadline: float, served_at: float = 0.0
    ) -> None:
        """Raise when the wait cannot end in time."""
        now = self._clock.monotonic()
        served_at = max(served_at, now + decision.retry_after)
        if served_at == math.inf:
            raise ImpossibleCost(key, self._denied(key, decision), cost)
        if served_at > deadline:
            raise RateLimited(key, self._denied(key, decision), retry_after=served_at - now)

    # -- the store ----------------------------------------------------------------------------------------------------

    def _install(self, quotas: tuple[Quota, ...]) -> None:
        self._quotas = quotas
        if isinstance(self._store, MemoryStore) and len(quotas) == 1:
            self._table = self._store.table(self._name, self._algorithm, quotas[0])
            self._quick = not self._listening  # else a caller that waits would be reported as denied

    def _ask(self, mode: Mode, key: Key, cost: int, max_delay: int = 0) -> Ask:
        check_cost(cost)
        quotas = self._quotas
        return Ask(
            mode=mode,
            name=self._name,
            algorithm=self._algorithm,
            keys=keys_by_quota(key, quotas),
            quotas=quotas,
            now=round(self._clock.monotonic() * MICRO),
            cost=cost,
            max_delay=max_delay,
        )

    def _cancelling(self, ask: Ask, verdicts: Sequence[Verdict]) -> Ask:
        promises = tuple(verdict.promise for verdict in verdicts if isinstance(verdict, Promised))
        return ask._replace(mode="cancel", promises=promises, now=round(self._clock.monotonic() * MICRO))

    def _apply(self, ask: Ask) -> Sequence[Verdict]:
        try:
            return self._store.apply(ask)
        except (StoreFull, StoreUnavailable) as error:
            self._store_failed(error)
            raise

    async def _aapply(self, ask: Ask) -> Sequence[Verdict]:
        try:
            return await self._store.aapply(ask)
        except (StoreFull, StoreUnavailable) as error:
            self._store_failed(error)
            raise

    def _reservation(self, key: Key, ask: Ask, verdicts: Sequence[Verdict]) -> Reservation:
        decision = self._judged(key, verdicts)
        delay = decision.delay_us / MICRO if decision else decision.retry_after
        return Reservation(
            decision,
            delay,
            lambda: self._apply(self._cancelling(ask, verdicts)),
            lambda: self._aapply(self._cancelling(ask, verdicts)),
        )

    def _checked_delay(self, max_delay: float) -> int:
        if not self._algorithm.promises:
            raise ValueError(f"{self._algorithm.name} makes no promises; gcra, token_bucket and fixed_window do")
        if not max_delay >= 0:
            raise ValueError(f"max_delay must be a number of seconds >= 0, got {max_delay!r}")
        return round(min(max_delay, FOREVER) * MICRO)

    # -- the news -----------------------------------------------------------------------------------------------------

    def _judged(self, key: Key, verdicts: Sequence[Verdict]) -> Decision:
        decision = _combined(verdicts)
        return decision or self._denied(key, decision)

    def _denied(self, key: Key, decision: Decision) -> Decision:
        with self._lock:
            self._denials += 1
        if self._emit:
            self._emit(Denied(self._clock.now(), self._name, key, decision))
        return decision

    def _store_failed(self, error: RateLimiterError) -> None:
        with self._lock:
            self._store_faults += 1
        self._tell(functools.partial(StoreFailed, error=error))

    def _tell(self, event: Callable[[datetime, str], RateLimiterEvent]) -> None:
        if self._emit:
            self._emit(event(self._clock.now(), self._name))


def _combined(verdicts: Sequence[Verdict]) -> Decision:
    return verdicts[0] if len(verdicts) == 1 else CombinedDecision(verdicts)
