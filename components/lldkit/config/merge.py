"""Merging and comparing documents: RFC 7396, and the changes that lead from one document to another. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lldkit.config.interface import MISSING, Changed, KeyPath

__all__ = ["apply_changes", "diff_documents", "merge_patch", "same"]


def merge_patch(target: object, patch: object) -> Any:
    """What JSON Merge Patch (RFC 7396) makes of `target`: mappings merge, None removes, all else replaces.

    Neither argument is changed. O(size of the patch and of the mappings along it).

    >>> merge_patch({"a": 1, "b": {"c": 2}}, {"a": None, "b": {"d": 3}})
    {'b': {'c': 2, 'd': 3}}
    """
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def same(one: object, other: object) -> bool:
    """Whether two JSON values are the same, where 1, 1.0 and True are three values."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


def diff_documents(before: object, after: object) -> Sequence[Changed]:
    """The changes that lead from one document to another: mappings key by key, all else (lists too) as a whole.

    >>> diff_documents({"a": 1, "b": 2}, {"b": 3})
    (Changed(path=('a',), old=1, new=MISSING), Changed(path=('b',), old=2, new=3))
    """
    return tuple(_differences((), before, after))


def _differences(path: KeyPath, before: object, after: object) -> Iterator[Changed]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from _differences((*path, key), before.get(key, MISSING), after.get(key, MISSING))
    elif not same(before, after):
        yield Changed(path, before, after)


def apply_changes(document: object, changes: Sequence[Changed]) -> Any:
    """The document after the changes; `document` itself stays as it is."""
    for change in changes:
        document = _put(document, change.path, change.new)
    return document


def _put(document: object, path: KeyPath, new: object) -> object:
    if not path:
        return new
    if not isinstance(document, Mapping):
        raise TypeError(f"the change is for a mapping with {path[0]!r}, got a {type(document).__name__}")
    copy = dict(document)
    value = _put(copy.get(path[0]), path[1:], new)
    if value is MISSING:
        copy.pop(path[0], None)
    else:
        copy[path[0]] = value
    return copy
