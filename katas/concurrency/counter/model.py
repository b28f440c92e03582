"""The model, as naive as can be, and the programs that are played on it and on a solution."""

from lldkit.dojo.author import Op, Program


class Model:
    """All additions since the last reset."""

    def __init__(self):
        self.added = []

    def add(self, n=1):
        self.added.append(n)
        return sum(self.added)

    def value(self):
        return sum(self.added)

    def reset(self):
        total, self.added = sum(self.added), []
        return total


def drawn(rng, calls):
    return Program({}, [calls[int(rng.random() * len(calls))]() for _ in range(8)])


def level1(rng):
    """Numbers of all signs."""
    return drawn(rng, [lambda: Op("add"), lambda: Op("add", int(rng.random() * 7) - 3), lambda: Op("value")])


def level2(rng):
    """Resets in between."""
    return drawn(rng, [lambda: Op("add"), lambda: Op("reset"), lambda: Op("value")])


GENERATORS = {1: [level1], 2: [level2]}


def build(setup, make, clock):
    return [make(**setup)]


BUDGETS = {}


def audit(program):
    """The steps that read everything back."""
    return [Op("value")]
