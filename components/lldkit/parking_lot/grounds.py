"""Where every space stands: occupied, held for a reservation, out of service, or free.

`put` is the one place that changes it, and keeps the counters, the free spaces and the free runs in step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lldkit.claims.free import FreeIndex
from lldkit.claims.runs import RunIndex
from lldkit.parking_lot.fit import Fit, Group, group_of
from lldkit.parking_lot.interface import Availability, Space

__all__ = ["Grounds", "Layout"]

FREE, OCCUPIED, HELD, OUT = range(4)


@dataclass(frozen=True, slots=True)
class Layout:
    """What a lot is built of, and the times (microseconds) that decide about its reservations."""

    spaces: Sequence[Space]
    fit: Fit
    reservable: Mapping[str, int]
    protect: int
    no_show: int
    keep_closed: int | None


class Grounds:
    """The spaces of a lot, and who has each. Not safe for threads."""

    def __init__(self, layout: Layout) -> None:
        self.layout, self.fit = layout, layout.fit
        self.spaces = {space.id: space for space in layout.spaces}
        if len(self.spaces) < len(layout.spaces):
            raise ValueError("two spaces have the same id")
        self.group = {space.id: group_of(space, layout.fit) for space in layout.spaces}
        self.groups: list[Group] = sorted(set(self.group.values()))
        self.gates = frozenset(gate for space in layout.spaces for gate in space.distances)
        self._pools = {group: str(number) for number, group in enumerate(self.groups)}
        self._places: dict[tuple[str, str, int], str] = {}
        self._clear()

    def _clear(self) -> None:
        self.occupant: dict[str, str] = {}  # space: ticket
        self.holder: dict[str, str] = {}  # space: reservation
        self.out: dict[str, str] = {}
        self.signs: dict[tuple[str, str], int] = {}  # whose free places have changed, and how many there are
        self._counts: dict[tuple[str, str], list[int]] = {}  # by status
        self._free = FreeIndex()
        self._runs = RunIndex(lambda *place: self.spaces[self._places[place[:3]]].distances.get(place[3], 2**31))
        for space in self.layout.spaces:
            pool = self._pools[self.group[space.id]]
            self._free.add(space.id, pool, space.distances)
            self._counts.setdefault((space.level, space.size), [0] * 4)[FREE] += 1
            if space.row:
                if self._places.setdefault((pool, space.row, space.position), space.id) != space.id:
                    raise ValueError(f"two spaces of row {space.row!r} have position {space.position}")
                self._runs.give(pool, space.row, space.position)

    def status(self, space_id: str) -> int:
        """Occupied, held, out or free; who stands on a space that is out of service stays there."""
        if space_id in self.occupant:
            return OCCUPIED
        if space_id in self.holder:
            return HELD
        return OUT if space_id in self.out else FREE

    def is_free(self, space_id: str) -> bool:
        """Whether it may be handed out."""
        return self.status(space_id) == FREE

    def put(self, where: dict[str, str], space_id: str, whose: str | None) -> None:
        """Note in `occupant`, `holder` or `out` whose a space is, or that it is nobody's; all else follows."""
        before = self.status(space_id)
        if whose is None:
            del where[space_id]
        else:
            where[space_id] = whose
        after = self.status(space_id)
        if after == before:
            return
        space, pool = self.spaces[space_id], self._pools[self.group[space_id]]
        counts = self._counts[space.level, space.size]
        counts[before] -= 1
        counts[after] += 1
        if FREE in {before, after}:
            self.signs[space.level, space.size] = counts[FREE]
            (self._free.give if after == FREE else self._free.take)(space_id)
            if space.row:
                (self._runs.give if after == FREE else self._runs.take)(pool, space.row, space.position)

    def order(self, gate: str) -> str:
        """The order of the free spaces as seen from a gate."""
        return gate if gate in self.gates else ""

    def front(self, group: Group, gate: str) -> Space | None:
        """The first free space of a group."""
        found = self._free.first(self._pools[group], self.order(gate))
        return None if found is None else self.spaces[found]

    def front_run(self, group: Group, length: int, gate: str) -> list[str] | None:
        """The spaces of the first run of a group."""
        pool = self._pools[group]
        found = self._runs.find(pool, length, self.order(gate))
        return found and [self._places[pool, found[0], found[1] + step] for step in range(length)]

    def steps(self) -> int:
        """How many entries were looked at to find free spaces."""
        return self._free.steps

    def availability(self) -> dict[tuple[str, str], Availability]:
        """By level and size; as many steps as there are of these."""
        return {sign: Availability(f, o, h, out, f + o + h + out) for sign, (f, o, h, out) in self._counts.items()}

    def rank_of_size(self, size: str) -> int:
        """As `LotView.rank_of_size`."""
        return self.fit.rank(size)

    def free_share(self, level: str) -> float:
        """As `LotView.free_share`."""
        counts = [counts for (each, _), counts in self._counts.items() if each == level]
        return sum(each[FREE] for each in counts) / max(1, sum(map(sum, counts)))
