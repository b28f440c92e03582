"""Virtual time, seeded faults and crashes, to see whether code keeps its promises when machines do not.

- `run_virtual(main())` runs asyncio code, and the threads it starts, in virtual time: a day takes milliseconds, and one
  run has one order. `VirtualClock` is its time for code that takes a `clock=`.
- `Faults(seed, ...).wrap(store, name="store")` puts seeded faults around any object: lost replies, outages, delays.
- `every_crash(setup, run, check=...)` kills a run before and after each of its boundary calls, and looks at the rest.
- `simulate(world, seed=7, until=60)` runs processes that crash, pause and restart, a network that loses messages, and
  promises that must hold `always` or `eventually`; `search` finds the first seed that breaks one, with few faults.
"""

from lldkit.simulation.clock import SkewedClock, VirtualClock
from lldkit.simulation.crashes import every_crash
from lldkit.simulation.faults import Faults
from lldkit.simulation.interface import (
    Crash,
    CrashPoint,
    CrashReport,
    CrashViolation,
    FaultFired,
    InvariantBroken,
    Order,
    Series,
    SimulationError,
    Stuck,
    TooLong,
    TraceEvent,
    Unfair,
    Violation,
)
from lldkit.simulation.kinds import (
    Crashes,
    Delayed,
    DiskFull,
    Down,
    Duplicated,
    Fails,
    Fault,
    Kill,
    LostReply,
    LostRequest,
    Partition,
    Pause,
    Skew,
    Slow,
)
from lldkit.simulation.loop import run_virtual
from lldkit.simulation.network import Network
from lldkit.simulation.process import Process
from lldkit.simulation.search import search
from lldkit.simulation.simulator import Simulation, simulate
from lldkit.simulation.trace import Trace

__all__ = [
    "Crash",
    "CrashPoint",
    "CrashReport",
    "CrashViolation",
    "Crashes",
    "Delayed",
    "DiskFull",
    "Down",
    "Duplicated",
    "Fails",
    "Fault",
    "FaultFired",
    "Faults",
    "InvariantBroken",
    "Kill",
    "LostReply",
    "LostRequest",
    "Network",
    "Order",
    "Partition",
    "Pause",
    "Process",
    "Series",
    "Simulation",
    "SimulationError",
    "Skew",
    "SkewedClock",
    "Slow",
    "Stuck",
    "TooLong",
    "Trace",
    "TraceEvent",
    "Unfair",
    "Violation",
    "VirtualClock",
    "every_crash",
    "run_virtual",
    "search",
    "simulate",
]
