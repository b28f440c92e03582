"""From the text of a `kata.toml` to a `Manifest`, pure: every mistake is an error that names the key."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from lldkit.dojo import interface
from lldkit.dojo.interface import Manifest, ManifestError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["entries", "parse"]

FORMAT = 1


def entries(kind: Any, text: str, key: str, *, file: str) -> tuple[Any, ...]:
    """Read the `[[key]]` tables of a file beside the manifest, each as a `kind`; nothing else may be there."""
    table = _toml(text, file)
    for other in table:
        if other != key:
            raise ManifestError(file, other, f"unknown key; the nearest known one is {key!r}")
    rows = table.get(key, [])
    if not isinstance(rows, list):
        raise ManifestError(file, key, f"must be an array, got {rows!r}")
    return tuple(_build(kind, row, file, f"{key}[{number}].") for number, row in enumerate(rows))


def parse(text: str, *, file: str = "kata.toml") -> Manifest:
    """Read a manifest; `ManifestError` names the first key that is unknown, missing or of the wrong kind."""
    table = _toml(text, file)
    if table.get("format") != FORMAT:
        raise ManifestError(file, "format", f"must be {FORMAT}, got {table.get('format')!r}")
    manifest: Manifest = _build(Manifest, table, file, "")
    numbers = [level.n for level in manifest.level]
    if not numbers or numbers != list(range(1, len(numbers) + 1)):
        raise ManifestError(file, "level", f"levels are numbered 1, 2, 3 ..., got {numbers}")
    for wrong in manifest.wrong:
        if wrong.dies_at not in numbers:
            raise ManifestError(file, f"wrong {wrong.id}.dies_at", f"must be a level, got {wrong.dies_at}")
    return manifest


def _toml(text: str, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ManifestError(file, "the file", f"is not TOML: {error}") from None


def _build(kind: Any, table: Mapping[str, object], file: str, where: str) -> Any:
    fields = _fields(kind)
    for key in table:
        if key not in fields:
            raise ManifestError(file, where + key, f"unknown key; the nearest known one is {_nearest(key, fields)!r}")
    for name in fields:
        if name not in table and name not in kind._field_defaults:
            raise ManifestError(file, where + name, "is missing")
    return kind(**{key: _value(fields[key], value, file, where + key) for key, value in table.items()})


@cache
def _fields(kind: Any) -> dict[str, Any]:
    """What a manifest may say of a `kind`: names, and their types."""
    hints = get_type_hints(kind, {**vars(interface), "Path": object, "Mapping": Mapping})
    return {name: hints[name] for name in kind._fields if name != "folder"}


def _nearest(word: str, known: Iterable[str]) -> str:
    from difflib import SequenceMatcher

    return max(known, key=lambda name: SequenceMatcher(None, word, name).ratio())


def _value(hint: Any, value: object, file: str, key: str) -> object:
    """`value` as the annotation `hint` wants it; tables become named tuples, arrays tuples."""
    options = [option for option in get_args(hint) if option is not type(None)]
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise ManifestError(file, key, f"must be an array, got {value!r}")
        return tuple(_value(options[0], item, file, f"{key}[{i}]") for i, item in enumerate(value))
    if hasattr(hint, "_fields"):
        if not isinstance(value, dict):
            raise ManifestError(file, key, f"must be a table, got {value!r}")
        return _build(hint, value, file, f"{key}.")
    if options and get_origin(hint) is not Mapping:  # an optional table
        return _value(options[0], value, file, key)
    plain: type = dict if get_origin(hint) is Mapping else hint
    if type(value) is not plain:
        raise ManifestError(file, key, f"must be {plain.__name__}, got {value!r}")
    return value
