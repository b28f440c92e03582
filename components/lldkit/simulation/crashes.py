"""`every_crash`: a run dies before and after each of its boundary calls, starts again, and must come out right."""

import asyncio
import functools
from collections.abc import Callable, Iterator
from typing import TypeVar

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
    seed: int = 0,
) -> CrashReport:
    """Try a crash before and after every boundary call of `run`, and up to `crashes` of them in a row.

    Each trial begins with a fresh `setup()`, which stands for all that survives a crash. `run(state, faults)` wraps its
    stores and gateways with `faults.wrap`; where it dies, the boundary raises `Crash`, later calls of that run have no
    effect, and `run` is called again with the same state until it returns. `run` may be `async`; it has virtual time
    then. A trial is a violation if `check(state)` raises or returns anything false but None, or if `run` raises after a
    crash; what it raises without one is raised here. One crash takes 1 + points trials, two about half their square.
    """
    if crashes < 0:
        raise ValueError(f"crashes is a number >= 0, got {crashes!r}")
    points = 0
    violations: list[CrashViolation] = []
    trials = 0
    for faults, deaths, wrong in _trials(setup, run, check, crashes, seed):
        trials += 1
        if not deaths:
            points = len(faults.points)
        if wrong is not None:
            where = tuple(faults.points[death] for death in deaths)
            violations.append(CrashViolation(where, *wrong))
    return CrashReport(points, trials, tuple(violations))


def _trials(
    setup: Callable[[], T], run: Callable[[T, Faults], object], check: Callable[[T], object], crashes: int, seed: int
) -> Iterator[tuple[_Deadly, tuple[int, ...], Broken | None]]:
    """Every combination of at most `crashes` points that a run can reach, shorter ones first."""
    schedules: list[tuple[int, ...]] = [()]
    for deaths in schedules:  # grows while it is walked
        state, faults = setup(), _Deadly(seed, deaths)
        try:
            _run_to_its_end(run, state, faults)
        except Exception as error:
            if not deaths:
                raise
            wrong: Broken | None = (f"{type(error).__name__}: {error}", error)
        else:
            wrong = judge(functools.partial(check, state))
        yield faults, deaths, wrong
        if len(deaths) < crashes:
            first = deaths[-1] // 2 * 2 + 2 if deaths else 0  # the call that died does not go on
            schedules += [(*deaths, point) for point in range(first, len(faults.points))]


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
