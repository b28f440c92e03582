"""Material that nobody here wrote: round trips, a published bed with its tables, and the levels of a game."""

import pytest

from conftest import Vectors
from elevator.helpers import DISPATCHERS
from lldkit.elevator import Timing, crites_barto, rtt
from lldkit.elevator.rtt import reversal_floor, stops
from lldkit.elevator.saga import level_of, play
from lldkit.elevator.traffic import CRITES_BARTO_PROFILE


def test_stops_and_reversal_are_those_of_the_handbook(vectors: Vectors) -> None:
    rows = vectors.json("elevator-rtt", "rtt.json")["stops_and_reversal"]
    assert len(rows) == 42
    for row in rows:
        assert stops(row["floors"], row["passengers"]) == pytest.approx(row["stops"], abs=1e-9)
        assert reversal_floor(row["floors"], row["passengers"]) == pytest.approx(row["reversal"], abs=1e-9)


def test_worked_examples_come_out_to_the_printed_digit(vectors: Vectors) -> None:
    rows = vectors.json("elevator-rtt", "rtt.json")["worked"]
    assert len(rows) == 2
    for row in rows:
        names = ("floors", "passengers", "tv", "ts", "tp", "cars")
        trip = rtt(**{name: row[name] for name in names})
        assert round(trip.seconds, 1) == row["rtt"]
        assert round(trip.hc5, 1) == row["hc5"]
        if "stops" in row:
            assert (round(trip.stops, 2), round(trip.reversal, 2)) == (row["stops"], row["reversal"])


def test_the_bed_is_the_one_that_was_published(vectors: Vectors) -> None:
    tables = vectors.json("crites-barto", "tables.json")
    assert [len(rows) for rows in tables["tables"].values()] == [10, 9, 9]
    published, bed = tables["building"], crites_barto()
    car = bed.cars[0]
    assert isinstance(car.timing, Timing)
    assert (bed.floors, len(bed.cars), car.capacity) == (published["floors"], published["cars"], published["capacity"])
    assert car.timing.floor_seconds == published["floor_time_s"]
    assert car.timing.stop_seconds == published["stop_time_s"]
    assert car.timing.turn_seconds == published["turn_time_s"]
    load = published["load_time"]
    assert (car.transfer.mean, car.transfer.low, car.transfer.high) == (load["mean"], load["min"], load["max"])
    assert list(CRITES_BARTO_PROFILE) == tables["down_peak_profile_per_floor_2_to_10_per_5min"]


def test_every_level_of_the_game_can_be_played(vectors: Vectors) -> None:
    rows = vectors.json("elevator-saga-levels", "levels.json")["levels"]
    assert len(rows) == 18
    for row in rows:
        level = level_of(row)
        assert level.number == row["level"]
        run = play(level, DISPATCHERS["look"](), seed=1) if row["deliver"] <= 120 else None
        if run is not None:
            assert run.delivered > 0
            assert run.arrived >= row["deliver"] or level.within_seconds is not None
    first = level_of(rows[0])
    assert first.passed(play(first, DISPATCHERS["look"](), seed=1))
