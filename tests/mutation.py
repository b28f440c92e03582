"""Deletes one statement of a room's pure core at a time, and names the deletions that no fast test of the room notices.

    make mutants                    every room
    make mutants ARGS=retry         one room
    make mutants ARGS=retry/plan    one file

The mutants are those of `lldkit.dojo.mutants` that take a statement out: the statement itself, an `if` with its body,
what a `return` returns, a `with` around its body. Each is tried in a forked process, where an import finds it in the
place of the file; nothing is written. A survivor needs a reason in `mutation.toml`, and a reason needs a survivor.
"""

import ast
import os
import re
import resource
import signal
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib import import_module
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from time import perf_counter
from types import CodeType
from typing import NamedTuple

import pytest
from hypothesis import Phase, settings

from lldkit.dojo import mutants

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "components" / "lldkit"
REASONS = TESTS / "mutation.toml"

PURE = {
    "rate_limiter": ("gcra", "token_bucket", "fixed_window", "sliding_log", "sliding_counter", "decision", "asking"),
    "retry": ("plan", "backoff", "classify", "hints", "budget"),
    "circuit_breaker": ("core", "windows", "trips"),
    "cache": ("chain", "fifo", "lfu"),
    "metrics": ("names", "numbers", "sums", "ewma"),
    "config": ("names", "suggest", "merge"),
    "scheduler": ("transitions", "selection", "outcomes"),
    "payments": ("books", "decide", "facts"),
    "notifications": ("digest", "fallback", "lanes"),
}
SHELL = {  # tests of it
    "rate_limiter": ("limiter",),
    "retry": ("policy", "threads"),
    "circuit_breaker": ("breaker",),
    "cache": ("policies", "cache", "expiry", "loading", "tasks"),
    "metrics": ("instruments", "registry", "text"),
    "config": ("layers", "secrets", "manager"),
    "scheduler": ("contract", "tasks", "schedules", "worker"),
    "payments": ("payments", "reconciliation"),
    "notifications": ("decide", "explain", "lint"),
}
IDLE = re.compile(r"\.\.\.$|del \w+(, \w+)*$|__all__ ")  # `del argument` says that an argument is not needed
AT_ONCE = 2
NOT_IMPORTABLE = {pytest.ExitCode.INTERRUPTED, pytest.ExitCode.USAGE_ERROR}  # by a test, by a conftest
KILLED = {pytest.ExitCode.TESTS_FAILED, -signal.SIGXCPU} | NOT_IMPORTABLE  # or endless
MOST_SECONDS = 900  # a machine so busy tells nothing
LIMITS = {resource.RLIMIT_CPU: 100, resource.RLIMIT_AS: 4 << 30}  # whoever takes more never ends
OPTIONS = (
    *("-x", "-q", "-p", "no:cacheprovider", "--hypothesis-profile=mutants"),
    *("-k", "not long_trace"),  # which takes as long as all others
    "-Wignore::pytest.PytestAssertRewriteWarning",  # hypothesis is imported before pytest could rewrite it
)


class Deletion(NamedTuple):
    """A core (`room/file`) without one statement: `name` is what `mutation.toml` calls it."""

    core: str
    name: str
    line: int
    source: str


def deletions(core: str, source: str) -> Iterator[Deletion]:
    """Every mutant of `source` that lacks a statement that acts; `__all__` is the house test's."""
    tree = ast.parse(source)
    for mutant in mutants(source):
        deleted = mutant.kind in {"statement deleted", "return None", "with dropped"} or mutant.after == "if False:"
        if deleted and not IDLE.match(mutant.before):
            yield Deletion(core, f"{scope(tree, mutant.line)}: {mutant.before}", mutant.line, mutant.source)


def scope(tree: ast.Module, line: int) -> str:
    """The classes and functions around `line`, from the outside in, such as `Ring.add`; else `module`."""
    named = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.FunctionDef))
    return ".".join(node.name for node in named if node.lineno <= line <= (node.end_lineno or 0)) or "module"


