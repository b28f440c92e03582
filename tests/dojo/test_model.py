"""The model driver, in this process: the first difference, aliases, and the shortest program that shows a bug."""

import types
from collections.abc import Callable
from typing import Any

import pytest

from lldkit.dojo.author import Advance, Op, Program
from lldkit.dojo.model import Difference, Driver, shrink


class Stack:
    """A right stack whose oldest things vanish after ten seconds."""

    life = 10.0

    def __init__(self, *, size: int, clock: Any) -> None:
        if size < 1:
            raise ValueError
        self.size, self.clock = size, clock
        self.things: list[tuple[float, object]] = []

    def push(self, thing: object, *, times: int = 1) -> int:
        self._drop()
        for _ in range(times):
            if len(self.things) < self.size:
                self.things.append((self.clock.monotonic(), thing))
        return len(self.things)

    def top(self) -> object:
        self._drop()
        return self.things[-1][1] if self.things else None

    def _drop(self) -> None:
        self.things = [(at, thing) for at, thing in self.things if self.clock.monotonic() < at + self.life]


def driver(entry: Callable[..., Any], model: Any = Stack) -> Driver:
    def generator(rng: Any) -> Program:
        steps: list[Op | Advance] = []
        for _ in range(12):
            name = rng.choice(["push", "push", "top", "wait"])
            if name == "wait":
                steps.append(Advance(rng.choice([0.125, 5.0, 9.875, 10.0, 0.5])))
            else:
                steps.append(
                    Op("push", rng.choice("xyz"), times=rng.choice([1, 2, 3])) if name == "push" else Op("top")
                )
        return Program({"size": rng.choice([2, 3, 8])}, steps, start=rng.choice([0.0, 100.5]))

    kata = types.SimpleNamespace(Model=model, GENERATORS={1: [generator]}, audit=lambda program: [Op("top")])
    return Driver(entry, kata)


class OneTooMany(Stack):
    """Holds one more than its size."""

    def __init__(self, *, size: int, clock: Any) -> None:
        super().__init__(size=size + 1, clock=clock)


class Immortal(Stack):
    """Never forgets."""

    life = float("inf")


class AliveAtDeadline(Stack):
    """Lives a moment too long."""

    def _drop(self) -> None:
        self.things = [(at, thing) for at, thing in self.things if self.clock.monotonic() <= at + self.life]


class Sleeper(Stack):
    """Lets time pass where nobody asked for it."""

    def top(self) -> object:
        self.clock.sleep(1)
        return super().top()


def test_a_right_solution_never_differs() -> None:
    assert driver(Stack).search(1, 500) == (None, [])


@pytest.mark.parametrize(
    ("bug", "shortest"),
    [
        (OneTooMany, ["stack = Many(size=1, clock=clock)", "many.push('x', times=2)"]),
        (Immortal, 4),
        (AliveAtDeadline, 4),
        (Sleeper, ["sleeper = Sleeper(size=1, clock=clock)", "sleeper.top()"]),
    ],
)
def test_a_failing_program_is_shrunk_to_a_shortest_one(bug: Any, shortest: list[str] | int) -> None:
    runner = driver(bug)
    program, signature = runner.search(1, 500)
    assert program is not None
    assert signature
    small = shrink(program, runner.run)
    difference = runner.run(small)
    assert difference is not None
    story = runner.story(small, difference.index)
    assert len(story) == (shortest if isinstance(shortest, int) else len(shortest))
    assert small.start == 0.0
    for line in story:
        compile(line, "story", "exec")


def test_arguments_that_do_not_matter_are_left_out() -> None:
    """What has a default may go: a keyword of the constructor, a positional argument of a call."""

    class Model:
        def __init__(self, *, size: int = 4, name: str = "", clock: Any) -> None:
            pass

        def push(self, thing: object = None, other: object = None) -> int:
            return 1

        def top(self, depth: int) -> int:
            return 1

    class Wrong(Model):
        def push(self, thing: object = None, other: object = None) -> int:
            return 2

    steps = [Op("top", 1), Op("push", "b", ["c"])]
    small = shrink(Program({"size": 9, "name": "x"}, steps), driver(Wrong, Model).run)
    assert driver(Wrong, Model).story(small) == ["wrong = Wrong(clock=clock)", "wrong.push()"]
    assert small.setup == {}


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan"), 2.5])
def test_a_program_with_any_float_can_be_shrunk(number: float) -> None:
    class Model:
        def __init__(self, *, clock: Any) -> None:
            pass

        def push(self, number: float) -> int:
            return 1

    class Wrong(Model):
        def push(self, number: float) -> int:
            return 1 if number == 1.0 else 2

    small = shrink(Program({}, [Op("push", number)]), driver(Wrong, Model).run)
    assert [step.name for step in small.steps if isinstance(step, Op)] == ["push"]


