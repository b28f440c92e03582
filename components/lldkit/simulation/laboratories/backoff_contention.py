"""Clients that contend for one row by optimistic locking: what backoff and jitter do to the work and to the time.

Every client reads the version of the row and writes with it. A write wins if the version is still current, which it
ends; all others must back off, read and write again. Every message takes |N(10, 2)| milliseconds.

Source: M. Brooker, Exponential Backoff and Jitter (AWS Architecture Blog, 2015), and its simulator.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from lldkit.simulation.interface import Series
from lldkit.simulation.laboratories.events import Events
from lldkit.simulation.laboratories.report import Report

__all__ = ["Contention", "backoff_contention"]


@dataclass(frozen=True, slots=True)
class Contention(Report):
    """`calls`: writes tried; `seconds` until the last client had won; `waiting`: clients that had not, over time."""

    calls: int
    seconds: float
    waiting: Series


def backoff_contention(delay: Callable[[int, float, Random], float], *, clients: int, seed: int = 0) -> Contention:
    """Let `clients` start at once and each write once.

    `delay(failures, previous, rng)` gives the seconds to back off: how often this client has failed (from 1), and its
    delay before (0.0 at first).

    >>> backoff_contention(lambda failures, previous, rng: 0.0, clients=1).calls
    1
    """
    if clients < 1:
        raise ValueError(f"there is at least one client, got {clients!r}")
    row = _Row(Random(seed), delay)
    for _ in range(clients):
        row.read(_Client())
    row.events.run()
    return Contention(row.calls, row.wins[-1], Series(tuple(row.wins), tuple(map(float, reversed(range(clients))))))


@dataclass(slots=True, eq=False)
class _Client:
    version: int = 0
    failures: int = 0
    delay: float = 0.0


class _Row:
    """The contended row, and the four messages of one attempt: read, its reply, write, its reply."""

    def __init__(self, rng: Random, delay: Callable[[int, float, Random], float]) -> None:
        self.events = Events()
        self.rng = rng
        self.delay = delay
        self.version = 0
        self.calls = 0
        self.wins: list[float] = []

    def send(self, action: Callable[[_Client], object], client: _Client) -> None:
        self.events.after(abs(self.rng.normalvariate(0.010, 0.002)), action, client)

    def read(self, client: _Client) -> None:
        self.send(self.reply_version, client)

    def reply_version(self, client: _Client) -> None:
        client.version = self.version
        self.send(self.write, client)

    def write(self, client: _Client) -> None:
        self.calls += 1
        self.send(self.decide, client)

    def decide(self, client: _Client) -> None:
        if client.version == self.version:
            self.version += 1
            self.send(self.won, client)
        else:
            self.send(self.lost, client)

    def won(self, _: _Client) -> None:
        self.wins.append(self.events.now)

    def lost(self, client: _Client) -> None:
        client.failures += 1
        client.delay = self.delay(client.failures, client.delay, self.rng)
        self.events.after(client.delay, self.read, client)
