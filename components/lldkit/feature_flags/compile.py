"""The fast engine: the model as closures over results that are made beforehand. It decides as `interpret` does.

Conditions are brought into negation normal form: `not` is pushed down to the clauses (De Morgan), and a clause that
makes no sense is then simply false, which is what Kleene's unknown comes to when a rule asks for true. Buckets of
blake2b stay bytes (`digests`).
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar

from lldkit.feature_flags.bucketing import choose
from lldkit.feature_flags.conditions import Test
from lldkit.feature_flags.context import Context
from lldkit.feature_flags.digests import digest_of, edge_of, has_digests
from lldkit.feature_flags.interface import Evaluation, Reason
from lldkit.feature_flags.interpret import computed, evaluation_of, no_unit, satisfying, unusable
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
    Node,
    Not,
    Predicate,
    Range,
    Rule,
    RuleSet,
    Runtime,
    Split,
)
from lldkit.feature_flags.sticky import BLOCKED, keep, recall

__all__ = ["Compiled", "Decide", "Memo", "Outcome"]

R = TypeVar("R")


class Outcome:
    """A result, made once for all. `seen` is set by who hands it out."""

    __slots__ = ("bucket", "evaluation", "satisfies", "seen", "value", "variant")

    def __init__(self, evaluation: Evaluation[Any], decision: Decision) -> None:
        self.evaluation = evaluation
        self.value = evaluation.value
        self.variant = decision.variant
        self.satisfies = decision.satisfies
        self.bucket = decision.bucket
        self.seen = False


Memo: TypeAlias = dict[object, Any]  # what this evaluation has decided: outcomes by key, and nested segments
Check: TypeAlias = Callable[[Context, Memo], bool]
Place: TypeAlias = Callable[[Context], "Outcome | None"]


class Decide(Protocol):
    """A compiled flag."""

    def __call__(self, context: Context, memo: Memo | None = None, /) -> Outcome:
        """What the flag is for a context; with a `memo`, what it needed for that is left in there."""
        ...


class Compiled(dict[str, Decide]):
    """The compiled flags of one version, each made when it is first asked for; unknown keys are not kept.

    Safe for threads: two that ask at once make the same thing twice.
    """

    def __init__(self, rules: RuleSet, runtime: Runtime) -> None:
        super().__init__()
        self.rules = rules
        self.runtime = runtime
        self.segments: dict[tuple[str, bool], Check] = {}  # as they are, and negated
        self.outcomes = list[Outcome]()  # all that these flags can come to, but for errors of expressions

    def __missing__(self, key: str) -> Decide:
        nothing = unusable(self.rules, key)
        if nothing is not None:
            outcome = Outcome(evaluation_of(self.rules, key, nothing), nothing)
            return lambda _context, _memo=None, /: outcome
        made = self[key] = _Compiler(self, self.rules.flags[key]).flag()
        return made


class _Compiler:
    """Compiles one flag."""

    def __init__(self, compiled: Compiled, flag: Flag) -> None:
        self._compiled = compiled
        self._rules = compiled.rules
        self._runtime = compiled.runtime
        self._flag = flag

    def flag(self) -> Decide:
        """The whole flag."""
        flag = self._flag
        if not flag.enabled:
            return _always(self._outcome(Decision(flag.off, Reason.DISABLED)))
        if isinstance(flag.serve, Fixed) and not flag.rules and not flag.prerequisites:
            return _always(self._outcome(Decision(flag.serve.variant, flag.serve.reason)))
        rows = [self._rule(rule) for rule in (*flag.rules, Rule(None, flag.serve))]
        if isinstance(flag.serve, Split) and not flag.serve.bucket.random:
            rows.append(self._who_has_no_unit(flag.serve.bucket))
        *_, last, _ = rows[-1]  # it asks nothing
        if last is None:
            decide = _table(rows, self._outcome(Decision(None, Reason.DEFAULT)))
        else:
            decide = _table(rows[:-1], last)  # it takes everybody who comes so far
        if flag.prerequisites:
            decide = self._after_prerequisites(decide)
        if Node("flag", flag.key) in self._rules.graph:
            return lambda context, memo=None, /: decide(context, {} if memo is None else memo)
        return decide

    def _outcome(self, decision: Decision) -> Outcome:
        outcome = Outcome(evaluation_of(self._rules, self._flag.key, decision), decision)
        self._compiled.outcomes.append(outcome)
        return outcome

    def _after_prerequisites(self, decide: Decide) -> Decide:
        checks = [self._condition(each) for each in self._flag.prerequisites]
        off = self._outcome(Decision(self._flag.off, Reason.PREREQUISITE_FAILED))

        def decide_after(context: Context, memo: Memo | None = None, /) -> Outcome:
            for check in checks:
                if not check(context, memo):  # type: ignore[arg-type]
                    return off
            return decide(context, memo)

        return decide_after

    def _who_has_no_unit(self, bucket: Bucket) -> "_Row":
        """After the last split, which has placed nobody."""
        missing = self._outcome(no_unit(bucket))
        return [], [], None, lambda context: missing if bucket.unit(context) is None else None

    # --- rules ---

    def _rule(self, rule: Rule) -> "_Row":
        conditions = list(rule.when.of if isinstance(rule.when, All) else (rule.when,))
        clauses = list[tuple[str, Test]]()
        while conditions and isinstance(first := conditions[0], Clause) and len(first.attr) == 1 and first.attr != NOW:
            clauses.append((first.attr[0], first.test))
            del conditions[0]
        checks = [self._condition(each) for each in conditions if each != Constant(True)]
        checks += [self._gate(gate) for gate in rule.gates]
        match rule.serve:
            case Fixed(variant, reason):
                return clauses, checks, self._outcome(Decision(variant, reason, rule.id)), _nowhere
            case Computed():
                return clauses, checks, None, self._computed(rule, rule.serve)
            case Split():
                return clauses, checks, None, self._split(rule, rule.serve)

    def _computed(self, rule: Rule, serve: Computed) -> Place:
        now = self._runtime.now
        known = {name: self._outcome(Decision(name, serve.reason, rule.id)) for name in self._flag.variants}

        def place(context: Context) -> Outcome | None:
            chosen = serve.choose(context, now)
            if isinstance(chosen, str) and chosen in known:
                return known[chosen]
            decision = computed(self._flag, rule, chosen, serve.reason)
            return None if decision is None else Outcome(evaluation_of(self._rules, self._flag.key, decision), decision)

        return place

    def _split(self, rule: Rule, split: Split) -> Place:
        outcomes = [
            None if name is None else self._outcome(Decision(name, split.reason, rule.id, bucket=split.bucket))
            for name in split.variants
        ]
        store, sticky = self._runtime.sticky, split.sticky
        if store is None or sticky is None:
            return self._placing(split.bucket, split.ranges, outcomes)
        index = self._placing(split.bucket, split.ranges, range(len(outcomes)))

        def place_and_keep(context: Context) -> Outcome | None:
            unit = split.bucket.unit(context)
            kept = None if unit is None else recall(split, sticky, unit, context, store)
            at = index(context) if kept is None else kept
            if at is None or at == BLOCKED:
                return None
            if unit is not None:
                keep(split, sticky, unit, at, store)
            return outcomes[at]

        return place_and_keep

    # --- buckets ---

    def _gate(self, gate: Gate) -> Check:
        ramp, now, bucket = gate.ramp, self._runtime.now, gate.bucket
        if ramp is None and len(gate.ranges) == 1 and has_digests(bucket, gate.ranges):
            digest, edge = digest_of(bucket), edge_of(gate.ranges[0][1])
            return lambda context, _memo: digest(context) < edge
        if ramp is None:
            inside = self._placing(bucket, gate.ranges, [True] * len(gate.ranges))
            return lambda context, _memo: inside(context) is True
        point = self._point(bucket)

        def check(context: Context, _memo: Memo) -> bool:
            at = point(context)
            return at is not None and at < ramp.at(now().timestamp())

        return check

    def _placing(
        self, bucket: Bucket, ranges: Sequence[Range], results: Sequence[R | None]
    ) -> Callable[[Context], R | None]:
        """The result that stands for the range in which a context falls, None for nowhere."""
        placed = [*results, None]
        if has_digests(bucket, ranges):
            digest, edges = digest_of(bucket), [edge_of(end) for _, end in ranges]
            return lambda context: placed[bisect_right(edges, digest(context))]
        point = self._point(bucket)

        def place(context: Context) -> R | None:
            at = point(context)
            return None if at is None else placed[choose(at, ranges)]

        return place

    def _point(self, bucket: Bucket) -> Callable[[Context], float | None]:
        draw = self._runtime.draw

        def point(context: Context) -> float | None:
            unit = bucket.unit(context)
            if unit is None:
                return draw() if bucket.random else None
            return bucket.point(unit[1])

        return point

    # --- conditions ---

    def _condition(self, condition: Condition, *, negated: bool = False) -> Check:
        check: Check
        match condition:
            case Constant(value):
                check = _never if value in (None, negated) else _ever
            case Clause():
                check = self._clause(condition, negated)
            case All(of) | AnyOf(of):
                parts = [self._condition(each, negated=negated) for each in of]
                check = _every(parts) if isinstance(condition, All) != negated else _some(parts)
            case Not(of):
                check = self._condition(of, negated=not negated)
            case InSegment(name):
                check = self._segment(name, negated)
            case FlagIs():
                check = self._flag_is(condition, negated)
            case Predicate(_, test):
                now = self._runtime.now
                check = lambda context, _memo: bool(test(context, now)) != negated  # noqa: E731
        return check

    def _clause(self, clause: Clause, negated: bool) -> Check:
        test, attr, now = clause.test, clause.attr, self._runtime.now
        if attr == NOW:
            return lambda _context, _memo: test(now().timestamp() * 1000) != negated
        if len(attr) > 1:
            return lambda context, _memo: test(context.find(attr)) != negated
        name = attr[0]
        if negated:
            return lambda context, _memo: not test(context.fields.get(name))
        return lambda context, _memo: test(context.fields.get(name))

    def _segment(self, name: str, negated: bool) -> Check:
        made, place = self._compiled.segments, (name, negated)
        if place not in made:
            made[place] = self._made_segment(name, negated)
        return made[place]

    def _made_segment(self, name: str, negated: bool) -> Check:
        if name not in self._rules.segments:
            return _never
        check = self._condition(self._rules.segments[name], negated=negated)
        if not self._rules.graph.get(Node("segment", name)):
            return check
        place = (name, negated)

        def check_once(context: Context, memo: Memo) -> bool:
            if place not in memo:
                memo[place] = check(context, memo)
            return bool(memo[place])

        return check_once

    def _flag_is(self, condition: FlagIs, negated: bool) -> Check:
        key, compiled = condition.flag, self._compiled
        if key not in self._rules.flags:
            return _never
        wanted = satisfying(condition, self._rules.flags[key])

        def check(context: Context, memo: Memo) -> bool:
            outcome = memo.get(key)
            if outcome is None:
                outcome = memo[key] = compiled[key](context, memo)
            return (outcome.satisfies and outcome.variant in wanted) != negated

        return check


# --- closures --------------------------------------------------------------------------------------------------------

_Row: TypeAlias = tuple[list[tuple[str, Test]], list[Check], Outcome | None, Place]
"""A rule: the clauses on attributes that it begins with, what else it asks, and what it serves."""


def _always(outcome: Outcome) -> Decide:
    return lambda _context, _memo=None, /: outcome


def _nowhere(_context: Context) -> None:
    return None


def _table(rows: Sequence[_Row], last: Outcome) -> Decide:
    """The first row of which everything holds, and which serves something."""

    def decide(context: Context, memo: Memo | None = None, /) -> Outcome:
        fields = context.fields
        for clauses, checks, outcome, place in rows:
            for name, test in clauses:  # one call each, where a check would be two
                if not test(fields.get(name)):
                    break
            else:
                for check in checks:
                    if not check(context, memo):  # type: ignore[arg-type]
                        break
                else:
                    found = place(context) if outcome is None else outcome
                    if found is not None:
                        return found
        return last

    return decide


def _ever(_context: Context, _memo: Memo) -> bool:
    return True


def _never(_context: Context, _memo: Memo) -> bool:
    return False


def _every(checks: Sequence[Check]) -> Check:
    def check(context: Context, memo: Memo) -> bool:
        for each in checks:  # noqa: SIM110 - all() would make a generator for each evaluation
            if not each(context, memo):
                return False
        return True

    return check


def _some(checks: Sequence[Check]) -> Check:
    def check(context: Context, memo: Memo) -> bool:
        for each in checks:  # noqa: SIM110
            if each(context, memo):
                return True
        return False

    return check
