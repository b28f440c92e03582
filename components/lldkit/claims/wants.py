"""What is asked for, checked, in a normal form: plain tuples for the core, and a text for who compares requests."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lldkit.arguments import check_number
from lldkit.claims.interface import AnyOf, Exactly, Run, Want
from lldkit.claims.times import to_micros
from lldkit.clock import MICRO

__all__ = ["Asked", "ask", "check_key", "check_ttl"]

MOST_TEXT = 500


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to claim; `wants` begin with the choosiest, so that no other want takes what it needs."""

    wants: Sequence[tuple[Any, ...]]
    owner: str
    ttl: int | None
    key: str | None
    exclusive: bool
    text: str


def ask(
    wants: Sequence[Want], *, owner: str, ttl_seconds: float | None, most: float, key: str | None, exclusive: bool
) -> Asked:
    """The request in its normal form; nonsense is a TypeError or ValueError."""
    if not wants:
        raise ValueError("a claim wants something: Exactly, AnyOf, Run or Count")
    if type(owner) is not str or not 0 < len(owner) <= MOST_TEXT:
        raise ValueError(f"owner must be a text of 1 to {MOST_TEXT} characters, got {owner!r}")
    ttl = None if ttl_seconds is None else check_ttl(ttl_seconds, most)
    normal = sorted(map(_normal, wants), key=lambda want: ("exactly", "run", "any", "count").index(want[0]))
    text = "" if check_key(key) is None else json.dumps([normal, owner, ttl, exclusive])
    return Asked(normal, owner, ttl, key, exclusive, text)


def check_ttl(ttl_seconds: float, most: float) -> int:
    """A time to live in microseconds: more than 0, and at most `most` seconds."""
    return max(1, round(check_number("ttl_seconds", ttl_seconds, above=0, most=most) * MICRO))


def check_key(key: str | None) -> str | None:
    """A key, or none."""
    if key is not None and (type(key) is not str or not 0 < len(key) <= MOST_TEXT):
        raise ValueError(f"key must be a text of 1 to {MOST_TEXT} characters, or None, got {key!r}")
    return key


def _normal(want: Want) -> tuple[Any, ...]:
    if isinstance(want, Exactly):
        start = None if want.start is None else to_micros(want.start)
        return ("exactly", sorted(want.ids), start, None if want.end is None else to_micros(want.end))
    if isinstance(want, AnyOf):
        return ("any", list(want.pools), want.order)
    if isinstance(want, Run):
        return ("run", want.pool, want.length, want.order)
    return ("count", want.pool, want.n, to_micros(want.start), to_micros(want.end))
