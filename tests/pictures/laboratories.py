"""The laboratories' pictures: an outage that stays, a herd, and clients that contend for a row."""

from collections.abc import Callable, Sequence
from random import Random

from lldkit.charts import Band, Figure, Line, Panel, Tone
from lldkit.simulation.laboratories import (
    Budget,
    Herd,
    Outage,
    Retries,
    Series,
    backoff_contention,
    metastable,
    thundering_herd,
)

TONES: tuple[Tone, ...] = ("good", "bad", "two", "three")


def generated() -> dict[str, str]:
    """Three figures of seeded runs."""
    return {
        "docs/img/laboratories-metastable.svg": outages().to_svg(),
        "docs/img/laboratories-herd.svg": herds().to_svg(),
        "docs/img/laboratories-backoff.svg": contention().to_svg(),
    }


def points(series: Series) -> list[tuple[float, float]]:
    return list(zip(series.times, series.values, strict=True))


def lines(names: Sequence[str], curves: Sequence[Series]) -> list[Line]:
    """One named line per curve, each in a tone of its own."""
    return [Line(points(curve), name, tone) for name, curve, tone in zip(names, curves, TONES, strict=False)]


def outages() -> Figure:
    policies: dict[str, Callable[[], Retries]] = {
        "no retries": lambda: Retries(0),
        "3 retries": lambda: Retries(3),
        "3 retries, 10 % budget": lambda: Retries(3, budget=Budget(0.1)),
    }
    runs: list[Outage] = [
        metastable(policy, load=0.7, slow_factor=10, slow_seconds=10, seed=1) for policy in policies.values()
    ]
    slow = Band(30.0, 40.0, "slow")
    names = list(policies)
    return Figure(
        "Ten slow seconds, and what is left of them",
        [
            Panel([slow, *lines(names, [run.goodput for run in runs])], "goodput", y=(0.0, 1.0)),
            Panel([slow, *lines(names, [run.calls for run in runs])], "calls per second"),
            Panel([slow, *lines(names, [run.queue for run in runs])], "queue"),
        ],
        x_label="seconds",
        description="A server at 70 % load is ten times as slow for ten seconds. Without retries, and with a budget "
        "for them, goodput comes back; with three retries the load stays fourfold, the queue grows, and goodput stays "
        "at zero.",
    )


def herds() -> Figure:
    def herd(*, jitter: float, single_flight: bool) -> Herd:
        return thundering_herd(
            keys=50, jitter=jitter, single_flight=single_flight, rate=400, load_seconds=0.3, seconds=60, seed=1
        )

    runs = {
        "single flight, 30 % jitter": herd(jitter=0.3, single_flight=True),
        "naive": herd(jitter=0.0, single_flight=False),
        "single flight": herd(jitter=0.0, single_flight=True),
    }
    return Figure(
        "Loads that reach the origin, 50 keys of ten seconds",
        [Panel(lines(list(runs), [run.loads_in for run in runs.values()]), "loads per second", height=160)],
        x_label="seconds",
        description="Keys that were loaded together expire together. Single flight cuts each peak to one load per key, "
        "jitter spreads the peaks.",
    )


def contention() -> Figure:
    def whole(failures: int) -> float:
        return min(2.0, 0.005 * 2.0 ** min(failures, 64))

    def full_jitter(failures: int, _: float, rng: Random) -> float:
        return rng.uniform(0.0, whole(failures))

    runs = {
        "full jitter": backoff_contention(full_jitter, clients=100, seed=1),
        "exponential": backoff_contention(lambda failures, *_: whole(failures), clients=100, seed=1),
        "no backoff": backoff_contention(lambda *_: 0.0, clients=100, seed=1),
    }
    names = [f"{name}, {run.calls} writes" for name, run in runs.items()]
    return Figure(
        "A hundred clients contend for one row",
        [Panel(lines(names, [run.waiting for run in runs.values()]), "clients not done", height=160)],
        x_label="seconds",
        x=(0.0, 12.0),
        description="Without backoff the work is done soonest, with most writes. Exponential backoff without jitter "
        "keeps the clients in step and takes a minute; with full jitter it takes seconds and a third of the writes.",
    )
