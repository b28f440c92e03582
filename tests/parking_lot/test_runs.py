"""Buses: runs of adjacent spaces, found exactly when there is one."""

import pytest

from lldkit.claims.runs import RunIndex
from lldkit.parking_lot import Fit, LotFull, Space
from parking_lot.helpers import a_lot, come, go, recount


def row(*positions: int, name: str = "A") -> list[Space]:
    return [Space(f"{name}{n:02}", size="large", row=name, position=n) for n in positions]


def test_a_bus_finds_a_run_if_and_only_if_there_is_one() -> None:
    lot = a_lot(row(*range(1, 13)))
    three, nine = (come(lot, plate, size="large") for plate in "ab")
    lot.relocate(three.id, "A03")
    lot.relocate(nine.id, "A09")
    first = come(lot, "bus 1", size="bus")
    assert first.spaces == ("A04", "A05", "A06", "A07", "A08")
    with pytest.raises(LotFull):
        come(lot, "bus 2", size="bus")
    go(lot, nine)
    with pytest.raises(LotFull):  # 9 to 12 are four
        come(lot, "bus 2", size="bus")
    go(lot, first)
    assert come(lot, "bus 2", size="bus").spaces == ("A04", "A05", "A06", "A07", "A08")
    assert lot.availability()["", "large"].occupied == recount(lot)["", "large"][1] == 6


def test_a_run_crosses_no_row_no_pillar_and_no_space_that_is_out_of_service() -> None:
    for made in (row(1, 2, 3) + row(4, 5, name="B"), row(1, 2, 3, 5, 6)):
        with pytest.raises(LotFull):
            come(a_lot(made), "bus", size="bus")
    lot = a_lot(row(1, 2, 3, 4, 5))
    lot.out_of_service("A03")
    with pytest.raises(LotFull):
        come(lot, "bus", size="bus")
    lot.in_service("A03")
    assert len(come(lot, "bus", size="bus").spaces) == 5


def test_the_shortest_run_that_is_long_enough_is_used_then_the_nearest() -> None:
    far = [Space(f"B{n}", size="large", row="B", position=n, distances={"g": 90}) for n in range(3)]
    near = [Space(f"C{n}", size="large", row="C", position=n, distances={"g": 1}) for n in range(3)]
    long = [Space(f"A{n}", size="large", row="A", position=n, distances={"g": 0}) for n in range(5)]
    lot = a_lot(far + near + long, fit=Fit(order=("large",), runs={"van": ("large", 2)}))
    assert come(lot, "1", size="van").spaces == ("C0", "C1")


def brute_force(free: set[int], length: int) -> bool:
    return any(all(start + step in free for step in range(length)) for start in range(12))


def test_the_index_agrees_with_brute_force_on_all_rows_of_twelve() -> None:
    index = RunIndex(lambda *_: 0)
    free: set[int] = set()
    for number in range(2**12):  # in the order of Gray's code one position changes at a time
        gray = number ^ (number >> 1)
        wanted = {position for position in range(12) if gray >> position & 1}
        for position in wanted - free:
            index.give("p", "r", position)
        for position in free - wanted:
            index.take("p", "r", position)
        free = wanted
        for length in (1, 2, 3, 5, 12):
            found = index.find("p", length)
            assert (found is not None) == brute_force(free, length)
            if found:
                assert all(found[1] + step in free for step in range(length))
                assert found[1] - 1 not in free
