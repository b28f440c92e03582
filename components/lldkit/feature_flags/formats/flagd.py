"""flagd: flags whose targeting is JSONLogic with a few more operators, as OpenFeature's own daemon reads them.

An expression's result names the variant, true and false being "true" and "false"; null is the default variant. In the
context `targetingKey` is the targeting key, and `$flagd` has `flagKey` and `timestamp`, in seconds.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import accumulate, pairwise
from operator import eq, ge, gt, le, lt, ne
from types import MappingProxyType
from typing import Any

from lldkit.feature_flags.bucketing import choose, murmur3_32
from lldkit.feature_flags.context import Context
from lldkit.feature_flags.expression import Expression, Operator, compile_expression, lookup
from lldkit.feature_flags.formats.shared import by_field
from lldkit.feature_flags.interface import FlagProblem, Reason
from lldkit.feature_flags.model import Computed, Fixed, Flag, Loaded, Now, Rule
from lldkit.feature_flags.parse import TYPES, metadata_of, read_each, rejected
from lldkit.feature_flags.parse_condition import Found, Malformed, mapping
from lldkit.feature_flags.semver import compare, release

__all__ = ["FLAGD", "Flagd"]

DEEPEST = 64
MOST_PARTS = 10_000
MOST_WEIGHT = 2**31 - 1


class Flagd:
    """The format of flagd's flag definitions; `flags` is an object, or a list whose members have a `key`."""

    name = "flagd"

    def load(
        self,
        document: Mapping[str, object],
        previous: Mapping[str, Flag] = MappingProxyType({}),  # noqa: ARG002 - all is read again
    ) -> Loaded:
        """Read a document; see `Format`."""
        problems = list[FlagProblem]()
        try:
            flags = document.get("flags")
            if isinstance(flags, list | tuple):
                bodies: Mapping[str, Any] = by_field("key", flags, problems)
            else:
                bodies = mapping(flags, ("flags",))
            evaluators = mapping(document.get("$evaluators", {}), ("$evaluators",))
            metadata = metadata_of(document.get("metadata"), ("metadata",))
        except Malformed as bad:
            return rejected(bad)
        read = read_each(bodies, "", partial(_flag, evaluators=evaluators), problems)
        return Loaded(read, metadata=metadata, problems=tuple(problems))


FLAGD = Flagd()
"""The format of flagd's documents."""


def _flag(key: str, body: Any, _found: Found, evaluators: Mapping[str, Any]) -> Flag:
    body = mapping(body, ())
    variants = mapping(body.get("variants"), ("variants",))
    kind = next((name for name, fits in TYPES.items() if all(map(fits, variants.values()))), None)
    if not variants or kind is None:
        raise Malformed(("variants",), "must be values of one type, and at least one")
    state, default, targeting = body.get("state"), body.get("defaultVariant"), body.get("targeting")
    if not isinstance(state, str) or state not in {"ENABLED", "DISABLED"}:
        raise Malformed(("state",), f"must be ENABLED or DISABLED, got {state!r:.100}")
    if default is not None and (not isinstance(default, str) or default not in variants):
        raise Malformed(("defaultVariant",), f"must be one of {', '.join(variants)}, got {default!r:.100}")
    rules = (Rule("targeting", _targeting(key, targeting, evaluators)),) if targeting else ()
    return Flag(
        key,
        kind,  # type: ignore[arg-type] # the keys of TYPES are the types
        variants,
        Fixed(default, Reason.STATIC if default is not None and not rules else Reason.DEFAULT),
        state == "ENABLED",
        rules=rules,
        metadata=metadata_of(body.get("metadata"), ("metadata",)),
        source=repr((body, evaluators if rules else ())),
    )


# --- targeting -------------------------------------------------------------------------------------------------------


def _targeting(key: str, logic: Any, evaluators: Mapping[str, Any]) -> Computed:
    operators: dict[str, Operator] = {**OPERATORS, "fractional": partial(_fractional, key)}
    try:
        evaluate = compile_expression(_Resolver(evaluators).resolve(logic), operators)
    except ValueError as error:
        raise Malformed(("targeting",), str(error)) from None
    return Computed(f"targeting {logic!r:.60}", partial(_variant, key, evaluate))


