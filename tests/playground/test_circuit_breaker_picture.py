"""The pictures of the breaker show what really happened, and what is to be noticed is there."""

from typing import Any
from xml.etree import ElementTree as ET

import pytest

from lldkit.__main__ import main
from lldkit.circuit_breaker import State
from lldkit.playground.circuit_breaker import demo, fleet, outage, partial, reopenings


def test_the_same_seed_gives_the_same_trace_and_another_seed_another() -> None:
    assert outage(seed=3) == outage(seed=3)
    assert outage(seed=3) != outage(seed=4)


def test_probes_are_few_and_the_ramp_follows_the_outage() -> None:
    run = outage()
    assert len([at for at in run.failed if at > 30]) <= 3  # of some 400 calls
    assert [state for _, state in run.states][-2:] == [State.RAMPING, State.CLOSED]


def test_a_quiet_dependency_sees_every_call() -> None:
    run = outage(depth=0.0)
    assert (run.refused, run.failed, run.states) == ((), (), ((0.0, State.CLOSED),))


def test_a_breaker_flaps_in_a_partial_outage_and_a_throttle_serves_more() -> None:
    flapping = outage(depth=0.6, length=90, growth=1.0, ramp_up=0.0)
    throttled = outage(depth=0.6, length=90, growth=1.0, ramp_up=0.0, throttle=True)
    assert sum(state is State.OPEN for _, state in flapping.states) >= 4
    assert len(throttled.served) > len(flapping.served)


def test_jitter_spreads_the_probes() -> None:
    assert len(set(reopenings(jitter=0.0))) == 5  # rounds of 20 at once
    assert len(set(reopenings(jitter=0.1))) >= 80


@pytest.mark.parametrize("arguments", [{"calls": 0}, {"depth": 1.5}, {"probes": 21}, {"open_for": 0.5}])
def test_parameters_out_of_bounds_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(arguments))} must be from"):
        outage(**arguments)


def test_the_figures_are_well_formed() -> None:
    for figure in (demo(), fleet(), partial()):
        assert ET.fromstring(figure.to_svg()).tag.endswith("svg")


def test_the_demo_draws_the_run_and_names_the_next_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "circuit_breaker", "--ascii"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("A circuit breaker through an outage")
    assert out.rstrip().endswith("Next: lldkit kata start circuit_breaker")
