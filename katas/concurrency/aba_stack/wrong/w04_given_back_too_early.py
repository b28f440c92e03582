"""Gives the node back when it has read it, and swaps afterwards."""

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
            value, below = top.value, top.next
            self._pool.give(top)
            if self._head.cas(top, stamp, below, stamp + 1):
                return value
            self._pool.take()
