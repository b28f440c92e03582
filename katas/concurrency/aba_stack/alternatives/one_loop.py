"""One loop that replaces the head by a function of it."""

from interface import Empty


class Stack:
    def __init__(self, head, pool):
        self.head, self.pool = head, pool

    def replace(self, function):
        won = False
        while not won:
            node, stamp = self.head.get()
            won = self.head.cas(node, stamp, function(node), stamp + 1)
        return node

    def push(self, value):
        mine = self.pool.take()
        mine.value = value

        def on_top(node):
            mine.next = node
            return mine

        self.replace(on_top)

    def pop(self):
        def below(node):
            if node is None:
                raise Empty("nothing there")
            return node.next

        taken = self.replace(below)
        value, taken.value = taken.value, None
        self.pool.give(taken)
        return value
