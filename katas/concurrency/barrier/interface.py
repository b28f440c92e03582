"""What every solution of this kata gets and gives."""

from typing import Protocol


class BrokenBarrier(Exception):
    """Somebody has given up, so this round will never be full."""


class Barrier(Protocol):
    """The class that you write. Safe for threads."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait until the round is full; the place of this call in it. BrokenBarrier after `timeout` seconds (level 2)."""

    def abort(self) -> None:
        """Break the barrier (level 2)."""

    def reset(self) -> None:
        """Make it new; who waits gets BrokenBarrier (level 2)."""
