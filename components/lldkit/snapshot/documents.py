"""The pure part of every store: bodies that cannot change, their text, and which version follows which."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from lldkit.snapshot.interface import Document, VersionConflict, VersionNotFound

__all__ = ["checked_publication", "chosen", "frozen", "read_text", "succeed", "written"]

DEEPEST = 64
LARGEST = 8 * 1024 * 1024  # characters of text


def frozen(value: object, *, depth: int = 0) -> Any:
    """A read-only copy of a JSON value: mappings cannot be changed, lists become tuples.

    >>> frozen({"a": [1]})
    mappingproxy({'a': (1,)})
    """
    if depth > DEEPEST:
        raise ValueError(f"a document may be {DEEPEST} levels deep, this one is deeper")
    if isinstance(value, Mapping):
        return MappingProxyType({_key(key): frozen(each, depth=depth + 1) for key, each in value.items()})
    if isinstance(value, list | tuple):
        return tuple(frozen(each, depth=depth + 1) for each in value)
    if value is None or isinstance(value, str | int | float):  # a bool is an int
        return value
    raise TypeError(f"a document holds JSON values only, got a {type(value).__name__}")


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError(f"the keys of a document are texts, got {key!r}")
    return key


def written(body: Mapping[str, object]) -> str:
    """The text of a body; refuses what is no JSON object (NaN too) or too large."""
    text = json.dumps(_plain(frozen(body)), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    if len(text) > LARGEST:
        raise ValueError(f"a document may have {LARGEST} characters, this one has {len(text)}")
    return text


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def read_text(text: str | bytes) -> Mapping[str, object]:
    """The body that was `written`."""
    body = json.loads(text)
    if not isinstance(body, dict):
        raise TypeError(f"a document is a JSON object, got a {type(body).__name__}")
    read: Mapping[str, object] = frozen(body)
    return read


def checked_publication(body: object, expected: object, author: object, reason: object) -> Mapping[str, object]:
    """Refuse what no store takes, before anything is asked of an engine; return the body, read-only."""
    if not isinstance(body, Mapping):
        raise TypeError(f"body must be a mapping, got a {type(body).__name__}")
    if isinstance(expected, bool) or not isinstance(expected, int) or expected < 0:
        raise ValueError(f"expected must be the newest version that you know, or 0 for none, got {expected!r}")
    for name, text in (("author", author), ("reason", reason)):
        if not isinstance(text, str):
            raise TypeError(f"{name} must be a str, got {text!r}")
    if not author:
        raise ValueError("author must say who publishes, got ''")
    return read_text(written(body))


def succeed(
    head: Document | None,
    body: Mapping[str, object],
    *,
    expected: int,
    author: str,
    reason: str,
    origin: str,
    at: datetime,
) -> Document:
    """The version that follows `head`, the newest one; `VersionConflict` if that is not the `expected` one."""
    newest = 0 if head is None else head.version
    if expected != newest:
        raise VersionConflict(expected, newest)
    return Document(body, newest + 1, origin, author, reason, newest or None, at)


def chosen(kept: Sequence[Document], version: int | None) -> Document:
    """The asked one of the versions that are kept, which are given oldest first; None is the newest."""
    if not kept:
        raise VersionNotFound(version, 0, 0)
    if version is None:
        return kept[-1]
    place = version - kept[0].version
    if not 0 <= place < len(kept):
        raise VersionNotFound(version, kept[0].version, kept[-1].version)
    return kept[place]
