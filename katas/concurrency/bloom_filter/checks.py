"""Directed checks for the arithmetic, scenarios for the threads."""

from lldkit.dojo.author import Desk, check, scenario


@check(level=1, kills=["w02"])
def the_size_is_that_of_the_formula(desk: Desk) -> None:
    """Half the bits cost a hundred times the errors; twice the bits do not fit into memory."""
    for capacity, rate, bits in ((1000, 0.01, 9585), (50_000, 0.001, 718_879), (200, 0.5, 289)):
        found = desk.make(capacity, rate).size()
        desk.true(abs(found - bits) <= bits / 100, f"{bits} bits, within 1 %", f"{found}")
        desk.afresh()


@check(level=1)
def what_makes_no_sense_is_refused(desk: Desk) -> None:
    """A rate of 1 is a filter that finds everything."""
    for capacity, rate in ((0, 0.1), (-1, 0.1), (10, 0), (10, 1), (10, 1.5), (10, -0.1)):
        desk.raises(ValueError, desk.make, capacity, rate)
    desk.make(1, 0.5)


@check(level=1, kills=["w03"])
def few_others_are_found(desk: Desk) -> None:
    """Each wrong find is a lookup in the database that was to be saved."""
    bloom = desk.make(500, 0.02)

    def fill():
        for number in range(500):
            bloom.add(f"item {number}")
        missed = sum(f"item {number}" not in bloom for number in range(500))
        return missed, sum(f"other {number}" in bloom for number in range(2000))

    missed, wrong = desk.quietly("500 items are added, and 2,000 others looked for", fill)
    desk.expect(missed, 0)
    desk.true(wrong <= 80, "about 40 of 2,000 others are found, 80 at most", f"{wrong} are found")


@scenario(level=1, kills=["w01"], schedules=100)
def no_added_item_is_missed(make):
    """The one promise of a Bloom filter: what is not found was never added."""
    bloom = make(3, 0.3)

    def adder(item):
        return lambda: bloom.add(item)

    names = ("ann", "bob", "cyd")
    return {name: adder(name) for name in names}, lambda: make.expect([name in bloom for name in names], [True] * 3)
