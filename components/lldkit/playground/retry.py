"""Retries during and after an outage: a minute of many clients, one server, and what their policy does to it.

The server works off its queue at a fixed rate and does not know who still waits: a request that comes to its turn after
the client's patience is over costs the same and helps nobody. So a load above the capacity makes every call fail, which
makes every client retry, which keeps the load above the capacity: the outage outlives its cause.
"""

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, get_args

from lldkit.charts import Band, Figure, Line, Mark, Panel, Rule, Ticks
from lldkit.clock import ManualClock
from lldkit.playground.scene import Scene
from lldkit.retry import TRANSIENT, Backoff, Mode, RatioBudget, Reason, Rules, State, exponential, planned, refused

__all__ = ["BOUNDS", "NEXT", "Kind", "RetryTrace", "compare", "demo", "jitters", "picture", "trace"]

Kind = Literal["none", "full", "equal", "decorrelated"]
NEXT = "lldkit kata start retry"
SECONDS = 60.0
TENTH = 0.1
CALLS_PER_SECOND = 1.0  # of each client
SPARE = 1.5  # the server's capacity, as a multiple of the calls
PATIENCE = 1.0  # seconds until a client gives an attempt up
QUEUE = 3.0  # seconds of work that the server lets wait
SHOWN = 20
BOUNDS: dict[str, tuple[float, float]] = {
    "clients": (1, 500),
    "failing": (0.0, 1.0),
    "attempts": (1, 6),
    "base": (0.0, 10.0),
    "cap": (0.0, 60.0),
    "budget": (0.0, 0.5),
}


@dataclass(frozen=True, slots=True)
class RetryTrace:
    """What happened: requests per tenth of a second, all and first attempts; the attempts of the first 20 clients."""

    name: str
    outage: tuple[float, float]
    capacity: float
    offered: tuple[int, ...]
    first: tuple[int, ...]
    clients: tuple[tuple[float, ...], ...]

    def load(self, start: float, end: float) -> float:
        """All attempts from `start` to `end` as a multiple of the calls."""
        tenths = slice(round(start / TENTH), round(end / TENTH))
        return sum(self.offered[tenths]) / max(1, sum(self.first[tenths]))


def trace(
    jitter: Kind = "full",
    *,
    clients: int = 200,
    failing: float = 0.0,
    outage: tuple[float, float] = (10.0, 20.0),
    attempts: int = 4,
    base: float = 0.1,
    cap: float = 2.0,
    budget: float | None = None,
    seed: int = 7,
) -> RetryTrace:
    """A minute of calls; all fail in the `outage`, at other times the share `failing`. `budget` is a ratio, None: none.

    Raises `ValueError` naming a parameter that is out of its bounds.
    """
    asked = {"clients": clients, "failing": failing, "attempts": attempts, "base": base, "cap": cap, "budget": budget}
    for name, value in asked.items():
        low, high = BOUNDS[name]
        if value is not None and not low <= value <= high:
            raise ValueError(f"{name} must be from {low:g} to {high:g}, got {value!r}")
    if jitter not in get_args(Kind):
        raise ValueError(f"jitter must be one of {', '.join(get_args(Kind))}, got {jitter!r}")
    if not 0 <= outage[0] <= outage[1] <= SECONDS:
        raise ValueError(f"outage must be a span within 0 to {SECONDS:g} seconds, got {outage!r}")
    clock = ManualClock()
    purse = None if budget is None else RatioBudget(ratio=budget, min_per_second=0, clock=clock)
    world = _World(
        rules=Rules(attempts, hint_cap=0.0, hint_above_backoff=None),
        backoff=exponential(base=base, cap=cap, jitter=jitter),
        budget=purse,
        clock=clock,
        server=_Server(clients * CALLS_PER_SECOND * SPARE, outage, failing),
        rng=Random(seed),
    )
    log = list(world.run(clients))
    counts = [Counter(int(at / TENTH) for at, _, number in log if number in numbers) for numbers in ({1}, range(1, 99))]
    first, offered = (tuple(count[tenth] for tenth in range(round(SECONDS / TENTH))) for count in counts)
    shown = tuple(tuple(at for at, who, _ in log if who == client) for client in range(min(clients, SHOWN)))
    name = f"{jitter} jitter, " + ("no budget" if budget is None else f"a budget of {budget:.0%}")
    return RetryTrace(name, outage, world.server.rate * TENTH, offered, first, shown)


@dataclass
class _Server:
    """A queue with a fixed rate (requests per second)."""

    rate: float
    outage: tuple[float, float]
    failing: float
    free_at: float = 0.0

    def answer(self, now: float, rng: Random) -> tuple[bool, float]:
        """Whether a request of `now` succeeds, and when its client knows."""
        start, end = self.outage
        if start <= now < end:
            return False, now + PATIENCE
        if self.free_at - now > QUEUE:
            return False, now  # the queue is full
        self.free_at = max(self.free_at, now) + 1 / self.rate
        if self.free_at - now > PATIENCE:
            return False, now + PATIENCE
        return rng.random() >= self.failing, self.free_at


