"""The scenarios: threads under the scheduler. Small whole numbers are their own hash: 0 and 1 lie on two of two stripes."""

from lldkit.dojo.author import scenario


class Down(Exception):
    """What `fn` raises."""


def one_more(old):
    return (old or 0) + 1


@scenario(level=1, kills=["w01"], schedules=100, smoke=True)
def an_update_is_one_step(make):
    """Two requests count the same word, and one of them is lost."""
    m, told = make(2), []

    def body():
        told.append(m.update(0, one_more))

    return {"Ann": body, "Bob": body}, lambda: make.expect([sorted(told), m.get(0)], [[1, 2], 2])


@scenario(level=1, kills=["w02"], schedules=100)
def items_are_those_of_one_instant(make):
    """A backup in which the order is there, and the customer who gave it is not."""
    m, seen = make(2), []

    def write():
        m.put(0, "customer")
        m.put(1, "order")

    def read():
        for _ in range(2):
            seen.append(sorted(m.items()))
            seen.append(len(m))

    def invariant():
        for pairs, count in zip(seen[::2], seen[1::2], strict=True):
            wanted = [(0, "customer"), (1, "order")][: len(pairs)]
            make.expect([pairs, count >= len(pairs)], [wanted, True])
        return True

    return {"writer": write, "reader": read}, invariant


@scenario(level=1, kills=["w03"], schedules=10)
def inside_others_may_be_read(make):
    """It went well for a year, until two keys met on one stripe."""
    m, told = make(1), []
    m.put("price", 3)

    def ann():
        told.append(m.update("sum", lambda old: (old or 0) + m.get("price") * (m.get("sum") is None)))

    return {"Ann": ann}, lambda: make.expect(told, [3])


@scenario(level=1, proof="sync")
def updates_that_read_each_other_come_to_an_end(make):
    """Each holds its stripe and wants that of the other."""
    m, told = make(2), []

    def update(mine, other):
        told.append(m.update(mine, lambda old: (m.get(other) or 0) + 1))

    bodies = {"Ann": lambda: update(0, 1), "Bob": lambda: update(1, 0)}
    return bodies, lambda: make.expect(min(told), 1)


@scenario(level=1, schedules=100)
def a_removal_waits_for_an_update(make):
    """What was removed is counted on: the session that was closed is alive again, with its old contents."""
    m, told = make(2), {}
    m.put(0, 1)

    def ann():
        told["update"] = m.update(0, one_more)

    def bob():
        told["remove"] = m.remove(0)

    def invariant():
        wanted = [2, 2, None] if told["update"] == 2 else [1, 1, 1]
        return make.expect([told["update"], told["remove"], m.get(0)], wanted)

    return {"Ann": ann, "Bob": bob}, invariant


@scenario(level=1, schedules=60)
def changes_fit_one_order(make):
    """Linearizable for each key, and for all together."""
    m, history = make.recorded(2)

    def ann():
        m.put(0, "a")
        m.remove(1)

    def bob():
        m.put(1, "b")
        m.get(0)

    def cyd():
        m.remove(0)
        m.get(1)

    return {"Ann": ann, "Bob": bob, "Cyd": cyd}, lambda: make.linearizable(history)


@scenario(level=1, schedules=1)
def who_fails_inside_changes_nothing(make):
    """One bad callback, and every key of its stripe is blocked."""
    m, told = make(1), []
    m.put("a", 1)

    def fail(old):
        raise Down

    def alone():
        told.extend([make.outcome(m.update, "a", fail), make.outcome(m.update, "b", fail), make.outcome(make, 0)])
        told.extend([m.items(), m.remove("b"), m.update("a", one_more), m.update("c", lambda old: None), len(m)])

    return {"alone": alone}, lambda: make.expect(told, ["Down", "Down", "ValueError", [("a", 1)], None, 2, None, 2])


@scenario(level=1, schedules=1)
def many_keys_on_few_stripes(make):
    """More keys than stripes, of every hash, also a negative one."""
    m = make(3)

    def alone():
        for key in range(-5, 5):
            m.put(key, key * key)
        m.put(2, "two")
        m.remove(3)

    def invariant():
        wanted = [(key, "two" if key == 2 else key * key) for key in range(-5, 5) if key != 3]
        return make.expect([sorted(m.items(), key=lambda pair: pair[0]), len(m)], [wanted, 9])

    return {"alone": alone}, invariant
