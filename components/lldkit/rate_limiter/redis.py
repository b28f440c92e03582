"""The engine of a fleet: one Lua script per algorithm decides and writes, by Redis' own clock (Redis 6.2 or Valkey).

    limiter = RateLimiter(per_second(500), store=RedisStore(client))
    limiter = RateLimiter(per_second(500), store=RedisStore(client, asyncio_client))  # verbs of both kinds
    slots = ConcurrencyLimiter(8, store=RedisLeases(client))

A script answers with the states that it found and the time it went by. The verdicts are derived here from these by the
algorithm itself, so that every figure is the core's.

Build clients with `retry=Retry(NoBackoff(), 0)` and a `socket_timeout`: by default redis-py repeats a call whose reply
was lost, and its units are then spent twice. Without repetition such a call costs its units at most once.
"""

import asyncio
import inspect
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Literal

from lldkit.engines.redis import UNAVAILABLE, AsyncClient, Call, Client, arun_all, key, load_script
from lldkit.rate_limiter.asking import carry_out
from lldkit.rate_limiter.decision import Verdict
from lldkit.rate_limiter.interface import Algorithm, Ask, Mode, PlainKey, Quota, StoreUnavailable, Tell
from lldkit.rate_limiter.leasing import LeaseAnswer
from lldkit.rate_limiter.lua import MOST, answer_from, dialect_of, question, taking_back

__all__ = ["RedisLeases", "RedisStore"]

LEASES = load_script(__package__, "leases.lua")


class RedisStore:
    """Keeps the buckets in Redis, for any number of processes; each call is one EVALSHA, atomic over all its quotas.

    `client` is a redis-py client of either kind, and serves the verbs of that kind; give both kinds, in this order, to
    serve both. The clients belong to their maker, `close` leaves them open. Calls that tasks of one loop make in the
    same tick travel as one pipeline. A quota may count up to 2**50 (`lua.MOST`), else the call raises `ValueError`.
    Errors of the connection become `StoreUnavailable`.

    In a cluster all keys of a call must share a slot. `hash_tag="key"` spreads the users over the slots; then a mapping
    cannot give the quotas different keys (`ValueError`). `hash_tag="name"` allows that and puts all keys of a limiter
    into one slot, which one node serves. Processes that share buckets need the same.

    `caller_time=True` believes `Ask.now` instead of the server's clock, and lets no key expire: for tests only.

    Safe for threads and tasks. A key costs one string of about 40 bytes beside its name, for as long as it owes; a
    `sliding_log` costs about 25 bytes for each call in the period.
    """

    def __init__(
        self,
        client: Client | AsyncClient,
        aclient: AsyncClient | None = None,
        *,
        namespace: str = "lldkit",
        hash_tag: Literal["key", "name"] = "key",
        caller_time: bool = False,
    ) -> None:
        key(namespace)  # refuses a bad one
        if hash_tag not in {"key", "name"}:
            raise ValueError(f'hash_tag must be "key" or "name", got {hash_tag!r}')
        self._wire = _Wire(client, aclient)
        self._namespace = namespace
        self._by_name = hash_tag == "name"
        self._caller_time = caller_time
        # Making a call anew costs a tenth of the trip.
        self._usual_call: Callable[..., Call] = lru_cache(maxsize=1_024)(self._make_call)

    def attach(self, algorithm: Algorithm[Any], tell: Tell) -> None:
        """Refuse an algorithm that has no script; this engine has no news."""
        del tell
        dialect_of(algorithm)

    def apply(self, ask: Ask) -> list[Verdict]:
        """Carry out `ask` by the server's clock."""
        return _verdicts(ask, self._wire.run(self._call(ask)))

    async def aapply(self, ask: Ask) -> list[Verdict]:
        """Carry out `ask`, in one pipeline with what other tasks ask in this tick.

        A task that is cancelled before the tick ends asks nothing; later, its units may be spent.
        """
        return _verdicts(ask, await self._wire.arun(self._call(ask)))

    def close(self) -> None:
        """Do nothing; the clients belong to their maker."""

    async def aclose(self) -> None:
        """Do nothing; the clients belong to their maker."""

    def _call(self, ask: Ask) -> Call:
        algorithm, quotas = ask.algorithm, ask.quotas
        if ask.mode == "cancel":
            places = self._places(ask.name, algorithm, quotas, ask.keys)
            call = Call(dialect_of(algorithm).script, places, taking_back(algorithm, quotas, ask.promises))
        else:
            call = self._usual_call(ask.name, algorithm, quotas, ask.keys, ask.mode, ask.cost, ask.max_delay)
        if self._caller_time:
            return call._replace(args=(call.args[0], b"%d" % ask.now, *call.args[2:]))
        return call

    def _make_call(  # noqa: PLR0917 - a cache is quickest by position
        self,
        name: str,
        algorithm: Algorithm[Any],
        quotas: Sequence[Quota],
        keys: Sequence[PlainKey],
        mode: Mode,
        cost: int,
        max_delay: int,
    ) -> Call:
        numbers = question(algorithm, mode, quotas, cost, max_delay)
        return Call(dialect_of(algorithm).script, self._places(name, algorithm, quotas, keys), numbers)

    def _places(
        self, name: str, algorithm: Algorithm[Any], quotas: Sequence[Quota], keys: Sequence[PlainKey]
    ) -> tuple[bytes, ...]:
        """One Redis key per quota. The layouts differ in the type of the last part, so that they share no key."""
        space, pairs = self._namespace, list(zip(quotas, keys, strict=True))
        if self._by_name:
            return tuple(key(space, algorithm.name, quota.name, (of,), tag=name) for quota, of in pairs)
        if self._wire.clustered and len(set(keys)) > 1:
            raise ValueError(f'in a cluster quotas asked together share a key, or else hash_tag="name"; got {keys}')
        return tuple(key(space, name, algorithm.name, quota.name, tag=of) for quota, of in pairs)


