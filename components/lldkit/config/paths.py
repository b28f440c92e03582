"""Paths of keys: `pool.size` for people, `("pool", "size")` for programs."""

import re
from dataclasses import is_dataclass
from typing import Any

from lldkit.config.interface import KeyPath

__all__ = ["path_of", "path_text", "value_at"]

PLAIN = re.compile(r"[^\s.\"\[\]]+")
PART = re.compile(r'"((?:[^"\\]|\\.)*)"|([^."]+)')


def path_of(text: str) -> tuple[str, ...]:
    r"""The keys of a written path; a key with a dot is quoted. `ValueError` for what is no path.

    >>> path_of('pool.size'), path_of('hosts."a.b"')
    (('pool', 'size'), ('hosts', 'a.b'))
    """
    keys: list[str] = []
    position = 0
    while found := PART.match(text, position):
        keys.append(found[2] if found[1] is None else re.sub(r"\\(.)", r"\1", found[1]))
        position = found.end() + 1
        if found.end() == len(text):
            return tuple(keys)
        if text[found.end()] != ".":
            break
    raise ValueError(f'a path is written like pool.size or hosts."a.b", got {text!r}')


def path_text(path: KeyPath) -> str:
    """A path as it is written.

    >>> path_text(("hosts", "a.b", 0))
    'hosts."a.b"[0]'
    """
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        else:
            quoted = key if PLAIN.fullmatch(key) else '"' + key.replace("\\", r"\\").replace('"', r"\"") + '"'
            text += f".{quoted}" if text else quoted
    return text


def value_at(value: Any, path: KeyPath) -> Any:
    """What a built value has at `path`; LookupError where it has nothing."""
    for key in path:
        if is_dataclass(value) or not hasattr(value, "__getitem__"):
            if not isinstance(key, str) or not hasattr(value, key):
                raise LookupError(f"there is no {path_text(path)}")
            value = getattr(value, key)
        else:
            value = value[key]
    return value
