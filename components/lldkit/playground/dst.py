"""Two nights of New York on which the clocks change, and what four policies make of them."""

from datetime import UTC, datetime, timedelta

from lldkit.charts import Band, Figure, Panel, Ticks
from lldkit.scheduler import DST, cron

__all__ = ["nights"]

POLICIES = {"CRONOS": DST.CRONOS, "VIXIE": DST.VIXIE, "SKIP_ONCE": DST.SKIP_ONCE, "WALL": DST.WALL}
SPRING = datetime(2024, 3, 10, 7, tzinfo=UTC)  # 02:00 becomes 03:00
AUTUMN = datetime(2024, 11, 3, 6, tzinfo=UTC)  # 02:00 becomes 01:00
AROUND = timedelta(hours=4)
HOUR = timedelta(hours=1)


def nights() -> Figure:
    """Each policy is a lane of the runs of one expression, over the hours of UTC before and after the change."""
    panels = [
        _panel("spring, 30 2 * * *", "30 2 * * *", SPRING, (0, 0)),
        _panel("spring, 0 */2 * * *", "0 */2 * * *", SPRING, (0, 0)),
        _panel("autumn, 30 1 * * *", "30 1 * * *", AUTUMN, (-1, 1)),
        _panel("autumn, 0 * * * *", "0 * * * *", AUTUMN, (-1, 1)),
    ]
    return Figure(
        "One night, four policies",
        panels,
        x_label="hours after the clocks of New York were set",
        description="In spring the clocks go from 02:00 to 03:00, so that 02:30 is missing: it is moved or left out. "
        "In autumn they go from 02:00 back to 01:00: the shaded hours show 01:00 to 02:00 twice.",
    )


def _panel(label: str, expression: str, change: datetime, twice: tuple[int, int]) -> Panel:
    lanes = [Ticks(_runs(expression, policy, change), name) for name, policy in POLICIES.items()]
    return Panel([Band(*twice), *lanes] if twice[0] < twice[1] else lanes, label=label, height=90)


def _runs(expression: str, policy: DST, change: datetime) -> list[float]:
    """The runs around the change, in hours after it."""
    trigger = cron(expression, tz="America/New_York", dst=policy).between(change - AROUND, change + AROUND)
    return [(run - change) / HOUR for run in trigger.next_runs(100, after=change - 2 * AROUND)]
