"""Runs against a naive scan of every minute, in all zones and under every rule, around the changes of their clocks."""

import os
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import given, settings
from hypothesis import strategies as st

from lldkit.scheduler.cron import Cron, cron
from lldkit.scheduler.dst import DST, Rule, changes, utc

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
SPAN = 2 * DAY
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ZONES = sorted(
    name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "posix/", "right/"))
)


@lru_cache(maxsize=64)
def transitions(zone: str) -> list[datetime]:
    """The instants at which the zone's clock was set, 2000 to 2037, at whole minutes."""
    found = changes(ZoneInfo(zone), datetime(2000, 1, 1, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC))
    return [change.at for change in found if change.at.second == 0]


def scan(walls: tuple[set[int], set[int]], zone: ZoneInfo, start: datetime, rule: Rule) -> list[datetime]:
    """All runs in the SPAN from `start` on, by asking each minute what the clock shows, and what it has left out.

    It begins a day early, since a time that is shifted out of a gap may fall behind the start.
    """

    gap, fold = rule
    end = start + SPAN

    def matches(wall: datetime) -> bool:
        return wall.minute in walls[0] and wall.hour in walls[1]

    found = set()
    instant = start - DAY
    before = instant.astimezone(zone).replace(tzinfo=None) - MINUTE
    while instant < end:
        local = instant.astimezone(zone)
        wall = local.replace(tzinfo=None)
        left_out = [before + MINUTE * n for n in range(1, (wall - before) // MINUTE)]
        due = [n for n, missing in enumerate(left_out) if matches(missing)]
        if gap == "after" and due:
            found.add(instant)
        if gap == "shift":
            found |= {instant + MINUTE * n for n in due}
        comes_twice = utc(local.replace(fold=0)) != utc(local.replace(fold=1))
        if matches(wall) and (fold == "both" or not comes_twice or local.fold == (fold == "second")):
            found.add(instant)
        before = wall
        instant += MINUTE
    return sorted(run for run in found if start <= run < end)


@settings(deadline=None)
@given(
    st.sampled_from(ZONES),
    st.integers(0, 10**6),
    st.timedeltas(-DAY, DAY),
    st.tuples(
        st.sets(st.integers(0, 59), min_size=1, max_size=3), st.sets(st.integers(0, 23), min_size=1, max_size=24)
    ),
    st.tuples(st.sampled_from(["after", "skip", "shift"]), st.sampled_from(["first", "second", "both"])),
)
def test_runs_are_those_of_a_naive_scan(
    name: str, which: int, offset: timedelta, walls: tuple[set[int], set[int]], rule: Rule
) -> None:
    zone = ZoneInfo(name)
    known = transitions(name) or [datetime(2020, 1, 1, tzinfo=UTC)]
    start = known[which % len(known)] + offset
    expression = " ".join(",".join(map(str, numbers)) for numbers in walls) + " * * *"
    trigger = cron(expression, tz=zone, dst=DST(rule, rule))
    whole = start.replace(second=0, microsecond=0)
    expected = [run for run in scan(walls, zone, whole, rule) if run > start]
    found = []
    run = trigger.next(start)
    while run is not None and utc(run) < whole + SPAN:
        found.append(run)
        run = trigger.next(run)
    assert [utc(run) for run in found] == expected
    backwards = []
    run = trigger.prev(whole + SPAN)
    while run is not None and utc(run) > start:
        backwards.append(utc(run))
        run = trigger.prev(run)
    assert backwards == expected[::-1]
    for each in found:
        assert each.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == each.replace(tzinfo=None)


@settings(deadline=None)
@given(
    st.sampled_from(ZONES),
    st.integers(-(70 * 366 * 86_400), 130 * 366 * 86_400).map(lambda seconds: EPOCH + timedelta(seconds=seconds)),
    st.sampled_from([0, 1]),
    st.sampled_from(["0 * * * *", "30 2 * * *", "*/20 1-3 * * *", "15 0 1 * *", "0 0 L * *", "* * * * * *", "@weekly"]),
    st.sampled_from([DST.CRONOS, DST.VIXIE, DST.SKIP_ONCE, DST.WALL]),
)
def test_next_and_prev_lie_on_the_right_side_and_lead_back(
    name: str, moment: datetime, fold: int, expression: str, dst: DST
) -> None:
    trigger = cron(expression, tz=name, dst=dst)
    moment = moment.replace(tzinfo=ZoneInfo(name), fold=fold)
    after, before = trigger.next(moment), trigger.prev(moment)
    assert after is not None
    assert before is not None
    assert utc(before) < utc(moment) < utc(after)
    back, forth = trigger.prev(after), trigger.next(before)
    assert back is not None
    assert forth is not None
    assert utc(back) <= utc(moment) < utc(after)
    assert utc(forth) >= utc(moment)
    assert trigger.next_runs(2, after=moment) == [after, trigger.next(after)]


def test_around_every_change_of_every_clock_each_run_is_later_and_its_local_time_exists() -> None:
    zones = ZONES if os.environ.get("LLDKIT_SWEEP") else ZONES[::50]
    for name in zones:
        for dst in (DST.CRONOS, DST.VIXIE, DST.SKIP_ONCE, DST.WALL):
            triggers = [cron(text, tz=name, dst=dst) for text in ("30 2 * * *", "*/20 0-3 * * *", "59 23 L * *")]
            for change in transitions(name):
                for offset in (-MINUTE * 90, -timedelta.resolution, timedelta(0), timedelta.resolution, MINUTE * 45):
                    for trigger in triggers:
                        _check_steps(trigger, change + offset)


def _check_steps(trigger: Cron, moment: datetime) -> None:
    after = trigger.next(moment)
    assert after is not None
    assert after.tzinfo is not None
    back, wall = trigger.prev(after), after.replace(tzinfo=None)
    assert utc(after) > moment
    assert back is not None
    assert utc(back) <= moment
    assert after.astimezone(UTC).astimezone(after.tzinfo).replace(tzinfo=None) == wall


@settings(deadline=None)
@given(
    st.sampled_from(ZONES),
    st.integers(0, 10**6),
    st.integers(-90, 90),
    st.lists(st.timedeltas(timedelta(hours=1), 300 * DAY), min_size=1, max_size=4),
    st.sampled_from([DST.CRONOS, DST.SKIP_ONCE, DST.WALL, DST(("shift", "second"), ("shift", "both"))]),
)
def test_a_rare_run_beside_a_change_is_the_same_from_wherever_one_looks(
    name: str, which: int, minutes: int, distances: list[timedelta], dst: DST
) -> None:
    known = transitions(name) or [datetime(2020, 1, 1, tzinfo=UTC)]
    change = known[which % len(known)]
    wall = change.astimezone(ZoneInfo(name)).replace(tzinfo=None) + MINUTE * minutes
    text = f"{wall.minute} {wall.hour} {wall.day} {wall.month} *"
    looking = cron(text, tz=name, dst=dst)
    beside = cron(text, tz=name, dst=dst).next(change - 2 * DAY)
    if beside is None or utc(beside) > change + 2 * DAY:
        return  # this year it is in a gap
    for distance in sorted(distances, reverse=True):
        found = looking.next(utc(beside) - distance)
        assert found is not None
        assert utc(found) == utc(beside) or utc(found) < change - 2 * DAY or distance < 2 * DAY
