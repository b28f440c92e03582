"""Config as its users see it: reloads that apply whole or not, explanations, listeners, versions, overrides, events."""

import asyncio
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from config.helpers import REQUIRED, App, Bench, Pair
from lldkit.clock import EPOCH
from lldkit.config import (
    Change,
    Config,
    ConfigError,
    ConfigLoaded,
    Env,
    File,
    Held,
    Problem,
    Rejected,
    Released,
    Reloaded,
    RolledBack,
    Values,
)
from lldkit.snapshot import VersionNotFound


def test_a_reload_swaps_the_whole_value_and_counts_versions() -> None:
    bench = Bench()
    first = bench.config.current
    result = bench.say(a=2, b=3)
    assert (result.applied, result.version, sorted(result.changed)) == (True, 2, ["a", "b"])
    assert (bench.config.current, first) == (Pair(2, 3), Pair(1, 0))
    assert bench.config.snapshot.value is bench.config.current
    assert (bench.config.snapshot.version, bench.config.snapshot.loaded_at) == (2, EPOCH)


def test_a_broken_reload_leaves_the_same_object_and_is_told_once_per_cause() -> None:
    bench = Bench()
    current = bench.config.current
    for _ in range(3):
        result = bench.say(a="x")
        assert (result.applied, result.version, result.problems[0].path) == (False, 1, "a")
    bench.say(b=5)  # another change, and the same cause
    bench.say(a="y", b=0)
    bench.say(a=1)
    bench.say(a="x")
    assert bench.config.current is current
    assert [type(event) for event in bench.events] == [ConfigLoaded, Rejected, Rejected, Rejected]


def test_the_same_content_makes_no_version_and_no_event() -> None:
    bench = Bench()
    result = bench.say(b=0)  # said now, where it was the default before
    assert (result.applied, bench.config.version, len(bench.events)) == (False, 1, 1)
    assert bench.config.explain("b").winner.layer == "values"


def test_a_low_layer_never_beats_a_high_one_whatever_changes_first() -> None:
    low, high = {"a": 1}, {"a": 10}
    config = Config(Pair, layers=[Values(low), Values(high)])
    low["a"] = 2
    assert not config.reload().applied
    high["a"] = 11
    config.reload()
    low["a"] = 3
    config.reload()
    assert (config.current.a, config.version) == (11, 2)


def test_rollback_is_a_new_version_that_is_held_until_release() -> None:
    bench, heard = Bench(), list[Change]()
    for number in range(2, 10):
        bench.say(a=number)
    bench.config.watch("a", heard.append)
    assert bench.config.rollback(to=3, author="ana", reason="p99 doubled") == 10
    entry = bench.config.history()[0]
    assert (entry.version, entry.parent, entry.author, entry.reason) == (10, 3, "ana", "p99 doubled")
    assert (bench.config.current.a, heard[-1].new, bench.config.held) == (3, 3, True)
    held = bench.say(a=50)
    assert (held.applied, held.changed["a"].new, bench.config.current.a) == (False, 50, 3)
    assert bench.say(a="x").problems
    assert bench.config.rollback(to=10, author="ben", reason="again") == 11
    assert bench.config.rollback(to=9, author="ben", reason="no, forward") == 12
    assert bench.config.current.a == 9
    bench.tree["a"] = 51
    released = bench.config.release()
    assert (released.applied, released.version, bench.config.current.a, bench.config.held) == (True, 13, 51, False)
    kinds = [type(event) for event in bench.events[9:]]
    assert kinds == [RolledBack, Held, Rejected, RolledBack, RolledBack, Released, Reloaded]
    assert [event.version for event in bench.events[9:]] == [10, 10, 10, 11, 12, 12, 13]
    assert not bench.config.release().applied


def test_an_explanation_after_a_rollback_is_of_the_words_of_then() -> None:
    bench = Bench()
    bench.say(a=2)
    bench.config.rollback(to=1, author="ana", reason="")
    assert bench.config.explain("a").winner.value == 1


def test_history_is_bounded_and_numbers_are_never_used_twice() -> None:
    bench = Bench(history_limit=3)
    for number in range(2, 7):
        bench.say(a=number)
    assert [entry.version for entry in bench.config.history()] == [6, 5, 4]
    with pytest.raises(VersionNotFound) as caught:
        bench.config.rollback(to=2, author="ana", reason="")
    assert (caught.value.oldest, caught.value.newest) == (4, 6)
    assert [(change.old, change.new) for change in bench.config.diff(4, 6)] == [(4, 6)]
    with pytest.raises(ValueError, match="author must say"):
        bench.config.rollback(to=4, author="", reason="")
    with pytest.raises(ValueError, match="history_limit must be at least 1"):
        Bench(history_limit=0)


def test_a_rollback_target_that_the_check_does_not_accept_any_more_is_refused() -> None:
    least = [0]

    def check(pair: Pair) -> Iterable[Problem]:
        if pair.a < least[0]:
            yield Problem("rejected", "a", "", "", f"must be at least {least[0]}")

    bench = Bench(check=check)
    bench.say(a=5)
    least[0] = 3
    with pytest.raises(ConfigError, match="must be at least 3"):
        bench.config.rollback(to=1, author="ana", reason="")
    assert (bench.config.version, bench.config.held) == (2, False)
    assert bench.say(a=2).problems[0].message == "must be at least 3"


def test_a_reload_that_is_interrupted_is_done_by_the_next_one() -> None:
    interruptions = [KeyboardInterrupt()]

    def check(pair: Pair) -> Iterable[Problem]:
        if pair.a == 2 and interruptions:
            raise interruptions.pop()
        return ()

    bench = Bench(check=check)
    with pytest.raises(KeyboardInterrupt):
        bench.say(a=2)
    assert bench.config.current.a == 1
    assert bench.config.reload().applied
    assert bench.config.current.a == 2


