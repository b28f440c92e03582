"""The readable engine: walks the model, and notes what it saw. Read it first; `compile` is the same, faster.

A condition is true, false or None. None is a clause that makes no sense: `all` and `any` and `not` treat it as Kleene's
unknown, and a rule asks for true, so that such a clause never lets anybody in, not even under `not`.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from lldkit.feature_flags.context import Context
from lldkit.feature_flags.interface import ErrorCode, Evaluation, Reason, Step
from lldkit.feature_flags.model import (
    NOW,
    All,
    AnyOf,
    Bucket,
    Clause,
    Computed,
    Condition,
    Constant,
    Decision,
    Fixed,
    Flag,
    FlagIs,
    Gate,
    InSegment,
    Not,
    Predicate,
    Range,
    Rule,
    RuleSet,
    Runtime,
    Serve,
    Split,
)
from lldkit.feature_flags.sticky import BLOCKED, keep, recall

__all__ = ["computed", "evaluation_of", "failed", "holds", "interpret", "no_unit", "satisfying", "unusable"]

Explained: TypeAlias = tuple[Decision, tuple[Step, ...]]


def interpret(rules: RuleSet, key: str, context: Context, runtime: Runtime) -> Explained:
    """What the flag `key` is for `context`, and the steps that led there. Whatever user code raises is an ERROR."""
    try:
        return _Walk(rules, context, runtime).flag(key)
    except Exception as error:  # noqa: BLE001 - an evaluation raises nothing
        return failed(error), ()


def holds(condition: Condition, context: Context) -> bool:
    """Whether a condition on nothing but attributes holds."""
    return _Walk(_NO_RULES, context, _NO_RUNTIME)._condition(condition)[0] is True  # noqa: SLF001


def evaluation_of(rules: RuleSet, key: str, decision: Decision, default: Any = None) -> Evaluation[Any]:
    """A decision as it is told; `default` is the value where it names no variant."""
    flag = rules.flags.get(key)
    value = flag.variants[decision.variant] if flag is not None and decision.variant is not None else default
    metadata = {} if flag is None else flag.metadata
    _, reason, rule, code, message, _ = decision
    return Evaluation(key, value, decision.variant, reason, rule, rules.version, metadata, code, message)


# --- decisions that both engines make alike --------------------------------------------------------------------------


def unusable(rules: RuleSet, key: str) -> Decision | None:
    """Why there is no flag to evaluate, if there is none."""
    if not rules.version:
        return Decision(None, Reason.ERROR, None, ErrorCode.PROVIDER_NOT_READY, "no document was loaded yet")
    if key in rules.broken:
        return Decision(None, Reason.ERROR, None, ErrorCode.PARSE_ERROR, rules.broken[key])
    if key not in rules.flags:
        return Decision(None, Reason.ERROR, None, ErrorCode.FLAG_NOT_FOUND, f"there is no flag {key!r}")
    return None


def failed(error: Exception) -> Decision:
    """User code has raised; its text stays out, because it may quote what the context holds."""
    return Decision(None, Reason.ERROR, None, ErrorCode.GENERAL, f"{type(error).__name__} during the evaluation")


def no_unit(bucket: Bucket) -> Decision:
    """The last split of a flag has nobody to place."""
    return Decision(None, Reason.ERROR, None, ErrorCode.TARGETING_KEY_MISSING, f"there is no {_names(bucket)}")


def computed(flag: Flag, rule: Rule, chosen: object, reason: Reason) -> Decision | None:
    """What an expression's result means: a variant, None for nothing, else an error."""
    if chosen is None:
        return None
    if isinstance(chosen, str) and chosen in flag.variants:
        return Decision(chosen, reason, rule.id)
    message = f"the expression gave {chosen!r:.100}, which is no variant"
    return Decision(None, Reason.ERROR, rule.id, ErrorCode.GENERAL, message)


def satisfying(condition: FlagIs, flag: Flag) -> frozenset[str | None]:
    """The variants of `flag` that satisfy a condition on it; None is the caller's default."""
    accepts = condition.accepts
    if accepts is None:
        return condition.variants
    return frozenset(name for name in (None, *flag.variants) if accepts(None if name is None else flag.variants[name]))


# --- the walk --------------------------------------------------------------------------------------------------------


