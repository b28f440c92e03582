"""Permission for one call, and the ways to use it: as a decorator, a call, a context, or in two steps."""

import functools
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextvars import ContextVar
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar, cast

from lldkit.callables import Kind, kind_of
from lldkit.circuit_breaker.classify import ByException
from lldkit.circuit_breaker.interface import Classify, Outcome
from lldkit.circuit_breaker.windows import FAILURE, SUCCESS, Counts
from lldkit.clock import Clock

__all__ = ["Guard", "Permit"]

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])

ENTERED: "ContextVar[tuple[Permit, ...]]" = ContextVar("lldkit.circuit_breaker", default=())
"""The permits of the `with` blocks that this thread or task is inside of, outermost first."""


class Permit:
    """Leave for one call. Report how it went once: the first report wins, later ones do nothing.

    `seconds` is how long the call took, by default the time since the permit was given. `with permit:` reports by the
    exception. A permit that is dropped without a report is as good as ignored. Safe for threads.
    """

    __slots__ = ("_guard", "_started", "generation", "shared", "token", "unreported", "window")

    def __init__(
        self,
        guard: "Guard",
        started: float,
        generation: int,
        window: Counts | None,
        token: int | None = None,
    ) -> None:
        self._guard = guard
        self._started = started
        self.generation = generation
        self.window = window
        self.token = token
        self.shared: str | None = None
        self.unreported = True

    def success(self, *, seconds: float | None = None) -> None:
        """The dependency served the call."""
        self._report(Outcome.SUCCESS, seconds)

    def failure(self, *, seconds: float | None = None) -> None:
        """The dependency failed the call."""
        self._report(Outcome.FAILURE, seconds)

    def ignore(self) -> None:
        """The call said nothing about the dependency."""
        self._report(Outcome.IGNORED, 0.0)

    def judge(self, error: BaseException | None, result: object) -> None:
        """Report what the guard's `classify` makes of the call."""
        try:
            outcome = self._guard.outcome(error, result)
        except BaseException:
            self.ignore()
            raise
        self._report(outcome, None, error)

    def belongs_to(self, guard: "Guard") -> bool:
        """Whether `guard` gave it."""
        return self._guard is guard

    def _report(self, outcome: Outcome, seconds: float | None, error: BaseException | None = None) -> None:
        if seconds is not None and not seconds >= 0:
            raise ValueError(f"seconds must be at least 0, got {seconds!r}")
        now = self._guard.monotonic()
        self._guard.settle(self, outcome, now - self._started if seconds is None else seconds, now, error)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.judge(error, None)

    def __del__(self) -> None:
        # The collector may run anywhere, even in a thread that holds the guard's lock, so only a note is left.
        if getattr(self, "unreported", False) and self.token is not None:
            self._guard.abandoned(self)


