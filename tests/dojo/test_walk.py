"""A new user's walk, as docs/katas.md shows it: from the wheel in a bare environment to a first green level."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
DOCUMENT = ROOT / "docs" / "katas.md"
WALK = re.compile(r"<!-- not run: the walk [^>]*-->\n```console\n(.*?)```", re.DOTALL)


def steps() -> list[tuple[str, list[str]]]:
    """The commands of the walk, each with what is shown below it; a here-document belongs to its command."""
    found: list[tuple[str, list[str]]] = []
    for part in re.split(r"^\$ ", "".join(WALK.findall(DOCUMENT.read_text("utf-8"))), flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        if command.endswith("<<'END'"):
            text, _, shown = shown.partition("\nEND\n")
            command = f"{command}\n{text}\nEND"
        found.append((command, shown.rstrip("\n").splitlines()))
    return found


def matches(shown: list[str], real: str) -> bool:
    """Whether the output is what is shown; a line `...` stands for any lines."""
    pattern = "".join(r"(?:.*\n)*" if line == "..." else re.escape(line) + r"\s*\n" for line in shown)
    return re.fullmatch(pattern, real) is not None


@pytest.mark.skipif(os.name != "posix", reason="the walk is typed into a POSIX shell")
def test_the_walk_leads_from_the_wheel_to_a_first_green_level(tmp_path: Path) -> None:
    wheel = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(wheel, cwd=ROOT, check=True, capture_output=True)
    script: list[str] = []
    for number, (command, _) in enumerate(steps()):
        offline = f"pip install --quiet --no-index --no-deps {tmp_path}/*.whl"
        typed = command.replace("python3", sys.executable).replace("pip install lldkit", offline)
        script.append(f"echo '<<{number}>>'\n{typed}")
    home = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "COLUMNS": "100", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=tmp_path,
        env=home,
        capture_output=True,
        text=True,
        check=False,
    )
    said = dict(re.findall(r"^<<(\d+)>>\n(.*?)(?=^<<\d+>>\n|\Z)", done.stdout, re.DOTALL | re.MULTILINE))
    assert [command for command, _ in steps()][2] == "pip install lldkit"
    for number, (command, shown) in enumerate(steps()):
        assert str(number) in said, f"`{command}` was not reached: {done.stderr}"
        assert matches(shown, said[str(number)]), (
            f"`{command}` prints something else:\n{said[str(number)]}{done.stderr}"
        )
    assert any("GREEN" in line for _, shown in steps() for line in shown)
