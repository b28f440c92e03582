"""The client: typed answers, versions swapped whole, overrides, isolation, and life without a store."""

import asyncio
import contextvars
import gc
import json
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from feature_flags.helpers import document, flag, when
from lldkit.clock import ManualClock
from lldkit.feature_flags import (
    Context,
    ErrorCode,
    Failed,
    FlagClient,
    FlagEvent,
    FlagsChanged,
    FlagsRejected,
    Reason,
    SourceBack,
    SourceLost,
    UnknownFlag,
)
from lldkit.snapshot import Document, MemoryStore, StoreUnavailable

ON, OFF = flag(serve="on"), flag()
KINDS = {
    "b": flag(serve="on"),
    "s": {"type": "string", "variants": {"v": "text"}, "serve": "v", "metadata": {"team": "shop", "n": 1}},
    "i": {"type": "integer", "variants": {"v": 3}, "serve": "v"},
    "f": {"type": "float", "variants": {"v": 2.5}, "serve": "v"},
    "o": {"type": "object", "variants": {"v": {"list": [1, {"deep": True}]}}, "serve": "v"},
}


class Broken:
    """A store whose engine can be switched off."""

    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        self.is_down = False

    def read(self, version: int | None = None) -> Document:
        if self.is_down:
            raise StoreUnavailable("the store")
        return self.store.read(version)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


# --- values ---


def test_each_getter_gives_its_type_and_details_say_why() -> None:
    client = FlagClient(document(KINDS))
    assert client.boolean("b", False) is True
    assert client.string("s", "") == "text"
    assert client.integer("i", 0) == 3
    assert client.float("f", 0.0) == 2.5
    assert client.object("o", None) == {"list": [1, {"deep": True}]}
    found = client.details("s", "")
    assert (found.value, found.variant, found.reason, found.rule, found.version) == (
        "text",
        "v",
        Reason.STATIC,
        None,
        1,
    )
    assert found.metadata == {"team": "shop", "n": 1}
    assert found.error_code is None


def test_the_wrong_type_is_a_mismatch_with_the_default_of_the_caller() -> None:
    client = FlagClient(document(KINDS))
    defaults: dict[str, Any] = {"boolean": False, "string": "d", "integer": 7, "float": 7.5, "object": {"d": 1}}
    right = {"b": "boolean", "s": "string", "i": "integer", "f": "float", "o": "object"}
    for key, kind in right.items():
        for other, default in defaults.items():
            if other == kind or (key, other) == ("i", "float"):
                continue
            assert getattr(client, other)(key, default) == default
            found = client.details(key, default)
            assert (found.value, found.error_code, found.reason) == (default, ErrorCode.TYPE_MISMATCH, Reason.ERROR)
    assert client.integer("b", 3) == 3


def test_an_integer_is_a_float_and_comes_as_one() -> None:
    client = FlagClient(document(KINDS))
    assert type(client.float("i", 0.5)) is float
    assert type(client.details("i", 0.5).value) is float
    huge = FlagClient(document({"i": {"type": "integer", "variants": {"v": 10**400}, "serve": "v"}}))
    assert huge.float("i", 0.5) == 0.5


def test_a_flag_that_is_not_there_is_said_so() -> None:
    found = FlagClient(document(KINDS)).details("gone", 5)
    assert (found.value, found.reason, found.error_code) == (5, Reason.ERROR, ErrorCode.FLAG_NOT_FOUND)


def test_what_is_handed_out_is_the_callers_own() -> None:
    client = FlagClient(document(KINDS))
    for read in (lambda: client.object("o", None), lambda: client.details("o", None).value):
        first: Any = read()
        assert json.loads(json.dumps(first)) == {"list": [1, {"deep": True}]}
        first["list"][1]["deep"] = "changed"
        first["more"] = 1
        assert read() == {"list": [1, {"deep": True}]}
    every: Any = client.all()["o"].value
    every["list"].clear()
    assert client.object("o", None) == {"list": [1, {"deep": True}]}


