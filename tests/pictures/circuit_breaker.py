"""The breaker's pictures: the diagram of its table, an outage, a partial outage, and the probes of a fleet."""

from lldkit.circuit_breaker import TRANSITIONS
from lldkit.playground.circuit_breaker import demo, fleet, partial


def generated() -> dict[str, str]:
    """The table as a diagram, and seeded traces, drawn."""
    return {
        "docs/circuit_breaker.md#states": f"```mermaid\n{automatic(TRANSITIONS.mermaid())}\n```",
        "docs/img/circuit_breaker-outage.svg": demo().to_svg(),
        "docs/img/circuit_breaker-partial.svg": partial().to_svg(),
        "docs/img/circuit_breaker-fleet.svg": fleet().to_svg(),
    }


def automatic(diagram: str) -> str:
    """The diagram without the 35 moves by hand, which lead from every state to five."""
    by_hand = {"trip", "force_open", "disable", "observe", "reset"}
    kept = []
    for line in diagram.splitlines():
        arrow, _, events = line.partition(" : ")
        left = [event for event in events.split(", ") if event not in by_hand]
        if left != []:
            kept.append(f"{arrow} : {', '.join(left)}" if events else line)
    return "\n".join(kept)
