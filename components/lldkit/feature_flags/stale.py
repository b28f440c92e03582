"""Flags that could go: never evaluated, always the same, decided for all, expired, or gone while code still asks."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from lldkit.feature_flags.model import Constant, Fixed, Flag, Gate, RuleSet
from lldkit.feature_flags.usage import FlagUse

__all__ = ["StaleFlag", "call_sites", "find_stale", "settled"]

GETTERS = frozenset({"boolean", "string", "integer", "float", "object", "details", "explain"})


@dataclass(frozen=True, slots=True)
class StaleFlag:
    """A flag to look at; `call_sites` are places in the code, as `file:line`.

    `unused`: not evaluated for so long. `constant`: evaluated, but always to one variant. `settled`: 0 % or 100 % for
    all, and unchanged for so long. `expired`: past its date. `missing`: code asks for it, and it is not there.
    """

    key: str
    kind: Literal["unused", "constant", "settled", "expired", "missing"]
    message: str
    call_sites: tuple[str, ...] = ()


def find_stale(
    rules: RuleSet,
    uses: Mapping[str, FlagUse],
    now: datetime,
    unused_for: timedelta,
    source_root: Path | None = None,
) -> Sequence[StaleFlag]:
    """What there is to tidy up. Nothing is said of the use of a flag that is known for less than `unused_for`."""
    sites = {} if source_root is None else call_sites(source_root)
    found = [
        StaleFlag(key, kind, message, sites.get(key, ()))
        for key, flag in rules.flags.items()
        for kind, message in _reasons(flag, uses.get(key), now, unused_for)
    ]
    missing = sorted(sites.keys() - rules.flags.keys())
    return [*found, *(StaleFlag(key, "missing", "code asks for it", sites[key]) for key in missing)]


_Kind = Literal["unused", "constant", "settled", "expired"]


def _reasons(flag: Flag, use: FlagUse | None, now: datetime, span: timedelta) -> Iterator[tuple[_Kind, str]]:
    if flag.expires is not None and flag.expires <= now:
        yield "expired", f"since {flag.expires.date()}"
    if use is not None and now - use.since >= span:
        recent = [name for name, at in use.served.items() if now - at < span]
        if not recent:
            yield "unused", f"not evaluated for {span.days} days"
        elif len(recent) == 1 and len(flag.variants) > 1:
            yield "constant", f"always {recent[0] or 'the default of the caller'} for {span.days} days"
    unchanged = use is None or now - use.changed_at >= span
    if unchanged and (variant := settled(flag)) is not None:
        yield "settled", f"{variant} for all"


def settled(flag: Flag) -> str | None:
    """The variant that everybody gets, whoever they are; None if it depends."""
    if not flag.enabled:
        return flag.off
    if flag.prerequisites or len(flag.variants) == 1:
        return None
    for rule in flag.rules:
        shares = [_share(gate) for gate in rule.gates]
        if rule.when == Constant(False) or 0 in shares:
            continue  # nobody comes in
        everybody = rule.when == Constant(True) and all(share == 1 for share in shares)
        return rule.serve.variant if everybody and isinstance(rule.serve, Fixed) else None
    return flag.serve.variant if isinstance(flag.serve, Fixed) else None


def _share(gate: Gate) -> float | None:
    """The share that a gate lets through for ever; None for one that moves."""
    return None if gate.ramp else sum(end - start for start, end in gate.ranges)


def call_sites(root: Path) -> Mapping[str, tuple[str, ...]]:
    """Where Python files below `root` ask for a flag by a literal key: `flags.boolean("key", ...)` and its kin.

    Files that cannot be parsed are passed over. Without types nobody knows what the object is; so other objects with
    such methods may be among them.
    """
    found: dict[str, list[str]] = {}
    for path in sorted(root.rglob("*.py")):
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, SyntaxError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in GETTERS:
                key = node.args[0] if node.args else None
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    found.setdefault(key.value, []).append(f"{path.relative_to(root)}:{node.lineno}")
    return {key: tuple(sites) for key, sites in found.items()}
