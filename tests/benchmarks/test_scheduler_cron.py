"""When a cron expression is due next, beside other libraries of cron; all step from run to run on from one start."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger
from croniter import croniter
from cronsim import CronSim
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.beside import beside
from lldkit.scheduler.cron import cron

START = datetime(2026, 1, 1, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def ours(expression: str, zone: str, steps: int) -> Callable[[], object]:
    trigger = cron(expression, tz=zone)
    return lambda: trigger.next_runs(steps, after=START)


def apscheduler(expression: str, zone: str, steps: int) -> Callable[[], object]:
    trigger = CronTrigger.from_crontab(expression, timezone=ZoneInfo(zone))

    def run() -> None:
        before = START
        for _ in range(steps):
            before = trigger.get_next_fire_time(before, before)

    return run


def stepping(runs: Callable[[], Iterator[object]], steps: int) -> Callable[[], object]:
    """Ask an iterator of runs, which is made anew each time, for so many of them."""

    def run() -> None:
        each = runs()
        for _ in range(steps):
            next(each)

    return run


def row(benchmark: BenchmarkFixture, expression: str, zone: str, *, steps: int, name: str, target: str) -> None:
    start = START.astimezone(ZoneInfo(zone))
    beside(
        benchmark,
        {
            "lldkit": ours(expression, zone, steps),
            "cronsim": stepping(lambda: CronSim(expression, start), steps),
            "croniter": stepping(lambda: croniter(expression, start, ret_type=datetime), steps),
            "apscheduler": apscheduler(expression, zone, steps),
        },
        row=name,
        target=target,
        number=1,
        rounds=10,
        per=steps,
    )


def test_dense_in_utc(benchmark: BenchmarkFixture) -> None:
    row(
        benchmark,
        "*/5 * * * *",
        "UTC",
        steps=300,
        name="cron, next, every 5 minutes, UTC",
        target=">= 1.5 x the fastest",
    )


def test_dense_in_a_zone(benchmark: BenchmarkFixture) -> None:
    name = "cron, next, every 5 minutes, Europe/Berlin"
    row(benchmark, "*/5 * * * *", "Europe/Berlin", steps=300, name=name, target=">= 1.5 x the fastest")


def test_nightly_in_a_zone(benchmark: BenchmarkFixture) -> None:
    row(benchmark, "30 2 * * *", "Europe/Berlin", steps=400, name="cron, next, nightly, Europe/Berlin", target="")


def test_sparse(benchmark: BenchmarkFixture) -> None:
    name = "cron, next, on 29 February, Europe/Berlin"
    row(benchmark, "0 0 29 2 *", "Europe/Berlin", steps=5, name=name, target=">= 10 x the fastest")


def test_parse(benchmark: BenchmarkFixture) -> None:
    expression = "*/5 9-17 * * MON-FRI"
    beside(
        benchmark,
        {
            "lldkit": lambda: cron(expression, tz=BERLIN),
            "cronsim": lambda: CronSim(expression, START),
            "croniter": lambda: croniter(expression, START),
            "apscheduler": lambda: CronTrigger.from_crontab(expression, timezone=BERLIN),
        },
        row="cron, parse",
        target=">= 0.8 x cronsim",
    )
