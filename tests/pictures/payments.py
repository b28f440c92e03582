"""The pictures of payments: a day under faults, and the diagrams of the three state machines."""

from lldkit.payments import DISPUTE, INTENT, REFUND
from lldkit.playground.payments import demo


def generated() -> dict[str, str]:
    """A seeded day, drawn, and the three tables as diagrams."""
    diagrams = {f"docs/payments.md#{machine.name}": machine.mermaid() for machine in (INTENT, REFUND, DISPUTE)}
    return {
        "docs/img/payments-day.svg": demo().to_svg(),
        **{region: f"```mermaid\n{diagram}\n```" for region, diagram in diagrams.items()},
    }
