"""The threads of an exploration share one core, and whoever explores gets back what was his."""

import os
from collections.abc import Callable

import pytest

from lldkit.interleave import explore
from lldkit.interleave.one_core import one_core

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="this system does not say where a thread runs"
)


def where() -> tuple[frozenset[int], int]:
    return frozenset(os.sched_getaffinity(0)), os.sched_getscheduler(0)


def test_all_threads_of_a_run_share_the_core_of_who_explores() -> None:
    seen: set[tuple[frozenset[int], int]] = set()

    def program() -> tuple[list[Callable[[], object]], None]:
        seen.add(where())
        return [lambda: seen.add(where())] * 2, None

    before = where()
    explore(program, schedules=3)
    ((cores, policy),) = seen
    assert len(cores) == 1
    assert cores <= before[0]
    assert policy == os.SCHED_BATCH
    assert where() == before


def test_what_was_there_comes_back_when_a_program_fails() -> None:
    def program() -> tuple[list[Callable[[], object]], None]:
        raise ZeroDivisionError

    before = where()
    with pytest.raises(ZeroDivisionError):
        explore(program)
    assert where() == before


def test_a_sandbox_that_forbids_it_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError("not allowed")

    before = where()
    monkeypatch.setattr(os, "sched_setscheduler", refused)
    with one_core():
        assert len(where()[0]) == 1
    assert where() == before


def test_a_policy_that_somebody_chose_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: list[object] = []
    monkeypatch.setattr(os, "sched_getscheduler", lambda _: os.SCHED_IDLE)
    monkeypatch.setattr(os, "sched_setscheduler", lambda *policy: chosen.append(policy))
    with one_core():
        assert len(os.sched_getaffinity(0)) == 1
    assert chosen == []
