"""The Pythons of this machine, for tests whose promise holds on each of them."""

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

__all__ = ["RUNNING", "SUPPORTED", "interpreter", "interpreters"]

SUPPORTED = ("3.11", "3.12", "3.13")
RUNNING = "{}.{}".format(*sys.version_info)


@functools.cache
def interpreters() -> dict[str, str]:
    """Version -> command of each supported Python that is installed and starts; the running one is always among them.

    They are looked for in the folders of `LLDKIT_PYTHONS`, on the path, under `PYENV_ROOT`, and beside the running one.
    """
    found = {RUNNING: sys.executable}
    for version in SUPPORTED:
        first = next((one for one in _candidates(version) if _is(version, one)), None)
        if first is not None:
            found.setdefault(version, first)
    return found


def interpreter(version: str) -> str:
    """The command of this Python; skips the test where it is not installed."""
    if version not in interpreters():
        pytest.skip(f"no Python {version} on the path, under PYENV_ROOT or in a folder of LLDKIT_PYTHONS")
    return interpreters()[version]


def _candidates(version: str) -> Iterator[str]:
    given = os.environ.get("LLDKIT_PYTHONS", "").split(os.pathsep)
    yield from (str(Path(folder) / f"python{version}") for folder in given if folder)
    on_path = shutil.which(f"python{version}")
    if on_path is not None:
        yield on_path
    homes = [Path(sys.base_prefix).parent]
    if "PYENV_ROOT" in os.environ:
        homes.append(Path(os.environ["PYENV_ROOT"]) / "versions")
    for home in homes:
        yield from map(str, sorted(home.glob(f"*{version}*/bin/python{version}")))


def _is(version: str, command: str) -> bool:
    """Whether `command` starts, and is this Python: a shim of pyenv may be neither."""
    ask = "import sys; print('{}.{}'.format(*sys.version_info))"
    try:
        ran = subprocess.run([command, "-c", ask], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return ran.stdout.strip() == version