def test_a_check_must_not_change_what_it_checks() -> None:
    def check(pair: Pair) -> Iterable[Problem]:
        if pair.a == 2:
            bench.config.reload()
        return ()

    bench = Bench(check=check)
    assert "RuntimeError" in bench.say(a=2).problems[0].message
    assert bench.say(a=3).applied


def test_an_override_is_for_its_block_and_its_task() -> None:
    bench = Bench()
    config, kind = bench.config, type(bench.config)

    async def main() -> list[int]:
        seen, go = list[int](), asyncio.Event()

        async def outside() -> None:
            await go.wait()
            seen.append(config.current.a)

        before = asyncio.create_task(outside())
        await asyncio.sleep(0)
        with config.override({"a": 8}) as inner:
            assert inner == config.current == Pair(8, 0)
            go.set()
            await before
            await asyncio.create_task(outside())
            other = threading.Thread(target=lambda: seen.append(config.current.a))
            other.start()
            other.join()
            with config.override({"b": 9}):
                assert config.current == Pair(8, 9)
                assert [each.layer for each in config.explain("b").candidates] == ["default", "override"]
            assert config.current == Pair(8, 0)
        return seen

    assert asyncio.run(main()) == [1, 8, 1]
    with pytest.raises(ConfigError, match="no such key"), config.override({"c": 1}):
        pass
    with pytest.raises(ZeroDivisionError), config.override({"a": 3}):
        raise ZeroDivisionError
    assert config.current == Pair(1, 0)
    assert type(config) is kind
    with config.override({"a": 3}):
        bench.say(b=4)
        assert config.current == Pair(3, 0)
    assert config.current == Pair(1, 4)


def test_explain_names_all_who_spoke_and_the_one_who_counts(tmp_path: Path) -> None:
    file = tmp_path / "app.toml"
    file.write_text("[pool]\nsize = 15\n")
    config = Config(App, layers=[REQUIRED, File(file), Env("APP_", environ={"APP_POOL__SIZE": "20"})])
    found = config.explain("pool.size")
    assert (found.value, found.winner.layer) == (20, "env")
    assert [(each.location, each.value, each.wins) for each in found.candidates] == [
        ("default", 10, False),
        (f"{file}:2", 15, False),
        ("env APP_POOL__SIZE", "20", True),
    ]
    with pytest.raises(LookupError, match=r"pool is a section; ask for pool.size, pool.timeout"):
        config.explain("pool")
    with pytest.raises(LookupError, match=r"did you mean pool.size\?"):
        config.explain("pool.sise")
    removed = Config(Pair, layers=[Values({"a": 1}, "low"), Values({"a": None}, "high")]).explain("a")
    assert [(each.layer, each.wins) for each in removed.candidates] == [
        ("default", True),
        ("low", False),
        ("high", False),
    ]


def test_unknown_keys_are_an_error_a_report_or_nothing() -> None:
    tree = Values({"a": 1, "aa": 2})
    with pytest.raises(ConfigError, match=r"aa \(values\): the schema has no such key; did you mean a\?"):
        Config(Pair, layers=[tree])
    assert [each.path for each in Config(Pair, layers=[tree], unknown="report").unknown_keys()] == ["aa"]
    assert Config(Pair, layers=[tree], unknown="ignore").unknown_keys() == ()
    with pytest.raises(ValueError, match="'error', 'report' or 'ignore', got 'maybe'"):
        Config(Pair, layers=[], unknown="maybe")  # type: ignore[arg-type]


def test_a_tracked_program_shows_what_it_never_reads() -> None:
    config = Config(App, layers=[REQUIRED, Values({"extra": 1})], unknown="report")
    assert [(each.path, each.why) for each in config.unused()] == [("extra", "unknown")]
    app = config.track()
    assert (app.pool.size, app.name) == (10, "shop")
    unread = [each.path for each in config.unused() if each.why == "never read"]
    assert unread == ["database_url", "pool.timeout", "regions", "debug"]


def test_another_library_may_build_the_value() -> None:
    @dataclass
    class Foreign:
        document: dict[str, Any]

        @classmethod
        def validate(cls, document: dict[str, Any]) -> "Foreign":
            if "a" not in document:
                raise ForeignError
            return cls(document)

    class ForeignError(ValueError):
        def errors(self) -> list[dict[str, Any]]:
            return [{"loc": ("pool", "a"), "type": "missing", "input": "hunter2"}]

    tree: dict[str, Any] = {"a": 1, "pool": {"x": [1]}}
    config = Config(Foreign, layers=[Values(tree), Env("APP_", environ={"APP_POOL__Y": "2"})], build=Foreign.validate)
    assert config.current.document == {"a": 1, "pool": {"x": [1], "y": "2"}}
    assert config.explain("pool.y").winner.location == "env APP_POOL__Y"
    tree["a"] = 2
    assert list(config.reload().changed) == ["a"]
    del tree["a"]
    (found,) = config.reload().problems
    assert (found.path, found.message) == ("pool.a", "missing")
    tree["pool"] = 3
    assert config.reload().problems[0].kind == "merge_conflict"
    with pytest.raises(TypeError, match="cache_file needs a schema"):
        Config(Foreign, layers=[], build=Foreign.validate, cache_file=Path("x"))


def test_a_plain_read_is_an_attribute_of_the_instance() -> None:
    config = Bench().config
    assert "current" in vars(config)
    assert not hasattr(type(config), "current")
