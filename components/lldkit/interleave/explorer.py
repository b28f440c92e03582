"""The shell: run a program again and again under one strategy, and explain the first run that fails."""

import dataclasses
import functools
from collections.abc import Callable, Iterable
from random import Random
from types import ModuleType
from typing import ParamSpec, TypeAlias

from lldkit.interleave import genuine
from lldkit.interleave.explain import explain
from lldkit.interleave.interface import Diverged, Granularity, Program, Strategy, Verdict
from lldkit.interleave.portfolio import Follow, Portfolio
from lldkit.interleave.report import Report
from lldkit.interleave.schedule import Schedule
from lldkit.interleave.session import Session

__all__ = ["explore", "guarantee", "replay"]

P = ParamSpec("P")

_PROGRESS_SECONDS = 2.0

Progress: TypeAlias = Callable[[int, int], object]
"""Called every two seconds with the number of schedules run and wanted."""


def explore(
    program: Program,
    *,
    schedules: int = 1_000,
    seed: int = 0,
    strategy: Strategy | None = None,
    granularity: Granularity | str = Granularity.FREE,
    include: Iterable[object] = (),
    patch: Iterable[ModuleType] = (),
    max_steps: int = 20_000,
    spurious_wakeups: bool = False,
    race_timeouts: bool = True,
    shrink: bool = True,
    seconds: float | None = None,
    progress: Progress | None = None,
) -> Report:
    """Run `program` under up to `schedules` schedules and report the first that fails.

    `include` names code, beside the modules of the program and its bodies, whose accesses are switch points: modules,
    dotted prefixes, callables. `patch` names modules that were imported before and hold names such as `Lock`, or locks.
    A run of more than `max_steps` steps is a livelock. With `spurious_wakeups` a `Condition.wait` may end without
    cause; with `race_timeouts` a time-out may fire while other threads could still run. `seconds` bounds the real time.

    Safe for threads: a second exploration waits for the first; one inside another is refused.

    >>> def racy():
    ...     state = {"v": 0}
    ...     def add():
    ...         state["v"] = state["v"] + 1
    ...     return [add, add], lambda: state["v"] == 2
    >>> explore(racy).verdict
    <Verdict.FAILED: 'failed'>
    """
    if schedules < 1:
        raise ValueError(f"schedules must be at least 1, got {schedules!r}")
    chosen: Strategy = Portfolio() if strategy is None else strategy
    session = Session(
        program,
        granularity=Granularity(granularity),
        noting=hasattr(chosen, "touch"),
        include=include,
        patch=patch,
        max_steps=max_steps,
        spurious_wakeups=spurious_wakeups,
        race_timeouts=race_timeouts,
    )
    with session.installed():
        return _search(
            session, chosen, schedules=schedules, seed=seed, shrink=shrink, seconds=seconds, progress=progress
        )


def _search(
    session: Session,
    strategy: Strategy,
    *,
    schedules: int,
    seed: int,
    shrink: bool,
    seconds: float | None,
    progress: Progress | None,
) -> Report:
    started = told = genuine.monotonic()
    rng, whole, again, run = Random(), True, True, 0
    while again and run < schedules and (seconds is None or genuine.monotonic() - started < seconds):
        rng.seed(2 * abs(seed) + (seed < 0) << 32 | run)
        strategy.begin(run, rng)
        outcome = session.run(strategy)
        run += 1
        if outcome.kind is not None:
            report = _report(session, strategy, Verdict.FAILED, "one schedule that fails", seed=seed)
            failure = explain(session, outcome, seed=seed, run=run - 1, shrink=shrink)
            return dataclasses.replace(report, failure=failure)
        whole = whole and outcome.whole
        again = strategy.advance()
        if progress is not None and genuine.monotonic() - told >= _PROGRESS_SECONDS:
            told = genuine.monotonic()
            progress(run, schedules)
    if not again and whole and getattr(strategy, "exhausted", False):
        return _report(session, strategy, Verdict.PROVED, getattr(strategy, "bound", "all schedules"), seed=seed)
    return _report(session, strategy, Verdict.NOT_FOUND, "a sample, which proves nothing", seed=seed)


def _report(session: Session, strategy: Strategy, verdict: Verdict, bound: str, *, seed: int) -> Report:
    return Report(
        verdict=verdict,
        failure=None,
        schedules=session.runs,
        steps=session.steps,
        granularity=session.granularity,
        strategy=repr(strategy),
        bound=bound,
        seed=seed,
    )


def replay(
    program: Program,
    schedule: Schedule | str,
    *,
    include: Iterable[object] = (),
    patch: Iterable[ModuleType] = (),
    max_steps: int = 20_000,
) -> Report:
    """Run `program` under exactly `schedule`, on any supported Python; `Diverged` where it does not fit."""
    wanted = Schedule.parse(schedule) if isinstance(schedule, str) else schedule
    session = Session(
        program,
        granularity=wanted.granularity,
        include=include,
        patch=patch,
        max_steps=max_steps,
        spurious_wakeups=True,
    )
    strategy = Follow(wanted)
    with session.installed():
        outcome = session.run(strategy, exact=True)
        if len(outcome.picks) < wanted.steps:
            raise Diverged(len(outcome.picks), list(wanted.picks())[len(outcome.picks)], ())
        report = _report(session, strategy, Verdict.NOT_FOUND, "one schedule", seed=0)
        if outcome.kind is None:
            return report
        failure = explain(session, outcome, seed=0, run=0, shrink=False)
    return dataclasses.replace(report, verdict=Verdict.FAILED, failure=failure)


def _asserting(explore: Callable[P, Report]) -> Callable[P, None]:
    @functools.wraps(explore)
    def asserting(*args: P.args, **kwargs: P.kwargs) -> None:
        explore(*args, **kwargs).assert_ok()

    asserting.__doc__ = (
        "Explore a program, and raise `InterleavingFailure` if a schedule fails; arguments of `explore`."
    )
    return asserting


guarantee = _asserting(explore)
