"""A process of its own that records failing schedules, or replays those that another one recorded.

`python -m interleave.replaying record` prints a document, `... replay` reads one and prints what the same schedules do
here. Two documents are equal when every failure is the same, step for step. `... steps` prints the steps of bodies that
use much of the language.
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

from interleave import syntax
from interleave.planted import PLANTED, Planted
from lldkit.interleave import Granularity, Pct, Portfolio, RandomWalk, Report, Strategy, explore, replay

__all__ = ["record", "replayed", "steps"]

MAX_STEPS = 400


def told(name: str, report: Report) -> dict[str, Any]:
    """What must be the same wherever the schedule is run."""
    failure = report.failure
    return {
        "program": name,
        "schedule": str(failure.schedule) if failure else "",
        "kind": str(failure.kind) if failure else "",
        "message": failure.message if failure else "",
        "waits": [str(wait) for wait in failure.waits] if failure else [],
        "timeline": json.loads(failure.timeline.to_json()) if failure else {},
    }


def searches(planted: Planted) -> Iterator[Report]:
    """Explorations of one bug: three strategies, and the coarser granularities."""
    strategies: list[Strategy] = [RandomWalk(), Pct(3), Portfolio()]
    for seed in (5, 6):
        for strategy in strategies:
            yield explore(
                planted.bug, schedules=200, seed=seed, strategy=strategy, shrink=seed == 5, max_steps=MAX_STEPS
            )
    for granularity in ("gil", "sync"):
        yield explore(planted.bug, schedules=50, seed=5, granularity=granularity, shrink=False, max_steps=MAX_STEPS)


def record() -> list[dict[str, Any]]:
    """Every failing schedule that the searches find."""
    return [told(one.name, report) for one in PLANTED for report in searches(one) if report.failure]


def replayed(recorded: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same, run again."""
    bugs = {one.name: one.bug for one in PLANTED}
    return [
        told(one["program"], replay(bugs[one["program"]], one["schedule"], max_steps=MAX_STEPS)) for one in recorded
    ]


def steps() -> dict[str, list[str]]:
    """Body and granularity -> what each step does."""
    found = {}
    for body in syntax.BODIES:
        for granularity in Granularity:

            def program(body: Any = body) -> Any:
                syntax.cached.cache_clear()
                box = syntax.Box()
                return [lambda: body(box)], lambda: False

            failure = explore(program, schedules=1, granularity=granularity, include=[syntax]).failure
            rows = failure.timeline.rows if failure else ()
            found[f"{body.__name__} {granularity}"] = [row.event for row in rows]
    return found


if __name__ == "__main__":
    task = {"record": record, "steps": steps}.get(sys.argv[1])
    json.dump(replayed(json.load(sys.stdin)) if task is None else task(), sys.stdout)
