"""Comparisons: equal for any number of processes, complete after one has died, and silent about means of crowds."""

import json
import pickle
from pathlib import Path

import pytest

from elevator.helpers import DiesOnce, NamesNoCar
from lldkit.elevator import (
    CommandOverflow,
    Comparison,
    ControllerClosed,
    Direction,
    Dispatcher,
    ElevatorError,
    Fcfs,
    HallCall,
    LongestQueueFirst,
    NoCarServes,
    PlanInvalid,
    RunFailed,
    SaturatedRun,
    Traffic,
    compare,
    crites_barto,
)

BED = crites_barto(), Traffic.down_peak(percent_per_5min=6.0, people=600)
TWO: dict[str, Dispatcher] = {"lqf": LongestQueueFirst(), "fcfs": Fcfs()}


def test_any_number_of_processes_gives_the_same_figures() -> None:
    alone, shared = (compare(*BED, TWO, seeds=range(3), hours=0.2, workers=workers) for workers in (1, 4))
    assert alone == shared
    assert alone.to_json() == shared.to_json()


def test_the_runs_of_a_process_that_died_are_done_again(tmp_path: Path) -> None:
    mortal = {"mortal": DiesOnce(tmp_path / "died")}
    result = compare(*BED, mortal, seeds=range(2), hours=0.2, workers=2)
    assert (tmp_path / "died").exists()
    direct = compare(*BED, {"mortal": LongestQueueFirst()}, seeds=range(2), hours=0.2)
    assert result.values("mortal", "wait.mean") == direct.values("mortal", "wait.mean")


def test_an_error_in_another_process_is_the_one_that_is_raised() -> None:
    with pytest.raises(PlanInvalid, match="there is no such car") as caught:
        compare(*BED, {"wrong": NamesNoCar()}, seeds=[1], hours=0.2, workers=2)
    assert (caught.value.dispatcher, caught.value.rule, caught.value.car) == ("NamesNoCar", "there is no such car", 9)
    assert "seed 1" in str(caught.value.__notes__)


@pytest.mark.parametrize(
    "error",
    [
        ElevatorError("so"),
        ControllerClosed(),
        CommandOverflow(3, 1.0),
        NoCarServes(1, 2),
        PlanInvalid("Mine", "a rule", 1, HallCall(2, Direction.UP, 3.0)),
        RunFailed(7, 2.5, "no idea"),
        SaturatedRun(1, 2, 3),
    ],
)
def test_errors_travel_between_processes(error: ElevatorError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


def test_a_crowd_is_called_saturated_and_has_no_mean() -> None:
    traffic = Traffic.down_peak(percent_per_5min=40.0, people=1000)
    result = compare(crites_barto(), traffic, {"lqf": LongestQueueFirst()}, seeds=[1], hours=0.5)
    assert "saturated" in result.table()
    assert json.loads(result.to_json())["figures"]["lqf"] == {"1": None}
    with pytest.raises(ValueError, match="lqf is saturated"):
        result.paired("lqf", "lqf")
    assert result.svg().startswith("<svg")


def test_progress_tells_what_is_finished_and_that_it_is_not_all() -> None:
    heard: list[tuple[int, int, bool]] = []

    def listen(done: int, total: int, so_far: Comparison) -> None:
        heard.append((done, total, so_far.partial))

    result = compare(*BED, TWO, seeds=[1], hours=0.1, on_progress=listen)
    assert heard == [(1, 2, True), (2, 2, False)]
    assert not result.partial
    assert "too few seeds to tell" in result.table()


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one dispatcher and one seed"):
        compare(*BED, {}, seeds=[1], hours=1)
    with pytest.raises(ValueError, match="workers must be at least 1"):
        compare(*BED, TWO, seeds=[1], hours=1, workers=0)
    result = compare(*BED, TWO, seeds=[1], hours=0.1)
    with pytest.raises(ValueError, match="there is no dispatcher 'scan' here"):
        result.paired("scan", "lqf")