class RedisLeases:
    """Keeps leases in Redis, by its clock: one sorted set per key, of tokens by their expiry.

    `client`, `aclient`, `namespace` and `caller_time` are as for `RedisStore`. A waiter asks again every
    `poll_seconds`, because a slot freed by another process is not announced. Safe for threads and tasks.
    """

    def __init__(
        self,
        client: Client | AsyncClient,
        aclient: AsyncClient | None = None,
        *,
        namespace: str = "lldkit",
        poll_seconds: float = 0.1,
        caller_time: bool = False,
    ) -> None:
        key(namespace)  # refuses a bad one
        if not poll_seconds > 0:
            raise ValueError(f"poll_seconds must be above 0, got {poll_seconds!r}")
        self._wire = _Wire(client, aclient)
        self._namespace = namespace
        self._caller_time = caller_time
        self.poll_seconds: float | None = poll_seconds

    def acquire(self, key: PlainKey, token: str, limit: int, lease_us: int, now: int) -> LeaseAnswer:
        """Give `token` one of `limit` slots of `key` for `lease_us`, if one is free."""
        return _lease_answer(self._wire.run(self._call("acquire", key, token, now, limit=limit, lease_us=lease_us)))

    def renew(self, key: PlainKey, token: str, lease_us: int, now: int) -> bool:
        """Let a live lease last `lease_us` from now; False when it has expired."""
        return bool(self._wire.run(self._call("renew", key, token, now, lease_us=lease_us)))

    def release(self, key: PlainKey, token: str) -> None:
        """Free the slot of `token`; nobody else's."""
        self._wire.run(self._call("release", key, token))

    async def aacquire(self, key: PlainKey, token: str, limit: int, lease_us: int, now: int) -> LeaseAnswer:
        """`acquire` without blocking the event loop."""
        return _lease_answer(
            await self._wire.arun(self._call("acquire", key, token, now, limit=limit, lease_us=lease_us))
        )

    async def arenew(self, key: PlainKey, token: str, lease_us: int, now: int) -> bool:
        """`renew` without blocking the event loop."""
        return bool(await self._wire.arun(self._call("renew", key, token, now, lease_us=lease_us)))

    async def arelease(self, key: PlainKey, token: str) -> None:
        """`release` without blocking the event loop."""
        await self._wire.arun(self._call("release", key, token))

    def _call(self, verb: str, of: PlainKey, token: str, now: int = 0, *, limit: int = 0, lease_us: int = 0) -> Call:
        if lease_us > MOST:
            raise ValueError(f"a lease lasts at most {MOST} microseconds on Redis, got {lease_us}")
        time = now if self._caller_time else ""
        return Call(LEASES, [key(self._namespace, "leases", tag=of)], (verb, time, token, limit, lease_us))


