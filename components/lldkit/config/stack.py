"""What the layers say about one key: the merge, done key by key while a value is built. Pure.

Nothing is merged beforehand: at each key there is the list of layers that say something, weakest first. So who said
what stays known, and provenance costs no memory beyond the trees of the layers.
"""

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

from lldkit.config.interface import KeyPath, Loaded
from lldkit.config.schema import Options, Plan, Section, Table

__all__ = ["Conflict", "Named", "Said", "all_say", "conflict", "location_of", "opened", "settled", "step"]


class Named(NamedTuple):
    """A layer's name and what it said."""

    name: str
    loaded: Loaded


Said: TypeAlias = list[tuple[Named, Any]]


class Conflict(NamedTuple):
    """Two layers of which one has a mapping and the other has not."""

    lower: Named
    upper: Named


def step(said: Said, key: str) -> Said:
    """What is said about `key` inside."""
    return [(layer, node[key]) for layer, node in said if key in node]


def settled(said: Said) -> Said:
    """What counts: None removes all that was said below it, and itself. A text layer says no None."""
    for place in range(len(said) - 1, -1, -1):
        if said[place][1] is None:
            return said[place + 1 :]
    return said


def conflict(said: Said) -> Conflict | None:
    """The first two neighbours that cannot be merged."""
    for (lower, low), (upper, high) in pairwise(said):
        if isinstance(low, Mapping) is not isinstance(high, Mapping):
            return Conflict(lower, upper)
    return None


def opened(plan: Plan, said: Said) -> Said:
    """Texts that stand for a section or a dict, as JSON objects; what is none stays a text."""
    if isinstance(plan, Options) and len(plan.options) == 1:
        plan = plan.options[0]
    if not isinstance(plan, Section | Table):
        return said
    return [(layer, _opened(node) if layer.loaded.text and isinstance(node, str) else node) for layer, node in said]


def _opened(text: str) -> object:
    try:
        parsed = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text
    return parsed if isinstance(parsed, dict) else text


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is no JSON")


def location_of(layer: Named, path: KeyPath) -> str:
    """Where a layer says `path`, or the nearest thing around it whose place is known."""
    locations = layer.loaded.locations
    for length in range(len(path), 0, -1):
        if path[:length] in locations:
            return locations[path[:length]]
    return layer.name


def all_say(layers: Sequence[Named]) -> Said:
    """The trees of all layers, weakest first."""
    return [(layer, layer.loaded.tree) for layer in layers]
