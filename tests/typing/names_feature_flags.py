"""What a type checker must make of every public name of lldkit.feature_flags; generated, checked, never run."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from lldkit.feature_flags import Commit, Context, CycleError, EMPTY, Edit, Entry, ErrorCode, Evaluation, Exposure, FLAGD, Failed, Finding, FlagAdmin, FlagClient, FlagError, FlagEvent, FlagProblem, FlagReader, FlagSyntaxError, FlagView, FlagsChanged, FlagsRejected, Format, GROWTHBOOK, Hook, HookCall, Impact, JsonValue, MemoryStickyStore, Move, NATIVE, PutFlag, PutSegment, Reason, RefreshResult, RemoveFlag, RemoveSegment, Replace, SetRollout, SetState, SourceBack, SourceLost, StaleFlag, Step, StickyStore, Trace, UNLEASH, UnknownFlag, lint
from lldkit.feature_flags.lint import Kind
from lldkit.feature_flags.model import RuleSet
from lldkit.snapshot.interface import Snapshot
from typing import Any, Literal, assert_type

def n0() -> object: return EMPTY
def n1() -> object: return FLAGD
def n2() -> object: return GROWTHBOOK
def n3() -> object: return NATIVE
def n4() -> object: return UNLEASH
def n5(x: Commit) -> None: assert_type(x.version, int); assert_type(x.parent, int | None); assert_type(x.author, str); assert_type(x.reason, str); assert_type(x.at, datetime); assert_type(x.changed, frozenset[str])
def n6(x: Context) -> None: assert_type(x.targeting_key, str | None); assert_type(x.attributes, Mapping[str, Any]); assert_type(x.fields, Mapping[str, Any])
def n7(x: CycleError) -> None: del x
def n8() -> object: return Edit
def n9(x: Entry) -> None: assert_type(x.version, int); assert_type(x.parent, int | None); assert_type(x.author, str); assert_type(x.reason, str); assert_type(x.at, datetime); assert_type(x.flag, object)
def n10() -> ErrorCode: return ErrorCode.FLAG_NOT_FOUND
def n11() -> object: return Evaluation
def n12(x: Exposure) -> None: assert_type(x.at, datetime); assert_type(x.key, str); assert_type(x.variant, str); assert_type(x.unit, str | None); assert_type(x.version, int)
def n13(x: Failed) -> None: assert_type(x.at, datetime); assert_type(x.what, str); assert_type(x.error, str)
def n14(x: Finding) -> None: assert_type(x.key, str); assert_type(x.kind, Kind); assert_type(x.message, str)
def n15(x: FlagAdmin) -> None: del x
def n16(x: FlagClient) -> None: assert_type(x.version, int); assert_type(x.snapshot, Snapshot[RuleSet]); assert_type(x.problems, Sequence[FlagProblem]); assert_type(x.failures, int)
def n17(x: FlagError) -> None: del x
def n18() -> object: return FlagEvent
def n19(x: FlagProblem) -> None: assert_type(x.key, str); assert_type(x.path, str); assert_type(x.message, str); assert_type(x.fatal, bool)
def n20(x: FlagReader) -> None: del x
def n21(x: FlagSyntaxError) -> None: del x
def n22(x: FlagView) -> None: assert_type(x.version, int)
def n23(x: FlagsChanged) -> None: assert_type(x.at, datetime); assert_type(x.version, int); assert_type(x.changed, frozenset[str])
def n24(x: FlagsRejected) -> None: assert_type(x.at, datetime); assert_type(x.version, int); assert_type(x.problems, tuple[FlagProblem, ...])
def n25(x: Format) -> None: assert_type(x.name, str)
def n26(x: Hook) -> None: del x
def n27(x: HookCall) -> None: assert_type(x.key, str); assert_type(x.kind, Literal['boolean', 'string', 'integer', 'float', 'object', 'any']); assert_type(x.default, object); assert_type(x.context, Context)
def n28(x: Impact) -> None: assert_type(x.contexts, int); assert_type(x.keys, frozenset[str]); assert_type(x.moves, Mapping[Move, int])
def n29() -> object: return JsonValue
def n30(x: MemoryStickyStore) -> None: del x
def n31(x: Move) -> None: assert_type(x.key, str); assert_type(x.before, str); assert_type(x.after, str)
def n32(x: PutFlag) -> None: assert_type(x.key, str); assert_type(x.flag, Mapping[str, object])
def n33(x: PutSegment) -> None: assert_type(x.name, str); assert_type(x.condition, object)
def n34() -> Reason: return Reason.STATIC
def n35(x: RefreshResult) -> None: assert_type(x.applied, bool); assert_type(x.version, int); assert_type(x.changed, frozenset[str]); assert_type(x.problems, tuple[FlagProblem, ...])
def n36(x: RemoveFlag) -> None: assert_type(x.key, str)
def n37(x: RemoveSegment) -> None: assert_type(x.name, str)
def n38(x: Replace) -> None: assert_type(x.body, Mapping[str, object])
def n39(x: SetRollout) -> None: assert_type(x.key, str); assert_type(x.rule, str); assert_type(x.percent, float)
def n40(x: SetState) -> None: assert_type(x.key, str); assert_type(x.enabled, bool)
def n41(x: SourceBack) -> None: assert_type(x.at, datetime)
def n42(x: SourceLost) -> None: assert_type(x.at, datetime)
def n43(x: StaleFlag) -> None: assert_type(x.key, str); assert_type(x.kind, Literal['unused', 'constant', 'settled', 'expired', 'missing']); assert_type(x.message, str); assert_type(x.call_sites, tuple[str, ...])
def n44(x: Step) -> None: assert_type(x.text, str); assert_type(x.result, str); assert_type(x.parts, tuple['Step', ...])
def n45(x: StickyStore) -> None: del x
def n46(x: Trace) -> None: assert_type(x.evaluation, Evaluation[object]); assert_type(x.steps, tuple[Step, ...])
def n47(x: UnknownFlag) -> None: assert_type(x.key, str); assert_type(x.nearest, str)
def n48(rules: RuleSet, now: datetime) -> None: assert_type(lint(rules, now), Sequence[Finding])
