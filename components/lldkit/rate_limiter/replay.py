"""What each algorithm would have made of real traffic: requests in, a report out, by the pure cores alone."""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lldkit.rate_limiter.interface import Algorithm, Quota

__all__ = ["AlgorithmReport", "Busiest", "Replay"]

MOST_BINS = 1_024


@dataclass(frozen=True, slots=True)
class Busiest:
    """The most units that one key got in any one period: `units` from `at` (microseconds) on."""

    units: int
    key: str
    at: int


@dataclass(frozen=True, slots=True)
class AlgorithmReport:
    """What one algorithm did: counts, the keys it refused most as (key, refused, asked), and its worst window."""

    algorithm: str
    admitted: int
    refused: int
    keys_refused: int
    worst: Busiest | None
    most_affected: tuple[tuple[str, int, int], ...]


class _Lane:
    """One algorithm, with the states of all keys."""

    def __init__(self, algorithm: Algorithm[Any], quota: Quota) -> None:
        self.algorithm = algorithm
        self.quota = quota
        self.states: dict[str, Any] = {}
        self.recent: dict[str, deque[int]] = {}
        self.refused: Counter[str] = Counter()
        self.admitted = 0
        self.worst: Busiest | None = None

    def ask(self, key: str, at: int) -> bool:
        self.states[key], verdict = self.algorithm.decide(self.quota, self.states.get(key), at, 1)
        if verdict:
            self.admitted += 1
            self._note(key, at)
        else:
            self.refused[key] += 1
        return verdict.allowed

    def _note(self, key: str, at: int) -> None:
        """Slide the key's window of one period over what it was granted."""
        window = self.recent.setdefault(key, deque())
        window.append(at)
        while window[0] <= at - self.quota.period_us:
            window.popleft()
        if self.worst is None or len(window) > self.worst.units:
            self.worst = Busiest(len(window), key, window[0])


class Replay:
    """Feeds requests, in the order of the log, to several algorithms at once.

    A log is written when requests end, so a time may be a little before the last one; it then counts as that one.
    Memory grows with the number of keys, not of requests.
    """

    def __init__(self, rules: Sequence[tuple[Algorithm[Any], Quota]]) -> None:
        self.asked: Counter[str] = Counter()
        self.began: int | None = None
        self.ended = 0
        self._lanes = [_Lane(algorithm, quota) for algorithm, quota in rules]
        self._bins = _Bins(len(rules))

    def request(self, key: str, at: int) -> None:
        """Ask every algorithm for one unit of `key` at `at` microseconds."""
        self.began = at if self.began is None else self.began
        at = self.ended = max(self.ended, at)
        self.asked[key] += 1
        self._bins.add(at - self.began, [lane.ask(key, at) for lane in self._lanes])

    def report(self, *, top: int) -> list[AlgorithmReport]:
        """One report per algorithm, each with the `top` most affected keys."""
        return [
            AlgorithmReport(
                algorithm=lane.algorithm.name,
                admitted=lane.admitted,
                refused=lane.refused.total(),
                keys_refused=len(lane.refused),
                worst=lane.worst,
                most_affected=tuple((key, refused, self.asked[key]) for key, refused in lane.refused.most_common(top)),
            )
            for lane in self._lanes
        ]

    def series(self) -> tuple[float, list[list[int]]]:
        """Seconds per bin, and for each bin the requests asked and those each algorithm admitted."""
        return self._bins.width / 1_000_000, self._bins.rows


class _Bins:
    """Counts over time in at most `MOST_BINS` bins, whose width doubles as the log grows."""

    def __init__(self, lanes: int) -> None:
        self.width = 1_000_000
        self.rows: list[list[int]] = []
        self._empty = [0] * (1 + lanes)

    def add(self, since_start: int, admitted: list[bool]) -> None:
        while since_start // self.width >= MOST_BINS:
            self.width *= 2
            pairs = zip(self.rows[::2], [*self.rows[1::2], self._empty], strict=False)
            self.rows = [[a + b for a, b in zip(*pair, strict=True)] for pair in pairs]
        index = since_start // self.width
        while len(self.rows) <= index:
            self.rows.append(list(self._empty))
        row = self.rows[index]
        row[0] += 1
        for lane, allowed in enumerate(admitted, 1):
            row[lane] += allowed
