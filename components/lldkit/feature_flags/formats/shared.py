"""What the readers of vendors' documents share."""

from collections.abc import Mapping, Sequence
from typing import Any

from lldkit.feature_flags.interface import FlagProblem
from lldkit.feature_flags.model import All, Condition, Constant

__all__ = ["by_field", "named", "together"]


def by_field(field: str, bodies: Sequence[Any], problems: list[FlagProblem]) -> dict[str, Any]:
    """The members of a list by what they are called in `field`; one without a name concerns no other."""
    found = {}
    for body in bodies:
        name = body.get(field) if isinstance(body, Mapping) else None
        if isinstance(name, str | int):
            found[str(name)] = body
        else:
            problems.append(FlagProblem("", "", f"what has no {field} is left out: {body!r:.100}", fatal=False))
    return found


def named(variants: dict[str, Any], name: str, value: Any) -> str:
    """The name under which `variants` has `value` from now on: `name`, marked until it means nothing else."""
    while name in variants and variants[name] != value:
        name += "'"
    variants[name] = value
    return name


def together(conditions: Sequence[Condition]) -> Condition:
    """The condition that all of them hold."""
    if not conditions:
        return Constant(True)
    return conditions[0] if len(conditions) == 1 else All(tuple(conditions))
