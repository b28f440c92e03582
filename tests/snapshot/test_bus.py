"""ChangeBus: after the swap, outside every lock, in order; listeners that raise, leave, and come back."""

import asyncio
import gc
import os
import threading

import pytest

from lldkit.snapshot import ChangeBus, Missed


def test_everybody_hears_of_every_change_in_order_of_publication_and_of_subscription() -> None:
    bus, heard = ChangeBus[str](), list[tuple[str, str]]()
    for name in ("first", "second"):
        bus.subscribe(lambda change, name=name: heard.append((name, change)))  # type: ignore[misc]
    bus.publish("a")
    bus.publish("b")
    assert heard == [("first", "a"), ("second", "a"), ("first", "b"), ("second", "b")]


def test_one_that_raises_is_counted_and_the_others_still_hear() -> None:
    bus, heard = ChangeBus[int](), list[int]()
    bus.subscribe(lambda change: 1 // change)
    bus.subscribe(heard.append)
    bus.publish(0)
    assert (heard, bus.failures) == ([0], 1)


def test_a_selection_passes_on_what_it_makes_of_a_change() -> None:
    bus, heard = ChangeBus[int](), list[int]()
    bus.subscribe(heard.append, select=lambda change: change * 10 if change % 2 else None)
    for change in (1, 2, 3):
        bus.publish(change)
    assert heard == [10, 30]


def test_a_listener_may_publish_subscribe_and_close() -> None:
    bus, heard = ChangeBus[str](), list[str]()

    def first(change: str) -> None:
        heard.append(f"first {change}")
        if change == "a":
            bus.publish("b")
            bus.subscribe(lambda change: heard.append(f"late {change}"))
            second.close()

    bus.subscribe(first)
    second = bus.subscribe(lambda change: heard.append(f"second {change}"))
    bus.publish("a")
    assert heard == ["first a", "first b", "late b"]
    assert second.closed


def test_who_leaves_the_block_hears_no_more() -> None:
    bus, heard = ChangeBus[int](), list[int]()
    with bus.subscribe(heard.append):
        bus.publish(1)
    bus.publish(2)
    assert heard == [1]


def test_a_bound_method_does_not_keep_its_object_alive() -> None:
    heard: list[int] = []

    class Owner:
        def hear(self, change: int) -> None:
            heard.append(change)

    bus, owner = ChangeBus[int](), Owner()
    bus.subscribe(owner.hear)
    bus.publish(1)
    del owner
    gc.collect()
    bus.publish(2)
    assert heard == [1]


def test_a_thread_that_publishes_during_a_dispatch_leaves_its_change_and_goes_on() -> None:
    bus, heard = ChangeBus[str](), list[tuple[str, str]]()
    inside, published = threading.Event(), threading.Event()

    def listener(change: str) -> None:
        if change == "a":
            inside.set()
            assert published.wait(10)
        heard.append((change, threading.current_thread().name))

    bus.subscribe(listener)
    speaker = threading.Thread(target=bus.publish, args=("a",), name="speaker")
    speaker.start()
    assert inside.wait(10)
    bus.publish("b")
    published.set()
    speaker.join()
    assert heard == [("a", "speaker"), ("b", "speaker")]


def test_when_too_many_wait_the_oldest_are_dropped_and_the_last_arrives() -> None:
    bus, heard = ChangeBus[int](capacity=2), list[int]()

    def listener(change: int) -> None:
        heard.append(change)
        if change == 0:
            for later in (1, 2, 3, 4):
                bus.publish(later)

    bus.subscribe(listener)
    bus.publish(0)
    assert (heard, bus.dropped) == ([0, 3, 4], 2)


def test_a_task_reads_changes_from_when_it_asked_and_is_told_what_it_missed() -> None:
    async def main() -> list[object]:
        bus = ChangeBus[int]()
        bus.publish(1)
        changes = bus.changes(capacity=2)
        await asyncio.to_thread(bus.publish, 2)
        first = await anext(changes)
        for change in (3, 4, 5, 6):
            bus.publish(change)
        rest = [await anext(changes) for _ in range(3)]
        waiting = asyncio.ensure_future(anext(changes))
        await asyncio.sleep(0)
        changes.close()
        with pytest.raises(StopAsyncIteration):
            await waiting
        bus.publish(7)
        return [first, *rest]

    first, missed, *rest = asyncio.run(main())
    assert isinstance(missed, Missed)
    assert (first, missed.count, rest) == (2, 2, [5, 6])


def test_an_iterator_that_nobody_holds_is_closed() -> None:
    async def main() -> int:
        bus = ChangeBus[int]()
        bus.changes()
        gc.collect()
        bus.publish(1)
        return len(bus._listeners)

    assert asyncio.run(main()) == 0


def test_what_cannot_be_called_is_refused() -> None:
    with pytest.raises(TypeError, match="listener must be callable with one change, got 3"):
        ChangeBus[int]().subscribe(3)  # type: ignore[arg-type]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_that_is_forked_during_a_dispatch_can_publish() -> None:
    bus, heard = ChangeBus[int](), list[int]()
    bus.subscribe(heard.append)
    with bus._speaking, bus._lock:
        child = os.fork()
        if child == 0:
            bus.publish(1)
            os._exit(0 if heard == [1] else 1)
    assert os.waitpid(child, 0)[1] == 0
