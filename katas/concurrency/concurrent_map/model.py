"""The model, as naive as can be: a dict."""

GENERATORS = {}

BUDGETS = {}


class Model:
    """What one thread alone would see."""

    def __init__(self):
        self.held = {}

    def get(self, key):
        return self.held.get(key)

    def put(self, key, value):
        self.held[key] = value

    def remove(self, key):
        return self.held.pop(key, None)
