"""Buckets as rows of a database: what names a row, and how a state is written."""

import hashlib
import json
from typing import Any

from lldkit.rate_limiter.interface import Ask

__all__ = ["row_names", "state_from_json", "state_to_json"]

LONGEST = 256  # bytes; an index of PostgreSQL takes no name above 2,704


def row_names(namespace: str, ask: Ask) -> list[bytes]:
    """The name of each quota's row, short enough for an index; no two buckets share one.

    It is JSON, so that people can read whose bucket it is, or the digest of JSON that is long. UTF-8 with
    `surrogatepass` keeps apart what JSON's own escapes would confuse: a character and its two surrogates.
    """
    names = []
    for quota, key in zip(ask.quotas, ask.keys, strict=True):
        parts = (namespace, ask.name, ask.algorithm.name, quota.name, key)
        name = json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
        names.append(name if len(name) <= LONGEST else b"sha256:" + hashlib.sha256(name).hexdigest().encode())
    return names


def state_to_json(state: Any) -> str:
    """A state as text; integers of any size stay exact."""
    return json.dumps(state, separators=(",", ":"))


def state_from_json(text: str | None) -> Any:
    """A state from its text, in which tuples have become lists; no text is no state.

    >>> state_from_json("[7,[2,5]]")
    (7, (2, 5))
    """
    return None if text is None else _tuples(json.loads(text))


def _tuples(parsed: Any) -> Any:
    return tuple(map(_tuples, parsed)) if isinstance(parsed, list) else parsed
