"""Many clients, each with a retry policy of its own, before a dependency that fails: what a budget per client is worth.

Source: M. Brooker, Fixing Retries with Token Buckets and Circuit Breakers (28 February 2022).
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from lldkit.simulation.interface import Series
from lldkit.simulation.laboratories.events import Events
from lldkit.simulation.laboratories.policies import ClientPolicy
from lldkit.simulation.laboratories.report import Report, per_second, ratio

__all__ = ["Storm", "retry_storm"]


@dataclass(frozen=True, slots=True)
class Storm(Report):
    """`amplification`: calls made per request; `success`: share of requests answered; `calls`: per second."""

    amplification: float
    success: float
    calls: Series


def retry_storm(
    policy: Callable[[], ClientPolicy],
    *,
    clients: int,
    rate: float,
    failing: float,
    seconds: float,
    seed: int = 0,
) -> Storm:
    """Let `clients` start `rate` requests per second in all for `seconds`; each call fails with probability `failing`.

    Every client has its own `policy()`. A budget that starts with a few tokens per client is generous to many clients
    with few requests each: they never leave their first tokens.
    """
    if clients < 1 or not rate > 0 or not 0 <= failing <= 1 or not seconds > 0:
        raise ValueError(
            "clients, rate and seconds are positive and failing is a probability, got "
            f"{clients!r}, {rate!r}, {seconds!r}, {failing!r}"
        )
    storm = _Storm(rng=Random(seed), failing=failing)
    for one in [policy() for _ in range(clients)]:
        at = storm.rng.expovariate(rate / clients)
        while at < seconds:
            storm.events.after(at, storm.start, one)
            at += storm.rng.expovariate(rate / clients)
    storm.events.run()
    return Storm(ratio(storm.calls, storm.started), ratio(storm.answered, storm.started), storm.series())


class _Storm:
    def __init__(self, rng: Random, failing: float) -> None:
        self.events = Events()
        self.rng = rng
        self.failing = failing
        self.started = self.calls = self.answered = 0
        self.calls_in: dict[int, int] = {}

    def start(self, policy: ClientPolicy) -> None:
        self.started += 1
        policy.started(self.events.now)
        self.call((policy, 0))

    def call(self, request: tuple[ClientPolicy, int]) -> None:
        policy, failures = request
        second = int(self.events.now)
        self.calls += 1
        self.calls_in[second] = self.calls_in.get(second, 0) + 1
        if self.rng.random() >= self.failing:
            self.answered += 1
            return
        delay = policy.retry(failures + 1, self.events.now, self.rng)
        if delay is not None:
            self.events.after(delay, self.call, (policy, failures + 1))

    def series(self) -> Series:
        return per_second(self.calls_in.get(second, 0) for second in range(max(self.calls_in, default=-1) + 1))