@dataclass
class _World:
    """Clients that call at random moments, through the pure core of `lldkit.retry`."""

    rules: Rules
    backoff: Backoff
    budget: RatioBudget | None
    clock: ManualClock
    server: _Server
    rng: Random

    def run(self, clients: int) -> Iterator[tuple[float, int, int]]:
        """(time, client, number) of every attempt, in order."""
        waiting = [(at, client, State()) for client in range(clients) for at in self._calls()]
        heapq.heapify(waiting)
        while waiting and waiting[0][0] < SECONDS:
            now, client, state = heapq.heappop(waiting)
            self.clock.advance(max(0.0, now - self.clock.monotonic()))
            yield now, client, state.attempts
            if self.budget is not None and state.attempts == 1:
                self.budget.started()
            succeeded, told_at = self.server.answer(now, self.rng)
            after = None if succeeded else self._after(state)
            if after is not None:
                heapq.heappush(waiting, (told_at + after.sleep, client, after))

    def _calls(self) -> Iterator[float]:
        at = self.rng.expovariate(CALLS_PER_SECOND)
        while at < SECONDS:
            yield at
            at += self.rng.expovariate(CALLS_PER_SECOND)

    def _after(self, state: State) -> State | None:
        """The state before the next attempt; None when there is none."""
        if refused(self.rules, state, TRANSIENT, None, Mode()) is not None:
            return None
        delay = self.backoff.delay(state.attempts, state.backoff, self.rng)
        after = planned(self.rules, state, delay, None, 0.0)
        if isinstance(after, Reason) or (self.budget is not None and self.budget.withdraw(None) is None):
            return None
        return after


def _load(run: RetryTrace, top: float | None = None) -> Panel:
    """Attempts over time, against what the server can bear."""
    every = [(tenth * TENTH, float(count)) for tenth, count in enumerate(_smooth(run.offered))]
    first = [(tenth * TENTH, float(count)) for tenth, count in enumerate(_smooth(run.first))]
    marks: list[Mark] = [
        Band(*run.outage, "outage"),
        Line(every, "attempts", "bad"),
        Line(first, "calls", "one"),
        Rule(run.capacity, "capacity", "quiet"),
    ]
    return Panel(marks, run.name, 130, None if top is None else (0.0, top))


def _smooth(counts: Sequence[int]) -> list[float]:
    """The mean over five tenths: what lasts, without the noise of single ones."""
    return [sum(counts[max(0, at - 2) : at + 3]) / len(counts[max(0, at - 2) : at + 3]) for at in range(len(counts))]


def picture(run: RetryTrace) -> Figure:
    """One run: the load, and the attempts of twenty clients."""
    lanes: list[Mark] = [Band(*run.outage, "outage")]
    lanes += [Ticks(times, f"{number + 1}", "one") for number, times in enumerate(run.clients)]
    before, after = run.load(0.0, run.outage[0]), run.load(min(run.outage[1] + 10, SECONDS - 1), SECONDS)
    return Figure(
        f"An outage of {run.outage[1] - run.outage[0]:g} seconds: {run.name}",
        [_load(run), Panel(lanes, "clients", 260)],
        x_label="seconds",
        x=(0, SECONDS),
        description=f"Before the outage a call makes {before:.2f} attempts, ten seconds after it {after:.2f}.",
    )


def compare(runs: Sequence[RetryTrace]) -> Figure:
    """The load of several runs on one scale, in requests per tenth of a second."""
    top = max(max(_smooth(run.offered)) for run in runs)
    panels = [_load(run, 10.0 * (1 + top // 10)) for run in runs]
    return Figure("Requests per 100 ms, during and after an outage", panels, x_label="seconds", x=(0, SECONDS))


def jitters(kinds: Sequence[Kind] = ("none", "equal", "full", "decorrelated"), *, seed: int = 7) -> Figure:
    """When 200 clients that failed at one moment try again: retries per 50 ms under each jitter."""
    panels = []
    for kind in kinds:
        rng, slots = Random(seed), Counter[int]()
        backoff = exponential(base=0.5, cap=4.0, jitter=kind)
        for _ in range(200):
            at = previous = 0.0
            for retry in (1, 2, 3):
                previous = backoff.delay(retry, previous, rng)
                at += previous
                slots[int(at / 0.05)] += 1
        heights = [(slot * 0.05, float(slots[slot])) for slot in range(round(4.0 / 0.05))]
        panels.append(Panel([Line(heights, f"{kind} jitter", step=True)], kind, 80))
    return Figure("200 clients that failed together: retries per 50 ms", panels, x_label="seconds", x=(0, 4.0))


def demo() -> Figure:
    """The picture that `lldkit demo retry` shows: the load without and with a budget."""
    figure = compare([trace(), trace(budget=0.1)])
    loads = [run.load(30.0, 60.0) for run in (trace(), trace(budget=0.1))]
    says = (
        f"Ten seconds after the outage a call makes {loads[0]:.1f} attempts without a budget, {loads[1]:.1f} with one."
    )
    return Figure(figure.title, figure.panels, figure.x_label, figure.x, description=says)


SCENES = {"retry": Scene(trace, picture, {**BOUNDS, "outage": (0.0, SECONDS)})}
