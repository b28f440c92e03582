"""The picture of the cache shows what really happened."""

from typing import Any
from xml.etree import ElementTree as ET

import pytest

from lldkit.__main__ import main
from lldkit.playground.cache import REQUESTS, demo, hit_picture, hit_ratio, stampede, stampede_picture


def test_the_same_seed_gives_the_same_trace_and_another_seed_another() -> None:
    assert hit_ratio(["lru"], seed=3) == hit_ratio(["lru"], seed=3)
    assert hit_ratio(["lru"], seed=3) != hit_ratio(["lru"], seed=4)


def test_a_scan_empties_lru_and_not_s3fifo() -> None:
    run = hit_ratio(["lru", "s3fifo"], shift=False)
    for scan in run.scans:
        after = (scan + 600, scan + 1_000)
        assert run.mean("s3fifo", *after) > run.mean("lru", *after)


def test_after_a_shift_lfu_stays_in_the_past() -> None:
    run = hit_ratio(["lru", "lfu"], scan_every=0)
    half = REQUESTS // 2
    assert run.mean("lfu", 2_000, half) > run.mean("lru", 2_000, half)
    assert run.mean("lfu", half + 400, half + 1_000) < run.mean("lru", half + 400, half + 1_000)


def test_nobody_beats_the_ceiling() -> None:
    run = hit_ratio()
    assert all(run.mean(policy) < run.ceiling for policy in run.ratios)


def test_a_stampede_is_one_load_per_caller_without_protection_and_one_with() -> None:
    none, flight, ahead = stampede("none"), stampede("single flight"), stampede("XFetch")
    assert len(none.loads) >= 50 * 4 * 2  # all who come in the second that a load takes, twice at least
    assert 3 <= len(flight.loads) <= 4
    assert len(ahead.loads) < 10
    late = [wait for wait in ahead.waits[400:] if wait > 0]
    assert len(late) < sum(wait > 0 for wait in flight.waits[400:])


@pytest.mark.parametrize(("name", "value"), [("maxsize", 5), ("keys", 99), ("zipf", 2.0), ("scan_every", -1)])
def test_parameters_out_of_bounds_are_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{name} must be from .* got {value}"):
        hit_ratio(**{name: value})
    with pytest.raises(ValueError, match="protection must be one of none, single flight, XFetch, got 'x'"):
        stampede("x")  # type: ignore[arg-type]


def test_the_pictures_are_drawn_and_the_demo_prints(capsys: pytest.CaptureFixture[str]) -> None:
    for figure in (hit_picture(hit_ratio(["lru"])), stampede_picture([stampede("XFetch")]), demo()):
        assert ET.fromstring(figure.to_svg()).tag.endswith("svg")
    assert main(["demo", "cache", "--ascii"]) == 0
    assert "Next: lldkit cache simulate" in capsys.readouterr().out
