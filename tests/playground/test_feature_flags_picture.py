"""The picture of feature flags shows what really happened, and what is to be noticed is there."""

from typing import Any
from xml.etree import ElementTree as ET

import pytest

from lldkit.__main__ import main
from lldkit.playground.feature_flags import demo, trace

UNITS = 2_000
SIGMA = (0.25 / UNITS) ** 0.5


def test_the_same_seed_gives_the_same_trace_and_another_seed_another() -> None:
    assert trace(ids="uuid", units=200, seed=3) == trace(ids="uuid", units=200, seed=3)
    assert trace(ids="uuid", units=200, seed=3) != trace(ids="uuid", units=200, seed=4)


@pytest.mark.parametrize("ids", ["sequential", "hex", "uuid"])
def test_a_good_hash_moves_nobody_back_and_keeps_everything_independent(ids: str) -> None:
    run = trace(ids=ids, units=UNITS, steps=10)
    assert set(run.moved_back) == {0}
    assert (run.on[0], run.on[-1]) == (0, 1)
    assert all(abs(share - percent / 100) < 4 * SIGMA for share, percent in zip(run.on, run.percents, strict=True))
    assert all(abs(both - product) < 4 * SIGMA for both, product in zip(run.overlap, run.product, strict=True))
    assert abs(run.inside[5] - 0.5) < 4 * SIGMA * 2**0.5


def test_crc32_looks_right_and_is_not() -> None:
    run = trace(ids="hex", hash="crc32-shift", units=UNITS, steps=10)
    assert abs(run.on[5] - 0.5) < 0.1
    assert run.overlap[5] / run.on[5] < 0.05 or run.overlap[5] / run.on[5] > 0.95


def test_one_hash_for_all_flags_chooses_the_same_users() -> None:
    run = trace(hash="user-only", units=UNITS, steps=10)
    assert run.overlap[5] == run.on[5]


def test_one_seed_for_gate_and_split_gives_one_variant_to_all_in_a_small_gate() -> None:
    run = trace(hash="shared-seed", units=UNITS, steps=10)
    assert run.inside[1] == 1
    assert abs(run.overlap[5] - run.product[5]) < 4 * SIGMA


@pytest.mark.parametrize("arguments", [{"steps": 0}, {"hash": "md5"}, {"ids": "names"}])
def test_parameters_out_of_bounds_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(arguments))} must be"):
        trace(**arguments)


def test_the_figure_is_well_formed_and_the_demo_names_the_next_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert ET.fromstring(demo().to_svg()).tag.endswith("svg")
    assert main(["demo", "feature_flags", "--ascii"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("A flag is ramped up beside another one")
    assert "Next: lldkit flags" in out
