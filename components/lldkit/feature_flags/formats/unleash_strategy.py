"""Unleash's strategies: whom each of them lets in, by constraints, segments, lists and rollouts."""

import ipaddress
from collections.abc import Mapping
from typing import Any, NamedTuple

from lldkit.feature_flags.bucketing import seeded
from lldkit.feature_flags.conditions import operator
from lldkit.feature_flags.formats.shared import together
from lldkit.feature_flags.interface import Reason
from lldkit.feature_flags.model import (
    NOW,
    All,
    AnyOf,
    Bucket,
    Clause,
    Condition,
    Constant,
    Dialect,
    Gate,
    InSegment,
    Not,
    Path,
)
from lldkit.feature_flags.parse_condition import Found, Malformed, Where, list_of, mapping

__all__ = ["Strategy", "attribute", "bucket", "clause", "constraints"]

DIALECT = Dialect(dates="iso8601", coercion="text")
USER_ID: Path = ("targeting_key",)
TIME: Path = ("currentTime",)

OPERATORS = {
    "IN": "in",
    "STR_STARTS_WITH": "starts_with",
    "STR_ENDS_WITH": "ends_with",
    "STR_CONTAINS": "contains",
    "NUM_EQ": "eq",
    "NUM_GT": "gt",
    "NUM_GTE": "gte",
    "NUM_LT": "lt",
    "NUM_LTE": "lte",
    "DATE_AFTER": "after",
    "DATE_BEFORE": "before",
    "SEMVER_EQ": "semver_eq",
    "SEMVER_GT": "semver_gt",
    "SEMVER_LT": "semver_lt",
    "REGEX": "matches",
}
GRADUAL = {
    "gradualRolloutUserId": "userId",
    "gradualRolloutSessionId": "sessionId",
    "gradualRolloutRandom": "random",
}
OF_LISTS = {"IN", "STR_STARTS_WITH", "STR_ENDS_WITH", "STR_CONTAINS"}


class Strategy(NamedTuple):
    """Whom one strategy of a toggle lets in."""

    id: str
    when: Condition
    gates: tuple[Gate, ...]
    group: str

    @property
    def reason(self) -> Reason:
        """Why somebody is in."""
        if self.gates:
            return Reason.SPLIT
        return Reason.STATIC if self.when == Constant(True) else Reason.TARGETING_MATCH

    @classmethod
    def read(cls, toggle: str, body: Mapping[str, Any], at: int, found: Found) -> "Strategy":
        """The strategy at a place in the list of those of `toggle`."""
        where = ("strategies", at)
        name, parameters = str(body.get("name")), mapping(body.get("parameters") or {}, (*where, "parameters"))
        group = str(parameters.get("groupId") or toggle)
        conditions = constraints(body, where, found)
        conditions += [InSegment(str(each)) for each in list_of(body.get("segments") or (), where)]
        gates: tuple[Gate, ...] = ()
        match name:
            case "default":
                pass
            case "userWithId":
                conditions.append(clause(USER_ID, "IN", _texts(parameters.get("userIds"))))
            case "remoteAddress":
                networks = [each for each in _texts(parameters.get("IPs")) if _is_network(each, where, found)]
                conditions.append(Clause(("remoteAddress",), "cidr", networks, operator("cidr", networks)))
            case "flexibleRollout":
                by = parameters.get("stickiness") or "default"
                gates = (_gate(by, group, parameters.get("rollout"), (*where, "parameters", "rollout")),)
            case _ if name in GRADUAL:
                percentage = parameters.get("percentage")
                gates = (_gate(GRADUAL[name], group, percentage, (*where, "parameters", "percentage")),)
            case _:
                found.append((where, f"there is no strategy {name!r}; nobody comes in through it"))
                conditions.append(Constant(None, f"no strategy {name}"))
        return cls(f"{name} {at}", together(conditions), gates, group)


def _texts(joined: Any) -> list[str]:
    return [text.strip() for text in str(joined or "").split(",") if text.strip()]


def _is_network(text: str, where: Where, found: Found) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        found.append((where, f"{text!r} is no address and no network; it is passed over"))
        return False
    return True


def _gate(stickiness: Any, group: str, given: Any, where: Where) -> Gate:
    try:
        percent = float(given)
    except (TypeError, ValueError, OverflowError):
        percent = -1.0
    if not 0 <= percent <= 100:
        raise Malformed(where, f"must be a number from 0 to 100, got {given!r:.100}")
    return Gate(bucket(stickiness, group, "murmur3/100/0", where), ((0.0, percent / 100),))


def bucket(stickiness: Any, group: str, hasher: str, where: Where, *, random: bool = False) -> Bucket:
    """By what somebody is placed; `default` is what there is of user and session, else chance."""
    by: tuple[Path, ...] = (attribute(stickiness, where),)
    if stickiness in {"default", "random"}:
        by, random = (USER_ID, ("sessionId",)) if stickiness == "default" else (), True
    return Bucket(by, group, hasher, seeded(hasher, group), random)


# --- constraints -----------------------------------------------------------------------------------------------------


def constraints(body: Mapping[str, Any], where: Where, found: Found) -> list[Condition]:
    """The constraints of a strategy or a segment, all of which are to hold."""
    bodies = list_of(body.get("constraints") or (), (*where, "constraints"))
    return [_constraint(each, (*where, "constraints", at), found) for at, each in enumerate(bodies)]


def _constraint(body: Any, where: Where, found: Found) -> Condition:
    given = str(mapping(body, where).get("operator"))
    name, inverted = ("IN", True) if given == "NOT_IN" else (given, False)
    if name not in OPERATORS:
        found.append((where, f"there is no operator {name!r}; nobody comes in through it"))
        return Constant(None, f"no operator {name}")
    path, value = attribute(body.get("contextName"), where), body.get("values" if name in OF_LISTS else "value", ())
    try:
        condition = clause(path, name, value, ignore_case=body.get("caseInsensitive") is True)
    except (TypeError, ValueError) as error:
        found.append((where, f"{name} {error}; nobody comes in through it"))
        return Constant(None, f"{name} {error}")
    return Not(condition) if inverted != (body.get("inverted") is True) else condition


def attribute(name: Any, where: Where) -> Path:
    """Where a field of Unleash's context is in ours."""
    if not isinstance(name, str):
        raise Malformed(where, f"must name a field of the context, got {name!r:.100}")
    return USER_ID if name == "userId" else (name,)


def clause(path: Path, name: str, value: Any, *, ignore_case: bool = False) -> Condition:
    """A clause in Unleash's dialect; on `currentTime` also one on the time of the evaluation, for contexts without."""
    if name == "NUM_EQ":  # one number may be written in several ways
        return All((clause(path, "NUM_GTE", value), clause(path, "NUM_LTE", value)))
    test = operator(OPERATORS[name], value, DIALECT, ignore_case=ignore_case)
    made = Clause(path, f"{name} (any case)" if ignore_case else name, value, test)
    if path != TIME:
        return made
    missing = Clause(TIME, "exists", False, operator("exists", False))
    return AnyOf((made, All((missing, Clause(NOW, made.op, value, test)))))