def test_changing_what_was_given_in_changes_nothing() -> None:
    body = document({"o": {"type": "object", "variants": {"v": {"a": [1]}}, "serve": "v"}})
    client = FlagClient(body)
    body["flags"]["o"]["variants"]["v"]["a"].append(2)
    assert client.object("o", None) == {"a": [1]}


def test_the_context_of_the_call_wins_over_the_defaults_of_the_client() -> None:
    rules = document({"f": when({"attr": "country", "op": "eq", "value": "SE"})})
    client = FlagClient(rules, defaults=Context(country="SE"))
    assert client.boolean("f", False) is True
    assert client.boolean("f", False, Context(country="NO")) is False
    assert client.explain("f").evaluation == client.details("f", None)


def test_all_has_every_flag_that_evaluates() -> None:
    client = FlagClient(document({**KINDS, "cycle": flag(prerequisites=[{"flag": "cycle", "variants": ["on"]}])}))
    assert set(client.all()) == set(KINDS)


def test_a_context_that_is_none_is_an_error_and_not_an_exception() -> None:
    client = FlagClient(document({"f": when({"attr": "a", "op": "exists"})}))
    odd: Any = {"targeting_key": "u"}
    assert client.boolean("f", True, odd) is True
    assert client.details("f", True, odd).error_code is ErrorCode.INVALID_CONTEXT
    assert client.explain("f", odd).evaluation.error_code is ErrorCode.INVALID_CONTEXT


def test_nonsense_keys_are_answered_with_the_default() -> None:
    client = FlagClient(document(KINDS))
    odd: Any
    for odd in ([], None, {}, 3):
        assert client.boolean(odd, True) is True
        assert client.details(odd, 4).value == 4


def test_strict_mode_names_the_nearest_key() -> None:
    client = FlagClient(document({"checkout-v2": ON}), strict=True)
    with pytest.raises(UnknownFlag, match="did you mean checkout-v2"):
        client.boolean("checkout_v2", False)
    with pytest.raises(UnknownFlag):
        client.details("gone", None)
    assert client.boolean("checkout-v2", False) is True
    with client.override({"gone": True}):
        assert client.boolean("gone", False) is True


# --- versions ---


def test_a_refresh_serves_the_newest_version_and_tells_what_changed() -> None:
    store = MemoryStore(document({"f": OFF, "g": OFF}))
    client = FlagClient(store)
    heard: list[FlagsChanged] = []
    picky: list[FlagsChanged] = []
    client.on_change(heard.append)
    client.on_change(picky.append, keys=["g"])
    store.publish(document({"f": ON, "g": OFF}), expected=1, author="ana")
    result = client.refresh()
    assert (result.applied, result.version, set(result.changed)) == (True, 2, {"f"})
    assert client.boolean("f", False) is True
    assert client.version == client.snapshot.version == 2
    assert [(change.version, set(change.changed)) for change in heard] == [(2, {"f"})]
    assert picky == []
    assert client.refresh().applied is False
    assert len(heard) == 1


def test_listeners_hear_after_the_swap_and_may_call_the_client() -> None:
    store = MemoryStore(document({"f": OFF}))
    client = FlagClient(store)
    seen: list[Any] = []

    def listen(change: FlagsChanged) -> None:
        seen.append((change.version, client.version, client.boolean("f", False)))
        client.refresh()

    client.on_change(listen)
    store.publish(document({"f": ON}), expected=1, author="ana")
    client.refresh()
    assert seen == [(2, 2, True)]


def test_a_view_stays_at_its_version() -> None:
    needy = flag(prerequisites=[{"flag": "base", "variants": ["on"]}], serve="on", off="off")
    store = MemoryStore(document({"base": ON, "f": needy}))
    client = FlagClient(store)
    view = client.view()
    store.publish(document({"base": OFF, "f": needy}), expected=1, author="ana")
    client.refresh()
    assert view.boolean("f", False) is True
    assert view.details("base", None).version == view.version == 1
    assert client.boolean("f", True) is False
    assert client.view().version == 2


