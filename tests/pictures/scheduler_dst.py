"""The scheduler's picture of two nights on which the clocks change."""

from lldkit.playground.dst import nights


def generated() -> dict[str, str]:
    """Two nights, drawn."""
    return {"docs/img/scheduler-dst.svg": nights().to_svg()}
