"""Five instances that follow one store for two simulated minutes: edits, broken edits, lost hints, a partition."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Annotated

from lldkit.charts import Band, Figure, Line, Mark, Panel, Ticks
from lldkit.clock import ManualClock
from lldkit.config import Args, Between, Config, ConfigEvent, Layer, Rejected, Secret, Store, Values
from lldkit.playground.scene import Scene
from lldkit.snapshot import Document, MemoryStore, StoreUnavailable

__all__ = ["NEXT", "ConfigTrace", "Shop", "demo", "picture", "trace"]

NEXT = "lldkit config explain --schema lldkit.playground.config:Shop --set pool.size=20"
SECONDS, ROLLBACK_AT, INSTANCES = 120.0, 80.0, 5
HINT_SECONDS = 0.2  # that a hint travels, at most
BOUNDS = {
    "edits_per_minute": (1, 30),
    "broken_share": (0.0, 0.5),
    "hint_loss": (0.0, 1.0),
    "poll_seconds": (2, 60),
    "partition_at": (0, 120),
    "partition_for": (0, 120),
}


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """How many connections there are."""

    size: Annotated[int, Between(1, 64)] = 10


NO_URL = Secret("")


@dataclass(frozen=True, slots=True)
class Shop:
    """What the shop of this demo can be told; `revision` is the store's version that it was told."""

    name: str = "shop"
    revision: int = 0
    database_url: Secret[str] = NO_URL
    pool: PoolSettings = PoolSettings()


@dataclass(frozen=True, slots=True)
class ConfigTrace:
    """What happened: (seconds, version) of the store and of each instance, and when an edit was refused."""

    head: tuple[tuple[float, int], ...]
    instances: tuple[tuple[tuple[float, int], ...], ...]
    broken: tuple[float, ...]
    refused: tuple[float, ...]
    partition: tuple[float, float]

    def lags(self) -> list[float]:
        """Seconds from each good edit until an instance outside the partition served it, or a later one."""
        good = [(at, version) for at, version in self.head if at not in self.broken and version > 1]
        found = []
        for steps in self.instances[1:]:
            for at, version in good:
                arrived = next((when for when, served in steps if served >= version), None)
                if arrived is not None:
                    found.append(arrived - at)
        return found


class Link:
    """The store as one instance reaches it."""

    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        self.is_cut = False

    def read(self, version: int | None = None) -> Document:
        """Read, unless the network is cut."""
        if self.is_cut:
            raise StoreUnavailable("the store")
        return self.store.read(version)


@dataclass
class Instance:
    """A configuration of three layers, and what it served when."""

    link: Link
    config: Config[Shop]
    steps: list[tuple[float, int]] = field(default_factory=list)

    def look(self, now: float) -> None:
        """Reload, and note another version."""
        self.config.reload()
        revision = self.config.current.revision
        if not self.steps or self.steps[-1][1] != revision:
            self.steps.append((now, revision))


def trace(
    *,
    edits_per_minute: float = 8,
    broken_share: float = 0.2,
    hint_loss: float = 0.1,
    poll_seconds: float = 10,
    partition_at: float = 40,
    partition_for: float = 25,
    seed: int = 7,
) -> ConfigTrace:
    """Two minutes of edits; the first instance is cut off for a while, and at 80 s the document is rolled back.

    Hints reach an instance within 0.2 s or are lost; polls are jittered by a fifth. `ValueError` names a parameter out
    of bounds.
    """
    given = dict(locals())
    for name, (low, high) in BOUNDS.items():
        if not low <= given[name] <= high:
            raise ValueError(f"{name} must be from {low} to {high}, got {given[name]!r}")
    clock, rng = ManualClock(), Random(seed)
    store = MemoryStore({"revision": 1}, clock=clock)
    refused: list[float] = []
    fleet = [_instance(store, clock, refused) for _ in range(INSTANCES)]
    head, broken = [(0.0, 1)], list[float]()
    agenda = [(at, -1, "edit") for at in _edit_times(edits_per_minute, rng)] + [(ROLLBACK_AT, -1, "rollback")]
    agenda += [(rng.random() * poll_seconds, number, "poll") for number in range(INSTANCES)]
    agenda += [(partition_at, 0, "cut"), (partition_at + partition_for, 0, "join")]
    heapq.heapify(agenda)
    while agenda and agenda[0][0] <= SECONDS:
        now, number, what = heapq.heappop(agenda)
        clock.advance(now - clock.monotonic())
        if what in ("edit", "rollback"):
            bad = what == "edit" and rng.random() < broken_share
            version = _publish(store, what, bad, rng)
            head.append((now, version))
            broken += [now] * bad
            for each in range(INSTANCES):
                if rng.random() >= hint_loss and not fleet[each].link.is_cut:
                    heapq.heappush(agenda, (now + rng.random() * HINT_SECONDS, each, "hint"))
        elif what in ("cut", "join"):
            fleet[number].link.is_cut = what == "cut"
        else:
            fleet[number].look(now)
            if what == "poll":
                heapq.heappush(agenda, (now + poll_seconds * rng.uniform(0.8, 1.2), number, "poll"))
    steps = tuple((*each.steps, (SECONDS, each.steps[-1][1])) for each in fleet)
    partition = (min(partition_at, SECONDS), min(partition_at + partition_for, SECONDS))
    return ConfigTrace((*head, (SECONDS, head[-1][1])), steps, tuple(broken), tuple(sorted(refused)), partition)


