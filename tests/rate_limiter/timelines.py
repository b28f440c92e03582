"""One key through one algorithm, by hand."""

from typing import Any

from lldkit.rate_limiter import Algorithm, Decision, Quota

MS = 1_000
SECOND = 1_000_000


class Timeline:
    """One key through one algorithm; times in microseconds."""

    def __init__(self, algorithm: Algorithm[Any], quota: Quota) -> None:
        self.algorithm = algorithm
        self.quota = quota
        self.state: Any = None

    def ask(self, now: int, cost: int = 1, max_delay: int = 0) -> Decision:
        self.state, verdict = self.algorithm.decide(self.quota, self.state, now, cost, max_delay)
        return verdict

    def promise(self, now: int, cost: int, max_delay: int = 10 * SECOND) -> tuple[Any, int]:
        verdict = self.ask(now, cost, max_delay)
        assert verdict
        return self.state, cost

    def cancel(self, now: int, promise: tuple[Any, int]) -> None:
        self.state = self.algorithm.undo(self.quota, self.state, now, promise)
