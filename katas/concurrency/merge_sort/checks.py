"""The scenarios: threads under the scheduler."""

from interface import Pool

from lldkit.dojo.author import scenario


class Card:
    """Compared by its number, and seen with its name."""

    def __init__(self, number, name):
        self.number, self.name = number, name

    def __eq__(self, other):
        return self.number == other.number

    def __hash__(self):
        return hash(self.number)

    def __lt__(self, other):
        return self.number < other.number

    def __le__(self, other):
        return self.number <= other.number

    def __gt__(self, other):
        return self.number > other.number

    def __ge__(self, other):
        return self.number >= other.number


def sorting(make, items, workers):
    """A thread that sorts, and what it got."""
    got = []

    def caller():
        got.append(make(items, Pool(workers)))

    return {"caller": caller}, got


@scenario(level=1, kills=["w01"], schedules=20, max_steps=9_000)
def one_worker_is_enough(make):
    """The pool is full of tasks that wait for tasks that wait for a place in the pool."""
    bodies, got = sorting(make, [3, 1, 2, 5, 4], 1)
    return bodies, lambda: make.expect(got, [[1, 2, 3, 4, 5]])


@scenario(level=1, schedules=20, max_steps=9_000)
def several_workers_agree(make):
    """Two workers, one list."""
    bodies, got = sorting(make, [7, 3, 3, 9, 1, 0], 2)
    return bodies, lambda: make.expect(got, [[0, 1, 3, 3, 7, 9]])


@scenario(level=1, kills=["w02"], schedules=10, max_steps=9_000)
def equals_keep_their_order(make):
    """Sorted by name and then by date, and the names are in disorder again."""
    cards = [Card(number, name) for number, name in ((2, "a"), (1, "b"), (2, "c"), (1, "d"), (2, "e"))]
    bodies, got = sorting(make, cards, 2)
    return bodies, lambda: make.expect("".join(card.name for card in got[0]), "bdace")


@scenario(level=1, kills=["w03"], schedules=5, max_steps=9_000)
def the_input_is_unchanged(make):
    """The caller still shows his list, in the old order."""
    items, short = [3, 1, 2], [1]
    bodies, got = sorting(make, items, 2)
    return bodies, lambda: make.expect([items, got, make(short, None) is short], [[3, 1, 2], [[1, 2, 3]], False])


@scenario(level=1, schedules=2, max_steps=9_000)
def the_pool_does_the_work(make):
    """A pool that is paid for and not used."""
    pool = Pool(1)
    return {"caller": lambda: make([2, 1], pool)}, lambda: make.expect(pool.submitted > 0, True)
