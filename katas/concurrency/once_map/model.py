"""The model, as naive as can be: what one thread alone would see."""

GENERATORS = {}

BUDGETS = {}


class Model:
    """A dict."""

    def __init__(self):
        self.made = {}

    def get_or_create(self, key, factory):
        if key not in self.made:
            self.made[key] = factory()
        return self.made[key]
