"""What the tests of the breaker share."""

from random import Random
from typing import Any

from lldkit.circuit_breaker import CircuitBreaker, CircuitBreakerEvent, Outcome, State, StateChanged, consecutive
from lldkit.clock import ManualClock


class NeverRandom(Random):
    """Always draws `value`: no jitter at 0."""

    value = 0.0

    def random(self) -> float:
        return self.value


class Bench:
    """A breaker under a manual clock, and what it told."""

    def __init__(self, **options: Any) -> None:
        self.clock = ManualClock()
        self.events: list[CircuitBreakerEvent] = []
        self.rng = NeverRandom()
        settings: dict[str, Any] = {"trip": consecutive(1), "open_for": 10.0, "jitter": 0.0, **options}
        settings.setdefault("on_event", self.events.append)
        self.breaker = CircuitBreaker("b", clock=self.clock, rng=self.rng, **settings)

    def fail(self, times: int = 1) -> None:
        for _ in range(times):
            self.breaker.admit().failure()

    def succeed(self, times: int = 1) -> None:
        for _ in range(times):
            self.breaker.admit().success()

    def report(self, outcome: Outcome) -> None:
        permit = self.breaker.admit()
        {Outcome.SUCCESS: permit.success, Outcome.FAILURE: permit.failure, Outcome.IGNORED: permit.ignore}[outcome]()

    def half_open(self) -> None:
        """Trip it and let its open time pass."""
        self.breaker.trip()
        self.clock.advance(10)

    def state(self) -> State:
        """The state now; a method, because a type checker believes that a property stays as it was."""
        return self.breaker.state

    @property
    def moves(self) -> list[tuple[State, State]]:
        return [(event.source, event.target) for event in self.events if isinstance(event, StateChanged)]
