"""A lot's log in memory: what several lots of one process may share; it ends with the process."""

from lldkit.claims.journal import MemoryJournal

__all__ = ["MemoryStore"]


class MemoryStore(MemoryJournal):
    """Keeps a lot's log in memory."""
