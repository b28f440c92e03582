"""A schedule recorded by one Python, in one process, is the same story in any other."""

import functools
import json
import os
import subprocess
import weakref
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

from interpreters import RUNNING, SUPPORTED, interpreter
from lldkit.interleave import bytecode

ROOT = Path(__file__).parent.parent.parent


def ask(version: str, task: str, given: str = "", hash_seed: int = 1) -> str:
    """What a fresh process of that Python prints."""
    paths = (ROOT / "components", ROOT / "tests")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "PYTHONHASHSEED": str(hash_seed),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [interpreter(version), "-m", "interleave.replaying", task]
    ran = subprocess.run(command, input=given, capture_output=True, text=True, env=environment, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@functools.cache
def recorded(version: str, hash_seed: int = 1) -> str:
    """The failing schedules that this Python finds."""
    return ask(version, "record", hash_seed=hash_seed)


def test_enough_different_schedules_are_recorded_to_speak_of_replay() -> None:
    found: list[dict[str, Any]] = json.loads(recorded(RUNNING))
    assert len(found) >= 140
    assert len({one["schedule"] for one in found}) >= 100
    assert {one["schedule"].split(":")[0] for one in found} == {"free", "gil", "sync"}


@pytest.mark.parametrize("there", SUPPORTED)
@pytest.mark.parametrize("here", SUPPORTED)
def test_a_schedule_recorded_on_one_python_replays_identically_on_another(here: str, there: str) -> None:
    assert ask(there, "replay", recorded(here), hash_seed=2) == recorded(here)


def test_a_seed_finds_the_same_in_every_process_and_under_every_hash_seed() -> None:
    assert recorded(RUNNING, hash_seed=3) == recorded(RUNNING)


@pytest.mark.parametrize("version", SUPPORTED)
def test_the_whole_language_has_the_same_steps_on_every_python(version: str) -> None:
    steps = json.loads(ask(RUNNING, "steps"))
    assert sum(map(len, steps.values())) > 400
    assert json.loads(ask(version, "steps")) == steps


def test_each_code_object_is_read_once_though_another_is_equal() -> None:
    read: list[CodeType] = []

    def name(code: CodeType) -> str:
        read.append(code)
        return code.co_name

    once = bytecode.once_per_code(name)
    twins = [compile("x = 1", "here.py", "exec") for _ in range(2)]
    assert twins[0] == twins[1]
    assert [once(code) for code in twins * 2] == ["<module>"] * 4
    assert [code is twin for code, twin in zip(read, twins, strict=True)] == [True, True]


def test_not_all_that_was_ever_read_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bytecode, "_MOST", 3)
    once = bytecode.once_per_code(weakref.ref)
    references = [once(compile("x = 1", "here.py", "exec")) for _ in range(10)]
    assert sum(reference() is not None for reference in references) <= 3
