"""The pictures of metrics: quantiles over time, as each layout of buckets sees them, and processes that die."""

from lldkit.playground import metrics_processes
from lldkit.playground.metrics import demo


def generated() -> dict[str, str]:
    """Seeded traces, drawn."""
    processes = metrics_processes.picture(metrics_processes.trace())
    return {
        "docs/img/metrics-quantiles.svg": demo().to_svg(),
        "docs/img/metrics-processes.svg": processes.to_svg(),
    }
