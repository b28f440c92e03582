"""Edits: applied whole, checked, previewed, kept in a history, and rolled back forwards."""

import asyncio
from typing import Any

import pytest

from feature_flags.helpers import document, flag, when
from lldkit.feature_flags import (
    Context,
    CycleError,
    Edit,
    FlagAdmin,
    FlagClient,
    FlagSyntaxError,
    Move,
    PutFlag,
    PutSegment,
    RemoveFlag,
    RemoveSegment,
    Replace,
    SetRollout,
    SetState,
    UnknownFlag,
)
from lldkit.snapshot import MemoryStore, VersionConflict, VersionNotFound

RAMP = flag(rules=[{"id": "eu", "rollout": {"percent": 0, "salt": "s"}, "serve": "on"}])
USERS = [Context(f"user-{n}") for n in range(1_000)]


def admin_of(flags: dict[str, Any], **more: Any) -> tuple[FlagAdmin, MemoryStore]:
    store = MemoryStore(document(flags, **more))
    return FlagAdmin(store), store


def test_edits_are_applied_in_order_as_one_version() -> None:
    admin, store = admin_of({"f": RAMP, "old": flag()}, segments={"s": True})
    done = admin.commit(
        [
            SetRollout("f", "eu", 25),
            SetState("f", True),
            RemoveFlag("old"),
            PutSegment("eu", {"attr": "country", "op": "in", "value": ["SE"]}),
            RemoveSegment("s"),
            PutFlag("new", when({"segment": "eu"})),
        ],
        author="ana",
        reason="ramp",
    )
    assert (done.version, done.parent, done.author, done.reason) == (2, 1, "ana", "ramp")
    assert set(done.changed) == {"f", "old", "new"}
    body: Any = store.read().body
    assert body["flags"]["f"]["rules"][0]["rollout"] == {"percent": 25, "salt": "s"}
    assert set(body["flags"]) == {"f", "new"}
    assert FlagClient(store).boolean("new", False, Context(country="SE")) is True


def test_the_first_commit_needs_no_document() -> None:
    store = MemoryStore()
    assert FlagAdmin(store).commit([PutFlag("f", flag())], author="ana").version == 1


@pytest.mark.parametrize(
    ("edit", "error"),
    [
        (PutFlag("f", flag(serve="gone")), FlagSyntaxError),
        (PutFlag("f", flag(variants={"on": True, "off": "no"})), FlagSyntaxError),
        (PutFlag("f", when({"segment": "gone"})), FlagSyntaxError),
        (PutFlag("f", when({"attr": "a", "op": "matches", "value": "("})), FlagSyntaxError),
        (PutFlag("f", flag(prerequisites=[{"flag": "gone", "variants": ["on"]}])), FlagSyntaxError),
        (PutFlag("base", flag(prerequisites=[{"flag": "needy", "variants": ["on"]}])), CycleError),
        (RemoveFlag("base"), FlagSyntaxError),
        (Replace({"flags": 3}), FlagSyntaxError),
        (SetRollout("f", "eu", 101), FlagSyntaxError),
        (SetRollout("f", "gone", 1), ValueError),
        (SetState("checkout", enabled=False), UnknownFlag),
        (RemoveSegment("gone"), ValueError),
    ],
)
def test_nothing_invalid_can_be_written(edit: Edit, error: type[Exception]) -> None:
    needy = flag(prerequisites=[{"flag": "base", "variants": ["on"]}])
    admin, store = admin_of({"f": RAMP, "base": flag(), "needy": needy})
    before = store.read()
    with pytest.raises(error):
        admin.commit([SetState("f", True), edit], author="ana")
    assert store.read() is before


def test_a_cycle_is_refused_with_its_way() -> None:
    needy = flag(prerequisites=[{"flag": "base", "variants": ["on"]}])
    admin, _ = admin_of({"base": flag(), "needy": needy})
    with pytest.raises(CycleError) as caught:
        admin.commit([PutFlag("base", flag(prerequisites=[{"flag": "needy", "variants": ["on"]}]))], author="ana")
    assert caught.value.path in (("base", "needy", "base"), ("needy", "base", "needy"))


def test_problems_of_others_do_not_stop_a_kill_switch() -> None:
    admin, store = admin_of({"f": flag(serve="on"), "broken": {"type": "moon"}, "odd": when({"segment": "gone"})})
    admin.commit([SetState("f", enabled=False)], author="ana")
    assert FlagClient(store).details("f", None).reason == "DISABLED"


