"""One attempt of a task, where it is more than the call itself: a limit on its time, and hedged copies.

Hedging ("The Tail at Scale", Dean and Barroso, 2013): when a call is late a copy of it is started, the first success
wins, and the losers are cancelled and awaited. Only for calls that may be made twice.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from lldkit.arguments import check_count, check_number
from lldkit.clock import Clock
from lldkit.retry.interface import AttemptTimeout

if TYPE_CHECKING:
    from lldkit.retry.call import Call

__all__ = ["Hedge", "hedged", "limited"]

T = TypeVar("T")
Start: TypeAlias = Callable[[], Coroutine[Any, Any, T]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hedge:
    """Start a copy of a late attempt each `after` seconds (or what `after()` returns as it begins), `copies` at most.

    A copy counts as an attempt and is paid for by the budget. Only `acall` and decorated coroutine functions hedge, and
    only what is idempotent should be.
    """

    after: float | Callable[[], float]
    copies: int = 1

    def __post_init__(self) -> None:
        if not callable(self.after):
            check_number("after", self.after)
        check_count("copies", self.copies)

    def delay(self) -> float:
        """Seconds until the next copy."""
        if not callable(self.after):
            return self.after
        seconds = self.after()
        check_number("what Hedge.after returns", seconds)
        return seconds


async def hedged(call: "Call", hedge: Hedge, start: Start[T]) -> T:
    """The first success among an attempt and its copies; when all that were started fail, the last error."""
    delay, left = hedge.delay(), hedge.copies
    late: asyncio.Future[Any] | None = None
    started = [asyncio.ensure_future(start())]
    running = set(started)
    try:
        while True:
            if left and late is None:
                late = asyncio.ensure_future(call.policy.clock.asleep(delay))
            waited_for = running if late is None else {*running, late}
            done, _ = await asyncio.wait(waited_for, return_when=asyncio.FIRST_COMPLETED)
            ended = [copy for copy in started if copy in done and copy in running]
            running.difference_update(ended)
            winner = next((copy for copy in ended if not copy.cancelled() and copy.exception() is None), None)
            if winner is not None or not running:
                return await (winner or ended[-1])
            if late in done:
                late, left = None, left - 1
                if call.copy():
                    started.append(asyncio.ensure_future(start()))
                    running.add(started[-1])
    finally:
        await _end([*started, late])
        started.clear()  # the tasks hold errors whose tracebacks hold this frame


async def _end(tasks: "list[asyncio.Future[Any] | None]") -> None:
    """Cancel what still runs, and wait until it has ended."""
    still_running = [task for task in tasks if task is not None and not task.done()]
    for task in still_running:
        task.cancel()
    await asyncio.gather(*still_running, return_exceptions=True)


async def limited(clock: Clock, seconds: float, number: int, start: Start[T]) -> T:
    """What `start` returns, or `AttemptTimeout` when it was cancelled because it took longer than `seconds`.

    `asyncio.timeout` tells our cancellation from any other; here it is fired by a clock that need not be the loop's.
    """
    scope = asyncio.timeout(None)

    async def expire() -> None:
        await clock.asleep(seconds)
        scope.reschedule(asyncio.get_running_loop().time())

    try:
        async with scope:
            timer = asyncio.ensure_future(expire())
            try:
                return await start()
            finally:
                timer.cancel()
    except TimeoutError as error:
        if scope.expired() and isinstance(error.__cause__, asyncio.CancelledError):
            raise AttemptTimeout(number, seconds) from None
        raise