def test_views_and_contexts_leave_nothing_behind() -> None:
    client = FlagClient(document({"f": when({"attr": "a", "op": "exists"})}), on_exposure=lambda _: None)
    view, context = client.view(), Context("u", a=1)
    assert view.boolean("f", False, context)
    gone: list[Any] = [weakref.ref(view), weakref.ref(context)]
    del view, context
    gc.collect()
    assert [each() for each in gone] == [None, None]


def test_an_old_version_leaves_when_its_last_view_does() -> None:
    store = MemoryStore(document({"f": OFF}))
    client = FlagClient(store)
    old = weakref.ref(client.snapshot.value)
    view = client.view()
    store.publish(document({"f": ON}), expected=1, author="ana")
    client.refresh()
    assert old() is not None
    del view
    gc.collect()
    assert old() is None


async def test_a_task_hears_of_changes() -> None:
    store = MemoryStore(document({"f": OFF, "g": OFF}))
    client = FlagClient(store)
    changes = client.changes(keys=["f"])
    first = asyncio.ensure_future(anext(changes))
    await asyncio.sleep(0)
    store.publish(document({"f": OFF, "g": ON}), expected=1, author="ana")
    await client.arefresh()
    store.publish(document({"f": ON, "g": ON}), expected=2, author="ana")
    await client.arefresh()
    assert (await first).version == 3


# --- isolation ---


def test_a_malformed_flag_is_told_once_and_keeps_its_last_good_version() -> None:
    store = MemoryStore(document({"f": ON, "g": OFF}))
    heard: list[FlagEvent] = []
    client = FlagClient(store, on_event=heard.append)
    store.publish(document({"f": {"type": "boolean"}, "g": ON}), expected=1, author="ana")
    client.refresh()
    client.refresh()
    assert (client.boolean("f", False), client.boolean("g", False)) == (True, True)
    rejected = [event for event in heard if isinstance(event, FlagsRejected)]
    assert [[problem.key for problem in event.problems] for event in rejected] == [["f"]]
    assert [problem.path for problem in client.problems] == ["flags.f.variants"]


def test_a_document_that_is_none_changes_nothing_and_is_reported() -> None:
    store = MemoryStore(document({"f": ON}))
    client = FlagClient(store)
    store.publish({"flags": "?"}, expected=1, author="ana")
    assert client.refresh().applied is False
    assert client.boolean("f", False) is True
    assert (client.version, [problem.path for problem in client.problems]) == (1, ["flags"])
    store.publish(document({"f": OFF}), expected=2, author="ana")
    assert client.refresh().applied is True
    assert list(client.problems) == []


# --- overrides ---


def test_an_override_is_seen_here_and_in_child_tasks_and_nowhere_else() -> None:
    client = FlagClient(document({"f": OFF, "s": KINDS["s"]}))
    elsewhere: list[bool] = []
    with client.override({"f": True, "new": 3}):
        assert client.boolean("f", False) is True
        assert client.integer("new", 0) == 3
        assert client.details("f", None).reason is Reason.OVERRIDE
        assert client.view().boolean("f", False) is True
        thread = threading.Thread(target=lambda: elsewhere.append(client.boolean("f", True)))
        thread.start()
        thread.join()
        with client.override({"f": False}):
            assert client.boolean("f", True) is False
        assert client.boolean("f", False) is True
        assert contextvars.copy_context().run(client.boolean, "f", False) is True
    assert elsewhere == [False]
    assert client.boolean("f", True) is False
    assert client.integer("new", 0) == 0


def test_an_override_leaves_on_an_exception() -> None:
    client = FlagClient(document({"f": OFF}))
    with pytest.raises(LookupError), client.override({"f": True}):
        raise LookupError
    assert client.boolean("f", True) is False


