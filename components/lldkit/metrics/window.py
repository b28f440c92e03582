"""The last n seconds, as a ring of slots: old slots fall out whole, memory is O(slots), and no thread is needed.

Time is cut into slots of `seconds / slots`. The window at any time is the slot of that time and the `slots - 1` before
it, so it covers between `seconds - seconds / slots` and `seconds`: what is exactly `seconds` old is always out.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from lldkit.arguments import check_count, check_number
from lldkit.clock import MICRO
from lldkit.metrics.explicit import ExplicitValue
from lldkit.metrics.exponential import ExponentialValue
from lldkit.metrics.interface import CounterValue

__all__ = ["Ring", "Window", "WindowView"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Window:
    """The last `seconds`, in `slots` steps. More slots are a smoother window and more memory."""

    seconds: float = 60.0
    slots: int = 12

    def __post_init__(self) -> None:
        check_number("seconds", self.seconds, least=0.001)
        check_count("slots", self.slots, least=1, most=10_000)

    def slot_of(self, at: float) -> int:
        """The number of the slot that holds the time `at`, in whole microseconds so that no rounding moves a bound."""
        return round(at * MICRO) * self.slots // round(self.seconds * MICRO)

    def end_of(self, slot: int) -> float:
        """The time at which `slot` is over; `slot_of` any earlier time is not above it."""
        first = -(-(slot + 1) * round(self.seconds * MICRO) // self.slots)  # of the whole microseconds after it
        return (first - 0.5) / MICRO

    def covered(self, born: float, now: float) -> float:
        """How many seconds the window covers at `now`, if nothing was counted before `born`."""
        opens = self.end_of(self.slot_of(now) - self.slots)
        return max(0.0, now - max(born, opens))


class Ring(Generic[T]):
    """The cells of the last `slots` slots; pure, not thread-safe. Reading changes nothing."""

    __slots__ = ("_cells", "_latest", "_make")

    def __init__(self, slots: int, make: Callable[[], T]) -> None:
        self._make = make
        self._cells: list[tuple[int, T] | None] = [None] * slots
        self._latest: int | None = None

    def cell(self, slot: int) -> T:
        """The cell to count in at `slot`, empty if it is new. A slot of the past is taken as the latest one. O(1)."""
        latest = self._latest = slot if self._latest is None else max(slot, self._latest)
        place = latest % len(self._cells)
        held = self._cells[place]
        if held is None or held[0] != latest:
            held = self._cells[place] = (latest, self._make())
        return held[1]

    def live(self, slot: int) -> Iterator[T]:
        """What the window holds at `slot`. O(slots)."""
        slot = slot if self._latest is None else max(slot, self._latest)
        return (held[1] for held in self._cells if held is not None and held[0] > slot - len(self._cells))


class WindowView:
    """What happened in the last `seconds` of a counter or histogram, read when asked. Safe for threads.

    Each question looks at the window as it is now. On a counter, `count` and `sum` are what it grew by; the questions
    about single observations are a TypeError there.
    """

    __slots__ = ("_read",)

    def __init__(self, read: Callable[[], tuple[CounterValue | ExplicitValue | ExponentialValue, float]]) -> None:
        self._read = read

    def count(self) -> float:
        """How many observations; of a counter, by how much it grew."""
        value, _ = self._read()
        return value.value if isinstance(value, CounterValue) else value.count

    def sum(self) -> float:
        """The sum of the observations."""
        value, _ = self._read()
        return value.value if isinstance(value, CounterValue) else value.sum or 0.0

    def rate(self) -> float:
        """`count` per second; over the time since the start while the window is not full yet. 0 at the start."""
        value, covered = self._read()
        count = value.value if isinstance(value, CounterValue) else value.count
        return count / covered if covered > 0 else 0.0

    def mean(self) -> float | None:
        """The mean observation; None without any."""
        value = self._observations()
        return (value.sum or 0.0) / value.count if value.count else None

    def max(self) -> float | None:
        """The greatest observation; None without any."""
        return self._observations().max

    def quantile(self, q: float) -> float | None:
        """As the histogram's own, of the window; None without any observation."""
        return self._observations().quantile(q)

    def fraction(self, lo: float, hi: float) -> float | None:
        """As the histogram's own, of the window; None without any observation."""
        return self._observations().fraction(lo, hi)

    def _observations(self) -> ExplicitValue | ExponentialValue:
        value, _ = self._read()
        if isinstance(value, CounterValue):
            raise TypeError("a counter keeps no single observations; ask the window of a histogram")
        return value
