"""`Network`: requests and replies between processes, late, lost, doubled or out of order, as the seed has it."""

import asyncio
import copy
import functools
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from random import Random
from typing import Any, TypeAlias

from lldkit.simulation.faults import Faults, stream
from lldkit.simulation.loop import VirtualLoop
from lldkit.simulation.process import LIFE, Life, outside
from lldkit.simulation.trace import Trace

__all__ = ["Handler", "Network"]

Handler: TypeAlias = Callable[[Any], Awaitable[Any] | Any]
"""Answers a request; `def` or `async def`. What it raises is raised by the caller's `call`."""


@dataclass(frozen=True, slots=True)
class _Link:
    delay: tuple[float, float] = (0.001, 0.01)
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: bool = True


class Network:
    """Carries requests and replies between nodes: processes by their name, and "world" for code outside of them.

    A message is a copy, takes a uniform delay, and may be lost or arrive twice; then a handler runs twice, and the
    first reply counts. Each direction of each pair has a stream of draws of its own, four draws for each message. What
    is under way survives its sender; what arrives at a dead node is lost. Faults for boundary `name` strike calls to
    the node `name`: what takes a time-out elsewhere (`LostRequest`, `LostReply`, `Partition`) waits for it here. After
    `faults.heal()` nothing is lost or doubled. For tasks of one simulation.
    """

    def __init__(self, *, seed: int, faults: Faults, trace: Trace, loop: VirtualLoop) -> None:
        self._seed = seed
        self._faults = faults
        self._trace = trace
        self._loop = loop
        self._links: list[tuple[str, str, _Link]] = []
        self._draws: dict[tuple[str, str], Random] = {}
        self._last: dict[tuple[str, str], float] = {}  # when the last message of a link without reordering arrives
        self.servers: dict[str, tuple[Life | None, Handler]] = {}

    def link(
        self,
        a: str,
        b: str,
        *,
        delay: tuple[float, float] = (0.001, 0.01),
        loss: float = 0.0,
        duplicate: float = 0.0,
        reorder: bool = True,
    ) -> None:
        """Set how messages travel between `a` and `b`, both ways: seconds from low to high, and shares of messages.

        Names may be patterns such as "worker-*"; where several links fit, the one that was set last counts.
        """
        if not 0 <= delay[0] <= delay[1]:
            raise ValueError(f"delay is (low, high) in seconds with 0 <= low <= high, got {delay!r}")
        if not (0 <= loss <= 1 and 0 <= duplicate <= 1):
            raise ValueError(f"loss and duplicate are shares from 0 to 1, got {loss!r} and {duplicate!r}")
        self._links.append((a, b, _Link(delay, loss, duplicate, reorder)))

    def serve(self, handler: Handler, *, name: str | None = None) -> None:
        """Answer the requests to this process, or to the node `name`, with `handler` until the process dies."""
        life = LIFE.get()
        node = name or (life.process.name if life else None)
        if node is None:
            raise ValueError("serve() outside of a process needs the name of a node")
        self.servers[node] = (life, handler)

    async def call(self, target: str, request: Any, *, timeout: float) -> Any:
        """Send `request` to the node `target` and return its answer; `TimeoutError` after `timeout` seconds."""
        if not timeout > 0:
            raise ValueError(f"timeout takes a number of seconds > 0, got {timeout!r}")
        self._faults.check_alive()
        decision = self._faults.decide(target, "call")
        self._faults.meet(decision, "before", None)
        if decision.refusal is not None and not isinstance(decision.refusal, TimeoutError):
            raise decision.refusal
        call = _Call(decision.caller or "world", target, decision.call, self._loop.create_future(), decision.factor)
        call.is_answered = decision.loss is None
        timer = self._loop.call_later(timeout, call.expire, timeout)
        try:
            for _ in range(0 if decision.refusal else 2 if decision.twice else 1):
                self._send(call, "request", copy.deepcopy(request), decision.delay / 2)
            answer = await call.reply
        finally:
            timer.cancel()
        self._faults.meet(decision, "after", None)
        return answer

    def _send(self, call: "_Call", what: str, content: Any, extra: float = 0.0) -> None:
        """Let a message travel; its fate is drawn now, in four draws."""
        way = (call.source, call.target) if what == "request" else (call.target, call.source)
        link, rng = self._link_of(*way), self._rng(way)
        lost, twice, *where = [rng.random() for _ in range(4)]
        copies = 1
        if not self._faults.healed:
            copies = 0 if lost < link.loss or self._faults.parted(*way) else 2 if twice < link.duplicate else 1
        self._trace.record(f"{way[0]} -> {way[1]}", f"{what} {call.number}{('  lost', '', ' twice')[copies]}")
        low, high = link.delay
        for share in where[:copies]:
            arrival = self._loop.time() + (low + (high - low) * share + extra) * call.factor
            if not link.reorder:
                arrival = self._last[way] = max(arrival, self._last.get(way, 0.0))
            self._loop.call_at(arrival, self._arrive, call, what, way, content, context=outside())

    def _arrive(self, call: "_Call", what: str, way: tuple[str, str], content: Any) -> None:
        if self._faults.parted(*way):
            self._trace.record(f"{way[0]} -> {way[1]}", f"{what} {call.number} lost on its way")
        elif what == "request":
            self._deliver(call, content)
        else:
            call.settle(content)

    def _deliver(self, call: "_Call", request: Any) -> None:
        life, handler = self.servers.get(call.target, (None, None))
        if handler is None or (life is not None and not life.alive):
            self._trace.record(call.target, f"is not there for request {call.number} of {call.source}")
            return
        context = outside() if life is None else life.process.context
        name = f"{call.target} for {call.source} {call.number}"
        self._loop.create_task(self._answer(call, handler, request), name=name, context=context)

    async def _answer(self, call: "_Call", handler: Handler, request: Any) -> None:
        try:
            result = handler(request)
            if inspect.isawaitable(result):
                result = await result
        except Exception as error:  # noqa: BLE001 - the caller is told
            answer = functools.partial(_fail, error)
        else:
            answer = functools.partial(_succeed, copy.deepcopy(result))
        if call.is_answered:
            self._send(call, "reply", answer)
        else:
            self._trace.record(f"{call.target} -> {call.source}", f"reply {call.number} lost")

    def _link_of(self, source: str, target: str) -> _Link:
        for a, b, link in reversed(self._links):
            for one, other in ((a, b), (b, a)):
                if fnmatchcase(source, one) and fnmatchcase(target, other):
                    return link
        return _Link()

    def _rng(self, way: tuple[str, str]) -> Random:
        if way not in self._draws:
            self._draws[way] = stream(self._seed, "link", *way)
        return self._draws[way]


class _Call:
    """A request under way and the future of its reply."""

    def __init__(self, source: str, target: str, number: int, reply: asyncio.Future[Any], factor: float) -> None:
        self.source, self.target, self.number = source, target, number
        self.reply, self.factor = reply, factor
        self.is_answered = True

    def settle(self, answer: Callable[[asyncio.Future[Any]], None]) -> None:
        """The first reply counts, and none after the time-out."""
        if not self.reply.done():
            answer(self.reply)

    def expire(self, timeout: float) -> None:
        """Nobody has answered in time."""
        if not self.reply.done():
            self.reply.set_exception(TimeoutError(f"{self.target} did not answer within {timeout:g} s"))


def _succeed(result: Any, reply: asyncio.Future[Any]) -> None:
    reply.set_result(result)


def _fail(error: Exception, reply: asyncio.Future[Any]) -> None:
    reply.set_exception(error)