def test_what_is_inside_an_argument_is_made_simpler_too() -> None:
    class Model:
        def __init__(self, *, clock: Any, table: dict[str, object] | None = None) -> None:
            pass

        def push(self, things: list[object], **more: Any) -> bool:
            return True

    class Wrong(Model):
        def push(self, things: list[object], **more: Any) -> bool:
            return not (7 in things and more.get("tree", {}).get("on", {}).get("b"))

    tree = {"on": {"a": 1, "b": [5, 6, 3], "c": (2,)}, "off": [{"x": 4}]}
    steps = [Op("push", [1, 2, 7, 9, 7, 4], tree=tree)]
    small = shrink(Program({"table": {"a": [1, 2]}}, steps), driver(Wrong, Model).run)
    assert driver(Wrong, Model).story(small) == [
        "wrong = Wrong(clock=clock)",
        "wrong.push([7], tree={'on': {'b': [1]}})",
    ]
    assert tree == {"on": {"a": 1, "b": [5, 6, 3], "c": (2,)}, "off": [{"x": 4}]}


def test_an_argument_that_the_model_asks_for_stays() -> None:
    class Model:
        def __init__(self, *, size: int, clock: Any) -> None:
            pass

        def push(self, thing: object) -> object:
            return thing

    class Wrong(Model):
        def push(self, thing: object) -> object:
            return None

    small = shrink(Program({"size": 9}, [Op("push", "b")]), driver(Wrong, Model).run)
    assert driver(Wrong, Model).story(small) == ["wrong = Wrong(size=1, clock=clock)", "wrong.push('a')"]


def test_a_program_that_is_made_simpler_fails_alike() -> None:
    """What is told is the bug that was found, and not that a constructor cannot be called with less."""

    class Model:
        def __init__(self, *, kind: str = "a", clock: Any) -> None:
            pass

        def push(self) -> int:
            return 1

    class Wrong(Model):
        def __init__(self, *, kind: str, clock: Any) -> None:
            pass

        def push(self) -> int:
            return 2

    wrong = driver(Wrong, Model)
    small = shrink(Program({"kind": "b"}, [Op("push"), Op("push")]), wrong.run)
    assert wrong.story(small) == ["wrong = Wrong(kind='a', clock=clock)", "wrong.push()"]


def test_a_program_counts_where_a_right_solution_passes_it() -> None:
    """A model may hold only for what its generator makes, here for whole hours."""

    class Model:
        def __init__(self, *, clock: Any) -> None:
            self.clock = clock

        def cost(self) -> int:
            return int(self.clock.monotonic() // 3600)

    class Right(Model):
        def cost(self) -> int:
            return -int(-self.clock.monotonic() // 3600)

    class Wrong(Right):
        def cost(self) -> int:
            return super().cost() + 1

    wrong = driver(Wrong, Model)
    fails = wrong.beside([Right])
    hours, seconds = (Program({}, [Advance(pause), Op("cost")]) for pause in (7200.0, 5.0))
    assert wrong.run(hours) is not None
    assert wrong.run(seconds) is not None
    assert fails(hours) is not None
    assert fails(seconds) is None


def test_the_shortest_program_for_a_dead_line_bug_ends_exactly_there() -> None:
    runner = driver(AliveAtDeadline)
    program, _ = runner.search(1, 500)
    assert program is not None
    small = shrink(program, runner.run)
    assert sum(step.seconds for step in small.steps if isinstance(step, Advance)) == 10.0
    assert isinstance(small.steps[0], Op)
    assert small.steps[0].name == "push"


def test_an_error_where_the_model_answers_is_a_difference_and_a_wrong_refusal_too() -> None:
    class Strict(Stack):
        def __init__(self, *, size: int, clock: Any) -> None:
            if size < 3:
                raise ValueError
            super().__init__(size=size, clock=clock)

    found = driver(Strict).run(Program({"size": 2}, []))
    assert isinstance(found, Difference)
    assert (found.index, found.expected, found.actual) == (-1, "no exception", "ValueError is raised")
    lax = driver(lambda *, size, clock: Stack(size=abs(size) + 1, clock=clock)).run(Program({"size": 0}, []))
    assert lax is not None
    assert (lax.expected, lax.actual) == ("ValueError is raised", "no exception")
    assert driver(Stack).run(Program({"size": 0}, [])) is None


def test_a_model_that_breaks_is_not_the_solutions_fault() -> None:
    class Broken(Stack):
        def top(self) -> object:
            raise KeyError("ours")

    with pytest.raises(KeyError, match="ours"):
        driver(Stack, Broken).search(1, 10)


def test_the_programs_are_the_same_every_time() -> None:
    one, other = driver(Stack), driver(Stack)
    assert [repr(one.program(1, n)) for n in range(50)] == [repr(other.program(1, n)) for n in range(50)]
    assert len({repr(one.program(1, n)) for n in range(50)}) == 50


def test_clocks_that_drift_apart_are_told() -> None:
    difference = driver(Sleeper).run(Program({"size": 1}, [Op("top")]))
    assert difference is not None
    assert (difference.expected, difference.actual) == ("the clock reads 0", "it reads 1")
