"""What the `checks.py` and `model.py` of a kata import: steps of programs, the desk of a directed check, its clock.

A directed check drives the solution through recording proxies, so that a failure is told as the calls that led to it.
"""

from __future__ import annotations

from lldkit.dojo.plain import same, show, size_of

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` alone would double the start of the graded process
    from collections.abc import Callable, Sequence
    from typing import Any

__all__ = [
    "MUTABLE",
    "Advance",
    "Desk",
    "Failed",
    "KataClock",
    "Mismatch",
    "Op",
    "Program",
    "call_line",
    "check",
    "name_for",
    "scenario",
]


MUTABLE = frozenset((list, dict, set, bytearray))
"""Plain data that can be changed behind the back of who keeps it."""


class Failed(BaseException):
    """A directed check has found a bug; no `except Exception` of a solution stops it."""


class Mismatch(AssertionError):  # it is what an invariant says, not a fault
    """The invariant of a scenario does not hold: something is `actual` and should be `expected`."""

    def __init__(self, expected: str, actual: str) -> None:
        super().__init__(f"expected {expected}, got {actual}")
        self.expected, self.actual = expected, actual


class KataClock:
    """A house Clock that stands still: `advance` moves it, `sleep` advances it, `step` lets it jump either way."""

    def __init__(self, name: str = "clock", tell: Callable[[str], None] = lambda _: None) -> None:
        self._now = 0.0
        self.sleeps: list[float] = []
        self._name, self._tell = name, tell

    def monotonic(self) -> float:
        """The reading in seconds."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Pass `seconds`, for there is nobody else to do it."""
        if not seconds >= 0:
            raise ValueError(f"a duration is a number of seconds >= 0, got {seconds!r}")
        self.sleeps.append(seconds)
        self._now += seconds

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self._tell(f"{self._name}.advance({seconds:g})")
        self.move(seconds)

    def step(self, seconds: float) -> None:
        """Let the reading jump by `seconds`, which may be negative."""
        self._tell(f"{self._name}.step({seconds:g})")
        self.move(seconds)

    def move(self, seconds: float) -> None:
        """Change the reading by `seconds`, untold."""
        self._now += seconds

    def __repr__(self) -> str:
        return self._name


class Op:
    """One call: `Op("acquire", "a", cost=2)`; `on` chooses among the objects of the program."""

    __slots__ = ("args", "kwargs", "mutable", "name", "on")

    def __init__(self, name: str, *args: Any, on: int = 0, **kwargs: Any) -> None:
        self.name, self.args, self.kwargs, self.on = name, args, kwargs, on
        self.mutable = not MUTABLE.isdisjoint(map(type, args))  # something that the solution could keep an alias of

    def __repr__(self) -> str:
        return call_line(f"Op:{self.on}", self.name, self.args, self.kwargs)


class Advance:
    """Time passes; negative seconds are a clock that steps back."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __repr__(self) -> str:
        return f"Advance({self.seconds:g})"


class Program:
    """A constructor call and the steps after it; `start` is the clock's reading when the object is made."""

    __slots__ = ("setup", "start", "steps")

    def __init__(self, setup: dict[str, Any], steps: Sequence[Op | Advance], *, start: float = 0.0) -> None:
        self.setup, self.steps, self.start = setup, list(steps), start

    def __repr__(self) -> str:
        return f"Program({self.setup}, {self.steps}, start={self.start:g})"


def check(
    *, level: int, kills: Sequence[str] = (), needs: Sequence[str] = ()
) -> Callable[[Callable[[Desk], None]], Callable[[Desk], None]]:
    """Mark a directed check of `level`; it is skipped when one that it `needs` has failed."""

    def mark(function: Callable[[Desk], None]) -> Callable[[Desk], None]:
        function.kata_check = ("directed", level, tuple(kills), tuple(needs), 0, {})  # type: ignore[attr-defined]
        return function

    return mark


def scenario(
    *,
    level: int,
    kills: Sequence[str] = (),
    needs: Sequence[str] = (),
    schedules: int = 200,
    smoke: bool = False,
    orders: int = 0,
    **options: Any,
) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """Mark a scenario: a function of `make` that returns thread bodies and an invariant, run under `interleave`.

    `make(**arguments)` builds the solution's object, `make.clock()` a clock in the scheduler's virtual time, and
    `make.expect(actual, expected)` is for the invariant. `options` go to `lldkit.interleave.explore`. With `proof`, a
    granularity such as "free", all schedules are tried, up to 500, and a solution that polls fails: it has no last one.
    With `smoke` real threads run it too, where the level of the manifest says how often; it must not need the time.
    With `orders` it has one thread, which runs tasks in one order of their own for each seed of `make.orders`: so many,
    or all that are asked of a right solution in place of schedules.
    """

    def mark(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        function.kata_smoke, function.kata_orders = smoke, orders  # type: ignore[attr-defined]
        function.kata_check = ("schedule", level, tuple(kills), tuple(needs), schedules, options)  # type: ignore[attr-defined]
        return function

    return mark


class Desk:
    """What a directed check works at. `entry` is the solution's class; `pulse` is called before each of its calls."""

    def __init__(self, entry: Callable[..., Any], *, pulse: Callable[[], None] = lambda: None) -> None:
        self.entry, self.pulse = entry, pulse
        self.story: list[str] = []
        self.expected = self.actual = ""
        self.blamed: BaseException | None = None  # the last exception that came out of the solution
        self._names: set[str] = set()
        self._silent = False
        self._depth = 0  # of calls that are under way: what is called meanwhile is told below them

    def clock(self, start: float = 0.0) -> Any:
        """Return a clock that stands at `start` until it is advanced."""
        clock = KataClock(name := self._free("clock"), self._tell)
        self._names.add(name)
        if start:
            clock.advance(start)
        return clock

    def make(self, *args: Any, **kwargs: Any) -> Any:
        """Build the solution's object; the proxy that is returned writes every call into the story."""
        name = self._free(name_for(self.entry.__name__))
        line = f"{name} = {call_line('', self.entry.__name__, args, kwargs)}"
        made = self._call(line, self.entry, args, kwargs)
        self._names.add(name)
        return _Recorder(self, name, made)

    def given(self, name: str, value: Any) -> Any:
        """A proxy of an object that the check made itself and passes in, called `name` in the story."""
        self._names.add(name := self._free(name))
        return _Recorder(self, name, value)

    def afresh(self) -> None:
        """Begin a new story; what went before has passed and is not told."""
        self.story.clear()
        self._names.clear()

    def expect(self, actual: object, expected: object) -> None:
        """Fail unless `actual` is `expected` by type and value (numbers by value, floats within 1e-6)."""
        if not same(actual, expected):
            self.fail(show(expected), show(actual))

    def raises(self, error: type[BaseException], call: Callable[..., object], *args: Any, **kwargs: Any) -> None:
        """Fail unless `call(*args, **kwargs)` raises `error`."""
        try:
            value = call(*args, **kwargs)
        except error:
            self.blamed = None
            return
        except BaseException as other:
            if other is not self.blamed:
                raise
            self.fail(f"{error.__name__} is raised", f"{type(other).__name__} is raised")
        self.fail(f"{error.__name__} is raised", show(value))

    def true(self, condition: object, expected: str, actual: str = "it is not so") -> None:
        """Fail unless `condition` is True; the texts say what was expected and what is the case instead."""
        if condition is not True:
            self.fail(expected, actual)

    def quietly(self, line: str, body: Callable[[], object]) -> Any:
        """Run `body`, whose calls the story tells in the one `line`, and return what it returns."""
        self._tell(line)
        silent, self._silent = self._silent, True
        try:
            return body()
        finally:
            self._silent = silent

    def size(self, thing: Any) -> int:
        """Bytes that are reachable from a recorded object."""
        return size_of(object.__getattribute__(thing, "_target"), without=(KataClock,))

    def fail(self, expected: str, actual: str) -> None:
        """End the check."""
        self.expected, self.actual = expected, actual
        raise Failed

    def _free(self, name: str) -> str:
        """`name`, or the first of name_2, name_3 ... that the story does not use yet."""
        taken, number = name, 1
        while taken in self._names:
            number += 1
            taken = f"{name}_{number}"
        return taken

    def _call(self, line: str, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        self.pulse()
        self._tell(line)
        self._depth += 1
        try:
            return function(*args, **kwargs)
        except Failed:
            raise
        except BaseException as error:
            self.blamed = error
            raise
        finally:
            self._depth -= 1

    def _tell(self, line: str) -> None:
        if not self._silent:
            self.story.append("    " * self._depth + line)


class _Recorder:
    """A stand-in that passes every call on and writes it into the story."""

    __slots__ = ("_desk", "_name", "_target")

    def __init__(self, desk: Desk, name: str, target: Any) -> None:
        self._desk, self._name, self._target = desk, name, target

    def __getattr__(self, name: str) -> Any:
        desk, label, target = self._desk, self._name, self._target

        def call(*args: Any, **kwargs: Any) -> Any:
            return desk._call(call_line(label, name, args, kwargs), getattr(target, name), args, kwargs)  # noqa: SLF001

        return call

    def __len__(self) -> int:
        length: int = self._desk._call(f"len({self._name})", len, (self._target,), {})  # noqa: SLF001
        return length

    def __contains__(self, item: object) -> bool:
        line = f"{show(item)} in {self._name}"
        found: bool = self._desk._call(line, lambda: item in self._target, (), {})  # noqa: SLF001
        return found

    def __repr__(self) -> str:
        return self._name


def name_for(entry: str) -> str:
    """The variable that a story uses for an object of class `entry`: RateLimiter becomes limiter."""
    start = max((i for i, letter in enumerate(entry) if letter.isupper()), default=0)
    return entry[start:].lower()


def call_line(target: str, name: str, args: Sequence[object], kwargs: dict[str, object]) -> str:
    """The call as a line of Python."""
    inside = ", ".join([*(show(item) for item in args), *(f"{key}={show(item)}" for key, item in kwargs.items())])
    if name == "__len__":
        return f"len({target})"
    if name == "__contains__":
        return f"{inside} in {target}"
    return f"{target}.{name}({inside})" if target else f"{name}({inside})"
