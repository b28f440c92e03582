"""The shape of the house: what ARCHITECTURE calls rules, held by tests that read the tree and the syntax."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from lldkit.playground.cli import DEMOS

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "components" / "lldkit"
TOP_LEVEL = {
    *("components", "katas", "docs", "tests"),
    *("Makefile", "pyproject.toml", "README.md", "LICENSE", "requirements.lock"),
}
BUILT = {"build", "dist", "uv.lock"}  # ignored by git; may lie about

GROUND = [
    *("errors", "arguments", "callables", "clock", "events", "turns", "steps", "machine", "money"),
    *("webhooks", "loopback", "twins", "charts", "engines", "snapshot", "claims"),
]
PROOF_TOOLS = ["interleave", "simulation"]
COMPONENTS = [
    *("rate_limiter", "retry", "circuit_breaker", "cache", "metrics", "feature_flags"),
    *("config", "payments", "notifications", "scheduler", "parking_lot", "elevator"),
]
SHARED_BY_ROOMS = ["retry", "rate_limiter", "circuit_breaker", "metrics"]
TOP_FLOOR = ["dojo", "playground"]

# Which unit may import which other units; the root package itself (`from lldkit import __version__`) is free for all.
MAY_IMPORT: dict[str, set[str]] = {
    **{unit: set(GROUND[: GROUND.index(unit)]) for unit in GROUND},
    "interleave": set(GROUND),
    "simulation": {*GROUND, "interleave"},
    **{unit: {*GROUND} for unit in COMPONENTS},
    "notifications": {*GROUND, *SHARED_BY_ROOMS},
    **{unit: {*GROUND, "simulation", *SHARED_BY_ROOMS} for unit in ("scheduler", "payments")},
    **{unit: {*GROUND, *PROOF_TOOLS, *COMPONENTS} for unit in TOP_FLOOR},
    "completion": set(),
    "__main__": {*GROUND, *PROOF_TOOLS, *COMPONENTS, *TOP_FLOOR, "completion"},
}

MOST_LINES_OF_A_FUNCTION = 70
MOST_LINES_OF_A_FILE = 400

# Where the real clock or the shared random state may be touched, each with its reason.
MAY_TOUCH_TIME = {
    "clock.py": "it is the clock",
    "dojo/bench.py": "it says how many seconds a proof took",
    "dojo/budgets.py": "it measures how costs grow",
    "dojo/child.py": "it limits a real process, and freezes the real clocks for what it grades",
    "dojo/grader.py": "it says how many seconds a grade took",
    "dojo/process.py": "it watches a real process",
    "dojo/schedules.py": "its clock is made of the patched one of the scheduler",
    "interleave/genuine.py": "it keeps the functions that everything else is patched over",
    "interleave/patching.py": "it puts virtual time in the place of real time",
    "interleave/threads.py": "its clock is the real one for threads that nobody controls",
}


def sources() -> list[Path]:
    """Every Python file of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def unit_of(path: Path) -> str:
    """The file or folder of the package that `path` belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Each absolute module named by an import, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import; name the module in full"
            module = node.module or ""
            if module == "lldkit":
                yield from ((f"lldkit.{alias.name}", node.lineno) for alias in node.names)
            else:
                yield module, node.lineno


def test_the_visible_top_level_holds_exactly_what_the_house_says() -> None:
    visible = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert visible - BUILT == TOP_LEVEL


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_imports_point_only_downwards(path: Path) -> None:
    unit = unit_of(path)
    for module, line in imports(ast.parse(path.read_text())):
        parts = module.split(".")
        if parts[0] != "lldkit" or len(parts) == 1 or parts[1] in {"__version__", unit}:
            continue
        assert parts[1] in MAY_IMPORT.get(unit, set()), f"{name_of(path)}:{line}: {unit} may not import {module}"
        if parts[1] in COMPONENTS and unit != "__main__":
            assert len(parts) == 2, f"{name_of(path)}:{line}: import {parts[1]} only through its __init__"


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_files_and_functions_keep_their_size(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= MOST_LINES_OF_A_FILE, "this file holds two ideas"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            length = node.end_lineno - node.lineno + 1
            assert length <= MOST_LINES_OF_A_FUNCTION, f"{node.name} has {length} lines"


def stray_reads(tree: ast.AST) -> Iterator[str]:
    """Uses of a real clock, a real sleep, or the random module's shared state."""
    forbidden = {
        "time": {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "sleep"},
        "asyncio": {"sleep"},
        "datetime": {"now", "utcnow", "today"},
        "date": {"today"},
        "random": {"random", "uniform", "randint", "randrange", "choice", "shuffle", "gauss", "seed", "getrandbits"},
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.attr in forbidden.get(node.value.id, ()):
                yield f"line {node.lineno}: {node.value.id}.{node.attr}"
        elif isinstance(node, ast.ImportFrom) and node.module in forbidden:
            for alias in node.names:
                if alias.name in forbidden[node.module]:
                    yield f"line {node.lineno}: from {node.module} import {alias.name}"


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_time_and_chance_are_injected(path: Path) -> None:
    if name_of(path) in MAY_TOUCH_TIME:
        return
    assert list(stray_reads(ast.parse(path.read_text()))) == []


def test_the_search_for_stray_clocks_finds_them() -> None:
    planted = "time.sleep(1)\nfrom random import choice\nasyncio.sleep(0)\ndatetime.now()\nrandom.Random(1).random()\n"
    assert sorted(found.split(": ")[1] for found in stray_reads(ast.parse(planted))) == [
        "asyncio.sleep",
        "datetime.now",
        "from random import choice",
        "time.sleep",
    ]


def exported(tree: ast.Module) -> list[str] | None:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            return list(ast.literal_eval(node.value))
    return None


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_every_file_says_what_it_is_and_what_it_exports(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), "a file begins with what it holds"
    names = exported(tree)
    assert names is not None, (
        "no __all__"
    )  # that it is sorted, and that its names are documented, is ruff's RUF022 and D1
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("path", [p for p in sources() if p.name == "__init__.py"], ids=name_of)
def test_an_init_only_re_exports(path: Path) -> None:
    defined = [
        node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef | ast.ClassDef)
    ]
    assert defined == []