def test_an_override_reaches_views_and_versions_that_were_there_before() -> None:
    store = MemoryStore(document({"f": OFF}))
    client = FlagClient(store)
    view = client.view()
    assert view.boolean("f", True) is False
    store.publish(document({"f": OFF, "g": OFF}), expected=1, author="ana")
    client.refresh()
    with client.override({"f": True}):
        assert view.boolean("f", False) is True
        assert client.boolean("f", False) is True
        assert client.all()["f"].value is True
        assert str(client.explain("f")).endswith("override: yes")
    assert view.boolean("f", True) is False


async def test_an_override_is_for_the_tasks_that_start_inside() -> None:
    client = FlagClient(document({"f": OFF}))

    async def ask() -> bool:
        await asyncio.sleep(0)
        return client.boolean("f", False)

    before = asyncio.create_task(ask())
    with client.override({"f": True}):
        inside = asyncio.create_task(ask())
        assert (await before, await inside) == (False, True)


@pytest.mark.parametrize(("key", "value"), [("f", 1), ("f", "on"), ("i", True), ("s", None), ("new", object())])
def test_an_override_of_the_wrong_type_is_refused_at_once(key: str, value: object) -> None:
    client = FlagClient(document({"f": OFF, "i": KINDS["i"], "s": KINDS["s"]}))
    with pytest.raises(TypeError, match=key):
        client.override({key: value})


# --- without a store ---


def test_before_anything_was_published_the_callers_defaults_are_served() -> None:
    store = MemoryStore()
    client = FlagClient(store)
    assert client.details("f", True).error_code is ErrorCode.PROVIDER_NOT_READY
    store.publish(document({"f": OFF}), expected=0, author="ana")
    client.refresh()
    assert client.boolean("f", True) is False


def test_a_dead_store_changes_nothing_and_is_told_once() -> None:
    store = Broken(MemoryStore(document({"f": ON})))
    heard: list[FlagEvent] = []
    client = FlagClient(store, on_event=heard.append)
    store.is_down = True
    for _ in range(3):
        result = client.refresh()
        assert (result.applied, len(result.problems)) == (False, 1)
    assert client.boolean("f", False) is True
    store.is_down = False
    client.refresh()
    assert [type(event) for event in heard] == [FlagsChanged, SourceLost, SourceBack]


def test_a_wiped_store_is_followed() -> None:
    first, second = MemoryStore(document({"f": ON})), MemoryStore(document({"f": OFF}))
    store = Broken(first)
    client = FlagClient(store)
    first.publish(document({"f": ON}), expected=1, author="ana")
    client.refresh()
    store.store = second
    assert client.refresh().applied is True
    assert (client.boolean("f", True), client.version) == (False, 1)


def test_a_replica_that_lags_behind_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Broken(MemoryStore(document({"f": OFF})))
    client = FlagClient(store)
    store.store.publish(document({"f": ON}), expected=1, author="ana")
    client.refresh()
    late = store.store.read(1)
    monkeypatch.setattr(store, "read", lambda: late)
    assert client.refresh().applied is False
    assert (client.boolean("f", False), client.version) == (True, 2)


def test_a_cache_that_somebody_edited_is_no_cache(tmp_path: Path) -> None:
    cache = tmp_path / "flags.cache"
    store = Broken(MemoryStore(document({"f": ON})))
    FlagClient(store, cache_file=cache)
    cache.write_text(cache.read_text().replace("true", "null"))
    store.is_down = True
    assert FlagClient(store, cache_file=cache).details("f", False).error_code is ErrorCode.PROVIDER_NOT_READY


def test_a_restart_without_the_store_serves_the_cached_document(tmp_path: Path) -> None:
    cache = tmp_path / "flags.cache"
    store = Broken(MemoryStore(document({"f": ON, "o": KINDS["o"]})))
    FlagClient(store, cache_file=cache)
    assert cache.stat().st_mode & 0o777 == 0o600
    store.is_down = True
    client = FlagClient(store, cache_file=cache)
    assert client.boolean("f", False) is True
    assert client.object("o", None) == {"list": [1, {"deep": True}]}
    assert client.snapshot.origin == "cache"
    store.is_down = False
    client.refresh()
    assert client.snapshot.origin != "cache"


