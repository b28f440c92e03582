"""Grading as the tests of the dojo use it, and a tiny kata whose every part can be spoilt."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lldkit.dojo import grade, load_kata
from lldkit.dojo.interface import Manifest, Report

JAR = {
    "kata.toml": """
format = 1
name = "jar"
title = "A jar of things"
entry = "Jar"
forbid = ["collections.deque"]
[[level]]
n = 1
title = "Things go in and come out"
minutes = 5
programs = 60
[[level]]
n = 2
title = "Counting"
minutes = 5
adds = ["count"]
[[wrong]]
id = "w01"
file = "wrong/w01_alias.py"
dies_at = 1
killed_by = "model-1"
says = "Keeps the caller's list: copy it."
violates = "The jar keeps its own copy."
why = "the caller goes on using the list"
seen_in = "here"
""",
    "interface.py": '''
class Jar:
    """Protocol of the jar."""
    def __init__(self, *, clock): ...
    def fill(self, things): ...
    def look(self): ...
    def count(self, *, twice): ...
''',
    "levels/1.md": """# Level 1
- The jar keeps its own copy.

>>> jar = Jar(clock=ManualClock())
>>> jar.look()
[]
""",
    "levels/2.md": "# Level 2\n",
    "checks.py": '''
from lldkit.dojo.author import Desk, check

@check(level=1)
def a_jar_is_empty_at_first(desk):
    """Nobody buys a jar with something in it."""
    desk.expect(desk.make(clock=desk.clock()).look(), [])

@check(level=1, needs=["a_jar_is_empty_at_first"])
def what_goes_in_is_seen(desk):
    """A jar is of glass."""
    jar = desk.make(clock=desk.clock())
    jar.fill([1])
    desk.expect(jar.look(), [1])

@check(level=2)
def things_are_counted(desk):
    """Counting is what jars are for."""
    desk.expect(desk.make(clock=desk.clock()).count(twice=True), 0)
''',
    "model.py": """
from lldkit.dojo.author import Advance, Op, Program

class Model:
    def __init__(self, *, clock):
        self.things = []
    def fill(self, things):
        self.things = list(things)
    def look(self):
        return list(self.things)

def some(rng):
    return Program({}, [Op("fill", [rng.randrange(9), rng.randrange(9)]), Advance(1.0), Op("look")])

def more(rng):
    return Program({}, [Op("look"), Op("fill", [rng.randrange(9)]), Op("look"), Op("look")])

GENERATORS = {1: [some, more]}

def audit(program):
    return [Op("look")]
""",
    "stub/solution.py": "class Jar:\n    ...  # TODO\n",
    "right.py": """
class Jar:
    def __init__(self, *, clock):
        self.things = []
    def fill(self, things):
        self.things = list(things)
    def look(self):
        return list(self.things)
    def count(self, *, twice):
        return len(self.things)
""",
}


@pytest.fixture(scope="session")
def kata() -> Manifest:
    """The kata that ships."""
    return load_kata("rate_limiter")


@pytest.fixture
def jar(tmp_path: Path) -> Callable[..., Manifest]:
    """A function that writes the tiny kata, with some files replaced (`checks=...` for checks.py), and loads it."""

    def write(**changed: str) -> Manifest:
        folder = tmp_path / "jar"
        files = JAR | {next(name for name in JAR if Path(name).stem == stem): text for stem, text in changed.items()}
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        return load_kata("jar", katas=tmp_path)

    return write


@pytest.fixture
def graded(tmp_path: Path) -> Callable[..., Report]:
    """A function that grades a source text."""

    def run(kata: Manifest, source: str, **options: object) -> Report:
        path = tmp_path / "solution.py"
        path.write_text(source)
        return grade(kata, path, **options)  # type: ignore[arg-type]

    return run


@pytest.fixture
def right(kata: Manifest) -> str:
    """A right solution of the first level."""
    return (kata.folder / "solutions" / "level1.py").read_text()