def _instance(store: MemoryStore, clock: ManualClock, refused: list[float]) -> Instance:
    def hear(event: ConfigEvent) -> None:
        if isinstance(event, Rejected):
            refused.append(clock.monotonic())

    link = Link(store)
    store_layer = Store(link)  # type: ignore[arg-type] # a layer only reads
    layers: list[Layer] = [Values({"pool": {"size": 5}}), store_layer, Args(["name=demo"])]
    instance = Instance(link, Config(Shop, layers=layers, clock=clock, on_event=hear))
    instance.look(0.0)
    return instance


def _edit_times(per_minute: float, rng: Random) -> list[float]:
    times = [rng.expovariate(per_minute / 60)]
    while times[-1] < SECONDS:
        times.append(times[-1] + rng.expovariate(per_minute / 60))
    return times[:-1]


def _publish(store: MemoryStore, what: str, bad: bool, rng: Random) -> int:
    """Publish the next version: an edit, good or bad, or again what an early version said."""
    newest = store.read().version
    body = dict(store.read(1).body) if what == "rollback" else {"pool": {"size": 999 if bad else rng.randint(1, 64)}}
    return store.publish({**body, "revision": newest + 1}, expected=newest, author="demo", reason=what).version


def picture(run: ConfigTrace) -> Sequence[Panel]:
    """The versions as steps, what was refused, and how long the partitioned instance is behind."""
    start, end = run.partition
    cut = [Band(start, end, "first one cut off")] if end > start else []
    lines = [Line(run.head, "store", "quiet", step=True, dashed=True)]
    lines += [Line(steps, "", "good", step=True) for steps in run.instances[1:]]
    versions: list[Mark] = [*cut, *lines, Line(run.instances[0], "cut off", "bad", step=True)]
    lanes = [Ticks(run.broken, "broken edits", "bad"), Ticks(run.refused, "refusals", "quiet")]
    return [Panel(versions, "versions", 200), Panel(lanes, "refused")]


def demo() -> Figure:
    """A fleet through edits, lost hints and a partition, as `lldkit demo config` shows it."""
    run = trace()
    longest = max(run.lags())
    return Figure(
        "Five instances follow one document",
        picture(run),
        x_label="seconds",
        x=(0, SECONDS),
        description=(
            f"{len(run.broken)} of {len(run.head) - 2} edits are broken and move nobody. A good one is served within "
            f"{longest:.0f} s though hints are lost; the instance that was cut off served on, and caught up."
        ),
    )


def figure(run: ConfigTrace) -> Figure:
    """Two minutes of a fleet."""
    slowest = max(run.lags(), default=0.0)
    says = f"{len(run.broken)} edits are broken and move nobody; a good one is served within {slowest:.1f} s."
    return Figure(
        "Five instances follow one document", picture(run), x_label="seconds", x=(0, SECONDS), description=says
    )


SCENES = {"config": Scene(trace, figure, BOUNDS)}
