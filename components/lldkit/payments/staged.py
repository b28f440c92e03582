"""A store in front of a store, in which several commits become one."""

from collections.abc import Collection, Mapping, Sequence

from lldkit.payments.errors import StaleVersion
from lldkit.payments.store import Change, Key, Query, Row, Store, Write

__all__ = ["Staged"]


class Staged:
    """Sees its own writes before `flush` makes them all at once. For one thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._writes: dict[Key, Write] = {}

    def read(self, keys: Collection[Key], /) -> Mapping[Key, Row]:
        """Rows of the store, with the staged ones in their place."""
        found = dict(self._store.read([key for key in keys if key not in self._writes]))
        for key in keys:
            write = self._writes.get(key)
            if write is not None and write.value is not None:
                found[key] = Row(write.value, self._version(key))
        return found

    def commit(self, change: Change, /) -> None:
        """Stage writes; those of a key that is staged already take its place."""
        for write in change.writes:
            staged = self._writes.get(write.key)
            if staged is not None and write.expected != self._version(write.key):
                raise StaleVersion(":".join(write.key), write.expected, self._version(write.key))
        for write in change.writes:
            staged = self._writes.get(write.key)
            expected = write.expected if staged is None else staged.expected
            self._writes[write.key] = write._replace(expected=expected)

    def _version(self, key: Key) -> int:
        """What a staged row will have."""
        write = self._writes[key]
        return 0 if write.value is None else write.expected + 1

    def scan(self, query: Query, /) -> Sequence[tuple[Key, Row]]:
        """Rows of the store, staged ones in their place; what is staged and new is not found."""
        found = self._store.scan(query)
        fresh = self.read([key for key, _ in found])
        return [(key, fresh[key]) for key, _ in found if key in fresh]

    def flush(self) -> None:
        """Make all writes."""
        if self._writes:
            self._store.commit(Change(tuple(self._writes.values())))

    def close(self) -> None:
        """Do nothing; the store is somebody else's."""
