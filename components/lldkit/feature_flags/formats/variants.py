"""Names for values: our flags name their variants, other systems' rules carry values."""

from typing import Any

__all__ = ["named"]


def named(variants: dict[str, Any], name: str, value: Any) -> str:
    """The name under which `variants` has `value` from now on: `name`, marked until it means nothing else."""
    while name in variants and variants[name] != value:
        name += "'"
    variants[name] = value
    return name
