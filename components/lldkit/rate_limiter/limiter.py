"""The rate limiter: asks the clock, hands the question to its store, waits when it is told to, and reports."""

import functools
import inspect
import math
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ParamSpec, TypeAlias, TypeVar, cast

from lldkit.clock import SYSTEM, Clock
from lldkit.events import Emitter
from lldkit.rate_limiter.arguments import check_cost, check_count, check_timeout, checked_quotas, keys_by_quota
from lldkit.rate_limiter.decision import CombinedDecision, Decision, Promised, Verdict
from lldkit.rate_limiter.gcra import gcra
from lldkit.rate_limiter.interface import (
    MICRO,
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
from lldkit.rate_limiter.waiting import Lines, Place, TaskTurn, ThreadTurn, Turn, Waiter

__all__ = ["RateLimiter"]

P = ParamSpec("P")
R = TypeVar("R")
Step: TypeAlias = "Ask | float | Turn"
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
        self._lines = Lines(max_waiters)
        self._lock = threading.Lock()  # guards the two counters
        self._denials = 0
        self._decide = algorithm.decide
        self._table: Table | None = None
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
        steps = self._throttling(key, cost, timeout, ThreadTurn)
        try:
            step = next(steps)
            while True:
                try:
                    answer = self._perform(step)
                except BaseException as error:  # noqa: BLE001 - the line decides, and raises it again
                    step = steps.throw(error)
                else:
                    step = steps.send(answer)
        except StopIteration as done:
            return cast("Decision", done.value)

    async def athrottle(self, key: Key, *, cost: int = 1, timeout: float | None) -> Decision:
        """`throttle` for tasks; a cancelled task gives back what it held."""
        steps = self._throttling(key, cost, timeout, TaskTurn)
        try:
            step = next(steps)
            while True:
                try:
                    answer = await self._aperform(step)
                except BaseException as error:  # noqa: BLE001 - the line decides, and raises it again
                    step = steps.throw(error)
                else:
                    step = steps.send(answer)
        except StopIteration as done:
            return cast("Decision", done.value)

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
            if inspect.iscoroutinefunction(function):

                @functools.wraps(function)
                async def alimited(*args: P.args, **kwargs: P.kwargs) -> Any:
                    await self.athrottle(key(*args, **kwargs), cost=cost, timeout=timeout)
                    return await function(*args, **kwargs)

                return cast("Callable[P, R]", alimited)

            @functools.wraps(function)
            def limited(*args: P.args, **kwargs: P.kwargs) -> R:
                self.throttle(key(*args, **kwargs), cost=cost, timeout=timeout)
                return function(*args, **kwargs)

            return limited

        return decorate

    @property
    def stats(self) -> LimiterStats:
        """Counters since birth; `keys` and `evictions` are the store's, None where it cannot say cheaply."""
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
    ) -> Generator[Step, Any, Decision]:
        """The steps of one `throttle`: questions to the store, sleeps, and turns to wait for."""
        check_timeout(timeout)
        arrived = self._clock.monotonic()
        deadline = math.inf if timeout is None else arrived + timeout
        place = keys_by_quota(key, self._quotas)
        if place not in self._lines:
            decision = _combined((yield self._ask("acquire", key, cost)))
            if decision:
                return decision
            self._refuse_hopeless(key, cost, decision, arrived + decision.retry_after, deadline)
        waiter = Waiter(cost, deadline, make_turn())
        if not self._lines.join(place, waiter):
            decision = _combined((yield self._ask("peek", key, cost)))
            self._denied(key, decision)
            raise QueueFull(key, decision, self._lines.waiters)
        try:
            if waiter.expected > deadline or any(cost > quota.burst for quota in self._quotas):
                decision = _combined((yield self._ask("peek", key, cost)))
                self._refuse_hopeless(
                    key, cost, decision, max(waiter.expected, arrived + decision.retry_after), deadline
                )
            yield waiter.turn
            decision = yield from self._at_the_head(key, place, waiter)
        finally:
            self._lines.leave(place, waiter)
        if self._emit:
            self._emit(Waited(self._clock.now(), self._name, key, self._clock.monotonic() - arrived))
        return decision

    def _at_the_head(self, key: Key, place: Place, waiter: Waiter) -> Generator[Step, Any, Decision]:
        """Hold a promise, or ask again, until served; a promise of several quotas at once would not be exact."""
        promises = self._algorithm.promises and len(self._quotas) == 1
        while not waiter.sent_away:
            now = self._clock.monotonic()
            max_delay = min(max(0.0, waiter.deadline - now), FOREVER) if promises else 0.0
            ask = self._ask("reserve" if promises else "acquire", key, waiter.cost, round(max_delay * MICRO))
            verdicts: list[Verdict] = yield ask
            decision = _combined(verdicts)
            self._lines.tell_head(place, decision, now)
            if decision:
                delay = decision.delay_us / MICRO
                if delay:
                    try:
                        yield delay
                    except GeneratorExit:
                        raise
                    except BaseException:
                        yield self._cancelling(ask, verdicts)
                        raise
                return decision
            self._refuse_hopeless(key, waiter.cost, decision, now + decision.retry_after, waiter.deadline)
            yield decision.retry_after
        decision = _combined((yield self._ask("peek", key, waiter.cost)))
        self._denied(key, decision)
        raise RateLimited(key, decision)

    def _refuse_hopeless(self, key: Key, cost: int, decision: Decision, served_at: float, deadline: float) -> None:
        if served_at <= deadline and served_at < math.inf:
            return
        self._denied(key, decision)
        if served_at == math.inf:
            raise ImpossibleCost(key, decision, cost)
        raise RateLimited(key, decision, retry_after=served_at - self._clock.monotonic())

    def _perform(self, step: Step) -> Any:
        if isinstance(step, Ask):
            return self._apply(step)
        if isinstance(step, float):
            return self._clock.sleep(step)
        return cast("ThreadTurn", step).wait()

    async def _aperform(self, step: Step) -> Any:
        if isinstance(step, Ask):
            return await self._aapply(step)
        if isinstance(step, float):
            return await self._clock.asleep(step)
        return await cast("TaskTurn", step).wait()

    # -- the store ----------------------------------------------------------------------------------------------------

    def _install(self, quotas: tuple[Quota, ...]) -> None:
        self._quotas = quotas
        if isinstance(self._store, MemoryStore) and len(quotas) == 1:
            self._table = self._store.table(self._name, self._algorithm, quotas[0])

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
        return replace(ask, mode="cancel", promises=promises, now=round(self._clock.monotonic() * MICRO))

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
