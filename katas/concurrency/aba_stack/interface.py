"""What every solution of this kata gets and gives."""

import threading
from typing import Protocol


class Node:
    """A place in a stack."""

    def __init__(self) -> None:
        """Empty, on top of nothing."""
        self.value: object = None
        self.next: Node | None = None


class StampedRef:
    """A reference with a stamp, and compare and swap over both. (Made with a lock: Python has no such thing.)"""

    def __init__(self, node: Node | None, stamp: int) -> None:
        """Hold both."""
        self._one_step = threading.Lock()
        self._node, self._stamp = node, stamp

    def get(self) -> tuple[Node | None, int]:
        """Both, of one moment."""
        with self._one_step:
            return self._node, self._stamp

    def cas(self, node: Node | None, stamp: int, new_node: Node | None, new_stamp: int) -> bool:
        """Replace both, if what is there is this node and this stamp; whether it was."""
        with self._one_step:
            if self._node is not node or self._stamp != stamp:
                return False
            self._node, self._stamp = new_node, new_stamp
            return True


class NodePool:
    """Nodes that are used again at once: last in, first out."""

    def __init__(self) -> None:
        """Without any: nodes are made when there is none."""
        self._one_step = threading.Lock()
        self._free: list[Node] = []

    def take(self) -> Node:
        """The node that was given back last, or a new one."""
        with self._one_step:
            return self._free.pop() if self._free else Node()

    def give(self, node: Node) -> None:
        """Take a node back; it may be somebody else's at once."""
        with self._one_step:
            self._free.append(node)


class Empty(Exception):
    """There is nothing on the stack."""


class Stack(Protocol):
    """The class that you write. Safe for threads, and without a lock."""

    def __init__(self, head: StampedRef, pool: NodePool) -> None:
        """Build on this head, with nodes of this pool."""

    def push(self, value: object) -> None:
        """Put the value on top."""

    def pop(self) -> object:
        """Take the top off and return its value; Empty if there is none."""
