"""Grading against a sequential model: seeded programs, the first difference, and the shortest program that shows one.

A kata's `model.py` gives `Model` (the naive reference), `GENERATORS` (level -> functions of an rng that return a
`Program`), `audit` (the steps that read everything back) and, where a program plays on several objects, `build`. Model
and solution live through the same steps, each with a clock of its own; whatever mutable was passed in or handed out is
emptied afterwards, so that aliases show.
"""

from __future__ import annotations

import random

from lldkit.dojo.author import MUTABLE, Advance, KataClock, Op, Program, call_line, name_for
from lldkit.dojo.plain import same, show

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` alone would double the start of the graded process
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

__all__ = ["SIGNED", "Difference", "Driver", "shrink"]

SIGNED = 600  # how many of the seeded programs make a signature
RUNS = 600  # most programs that one shrinking may try
RAISED = " is raised"  # how what is told of an error ends


class Difference:
    """At step `index` (-1: the constructor) the model gave `expected` and the solution `actual`."""

    __slots__ = ("actual", "error", "expected", "index")

    def __init__(self, index: int, expected: str, actual: str, error: BaseException | None = None) -> None:
        self.index, self.expected, self.actual, self.error = index, expected, actual, error


class Driver:
    """Runs programs on a solution and on the model. `playing` and `index` say at any time what is being done."""

    def __init__(self, entry: Any = None, kata: Any = None) -> None:
        self.entry, self.kata = entry, kata
        self.playing: Program | None = None
        self.index = -1
        self._rng = random.Random(0)  # it is seeded anew for each program

    def program(self, level: int, number: int) -> Program:
        """The seeded program `number` of `level`; the same on every machine."""
        generators = self.kata.GENERATORS[level]
        self._rng.seed(level * 1_000_003 + number)
        program: Program = generators[number % len(generators)](self._rng)
        program.steps += self.kata.audit(program)
        return program

    def run(self, program: Program) -> Difference | None:
        """Play `program` on both; the first difference, or None."""
        clock, twin = KataClock(), KataClock()
        clock.sleep(program.start)
        twin.sleep(program.start)
        self.playing, self.index = program, -1
        models, refused = _on_purpose(*_attempt(self._build, (program.setup, self.kata.Model, twin)))
        solutions, error = _attempt(self._build, (program.setup, self.entry, clock))
        if error is not None or refused is not None:
            return None if _alike(refused, error) else Difference(-1, _made(refused), _made(error), error)
        for self.index, step in enumerate(program.steps):
            if isinstance(step, Advance):
                clock.move(step.seconds)
                twin.move(step.seconds)
                continue
            difference = _compare(self.index, step, models[step.on], solutions[step.on])
            if difference is None and clock.monotonic() != twin.monotonic():
                expected, actual = f"the clock reads {twin.monotonic():g}", f"it reads {clock.monotonic():g}"
                difference = Difference(self.index, expected, actual)
            if difference is not None:
                return difference
        return None

    def beside(self, entries: Sequence[Any]) -> Callable[[Program], Difference | None]:
        """`run` for programs that all right solutions (`entries`) pass; of others a kata says nothing.

        Whoever makes a program simpler may leave what its generator promises: neither the model nor the statement need
        decide it there.
        """
        rights = [Driver(entry, self.kata) for entry in entries]

        def fails(program: Program) -> Difference | None:
            difference = self.run(program)
            return None if difference is None or any(right.run(program) for right in rights) else difference

        return fails

    def _build(self, setup: dict[str, Any], make: Callable[..., Any], clock: KataClock) -> list[Any]:
        """The objects that a program plays on: one, unless the kata's own `build` makes more."""
        build = getattr(self.kata, "build", None)
        return [make(**setup, clock=clock)] if build is None else list(build(setup, make, clock))

    def search(self, level: int, programs: int, *, signed: int = SIGNED) -> tuple[Program | None, list[str]]:
        """The first program of `level` that differs, and the signature: which of the first 600 differ, and where."""
        first, signature = None, []
        for number in range(programs):
            if first is not None and number >= signed:
                break
            program = self.program(level, number)
            if (difference := self.run(program)) is not None:
                first = first or program
                if number < signed:
                    signature.append(f"{number}.{difference.index}")
        return first, signature

    def story(self, program: Program, upto: int | None = None) -> list[str]:
        """The program as lines of Python, to step `upto`."""
        name = name_for(self.entry.__name__)
        lines = [f"clock.advance({program.start:g})"] if program.start else []
        names: list[str] = []

        def told(**arguments: Any) -> None:
            names.append(f"{name}_{len(names) + 1}" if names else name)
            lines.append(f"{names[-1]} = {call_line('', self.entry.__name__, (), arguments)}")

        self._build(program.setup, told, KataClock())
        steps = program.steps if upto is None else program.steps[: upto + 1]
        for step in steps:
            if isinstance(step, Advance):
                lines.append(f"clock.{'advance' if step.seconds >= 0 else 'step'}({step.seconds:g})")
            else:
                lines.append(call_line(names[step.on], step.name, step.args, step.kwargs))
        return lines


def _compare(index: int, step: Op, model: Any, solution: Any) -> Difference | None:
    wanted = refused = got = error = None
    try:
        wanted = getattr(model, step.name)(*step.args, **step.kwargs)
    except Exception as raised:  # noqa: BLE001  # what it is, is looked at
        _, refused = _on_purpose(None, raised)
    given = [_copy(item) for item in step.args] if step.mutable else step.args
    try:
        got = getattr(solution, step.name)(*given, **step.kwargs)
    except BaseException as raised:  # noqa: BLE001  # a solution may raise anything
        error = raised
    agreed = same(got, wanted) if refused is None and error is None else _alike(refused, error)
    told = None if agreed else Difference(index, _told(wanted, refused), _told(got, error), error)
    if step.mutable or type(got) in MUTABLE:
        for thing in (*given, got):
            if type(thing) in MUTABLE:
                thing.clear()
    return told


def _attempt(call: Callable[..., Any], args: Sequence[Any]) -> tuple[Any, BaseException | None]:
    try:
        return call(*args), None
    except BaseException as error:  # noqa: BLE001  # a solution may raise anything
        return None, error


def _on_purpose(value: Any, error: BaseException | None) -> tuple[Any, BaseException | None]:
    """What the model did; an error that no kata promises means that the model is broken, not the solution."""
    if error is not None and not isinstance(error, ValueError) and type(error).__module__ != "interface":
        raise error
    return value, error


def _alike(refused: BaseException | None, error: BaseException | None) -> bool:
    return refused is not None and isinstance(error, type(refused))


def _told(value: object, error: BaseException | None) -> str:
    return show(value) if error is None else type(error).__name__ + RAISED


def _made(error: BaseException | None) -> str:
    return "no exception" if error is None else _told(None, error)


def _copy(item: Any) -> Any:
    return type(item)(item) if type(item) in MUTABLE else item


def shrink(program: Program, fails: Callable[[Program], Difference | None]) -> Program:
    """A shortest program that fails alike: steps dropped in ever smaller chunks, then values made simpler."""
    budget, wanted = iter(range(RUNS)), _kind(program, fails(program))

    def still(candidate: Program) -> bool:
        if next(budget, None) is None:
            return False
        try:
            return _kind(candidate, fails(candidate)) == wanted
        except Exception:  # noqa: BLE001  # the model cannot be called like this: too much was taken away
            return False

    best = program
    while True:
        difference = fails(best)
        if difference is not None:
            best = _with(best, best.steps[: difference.index + 1])
        smaller = _simpler_values(_joined_pauses(_fewer_steps(best, still), still), still)
        if repr(smaller) == repr(best):
            return best
        best = smaller


def _kind(program: Program, difference: Difference | None) -> tuple[str, ...] | None:
    """What must stay when a program is made simpler, lest another bug be told: the call, and who raises what."""
    if difference is None:
        return None
    step = program.steps[difference.index] if difference.index >= 0 else None
    told = (difference.expected, difference.actual)
    return getattr(step, "name", ""), *(each if each.endswith(RAISED) else "" for each in told)


def _with(
    program: Program, steps: list[Any], setup: dict[str, Any] | None = None, start: float | None = None
) -> Program:
    return Program(program.setup if setup is None else setup, steps, start=program.start if start is None else start)


def _fewer_steps(program: Program, still: Callable[[Program], bool]) -> Program:
    size = max(1, len(program.steps) // 2)
    while size:
        position = 0
        while position < len(program.steps):
            shorter = _with(program, program.steps[:position] + program.steps[position + size :])
            if still(shorter):
                program = shorter
            else:
                position += size
        size //= 2
    return program


def _joined_pauses(program: Program, still: Callable[[Program], bool]) -> Program:
    position = 0
    while position + 1 < len(program.steps):
        one, other = program.steps[position : position + 2]
        if isinstance(one, Advance) and isinstance(other, Advance):
            pause = Advance(one.seconds + other.seconds)
            joined = _with(program, [*program.steps[:position], pause, *program.steps[position + 2 :]])
            if still(joined):
                program = joined
                continue
        position += 1
    return program


def _simpler_values(program: Program, still: Callable[[Program], bool]) -> Program:
    def simplest(now: Program, easier: Callable[[Program], Iterator[Program]]) -> Program:
        while (found := next(filter(still, easier(now)), None)) is not None:
            now = found
        return now

    def of_step(number: int) -> Callable[[Program], Iterator[Program]]:
        def easier(now: Program) -> Iterator[Program]:
            for step in _simpler_step(now.steps[number]):
                yield _with(now, [*now.steps[:number], step, *now.steps[number + 1 :]])

        return easier

    for number in range(len(program.steps)):
        program = simplest(program, of_step(number))
    program = simplest(program, lambda now: (_with(now, now.steps, setup) for setup in _simpler_setup(now.setup)))
    if program.start and still(candidate := _with(program, program.steps, start=0.0)):
        program = candidate
    return program


def _simpler_setup(setup: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Without one of the keys, for the constructor may have a default; with an easier value."""
    for key, value in setup.items():
        yield {name: item for name, item in setup.items() if name != key}
        for simpler in _simpler(value):
            yield {**setup, key: simpler}


def _simpler_step(step: Op | Advance) -> Iterator[Op | Advance]:
    if isinstance(step, Advance):
        yield from (Advance(seconds) for seconds in _simpler(step.seconds))
        return
    for number, item in enumerate(step.args):
        yield Op(step.name, *step.args[:number], *step.args[number + 1 :], on=step.on, **step.kwargs)
        for simpler in _simpler(item):
            yield Op(step.name, *step.args[:number], simpler, *step.args[number + 1 :], on=step.on, **step.kwargs)
    for key in step.kwargs:
        yield Op(step.name, *step.args, on=step.on, **{k: v for k, v in step.kwargs.items() if k != key})
        for simpler in _simpler(step.kwargs[key]):
            yield Op(step.name, *step.args, on=step.on, **{**step.kwargs, key: simpler})


def _simpler(value: Any) -> Iterator[Any]:
    """Values of the same kind that are easier to read, the easiest first; what is inside a container too."""
    kind = type(value)
    if kind is int and value > 1:
        yield from dict.fromkeys(easier for easier in (1, 2, value // 2, value - 1) if easier < value)
    elif kind is float:
        sign = -1 if value < 0 else 1
        yield from (sign * size for size in (1.0, 2.0, abs(value) // 1) if 0 < size < abs(value))
    elif kind is str and value != "a" and len(value) == 1:
        yield "a"
    elif kind is list or kind is tuple:
        yield from (kind(fewer) for fewer in _fewer(list(value)))
        for number, item in enumerate(value):
            yield from (kind([*value[:number], easier, *value[number + 1 :]]) for easier in _simpler(item))
    elif kind is dict:
        yield from (dict(fewer) for fewer in _fewer(list(value.items())))
        for key, item in value.items():
            yield from ({**value, key: easier} for easier in _simpler(item))


def _fewer(items: list[Any]) -> Iterator[list[Any]]:
    """None of the items, either half, all but one."""
    half = len(items) // 2
    yield from [[]] if items else []
    yield from [items[:half], items[half:]] if half > 1 else []
    yield from (items[:number] + items[number + 1 :] for number in range(len(items)) if len(items) > 1)
