"""The pictures of metrics: quantiles over time, as each layout of buckets sees them."""

from lldkit.playground.metrics import demo


def generated() -> dict[str, str]:
    """Seeded traces, drawn."""
    return {"docs/img/metrics-quantiles.svg": demo().to_svg()}
