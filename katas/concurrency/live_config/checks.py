"""The scenarios: threads under the scheduler."""

import contextlib

from lldkit.dojo.author import scenario


def shown(snapshot):
    """A snapshot as plain data."""
    return None if snapshot is None else [snapshot.version, dict(snapshot.values)]


@scenario(level=1, kills=["w01"], schedules=1)
def a_snapshot_never_changes(make):
    """A request begins with one configuration and ends with another."""
    config, told = make({"a": 1}), []

    def alone():
        before = config.current()
        after = config.update({"a": 2})
        config.update({"a": 3})
        told.extend([shown(before), shown(after), shown(config.current())])

    return {"alone": alone}, lambda: make.expect(told, [[1, {"a": 1}], [2, {"a": 2}], [3, {"a": 3}]])


@scenario(level=1, kills=["w04"], schedules=1)
def the_callers_mapping_is_copied(make):
    """The parser goes on using its dict, and with it the configuration of the whole service."""
    told = []

    def alone():
        given, changes = {"a": 1}, {"b": 2}
        config = make(given)
        given["a"] = 99
        told.append(shown(config.current()))
        config.update(changes)
        changes["b"] = 99
        told.append(shown(config.current()))

    return {"alone": alone}, lambda: make.expect(told, [[1, {"a": 1}], [2, {"a": 1, "b": 2}]])


@scenario(level=1, schedules=1)
def what_is_handed_out_is_no_handle(make):
    """A reader who writes into his snapshot, if he can, writes into his own."""
    config, told = make({"a": 1}), []

    def alone():
        for read in (config.current, lambda: config.update({"b": 2})):
            snapshot = read()
            with contextlib.suppress(TypeError, AttributeError):
                snapshot.values["a"] = 99
        told.extend([shown(config.current()), shown(config.update({"b": 3}))])

    return {"alone": alone}, lambda: make.expect(told, [[2, {"a": 1, "b": 2}], [3, {"a": 1, "b": 3}]])


@scenario(level=1, schedules=1)
def every_update_is_a_version(make):
    """The operator has confirmed what was there already, and waits for a version that never comes."""
    config, told = make({"a": 1}), []

    def alone():
        told.extend(shown(config.update(changes)) for changes in ({}, {"a": 1}, {"a": None}))

    return {"alone": alone}, lambda: make.expect(told, [[2, {"a": 1}], [3, {"a": 1}], [4, {"a": None}]])


@scenario(level=1, kills=["w02"], schedules=100, smoke=True)
def no_update_is_lost(make):
    """Two operators change two settings, and one of them wonders why his does not work."""
    config, told = make({}), []

    def ann():
        told.append(config.update({"a": 1}).version)

    def bob():
        told.append(config.update({"b": 2}).version)

    def invariant():
        return make.expect([sorted(told), shown(config.current())], [[2, 3], [3, {"a": 1, "b": 2}]])

    return {"Ann": ann, "Bob": bob}, invariant


@scenario(level=1, kills=["w03"], schedules=100)
def version_and_values_belong_together(make):
    """The log says version 2, and what ran was version 1: nobody will ever find this bug."""
    config, seen = make({"n": 1, "m": 1}), []

    def read():
        seen.append(config.current())

    def invariant():
        version = seen[0].version
        return make.expect(shown(seen[0]), [version, {"n": version, "m": version}])

    return {"operator": lambda: config.update({"n": 2, "m": 2}), "reader": read}, invariant


@scenario(level=2, kills=["w05"], proof="sync")
def close_tells_everybody(make):
    """The service does not end, because its watchers are still waiting for news."""
    config, told = make({}), []

    def watcher():
        told.append(config.watch(1))

    bodies = {"Ann": watcher, "Bob": watcher, "closer": config.close}
    return bodies, lambda: make.expect([*told, config.watch(1), shown(config.watch(0))], [None, None, None, [1, {}]])


@scenario(level=2, schedules=1)
def after_the_end_nobody_waits_and_all_else_works(make):
    """The service writes its last setting while it ends, and ends with an error."""
    config, told = make({}), []

    def alone():
        config.close()
        told.append(make.outcome(config.watch, 1, timeout=0))
        told.extend([shown(config.update({"a": 1})), shown(config.current()), shown(config.watch(1))])

    return {"alone": alone}, lambda: make.expect(told, [None, *[[2, {"a": 1}]] * 3])


@scenario(level=2, kills=["w06"], proof="sync")
def all_who_watch_are_told(make):
    """Half of the workers go on with the old key."""
    config, told = make({}), []

    def watcher():
        told.append(config.watch(1).version)

    bodies = {"Ann": watcher, "Bob": watcher, "operator": lambda: config.update({"a": 1})}
    return bodies, lambda: make.expect(told, [2, 2])


@scenario(level=2, kills=["w07"], schedules=100, spurious_wakeups=True, race_timeouts=False)
def a_wake_up_is_no_promise(make):
    """`wait` may return although nobody has notified; then nothing is new."""
    config, clock, told = make({}), make.clock(), []

    def watcher():
        told.append(config.watch(2).version)

    def operator():
        config.update({"a": 1})
        clock.sleep(4)
        config.update({"a": 2})

    return {"watcher": watcher, "operator": operator}, lambda: make.expect(told, [3])


@scenario(level=2, schedules=40, race_timeouts=False)
def one_deadline_for_the_whole_call(make):
    """A long poll of 5 seconds that is prolonged by every change that was not asked for."""
    config, clock, told = make({}), make.clock(), []

    def watcher():
        told.extend([make.outcome(config.watch, 2, timeout=5), clock.monotonic()])

    def operator():
        clock.sleep(3)
        config.update({"a": 1})

    return {"watcher": watcher, "operator": operator}, lambda: make.expect(told, ["TimeoutError", 5])
