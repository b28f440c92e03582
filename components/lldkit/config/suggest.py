"""Did you mean: the known name that is nearest to an unknown one."""

from collections.abc import Iterable

__all__ = ["did_you_mean"]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question that names the nearest of `known`, or nothing if none is near.

    >>> did_you_mean("pool.sze", ["name", "pool.size"])
    'did you mean pool.size?'
    """
    from difflib import get_close_matches  # wanted only when something is wrong

    folded = {each.casefold(): each for each in known}
    near = get_close_matches(name.casefold(), folded, n=1)
    return f"did you mean {folded[near[0]]}?" if near else ""
