"""Stamps need not rise; they must only never come back."""

import itertools

from interface import Empty

FRESH = itertools.count(1)


class Stack:
    def __init__(self, head, pool):
        self.head, self.pool = head, pool

    def push(self, value):
        node = self.pool.take()
        done = False
        while not done:
            top, seen = self.head.get()
            node.value, node.next = value, top
            done = self.head.cas(top, seen, node, -next(FRESH))

    def pop(self):
        top, seen = self.head.get()
        if top is None:
            raise Empty
        if not self.head.cas(top, seen, top.next, -next(FRESH)):
            return self.pop()
        value = top.value
        self.pool.give(top)
        return value
