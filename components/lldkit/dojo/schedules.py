"""The bridge to `lldkit.interleave`: a scenario of a kata explored, its failure told as columns and a schedule."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from lldkit.dojo.preflight import Solution

__all__ = ["run"]


def run(
    function: Any, solution: Solution, tick: Callable[[], None], *, schedules: int, replay: str | None, **options: Any
) -> dict[str, Any]:
    """Explore `schedules` interleavings of one scenario."""
    raise NotImplementedError
