"""Interleaving's pictures: the programs of `lldkit interleave demo`, as the explorer draws their failures."""

from lldkit.interleave import Failure, explore
from lldkit.interleave.demo import DEMOS


def failure(name: str) -> Failure:
    """What is wrong with the program of this name."""
    found = explore(DEMOS[name].bug).failure
    if found is None:
        raise ValueError(f"{name} did not fail")
    return found


def generated() -> dict[str, str]:
    """A race, a deadlock and a wait without a loop."""
    texts = {}
    for name in ("deadlock", "wait-without-loop"):
        found = failure(name)
        texts[f"docs/img/interleave-{name}.svg"] = found.timeline.to_svg(f"{found.kind}: {found.message}")
    return texts
