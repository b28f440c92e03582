"""Interleaving's pictures: the programs of `lldkit interleave demo`, as the explorer draws their failures."""

from interleave.planted import PLANTED
from lldkit.interleave import Failure, explore
from lldkit.interleave.demo import DEMOS


def failure(name: str) -> Failure:
    """What is wrong with the program of this name."""
    found = explore(DEMOS[name].bug).failure
    if found is None:
        raise ValueError(f"{name} did not fail")
    return found


def planted() -> str:
    """The table of planted bugs."""
    lines = ["| planted bug | found within | kind | twin proved |", "| --- | ---: | --- | --- |"]
    for one in PLANTED:
        kinds = " or ".join(sorted(kind.value for kind in one.kinds)) + (f", cycle of {one.cycle}" if one.cycle else "")
        proof = "" if one.proof is None else f"{one.proof}, {one.proof_runs:,} schedules at most"
        lines.append(f"| {one.name} | {one.find:,} | {kinds} | {proof} |")
    return "\n".join(lines)


def generated() -> dict[str, str]:
    """A race, a deadlock and a wait without a loop."""
    texts = {"docs/interleave.md#planted": planted()}
    for name in ("deadlock", "wait-without-loop"):
        found = failure(name)
        texts[f"docs/img/interleave-{name}.svg"] = found.timeline.to_svg(f"{found.kind}: {found.message}")
    return texts
