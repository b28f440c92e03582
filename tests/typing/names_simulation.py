"""What a type checker must make of every public name of lldkit.simulation; generated, checked, never run."""

from collections.abc import Callable, Coroutine, Iterable, Mapping
from lldkit.clock import Clock
from lldkit.simulation import Crash, CrashPoint, CrashReport, CrashViolation, Crashes, Delayed, DiskFull, Down, Duplicated, Fails, Fault, FaultFired, Faults, InvariantBroken, Kill, LostReply, LostRequest, Network, Order, Partition, Pause, Process, Series, Simulation, SimulationError, Skew, SkewedClock, Slow, Stuck, TooLong, Trace, TraceEvent, Unfair, Violation, VirtualClock, every_crash, run_virtual, search, simulate
from lldkit.simulation.faults import Armed
from lldkit.simulation.kinds import ErrorFactory
from lldkit.simulation.simulator import World
from typing import Any, assert_type

def n0(x: Crash) -> None: del x
def n1(x: CrashPoint) -> None: assert_type(x.when, str); assert_type(x.boundary, str); assert_type(x.method, str); assert_type(x.call, int)
def n2(x: CrashReport) -> None: assert_type(x.points, int); assert_type(x.runs, int); assert_type(x.violations, tuple[CrashViolation, ...])
def n3(x: CrashViolation) -> None: assert_type(x.crashes, tuple[CrashPoint, ...]); assert_type(x.message, str); assert_type(x.error, BaseException | None)
def n4(x: Crashes) -> None: assert_type(x.name, str); assert_type(x.rate, float)
def n5(x: Delayed) -> None: assert_type(x.name, str); assert_type(x.low, float); assert_type(x.high, float)
def n6(x: DiskFull) -> None: assert_type(x.name, str); assert_type(x.at, float)
def n7(x: Down) -> None: assert_type(x.name, str); assert_type(x.at, float); assert_type(x.seconds, float); assert_type(x.error, ErrorFactory)
def n8(x: Duplicated) -> None: assert_type(x.name, str); assert_type(x.rate, float)
def n9(x: Fails) -> None: assert_type(x.name, str); assert_type(x.rate, float); assert_type(x.error, ErrorFactory)
def n10(x: Fault) -> None: del x
def n11(x: FaultFired) -> None: assert_type(x.at, float); assert_type(x.fault, str); assert_type(x.where, str); assert_type(x.caller, str); assert_type(x.call, int); assert_type(x.key, tuple[str, str, str, int])
def n12(x: Faults) -> None: assert_type(x.seed, int); assert_type(x.clock, Clock); assert_type(x.is_dead, bool); assert_type(x.fired, tuple[FaultFired, ...]); assert_type(x.plan, tuple[Armed, ...])
def n13(x: InvariantBroken) -> None: assert_type(x.name, str); assert_type(x.time, float); assert_type(x.seed, int); assert_type(x.trace, Trace)
def n14(x: Kill) -> None: assert_type(x.process, str); assert_type(x.at, float)
def n15(x: LostReply) -> None: assert_type(x.name, str); assert_type(x.rate, float); assert_type(x.error, ErrorFactory)
def n16(x: LostRequest) -> None: assert_type(x.name, str); assert_type(x.rate, float); assert_type(x.error, ErrorFactory)
def n17(x: Network) -> None: del x
def n18() -> Order: return Order.FIFO
def n19(x: Partition) -> None: assert_type(x.a, str); assert_type(x.b, str); assert_type(x.at, float); assert_type(x.seconds, float)
def n20(x: Pause) -> None: assert_type(x.process, str); assert_type(x.at, float); assert_type(x.seconds, float)
def n21(x: Process) -> None: assert_type(x.name, str); assert_type(x.clock, Clock); assert_type(x.alive, bool)
def n22(x: Series) -> None: assert_type(x.times, tuple[float, ...]); assert_type(x.values, tuple[float, ...])
def n23(x: Simulation) -> None: assert_type(x.seed, int)
def n24(x: SimulationError) -> None: del x
def n25(x: Skew) -> None: assert_type(x.process, str); assert_type(x.offset, float); assert_type(x.drift, float)
def n26(x: SkewedClock) -> None: del x
def n27(x: Slow) -> None: assert_type(x.name, str); assert_type(x.at, float); assert_type(x.seconds, float); assert_type(x.factor, float)
def n28(x: Stuck) -> None: assert_type(x.tasks, tuple[str, ...])
def n29(x: TooLong) -> None: assert_type(x.time, float); assert_type(x.limit, float)
def n30(x: Trace) -> None: assert_type(x.seed, int); assert_type(x.events, tuple[TraceEvent, ...]); assert_type(x.violations, tuple[Violation, ...]); assert_type(x.faults, tuple[FaultFired, ...]); assert_type(x.metrics, Mapping[str, Series]); assert_type(x.digest, str)
def n31(x: TraceEvent) -> None: assert_type(x.at, float); assert_type(x.subject, str); assert_type(x.text, str)
def n32(x: Unfair) -> None: assert_type(x.steps, int); assert_type(x.time, float); assert_type(x.here, int)
def n33(x: Violation) -> None: assert_type(x.name, str); assert_type(x.at, float); assert_type(x.message, str); assert_type(x.error, BaseException | None)
def n34(x: VirtualClock) -> None: assert_type(x.sleepers, int)
def n35() -> object: return every_crash
def n36() -> object: return run_virtual
def n37(world: World, seeds: Iterable[int], until: float) -> None: assert_type(search(world, seeds=seeds, until=until), Trace | None)
def n38(world: World, seed: int, until: float) -> None: assert_type(simulate(world, seed=seed, until=until), Trace)
