"""A plug-in for pytest: a marked test is a program, run under many schedules. Needs `pytest`.

Switch it on where it is used, in `conftest.py`: `pytest_plugins = ["lldkit.interleave.pytest"]`.

    @pytest.mark.interleave(schedules=500)
    def test_the_counter_is_thread_safe():
        counter = Counter()
        return [counter.increment, counter.increment], lambda: counter.value == 2

The function is the program: it is called before every schedule and returns the bodies of the threads and the invariant,
or a program that does. The marker takes the arguments of `explore`; those of a function win over those of its class and
module. What a fixture returns is made once for all schedules, so that it must hold no state of a run.

A failure ends with the command that replays it; an exploration of more than two seconds tells how far it is. Nothing
else here imports this module.
"""

import shlex
from collections.abc import Callable, Generator
from typing import Any

import pytest

from lldkit.interleave.explorer import explore, replay
from lldkit.interleave.interface import InterleavingFailure
from lldkit.interleave.report import Failure
from lldkit.interleave.schedule import Schedule

__all__ = ["pytest_addoption", "pytest_configure", "pytest_pyfunc_call", "pytest_runtest_makereport"]

_MARKER = "interleave(**arguments): a program to be run under many schedules, with the arguments of explore()"
_LONGEST_COMMAND = 4_000
_OF_REPLAY = ("include", "patch", "max_steps")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the three options."""
    group = parser.getgroup("interleave", "threads under control")
    group.addoption("--interleave-seed", type=int, metavar="N", help="draw other schedules, in all marked tests")
    group.addoption("--interleave-schedules", type=int, metavar="N", help="run so many schedules of each marked test")
    group.addoption("--interleave-schedule", metavar="TEXT", help='replay one schedule, such as "free:0*17,1*5,0*3"')


def pytest_configure(config: pytest.Config) -> None:
    """Announce the marker, and refuse options that make no sense before any test runs."""
    config.addinivalue_line("markers", _MARKER)
    schedule, schedules = _options(config)["schedule"], _options(config)["schedules"]
    if schedules is not None and schedules < 1:
        raise pytest.UsageError(f"--interleave-schedules must be at least 1, got {schedules}")
    if schedule is not None:
        try:
            Schedule.parse(schedule)
        except ValueError as error:
            raise pytest.UsageError(f"--interleave-schedule: {error}") from error


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Explore the program that a marked function is."""
    __tracebackhide__ = True
    markers = list(pyfuncitem.iter_markers("interleave"))
    if not markers:
        return None
    arguments: dict[str, Any] = {}
    for marker in reversed(markers):
        if marker.args:
            raise TypeError(f"the marker interleave takes the keyword arguments of explore(), got {marker.args!r}")
        arguments |= marker.kwargs
    arguments["include"] = (pyfuncitem.obj, *arguments.get("include", ()))
    options = _options(pyfuncitem.config)
    schedule = options.pop("schedule")
    if schedule is not None:
        usable = {name: value for name, value in arguments.items() if name in _OF_REPLAY}
        replay(_program(pyfuncitem), schedule, **usable).assert_ok()
    else:
        given = {name: value for name, value in options.items() if value is not None}
        explore(_program(pyfuncitem), **{"progress": _progress(pyfuncitem), **arguments, **given}).assert_ok()
    return True


def _options(config: pytest.Config) -> dict[str, Any]:
    return {name: config.getoption(f"--interleave-{name}") for name in ("seed", "schedules", "schedule")}


def _program(item: pytest.Function) -> Callable[[], Any]:
    wanted = item._fixtureinfo.argnames  # noqa: SLF001 - there is no other way to learn which fixtures it asks for
    fixtures = {name: item.funcargs[name] for name in wanted}

    def program() -> Any:
        made = item.obj(**fixtures)
        return made() if callable(made) else made

    return program


def _progress(item: pytest.Item) -> Callable[[int, int], None] | None:
    """Return what tells on the terminal how far an exploration is, past the capturing of output."""
    reporter = item.config.pluginmanager.get_plugin("terminalreporter")
    capture = item.config.pluginmanager.get_plugin("capturemanager")
    if reporter is None or capture is None:  # a worker of pytest-xdist has no terminal
        return None

    def tell(run: int, schedules: int) -> None:
        with capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            reporter.write_line(f"{item.nodeid}: {run:,} of {schedules:,} schedules")

    return tell


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the timeline in the place of a traceback through the explorer, and how to replay it."""
    report = yield
    error = call.excinfo.value if call.excinfo is not None else None
    marked = item.get_closest_marker("interleave") is not None
    if marked and isinstance(error, InterleavingFailure) and error.report.failure is not None:
        report.longrepr = f"{error.report}\n\n{_command(item.nodeid, error.report.failure)}"
    return report


def _command(node: str, failure: Failure) -> str:
    """Return the command line that runs this test under this schedule, or finds it again where that is too long."""
    option = f"--interleave-schedule {shlex.quote(str(failure.schedule))}"
    if len(option) > _LONGEST_COMMAND:
        option = f"--interleave-seed {failure.seed} --interleave-schedules {failure.run + 1}"
    return f"pytest {shlex.quote(node)} {option}"
