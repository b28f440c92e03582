"""Play with it: `python demo.py`."""

from interface import NodePool, StampedRef
from solution import Stack

head = StampedRef(None, 0)
stack = Stack(head, NodePool())
for value in "abc":
    stack.push(value)
    print("pushed", value, "- stamp", head.get()[1])
for _ in "abc":
    print("popped", stack.pop(), "- stamp", head.get()[1])