class Guard(ABC):
    """The verbs over `admit`: decorator, `call`, `acall`, `with`, `async with`.

    While `_free` holds a window, every call is admitted without a permit and counts there: the short way of a closed
    breaker. Subclasses decide in `admit`, `settle` and `record`.
    """

    __slots__ = ("__weakref__", "_by_exception", "_classify", "_free", "monotonic")

    _free: Counts | None

    def __init__(self, classify: Classify, clock: Clock) -> None:
        if not callable(classify):
            raise TypeError(f"classify must be callable with (exception or None, result), got {classify!r}")
        self._classify = classify
        self._by_exception = isinstance(classify, ByException)
        self.monotonic = clock.monotonic
        self._free = None

    @abstractmethod
    def admit(self) -> Permit:
        """Ask for one call, in two steps; `CircuitOpen` when it is refused."""

    @abstractmethod
    def settle(self, permit: Permit, outcome: Outcome, seconds: float, now: float, error: BaseException | None) -> None:
        """Take the report of a permit; for `Permit` only."""

    @abstractmethod
    def record(self, window: Counts, kind: int, seconds: float, now: float) -> None:
        """Count a call that needed no permit."""

    @abstractmethod
    def ignored(self) -> None:
        """Count a call that said nothing."""

    @abstractmethod
    def blame(self, error: BaseException | None) -> None:
        """Remember what failed last."""

    @abstractmethod
    def abandoned(self, permit: Permit) -> None:
        """Note a probe that nobody will report; must take no lock."""

    def outcome(self, error: BaseException | None, result: object) -> Outcome:
        """What `classify` says; anything but an `Outcome` is a `TypeError`."""
        outcome = self._classify(error, result)
        if not isinstance(outcome, Outcome):
            raise TypeError(f"classify must return an Outcome, got {outcome!r}")
        return outcome

    def call(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call `function`, or raise `CircuitOpen`; what it raises comes through as it is."""
        return self._plain(function)(*args, **kwargs)

    async def acall(self, function: Callable[P, Awaitable[R]], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Await `function(...)`, or raise `CircuitOpen`; as `call`."""
        return await self._coroutine(function)(*args, **kwargs)

    def _ended(self, window: Counts, started: float, error: BaseException | None, result: object) -> None:
        """Judge a call that needed no permit."""
        now = self.monotonic()
        outcome = self.outcome(error, result)
        if outcome is Outcome.IGNORED:
            self.ignored()
            return
        if outcome is Outcome.FAILURE:
            self.blame(error)
        self.record(window, FAILURE if outcome is Outcome.FAILURE else SUCCESS, now - started, now)

    def __call__(self, function: F) -> F:
        """Protect `function`: `def`, `async def`, and generators of both kinds (judged when they end or are closed)."""
        guards: dict[Kind, Callable[[Any], Callable[..., Any]]] = {
            "function": self._plain,
            "coroutine": self._coroutine,
            "generator": self._generator,
            "async generator": self._async_generator,
        }
        return cast("F", functools.wraps(function)(guards[kind_of(function)](function)))

    def _plain(self, function: Callable[P, R]) -> Callable[P, R]:
        monotonic, by_exception, record = self.monotonic, self._by_exception, self.record

        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            window = self._free
            if window is None:
                permit = self.admit()
                try:
                    result = function(*args, **kwargs)
                except BaseException as error:
                    permit.judge(error, None)
                    raise
                permit.judge(None, result)
                return result
            started = monotonic()
            try:
                result = function(*args, **kwargs)
            except BaseException as error:
                self._ended(window, started, error, None)
                raise
            if by_exception:
                now = monotonic()
                record(window, SUCCESS, now - started, now)
            else:
                self._ended(window, started, None, result)
            return result

        return guarded

    def _coroutine(self, function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        monotonic, by_exception, record = self.monotonic, self._by_exception, self.record

        async def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            window = self._free
            if window is None:
                permit = self.admit()
                try:
                    result = await function(*args, **kwargs)
                except BaseException as error:
                    permit.judge(error, None)
                    raise
                permit.judge(None, result)
                return result
            started = monotonic()
            try:
                result = await function(*args, **kwargs)
            except BaseException as error:
                self._ended(window, started, error, None)
                raise
            if by_exception:
                now = monotonic()
                record(window, SUCCESS, now - started, now)
            else:
                self._ended(window, started, None, result)
            return result

        return guarded

    def _generator(self, function: Callable[P, Generator[Any, Any, R]]) -> Callable[P, Generator[Any, Any, R]]:
        def guarded(*args: P.args, **kwargs: P.kwargs) -> Generator[Any, Any, R]:
            with self.admit():
                return (yield from function(*args, **kwargs))

        return guarded

    def _async_generator(
        self, function: Callable[P, AsyncGenerator[Any, Any]]
    ) -> Callable[P, AsyncGenerator[Any, Any]]:
        async def guarded(*args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[Any, Any]:
            with self.admit():
                inner = function(*args, **kwargs)
                try:
                    item = await anext(inner)
                    while True:
                        try:
                            sent = yield item
                        except Exception as thrown:  # noqa: BLE001 - what our consumer throws belongs to the generator
                            item = await inner.athrow(thrown)
                        else:
                            item = await inner.asend(sent)
                except StopAsyncIteration:
                    return
                finally:
                    await inner.aclose()

        return guarded

    def __enter__(self) -> Permit:
        """Ask for one call; the block is the call. Blocks of one guard may be nested, and run in any thread or task."""
        permit = self.admit()
        ENTERED.set((*ENTERED.get(), permit))
        return permit

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        entered = ENTERED.get()
        place = max(i for i, permit in enumerate(entered) if permit.belongs_to(self))
        ENTERED.set((*entered[:place], *entered[place + 1 :]))
        entered[place].judge(error, None)

    async def __aenter__(self) -> Permit:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)
