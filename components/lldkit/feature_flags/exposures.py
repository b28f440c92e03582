"""Who was shown what: one exposure for each flag, variant and unit, within a bounded window."""

from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress

from lldkit.arguments import check_count
from lldkit.clock import Clock
from lldkit.feature_flags.compile import Outcome
from lldkit.feature_flags.context import Context
from lldkit.feature_flags.interface import Exposure

__all__ = ["Exposures"]


class Exposures:
    """Hands an exposure to `sink`, unless the same is among the last `window` ones. Safe for threads, without a lock.

    Two threads may find the window full at once; then it forgets one more than it has to.
    """

    def __init__(self, sink: Callable[[Exposure], object], window: int, clock: Clock) -> None:
        if not callable(sink):
            raise TypeError(f"on_exposure must be callable with one exposure, got {sink!r}")
        self._sink = sink
        self._window = check_count("exposure_window", window, least=1)
        self._clock = clock
        self._known: dict[tuple[str, str, str | None], object] = {}
        self._order: deque[tuple[str, str, str | None]] = deque()

    def note(self, outcomes: Iterable[Outcome], context: Context) -> None:
        """Expose what an evaluation came to, prerequisites too. Raises what the sink raises."""
        for outcome in outcomes:
            found, variant = outcome.evaluation, outcome.variant
            if variant is None:
                continue
            placed = None if outcome.bucket is None else outcome.bucket.unit(context)
            unit = context.targeting_key if placed is None else placed[1]
            if self._is_new((found.key, variant, unit)):
                self._sink(Exposure(self._clock.now(), found.key, variant, unit, found.version))

    def _is_new(self, mark: tuple[str, str, str | None]) -> bool:
        mine = object()
        if self._known.setdefault(mark, mine) is not mine:  # one step, so that one thread is the first
            return False
        self._order.append(mark)
        if len(self._order) > self._window:
            with suppress(IndexError):
                self._known.pop(self._order.popleft(), None)
        return True
