"""The scheduler's pictures: workers with and without a heartbeat, and the states of a job."""

from lldkit.playground.scheduler import compare, trace
from lldkit.scheduler import JOB


def generated() -> dict[str, str]:
    """Seeded traces and the transition table, drawn."""
    return {
        "docs/img/scheduler-workers.svg": compare([trace(), trace(heartbeat=False)]).to_svg(),
        "docs/scheduler.md#states": f"```mermaid\n{JOB.mermaid()}\n```",
    }
