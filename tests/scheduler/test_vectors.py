"""Every given case of another library's cron: times, syntax, and dates that never come."""

from datetime import datetime, timedelta

import pytest

from conftest import Vectors
from lldkit.scheduler.cron import cron
from lldkit.scheduler.dst import utc
from lldkit.scheduler.interface import CronSyntaxError, NeverFires


def test_given_next_runs(vectors: Vectors) -> None:
    rows = vectors.json("cron-next", "next.json")
    assert len(rows) == 486
    for row in rows:
        after = utc(datetime.fromisoformat(row["after"]))
        run = cron(row["expr"], tz=row["tz"], days="and").next(after - row["inclusive"] * timedelta.resolution)
        assert run is not None, row
        assert utc(run) == utc(datetime.fromisoformat(row["expected"])), row


def test_given_expressions_that_are_none(vectors: Vectors) -> None:
    expressions = vectors.json("cron-next", "invalid.json")
    assert len(expressions) == 154
    for expression in expressions:
        with pytest.raises(CronSyntaxError):
            cron(expression, tz="UTC", days="and")


def test_given_expressions_that_never_come(vectors: Vectors) -> None:
    expressions = vectors.json("cron-next", "unreachable.json")
    assert len(expressions) == 38
    for expression in expressions:
        with pytest.raises(NeverFires):
            cron(expression, tz="UTC", days="and")
