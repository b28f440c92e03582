"""The node is of one read, the stamp of another."""

from interface import Empty


class Stack:
    def __init__(self, head, pool):
        self._head = head
        self._pool = pool

    def push(self, value):
        node = self._pool.take()
        node.value = value
        while True:
            node.next, stamp = self._head.get()
            if self._head.cas(node.next, stamp, node, stamp + 1):
                return

    def pop(self):
        while True:
            top = self._head.get()[0]
            if top is None:
                raise Empty
            below = top.next
            stamp = self._head.get()[1]
            if self._head.cas(top, stamp, below, stamp + 1):
                value = top.value
                self._pool.give(top)
                return value
