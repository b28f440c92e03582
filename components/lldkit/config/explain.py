"""Who set a key: the word of every layer about it, and the default. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from lldkit.config.interface import MISSING, Candidate, KeyPath
from lldkit.config.paths import path_text
from lldkit.config.schema import Field, Free, Options, Plan, Section, Table, hides, leaves, plan_at
from lldkit.config.secret import Secret
from lldkit.config.stack import Named, Said, all_say, location_of, opened, settled, step
from lldkit.config.suggest import did_you_mean

__all__ = ["candidates", "check_path"]


def check_path(plan: Plan, path: tuple[str, ...]) -> None:
    """`LookupError` for a path that the schema does not have."""
    if plan_at(plan, path) is None:
        text = path_text(path)
        hint = did_you_mean(text, map(path_text, leaves(plan)))
        raise LookupError(f"the schema has no key {text}" + (f"; {hint}" if hint else ""))


def candidates(plan: Plan, layers: Sequence[Named], path: tuple[str, ...]) -> tuple[Candidate, ...]:
    """All who said something about the key at `path`, the schema's default first; one of them wins.

    `LookupError` for a path that is none, or that leads to a section.
    """
    check_path(plan, path)
    here = plan_at(plan, path)
    if isinstance(here, Section) or (
        isinstance(here, Options) and any(isinstance(each, Section) for each in here.options)
    ):
        below = ", ".join(path_text((*path, *leaf)) for leaf in leaves(here))
        raise LookupError(f"{path_text(path) or 'the whole'} is a section; ask for {below}")
    said, alive = _said(plan, layers, path)
    default = _default(plan, path)
    secret = hides(here)
    found = [] if default is MISSING else [Candidate("default", "default", default, wins=not alive)]
    for layer, node in said:
        shown = Secret(node) if secret and not isinstance(node, Secret) else node
        wins = bool(alive) and layer is alive[-1][0]
        found.append(Candidate(layer.name, location_of(layer, path), shown, wins))
    return tuple(found)


def _said(plan: Plan, layers: Sequence[Named], path: tuple[str, ...]) -> tuple[Said, Said]:
    """What is said about `path`: all of it, and what counts."""
    said = alive = all_say(layers)
    for place, key in enumerate(path):
        around = plan_at(plan, path[:place]) or Free()
        said, alive = (step(_mappings(opened(around, each)), key) for each in (said, settled(alive)))
    return said, settled(alive)


def _mappings(said: Said) -> Said:
    return [(layer, node) for layer, node in said if isinstance(node, Mapping)]


def _default(plan: Plan, path: KeyPath) -> Any:
    """The default of the schema at `path`, which may come from that of a section around it."""
    value: Any = MISSING
    for key in path:
        if isinstance(plan, Options) and len(plan.options) == 1:
            plan = plan.options[0]
        if isinstance(plan, Section):
            field: Field = plan.fields[str(key)]
            value = getattr(value, str(key)) if isinstance(value, plan.make) else field.fallback()
            plan = field.plan
        elif isinstance(plan, Table):
            value = value.get(key, MISSING) if isinstance(value, Mapping) else MISSING
            plan = plan.item
        else:
            return MISSING
    return value
