"""The elevator's pictures: shafts under two dispatchers, and a kiosk in the rush and at night."""

from lldkit.charts import Bar, Bars, Figure
from lldkit.playground.elevator import picture, trace


def _kiosk() -> Figure:
    """Mean waits with and without a kiosk: better in an up-peak, worse at night."""
    panels = []
    for label, traffic, percent in (("up-peak, 14 % in 5 min", "up", 14.0), ("light mixed traffic, 2 %", "lunch", 2.0)):
        rows = []
        for name in ("lqf", "look-ahead", "destination"):
            run = trace(dispatcher=name, traffic=traffic, floors=20, cars=6, percent=percent, seed=1)
            text = f"{run.wait.mean:.1f} s, {len(run.calls)} people carried"
            rows.append(Bar(name, run.wait.mean, text, "two" if name == "destination" else "quiet"))
        panels.append(Bars(rows, label))
    return Figure("Mean wait with a kiosk and without", panels, description="20 floors, 6 cars, ten minutes.")


def generated() -> dict[str, str]:
    """Seeded traces, drawn."""
    return {
        "docs/img/elevator-shafts.svg": picture([trace(dispatcher="nearest"), trace()]).to_svg(),
        "docs/img/elevator-kiosk.svg": _kiosk().to_svg(),
    }
