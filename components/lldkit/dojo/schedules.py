"""The bridge to `lldkit.interleave`: a scenario of a kata explored, its failure told as columns and a schedule."""

from __future__ import annotations

import gc
import itertools
import linecache
import sys

from lldkit.clock import SYSTEM
from lldkit.dojo.author import Mismatch
from lldkit.dojo.frames import error_line, named
from lldkit.dojo.plain import same, show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from lldkit.dojo.preflight import Solution
    from lldkit.interleave import Failure, History, Report, Row, Timeline

__all__ = ["Maker", "VirtualClock", "columns", "run"]

WIDTH = 92
MOST_ROWS = 40
SEED = 0
ON_PROOF = 0.1  # for each schedule that is asked for, so many may be tried first, to cover all of them
SHORT = 1_000  # steps of a schedule, at most, that may be part of a short proof
MOST_STEPS, STEPS_OF_AN_ORDER = 20_000, 2_000
PROOF = 500  # schedules after which a right solution is believed without a proof
POLLS = {
    "status": "fail",
    "why": "A thread that asks again and again burns a core where it should sleep.",
    "expected": "a proof: every schedule is tried, and none fails",
    "actual": "no proof: a thread waits by asking again and again, so there is always another schedule",
}
CHANGED = {
    "status": "fail",
    "expected": "a program that the schedule fits",
    "actual": "the code has changed since",
}
SHARED = {
    "status": "fail",
    "expected": "the same schedule goes the same way each time, whatever ran before it",
    "actual": "it goes another way: objects share state (of the class, or of the module), or something is random",
}
TELLING = ("acquires", "releases", "waits", "sleeps", "notif", "yields", "starts", "ends", "blocks")


class VirtualClock:
    """The house Clock in the scheduler's virtual time; it reads 0 when it is made."""

    def __init__(self) -> None:
        self._zero = SYSTEM.monotonic()

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return SYSTEM.monotonic() - self._zero

    def sleep(self, seconds: float) -> None:
        """Block this thread; others go on."""
        SYSTEM.sleep(seconds)

    def __repr__(self) -> str:
        return "clock"


