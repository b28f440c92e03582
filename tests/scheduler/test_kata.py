"""The kata's reference is green, its wrong solutions are named, and its store keeps what it promises."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType

import pytest

from lldkit.dojo import grade, load_kata


def test_the_reference_passes_every_level() -> None:
    kata = load_kata("scheduler")
    report = grade(kata, kata.folder / "solutions" / "level6.py")
    assert (report.verdict.value, report.reached) == ("green", 6)


@pytest.mark.parametrize(
    ("bug", "level", "check"),
    [
        ("w01_nobody_is_woken", 1, "an_earlier_job_wakes_the_sleeper"),
        ("w11_runs_in_both_passages", 4, "the_night_that_has_an_hour_twice"),
        ("w15_settles_without_fence", 5, "a_process_that_wakes_up_too_late_is_refused"),
        ("w17_look_then_claim", 6, "two_claim_at_once"),
    ],
)
def test_a_planted_bug_is_named(bug: str, level: int, check: str) -> None:
    kata = load_kata("scheduler")
    report = grade(kata, kata.folder / "wrong" / f"{bug}.py", level=level)
    assert (report.verdict.value, report.failure) == ("red", check)
    assert report.looks_like is not None
    assert report.looks_like.id == bug[:3]


@pytest.fixture
def interface(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module that solutions import; dataclasses look it up by its name."""
    spec = spec_from_file_location("interface", load_kata("scheduler").folder / "interface.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "interface", module)
    spec.loader.exec_module(module)
    return module


def test_a_transaction_of_the_store_is_whole_or_nothing(interface: ModuleType) -> None:
    store = interface.Store()
    with store.transaction() as rows:
        rows[1] = {"state": "waiting"}
    with pytest.raises(KeyError), store.transaction() as rows:
        del rows[1], rows[2]
    rows[1] = {"state": "a copy"}
    with store.connect().transaction() as rows:
        assert rows == {1: {"state": "waiting"}}


def test_a_killed_process_can_tidy_nothing_up(interface: ModuleType) -> None:
    store = interface.Store()
    store.on_answer = store.kill
    with pytest.raises(interface.Killed), store.transaction() as rows:
        rows[1] = {"state": "running"}
    with pytest.raises(interface.Killed), store.transaction() as rows:
        rows.clear()
    with store.connect().transaction() as rows:
        assert rows == {1: {"state": "running"}}


def test_the_store_refuses_what_it_could_not_keep(interface: ModuleType) -> None:
    store = interface.Store()
    with pytest.raises(TypeError, match=r"got \[\]"), store.transaction() as rows:
        rows[1] = {"log": []}
    with pytest.raises(RuntimeError, match="has a transaction already"), store.transaction(), store.transaction():
        pass
    with store.transaction() as rows:
        assert rows == {}
