"""The pictures of notifications: a day with a flood and an outage, and the life of a delivery."""

from lldkit.notifications import DELIVERY
from lldkit.playground.notifications import demo


def generated() -> dict[str, str]:
    """A seeded day, drawn, and the table of moves as a diagram."""
    return {
        "docs/img/notifications-day.svg": demo().to_svg(),
        "docs/notifications.md#delivery": f"```mermaid\n{DELIVERY.mermaid()}\n```",
    }
