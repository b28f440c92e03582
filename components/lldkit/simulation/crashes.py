"""`every_crash`: a run dies before and after each of its boundary calls, starts again, and must come out right."""

import asyncio
import functools
import random
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

from lldkit.simulation.boundary import Decision
from lldkit.simulation.faults import Faults
from lldkit.simulation.interface import CrashPoint, CrashReport, CrashViolation
from lldkit.simulation.loop import run_virtual
from lldkit.simulation.trace import Broken, judge

__all__ = ["every_crash"]

T = TypeVar("T")


class _Deadly(Faults):
    """Faults whose one kind is a crash at chosen points; a point is passed before and after each call, from 0 on."""

    def __init__(self, seed: int, deaths: tuple[int, ...]) -> None:
        super().__init__(seed)
        self.points: list[CrashPoint] = []
        self._deaths = deaths

    def decide(self, boundary: str, method: str) -> Decision:
        decision = super().decide(boundary, method)
        call = len(self.points) // 2 + 1
        for when in ("before", "after"):
            if len(self.points) in self._deaths:
                decision.crash = when
            self.points.append(CrashPoint(when, boundary, method, call))
        return decision


def every_crash(
    setup: Callable[[], T],
    run: Callable[[T, Faults], object],
    *,
    check: Callable[[T], object],
    crashes: int = 1,
    sample: int | None = None,
    seed: int = 0,
) -> CrashReport:
    """Try a crash before and after every boundary call of `run`, and up to `crashes` of them in a row.

    Each trial begins with a fresh `setup()`, which stands for all that survives a crash. `run(state, faults)` wraps its
    stores and gateways with `faults.wrap`; where it dies, the boundary raises `Crash`, later calls of that run have no
    effect, and `run` is called again with the same state until it returns. `run` may be `async`; it has virtual time
    then. A trial is a violation if `check(state)` raises or returns anything false but None, or if `run` raises after a
    crash; what it raises without one is raised here. One crash takes 1 + points trials, two about half their square: of
    those with two and more, each, only a `sample` is tried where one is given, drawn by `seed`.
    """
    if crashes < 0:
        raise ValueError(f"crashes is a number >= 0, got {crashes!r}")
    if sample is not None and sample < 1:
        raise ValueError(f"sample is a number >= 1, or None for all, got {sample!r}")
    points = 0
    violations: list[CrashViolation] = []
    trials = 0
    trial = functools.partial(_trial, setup, run, check, seed)
    for deaths, passed, wrong in _trials(trial, crashes, sample, seed):
        trials += 1
        if not deaths:
            points = len(passed)
        if wrong is not None:
            violations.append(CrashViolation(tuple(passed[death] for death in deaths), *wrong))
    return CrashReport(points, trials, tuple(violations))


def _trials(
    trial: Callable[[tuple[int, ...]], "_Tried"], crashes: int, sample: int | None, seed: int
) -> Iterator["_Tried"]:
    """Every combination of at most `crashes` points that a run can reach, or a sample of them, shorter ones first."""
    rng = random.Random(seed)
    schedules: list[tuple[int, ...]] = [()]
    for number in range(crashes + 1):
        if sample is not None and number > 1:
            schedules = sorted(rng.sample(schedules, min(sample, len(schedules))))
        longer: list[tuple[int, ...]] = []
        for deaths in schedules:
            tried = trial(deaths)
            yield tried
            first = deaths[-1] // 2 * 2 + 2 if deaths else 0  # the call that died does not go on
            longer += [(*deaths, point) for point in range(first, len(tried.points))]
        schedules = longer


class _Tried(NamedTuple):
    """A trial: where it died, the points that it has passed, and what was wrong in the end."""

    deaths: tuple[int, ...]
    points: list[CrashPoint]
    wrong: Broken | None


def _trial(
    setup: Callable[[], T],
    run: Callable[[T, Faults], object],
    check: Callable[[T], object],
    seed: int,
    deaths: tuple[int, ...],
) -> _Tried:
    """Die at these points, and look at what is left."""
    state, faults = setup(), _Deadly(seed, deaths)
    try:
        _run_to_its_end(run, state, faults)
    except Exception as error:
        if not deaths:
            raise
        return _Tried(deaths, faults.points, (f"{type(error).__name__}: {error}", error))
    return _Tried(deaths, faults.points, judge(functools.partial(check, state)))


def _run_to_its_end(run: Callable[[T, Faults], object], state: T, faults: _Deadly) -> None:
    while True:
        faults.revive()
        try:
            answer = run(state, faults)
            if asyncio.iscoroutine(answer):
                run_virtual(answer)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:
            if not faults.is_dead:  # else it is the crash, or what the dying run has made of it
                raise
        if not faults.is_dead:
            return
