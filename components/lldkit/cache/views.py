"""Views of a cache whose use leaves no trace: they peek."""

from collections.abc import ItemsView, Iterator, Mapping, ValuesView
from typing import Any, TypeVar, cast

__all__ = ["Items", "Values"]

K = TypeVar("K")
V = TypeVar("V")

MISSING: Any = object()


class _Peeking:
    _mapping: Any

    def _pairs(self) -> Iterator[tuple[Any, Any]]:
        """The entries of this moment that are still there when their turn comes."""
        for key in self._mapping:
            value = self._mapping.peek(key, MISSING)
            if value is not MISSING:
                yield key, value


class Items(_Peeking, ItemsView[K, V]):
    """Keys and values."""

    def __init__(self, mapping: Mapping[K, V]) -> None:
        super().__init__(mapping)

    def __contains__(self, item: object) -> bool:
        key, value = cast("tuple[Any, Any]", item)
        found = self._mapping.peek(key, MISSING)
        return found is value or bool(found == value)

    def __iter__(self) -> Iterator[tuple[K, V]]:
        return self._pairs()


class Values(_Peeking, ValuesView[V]):
    """Values."""

    def __contains__(self, value: object) -> bool:
        return any(found is value or found == value for _, found in self._pairs())

    def __iter__(self) -> Iterator[V]:
        return (value for _, value in self._pairs())
