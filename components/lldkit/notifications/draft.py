"""A change in the making: rows as they were read, what is to be written instead, and the loop that commits it."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from lldkit.notifications.interface import State, StoreUnavailable
from lldkit.notifications.rows import DeliveryRow, ReceiptRow, Stored, moment
from lldkit.notifications.store import Key, Row, StaleVersion, Store, Write

__all__ = ["Draft", "change"]

T = TypeVar("T")
TRIES = 50  # with this many writers to one row at once somebody comes through each time


class Draft:
    """Rows that `find` reads when they are first asked for, and those that are put in their place. For one thread."""

    def __init__(self, find: Callable[[Collection[Key]], Mapping[Key, Row]], *, now: int, lease: int = 0) -> None:
        self._find = find
        self.now = now
        """Microseconds since 1970."""
        self.at = moment(now)
        """The same, for people and calendars."""
        self._lease = lease
        self._rows: dict[Key, Row | None] = {}
        self._new: dict[Key, Stored | str | None] = {}
        self.events: list[Any] = []
        """What to tell once it is committed."""

    def assume(self, rows: Mapping[Key, Row | None]) -> None:
        """Take these rows as read."""
        self._rows.update(rows)

    def load(self, keys: Collection[Key]) -> None:
        """Read all these at once."""
        if unread := [key for key in keys if key not in self._rows]:
            found = self._find(unread)
            self._rows.update((key, found.get(key)) for key in unread)

    def get(self, key: Key) -> Any:
        """The row's value, as it will be; None if there is none."""
        if key in self._new:
            return self._new[key]
        if key not in self._rows:
            self.load([key])
        row = self._rows[key]
        return None if row is None else row.value

    def delivery(self, delivery_id: str) -> DeliveryRow | None:
        """A delivery."""
        row: DeliveryRow | None = self.get(("delivery", delivery_id))
        return row

    def receipt(self, receipt_id: str) -> ReceiptRow | None:
        """A receipt."""
        row: ReceiptRow | None = self.get(("receipt", receipt_id))
        return row

    def version(self, key: Key) -> int:
        """How often the row was written before."""
        row = self._rows.get(key)
        return 0 if row is None else row.version

    def put(self, value: Stored) -> None:
        """Write this in the place of what its key has."""
        self._new[value.key] = value

    def put_word(self, key: Key, word: str) -> None:
        """Write a word, which knows no key."""
        self._new[key] = word

    def drop(self, key: Key) -> None:
        """Delete what the key has."""
        self._new[key] = None

    def writes(self) -> list[Write]:
        """What to commit. A delivery that is being sent keeps its lease."""
        return [self._write(key, value) for key, value in self._new.items()]

    def _write(self, key: Key, value: Stored | str | None) -> Write:
        row = self._rows.get(key)
        expected = 0 if row is None else row.version
        if value is None or isinstance(value, str):
            return Write(key, value, expected)
        group, lane, due = value.place
        is_leased = due is None and isinstance(value, DeliveryRow) and value.state is State.SENDING
        return Write(key, value, expected, group, lane, due, self._lease if is_leased else None)


def change(
    store: Store,
    work: Callable[[Draft], T],
    *,
    now: int,
    lease: int,
    connection: Any = None,
    first: Mapping[Key, Row | None] | None = None,
) -> tuple[T, list[Any]]:
    """Do `work` on a draft and commit it, again from the start whenever another writer was faster.

    `first` are rows that the first try takes as read; if they are not so, the commit finds out. Returns what `work`
    returned, and the events to tell.
    StoreUnavailable if others were always faster.
    """
    for _ in range(TRIES):
        draft = Draft(lambda keys: store.find(keys, connection=connection), now=now, lease=lease)
        draft.assume(first or {})
        first = None
        result = work(draft)
        if not (writes := draft.writes()):
            return result, draft.events
        try:
            store.commit(writes, now=now, connection=connection)
        except StaleVersion:
            continue
        return result, draft.events
    raise StoreUnavailable("the store, where others were always faster,")
