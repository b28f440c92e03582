"""The scenarios: threads under the scheduler."""

from lldkit.dojo.author import scenario


def atoms(make, kinds):
    """A thread for each atom, and what was released."""
    water, told = make(), []
    method = {"H": water.hydrogen, "O": water.oxygen}
    bodies = {
        f"{kind}{number}": lambda kind=kind: method[kind](lambda: told.append(kind)) for number, kind in enumerate(kinds)
    }
    return bodies, told


@scenario(level=1, schedules=60, max_steps=3_000, smoke=True)
def three_atoms_are_water(make):
    """The smallest group."""
    bodies, told = atoms(make, "HOH")
    return bodies, lambda: make.expect(sorted(told), ["H", "H", "O"])


@scenario(level=1, kills=["w01"], schedules=20, race_timeouts=False, max_steps=3_000)
def nobody_goes_before_the_group_is_complete(make):
    """A ship that leaves with half of its crew."""
    water, clock, told = make(), make.clock(), []

    def released():
        told.append(clock.monotonic())

    def late():
        clock.sleep(8)
        water.oxygen(released)

    hydrogen = lambda: water.hydrogen(released)
    return {"H0": hydrogen, "H1": hydrogen, "O": late}, lambda: make.expect(told, [8, 8, 8])


@scenario(level=1, kills=["w02"], schedules=20, race_timeouts=False, max_steps=3_000)
def each_group_is_water(make):
    """Three of one kind come first, and that is no group."""
    bodies, told = atoms(make, "HHHOHO")
    clock = make.clock()
    waits = {"H0": 0, "H1": 0, "H2": 0, "O3": 1, "H4": 2, "O5": 3}

    def at(name):
        def body():
            clock.sleep(waits[name])
            bodies[name]()

        return body

    def invariant():
        return make.expect([sorted(told[:3]), sorted(told[3:])], [["H", "H", "O"]] * 2)

    return {name: at(name) for name in bodies}, invariant


@scenario(level=1, kills=["w03"], schedules=100, max_steps=4_000)
def groups_do_not_mix(make):
    """The next group is ready, and one of it overtakes."""
    bodies, told = atoms(make, "HHOHHO")
    return bodies, lambda: make.expect([sorted(told[:3]), sorted(told[3:])], [["H", "H", "O"]] * 2)
