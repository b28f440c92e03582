"""The model of a future, for which some order of the calls must be found."""


class Model:
    """Set or not."""

    def __init__(self):
        self.is_set = False

    def set_result(self, value):
        self.is_set = True

    def done(self):
        return self.is_set


GENERATORS = {}

BUDGETS = {}