class _Resolver:
    """Puts in the place of each `{"$ref": name}` what it stands for; ValueError where that leads nowhere."""

    def __init__(self, evaluators: Mapping[str, Any]) -> None:
        self._evaluators = evaluators
        self._parts = 0

    def resolve(self, logic: Any, depth: int = 0) -> Any:
        self._parts += 1
        if depth > DEEPEST or self._parts > MOST_PARTS:  # references may double what they stand for, again and again
            raise ValueError(f"an expression has at most {MOST_PARTS} parts, {DEEPEST} deep")
        if isinstance(logic, list | tuple):
            return [self.resolve(each, depth + 1) for each in logic]
        if not isinstance(logic, Mapping):
            return logic
        if logic.keys() != {"$ref"}:
            return {name: self.resolve(each, depth + 1) for name, each in logic.items()}
        name = str(logic["$ref"])
        if name not in self._evaluators:
            raise ValueError(f"there is no evaluator {name!r:.100}")
        return self.resolve(self._evaluators[name], depth + 1)


def _variant(key: str, evaluate: Expression, context: Context, now: Now) -> Any:
    surroundings = {"flagKey": key, "timestamp": int(now().timestamp())}
    result = evaluate({**context.attributes, "targetingKey": context.targeting_key, "$flagd": surroundings})
    return str(result).lower() if isinstance(result, bool) else result


# --- operators; whatever they cannot work with makes them null --------------------------------------------------------


def _fractional(flag: str, arguments: Sequence[Any], data: Any) -> Any:
    """The variant in whose share a text falls: the first argument, else the flag's key with the targeting key."""
    if arguments and isinstance(arguments[0], str):
        unit, buckets = arguments[0], arguments[1:]
    else:
        targeting_key = lookup(data, "targetingKey")
        if not isinstance(targeting_key, str):
            return None
        unit, buckets = flag + targeting_key, arguments
    pairs = [(*bucket, 1)[:2] if isinstance(bucket, list | tuple) and bucket else (None, None) for bucket in buckets]
    weights = [weight for _, weight in pairs]
    if not all(type(weight) is int and weight >= 0 for weight in weights) or sum(weights) > MOST_WEIGHT:
        return None
    point = murmur3_32(unit.encode("utf-8", "surrogatepass")) * sum(weights) >> 32
    place = choose(point, list(pairwise(accumulate(weights, initial=0))))
    return None if place < 0 else pairs[place][0]


def _sem_ver(arguments: Sequence[Any], _data: Any) -> bool | None:
    """Two versions and a comparison between them; `^` asks for the same major, `~` for the same minor version too."""
    if len(arguments) != 3 or not isinstance(arguments[1], str):
        return None
    left, sign, right = _version(arguments[0]), arguments[1], _version(arguments[2])
    try:
        if sign in _LIKE:
            parts = _LIKE[sign]
            return release(left, dialect="loose")[:parts] == release(right, dialect="loose")[:parts]
        return _COMPARISONS[sign](compare(left, right, dialect="loose"), 0)
    except (KeyError, ValueError):
        return None


_LIKE = {"^": 1, "~": 2}
_COMPARISONS: Mapping[str, Callable[[int, int], bool]] = {"=": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}


def _version(value: Any) -> str:
    return str(value) if type(value) in {str, int, float} else ""


def _of_two_texts(holds: Callable[[str, str], bool]) -> Operator:
    def operator(arguments: Sequence[Any], _data: Any) -> bool | None:
        texts = len(arguments) == 2 and all(isinstance(each, str) for each in arguments)
        return holds(arguments[0], arguments[1]) if texts else None

    return operator


OPERATORS: Mapping[str, Operator] = {
    "sem_ver": _sem_ver,
    "starts_with": _of_two_texts(str.startswith),
    "ends_with": _of_two_texts(str.endswith),
}
