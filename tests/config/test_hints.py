"""The hints of several stores as one lose none."""

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from lldkit.config.hints import hints_of


class LateHint(threading.Event):
    """An event that is set just after somebody has waited for it in vain."""

    def wait(self, timeout: float | None = None) -> bool:
        """Return whether it was set, and be set."""
        assert timeout is not None
        was_set = self.is_set()
        self.set()
        return was_set


def test_a_hint_that_comes_as_the_wait_ends_is_heard_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()

    class Quiet:
        """A store that says nothing."""

        def hints(self, _stop: threading.Event) -> Iterator[bool]:
            ended.wait()
            return iter(())

    store: Any = Quiet()
    patched = SimpleNamespace(Event=LateHint, Thread=threading.Thread)
    monkeypatch.setattr("lldkit.config.hints.threading", patched)
    heard: Any = hints_of([store], 2.0)(threading.Event())
    assert [next(heard) for _ in range(5)] == [True, False, True, False, True]
    heard.close()
    ended.set()