def test_a_stale_expectation_is_a_conflict_and_nothing_is_written() -> None:
    admin, store = admin_of({"f": flag()})
    admin.commit([SetState("f", enabled=False)], author="ana", expected=1)
    with pytest.raises(VersionConflict) as caught:
        admin.commit([SetState("f", enabled=True)], author="bob", expected=1)
    assert (caught.value.expected, caught.value.actual) == (1, 2)
    assert store.read().version == 2


class Racing(MemoryStore):
    """A store in which somebody else is faster, so many times."""

    def __init__(self, body: dict[str, Any], times: int) -> None:
        super().__init__(body)
        self.times = times

    def publish(self, body: Any, *, expected: int, author: str, reason: str = "") -> Any:
        if author == "ana" and self.times:
            self.times -= 1
            FlagAdmin(self).commit([PutFlag(f"by-bob-{self.times}", flag())], author="bob")
        return super().publish(body, expected=expected, author=author, reason=reason)


def test_a_faster_writer_is_built_upon() -> None:
    store = Racing(document({"f": flag()}), times=4)
    done = FlagAdmin(store).commit([SetState("f", enabled=False)], author="ana")
    assert (done.version, done.parent) == (6, 5)
    flags: Any = store.read().body["flags"]
    assert set(flags) == {"f", *(f"by-bob-{n}" for n in range(4))}


def test_a_writer_gives_up_after_its_attempts() -> None:
    store = Racing(document({"f": flag()}), times=9)
    with pytest.raises(VersionConflict):
        FlagAdmin(store, attempts=3).commit([SetState("f", enabled=False)], author="ana")


def test_history_is_of_all_or_of_one_flag() -> None:
    admin, _ = admin_of({"f": RAMP})
    admin.commit([SetRollout("f", "eu", 5)], author="ana", reason="ramp")
    admin.commit([PutFlag("g", flag())], author="bob")
    admin.commit([RemoveFlag("f")], author="cia", reason="done")
    assert [(entry.version, entry.author) for entry in admin.history()][:3] == [(4, "cia"), (3, "bob"), (2, "ana")]
    assert [(entry.version, entry.reason) for entry in admin.history("f")] == [(4, "done"), (2, "ramp"), (1, "")]
    assert admin.history("f")[0].flag is None
    assert [entry.version for entry in admin.history("g")] == [3]


def test_a_rollback_is_a_new_version() -> None:
    admin, store = admin_of({"f": flag(serve="on")})
    admin.commit([SetState("f", enabled=False)], author="ana")
    done = admin.rollback(to=1, author="bob", reason="it was not that")
    assert (done.version, done.parent, set(done.changed)) == (3, 2, {"f"})
    assert FlagClient(store).boolean("f", False) is True
    with pytest.raises(VersionNotFound):
        admin.rollback(to=9, author="bob", reason="")


def test_a_preview_counts_who_would_move_and_writes_nothing() -> None:
    admin, store = admin_of({"f": RAMP, "apart": flag()})
    rule = {**RAMP["rules"][0], "rollout": {"percent": 25, "salt": "s"}}
    moving = FlagClient(document({"f": {**RAMP, "rules": [rule]}}))
    expected = sum(moving.boolean("f", False, user) for user in USERS)
    impact = admin.preview([SetRollout("f", "eu", 25)], USERS)
    assert (impact.contexts, set(impact.keys)) == (1_000, {"f"})
    assert impact.moves == {Move("f", "off", "on"): expected}
    assert str(impact) == f"f: {expected / 1000:.1%} move off -> on; nobody moves on -> off"
    assert store.read().version == 1
    assert str(admin.preview([SetState("f", True)], USERS)) == "nobody of 1000 moves"


def test_a_preview_sees_values_that_change_under_one_name() -> None:
    text = {"type": "string", "variants": {"v": "old"}, "serve": "v"}
    admin, _ = admin_of({"s": text})
    impact = admin.preview([PutFlag("s", {**text, "variants": {"v": "new"}})], USERS[:3])
    assert impact.moves == {Move("s", "v", "v"): 3}


async def test_every_verb_has_a_twin_for_tasks() -> None:
    admin, _ = admin_of({"f": flag()})
    await admin.acommit([SetState("f", enabled=False)], author="ana")
    assert (await admin.apreview([SetState("f", enabled=True)], USERS[:1])).contexts == 1
    assert len(await admin.ahistory("f")) == 2
    assert (await asyncio.gather(admin.arollback(to=1, author="ana", reason="")))[0].version == 3
