"""Texts of files to trees: what is read, what is refused, and where each key stands."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lldkit.config.interface import ConfigError, KeyPath, Loaded, Problem
from lldkit.config.locate import Lines, json_duplicates, json_lines, toml_lines
from lldkit.config.paths import path_text

__all__ = ["DEEPEST", "LARGEST", "cannot_read", "parse_json", "parse_toml", "read_text"]

LARGEST = 8 * 1024 * 1024
"""Bytes of a file."""
DEEPEST = 64
"""Levels of a document."""


def cannot_read(name: str, message: str, location: str = "") -> Problem:
    """The problem of a source that cannot be used at all."""
    return Problem("unreadable", "", name, location or name, message)


def read_text(path: str | os.PathLike[str]) -> str:
    """The text of a UTF-8 file, without a byte order mark; `ConfigError` with the offset of a byte that is none."""
    name = os.fspath(path)
    with Path(path).open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ConfigError([cannot_read(name, f"is larger than {LARGEST >> 20} MiB")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        offset = error.start + 3 * data.startswith(b"\xef\xbb\xbf")
    raise ConfigError([cannot_read(name, f"is no UTF-8 at byte {offset}")])


def parse_toml(name: str, text: str) -> Loaded:
    """The tree of a TOML text."""
    import tomllib  # wanted only by who has such a file

    return _parsed(name, text.replace("\r\n", "\n"), tomllib.loads, toml_lines)


def parse_json(name: str, text: str) -> Loaded:
    """The tree of a JSON text; a key that stands twice, NaN and what is no object are refused."""
    import json

    twice: list[object] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            twice.append(made)
        return made

    def refuse(constant: str) -> object:
        raise ValueError(f"{constant} is no JSON")

    def parse(text: str) -> Any:
        return json.loads(text, object_pairs_hook=unique, parse_constant=refuse)

    loaded = _parsed(name, text, parse, json_lines)
    if twice:
        raise ConfigError(
            [
                Problem("ambiguous", path_text(path), name, f"{name}:{second}", f"stands on lines {first} and {second}")
                for path, first, second in json_duplicates(text)
            ]
        )
    return loaded


def _parsed(name: str, text: str, parse: Callable[[str], Any], scan: Callable[[str], Mapping[KeyPath, int]]) -> Loaded:
    try:
        tree = parse(text)
    except RecursionError:
        problem = cannot_read(name, f"is more than {DEEPEST} levels deep")
    except ValueError as error:
        problem = cannot_read(name, f"cannot be parsed: {error}")
    else:
        if not isinstance(tree, dict):
            problem = cannot_read(name, f"must be an object with keys, found a {type(tree).__name__}")
        elif _deeper(tree, DEEPEST):
            problem = cannot_read(name, f"is more than {DEEPEST} levels deep")
        else:
            return Loaded(tree, Lines(name, text, scan))
    raise ConfigError([problem])


def _deeper(value: object, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    if levels == 0:
        return True
    return any(_deeper(each, levels - 1) for each in (value.values() if isinstance(value, dict) else value))
