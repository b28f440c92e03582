"""The scenarios: threads under the scheduler."""

from lldkit.dojo.author import scenario


def adders(count, add):
    """So many threads that add 1, and the list in which each notes what it was told."""
    told = [None] * count

    def adder(number):
        def body():
            told[number] = add()

        return body

    names = ("Ann", "Bob", "Cyd")
    return {names[number]: adder(number) for number in range(count)}, told


@scenario(level=1, kills=["w01", "w03"], proof="free", smoke=True)
def nothing_is_lost(make):
    """Two requests are served and one is counted: the bill, the quota and the graph are all wrong, and nothing fails."""
    counter = make()
    bodies, _ = adders(2, counter.add)
    return bodies, lambda: make.expect(counter.value(), 2)


@scenario(level=1, kills=["w02"], proof="sync")
def the_read_belongs_to_the_step(make):
    """Here threads switch only where a lock is taken or given back, and still something is lost."""
    counter = make()
    bodies, _ = adders(3, counter.add)
    return bodies, lambda: make.expect(counter.value(), 3)


@scenario(level=1, kills=["w04"], proof="free")
def each_add_gets_a_number_of_its_own(make):
    """Two customers hold ticket 7."""
    counter = make()
    bodies, told = adders(2, counter.add)
    return bodies, lambda: make.expect(sorted(told), [1, 2])


@scenario(level=1, schedules=100)
def all_answers_fit_one_order(make):
    """Linearizable: whatever was answered, there is one order of the calls in which it is right."""
    counter, history = make.recorded()

    def reader():
        counter.value()
        counter.add(4)

    return {"one": counter.add, "two": lambda: counter.add(2), "reader": reader}, lambda: make.linearizable(history)


@scenario(level=2, kills=["w05"], proof="free", smoke=True)
def what_was_added_is_returned_by_one_reset(make):
    """A counter that is exported and cleared every minute loses what came in between, a little every minute."""
    counter, told = make(), []

    def reset():
        told.append(counter.reset())

    def invariant():
        return make.expect(f"{sum(told) + counter.value()} in all", "1 in all")

    return {"adder": counter.add, "resetter": reset}, invariant


@scenario(level=2, schedules=100)
def resets_fit_the_order_too(make):
    """Two exporters at the same time, and neither may report what the other has reported."""
    counter, history = make.recorded()

    def adder():
        counter.add(1)
        counter.add(2)

    return {"adder": adder, "one": counter.reset, "two": counter.reset}, lambda: make.linearizable(history)
