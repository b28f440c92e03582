"""A flag ramped from nobody to everybody over 10,000 units, beside a second flag, with a split inside."""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from types import MappingProxyType
from typing import Any
from uuid import UUID

from lldkit.charts import Figure, Line, Panel
from lldkit.feature_flags import NATIVE, Context, FlagAdmin, FlagClient, SetRollout, bucketing, model
from lldkit.playground.scene import Scene
from lldkit.snapshot import MemoryStore

__all__ = ["HASHES", "IDS", "NEXT", "FlagsTrace", "demo", "picture", "trace"]

NEXT = "lldkit flags --help"
UNITS = 10_000
Points = Callable[[str], float]


@dataclass(slots=True)
class Hashed:
    """The native format, in which every bucket hashes as it is told: three ways that are wrong, to look at."""

    points: Callable[[model.Bucket], Points]
    name: str = "hashed"

    def load(
        self, document: Mapping[str, object], previous: Mapping[str, model.Flag] = MappingProxyType({})
    ) -> model.Loaded:
        """The flags of a native document, with other buckets."""
        del previous
        loaded = NATIVE.load(document)
        return replace(loaded, flags={key: self._flag(flag) for key, flag in loaded.flags.items()})

    def _flag(self, flag: model.Flag) -> model.Flag:
        return replace(flag, rules=tuple(self._rule(rule) for rule in flag.rules))

    def _rule(self, rule: model.Rule) -> model.Rule:
        gates = tuple(self._gate(gate) for gate in rule.gates)
        serve = rule.serve
        if isinstance(serve, model.Split):
            serve = replace(serve, bucket=self._bucket(serve.bucket))
        return replace(rule, gates=gates, serve=serve)

    def _gate(self, gate: model.Gate) -> model.Gate:
        return replace(gate, bucket=self._bucket(gate.bucket))

    def _bucket(self, bucket: model.Bucket) -> model.Bucket:
        return replace(bucket, hash=self.name, point=self.points(bucket))


def _crc32(seed: str) -> Points:
    return lambda unit: zlib.crc32(f"{seed}:{unit}".encode()) / 2**32


def _of_seed(seed: str) -> Callable[[model.Bucket], Points]:
    """All buckets with one seed, or with one for each flag."""
    return lambda bucket: bucketing.seeded("blake2b/1", seed or bucket.seed.split("/")[0])


HASHES: Mapping[str, Callable[[model.Bucket], Points] | None] = {
    "blake2b/1": None,
    "crc32-shift": lambda bucket: _crc32(bucket.seed),
    "user-only": _of_seed("the same for all"),
    "shared-seed": _of_seed(""),
}
"""How buckets are hashed: as the library does, or in a way that goes wrong."""

IDS: Mapping[str, Callable[[int, Random], str]] = {
    "sequential": lambda n, _rng: f"user-{n}",
    "hex": lambda n, _rng: f"{n:016x}",
    "uuid": lambda _n, rng: str(UUID(int=rng.getrandbits(128), version=4)),
}
"""What the units are called."""


@dataclass(frozen=True, slots=True)
class FlagsTrace:
    """What was seen at each step of the ramp; all but `percents` and `moved_back` are shares of units.

    `overlap` is who has both flags, `product` what that is when they are independent, `inside` the part of those in the
    gate who get the first variant of the split.
    """

    percents: tuple[float, ...]
    on: tuple[float, ...]
    moved_back: tuple[int, ...]
    overlap: tuple[float, ...]
    product: tuple[float, ...]
    inside: tuple[float, ...]


