"""`make bench`: run the benchmarks, print lldkit beside its peers, and write docs/benchmarks.md and its charts.

    python tests/benchmarks/report.py [ROOM ...]

Without a room all are run. The sections of rooms that are not run stay as they are in the document.
"""

import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from lldkit.charts import Bar, Bars, Figure, Tone

ROOT = Path(__file__).parent.parent.parent
PREFACE = """\
# Benchmarks

Every row times lldkit and its peers side by side in one process: each round runs all subjects of the row one after the
other and begins with another one, the garbage collector is off, and the least of all rounds counts. So the ratios
hold when the machine is slow or busy; the times themselves are those of one machine on one day. Less is better.

Repeat them with `make bench`, or with `make bench ARGS="rate_limiter"` for one room. Rows that need an engine which is
not installed are left out. No test depends on a time.
"""


@dataclass(frozen=True)
class Row:
    """One row of figures, as `beside.record` wrote it; less is better."""

    title: str
    unit: str
    target: str
    ours: str
    floor: str | None
    values: Mapping[str, float]

    def beside_ours(self, name: str) -> float:
        """How many times our figure `name` has."""
        return self.values[name] / (self.values[self.ours] or 1e-12)

    @property
    def ranked(self) -> list[str]:
        """The subjects, the best one first."""
        return sorted(self.values, key=lambda name: self.values[name])

    @property
    def ahead_of_us(self) -> list[str]:
        """Who has less than we have; the floor, which nobody can beat, does not count."""
        better = [name for name in self.ranked if self.values[name] < self.values[self.ours]]
        return [name for name in better if name != self.floor]


def rows(document: Mapping[str, Any]) -> list[Row]:
    """The rows in pytest-benchmark's JSON; a benchmark without a row is not one of ours."""
    carried = [benchmark["extra_info"] for benchmark in document["benchmarks"] if "row" in benchmark["extra_info"]]
    return [
        Row(info["row"], info["unit"], info["target"], info["ours"], info["floor"], info["values"]) for info in carried
    ]


def quantity(value: float, unit: str) -> str:
    """A figure with a unit that suits its size, to three digits."""
    if unit == "s":
        factor, unit = next(
            (f, u) for f, u in ((1e9, "ns"), (1e6, "us"), (1e3, "ms"), (1, "s")) if value * f < 1000 or f == 1
        )
        value *= factor
    return f"{digits(value)} {unit}"


def ratio(value: float) -> str:
    """A ratio to three digits: 1.00 x, 14.2 x, 1,280 x."""
    return f"{digits(value)} x"


def digits(value: float) -> str:
    """Three digits, and as many as it takes before the point."""
    return f"{value:,.{0 if value >= 100 else 1 if value >= 10 else 2}f}"


def losses(found: Sequence[Row]) -> str:
    """A plain statement of where a peer is better."""
    lines = [
        f"- {row.title}: {name} needs {digits(row.beside_ours(name))} of what {row.ours} needs"
        for row in found
        for name in row.ahead_of_us
    ]
    if not lines:
        return "In no row of this run does a peer need less than lldkit."
    return "\n".join(["Where lldkit is behind:", "", *lines])


def table(row: Row) -> list[list[str]]:
    """The cells of a row's table: subject, figure, ratio to ours, ratio to the floor."""
    head = [row.title, "needs", f"beside {row.ours}"] + ([f"beside the floor ({row.floor})"] if row.floor else [])
    cells = [head]
    for name in row.ranked:
        cells.append([name, quantity(row.values[name], row.unit), ratio(row.beside_ours(name))])
        if row.floor:
            cells[-1].append(ratio(row.values[name] / (row.values[row.floor] or 1e-12)))
    return cells


def as_text(row: Row) -> str:
    """The table for a terminal."""
    cells = table(row)
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    lines = [
        "  ".join(
            [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]
        )
        for line in cells
    ]
    return "\n".join([*lines, *([f"target: {row.target}"] if row.target else [])])


def as_markdown(row: Row) -> str:
    """The table for the document, with our line in bold."""
    first, *rest = table(row)
    lines = [first, ["---", *["---:"] * (len(first) - 1)]]
    lines += [[f"**{cell}**" for cell in line] if line[0] == row.ours else line for line in rest]
    text = "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)
    return f"{text}\n\nTarget: {row.target}." if row.target else text


def chart(room: str, found: Sequence[Row]) -> Figure:
    """One panel of bars for each row."""

    def tone(row: Row, name: str) -> Tone:
        return "one" if name == row.ours else "three" if name == row.floor else "quiet"

    panels = [
        Bars(
            [
                Bar(
                    name,
                    row.values[name],
                    f"{quantity(row.values[name], row.unit)}, {ratio(row.beside_ours(name))}",
                    tone(row, name),
                )
                for name in row.ranked
            ],
            row.title,
        )
        for row in found
    ]
    described = "; ".join(
        f"{row.title}: " + ", ".join(f"{name} {ratio(row.beside_ours(name))}" for name in row.ranked) for row in found
    )
    return Figure(f"{room} beside its peers (less is better)", panels, description=described)


