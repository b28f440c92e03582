"""Cell: whole versions only, never an older one of the same origin."""

from collections.abc import Mapping, Sequence

import pytest

from lldkit import interleave
from lldkit.clock import EPOCH
from lldkit.interleave import Body, Invariant
from lldkit.snapshot import Cell, Snapshot


def snapshot(version: int, origin: str = "a") -> Snapshot[tuple[str, int]]:
    return Snapshot((origin, version), version, origin, EPOCH)


def test_a_newer_version_of_the_origin_is_taken() -> None:
    cell = Cell(snapshot(1))
    assert cell.swap(snapshot(3)) is True
    assert cell.current == snapshot(3)


@pytest.mark.parametrize("version", [1, 2])
def test_an_older_version_and_the_same_one_change_nothing(version: int) -> None:
    newest = snapshot(2)
    cell = Cell(newest)
    assert cell.swap(snapshot(version)) is False
    assert cell.current is newest


def test_a_store_that_was_made_again_is_followed_though_its_numbers_are_lower() -> None:
    cell = Cell(snapshot(9))
    assert cell.swap(snapshot(1, "b")) is True
    assert cell.current == snapshot(1, "b")


def test_writers_at_once_leave_the_newest_and_readers_never_go_back() -> None:
    def program() -> tuple[Mapping[str, Body], Invariant]:
        cell = Cell(snapshot(1))
        seen: list[Snapshot[tuple[str, int]]] = []

        def read() -> None:
            seen.extend(cell.current for _ in range(3))

        def whole_and_forward() -> bool:
            versions: Sequence[int] = [each.version for each in seen]
            whole = all(each.value == (each.origin, each.version) for each in seen)
            return whole and list(versions) == sorted(versions) and cell.current == snapshot(3)

        bodies = {"two": lambda: cell.swap(snapshot(2)), "three": lambda: cell.swap(snapshot(3)), "reader": read}
        return bodies, whole_and_forward

    interleave.explore(program, schedules=200).assert_ok()
