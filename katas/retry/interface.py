"""What every solution of this kata gets and gives: the errors, the clock, the dice, the shape of the policy."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol


class Failure(Exception):
    """What the functions of the checks raise."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.args))})"


class Reset(Failure):
    """The connection broke; the next attempt may succeed."""


class Busy(Failure):
    """The server asks for `retry_after` seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after


class Refused(Failure):
    """The request is wrong and stays wrong."""


class Slow(Failure):
    """Stands in scripts of the grader for a `Reset` that comes only after so many seconds (level 3)."""


class Script:
    """A function that does what its words say, one at each call: an error is raised, all else is returned.

    The last word stands for ever. `later` is the same as a coroutine function; `calls` counts, and `given` holds the
    arguments of each call.
    """

    def __init__(self, *words: object) -> None:
        self.words, self.given = words, list[Any]()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        word = self.words[min(self.calls, len(self.words) - 1)]
        self.given.append((args, kwargs))
        if isinstance(word, BaseException) or (isinstance(word, type) and issubclass(word, BaseException)):
            raise word
        return word

    async def later(self, *args: Any, **kwargs: Any) -> Any:
        """The same for tasks."""
        return self(*args, **kwargs)

    @property
    def calls(self) -> int:
        """How often it was called."""
        return len(self.given)

    def __repr__(self) -> str:
        said = [word.__name__ if isinstance(word, type) else repr(word) for word in self.words]
        return f"Script({', '.join(said if len(said) < 9 else [*said[:2], '...', said[-1]])})"


class Clock(Protocol):
    """Time as it is given to the policy."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary origin."""

    def sleep(self, seconds: float, /) -> None:
        """Block the calling thread for `seconds`."""

    async def asleep(self, seconds: float, /) -> None:
        """Suspend the calling task for `seconds`; asked from level 4 on."""


class Dice(Protocol):
    """Chance as it is given to the policy."""

    def random(self) -> float:
        """A number of [0, 1)."""


class Half:
    """Dice that always say 0.5."""

    def random(self) -> float:
        """One half."""
        return 0.5

    def __repr__(self) -> str:
        return "Half()"


class Numbers:
    """Dice that say what was written down for them, again and again; `drawn` counts."""

    def __init__(self, *numbers: float) -> None:
        self.numbers, self.drawn = numbers, 0

    def random(self) -> float:
        """The next of the numbers."""
        self.drawn += 1
        return self.numbers[(self.drawn - 1) % len(self.numbers)]

    def __repr__(self) -> str:
        return f"Numbers({', '.join(map(repr, self.numbers))})"


class Hands:
    """A clock for threads and tasks over one that knows threads only."""

    def __init__(self, clock: Any) -> None:
        self.monotonic, self.sleep = clock.monotonic, clock.sleep
        self._clock = clock

    async def asleep(self, seconds: float, /) -> None:
        """Pass `seconds`, and let others run."""
        import asyncio  # here, for it takes longer to import than all the rest, and only level 4 needs it

        self._clock.sleep(seconds)
        await asyncio.sleep(0)

    def __repr__(self) -> str:
        return "clock"


class Retry(Protocol):
    """The class that you write. The level that first asks for a name stands behind it."""

    def __init__(
        self,
        *,
        on: type[BaseException] | tuple[type[BaseException], ...],
        attempts: int = 3,
        clock: Clock,
        rng: Dice,
        base: float = 0.125,  # level 2
        cap: float = 16.0,  # level 2
        timeout: float = ...,  # level 3; no deadline, unless it is given
        hint_cap: float = 60.0,  # level 3
        budget: int = ...,  # level 5; unbounded, unless it is given
        cost: int = 5,  # level 5
    ) -> None: ...

    def call(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call `function(*args, **kwargs)`, again while it fails with what `on` names."""

    async def acall(self, function: Callable[..., Awaitable[Any]], /, *args: Any, **kwargs: Any) -> Any:
        """The same for coroutine functions (level 4)."""

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same as a decorator, for both kinds of functions (level 4)."""

    def balance(self) -> int:
        """The tokens of the budget that are left (level 5)."""

    def storm(self, *, calls: int, capacity: int, outage: tuple[int, int], ticks: int) -> list[int]:
        """The requests of every tick of a service under this policy (level 6)."""