def versions(found: Sequence[Row]) -> str:
    """The versions of all subjects that are installed distributions, by the first word of their names."""
    installed = {}
    for name in sorted({name for row in found for name in row.values}, key=str.lower):
        if word := re.match(r"[A-Za-z0-9_-]+", name):
            try:
                installed[word[0]] = metadata.version(word[0])
            except metadata.PackageNotFoundError:
                continue
    return ", ".join(f"{name} {version}" for name, version in installed.items())


def machine() -> str:
    """The class of this machine, and nothing that would tell it from others of its class."""
    return f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}"


def section(room: str, found: Sequence[Row], day: str, skipped: Sequence[str] = ()) -> str:
    """The room's part of the document."""
    parts = [
        f"## {room}",
        f"{day}, {platform.python_implementation()} {platform.python_version()}, {machine()}. {versions(found)}.",
        f"![{room} beside its peers](img/benchmarks-{room}.svg)",
        losses(found),
        *(as_markdown(row) for row in found),
        *([f"Left out in this run: {', '.join(skipped)}."] if skipped else []),
    ]
    return "\n\n".join(parts)


def merge(document: str, sections: Mapping[str, str]) -> str:
    """The whole document with these rooms renewed and the others kept, in alphabetical order."""
    kept = {
        found["room"]: found["text"]
        for found in re.finditer(
            r"<!-- room: (?P<room>\w+) -->\n(?P<text>.*?)\n<!-- end of room -->", document, re.DOTALL
        )
    }
    rooms = sorted({**kept, **sections}.items())
    return "\n".join([PREFACE, *(f"<!-- room: {room} -->\n{text}\n<!-- end of room -->\n" for room, text in rooms)])


def run(*tests: Path) -> tuple[list[Row], list[str]]:
    """Run the benchmarks of some files with a progress line; their rows, and the names of skipped tests."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        command = [sys.executable, "-m", "pytest", "-v", "-c", "pyproject.toml", "--rootdir", ".", *map(str, tests)]
        command += ["--benchmark-enable", "--benchmark-json", str(result), "-p", "no:cacheprovider"]
        command += ["-W", "default::pytest_benchmark.logger.PytestBenchmarkWarning"]  # such as: all were skipped
        output, skipped = [], []
        # Where this runs inside a parallel test, pytest-benchmark would take its run for a parallel one, too.
        alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
        with subprocess.Popen(
            command, cwd=ROOT, env=alone, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                output.append(line)
                if at := re.match(r"\S*::(\S+) (\w+).*\[ *(\d+)%\]", line):
                    progress(f"{tests[0].stem} {at[3]:>3} %  {at[1]}")
                    skipped += [at[1]] if at[2] == "SKIPPED" else []
        progress("")
        if process.returncode != 0:
            sys.exit(f"{why(''.join(output))}\n{tests[0].name} failed; nothing was written")
        written = result.read_text(encoding="utf-8") if result.exists() else ""  # nothing when all were skipped
        return rows(json.loads(written or '{"benchmarks": []}')), skipped


def why(output: str) -> str:
    """What stopped a run: the peers that are not installed, in one line, else all that it printed."""
    absent = sorted(set(re.findall(r"No module named '([\w.]+)'", output)))
    return f"not installed: {', '.join(absent)}; `make clean bench` builds .venv with every peer" if absent else output


def progress(text: str) -> None:
    """Overwrite the progress line, where there is a terminal to do so."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def rooms() -> list[str]:
    """The units of lldkit that have benchmarks."""
    names = [path.stem.removeprefix("test_") for path in sorted(Path(__file__).parent.glob("test_*.py"))]
    return [name for name in names if (ROOT / "components" / "lldkit" / name).is_dir()]


def main(asked: Sequence[str]) -> int:
    """Run, print, write; bad usage is 2."""
    if unknown := set(asked) - set(rooms()):
        known = ", ".join(rooms()) or "none yet"
        print(f"no benchmarks for {', '.join(sorted(unknown))}; there are: {known}", file=sys.stderr)
        return 2
    document = ROOT / "docs" / "benchmarks.md"
    for room in asked or rooms():
        folder = Path(__file__).parent
        found, skipped = run(folder / f"test_{room}.py", *sorted(folder.glob(f"test_{room}_*.py")))
        print(room, *(f"\n{as_text(row)}" for row in found), f"\n{losses(found)}\n", sep="\n")
        if not found:
            continue
        day = datetime.now(UTC).date().isoformat()
        before = document.read_text(encoding="utf-8") if document.exists() else ""
        picture = document.parent / "img" / f"benchmarks-{room}.svg"
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.write_text(chart(room, found).to_svg(), encoding="utf-8")
        document.write_text(merge(before, {room: section(room, found, day, skipped)}), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
