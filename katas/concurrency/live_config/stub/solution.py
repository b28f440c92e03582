"""Readers must not wait, and must not see a mixture. What do they hold in their hands?"""

from collections.abc import Mapping

from interface import Snapshot


class LiveConfig:
    """Values that are replaced as a whole."""

    def __init__(self, values: Mapping[str, object]) -> None:
        """Begin with version 1."""
        # TODO: level 1

    def current(self) -> Snapshot:
        """The newest snapshot."""
        raise NotImplementedError  # TODO: level 1

    def update(self, changes: Mapping[str, object]) -> Snapshot:
        """Merge the changes over the newest; return what came of it."""
        raise NotImplementedError  # TODO: level 1
