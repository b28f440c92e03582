"""The state of all claims, and what each record changes in it. Decisions are in `core`.

Units are in the free index and in the runs exactly while nothing keeps them busy: a holder, a window, being out of
service. A claim that has only windows ends by itself when the last of them is over.
"""

import heapq
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lldkit.claims.free import FreeIndex
from lldkit.claims.interface import Unit
from lldkit.claims.journal import Record
from lldkit.claims.runs import RunIndex
from lldkit.claims.windows import Windows

__all__ = ["Book", "Held"]

LAST = 2**62


class Held:
    """A claim as the book has it; `until` None: confirmed. `ended` says why it lives no more."""

    __slots__ = ("at", "ended", "exclusive", "extensions", "fence", "id", "owner", "token", "units", "until", "windows")

    def __init__(self, record: Record) -> None:
        self.id: str = record["id"]
        self.token: str = record["token"]
        self.owner: str = record["owner"]
        self.units: Sequence[str] = record["units"]
        self.windows: Sequence[Sequence[Any]] = record["windows"]
        self.fence: int = record["fence"]
        self.at: int = record["at"]
        self.until: int | None = record["until"]
        self.exclusive: bool = record["exclusive"]
        self.extensions: int = record.get("extensions", 0)
        self.ended: str | None = record.get("ended")

    def dump(self) -> dict[str, Any]:
        """What `__init__` takes."""
        return {name: getattr(self, name) for name in self.__slots__}

    def end(self) -> int | None:
        """When it ends by the passing of time alone, if ever."""
        if self.units or not self.windows:
            return self.until
        over: int = max(end for _, _, end, _ in self.windows)
        return over if self.until is None else min(over, self.until)


