"""A lock for some of the keys each. Which locks does an update need, and which one a look at all?"""

from collections.abc import Callable, Hashable
from typing import Any


class StripedMap:
    """A map whose keys share `stripes` locks."""

    def __init__(self, stripes: int = 16) -> None:
        """Begin empty."""
        # TODO: level 1

    def get(self, key: Hashable) -> Any:
        """The value, or None."""
        raise NotImplementedError  # TODO: level 1

    def put(self, key: Hashable, value: Any) -> None:
        """Set the value."""
        raise NotImplementedError  # TODO: level 1

    def remove(self, key: Hashable) -> Any:
        """Take the key out; its value, or None."""
        raise NotImplementedError  # TODO: level 1

    def update(self, key: Hashable, fn: Callable[[Any], Any]) -> Any:
        """Set the key to `fn(old)` and return that, as one step."""
        raise NotImplementedError  # TODO: level 1

    def items(self) -> list[tuple[Hashable, Any]]:
        """All pairs, at one instant."""
        raise NotImplementedError  # TODO: level 1

    def __len__(self) -> int:
        """How many keys there are, at one instant."""
        raise NotImplementedError  # TODO: level 1
