"""Names a bug by how it fails: signatures of the planted bugs, and how much the learner's has in common with them.

A signature is the set of failing checks, how they fail where that can be told (a deadlock, an error) and, for the
first 600 seeded programs, which fail and at which step. A name is given from a similarity of 0.8 up, if the
runner-up is 0.2 below and the check that was written for the bug fails too; otherwise nothing is said.
"""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lldkit.dojo.interface import LooksLike, Manifest, Wrong

__all__ = ["FILE", "best", "load", "name", "pack", "similarity"]

FILE = "signatures.json"
SURE = 0.8
AHEAD = 0.2


def similarity(one: Iterable[str], other: Iterable[str]) -> float:
    """|A & B| / |A | B|; two empty sets have nothing in common."""
    first, second = frozenset(one), frozenset(other)
    return len(first & second) / len(first | second) if first | second else 0.0


def best(signature: Iterable[str], known: Mapping[str, Iterable[str]]) -> tuple[str, float] | None:
    """The only known signature that is like this one, with its similarity; None when it is not sure."""
    mine = frozenset(signature)
    ranked = sorted(((similarity(mine, theirs), name) for name, theirs in known.items()), reverse=True)
    if not ranked or ranked[0][0] < SURE:
        return None
    if len(ranked) > 1 and ranked[0][0] - ranked[1][0] < AHEAD - 1e-9:
        return None
    return ranked[0][1], ranked[0][0]


def name(kata: Manifest, level: int, signature: Iterable[str]) -> LooksLike | None:
    """The planted bug of `level` that fails as `signature` does; the check that was written for it must be among it."""
    from lldkit.dojo.interface import LooksLike

    mine = frozenset(signature)
    there = {wrong.id: wrong for wrong in kata.wrong if wrong.dies_at == level and _own_check(wrong, mine)}
    known = {key: value for key, value in load(kata).items() if key in there}
    found = best(mine, known)
    return None if found is None else LooksLike(found[0], there[found[0]].says, round(found[1], 2))


def _own_check(wrong: Wrong, signature: frozenset[str]) -> bool:
    """Whether the check fails that was written for a bug: two bugs may fail at the same steps of all programs."""
    return "-" in wrong.killed_by or any(entry.partition(":")[0] == wrong.killed_by for entry in signature)


def load(kata: Manifest) -> dict[str, list[str]]:
    """The stored signatures of a kata's planted bugs."""
    file = kata.folder / FILE
    if not file.is_file():
        return {}
    return {key: _unpack(words) for key, words in json.loads(file.read_text("utf-8")).items()}


def pack(signature: Iterable[str]) -> str:
    """A signature as one line of words: entries of one program search share their prefix."""
    words: list[str] = []
    prefix = ""
    for entry in signature:
        head, _, tail = entry.partition(":")
        if tail and head != prefix:
            words.append(f"{head}:")
            prefix = head
        words.append(tail or entry)
    return " ".join(words)


def _unpack(text: str) -> list[str]:
    found: list[str] = []
    prefix = ""
    for word in text.split():
        if word.endswith(":"):
            prefix = word
        else:
            found.append(prefix + word if prefix and word[0].isdigit() else word)
    return found