class Book:
    """Who has what, as of the last record. Deterministic, not safe for threads."""

    def __init__(self, *, keep: int) -> None:
        self._keep = keep
        self._clear()

    def _clear(self) -> None:
        self.now = 0
        self._fence = 0
        self._units: dict[str, Unit] = {}
        self._places: dict[tuple[str, str, int], Unit] = {}
        self._out: set[str] = set()
        self._busy: dict[str, int] = {}
        self._holders: dict[str, Held] = {}
        self._capacity: dict[str, int] = {}
        self._claims: dict[str, Held] = {}
        self._owned: dict[str, dict[str, Held]] = {}
        self._keys: dict[str, tuple[str, str, int]] = {}  # what was asked, the claim's id, when
        self._forget: deque[tuple[int, str, str]] = deque()  # when, "key" or "claim", which
        self._ends: list[tuple[int, str]] = []
        self._ends_of: dict[str, list[tuple[int, str]]] = {}  # by pool, and by target of windows
        self._free = FreeIndex()
        self._runs = RunIndex(lambda *place: self._places[place[:3]].ranks.get(place[3], LAST))
        self._windows = Windows()

    def apply(self, seq: int, record: Record) -> None:  # noqa: ARG002 - the journal counts
        """Take in one record."""
        self.now = max(self.now, record["at"])
        getattr(self, f"_apply_{record['k']}")(record)
        if (key := record.get("key")) is not None:
            self._keys[key] = record["asked"], record["id"], record["at"]
            self._forget.append((record["at"], "key", key))
        while self._forget and self._forget[0][0] + self._keep <= self.now:
            at, kind, which = self._forget.popleft()
            if kind == "claim":
                self._claims.pop(which, None)
            elif which in self._keys and self._keys[which][2] == at:
                del self._keys[which]

    def _apply_unit(self, record: Record) -> None:
        unit = Unit(
            record["id"], pool=record["pool"], ranks=record["ranks"], row=record["row"], position=record["position"]
        )
        self._units[unit.id] = unit
        self._free.add(unit.id, unit.pool, unit.ranks)
        if unit.row:
            self._places[unit.pool, unit.row, unit.position] = unit
            self._runs.give(unit.pool, unit.row, unit.position)

    def _apply_capacity(self, record: Record) -> None:
        self._capacity[record["pool"]] = record["n"]

    def _apply_service(self, record: Record) -> None:
        if record["in"]:
            self._out.discard(record["id"])
            self._vacate(record["id"])
        else:
            self._out.add(record["id"])
            self._occupy(record["id"])

    def _apply_held(self, record: Record) -> None:
        held = Held(record)
        self._fence = max(self._fence, held.fence)
        self._begin(held)

    def _begin(self, held: Held) -> None:
        self._claims[held.id] = held
        self._owned.setdefault(held.owner, {})[held.id] = held
        for unit_id in held.units:
            self._holders[unit_id] = held
        self._mark(held.units, held.windows, 1)
        self._push_end(held)

    def _push_end(self, held: Held) -> None:
        end = held.end()
        if end is None:
            return
        heapq.heappush(self._ends, (end, held.id))
        pools = dict.fromkeys(self._units[unit_id].pool for unit_id in held.units)
        for what in (*pools, *(window[0] for window in held.windows)):
            heapq.heappush(self._ends_of.setdefault(what, []), (end, held.id))

    def _apply_confirmed(self, record: Record) -> None:
        held = self._claims[record["id"]]
        held.until = None
        self._push_end(held)

    def _apply_extended(self, record: Record) -> None:
        held = self._claims[record["id"]]
        held.until = record["until"]
        held.extensions += 1
        self._push_end(held)

    def _apply_released(self, record: Record) -> None:
        self._end(record)

    def _apply_expired(self, record: Record) -> None:
        self._end(record)

    def _end(self, record: Record) -> None:
        held = self._claims[record["id"]]
        held.ended = record["k"]
        del self._owned[held.owner][held.id]
        if not self._owned[held.owner]:
            del self._owned[held.owner]
        for unit_id in held.units:
            del self._holders[unit_id]
        self._mark(held.units, held.windows, -1)
        self._forget.append((record["at"], "claim", held.id))
        self._first_end(self._ends)

    def _mark(self, units: Sequence[str], windows: Sequence[Sequence[Any]], sign: int) -> None:
        """Let units and windows be taken (1) or not any more (-1)."""
        change = self._occupy if sign > 0 else self._vacate
        for unit_id in units:
            change(unit_id)
        for target, start, end, n in windows:
            self._windows.add(target, start, end, sign * n)
            if target[0] == "u":
                change(target[1:])

    def _occupy(self, unit_id: str) -> None:
        busy = self._busy[unit_id] = self._busy.get(unit_id, 0) + 1
        if busy == 1:
            self._free.take(unit_id)
            unit = self._units[unit_id]
            if unit.row:
                self._runs.take(unit.pool, unit.row, unit.position)

    def _vacate(self, unit_id: str) -> None:
        self._busy[unit_id] -= 1
        if not self._busy[unit_id]:
            del self._busy[unit_id]
            self._free.give(unit_id)
            unit = self._units[unit_id]
            if unit.row:
                self._runs.give(unit.pool, unit.row, unit.position)

    def _ends_at(self, end: int, claim_id: str) -> bool:
        held = self._claims.get(claim_id)
        return held is not None and held.ended is None and held.end() == end

    def _first_end(self, heap: list[tuple[int, str]]) -> int | None:
        """The first end in a heap that is still one; others are dropped."""
        while heap and not self._ends_at(*heap[0]):
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def _ended_by(self, now: int) -> Iterator[tuple[int, str]]:
        """The claims that time has ended, without a change to the heap."""
        places = [0]
        while places:
            place = places.pop()
            if place < len(self._ends) and self._ends[place][0] <= now:
                if self._ends_at(*self._ends[place]):
                    yield self._ends[place]
                places += [2 * place + 1, 2 * place + 2]

    def dump(self) -> Mapping[str, Any]:
        """All of it, as JSON values."""
        units = [_unit(unit) for unit in self._units.values()]
        claims = [held.dump() for held in self._claims.values()]
        head = {"now": self.now, "fence": self._fence, "out": sorted(self._out), "capacity": self._capacity}
        return head | {"units": units, "claims": claims, "keys": self._keys, "forget": list(self._forget)}

    def load(self, body: Mapping[str, Any]) -> None:
        """Become what was dumped."""
        self._clear()
        self.now, self._fence, self._capacity = body["now"], body["fence"], dict(body["capacity"])
        for record in body["units"]:
            self._apply_unit(record)
        for unit_id in body["out"]:
            self._apply_service({"id": unit_id, "in": False})
        for held in map(Held, body["claims"]):
            if held.ended:
                self._claims[held.id] = held
            else:
                self._begin(held)
        self._keys = {key: (asked, claim_id, at) for key, (asked, claim_id, at) in body["keys"].items()}
        self._forget = deque((at, kind, which) for at, kind, which in body["forget"])

    def weight(self) -> int:
        """About how many records a dump is as long as."""
        return len(self._units) + len(self._claims) + len(self._keys)


def _unit(unit: Unit) -> dict[str, Any]:
    names = ("id", "pool", "row", "position")
    return {name: getattr(unit, name) for name in names} | {"ranks": dict(unit.ranks)}
