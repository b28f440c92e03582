"""`lldkit scheduler next`, `explain` and `lint`: what they print, and what they refuse."""

import argparse

import pytest

from lldkit.scheduler.cron_cli import COMMANDS, add_commands

ZONE = ["--tz", "Europe/Berlin"]


def lines(*words: str) -> list[str]:
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers(dest="command", required=True))
    arguments = parser.parse_args(words)
    return COMMANDS[arguments.command](arguments)


def test_the_next_runs() -> None:
    assert lines("next", "30 2 * * *", *ZONE, "-n", "3", "--after", "2026-03-28") == [
        "Sat 2026-03-28T02:30:00+01:00",
        "Sun 2026-03-29T03:00:00+02:00",
        "Mon 2026-03-30T02:30:00+02:00",
    ]


def test_policies_and_days_are_chosen() -> None:
    skipping = lines("next", "30 2 * * *", *ZONE, "-n", "1", "--after", "2026-03-29", "--dst", "skip-once")
    assert skipping == ["Mon 2026-03-30T02:30:00+02:00"]
    friday = lines("next", "0 0 13 * FRI", "-n", "1", "--days", "and", "--after", "2026-01-01T00:00+01:00")
    assert friday == ["Fri 2026-02-13T00:00:00+00:00"]


def test_without_a_time_it_is_now() -> None:
    assert len(lines("next", "@every_second")) == 5


def test_an_explanation() -> None:
    assert lines("explain", "*/5 9-17 * * MON-FRI") == ["every 5 minutes in hour 9 to 17, on Monday to Friday (UTC)"]


def test_findings() -> None:
    assert lines("lint", "30 2 * * *", *ZONE, "--after", "2026-01-01") == [
        "MOVED  on 2026-03-29 in Europe/Berlin there is no 02:30, so it runs at 03:00; choose a time outside the gap"
    ]
    assert lines("lint", "30 2 * * *", "--after", "2026-01-01") == []


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["next", "61 * * * *"], "minute at character 0"),
        (["next", "* * * * *", "--tz", "Mars"], "no such time zone"),
        (["next", "* * * * *", "--after", "noon"], "--after takes a time"),
        (["next", "* * * * *", "-n", "-1"], "n must be"),
        (["lint", "* * * * *", "--years", "0"], "start must be before end"),
    ],
)
def test_nonsense_is_named(words: list[str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        lines(*words)
