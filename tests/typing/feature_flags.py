"""What a type checker makes of flags; checked, never run."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any, assert_type

from lldkit.feature_flags import (
    NATIVE,
    UNLEASH,
    Commit,
    Context,
    Evaluation,
    FlagAdmin,
    FlagClient,
    FlagReader,
    FlagsChanged,
    FlagView,
    Format,
    JsonValue,
    MemoryStickyStore,
    RefreshResult,
    SetState,
    StaleFlag,
    StickyStore,
    Trace,
)
from lldkit.feature_flags.model import RuleSet
from lldkit.snapshot import Follower, MemoryStore, Snapshot, Subscription

store = MemoryStore({"flags": {}})
flags = FlagClient(store, format=UNLEASH)
user = Context("user-42", {"roles": ["admin", {"of": None}]}, country="SE", build=12)
formats: list[Format] = [NATIVE, UNLEASH]
sticky: StickyStore = MemoryStickyStore()
readers: list[FlagReader] = [flags, flags.view()]

assert_type(flags.boolean("f", False, user), bool)
assert_type(flags.string("f", ""), str)
assert_type(flags.integer("f", 0), int)
assert_type(flags.float("f", 0.5), float)
assert_type(flags.object("f", {"a": [1]}), JsonValue)
assert_type(flags.details("f", False), Evaluation[bool])
assert_type(flags.details("f", "text", user).value, str)
assert_type(flags.details("f", None).value, Any)
assert_type(flags.all(user), Mapping[str, Evaluation[Any]])
assert_type(flags.explain("f", user), Trace)
assert_type(flags.view(), FlagView)
assert_type(flags.snapshot, Snapshot[RuleSet])
assert_type(flags.refresh(), RefreshResult)
assert_type(flags.follow(), Follower[RuleSet])
assert_type(flags.override({"f": True}), AbstractContextManager[None])
assert_type(flags.stale(unused_for=timedelta(days=7)), Sequence[StaleFlag])
assert_type(flags.on_change(lambda change: change.changed, keys=["f"]), Subscription)
assert_type(flags.changes(), AsyncIterator[FlagsChanged])
assert_type(FlagAdmin(store).commit([SetState("f", enabled=False)], author="ana"), Commit)

flags.boolean("f", "no")  # type: ignore[arg-type]
flags.integer("f", None)  # type: ignore[arg-type]
flags.boolean("f", False, {"targeting_key": "u"})  # type: ignore[arg-type]
Context(42)  # type: ignore[arg-type]
Context("u", seen=object())  # type: ignore[arg-type]
