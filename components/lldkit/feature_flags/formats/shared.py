"""What the readers of vendors' documents share."""

from collections.abc import Sequence
from typing import Any

from lldkit.feature_flags.model import All, Condition, Constant

__all__ = ["named", "together"]


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
