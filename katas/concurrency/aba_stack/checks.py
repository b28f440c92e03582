"""The scenarios: what others do between two steps of one call is done here at exactly that place."""

from interface import NodePool, StampedRef
from lldkit.dojo.author import scenario


class Driven(StampedRef):
    """A head at which `meanwhile()` happens once, right before the first swap of the thread that is watched."""

    def __init__(self):
        super().__init__(None, 0)
        self.meanwhile = None

    def cas(self, *args):
        happens, self.meanwhile = self.meanwhile, None
        if happens is not None:
            happens()
        return super().cas(*args)


class BetweenReads(StampedRef):
    """A head at which `meanwhile()` happens once, right before it is touched a second time by the thread that is watched."""

    def __init__(self):
        super().__init__(None, 0)
        self.meanwhile, self.is_first = None, True

    def touched(self):
        if self.meanwhile is not None:
            happens = None if self.is_first else self.meanwhile
            self.is_first = False
            if happens is not None:
                self.meanwhile = None
                happens()

    def get(self):
        self.touched()
        return super().get()

    def cas(self, *args):
        self.touched()
        return super().cas(*args)


class Strict(NodePool):
    """A pool that wipes what it is given, as whoever takes it next would."""

    def give(self, node):
        node.value, node.next = "somebody else's", None
        super().give(node)


def rest(make, stack):
    """Everything that is left, from the top; a ring of nodes would have no end."""
    left = []
    while len(left) < 10 and (value := make.outcome(stack.pop)) != "Empty":
        left.append(value)
    return left


@scenario(level=1, schedules=1)
def the_last_in_is_the_first_out(make):
    """A stack that forgets its order undoes the wrong step."""
    told = []

    def story():
        stack = make(StampedRef(None, 0), NodePool())
        told.append(make.outcome(stack.pop))
        for value in (1, None, 3):
            stack.push(value)
        told.extend([stack.pop(), stack.pop()])
        stack.push(4)
        told.extend(rest(make, stack))

    return {"Eve": story}, lambda: make.expect(told, ["Empty", 3, None, 4, 1])


@scenario(level=1, kills=["w05"], schedules=1)
def a_value_is_read_while_the_node_is_ones_own(make):
    """A customer gets the parcel of the one who came after him."""
    told = []

    def story():
        stack = make(StampedRef(None, 0), Strict())
        stack.push("a")
        stack.push("b")
        told.extend([stack.pop(), stack.pop()])

    return {"Eve": story}, lambda: make.expect(told, ["b", "a"])


@scenario(level=1, kills=["w04"], schedules=1)
def a_node_in_the_stack_is_in_nobodys_hand(make):
    """Somebody takes a node out of the pool, and it is the top of the stack."""
    told = []

    def story():
        head, pool = Driven(), NodePool()
        stack = make(head, pool)
        stack.push("a")
        stack.push("b")

        def others():
            node = pool.take()
            node.value, node.next = "stolen", None
            told.append(node in (head.get()[0], head.get()[0].next))

        head.meanwhile = others
        stack.pop()

    return {"Eve": story}, lambda: make.expect(told, [False])


@scenario(level=1, schedules=1)
def what_has_left_is_used_again(make):
    """A pool into which nothing comes back is a leak."""
    told = []

    def story():
        head, pool = StampedRef(None, 0), NodePool()
        stack = make(head, pool)
        stack.push("a")
        node, _ = head.get()
        stack.pop()
        told.append(pool.take() is node)

    return {"Eve": story}, lambda: make.expect(told, [True])


@scenario(level=1, kills=["w01"], schedules=1)
def a_node_that_came_back_is_not_taken_for_the_old_one(make):
    """A, B, A: the top is the same node, the stack is another one, and B, which is long gone, becomes the top."""
    told = []

    def story():
        head, pool = Driven(), NodePool()
        stack = make(head, pool)
        for value in ("c", "b", "a"):
            stack.push(value)

        def others():
            told.extend([stack.pop(), stack.pop()])
            spare = pool.take()
            stack.push("a again")
            pool.give(spare)

        head.meanwhile = others
        told.append(stack.pop())
        told.extend(rest(make, stack))

    return {"Eve": story}, lambda: make.expect(told, ["a", "b", "a again", "c"])


@scenario(level=1, kills=["w03"], schedules=1)
def node_and_stamp_belong_together(make):
    """The old node with the new stamp: both are right, each for a moment of its own."""
    told = []

    def story():
        head, pool = BetweenReads(), NodePool()
        stack = make(head, pool)
        for value in ("c", "b", "a"):
            stack.push(value)

        def others():
            told.extend([stack.pop(), stack.pop()])
            spare = pool.take()
            stack.push("a again")
            pool.give(spare)

        head.meanwhile = others
        told.append(stack.pop())
        told.extend(rest(make, stack))

    return {"Eve": story}, lambda: make.expect(told, ["a", "b", "a again", "c"])


@scenario(level=1, kills=["w02"], schedules=1)
def a_pop_is_seen_by_its_stamp(make):
    """Somebody else watches the head, to copy the stack of one moment; a change that he cannot see spoils his copy."""
    told = []

    def story():
        head = StampedRef(None, 0)
        stack = make(head, NodePool())
        stamps = [head.get()[1]]
        for call in (lambda: stack.push("a"), lambda: stack.push("b"), stack.pop, stack.pop, lambda: stack.push("c")):
            call()
            stamps.append(head.get()[1])
        told.append(len(set(stamps)))

    return {"Eve": story}, lambda: make.expect(told, [6])


@scenario(level=1, proof="sync", max_steps=2_000)
def each_value_is_popped_once(make):
    """Two who pop at once never get the same thing, and nothing is lost."""
    stack, told = make(StampedRef(None, 0), NodePool()), []
    for value in ("c", "b", "a"):
        stack.push(value)

    def pops():
        told.append(stack.pop())

    def invariant():
        return make.expect(sorted([*told, *rest(make, stack)]), ["a", "b", "c"])

    return {"Ann": pops, "Bob": pops}, invariant


@scenario(level=1, schedules=100, max_steps=2_000)
def pushes_and_pops_at_once_lose_nothing(make):
    """Nodes go round between three threads, as fast as the pool can hand them out."""
    stack, told = make(StampedRef(None, 0), NodePool()), []
    for value in ("b", "a"):
        stack.push(value)

    def pops():
        told.append(stack.pop())

    def both():
        told.append(stack.pop())
        stack.push("d")

    def invariant():
        return make.expect(sorted([*told, *rest(make, stack)]), ["a", "b", "c", "d"])

    return {"Ann": pops, "Bob": both, "Cyd": lambda: stack.push("c")}, invariant
