"""One tree, made once: what a stronger layer says replaces what weaker ones said."""

from collections.abc import Iterator, Mapping
from typing import Any

from interface import Layer, Missing, nearest

NONE_GIVEN: Any = object()  # None is a default, too


class Settings:
    """Values by dotted path."""

    def __init__(self, *, layers: Mapping[str, Layer]) -> None:
        self._tree: dict[str, Any] = {}
        for layer in layers.values():
            self._tree.update(layer())

    def get(self, path: str, default: Any = NONE_GIVEN) -> Any:
        """What is at `path`, else `default` if it is given, else `Missing`."""
        value: Any = self._tree
        for key in path.split("."):
            if not isinstance(value, dict) or key not in value:
                if default is NONE_GIVEN:
                    raise Missing(path, nearest(path, paths(self._tree)))
                return default
            value = value[key]
        return value


def paths(tree: dict[str, Any]) -> Iterator[str]:
    """The paths of all values of a tree."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from (f"{key}.{rest}" for rest in paths(value))
        else:
            yield key
