"""What every solution of this drill gets and gives."""

from collections.abc import Callable, Hashable
from typing import Any, Protocol


class StripedMap(Protocol):
    """The class that you write. Safe for threads."""

    def __init__(self, stripes: int = 16) -> None: ...

    def get(self, key: Hashable) -> Any:
        """The value, or None."""

    def put(self, key: Hashable, value: Any) -> None:
        """Set the value."""

    def remove(self, key: Hashable) -> Any:
        """Take the key out; its value, or None."""

    def update(self, key: Hashable, fn: Callable[[Any], Any]) -> Any:
        """Set the key to `fn(old)` and return that, as one step."""

    def items(self) -> list[tuple[Hashable, Any]]:
        """All pairs, at one instant."""

    def __len__(self) -> int: ...