class _Wire:
    """The way to Redis: one client, or one of each kind, and their errors in our words."""

    def __init__(self, client: Client | AsyncClient, aclient: AsyncClient | None) -> None:
        if aclient is not None and (_is_async(client) or not _is_async(aclient)):
            raise TypeError(f"give a plain client and then an asyncio client, got {client!r} and {aclient!r}")
        self._client: Any = None if _is_async(client) else client
        self._aclient: Any = client if _is_async(client) else aclient
        self._tick = _Tick(self._aclient)
        self.clustered = any("Cluster" in type(each).__name__ for each in (client, aclient))

    def run(self, call: Call) -> Any:
        """Run one script and return its answer."""
        if self._client is None:
            raise TypeError("this store was given no plain client, which `def` verbs need; give (client, aclient)")
        try:
            return call.script.run(self._client, call.keys, call.args)
        except UNAVAILABLE as error:
            raise StoreUnavailable("redis") from error

    async def arun(self, call: Call) -> Any:
        """Run one script together with all others of this tick and return its answer."""
        if self._aclient is None:
            raise TypeError("this store was given no asyncio client, which `async` verbs need; give (client, aclient)")
        answer = await self._tick.join(call)
        if isinstance(answer, UNAVAILABLE):
            raise StoreUnavailable("redis") from answer
        if isinstance(answer, Exception):
            raise answer
        return answer


class _Tick:
    """Gathers the calls that the tasks of a loop make in one of its ticks, and sends them as one pipeline.

    The pipeline is a task of its own: a caller that is cancelled leaves neither the others nor the connection in
    mid-reply. Safe for any number of loops in different threads: each has its own list, which only it touches.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._gathered: dict[asyncio.AbstractEventLoop, list[tuple[Call, asyncio.Future[Any]]]] = {}
        self._sending: set[asyncio.Task[None]] = set()  # a loop holds its tasks weakly

    def join(self, call: Call) -> asyncio.Future[Any]:
        """The future of the answer, which may be an exception."""
        loop = asyncio.get_running_loop()
        answer = loop.create_future()
        if loop not in self._gathered:
            self._gathered[loop] = []
            loop.call_soon(self._send, loop)
        self._gathered[loop].append((call, answer))
        return answer

    def _send(self, loop: asyncio.AbstractEventLoop) -> None:
        gathered = [(call, answer) for call, answer in self._gathered.pop(loop) if not answer.done()]
        if gathered:
            task = loop.create_task(self._deliver(*zip(*gathered, strict=True)))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _deliver(self, calls: Sequence[Call], waiting: Sequence["asyncio.Future[Any]"]) -> None:
        try:
            answers = await arun_all(self._client, calls)
        except Exception as error:  # noqa: BLE001 - each caller raises it
            answers = [error] * len(calls)
        except BaseException:
            for future in waiting:
                future.cancel()
            raise
        for future, answer in zip(waiting, answers, strict=True):
            if not future.done():
                future.set_result(answer)


def _is_async(client: Client | AsyncClient) -> bool:
    return inspect.iscoroutinefunction(client.execute_command)


def _verdicts(ask: Ask, answer: Any) -> list[Verdict]:
    """What the core says of the states that the script found, at the time it went by."""
    if ask.mode in {"cancel", "reset"}:
        return []
    now, states = answer_from(ask.algorithm, answer)
    if ask.mode == "acquire" and len(states) == 1:  # what `carry_out` comes to, in half the time
        return [ask.algorithm.decide(ask.quotas[0], states[0], now, ask.cost)[1]]
    return carry_out(ask, states, now)[1]


def _lease_answer(answer: Any) -> LeaseAnswer:
    granted, in_flight, retry_after_us = answer
    return LeaseAnswer(bool(granted), in_flight, retry_after_us)