class Maker:
    """What a scenario is given: `make(...)` builds the solution's object."""

    clock = VirtualClock

    def __init__(
        self, entry: Callable[..., Any], module: Any = None, *, orders: int = 0, tick: Callable[[], None] = lambda: None
    ) -> None:
        self._entry, self._module, self._orders, self._tick = entry, module, orders, tick
        self._models: dict[str, Any] = {}
        self.order: int | None = None
        """The seed of the order in which tasks run now, or ran last."""

    @property
    def orders(self) -> Iterator[int]:
        """Seeds, one for each order in which the scenario's tasks are to run."""
        for seed in range(self._orders):
            self._tick()
            gc.collect(0)  # it is switched off, and dead loops refer to themselves: `all_tasks` would look at them all
            self.order = seed
            yield seed

    def also(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """What another class or function `name` of the solution gives, where the kata asks for more than one."""
        if not callable(found := getattr(self._module, name, None)):
            raise Mismatch(f"a class or function {name}", "there is none")
        return found(*args, **kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The solution's object."""
        return self._entry(*args, **kwargs)

    def recorded(self, *args: Any, **kwargs: Any) -> tuple[Any, History]:
        """The solution's object, and the history of the calls that threads make on it."""
        from lldkit.interleave import History

        history = History()
        return history.wrap(self(*args, **kwargs), lost=()), history

    def linearizable(self, history: History, *args: Any, **kwargs: Any) -> bool:
        """For invariants: True if the kata's `Model(*args, **kwargs)` gives all answers in some order of the calls."""
        from lldkit.interleave import Model, check_linearizable

        reference, made = sys.modules["model"].Model, repr((args, kwargs))
        if made not in self._models:
            self._models[made] = Model.of(lambda: reference(*args, **kwargs))
        found = check_linearizable(history, self._models[made])
        if found.verdict != "linearizable":
            calls = ", ".join(f"{call.process}: {call}" for call in found.operations)
            raise Mismatch("an order of the calls in which every answer is right", f"none for {calls}")
        return True

    @staticmethod
    def outcome(call: Callable[..., object], *args: Any, **kwargs: Any) -> object:
        """What `call` returns, or the name of the `Exception` that it raises."""
        try:
            return call(*args, **kwargs)
        except Exception as error:  # noqa: BLE001  # which one it is, the invariant asks
            return type(error).__name__

    @staticmethod
    def expect(actual: object, expected: object) -> bool:
        """For invariants: True, or a failure that shows both."""
        if not same(actual, expected):
            raise Mismatch(show(expected), show(actual))
        return True


def run(
    function: Any,
    solution: Solution,
    tick: Callable[[], None],
    *,
    schedules: int,
    replay: str | None,
    proof: str | None = None,
    shrink: bool = True,
    locks: bool = True,
    orders: int = 0,
    coarse: int = 0,
    **options: Any,
) -> dict[str, Any]:
    """Sample `schedules` interleavings of one scenario, unless fewer prove it, or replay one: `name@schedule`.

    With `proof` all schedules of that granularity are tried, up to 500, however many are asked for. With `locks` a
    scenario that passes is played once more, to see which locks are held together. Of the sample `coarse` schedules
    switch at locks only: there is where the orders part that differ for code whose data is guarded.
    """
    from lldkit import interleave
    from lldkit.dojo import lock_order

    options["shrink"] = shrink
    with interleave.controlled():
        module = solution.fresh()
    linecache.cache[solution.label] = (
        len(solution.source),
        None,
        solution.source.splitlines(keepends=True),
        solution.label,
    )
    make = Maker(getattr(module, solution.entry), module, orders=orders, tick=tick)

    def program() -> Any:
        tick()
        return function(make)

    name, _, wanted = (replay or "").partition("@")
    code = {"include": (module,), "max_steps": options.get("max_steps", max(MOST_STEPS, orders * STEPS_OF_AN_ORDER))}
    try:
        if wanted and name == function.__name__:
            report = interleave.replay(program, wanted, **code)
        elif proof is not None:
            dpor = interleave.Dpor()
            report = interleave.explore(
                program, schedules=PROOF, strategy=dpor, granularity=proof, **{**code, **options}
            )
            if report.verdict is interleave.Verdict.NOT_FOUND and report.schedules < PROOF:
                return POLLS.copy()
        else:
            report = _sampled(program, schedules, coarse, {**code, **options})
    except interleave.Diverged:
        return CHANGED.copy() if wanted else SHARED.copy()
    except interleave.Uncontrolled as error:
        return {"status": "fail", "expected": "threads that wait by `threading` only", "actual": str(error)}
    if report.failure is not None:
        alone = wanted or _fails_alone(function, solution, report.failure, orders, code)
        return _told(report, function, solution, make.order) if alone else SHARED.copy()
    return {"status": "pass", "locks": lock_order.pairs(program, solution.label, **code) if locks else {}}


def _fails_alone(function: Any, solution: Solution, failure: Failure, orders: int, code: dict[str, Any]) -> bool:
    """Whether a schedule fails alike in a solution that is imported anew, where nothing is left of other runs."""
    from lldkit import interleave

    with interleave.controlled():
        module = solution.fresh()
    make = Maker(getattr(module, solution.entry), module, orders=orders)
    try:
        report = interleave.replay(lambda: function(make), failure.schedule, **{**code, "include": (module,)})
    except interleave.Diverged:
        return False
    return report.failure is not None and report.failure.kind is failure.kind


def _sampled(program: Any, schedules: int, coarse: int, options: dict[str, Any]) -> Report:
    """A proof where it is short, as it is for half of all scenarios, else a sample.

    What the sample shows is told first: the way to it does not change with what the proof tries. What only the proof
    has seen is not lost, unless it is a thread that spins: no scheduler holds the others back for ever.
    """
    from lldkit import interleave

    tries = int(schedules * ON_PROOF)
    sampled: dict[str, Any] = {**options, "schedules": schedules - coarse, "seed": SEED}
    if not tries:
        return interleave.explore(program, **sampled)
    short = {**options, "schedules": tries, "max_steps": min(SHORT, options["max_steps"])}
    proof = interleave.explore(program, strategy=interleave.Dpor(), **{**short, "shrink": False})
    seen = proof.failure is not None and proof.failure.kind is not interleave.Kind.LIVELOCK
    if proof.verdict is interleave.Verdict.PROVED or (seen and not options["shrink"]):
        return proof
    sample = interleave.explore(program, **sampled)
    if sample.failure is None and coarse:
        sample = interleave.explore(program, **{**sampled, "schedules": coarse, "granularity": "sync"})
    if sample.failure is not None or not seen:
        return sample
    return interleave.explore(program, strategy=interleave.Dpor(), **short)


def _told(report: Report, function: Any, solution: Solution, order: int | None) -> dict[str, Any]:
    failure = report.failure
    assert failure is not None  # noqa: S101  # the caller looked
    error = failure.error
    expected, actual = "this holds in every schedule", f"{failure.kind.value}: {failure.message}"
    line = error_line(error, solution.label) if error is not None else None
    doubt = None
    if isinstance(error, Mismatch):
        expected, actual = error.expected, error.actual
    elif error is not None and failure.kind.value in {"check", "exception"}:
        expected, actual = "no exception", named(error)
        doubt = error if line is None else None  # it never went through the solution: is the scenario broken?
    if failure.cycle:
        actual = f"{actual} ({' waits for '.join((*failure.cycle, failure.cycle[0]))})"
    story = columns(failure.timeline, {solution.label, "checks.py"})
    if order is not None:
        story = [f'tasks in the order of run_virtual(..., order="random", seed={order})']
    return {
        "status": "fail",
        "why": " ".join((function.__doc__ or "").split()),
        "story": [*story, *map(str, failure.waits)],
        "expected": expected,
        "actual": actual,
        "line": line,
        "doubt": doubt,
        "kind": failure.kind.value,
        "schedule": f"{function.__name__}@{failure.schedule}",
    }


def columns(timeline: Timeline, files: set[str]) -> list[str]:
    """The run as a column per thread: of each uninterrupted stretch its first and last line, and locks and sleeps."""
    width = max(16, WIDTH // max(1, len(timeline.threads)))
    rows = [row for row in timeline.rows if row.line.file in files]
    lines: list[str] = []
    for thread, stretch in itertools.groupby(rows, lambda row: row.thread):
        indent = " " * (width * timeline.threads.index(thread))
        lines += [_cut(indent + text, WIDTH) for text in _stretch(list(stretch))]
    if len(lines) > MOST_ROWS:
        lines = ["...", *lines[-MOST_ROWS:]]
    return ["".join(_cut(name, width - 2).ljust(width) for name in timeline.threads).rstrip(), *lines]


def _stretch(rows: list[Row]) -> Iterator[str]:
    """The telling source lines of one stretch; a colon stands for the others."""
    groups = [list(group) for _, group in itertools.groupby(rows, lambda row: row.line)]
    hidden = False
    for position, group in enumerate(groups):
        told = [row.event for row in group if row.event.startswith(TELLING)]
        if told or position in {0, len(groups) - 1}:
            verbs = ", ".join(dict.fromkeys(e if e.startswith("sleeps") else e.split()[0] for e in told))
            yield f"{group[0].line.text}  ({verbs})" if verbs else group[0].line.text
            hidden = False
        elif not hidden:
            yield "  :"
            hidden = True


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."
