"""A schedule recorded by one Python, in one process, is the same story in any other."""

import functools
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typing_extensions

from interpreters import RUNNING, SUPPORTED, interpreter

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module", autouse=True)
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the one library that the package needs: the other Pythons have none of ours."""
    folder = tmp_path_factory.mktemp("library")
    shutil.copy(typing_extensions.__file__, folder)
    return folder


def ask(version: str, library: Path, task: str, given: str = "", hash_seed: int = 1) -> str:
    """What a fresh process of that Python prints."""
    paths = (ROOT / "components", ROOT / "tests", library)
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
def recorded(version: str, library: Path, hash_seed: int = 1) -> str:
    """The failing schedules that this Python finds."""
    return ask(version, library, "record", hash_seed=hash_seed)


def test_enough_different_schedules_are_recorded_to_speak_of_replay(library: Path) -> None:
    found: list[dict[str, Any]] = json.loads(recorded(RUNNING, library))
    assert len(found) >= 140
    assert len({one["schedule"] for one in found}) >= 100
    assert {one["schedule"].split(":")[0] for one in found} == {"free", "gil", "sync"}


@pytest.mark.parametrize("there", SUPPORTED)
@pytest.mark.parametrize("here", SUPPORTED)
def test_a_schedule_recorded_on_one_python_replays_identically_on_another(here: str, there: str, library: Path) -> None:
    assert ask(there, library, "replay", recorded(here, library), hash_seed=2) == recorded(here, library)


def test_a_seed_finds_the_same_in_every_process_and_under_every_hash_seed(library: Path) -> None:
    assert recorded(RUNNING, library, hash_seed=3) == recorded(RUNNING, library)


@pytest.mark.parametrize("version", SUPPORTED)
def test_the_whole_language_has_the_same_steps_on_every_python(version: str, library: Path) -> None:
    steps = json.loads(ask(RUNNING, library, "steps"))
    assert sum(map(len, steps.values())) > 400
    assert json.loads(ask(version, library, "steps")) == steps
