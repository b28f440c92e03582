"""Emitter: a listener that raises breaks nothing and is counted."""

import pytest

from lldkit.events import Emitter


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
