"""A cache that remembers the last `maxsize` entries: a dict of nodes in a ring, least recently used first."""

from collections.abc import Hashable
from typing import Any


class Node:
    """An entry and its neighbours in the ring."""

    __slots__ = ("after", "before", "key", "value")

    def __init__(self, key: Hashable = None, value: Any = None) -> None:
        self.key, self.value = key, value
        self.before = self.after = self


class Cache:
    """At most `maxsize` entries; the least recently used leaves."""

    def __init__(self, *, maxsize: int) -> None:
        if maxsize < 1:
            raise ValueError(f"maxsize must be at least 1, got {maxsize}")
        self._maxsize = maxsize
        self._nodes: dict[Hashable, Node] = {}
        self._ring = Node()  # the oldest stands after it, the newest before it

    def get(self, key: Hashable, default: Any = None) -> Any:
        """The value of `key`, which is now the most recently used, or `default`."""
        if key not in self._nodes:
            return default
        node = self._unlink(self._nodes[key])
        self._append(node)
        return node.value

    def put(self, key: Hashable, value: Any) -> None:
        """Keep `value` under `key`."""
        if key in self._nodes:
            self._unlink(self._nodes[key])
        elif len(self._nodes) == self._maxsize:
            del self._nodes[self._unlink(self._ring.after).key]
        self._nodes[key] = Node(key, value)
        self._append(self._nodes[key])

    def invalidate(self, key: Hashable) -> bool:
        """Remove `key`; whether it was there."""
        if key not in self._nodes:
            return False
        node = self._nodes.pop(key)
        node.before.after = node.after
        return True

    def __contains__(self, key: Hashable) -> bool:
        return key in self._nodes

    def __len__(self) -> int:
        return len(self._nodes)

    def _append(self, node: Node) -> None:
        newest = self._ring.before
        node.before, node.after = newest, self._ring
        newest.after = self._ring.before = node

    def _unlink(self, node: Node) -> Node:
        node.before.after = node.after
        node.after.before = node.before
        return node
