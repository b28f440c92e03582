"""The model, as naive as can be: what one thread alone would see. A call that would wait is one that cannot be."""

GENERATORS = {}

BUDGETS = {}


class Model:
    """A list."""

    def __init__(self, capacity):
        self.capacity, self.items = capacity, []

    def put(self, item):
        if len(self.items) == self.capacity:
            return "must wait"
        self.items.append(item)
        return None

    def get(self):
        return self.items.pop(0) if self.items else "must wait"

    def __len__(self):
        return len(self.items)
