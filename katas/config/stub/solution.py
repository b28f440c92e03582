"""Settings: layers of values, and which of them counts?"""

from collections.abc import Mapping
from typing import Any

from interface import Layer, Missing, nearest


class Settings:
    """Values by dotted path, from layers."""

    def __init__(self, *, layers: Mapping[str, Layer]) -> None:
        """Ask each layer once; the first one is the weakest."""
        # TODO: level 1

    def get(self, path: str, default: Any = None) -> Any:
        """What is at `path`, else `default` if it is given, else `Missing`."""
        raise NotImplementedError  # TODO: level 1; is None the right default?
