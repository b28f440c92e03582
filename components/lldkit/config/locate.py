"""On which line a key stands: scanners for TOML and JSON texts that their parsers have accepted. Pure.

The parsers of the standard library do not tell lines. These scanners know just enough of the two languages to find
keys, and are run only when somebody asks where a key is.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from lldkit.config.interface import KeyPath

__all__ = ["Duplicate", "Lines", "json_duplicates", "json_lines", "toml_lines"]

TOML_KEY = re.compile(r"""\s*(?:"((?:[^"\\\n]|\\.)*)"|'([^'\n]*)'|([A-Za-z0-9_-]+))\s*""")
TOML_PART = re.compile(
    r'''"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|\#[^\n]*|[\[{]|[\]}]|\n|[^"'\#\[\]{}\n]+''',
    re.DOTALL,
)
JSON_PART = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,\n]')


class Duplicate(NamedTuple):
    """A key that a JSON object has twice."""

    path: KeyPath
    first_line: int
    second_line: int


class Lines(Mapping[KeyPath, str]):
    """Where each key stands, as `file:line`; the text is scanned at the first question."""

    def __init__(self, name: str, text: str, scan: Callable[[str], Mapping[KeyPath, int]]) -> None:
        self._name = name
        self._text = text
        self._scan = scan

    @cached_property
    def _lines(self) -> Mapping[KeyPath, int]:
        return self._scan(self._text)

    def __getitem__(self, path: KeyPath) -> str:
        return f"{self._name}:{self._lines[path]}"

    def __iter__(self) -> Iterator[KeyPath]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)


def toml_lines(text: str) -> dict[KeyPath, int]:
    """The line of each key of a valid TOML text; what is inside an inline table or array is not told apart."""
    lines: dict[KeyPath, int] = {}
    tables: dict[KeyPath, int] = {}  # how many of an array of tables there were
    here: KeyPath = ()
    position, number = 0, 1
    while position < len(text):
        start, line = position, text[position : text.find("\n", position) + 1 or len(text)]
        bare = line.lstrip()
        if bare.startswith("["):
            keys, _ = _toml_keys(text, text.index("[", position) + (2 if bare.startswith("[[") else 1))
            here = _resolved(keys, tables)
            if bare.startswith("[["):
                place = tables.get(here, -1) + 1
                tables[here] = place
                here = (*here, place)
            lines.setdefault(here, number)
            position += len(line)
        elif not bare or bare.startswith("#"):
            position += len(line)
        else:
            keys, position = _toml_keys(text, position)
            for length in range(1, len(keys) + 1):
                lines.setdefault((*here, *keys[:length]), number)
            position = _after_value(text, position + 1)
        number += text.count("\n", start, position)
    return lines


def _toml_keys(text: str, position: int) -> tuple[tuple[str, ...], int]:
    """The dotted key at `position`, and where it ends."""
    keys = []
    while found := TOML_KEY.match(text, position):
        quoted, literal, plain = found.groups()
        keys.append(re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain if literal is None else literal)
        position = found.end()
        if text[position : position + 1] != ".":
            break
        position += 1
    return tuple(keys), position


def _resolved(keys: tuple[str, ...], tables: Mapping[KeyPath, int]) -> KeyPath:
    """A header's path, in which an array of tables means its last one."""
    path: KeyPath = ()
    for key in keys[:-1]:
        path = (*path, key)
        if path in tables:
            path = (*path, tables[path])
    return (*path, keys[-1])


def _after_value(text: str, position: int) -> int:
    depth = 0
    while found := TOML_PART.match(text, position):
        position = found.end()
        depth += (found[0] in "[{") - (found[0] in "]}")
        if found[0] == "\n" and depth == 0:
            break
    return max(position, 1) if position < len(text) else len(text)


def json_lines(text: str) -> dict[KeyPath, int]:
    """The line of each key of a valid JSON text; of a duplicate the last one."""
    return dict(_json_keys(text))


def json_duplicates(text: str) -> list[Duplicate]:
    """The keys that stand twice in one object."""
    seen: dict[KeyPath, int] = {}
    found = []
    for path, line in _json_keys(text):
        if path in seen:
            found.append(Duplicate(path, seen[path], line))
        seen[path] = line
    return found


def _json_keys(text: str) -> Iterator[tuple[KeyPath, int]]:
    from json import loads

    path: list[str | int] = []  # the key or the place in each object or array that is open
    number, wants_key = 1, False
    for found in JSON_PART.finditer(text):
        part = found[0]
        if part == "\n":
            number += 1
        elif part in "{[":
            path.append("" if part == "{" else 0)
            wants_key = part == "{"
        elif part in "}]":
            path.pop()
            wants_key = False
        elif part == ",":
            wants_key = isinstance(path[-1], str)
            if isinstance(path[-1], int):
                path[-1] += 1
        elif part != ":" and wants_key:
            path[-1], wants_key = loads(part), False
            yield tuple(path), number
