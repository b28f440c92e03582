"""The lot's pictures: a day by two policies, and what parking costs; the allocations compared."""

from lldkit.parking_lot import BOOKING, SESSION
from lldkit.playground.parking_lot import Policy, compare, prices, trace


def generated() -> dict[str, str]:
    """Seeded days, drawn and counted."""
    policies: tuple[Policy, ...] = ("best fit", "nearest", "balanced")
    days = {policy: trace(policy=policy) for policy in policies}
    rows = [
        f"| {policy} | {day.entered} | {len(day.refused_cars)} | {len(day.refused_trucks)} |"
        for policy, day in days.items()
    ]
    head = ["| allocation | entered | cars refused | trucks refused |", "| --- | --- | --- | --- |"]
    return {
        "docs/img/parking_lot-day.svg": compare([days["best fit"], days["nearest"]]).to_svg(),
        "docs/img/parking_lot-prices.svg": prices().to_svg(),
        "docs/parking_lot.md#allocations": "\n".join([*head, *rows]),
        **{f"docs/parking_lot.md#{each.name}": f"```mermaid\n{each.mermaid()}\n```" for each in (SESSION, BOOKING)},
    }
