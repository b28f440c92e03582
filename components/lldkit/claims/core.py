"""What may be claimed: every verb decides upon a book, reading only, and returns the records that say what happened.

Pure: the time is told, and identities and tokens are handed in. Times are whole microseconds, windows are half-open.
"""

from collections.abc import Callable, Sequence
from typing import Any

from lldkit.claims.interface import (
    ClaimExpired,
    ClaimLost,
    ClaimRefused,
    KeyMismatch,
    OwnerBusy,
    TooManyExtensions,
    Unit,
    UnitConflict,
    UnknownPool,
    UnknownUnit,
)
from lldkit.claims.journal import Record
from lldkit.claims.ledger import Book, Held
from lldkit.claims.times import to_datetime
from lldkit.claims.wants import Asked
from lldkit.clock import MICRO

__all__ = ["Ledger"]

MOST_DUE = 10_000
Chosen = tuple[Sequence[str], Sequence[Sequence[Any]]]


class Ledger(Book):
    """A book and the decisions about it. Not safe for threads."""

    def __init__(self, *, max_extensions: int, keep: int) -> None:
        super().__init__(keep=keep)
        self._most = max_extensions

    def add(self, units: Sequence[Unit], now: int) -> list[Record]:
        """Units that are not there yet."""
        new: dict[str, Unit] = {}
        for unit in units:
            known = self._units.get(unit.id) or new.get(unit.id)
            at_its_place = self._places.get((unit.pool, unit.row, unit.position))
            if (known or unit) != unit or (unit.row and (at_its_place or unit).id != unit.id):
                raise UnitConflict(unit.id)
            if known is None:
                new[unit.id] = unit
        names = ("id", "pool", "row", "position", "ranks")
        return [{"k": "unit", "at": now, **{name: getattr(unit, name) for name in names}} for unit in new.values()]

    def set_capacity(self, pool: str, n: int, now: int) -> list[Record]:
        """A capacity, if it is another one."""
        same = self._capacity.get(pool) == n
        return [] if same else [{"k": "capacity", "at": now, "pool": pool, "n": n}]

    def set_service(self, unit_id: str, *, in_service: bool, now: int) -> list[Record]:
        """A unit that goes out of service, or comes back."""
        same = (self._unit(unit_id).id not in self._out) == in_service
        return [] if same else [{"k": "service", "at": now, "id": unit_id, "in": in_service}]

    def claim(self, asked: Asked, claim_id: str, token: str, now: int) -> tuple[list[Record], str]:
        """The record of a new claim and its id; only the id where the key has brought one already."""
        if (done := self._done(asked.key, asked.text, now)) is not None:
            return [], done
        for other in self._owned.get(asked.owner, {}).values():
            if asked.exclusive or other.exclusive:
                raise OwnerBusy(asked.owner, other.id)
        units, windows = self._choose(asked, now)
        until = None if asked.ttl is None else now + asked.ttl
        record: Record = {
            "k": "held",
            "id": claim_id,
            "token": token,
            "owner": asked.owner,
            "units": units,
            "windows": windows,
        }
        record |= {"fence": self._fence + 1, "at": now, "until": until, "exclusive": asked.exclusive}
        return [record if asked.key is None else {**record, "key": asked.key, "asked": asked.text}], claim_id

    def confirm(self, claim_id: str, token: str, key: str | None, now: int) -> list[Record]:
        """The record of a confirmation, if it was not confirmed before."""
        if self._done(key, f"confirm {claim_id}", now) is not None:
            return []
        held = self._own(claim_id, token)
        return [] if held.until is None else [_told("confirmed", held, now, key, f"confirm {claim_id}")]

    def extend(self, claim_id: str, token: str, ttl: int, now: int) -> list[Record]:
        """The record of another end; a confirmed claim has no end and gets none."""
        held = self._own(claim_id, token)
        if held.until is None:
            return []
        if held.extensions >= self._most:
            raise TooManyExtensions(claim_id, self._most)
        return [{**_told("extended", held, now), "until": now + ttl}]

    def release(self, claim_id: str, token: str, key: str | None, now: int) -> tuple[list[Record], bool]:
        """The record of a release and True, or False where the claim was not one's own any more."""
        if self._done(key, f"release {claim_id}", now) is not None:
            return [], True
        held = self._claims.get(claim_id)
        if held is None or held.token != token or held.ended:
            return [], False
        return [_told("released", held, now, key, f"release {claim_id}")], True

    def due(self, now: int) -> list[Record]:
        """The ends that have come by the passing of time, in their order."""
        if not self._ends or self._ends[0][0] > now:
            return []
        last = self.now
        records: list[Record] = []
        for end, claim_id in sorted(set(self._ended_by(now)))[:MOST_DUE]:
            last = max(last, end)
            records.append(_told("expired", self._claims[claim_id], last))
        return records

    def next_due(self) -> int | None:
        """When the next claim ends by the passing of time, if one does."""
        return self._first_end(self._ends)

    def held(self, claim_id: str) -> Held:
        """The claim, also one that has ended; `ClaimLost` when nothing is known of it."""
        if claim_id not in self._claims:
            raise ClaimLost(claim_id)
        return self._claims[claim_id]

    def standing(self, unit_id: str) -> tuple[bool, bool, Held | None]:
        """Whether the unit is free, whether it is in service, and who holds it."""
        self._unit(unit_id)
        return self._free.is_free(unit_id), unit_id not in self._out, self._holders.get(unit_id)

    def owned(self, owner: str) -> list[Held]:
        """The live claims of an owner, oldest first."""
        return list(self._owned.get(owner, {}).values())

    def free(self, pool: str, window: tuple[int, int] | None) -> int:
        """Units that are free, or what is left of the capacity."""
        if window is None:
            return self._free.count(self._pool(pool))
        if pool not in self._capacity:
            raise UnknownPool(pool)
        return max(0, self._capacity[pool] - self._windows.peak(f"p{pool}", *window))

    def _unit(self, unit_id: str) -> Unit:
        if unit_id not in self._units:
            raise UnknownUnit(unit_id)
        return self._units[unit_id]

    def _pool(self, pool: str) -> str:
        if not self._free.has_pool(pool):
            raise UnknownPool(pool)
        return pool

    def _done(self, key: str | None, text: str, now: int) -> str | None:
        """The claim to which a key that was used belongs."""
        if key is None or key not in self._keys:
            return None
        asked, claim_id, at = self._keys[key]
        if at + self._keep <= now:
            return None
        if asked != text:
            raise KeyMismatch(key)
        return claim_id

    def _own(self, claim_id: str, token: str) -> Held:
        held = self._claims.get(claim_id)
        if held is None or held.token != token or held.ended == "released":
            raise ClaimLost(claim_id)
        if held.ended:
            raise ClaimExpired(claim_id, to_datetime(held.end() or 0))
        return held

    def _choose(self, asked: Asked, now: int) -> Chosen:
        """Units and windows for all wants; what one want gets is not there for the next."""
        if len(asked.wants) == 1:
            return self._meet(asked.wants[0], now)
        chosen: list[Chosen] = []
        try:
            for want in asked.wants:
                found = self._meet(want, now)
                self._mark(*found, 1)
                chosen.append(found)
        finally:
            for found in chosen:
                self._mark(*found, -1)
        return [unit for units, _ in chosen for unit in units], [window for _, spans in chosen for window in spans]

    def _meet(self, want: tuple[Any, ...], now: int) -> Chosen:
        kind, *rest = want
        meet: Callable[..., Chosen] = getattr(self, f"_{kind}")
        return meet(now, *rest)

    def _exactly(self, now: int, ids: Sequence[str], start: int | None, end: int | None) -> Chosen:
        blocking = [unit_id for unit_id in ids if self._blocks(self._unit(unit_id), start, end)]
        if blocking:
            ends = [self._end_of(unit_id) for unit_id in blocking]
            known = [each for each in ends if each is not None]
            raise ClaimRefused(tuple(blocking), _seconds(max(known), now) if len(known) == len(ends) else None)
        if start is None or end is None:
            return ids, ()
        return (), [[f"u{unit_id}", start, end, 1] for unit_id in ids]

    def _blocks(self, unit: Unit, start: int | None, end: int | None) -> bool:
        if start is None or end is None:
            return not self._free.is_free(unit.id)
        taken = unit.id in self._holders or unit.id in self._out
        return taken or self._windows.peak(f"u{unit.id}", start, end) > 0

    def _end_of(self, unit_id: str) -> int | None:
        if unit_id in self._out:
            return None
        holder = self._holders.get(unit_id)
        return holder.end() if holder else self._first_end(self._ends_of.get(f"u{unit_id}", []))

    def _any(self, now: int, pools: Sequence[str], order: str) -> Chosen:
        for pool in pools:
            unit_id = self._free.first(self._pool(pool), order)
            if unit_id is not None:
                return (unit_id,), ()
        raise self._refused(pools, pools, now)

    def _run(self, now: int, pool: str, length: int, order: str) -> Chosen:
        found = self._runs.find(self._pool(pool), length, order)
        if found is None:
            raise self._refused((pool,), (pool,), now)
        row, start = found
        return [self._places[pool, row, start + step].id for step in range(length)], ()

    def _count(self, now: int, pool: str, n: int, start: int, end: int) -> Chosen:
        if pool not in self._capacity:
            raise UnknownPool(pool)
        if self._windows.peak(f"p{pool}", start, end) + n > self._capacity[pool]:
            raise self._refused((pool,), (f"p{pool}",), now)
        return (), [[f"p{pool}", start, end, n]]

    def _refused(self, blocking: Sequence[str], what: Sequence[str], now: int) -> ClaimRefused:
        ends = [self._first_end(self._ends_of.get(each, [])) for each in what]
        known = [end for end in ends if end is not None]
        return ClaimRefused(tuple(blocking), _seconds(min(known), now) if known else None)


def _seconds(until: int, now: int) -> float:
    return max(0, until - now) / MICRO


def _told(what: str, held: Held, at: int, key: str | None = None, asked: str = "") -> Record:
    told: Record = {"k": what, "id": held.id, "at": at, "owner": held.owner, "units": held.units}
    return told if key is None else {**told, "key": key, "asked": asked}