@pytest.mark.parametrize("damage", ["", "{", '{"sha256": "x", "text": "{}"}', "[]"])
def test_a_damaged_cache_is_no_cache(tmp_path: Path, damage: str) -> None:
    cache = tmp_path / "flags.cache"
    cache.write_text(damage)
    store = Broken(MemoryStore(document({"f": ON})))
    store.is_down = True
    client = FlagClient(store, cache_file=cache)
    assert client.details("f", False).error_code is ErrorCode.PROVIDER_NOT_READY


def test_reasons_become_stale_when_the_store_was_not_seen_for_too_long() -> None:
    clock = ManualClock()
    store = Broken(MemoryStore(document({"f": ON}), clock=clock))
    client = FlagClient(store, clock=clock, stale_after_seconds=60)
    clock.advance(60)
    assert client.details("f", False).reason is Reason.STATIC
    clock.advance(1)
    assert client.details("f", False).reason is Reason.STALE
    assert client.boolean("f", False) is True
    store.is_down = True
    client.refresh()
    assert client.details("f", False).reason is Reason.STALE
    store.is_down = False
    client.refresh()
    assert client.details("f", False).reason is Reason.STATIC


# --- what user code may not do ---


class Raising:
    """A sticky store and a hook that raise, whatever is asked."""

    def get(self, attribute: str, unit: str) -> Mapping[str, str]:
        raise RuntimeError(attribute)

    def put(self, attribute: str, unit: str, assignments: Mapping[str, str]) -> None:
        raise RuntimeError(attribute)

    def before(self, call: object) -> Context | None:
        raise RuntimeError

    def after(self, call: object, evaluation: object) -> None:
        raise RuntimeError

    error = after

    def finally_(self, call: object) -> None:
        raise RuntimeError


def boom(_value: object) -> None:
    raise RuntimeError


def test_what_user_code_raises_is_contained_and_counted() -> None:
    split = flag(serve={"split": [["on", 1]], "sticky": True})
    heard: list[FlagEvent] = []
    client = FlagClient(
        document({"f": split}), sticky=Raising(), on_exposure=boom, on_event=heard.append, stale_after_seconds=1
    )
    assert client.boolean("f", False, Context("u")) is True
    assert client.failures == 4  # two times get, put and the sink
    assert {event.error for event in heard if isinstance(event, Failed)} == {"RuntimeError"}
    hooked = FlagClient(document({"f": ON}), hooks=[Raising()])
    assert hooked.boolean("f", False) is False  # `before` raised: the default
    assert hooked.failures == 3


class BadClock(ManualClock):
    """A clock that breaks down after its construction."""

    works = True

    def now(self) -> Any:
        if not self.works:
            raise RuntimeError
        return super().now()

    def monotonic(self) -> float:
        if not self.works:
            raise RuntimeError
        return super().monotonic()


def test_a_clock_that_raises_is_contained() -> None:
    clock = BadClock()
    ramp = {"steps": [["2026-01-01T00:00:00Z", 100]]}
    client = FlagClient(
        document({"f": flag(rules=[{"id": "r", "rollout": ramp, "serve": "on"}]), "g": ON}),
        clock=clock,
        stale_after_seconds=5,
    )
    clock.works = False
    assert client.details("f", True, Context("u")).error_code is ErrorCode.GENERAL
    assert client.details("g", False).value is True
    assert client.failures >= 2


def test_an_interrupt_passes_through() -> None:
    class Interrupting(Raising):
        def before(self, call: object) -> Context | None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        FlagClient(document({"f": ON}), hooks=[Interrupting()]).boolean("f", False)


def test_wrong_arguments_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="stale_after_seconds"):
        FlagClient(document({}), stale_after_seconds=0)
    with pytest.raises(ValueError, match="exposure_window"):
        FlagClient(document({}), on_exposure=boom, exposure_window=0)