ROOMS = [name for name in COMPONENTS if (PACKAGE / name / "__init__.py").exists()]


# Rooms that have landed without their last part; whoever adds the part takes the line out, or the test below fails.
LACKS_ITS_KATA: set[str] = set()


SECTIONS = [
    "The problem",
    "The interface",
    "The picture",
    "The algorithms compared",
    "How a call travels",
    "Decisions, each with its price",
    "What goes wrong, and the test that pins it",
    "From one process to many",
    "Numbers",
    "What an interviewer asks next",
    "Sources",
    "What pins it",
]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_has_the_parts_that_every_room_has(room: str) -> None:
    tests, kata = ROOT / "tests", ROOT / "katas" / room / "kata.toml"
    has_kata = room not in LACKS_ITS_KATA or kata.exists()
    missing = [
        part.relative_to(ROOT).as_posix()
        for part in [
            PACKAGE / room / "interface.py",
            PACKAGE / "playground" / f"{room}.py",
            ROOT / "docs" / f"{room}.md",
            *(tests / room / f"test_{kind}.py" for kind in ("properties", "threads", "vectors")),
            tests / "benchmarks" / f"test_{room}.py",
            tests / "pictures" / f"{room}.py",
            tests / "playground" / f"test_{room}_picture.py",
            tests / "typing" / f"{room}.py",
            *([kata, tests / room / "test_kata.py"] if has_kata else []),
        ]
        if not part.exists()
    ]
    assert not missing, f"{room} lacks {', '.join(missing)}"
    assert not (kata.exists() and room in LACKS_ITS_KATA), f"take {room} out of LACKS_ITS_KATA"


def test_no_example_of_a_property_has_a_deadline() -> None:
    assert settings.default is not None
    assert settings.default.deadline is None


def test_every_room_can_be_shown_and_every_kata_found() -> None:
    assert set(ROOMS) <= set(DEMOS)
    table = (ROOT / "katas" / "README.md").read_text()
    assert [path.parent.name for path in ROOT.glob("katas/*/kata.toml") if f"[{path.parent.name}](" not in table] == []


def sections_of(document: str) -> list[str]:
    lines = (ROOT / "docs" / f"{document}.md").read_text().splitlines()
    return [line.removeprefix("## ") for line in lines if line.startswith("## ")]


@pytest.mark.parametrize("document", [*ROOMS, "interleave", "simulation", "snapshot", "templates/design"])
def test_a_design_document_has_the_sections_that_every_one_has(document: str) -> None:
    assert sections_of(document) == SECTIONS


@pytest.mark.parametrize("document", ["claims", "dojo", "laboratories", "linearizability"])
def test_a_document_of_a_part_has_the_sections_that_fit_in_the_same_order(document: str) -> None:
    found = sections_of(document)
    assert [line for line in found if line in SECTIONS] == [line for line in SECTIONS if line in found]
    assert {*SECTIONS[:2], *(SECTIONS[index] for index in (5, 9, 10, 11))} <= set(found)


@pytest.mark.parametrize("room", ROOMS)
def test_nothing_of_the_template_is_left_in_a_design_document(room: str) -> None:
    told = (ROOT / "docs" / "templates" / "design.md").read_text().splitlines()
    written = (ROOT / "docs" / f"{room}.md").read_text().splitlines()
    assert [line for line in written if line.startswith(">") and line in told] == []


@pytest.mark.parametrize("room", ROOMS)
def test_an_engine_is_imported_only_by_who_asks_for_it(room: str) -> None:
    """So a room can be used without the client library of any engine."""
    tree = ast.parse((PACKAGE / room / "__init__.py").read_text())
    engines = {f"lldkit.{room}.{engine}" for engine in ("sqlite", "postgres", "redis")}
    assert engines.isdisjoint(module for module, _ in imports(tree))


def functions_of(path: Path) -> dict[str, str]:
    """Each top-level function of a file: its name, and its code without the docstring."""
    found = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            found[node.name] = "\n".join(ast.dump(statement) for statement in body)
    return found


def test_no_two_rooms_define_the_same_function() -> None:
    """What two rooms do alike belongs to the ground floor (docs/contributing.md)."""
    homes: dict[str, set[str]] = {}
    for path in sources():
        for code in functions_of(path).values():
            homes.setdefault(code, set()).add(name_of(path))
    assert [sorted(files) for code, files in homes.items() if len(files) > 1 and len(code) > 400] == []


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*sqlite*")), ids=name_of)
def test_places_in_sqlite_statements_have_no_numbers(path: Path) -> None:
    """Python 3.12 warns of `?1` where a sequence is given, and 3.14 refuses it."""
    assert re.findall(r"\?\d", path.read_text(encoding="utf-8")) == []


def test_the_core_needs_the_standard_library_only() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"] == []


def test_the_lock_names_no_host() -> None:
    assert "://" not in (ROOT / "requirements.lock").read_text()
