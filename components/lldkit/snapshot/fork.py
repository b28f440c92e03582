"""What holds a thread or a connection has to start anew in a forked child."""

import os
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["restart_after_fork"]

T = TypeVar("T")

_restarts: "weakref.WeakKeyDictionary[Any, Callable[[Any], None]]" = weakref.WeakKeyDictionary()


def restart_after_fork(owner: T, restart: Callable[[T], None]) -> None:
    """Call `restart(owner)` in each child that is forked while `owner` lives; it is not kept alive.

    `restart` must not hold a reference to its owner: hand over a plain function or an unbound method. What it raises
    is lost, because nobody called it.
    """
    _restarts[owner] = restart


def _restart_all() -> None:
    for owner, restart in list(_restarts.items()):
        try:
            restart(owner)
        except Exception:  # noqa: BLE001, S112 - a child that could not be born because one part failed helps nobody
            continue


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_restart_all)
