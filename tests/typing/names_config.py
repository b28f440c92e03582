"""What a type checker must make of every public name of lldkit.config; generated, checked, never run."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from lldkit.config import Args, Between, Candidate, Change, Changed, Config, ConfigError, ConfigEvent, ConfigLoaded, Directory, DotEnv, DotEnvLine, Entry, Env, Explanation, File, Held, KeyPath, Kind, Layer, Length, ListenerFailed, Loaded, MISSING, Matches, Missing, NonFinite, OneOf, Problem, Rejected, Released, ReloadResult, Reloaded, RolledBack, Secret, SourceBack, SourceLost, Store, UnusedKey, Values, apply_changes, diff_documents, merge_patch, parse_dotenv
from lldkit.snapshot.interface import DocumentStore
from typing import Any, Literal, assert_type

def n0() -> object: return MISSING
def n1(x: Args) -> None: del x
def n2(x: Between) -> None: assert_type(x.low, Any); assert_type(x.high, Any)
def n3(x: Candidate) -> None: assert_type(x.layer, str); assert_type(x.location, str); assert_type(x.value, object); assert_type(x.wins, bool)
def n4(x: Change) -> None: assert_type(x.path, str); assert_type(x.old, object); assert_type(x.new, object); assert_type(x.version, int)
def n5(x: Changed) -> None: assert_type(x.path, KeyPath); assert_type(x.old, object); assert_type(x.new, object)
def n6() -> object: return Config
def n7(x: ConfigError) -> None: del x
def n8() -> object: return ConfigEvent
def n9(x: ConfigLoaded) -> None: assert_type(x.at, datetime); assert_type(x.version, int); assert_type(x.origin, str)
def n10(x: Directory) -> None: del x
def n11(x: DotEnv) -> None: del x
def n12(x: DotEnvLine) -> None: assert_type(x.key, str | None); assert_type(x.value, str | None); assert_type(x.line, int); assert_type(x.error, bool)
def n13(x: Entry) -> None: assert_type(x.version, int); assert_type(x.parent, int | None); assert_type(x.author, str); assert_type(x.reason, str); assert_type(x.origin, str); assert_type(x.loaded_at, datetime)
def n14(x: Env) -> None: del x
def n15(x: Explanation) -> None: assert_type(x.path, str); assert_type(x.value, object); assert_type(x.candidates, tuple[Candidate, ...]); assert_type(x.winner, Candidate)
def n16(x: File) -> None: del x
def n17(x: Held) -> None: assert_type(x.at, datetime); assert_type(x.version, int)
def n18() -> object: return KeyPath
def n19() -> object: return Kind
def n20(x: Layer) -> None: assert_type(x.name, str)
def n21(x: Length) -> None: assert_type(x.low, int); assert_type(x.high, int | None)
def n22(x: ListenerFailed) -> None: assert_type(x.at, datetime); assert_type(x.version, int); assert_type(x.path, str); assert_type(x.error, str)
def n23(x: Loaded) -> None: assert_type(x.tree, Mapping[str, object]); assert_type(x.locations, Mapping[KeyPath, str]); assert_type(x.text, bool); assert_type(x.problems, tuple[Problem, ...]); assert_type(x.strangers, tuple[Problem, ...])
def n24(x: Matches) -> None: assert_type(x.pattern, str)
def n25() -> Missing: return Missing.MISSING
def n26(x: NonFinite) -> None: del x
def n27(x: OneOf) -> None: assert_type(x.values, tuple[Any, ...])
def n28(x: Problem) -> None: assert_type(x.kind, Kind); assert_type(x.path, str); assert_type(x.layer, str); assert_type(x.location, str); assert_type(x.message, str); assert_type(x.suggestion, str)
def n29(x: Rejected) -> None: assert_type(x.at, datetime); assert_type(x.version, int); assert_type(x.problems, tuple[Problem, ...])
def n30(x: Released) -> None: assert_type(x.at, datetime); assert_type(x.version, int)
def n31(x: ReloadResult) -> None: assert_type(x.applied, bool); assert_type(x.version, int); assert_type(x.changed, Mapping[str, Changed]); assert_type(x.problems, tuple[Problem, ...])
def n32(x: Reloaded) -> None: assert_type(x.at, datetime); assert_type(x.version, int); assert_type(x.changed, tuple[str, ...])
def n33(x: RolledBack) -> None: assert_type(x.at, datetime); assert_type(x.version, int); assert_type(x.to, int); assert_type(x.author, str); assert_type(x.reason, str)
def n34() -> object: return Secret
def n35(x: SourceBack) -> None: assert_type(x.at, datetime); assert_type(x.version, int); assert_type(x.layer, str)
def n36(x: SourceLost) -> None: assert_type(x.at, datetime); assert_type(x.version, int); assert_type(x.layer, str)
def n37(x: Store) -> None: assert_type(x.name, str); assert_type(x.store, DocumentStore)
def n38(x: UnusedKey) -> None: assert_type(x.path, str); assert_type(x.why, Literal['unknown', 'never read']); assert_type(x.location, str)
def n39(x: Values) -> None: assert_type(x.name, str)
def n40(document: object, changes: Sequence[Changed]) -> None: assert_type(apply_changes(document, changes), Any)
def n41(before: object, after: object) -> None: assert_type(diff_documents(before, after), Sequence[Changed])
def n42(target: object, patch: object) -> None: assert_type(merge_patch(target, patch), Any)
def n43(text: str) -> None: assert_type(parse_dotenv(text), Sequence[DotEnvLine])
