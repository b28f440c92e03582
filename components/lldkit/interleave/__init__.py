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

What threads did, `History.wrap(target)` records, and `check_linearizable(history, Model.of(reference))` judges.
`YieldingKey` and its kin make real threads switch where Python code runs in between, and `hammer` runs them.

Nothing is patched by importing. The standard library is under control for the time of an exploration only.
"""

from lldkit.interleave.dpor import Dpor
from lldkit.interleave.exhaustive import Exhaustive
from lldkit.interleave.explorer import explore, guarantee, replay
from lldkit.interleave.history import History, Token
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
from lldkit.interleave.linearizability import Check, NotLinearizable, check_linearizable
from lldkit.interleave.model import Model
from lldkit.interleave.operation import PENDING, Keyword, Operation, Raised
from lldkit.interleave.patching import controlled
from lldkit.interleave.pct import Pct
from lldkit.interleave.portfolio import Portfolio, Preempt
from lldkit.interleave.random_walk import Alternate, RandomWalk, Sticky
from lldkit.interleave.report import Failure, Report, Wait
from lldkit.interleave.run import uncontrolled
from lldkit.interleave.schedule import Schedule
from lldkit.interleave.timeline import Line, Row, Timeline
from lldkit.interleave.yielding import HammerReport, YieldingKey, YieldingNumber, YieldingValue, hammer

__all__ = [
    "CLOCK",
    "PENDING",
    "Access",
    "Alternate",
    "Body",
    "Check",
    "Choice",
    "Deadlock",
    "Diverged",
    "Dpor",
    "Exhaustive",
    "Failure",
    "Granularity",
    "HammerReport",
    "History",
    "InterleaveError",
    "InterleavingFailure",
    "Invariant",
    "Keyword",
    "Kind",
    "Line",
    "Livelock",
    "Model",
    "NotLinearizable",
    "NotProved",
    "Operation",
    "Pct",
    "Portfolio",
    "Preempt",
    "Program",
    "Pruned",
    "Raised",
    "RandomWalk",
    "Report",
    "Row",
    "Schedule",
    "Sticky",
    "Strategy",
    "Timeline",
    "Token",
    "Uncontrolled",
    "Verdict",
    "Wait",
    "YieldingKey",
    "YieldingNumber",
    "YieldingValue",
    "check_linearizable",
    "controlled",
    "explore",
    "guarantee",
    "hammer",
    "replay",
    "uncontrolled",
]