def trace(
    *,
    steps: int = 20,
    hash: str = "blake2b/1",  # noqa: A002 - it is the word for it
    ids: str = "sequential",
    weights: Sequence[float] = (50, 50),
    units: int = UNITS,
    seed: int = 7,
) -> FlagsTrace:
    """Commit step after step, and evaluate both flags for every unit. ValueError names what is out of bounds."""
    if not 1 <= steps <= 100:
        raise ValueError(f"steps must be from 1 to 100, got {steps!r}")
    for name, value, known in (("hash", hash, HASHES), ("ids", ids, IDS)):
        if value not in known:
            raise ValueError(f"{name} must be one of {', '.join(known)}, got {value!r}")
    rng = Random(seed)
    contexts = [Context(IDS[ids](n, rng)) for n in range(units)]
    store = MemoryStore(_document(weights))
    points = HASHES[hash]
    client = FlagClient(store, format=NATIVE if points is None else Hashed(points))
    second = {n for n, context in enumerate(contexts) if client.boolean("second", False, context)}
    rows, before = list[tuple[float, float, int, float, float, float]](), set[int]()
    for step in range(steps + 1):
        percent = 100 * step / steps
        FlagAdmin(store).commit([SetRollout("ramped", "ramp", percent)], author="demo", reason=f"{percent:g} %")
        client.refresh()
        variants = [client.string("ramped", "", context) for context in contexts]
        now = {n for n, variant in enumerate(variants) if variant != "off"}
        first = sum(variant == "a" for variant in variants)
        product = len(now) * len(second) / units**2
        inside = first / len(now) if now else 0.0
        rows.append((percent, len(now) / units, len(before - now), len(now & second) / units, product, inside))
        before = now
    return FlagsTrace(*zip(*rows, strict=True))


def _document(weights: Sequence[float]) -> dict[str, Any]:
    split = {"split": [["a", weights[0]], ["b", weights[1]]]}
    return {
        "flags": {
            "ramped": {
                "type": "string",
                "variants": {"a": "a", "b": "b", "off": "off"},
                "serve": "off",
                "rules": [{"id": "ramp", "rollout": {"percent": 0}, "serve": split}],
            },
            "second": {
                "type": "boolean",
                "variants": {"on": True, "off": False},
                "serve": "off",
                "rules": [{"id": "half", "rollout": {"percent": 50}, "serve": "on"}],
            },
        }
    }


def picture(run: FlagsTrace, name: str = "") -> Sequence[Panel]:
    """The shares over the steps: on, both flags against the product, and the split inside the gate."""
    days = range(len(run.percents))
    shares = [Line(list(zip(days, run.on, strict=True)), "on", "good")]
    shares += [Line(list(zip(days, run.overlap, strict=True)), "both flags", "bad")]
    shares += [Line(list(zip(days, run.product, strict=True)), "if independent", "quiet", dashed=True)]
    split = [Line(list(zip(days, run.inside, strict=True))[1:], "first variant, of those on")]
    return [Panel(shares, f"{name} shares".strip(), 160), Panel(split, f"{name} split".strip(), 90)]


def demo() -> Figure:
    """A ramp with the library's hash, above the same with crc32, as `lldkit demo feature_flags` shows it."""
    good, bad = trace(ids="hex"), trace(ids="hex", hash="crc32-shift")
    return Figure(
        "A flag is ramped up beside another one",
        [*picture(good, "blake2b"), *picture(bad, "crc32")],
        x_label="days, one step each",
        description=(
            f"Nobody moves back ({sum(good.moved_back)} of {UNITS}). With blake2b half of those on have the other flag "
            f"too, and half get the first variant. With crc32 the share that is on looks as right, but at 50 % the "
            f"flags share {bad.overlap[10] / bad.on[10]:.0%} of their users instead of 50 %."
        ),
    )


def figure(run: FlagsTrace) -> Figure:
    """One ramp beside a second flag."""
    says = f"{sum(run.moved_back)} units moved back while the flag was ramped from nobody to everybody."
    return Figure(
        "A flag is ramped up beside another one", picture(run), x_label="days, one step each", description=says
    )


SCENES = {"feature_flags": Scene(trace, figure, {"steps": (1, 100)}, {"hash": list(HASHES), "ids": list(IDS)})}
