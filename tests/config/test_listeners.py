"""Who listens to a configuration: what is told, when, in which order, and what listeners may do."""

import asyncio
import gc
import threading
from itertools import pairwise
from typing import Any

import pytest

from config.helpers import App, Bench, Pair, Pool
from lldkit.config import Change, Config, ListenerFailed, Values
from lldkit.config.watch import Move, Watch


def test_a_listener_hears_typed_values_of_its_subtree_and_only_when_they_change() -> None:
    tree: dict[str, Any] = {"name": "n", "database_url": "u", "pool": {"size": 1}}
    config, heard = Config(App, layers=[Values(tree)]), list[Change]()
    everything = list[Change]()
    config.watch("pool", heard.append)
    config.watch("", everything.append)
    tree["debug"] = True
    config.reload()
    assert (heard, [change.version for change in everything]) == ([], [2])
    tree["pool"] = {"size": 2}
    config.reload()
    assert heard == [Change("pool", Pool(1), Pool(2), 3)]
    with pytest.raises(LookupError, match=r"no key pool.sze; did you mean pool.size\?"):
        config.watch("pool.sze", print)
    with pytest.raises(TypeError, match="must be callable"):
        config.watch("pool", 3)  # type: ignore[arg-type]


def test_listeners_run_in_order_after_the_swap_and_one_that_raises_is_counted() -> None:
    bench, heard = Bench(), list[object]()

    def broken(change: Change) -> None:
        heard.append(("broken", bench.config.version))
        raise ValueError("listener")

    bench.config.watch("a", broken)
    bench.config.watch("a", lambda change: heard.append((change.version, bench.config.current.a)))
    bench.say(a=2)
    assert heard == [("broken", 2), (2, 2)]
    (failed,) = (event for event in bench.events if isinstance(event, ListenerFailed))
    assert (failed.path, failed.error, failed.version) == ("a", "ValueError", 2)


def test_a_listener_may_reload_watch_close_and_override() -> None:
    bench, heard = Bench(), list[int]()

    def busy(change: Change) -> None:
        heard.append(change.version)
        bench.config.watch("b", lambda change: heard.append(100))
        second.close()
        with bench.config.override({"b": 7}):
            heard.append(bench.config.current.b)
        if change.version == 2:
            bench.say(a=3)

    bench.config.watch("a", busy)
    second = bench.config.watch("a", lambda change: heard.append(-1))
    done = threading.Thread(target=bench.say, kwargs={"a": 2}, daemon=True)
    done.start()
    done.join(20)
    assert heard == [2, 7, 3, 7]


def test_a_move_that_comes_late_is_not_told() -> None:
    heard: list[Change] = []
    watch = Watch("a", Move(1, Pair(1)), heard.append, lambda *failure: None)
    watch(Move(3, Pair(3)))
    watch(Move(2, Pair(2)))
    watch(Move(4, Pair(4)))
    assert [(change.old, change.new, change.version) for change in heard] == [(1, 3, 3), (3, 4, 4)]


def test_a_bound_method_does_not_keep_its_object_alive() -> None:
    class Owner:
        def hear(self, change: Change) -> None:
            heard.append(change)

    bench, heard = Bench(), list[Change]()
    owner = Owner()
    bench.config.watch("a", owner.hear)
    bench.say(a=2)
    del owner
    gc.collect()
    bench.say(a=3)
    assert len(heard) == 1


def test_tasks_hear_by_coroutine_functions_and_by_iterating() -> None:
    async def main() -> tuple[list[Any], list[Any]]:
        bench, heard = Bench(), list[Any]()
        told = asyncio.Event()

        async def listener(change: Change) -> None:
            heard.append(change.new)
            told.set()

        async def broken(change: Change) -> None:
            raise ValueError("later")

        bench.config.watch("a", listener)
        bench.config.watch("a", broken)
        changes = bench.config.changes("b")
        bench.tree.update(a=2)
        await bench.config.areload()
        for number in (5, 6):
            bench.tree.update(b=number)
            await bench.config.areload()
        await told.wait()
        seen = [(await anext(changes)).new for _ in range(2)]
        while not any(isinstance(event, ListenerFailed) for event in bench.events):  # noqa: ASYNC110 - a loop's turn
            await asyncio.sleep(0)
        return heard, seen

    assert asyncio.run(main()) == ([2], [5, 6])


def test_more_changes_than_can_wait_are_dropped_but_never_the_last_and_the_chain_holds() -> None:
    bench, heard = Bench(), list[Change]()

    def flooded(change: Change) -> None:
        heard.append(change)
        if change.version == 2:
            for number in range(3, 1_503):  # the bus keeps a thousand of them
                bench.say(a=number)

    bench.config.watch("a", flooded)
    bench.say(a=2)
    assert len(heard) == 1_001
    assert (heard[-1].new, heard[-1].version, bench.config.version) == (1_502, 1_502, 1_502)
    assert all(before.new == after.old for before, after in pairwise(heard))


async def test_a_task_that_reads_too_slowly_hears_the_last_change_and_of_no_gap() -> None:
    bench = Bench()
    changes = bench.config.changes("a")
    for number in range(2, 300):
        bench.say(a=number)
    heard = [await anext(changes)]
    while heard[-1].new != 299:
        heard.append(await anext(changes))
    assert (len(heard), heard[0].old) == (100, 1)
    assert all(before.new == after.old for before, after in pairwise(heard))