# --- tidying up ---


def kinds_of(client: FlagClient, days: int = 7, root: Path | None = None) -> Sequence[tuple[str, str]]:
    return [(each.key, each.kind) for each in client.stale(unused_for=timedelta(days=days), source_root=root)]


def test_stale_flags_are_found_by_what_was_evaluated() -> None:
    clock = ManualClock()
    half = flag(rules=[{"id": "r", "rollout": {"percent": 50}, "serve": "on"}])
    client = FlagClient(document({"used": half, "one-sided": half, "unused": half}), clock=clock)
    on = next(f"u{n}" for n in range(99) if client.boolean("used", False, Context(f"u{n}")))
    off = next(f"u{n}" for n in range(99) if not client.boolean("used", False, Context(f"u{n}")))
    assert kinds_of(client) == []  # nothing is known for seven days yet
    clock.advance(8 * 86_400)
    for user in (on, off):
        client.boolean("used", False, Context(user))
    one_sided = next(f"u{n}" for n in range(99) if client.boolean("one-sided", False, Context(f"u{n}")))
    client.refresh()
    clock.advance(6 * 86_400)
    client.boolean("one-sided", False, Context(one_sided))
    found = dict(kinds_of(client))
    assert found["unused"] == "unused"
    assert "used" not in found


def test_a_flag_that_is_evaluated_no_more_becomes_unused() -> None:
    clock = ManualClock()
    client = FlagClient(document({"f": when({"attr": "a", "op": "exists"})}), clock=clock)
    client.boolean("f", False)
    for _ in range(9):
        client.refresh()
        clock.advance(86_400)
    assert kinds_of(client) == [("f", "unused")]


def test_flags_that_are_settled_or_expired_are_stale() -> None:
    clock = ManualClock()
    flags = {
        "all": flag(rules=[{"id": "r", "rollout": {"percent": 100}, "serve": "on"}]),
        "none": flag(rules=[{"id": "r", "rollout": {"percent": 0}, "serve": "on"}]),
        "some": flag(rules=[{"id": "r", "rollout": {"percent": 1}, "serve": "on"}]),
        "old": when({"attr": "a", "op": "exists"}) | {"expires": "2026-01-05"},
    }
    client = FlagClient(document(flags), clock=clock)
    clock.advance(3 * 86_400)
    assert kinds_of(client, days=7) == []
    clock.advance(5 * 86_400)
    settled = [key for key, kind in kinds_of(client) if kind == "settled"]
    expired = [key for key, kind in kinds_of(client) if kind == "expired"]
    assert (settled, expired) == (["all", "none"], ["old"])


def test_a_flag_that_was_changed_of_late_is_not_settled() -> None:
    clock = ManualClock()
    store = MemoryStore(document({"f": ON, "g": ON}))
    client = FlagClient(store, clock=clock)
    clock.advance(6 * 86_400)
    store.publish(document({"f": OFF, "g": ON}), expected=1, author="ana")
    client.refresh()
    clock.advance(2 * 86_400)
    assert [key for key, kind in kinds_of(client) if kind == "settled"] == ["g"]


def test_call_sites_are_found_in_the_code(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(
        'def f(flags):\n    return flags.boolean("gone", False) or flags.string("old", "")\n'
    )
    (tmp_path / "broken.py").write_text("def (")
    client = FlagClient(document({"old": flag() | {"expires": "2020-01-01"}}))
    found = {each.key: each for each in client.stale(unused_for=timedelta(days=1), source_root=tmp_path)}
    assert (found["gone"].kind, found["gone"].call_sites) == ("missing", ("shop.py:2",))
    assert found["old"].call_sites == ("shop.py:2",)


@pytest.fixture(autouse=True)
def no_override_is_left() -> Iterator[None]:
    yield
    assert FlagClient(document({"f": OFF})).boolean("f", True) is False
