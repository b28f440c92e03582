"""Emitter and Outbox: a listener that raises breaks nothing and is counted; events are heard in their order."""

import threading

import pytest

from lldkit.events import Emitter, Outbox


def test_a_raising_listener_is_survived_and_counted() -> None:
    def listener(event: str) -> None:
        raise RuntimeError(event)

    emit = Emitter(listener)
    emit("a")
    emit("b")
    assert emit.failures == 2


def test_an_interrupt_from_a_listener_passes_through() -> None:
    def listener(_: str) -> None:
        raise KeyboardInterrupt

    emit = Emitter(listener)
    with pytest.raises(KeyboardInterrupt):
        emit("a")
    assert emit.failures == 0


def test_without_a_listener_it_is_falsy_and_silent() -> None:
    emit: Emitter[str] = Emitter(None)
    assert not emit
    emit("a")


def test_what_is_not_callable_is_refused() -> None:
    with pytest.raises(TypeError, match="on_event"):
        Emitter("print")  # type: ignore[arg-type]


def test_events_that_a_listener_causes_are_heard_after_the_one_it_heard() -> None:
    heard: list[str] = []

    def listener(event: str) -> None:
        if event == "a":
            outbox.put("c")
            outbox.tell()  # as the owner does when the listener calls it again
        heard.append(event)

    outbox = Outbox(listener)
    outbox.put("a")
    outbox.put("b")
    outbox.tell()
    assert heard == ["a", "b", "c"]


def test_a_thread_that_finds_another_one_speaking_leaves_its_event_and_goes_on() -> None:
    heard: list[tuple[str, str]] = []
    speaking, told = threading.Event(), threading.Event()

    def listener(event: str) -> None:
        if event == "a":
            speaking.set()
            assert told.wait(10)
        heard.append((event, threading.current_thread().name))

    outbox = Outbox(listener)

    def tell(event: str) -> None:
        outbox.put(event)
        outbox.tell()

    first = threading.Thread(target=tell, args=("a",), name="first")
    first.start()
    assert speaking.wait(10)
    tell("b")
    told.set()
    first.join()
    assert heard == [("a", "first"), ("b", "first")]


def test_what_is_too_much_is_dropped_and_counted() -> None:
    heard: list[int] = []
    outbox = Outbox(heard.append, most=2)
    for event in range(3):
        outbox.put(event)
    outbox.tell()
    assert (heard, outbox.failures) == ([0, 1], 1)


def test_a_listener_is_told_of_its_own_failure_once() -> None:
    heard: list[str] = []

    def listener(event: str) -> None:
        heard.append(event)
        raise ValueError(event)

    outbox = Outbox(listener, on_failure=lambda event: f"failed on {event}")
    outbox.put("a")
    outbox.tell()
    assert (heard, outbox.failures) == (["a", "failed on a"], 2)


def test_an_interrupt_of_a_listener_leaves_the_rest_for_later() -> None:
    heard: list[str] = []

    def listener(event: str) -> None:
        heard.append(event)
        if event == "a":
            raise KeyboardInterrupt

    outbox = Outbox(listener)
    outbox.put("a")
    outbox.put("b")
    with pytest.raises(KeyboardInterrupt):
        outbox.tell()
    outbox.tell()
    assert heard == ["a", "b"]


def test_without_a_listener_nothing_is_kept() -> None:
    outbox: Outbox[str] = Outbox(None)
    for _ in range(2_000):
        outbox.put("a")
    assert not outbox
    assert outbox.failures == 0
