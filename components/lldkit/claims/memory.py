"""Claims of one process, in memory."""

from collections.abc import Callable

from lldkit.claims.interface import Change
from lldkit.claims.journal import MemoryJournal
from lldkit.claims.shell import JournaledClaims
from lldkit.clock import SYSTEM, Clock

__all__ = ["MemoryClaims"]


class MemoryClaims(JournaledClaims):
    """Claims of one process; they end with it. To claim a free unit is O(log n), however many there are.

    >>> from lldkit.claims import AnyOf, Unit
    >>> claims = MemoryClaims()
    >>> claims.add(Unit("A1", pool="seats"), Unit("A2", pool="seats"))
    >>> claims.claim(AnyOf("seats"), owner="ana", ttl_seconds=600).units
    ('A1',)
    """

    def __init__(
        self,
        *,
        clock: Clock = SYSTEM,
        max_ttl_seconds: float = 34_560_000,
        max_extensions: int = 5,
        keep_seconds: float = 86_400,
        on_event: Callable[[Change], None] | None = None,
    ) -> None:
        super().__init__(
            MemoryJournal(),
            clock=clock,
            max_ttl_seconds=max_ttl_seconds,
            max_extensions=max_extensions,
            keep_seconds=keep_seconds,
            on_event=on_event,
        )
