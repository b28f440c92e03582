"""The model of the counter, for which some order of the calls must be found."""


class Model:
    """A number."""

    def __init__(self):
        self.total = 0

    def add(self, n=1):
        self.total += n
        return self.total

    def value(self):
        return self.total


GENERATORS = {}

BUDGETS = {}
