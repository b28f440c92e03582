"""A client and a server that may become too slow for it: the world of `metastable` and `config_push`.

Requests start at random moments (Poisson). A request makes a call and waits for it until a time-out; a call that failed
or is late may be made again, as the client's policy says. The server has some workers and a queue before them, and it
does not know that a client has stopped waiting: unless it drops expired calls it works on them all the same.
"""

import math
from collections import deque
from dataclasses import dataclass
from random import Random
from typing import Literal

from lldkit.simulation.interface import Series
from lldkit.simulation.laboratories.events import Events
from lldkit.simulation.laboratories.policies import ClientPolicy
from lldkit.simulation.laboratories.report import Report, per_second, ratio

__all__ = ["Outage", "Server", "Trouble", "World"]

AFTER = 30  # seconds at the end that count as "afterwards"
STEADY = 10  # seconds at the end in which a service must be well to have recovered


@dataclass(frozen=True, slots=True)
class Server:
    """A server: how many calls at once, how long each takes on average, and what waits in which order.

    `service` is the mean of exponentially distributed seconds. A call that finds `queue` others waiting is refused at
    once; None is unbounded. `drop_expired` throws away calls whose client has stopped waiting, at no cost.
    """

    workers: int = 10
    service: float = 0.1
    queue: int | None = None
    order: Literal["fifo", "lifo"] = "fifo"
    drop_expired: bool = False

    def __post_init__(self) -> None:
        if self.workers < 1 or not self.service > 0 or (self.queue is not None and self.queue < 0):
            raise ValueError(f"a server has workers, a service time > 0 and a queue >= 0, got {self}")
        if self.order not in {"fifo", "lifo"}:
            raise ValueError(f"order is 'fifo' or 'lifo', got {self.order!r}")

    @property
    def capacity(self) -> float:
        """Calls per second."""
        return self.workers / self.service


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What goes wrong for `seconds`, after half a quiet minute.

    Calls take `slow_factor` times as long, and the clients' time-out is `time_out` (None: as ever) for a `share` of
    the calls.
    """

    seconds: float
    slow_factor: float = 1.0
    time_out: float | None = None
    share: float = 1.0
    begin: float = 30.0

    def __post_init__(self) -> None:
        if not (self.seconds >= 0 and self.slow_factor > 0 and 0 <= self.share <= 1):
            raise ValueError(f"trouble lasts >= 0 seconds, slows by a factor > 0 and reaches a share of calls: {self}")

    @property
    def end(self) -> float:
        """When it is over, in seconds from the start."""
        return self.begin + self.seconds


@dataclass(frozen=True, slots=True)
class Outage(Report):
    """What became of a service. Goodput is the share of requests answered in time, load the calls per request.

    `goodput_after` and `load_after` are those of the last 30 seconds. `recovered_after` counts the seconds from the end
    of the trouble until goodput was at 90 % for good, or is None. The series are per second; goodput is by the second
    in which a request started.
    """

    goodput_before: float
    goodput_during: float
    goodput_after: float
    load_after: float
    recovered_after: float | None
    goodput: Series
    calls: Series
    queue: Series


@dataclass(slots=True, eq=False)
class _Request:
    second: int  # in which it started
    failures: int = 0


@dataclass(slots=True, eq=False)
class _Call:
    request: _Request
    awaited: bool = True  # by its client


class World:
    """One run: build it, and `run` it for its report."""

    def __init__(
        self,
        *,
        policy: ClientPolicy,
        load: float,
        server: Server,
        time_out: float,
        trouble: Trouble,
        seconds: float,
        seed: int,
    ) -> None:
        if not (load > 0 and time_out > 0):
            raise ValueError(
                f"load is a share of the capacity and timeout in seconds, both > 0; got {load!r}, {time_out!r}"
            )
        if trouble.end + AFTER > seconds:
            raise ValueError(
                f"seconds must leave {AFTER} s after the trouble, which ends at {trouble.end:g} s: {seconds!r}"
            )
        self._policy, self._server, self._time_out, self._trouble = policy, server, time_out, trouble
        self._rate = load * server.capacity
        self._seconds = math.floor(seconds)
        self._rng = Random(seed)
        self._events = Events()
        self._queue = deque[_Call]()
        self._busy = 0
        self._open_requests = 0
        # Per second; goodput counts what became of the requests that started then.
        self._started, self._answered, self._calls, self._queued = ([0] * self._seconds for _ in range(4))

    def run(self) -> Outage:
        """Let requests start for `seconds`, and those under way then come to their end."""
        for second in range(self._seconds):
            self._events.after(second, self._sample)
        self._events.after(self._rng.expovariate(self._rate), self._start)
        until = self._seconds
        self._events.run(until)
        while self._open_requests:
            until += 1
            self._events.run(until)
        return self._report()

    def _sample(self, _: None) -> None:
        self._queued[int(self._events.now)] = len(self._queue)

    def _in_trouble(self) -> bool:
        return self._trouble.begin <= self._events.now < self._trouble.end

    # The client.

    def _start(self, _: None) -> None:
        now = self._events.now
        if now >= self._seconds:
            return
        self._events.after(self._rng.expovariate(self._rate), self._start)
        self._started[int(now)] += 1
        self._open_requests += 1
        self._policy.started(now)
        self._call(_Request(int(now)))

    def _call(self, request: _Request) -> None:
        now = self._events.now
        if now < self._seconds:
            self._calls[int(now)] += 1
        call = _Call(request)
        if self._accept(call):
            self._events.after(self._patience(), self._timed_out, call)
        else:
            self._failed(call)

    def _patience(self) -> float:
        pushed = self._trouble.time_out
        if pushed is not None and self._in_trouble() and self._rng.random() < self._trouble.share:
            return pushed
        return self._time_out

    def _timed_out(self, call: _Call) -> None:
        if call.awaited:
            self._failed(call)

    def _failed(self, call: _Call) -> None:
        call.awaited = False
        call.request.failures += 1
        delay = self._policy.retry(call.request.failures, self._events.now, self._rng)
        if delay is None:
            self._open_requests -= 1
        else:
            self._events.after(delay, self._call, call.request)

    # The server.

    def _accept(self, call: _Call) -> bool:
        if self._busy < self._server.workers:
            self._serve(call)
        elif self._server.queue is not None and len(self._queue) >= self._server.queue:
            return False
        else:
            self._queue.append(call)
        return True

    def _serve(self, call: _Call) -> None:
        self._busy += 1
        slowness = self._trouble.slow_factor if self._in_trouble() else 1.0
        self._events.after(self._rng.expovariate(1.0 / self._server.service) * slowness, self._served, call)

    def _served(self, call: _Call) -> None:
        self._busy -= 1
        if call.awaited:
            call.awaited = False
            self._answered[call.request.second] += 1
            self._open_requests -= 1
        while self._queue:
            following = self._queue.popleft() if self._server.order == "fifo" else self._queue.pop()
            if following.awaited or not self._server.drop_expired:
                self._serve(following)
                return

    # The report.

    def _report(self) -> Outage:
        begin, end, last = int(self._trouble.begin), math.ceil(self._trouble.end), self._seconds
        goodput = [ratio(part, whole) for part, whole in zip(self._answered, self._started, strict=True)]
        return Outage(
            goodput_before=self._share(self._answered, 0, begin),
            goodput_during=self._share(self._answered, begin, end),
            goodput_after=self._share(self._answered, last - AFTER, last),
            load_after=self._share(self._calls, last - AFTER, last),
            recovered_after=self._recovered(goodput),
            goodput=per_second(goodput),
            calls=per_second(self._calls),
            queue=per_second(self._queued),
        )

    def _share(self, counted: list[int], begin: int, end: int) -> float:
        return ratio(sum(counted[begin:end]), sum(self._started[begin:end]))

    def _recovered(self, goodput: list[float]) -> float | None:
        bad = [second for second, share in enumerate(goodput) if share < 0.9 and self._started[second]]
        well_from = bad[-1] + 1 if bad else 0
        return max(0.0, well_from - self._trouble.end) if well_from <= self._seconds - STEADY else None
