"""The stamp counts pushes."""

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
            top, stamp = self._head.get()
            if top is None:
                raise Empty
            if self._head.cas(top, stamp, top.next, stamp):
                value = top.value
                self._pool.give(top)
                return value
