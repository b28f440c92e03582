"""The teeth of a kata's grader: which kind of check bites which planted bug, from the stored signatures."""

from lldkit.charts import Figure, Panel, Ticks, Tone
from lldkit.dojo import catalog, fingerprint
from lldkit.dojo.interface import Manifest

KINDS: dict[str, tuple[str, Tone]] = {
    "directed": ("directed checks", "one"),
    "model": ("random programs", "two"),
    "schedule": ("threads", "three"),
}


def generated() -> dict[str, str]:
    """The picture of docs/dojo.md."""
    return {"docs/img/katas-teeth.svg": teeth(catalog.load_kata("rate_limiter")).to_svg()}


def teeth(kata: Manifest) -> Figure:
    """A lane for each kind of check, a tick where it fails on the planted bug of that number."""
    kinds = {check.id: check.kind for check in catalog.plan(kata, kata.last)}
    bitten: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for number, signature in enumerate(fingerprint.load(kata).values(), 1):
        for kind in {kinds[entry.partition(":")[0].partition("~")[0]] for entry in signature} & set(KINDS):
            bitten[kind].append(float(number))
    lanes = [Ticks(bitten[kind], label, tone) for kind, (label, tone) in KINDS.items()]
    return Figure(
        f"What bites the {len(kata.wrong)} planted bugs of {kata.name}", [Panel(lanes)], x_label="number of the bug"
    )
