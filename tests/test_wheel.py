"""What a user installs: the wheel, in a bare environment, with nothing beside it but the standard library."""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

ONLY_OUR_OWN = """
import sys
before = set(sys.modules)
import lldkit.rate_limiter, lldkit.__main__
from lldkit.rate_limiter import *
foreign = {name.partition(".")[0] for name in set(sys.modules) - before}
foreign -= {*sys.stdlib_module_names, "lldkit"}
assert not foreign, foreign
assert RateLimiter(per_second(1)).acquire("k")
"""


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a new environment that holds the freshly built wheel and nothing else."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=ROOT, check=True)
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv" / "bin" / "python"
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = subprocess.run([python, "-c", where], check=True, capture_output=True, text=True).stdout.strip()
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(site)
    return python


def run(python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([python, "-I", *arguments], check=False, capture_output=True, text=True, cwd=python.parent)


def test_it_imports_nothing_but_the_standard_library(bare: Path) -> None:
    done = run(bare, "-c", ONLY_OUR_OWN)
    assert (done.returncode, done.stderr) == (0, "")


def test_its_commands_work(bare: Path) -> None:
    assert "gcra" in run(bare, "-m", "lldkit", "demo", "rate_limiter").stdout
    listed = run(bare, "-m", "lldkit", "kata", "list").stdout
    assert "rate_limiter" in listed
    assert "bounded_queue" in listed
