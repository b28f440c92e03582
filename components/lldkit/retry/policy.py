"""The policy: what to retry and how, as one immutable object that is a decorator, a caller and a loop."""

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial, wraps
from random import Random, SystemRandom
from types import CoroutineType
from typing import Any, Literal, ParamSpec, TypeVar, cast, final

from lldkit.arguments import check_count, check_number
from lldkit.clock import SYSTEM, Clock
from lldkit.events import Emitter
from lldkit.retry.attempts import Attempt, Attempts
from lldkit.retry.backoff import checked_delay, exponential
from lldkit.retry.call import Call
from lldkit.retry.classify import Classify, classifier
from lldkit.retry.hedging import Hedge, hedged, limited
from lldkit.retry.hints import retry_after
from lldkit.retry.interface import Backoff, Budget, Hint, On, Reason, RetryEvent
from lldkit.retry.plan import Rules, State, planned
from lldkit.retry.targets import awaits, is_async, refuse_awaitable, refuse_value

__all__ = ["Retry"]

F = TypeVar("F", bound=Callable[..., object])
P = ParamSpec("P")
R = TypeVar("R")


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Retry:
    """Calls again what fails for a moment, with backoff, within a deadline and a budget.

    One object decorates `def` and `async def`, calls (`call`, `acall`), and loops (`for attempt in policy: with
    attempt:`). The last error is raised as itself, with a note; `gave_up(error)` says why. Times are in seconds; None
    is unbounded.

    `on` has no default: exception classes, a predicate, or a mapping to `ErrorClass`. `attempts` counts all calls.
    `timeout` is one deadline for the whole call: no sleep ends after it. `attempt_timeout` cancels an attempt of a
    task; a plain function cannot be interrupted, so a loop passes `attempt.timeout` on. `hint` is what the server said:
    it lengthens a backoff, up to `hint_cap` and to `hint_above_backoff` more than the backoff. `nested="once"` does not
    retry inside a retried attempt of another policy, so that layers add up instead of multiplying.

    Safe for threads and tasks: what a call remembers belongs to the call. A call that succeeds at once costs a clock
    read, or nothing with `timeout=None`.

    >>> from lldkit.clock import ManualClock
    >>> answers = iter([ConnectionError("refused"), "ok"])
    >>> def ask():
    ...     if isinstance(answer := next(answers), Exception):
    ...         raise answer
    ...     return answer
    >>> Retry(on=ConnectionError, clock=ManualClock(auto_advance=True)).call(ask)
    'ok'
    """

    on: On
    attempts: int | None = 3
    timeout: float | None = 45.0
    attempt_timeout: float | None = None
    backoff: Backoff = field(default_factory=exponential)
    retry_result: Callable[[Any], bool] | None = None
    hint: Hint | None = retry_after
    hint_cap: float = 60.0
    hint_above_backoff: float | None = None
    budget: Budget | None = None
    hedge: Hedge | None = None
    nested: Literal["once", "multiply"] = "once"
    clock: Clock = SYSTEM
    rng: Random | None = None
    on_event: Callable[[RetryEvent], object] | None = None

    # Made of the above, once.
    classify: Classify = field(init=False, repr=False)
    read_hint: Hint | None = field(init=False, repr=False)
    rules: Rules = field(init=False, repr=False)
    random: Random = field(init=False, repr=False)
    emit: Emitter[RetryEvent] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.attempts is not None:
            check_count("attempts", self.attempts, least=1)
        for name in ("timeout", "attempt_timeout", "hint_above_backoff"):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name))
        check_number("hint_cap", self.hint_cap)
        if self.nested not in {"once", "multiply"}:
            raise ValueError(f'nested must be "once" or "multiply", got {self.nested!r}')
        reads_dates = self.hint is retry_after  # by the wall clock; it has to be ours
        made = {
            "classify": classifier(self.on),
            "read_hint": partial(retry_after, clock=self.clock) if reads_dates else self.hint,
            "rules": Rules(self.attempts, self.hint_cap, self.hint_above_backoff),
            # The system's own random numbers: a seeded state would be the same in each process forked from this one.
            "random": SystemRandom() if self.rng is None else self.rng,
            "emit": Emitter(self.on_event),
        }
        for name, value in made.items():
            object.__setattr__(self, name, value)

    def __call__(self, function: F) -> F:
        """Decorate a function or coroutine function; its signature, name and kind stay. Refuses generator functions."""
        if is_async(function):
            return cast("F", self._decorated_async(cast("Callable[..., Any]", function)))
        self._refuse_hedge()
        return cast("F", self._decorated(function))

    def call(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call `function(*args, **kwargs)`, again while it fails. A result that is to be awaited is a TypeError."""
        self._refuse_hedge()
        return self._run(self._begin(), function, args, kwargs)

    async def acall(self, function: Callable[P, Awaitable[R]], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """`call` for tasks; `function` is a coroutine function, or a function that returns an awaitable."""
        return await self._arun(self._begin(), function, args, kwargs)

    def __iter__(self) -> Iterator[Attempt]:
        self._refuse_hedge()
        return Attempts(self._begin())

    def __aiter__(self) -> AsyncIterator[Attempt]:
        self._refuse_hedge()
        return Attempts(self._begin())

    def replace(self, **changes: Any) -> "Retry":
        """The same policy but for `changes`, named as in the constructor."""
        return replace(self, **changes)

    def schedule(self, *, rng: Random | None = None) -> Iterator[float]:
        """The sleeps of a call whose attempts take no time and all fail; nothing is called, nobody sleeps.

        >>> list(Retry(on=OSError, attempts=4, backoff=exponential(base=1.0, jitter="none")).schedule())
        [1.0, 2.0, 4.0]
        """
        state = State(deadline=math.inf if self.timeout is None else self.timeout)
        while self.attempts is None or state.attempts < self.attempts:
            delay = checked_delay(self.backoff.delay(state.attempts, state.backoff, rng or self.random), self.backoff)
            after = planned(self.rules, state, delay, None, state.slept)
            if isinstance(after, Reason):
                return
            state = after
            yield state.sleep

    @property
    def listener_failures(self) -> int:
        """How often `on_event` raised; it breaks nothing."""
        return self.emit.failures

    # -- one call -----------------------------------------------------------------------------------------------------

    def _begin(self) -> Call:
        call = Call(self)
        if self.budget is not None:
            self.budget.started()
        return call

    def _run(self, call: Call, function: Callable[..., R], args: Any, kwargs: Any) -> R:
        """Attempt after attempt; none is made inside the `except` of the one before."""
        while True:
            try:
                with call:
                    result = function(*args, **kwargs)
            except Exception as error:
                if not call.failed(error):
                    raise
            else:
                if awaits(type(result)):
                    refuse_awaitable(function, result)
                if call.returned(result):
                    return result
            call.sleep()

    async def _arun(self, call: Call, function: Callable[..., Awaitable[R]], args: Any, kwargs: Any) -> R:
        """`_run` for tasks."""
        while True:
            try:
                with call:
                    result = await self._attempt(call, function, args, kwargs)
            except Exception as error:
                if not call.failed(error):
                    raise
            else:
                if call.returned(result):
                    return result
            await call.asleep()

    async def _attempt(self, call: Call, function: Callable[..., Awaitable[R]], args: Any, kwargs: Any) -> R:
        """One attempt of a task, within its time and with its copies."""

        async def start() -> R:
            result = function(*args, **kwargs)
            if not awaits(type(result)):
                refuse_value(function, result)
            return await result

        attempt = start if self.hedge is None else partial(hedged, call, self.hedge, start)
        if self.attempt_timeout is None:
            return await attempt()
        seconds = call.attempt_timeout()
        return await limited(self.clock, cast("float", seconds), call.state.attempts, attempt)

    # -- decorated functions: the first attempt is made in the wrapper's own frame, and nothing is set up before it ----

    def _decorated(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if self.retry_result is not None:
            return wraps(function)(lambda *args, **kwargs: self.call(function, *args, **kwargs))
        opening, closing = self._opening(), None if self.budget is None else self.budget.succeeded

        @wraps(function)
        def retried(*args: Any, **kwargs: Any) -> Any:
            started = None if opening is None else opening()
            try:
                result = function(*args, **kwargs)
            except Exception as error:
                call = Call(self, started)
                if not call.failed(error):
                    raise
            else:
                if type(result) is CoroutineType:
                    refuse_awaitable(function, result)
                if closing is not None:
                    closing(None)
                return result
            call.sleep()
            return self._run(call, function, args, kwargs)

        return retried

    def _decorated_async(self, function: Callable[..., Any]) -> Callable[..., Any]:
        opening, closing = self._opening(), None if self.budget is None else self.budget.succeeded
        plain = self.retry_result is None and self.hedge is None and self.attempt_timeout is None

        @wraps(function)
        async def retried(*args: Any, **kwargs: Any) -> Any:
            if not plain:
                return await self.acall(function, *args, **kwargs)
            started = None if opening is None else opening()
            try:
                result = await function(*args, **kwargs)
            except Exception as error:
                call = Call(self, started)
                if not call.failed(error):
                    raise
            else:
                if closing is not None:
                    closing(None)
                return result
            await call.asleep()
            return await self._arun(call, function, args, kwargs)

        return retried

    def _opening(self) -> Callable[[], float | None] | None:
        """What is to be done before the first attempt; None for nothing. Its answer is when the call began."""
        budget, now = self.budget, self.clock.monotonic
        if budget is None:
            return None if self.timeout is None else now

        def opening() -> float:
            budget.started()
            return now()

        return opening

    def _refuse_hedge(self) -> None:
        if self.hedge is not None:
            raise TypeError("a hedge starts copies of a call, which needs tasks: use acall, or decorate an async def")
