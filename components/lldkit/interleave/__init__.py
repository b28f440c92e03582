"""Threads under control: every interleaving is a choice, and a failing one is a line of text that replays.

`explore(program)` runs the program under many schedules. A program is a callable that builds fresh state and returns
the bodies of its threads and an invariant. A failure is reported with the threads as columns of source lines, who waits
for whom, and the schedule, which `replay` runs again. Strategies draw schedules (`RandomWalk`, `Sticky`, `Pct`, the
default `Portfolio`) or go through all of them (`Exhaustive`, `Dpor`), and then the verdict is a proof within its bound.

    def two_takers():
        box, got = BoundedQueue(1), []
        ...
        return {"taker": take, "putter": put}, lambda: sorted(got) == [1, 2]

    explore(two_takers, seed=7).assert_ok()

Nothing is patched by importing. The standard library is under control for the time of an exploration only.
"""

from lldkit.interleave.explorer import explore, guarantee, replay
from lldkit.interleave.interface import (
    CLOCK,
    Access,
    Body,
    Choice,
    Deadlock,
    Diverged,
    Granularity,
    InterleaveError,
    InterleavingFailure,
    Invariant,
    Kind,
    Livelock,
    NotProved,
    Program,
    Pruned,
    Strategy,
    Uncontrolled,
    Verdict,
)
from lldkit.interleave.patching import controlled
from lldkit.interleave.pct import Pct
from lldkit.interleave.portfolio import Portfolio, Preempt
from lldkit.interleave.random_walk import Alternate, RandomWalk, Sticky
from lldkit.interleave.report import Failure, Report, Wait
from lldkit.interleave.run import uncontrolled
from lldkit.interleave.schedule import Schedule
from lldkit.interleave.timeline import Line, Row, Timeline

__all__ = [
    "CLOCK",
    "Access",
    "Alternate",
    "Body",
    "Choice",
    "Deadlock",
    "Diverged",
    "Failure",
    "Granularity",
    "InterleaveError",
    "InterleavingFailure",
    "Invariant",
    "Kind",
    "Line",
    "Livelock",
    "NotProved",
    "Pct",
    "Portfolio",
    "Preempt",
    "Program",
    "Pruned",
    "RandomWalk",
    "Report",
    "Row",
    "Schedule",
    "Sticky",
    "Strategy",
    "Timeline",
    "Uncontrolled",
    "Verdict",
    "Wait",
    "controlled",
    "explore",
    "guarantee",
    "replay",
    "uncontrolled",
]
