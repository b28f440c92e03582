"""The boundary around an object: every call goes through one script, run by a plain driver or by an awaiting one."""

import asyncio
import contextlib
import functools
import inspect
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

from lldkit.simulation.interface import Crash
from lldkit.simulation.process import LIFE, outside

if TYPE_CHECKING:
    from lldkit.simulation.faults import Faults

__all__ = ["Decision", "wrap"]

T = TypeVar("T")
Steps: TypeAlias = Generator[float | None, Any, Any]

CALLS = ("__call__", "__getitem__", "__setitem__", "__delitem__", "__contains__")
PASSES = ("__len__", "__iter__", "__aiter__", "__bool__", "__enter__", "__exit__", "__aenter__", "__aexit__")


@dataclass(slots=True)
class Decision:
    """What is to happen to one call, the `call`-th of `caller` at its boundary; by default nothing but the effect."""

    caller: str = ""
    call: int = 0
    where: str = ""
    refusal: Exception | None = None  # raised before the effect
    loss: Exception | None = None  # raised after the effect
    crash: str = ""  # "before" or "after" the effect
    twice: bool = False
    delay: float = 0.0
    factor: float = 1.0


def script(faults: "Faults", boundary: str, method: str, *, early: float) -> Steps:
    """The steps of one call: a number asks for a sleep of so many seconds, None for the effect; returns its result.

    `early` is the share of the delay that comes before the effect.
    """
    faults.check_alive()
    decision = faults.decide(boundary, method)
    outcome = "ok"
    try:
        yield decision.delay * decision.factor * early
        faults.meet(decision, "before", decision.refusal)
        begun = faults.clock.monotonic()
        result = yield None
        if decision.twice:
            with contextlib.suppress(Exception):
                yield None
        took = faults.clock.monotonic() - begun
        yield took * (decision.factor - 1) + decision.delay * decision.factor * (1 - early)
        faults.meet(decision, "after", decision.loss)
    except BaseException as error:
        outcome = type(error).__name__
        raise
    finally:
        faults.note(boundary, method, decision, outcome)
    return result


def _drive(steps: Steps, effect: Callable[[], Any], faults: "Faults") -> Any:
    """Run a script from plain code; an effect that turns out to be awaitable is left to `_adrive`."""
    resume: Callable[[], float | None] = functools.partial(next, steps)
    while True:
        try:
            step = resume()
        except StopIteration as end:
            return end.value
        result: Any = None
        try:
            if step is None:
                result = effect()
            elif step > 0:
                faults.clock.sleep(step)
        except BaseException as error:  # noqa: BLE001 - the script decides what to do about it
            resume = functools.partial(steps.throw, error)
        else:
            if inspect.isawaitable(result):
                return _adrive(steps, _first(result, effect), faults, resume=lambda: None)
            resume = functools.partial(steps.send, result)


async def _adrive(
    steps: Steps,
    effect: Callable[[], Awaitable[Any]],
    faults: "Faults",
    resume: Callable[[], float | None],
) -> Any:
    """Run a script from a task; a task of a process that dies here never returns."""
    while True:
        try:
            step = resume()
        except StopIteration as end:
            return end.value
        except Crash:
            if LIFE.get() is not None:  # the process is dead, and nothing will ever resume this task
                await asyncio.get_running_loop().create_future()
            raise
        result = None
        try:
            if step is None:
                result = await _elsewhere(effect())
            elif step > 0:
                await faults.clock.asleep(step)
        except BaseException as error:  # noqa: BLE001 - the script decides what to do about it
            resume = functools.partial(steps.throw, error)
        else:
            resume = functools.partial(steps.send, result)


def _first(begun: Awaitable[Any], effect: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[Any]]:
    """`effect`, but for the first call, whose answer is there already."""
    answers = [begun]
    return lambda: answers.pop() if answers else effect()


async def _elsewhere(effect: Awaitable[T]) -> T:
    """Await an effect; one that a process asks for happens outside it, so that it is whole even if the process dies."""
    if LIFE.get() is None:
        return await effect

    async def run() -> T:
        return await effect

    task = asyncio.get_running_loop().create_task(run(), context=outside())
    task.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody may be left to look at it
    return await task


def _guard(function: Callable[..., Any], faults: "Faults", boundary: str, method: str) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def acall(*args: Any, **kwargs: Any) -> Any:
            steps = script(faults, boundary, method, early=0.5)
            effect = functools.partial(function, *args, **kwargs)
            return await _adrive(steps, effect, faults, resume=functools.partial(next, steps))

        return acall

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        steps = script(faults, boundary, method, early=0.0)
        return _drive(steps, functools.partial(function, *args, **kwargs), faults)

    return call


def wrap(target: T, faults: "Faults", name: str, only: frozenset[str] | None) -> T:
    """A stand-in for `target`; see `Faults.wrap`."""
    if inspect.isroutine(target):
        return cast("T", _guard(target, faults, name, getattr(target, "__name__", "call")))
    of_type = {
        special: _special(special, is_call=special in CALLS and (only is None or special in only))
        for special in (*CALLS, *PASSES)
        if hasattr(type(target), special)
    }
    stand_in = type(f"{type(target).__name__}Boundary", (_StandIn,), {**of_type, "__slots__": ()})
    return cast("T", stand_in(_target=target, _faults=faults, _name=name, _only=only))


def _special(special: str, *, is_call: bool) -> Callable[..., Any]:
    """A method like `__getitem__`, which Python looks up on the type."""

    def method(self: "_StandIn", *args: Any) -> Any:
        function = getattr(self._target, special)
        result = (_guard(function, self._faults, self._name, special) if is_call else function)(*args)
        return self if result is self._target else result

    return method


class _StandIn:
    """Stands in for an object: its public methods are calls of the boundary, all else is the object's own."""

    __slots__ = ("_faults", "_name", "_only", "_target")
    _faults: "Faults"
    _name: str
    _only: frozenset[str] | None
    _target: Any

    def __init__(self, **parts: Any) -> None:
        for slot, value in parts.items():
            object.__setattr__(self, slot, value)

    def __getattr__(self, attribute: str) -> Any:
        value = getattr(self._target, attribute)
        is_call = callable(value) and not isinstance(value, type) and not attribute.startswith("_")
        if is_call and (self._only is None or attribute in self._only):
            return _guard(value, self._faults, self._name, attribute)
        return value

    def __setattr__(self, attribute: str, value: Any) -> None:
        setattr(self._target, attribute, value)

    def __repr__(self) -> str:
        return f"<{self._target!r} behind the faults of {self._name!r}>"
