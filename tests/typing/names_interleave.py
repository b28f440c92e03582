"""What a type checker must make of every public name of lldkit.interleave; generated, checked, never run."""

from collections.abc import Hashable, Mapping
from lldkit.interleave import Access, Alternate, Body, CLOCK, Check, Choice, Deadlock, Diverged, Dpor, Exhaustive, Failure, Granularity, HammerReport, History, InterleaveError, InterleavingFailure, Invariant, Keyword, Kind, Line, Livelock, Model, NotLinearizable, NotProved, Operation, PENDING, Pct, Portfolio, Preempt, Program, Pruned, Raised, RandomWalk, Report, Row, Schedule, Sticky, Strategy, Timeline, Token, Uncontrolled, Verdict, Wait, YieldingKey, YieldingNumber, YieldingValue, check_linearizable, controlled, explore, guarantee, hammer, replay, uncontrolled
from typing import Literal, assert_type

def n0() -> object: return CLOCK
def n1() -> object: return PENDING
def n2(x: Access) -> None: assert_type(x.kind, Literal['attribute', 'global', 'cell', 'item', 'lock', 'call']); assert_type(x.name, str); assert_type(x.writes, bool); assert_type(x.verb, str)
def n3(x: Alternate) -> None: del x
def n4() -> object: return Body
def n5(x: Check) -> None: assert_type(x.verdict, Literal['linearizable', 'violation', 'undecided']); assert_type(x.order, tuple[Operation, ...]); assert_type(x.partition, Hashable); assert_type(x.longest, tuple[Operation, ...]); assert_type(x.culprit, Operation | None); assert_type(x.states, int); assert_type(x.state, object); assert_type(x.expected, tuple[object, ...]); assert_type(x.operations, tuple[Operation, ...])
def n6(x: Choice) -> None: assert_type(x.runnable, tuple[int, ...]); assert_type(x.current, int | None); assert_type(x.step, int); assert_type(x.accesses, Mapping[int, Access | None])
def n7(x: Deadlock) -> None: assert_type(x.report, Report)
def n8(x: Diverged) -> None: assert_type(x.step, int); assert_type(x.wanted, int | None); assert_type(x.runnable, tuple[int, ...])
def n9(x: Dpor) -> None: assert_type(x.preemptions, int | None)
def n10(x: Exhaustive) -> None: assert_type(x.preemptions, int | None); assert_type(x.bound, str)
def n11(x: Failure) -> None: assert_type(x.kind, Kind); assert_type(x.message, str); assert_type(x.error, BaseException | None); assert_type(x.schedule, Schedule); assert_type(x.seed, int); assert_type(x.run, int); assert_type(x.timeline, Timeline); assert_type(x.original, Schedule); assert_type(x.waits, tuple[Wait, ...]); assert_type(x.cycle, tuple[str, ...]); assert_type(x.repeated, tuple[str, ...])
def n12() -> Granularity: return Granularity.FREE
def n13(x: HammerReport) -> None: assert_type(x.calls, int); assert_type(x.errors, tuple[BaseException, ...]); assert_type(x.lost, tuple[str, ...]); assert_type(x.seconds, float)
def n14(x: History) -> None: assert_type(x.operations, tuple[Operation, ...])
def n15(x: InterleaveError) -> None: del x
def n16(x: InterleavingFailure) -> None: assert_type(x.report, Report)
def n17() -> object: return Invariant
def n18(x: Keyword) -> None: assert_type(x.name, str); assert_type(x.value, object)
def n19() -> Kind: return Kind.CHECK
def n20(x: Line) -> None: assert_type(x.file, str); assert_type(x.number, int); assert_type(x.text, str)
def n21(x: Livelock) -> None: assert_type(x.report, Report)
def n22() -> object: return Model
def n23(x: NotLinearizable) -> None: assert_type(x.check, Check)
def n24(x: NotProved) -> None: assert_type(x.report, Report)
def n25(x: Operation) -> None: assert_type(x.process, Hashable); assert_type(x.name, str); assert_type(x.args, tuple[object, ...]); assert_type(x.result, object); assert_type(x.called, int); assert_type(x.returned, int | None)
def n26(x: Pct) -> None: assert_type(x.depth, int); assert_type(x.length, int)
def n27(x: Portfolio) -> None: del x
def n28(x: Preempt) -> None: del x
def n29() -> object: return Program
def n30(x: Pruned) -> None: del x
def n31(x: Raised) -> None: assert_type(x.error, str); assert_type(x.message, str)
def n32(x: RandomWalk) -> None: del x
def n33(x: Report) -> None: assert_type(x.verdict, Verdict); assert_type(x.failure, Failure | None); assert_type(x.schedules, int); assert_type(x.steps, int); assert_type(x.granularity, Granularity); assert_type(x.strategy, str); assert_type(x.bound, str); assert_type(x.seed, int)
def n34(x: Row) -> None: assert_type(x.step, int); assert_type(x.thread, str); assert_type(x.line, Line); assert_type(x.event, str); assert_type(x.time, float)
def n35(x: Schedule) -> None: assert_type(x.granularity, Granularity); assert_type(x.runs, tuple[tuple[int, int], ...]); assert_type(x.switches, int); assert_type(x.steps, int)
def n36(x: Sticky) -> None: assert_type(x.switch, float)
def n37(x: Strategy) -> None: del x
def n38(x: Timeline) -> None: assert_type(x.threads, tuple[str, ...]); assert_type(x.rows, tuple[Row, ...])
def n39(x: Token) -> None: assert_type(x.process, Hashable); assert_type(x.name, str); assert_type(x.args, tuple[object, ...]); assert_type(x.called, int); assert_type(x.result, object); assert_type(x.returned, int | None); assert_type(x.ended, Literal['', 'ok', 'fail', 'unknown'])
def n40(x: Uncontrolled) -> None: assert_type(x.what, str); assert_type(x.where, str); assert_type(x.help, str)
def n41() -> Verdict: return Verdict.FAILED
def n42(x: Wait) -> None: assert_type(x.thread, str); assert_type(x.verb, str); assert_type(x.on, str); assert_type(x.owner, str | None); assert_type(x.since, Line); assert_type(x.holds, tuple[str, ...])
def n43(x: YieldingKey) -> None: del x
def n44(x: YieldingNumber) -> None: del x
def n45() -> object: return YieldingValue
def n46() -> object: return check_linearizable
def n47() -> object: return controlled
def n48(program: Program) -> None: assert_type(explore(program), Report)
def n49() -> object: return guarantee
def n50() -> None: assert_type(hammer(), HammerReport)
def n51(program: Program, schedule: Schedule | str) -> None: assert_type(replay(program, schedule), Report)
def n52() -> object: return uncontrolled
