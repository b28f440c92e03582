"""Scenarios run by real threads, for a short time. They prove nothing; where they fail, something is wrong for sure."""

from __future__ import annotations

import sys
import threading

from lldkit.dojo.author import Mismatch
from lldkit.dojo.frames import named
from lldkit.dojo.schedules import Maker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

__all__ = ["run"]


def run(scenarios: Sequence[Any], entry: Callable[..., Any], tick: Callable[[], None], rounds: int) -> dict[str, Any]:
    """Run each scenario `rounds` times, twice as often where there is no GIL; the watchdog ends what hangs."""
    has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for scenario in scenarios:
            for _ in range(rounds if has_gil else 2 * rounds):
                tick()
                problem = _round(*scenario(Maker(entry)))
                if problem is not None:
                    return {**problem, "why": " ".join((scenario.__doc__ or "").split())}
    finally:
        sys.setswitchinterval(interval)
    return {"status": "pass"}


def _round(bodies: Any, invariant: Any) -> dict[str, Any] | None:
    """What speaks against the solution, if anything does."""
    raised: list[BaseException] = []

    def guarded(body: Callable[[], object]) -> None:
        try:
            body()
        except BaseException as error:  # noqa: BLE001  # a solution may raise anything
            raised.append(error)

    given = bodies.values() if isinstance(bodies, dict) else bodies
    threads = [threading.Thread(target=guarded, args=(body,), daemon=True) for body in given]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if raised:
        return {"status": "fail", "expected": "no exception", "actual": named(raised[0])}
    try:
        holds = invariant is None or invariant() is not False
    except Mismatch as difference:
        return {"status": "fail", "expected": difference.expected, "actual": difference.actual}
    return None if holds else {"status": "fail", "expected": "the invariant holds", "actual": "it does not"}
