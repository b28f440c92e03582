"""Which keys does a program read? A proxy of the current value that notes it."""

from dataclasses import is_dataclass
from typing import Any

from lldkit.config.interface import KeyPath

__all__ = ["Tracked"]


class Tracked:
    """Has the attributes of a section, and notes each that is read in `seen`."""

    __slots__ = ("_path", "_seen", "_value")

    def __init__(self, value: Any, seen: set[KeyPath], path: KeyPath = ()) -> None:
        self._value, self._seen, self._path = value, seen, path

    def __getattr__(self, name: str) -> Any:
        value, path = getattr(self._value, name), (*self._path, name)
        if is_dataclass(value):
            return Tracked(value, self._seen, path)
        self._seen.add(path)
        return value

    def __repr__(self) -> str:
        return f"Tracked({self._value!r})"
