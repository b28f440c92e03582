"""The scenarios: threads under the scheduler."""

from lldkit.dojo.author import scenario


def turns(make, times):
    """Both threads, and what they emitted."""
    both, told = make(times), []
    bodies = {"foo": lambda: both.foo(lambda: told.append("foo")), "bar": lambda: both.bar(lambda: told.append("bar"))}
    return bodies, lambda: make.expect(told, ["foo", "bar"] * times)


@scenario(level=1, kills=["w01"], schedules=60, max_steps=2_000, smoke=True)
def they_take_turns(make):
    """The answer goes out before the question has come in."""
    return turns(make, 3)


@scenario(level=1, kills=["w02"], proof="sync", max_steps=2_000)
def who_waits_sleeps(make):
    """A turn may take a second, and beside it a core is burnt."""
    return turns(make, 1)


@scenario(level=1, kills=["w03"], schedules=60, spurious_wakeups=True, max_steps=2_000)
def a_wake_up_is_no_promise(make):
    """`wait` may return although nobody has notified; then it is still the other's turn."""
    return turns(make, 2)
