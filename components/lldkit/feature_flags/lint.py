"""What to look at twice before a document is published: who would move for nothing, and what nobody reaches."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from lldkit.feature_flags.model import Bucket, Constant, Fixed, Flag, Range, Rule, RuleSet, Split

__all__ = ["Finding", "lint"]

Kind = Literal["problem", "unreachable", "expired", "reordered", "rehashed", "moves"]
LEAST = 1e-9


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to look at.

    `problem`: what loading has found, undefined references and cycles included. `unreachable`: a rule behind one that
    takes everybody. `expired`: past its date. And against the version before, where every unit would rather stay:
    `reordered`: the variants of a split. `rehashed`: another attribute, salt or hash. `moves`: weights so that more
    units move than must.
    """

    key: str
    kind: Kind
    message: str

    def __str__(self) -> str:
        return f"{self.key or 'document'}: {self.kind}: {self.message}"


def lint(rules: RuleSet, now: datetime, before: RuleSet | None = None) -> Sequence[Finding]:
    """All that is to be said of a version, and of the step to it from the version `before`."""
    found = [Finding(problem.key, "problem", problem.message) for problem in rules.problems]
    for key, flag in rules.flags.items():
        found += [Finding(key, "unreachable", message) for message in _unreachable(flag)]
        if flag.expires is not None and flag.expires <= now:
            found.append(Finding(key, "expired", f"since {flag.expires.date()}"))
        old = before.flags.get(key) if before else None
        if old is not None and old.source != flag.source:
            found += [Finding(key, kind, message) for kind, message in _needless(old, flag)]
    return found


def _unreachable(flag: Flag) -> Iterator[str]:
    taken = None
    for rule in flag.rules:
        if taken is not None:
            yield f"rule {rule.id} is behind rule {taken}, which takes everybody"
        elif _takes_everybody(rule):
            taken = rule.id


def _takes_everybody(rule: Rule) -> bool:
    # Gates and splits leave out who has no unit, even at 100 %.
    return rule.when == Constant(True) and not rule.gates and isinstance(rule.serve, Fixed)


def _needless(old: Flag, new: Flag) -> Iterator[tuple[Kind, str]]:
    for name, (before, after) in _pairs(old, new).items():
        for one, other in zip(before.gates, after.gates, strict=False):
            yield from _rehashed(f"{name}, rollout", one.bucket, other.bucket)
        if isinstance(before.serve, Split) and isinstance(after.serve, Split):
            yield from _rehashed(f"{name}, split", before.serve.bucket, after.serve.bucket)
            yield from _reweighted(name, before.serve, after.serve)


def _pairs(old: Flag, new: Flag) -> Mapping[str, tuple[Rule, Rule]]:
    """The rules of both, by what they are called."""
    known = {rule.id: rule for rule in (*old.rules, Rule(None, old.serve))}
    both = [(known[rule.id], rule) for rule in (*new.rules, Rule(None, new.serve)) if rule.id in known]
    return {"serve" if rule.id is None else f"rule {rule.id}": (before, rule) for before, rule in both}


def _rehashed(name: str, old: Bucket, new: Bucket) -> Iterator[tuple[Kind, str]]:
    if (old.by, old.seed, old.hash) != (new.by, new.seed, new.hash):
        yield "rehashed", f"{name}: another attribute, salt or hash draws everybody anew"


def _reweighted(name: str, old: Split, new: Split) -> Iterator[tuple[Kind, str]]:
    if set(old.variants) == set(new.variants) and old.variants != new.variants:
        yield "reordered", f"{name}: the order of variants is {_list(new)}, it was {_list(old)}"
        return
    must, does = _least_moved(old, new), 1 - _staying(old, new)
    if does > must + LEAST:
        yield "moves", f"{name}: {does:.1%} move, where {must:.1%} would have to"


def _list(split: Split) -> str:
    return ", ".join(str(variant) for variant in split.variants)


def _staying(old: Split, new: Split) -> float:
    """The share of units that keep their variant."""
    return sum(
        _overlap(one, other)
        for variant, one in zip(old.variants, old.ranges, strict=True)
        for same, other in zip(new.variants, new.ranges, strict=True)
        if variant == same
    )


def _overlap(one: Range, other: Range) -> float:
    return max(0.0, min(one[1], other[1]) - max(one[0], other[0]))


def _least_moved(old: Split, new: Split) -> float:
    """The share that has to move, whatever the order: what the variants lose that lose something."""
    before, after = _shares(old), _shares(new)
    return sum(max(0.0, share - after.get(variant, 0.0)) for variant, share in before.items())


def _shares(split: Split) -> Mapping[str | None, float]:
    shares: dict[str | None, float] = {}
    for variant, (start, end) in zip(split.variants, split.ranges, strict=True):
        shares[variant] = shares.get(variant, 0.0) + end - start
    return shares