class Planted(SourceFileLoader):
    """Finds and loads the core as `source` has it."""

    def __init__(self, core: str, source: str) -> None:
        super().__init__(f"lldkit.{core.replace('/', '.')}", str(PACKAGE / f"{core}.py"))
        self.source = source

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        return spec_from_file_location(fullname, self.path, loader=self) if fullname == self.name else None

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.source, self.path, "exec", dont_inherit=True)


def verdict_of_the_tests(deletion: Deletion) -> int:
    """The exit code of the room's fast tests over a changed core. Changes this process for good."""
    signal.alarm(MOST_SECONDS)
    for limited, most in LIMITS.items():
        resource.setrlimit(limited, (most, 2 * most))  # at the soft one a signal says why, at the hard one none does
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    for name in [name for name in sys.modules if name.split(".")[0] == "lldkit"]:
        del sys.modules[name]
    sys.meta_path.insert(0, Planted(deletion.core, deletion.source))
    return int(pytest.main([*OPTIONS, *map(str, fast_tests(deletion.core))]))


def fast_tests(core: str) -> list[Path]:
    """The files of the room's fast tests, those of the core itself first."""
    room, name = core.split("/")
    names = dict.fromkeys([name, *PURE[room], *SHELL[room], "vectors", "properties"])
    return [path for path in (TESTS / room / f"test_{name}.py" for name in names) if path.exists()]


def survivors(found: Iterable[Deletion]) -> Iterator[Deletion]:
    """Those of `found` that leave the tests green."""
    running: dict[int, Deletion] = {}

    def ended() -> Iterator[Deletion]:
        pid, status = os.wait()
        deletion = running.pop(pid)
        code = os.waitstatus_to_exitcode(status)
        if code == pytest.ExitCode.OK:
            yield deletion
        elif code not in KILLED:  # stopped from outside, or the tests were not there: that proves nothing
            raise SystemExit(f"{deletion.core}.py:{deletion.line}: {deletion.name}: neither killed nor alive ({code})")

    for deletion in found:
        if len(running) == AT_ONCE:
            yield from ended()
        pid = os.fork()
        if pid == 0:
            os._exit(verdict_of_the_tests(deletion))
        running[pid] = deletion
    while running:
        yield from ended()


def try_core(core: str, reasons: dict[str, str]) -> tuple[int, int, list[str]]:
    """How many mutants `core` has, how many survive, and what there is to complain of."""
    found = list(deletions(core, (PACKAGE / f"{core}.py").read_text()))
    alive = sorted(survivors(found), key=lambda deletion: deletion.line)
    unexplained = [f"{core}.py:{each.line}: {each.name}" for each in alive if each.name not in reasons]
    killed = sorted(reasons.keys() - {each.name for each in alive})
    return len(found), len(alive), unexplained + [f"{core}.py: a reason, but no survivor: {name}" for name in killed]


def main(wanted: str = "") -> int:
    """Try the cores that begin with `wanted`; 1 when there is anything to complain of."""
    phases = (Phase.explicit, Phase.generate)  # nobody reads the example, so it is not made smaller
    for module in ("hypothesis.strategies", "psycopg", "redis.asyncio"):
        import_module(module)  # once, instead of in each process
    settings.register_profile("mutants", database=None, derandomize=True, deadline=None, phases=phases)
    reasons = tomllib.loads(REASONS.read_text())
    complained = 0
    for core in (f"{room}/{name}" for room, names in PURE.items() for name in names):
        if not core.startswith(wanted):
            continue
        begun = perf_counter()
        if not list(survivors([Deletion(core, "", 0, (PACKAGE / f"{core}.py").read_text())])):
            raise SystemExit(f"{core}.py: its tests fail as it is")
        tried, alive, complaints = try_core(core, reasons.get(core, {}))
        seconds = perf_counter() - begun
        print(f"{core}.py: {tried} mutants, {tried - alive} killed, {alive} survived; {seconds:.0f} s", flush=True)
        print("".join(f"  {complaint}\n" for complaint in complaints), end="", flush=True)
        complained += len(complaints)
    return int(complained > 0)


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