class _Walk:
    """One evaluation; each flag and each segment in it is decided once."""

    def __init__(self, rules: RuleSet, context: Context, runtime: Runtime) -> None:
        self._rules = rules
        self._context = context
        self._runtime = runtime
        self._decided: dict[str, Explained] = {}
        self._segments: dict[str, tuple[bool | None, Step]] = {}

    def flag(self, key: str) -> Explained:
        """Decide a flag."""
        if key not in self._decided:
            nothing = unusable(self._rules, key)
            self._decided[key] = (nothing, ()) if nothing else self._decide(self._rules.flags[key])
        return self._decided[key]

    def _decide(self, flag: Flag) -> Explained:
        if not flag.enabled:
            return Decision(flag.off, Reason.DISABLED), (Step("enabled", "no"),)
        steps = []
        for needed in flag.prerequisites:
            holds, step = self._condition(needed)
            steps.append(Step("prerequisite", _word(holds), (step,)))
            if not holds:
                return Decision(flag.off, Reason.PREREQUISITE_FAILED), tuple(steps)
        for rule in (*flag.rules, Rule(None, flag.serve)):
            decision, step = self._rule(flag, rule)
            steps.append(step)
            if decision is not None:
                return decision, tuple(steps)
        last = flag.serve
        if isinstance(last, Split) and last.bucket.unit(self._context) is None and not last.bucket.random:
            return no_unit(last.bucket), tuple(steps)
        return Decision(None, Reason.DEFAULT), tuple(steps)

    def _rule(self, flag: Flag, rule: Rule) -> tuple[Decision | None, Step]:
        parts, decision = list[Step](), None
        name = "serve" if rule.id is None else f"rule {rule.id}"
        holds, step = self._condition(rule.when)
        if rule.when != Constant(True):
            parts.append(step)
        for gate in rule.gates if holds else ():
            holds, step = self._gate(gate)
            parts.append(step)
            if not holds:
                break
        if holds:
            decision, step = self._serve(flag, rule, rule.serve)
            parts.append(step)
        told = "no match" if decision is None else decision.variant or "the caller's default"
        return decision, Step(name, told, tuple(parts))

    def _serve(self, flag: Flag, rule: Rule, serve: Serve) -> tuple[Decision | None, Step]:
        match serve:
            case Fixed(variant, reason):
                return Decision(variant, reason, rule.id), Step("serves", variant or "the caller's default")
            case Computed(text, choose, reason):
                chosen = choose(self._context, self._runtime.now)
                return computed(flag, rule, chosen, reason), Step(text, f"{chosen!r:.100}")
            case Split():
                place, step = self._split(serve)
                if place is None or serve.variants[place] is None:
                    return None, step
                return Decision(serve.variants[place], serve.reason, rule.id, bucket=serve.bucket), step

    # --- buckets ---

    def _gate(self, gate: Gate) -> tuple[bool, Step]:
        unit = gate.bucket.unit(self._context)
        ranges = gate.ranges
        if gate.ramp is not None:
            ranges = ((0.0, gate.ramp.at(self._runtime.now().timestamp())),)
        if unit is None and not gate.bucket.random:
            return False, _missing("rollout", gate.bucket)
        point = self._point(gate.bucket, unit)
        inside = any(low <= point < high for low, high in ranges)
        return inside, Step(f"rollout by {_named(gate.bucket, unit)}", f"{_placed(point, ranges)}, {_word(inside)}")

    def _split(self, split: Split) -> tuple[int | None, Step]:
        """The place of the variant for the context, if there is one."""
        unit, sticky, store = split.bucket.unit(self._context), split.sticky, self._runtime.sticky
        if unit is None and not split.bucket.random:
            return None, _missing("split", split.bucket)
        text = f"split by {_named(split.bucket, unit)}"
        if sticky is not None and store is not None and unit is not None:
            kept = recall(split, sticky, unit, self._context, store)
            if kept == BLOCKED:
                return None, Step(text, "blocked by an assignment of an older version")
        else:
            kept = None
        point = self._point(split.bucket, unit)
        place = kept
        if place is None:
            place = next((at for at, (low, high) in enumerate(split.ranges) if low <= point < high), None)
        if place is not None and sticky is not None and store is not None and unit is not None:
            keep(split, sticky, unit, place, store)
        variant = "no variant" if place is None else split.variants[place] or "goes on"
        how = _placed(point, split.ranges if place is None else split.ranges[place : place + 1])
        return place, Step(text, f"{'kept' if kept is not None else how} -> {variant}")

    def _point(self, bucket: Bucket, unit: tuple[str, str] | None) -> float:
        return self._runtime.draw() if unit is None else bucket.point(unit[1])

    # --- conditions ---

    def _condition(self, condition: Condition) -> tuple[bool | None, Step]:
        match condition:
            case Constant(value, why):
                answer = value, Step(why or "always", _word(value))
            case Clause():
                answer = self._clause(condition)
            case All(of):
                answer = self._first("all of", of, stop=False)
            case AnyOf(of):
                answer = self._first("any of", of, stop=True)
            case Not(of):
                inner, step = self._condition(of)
                result = None if inner is None else not inner
                answer = result, Step("not", _word(result), (step,))
            case InSegment(name):
                answer = self._segment(name)
            case FlagIs():
                answer = self._flag_is(condition)
            case Predicate(text, test):
                holds = bool(test(self._context, self._runtime.now))
                answer = holds, Step(text, _word(holds))
        return answer

    def _clause(self, clause: Clause) -> tuple[bool | None, Step]:
        seen = self._runtime.now().timestamp() * 1000 if clause.attr == NOW else self._context.find(clause.attr)
        holds = clause.test(seen)
        found = "missing" if seen is None else repr(seen)
        return holds, Step(
            f"{'.'.join(clause.attr)} {clause.op} {_shown(clause.value)}", f"{_word(holds)}, saw {found:.100}"
        )

    def _first(self, text: str, of: Sequence[Condition], *, stop: bool) -> tuple[bool | None, Step]:
        """The first that is `stop` decides; else None if one makes no sense; else the opposite of `stop`."""
        parts, result = list[Step](), not stop
        answer: bool | None = result
        for each in of:
            holds, step = self._condition(each)
            parts.append(step)
            if holds is stop:
                answer = stop
                break
            if holds is None:
                answer = None
        return answer, Step(text, _word(answer), tuple(parts))

    def _segment(self, name: str) -> tuple[bool | None, Step]:
        if name not in self._rules.segments:
            return None, Step(f"segment {name}", "no, there is no such segment")
        if name not in self._segments:
            holds, step = self._condition(self._rules.segments[name])
            self._segments[name] = holds, Step(f"segment {name}", _word(holds), (step,))
        return self._segments[name]

    def _flag_is(self, condition: FlagIs) -> tuple[bool | None, Step]:
        key = condition.flag
        decision, parts = self.flag(key)
        if key not in self._rules.flags:
            return None, Step(f"flag {key}", "no, there is no such flag", parts)
        holds = decision.satisfies and decision.variant in satisfying(condition, self._rules.flags[key])
        told = f"{_word(holds)}, it is {decision.variant or 'without a variant'} ({decision.reason})"
        return holds, Step(f"flag {key} is {_shown(tuple(sorted(condition.variants)))}", told, parts)


_NO_RULES = RuleSet({}, {}, {}, {}, (), {}, {}, 0)
_NO_RUNTIME = Runtime(lambda: datetime.fromtimestamp(0, UTC), lambda: 0.0)


# --- words -----------------------------------------------------------------------------------------------------------


def _word(holds: bool | None) -> str:
    return "makes no sense" if holds is None else "yes" if holds else "no"


def _names(bucket: Bucket) -> str:
    return " or ".join(".".join(path) for path in bucket.by)


def _named(bucket: Bucket, unit: tuple[str, str] | None) -> str:
    return "chance" if unit is None else f"{unit[0]} ({bucket.hash})"


def _missing(what: str, bucket: Bucket) -> Step:
    return Step(what, f"{ErrorCode.TARGETING_KEY_MISSING}, there is no {_names(bucket)}")


def _placed(point: float, ranges: Iterable[Range]) -> str:
    spans = " or ".join(f"{low:.4f} to {high:.4f}" for low, high in ranges)
    return f"bucket {point:.4f} of {spans or 'nothing'}"


def _shown(value: Any) -> str:
    """A value of a clause, shortened when it is long."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value[:5]))}{', ...' if len(value) > 5 else ''}]"
    return "" if value is None else f"{value!s:.80}"
