"""Retry's pictures: an outage with and without a budget, its clients, and the herd under four jitters."""

from lldkit.playground.retry import compare, jitters, picture, trace


def generated() -> dict[str, str]:
    """Seeded traces, drawn."""
    without, bounded = trace(), trace(budget=0.1)
    return {
        "docs/img/retry-outage.svg": compare([without, bounded]).to_svg(),
        "docs/img/retry-clients.svg": picture(bounded).to_svg(),
        "docs/img/retry-jitter.svg": jitters().to_svg(),
    }
