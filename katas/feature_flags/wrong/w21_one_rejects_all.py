"""A version is an object that never changes; an update puts another one in its place."""

import copy
import hashlib
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from interface import Document, User, Value, Why

NOTHING = object()  # what a flag serves that serves nothing
UNSATISFYING = {"unknown", "cycle", "disabled", "requires"}

Decision = tuple[Any, Why]  # what is served, and why


def kind(value: object) -> str:
    """What values are compared by, beside their value."""
    return "number" if type(value) in {int, float} else type(value).__name__


def among(value: object, values: list[Any]) -> bool:
    """Whether `value` is one of `values`."""
    return any(kind(value) == kind(each) and value == each for each in values)


OPERATORS = {
    "in": among,
    "not_in": lambda value, values: not among(value, values),
    "gte": lambda value, limit: kind(value) == "number" and value >= limit,
    "lt": lambda value, limit: kind(value) == "number" and value < limit,
}


def point(seed: str, unit: str) -> float:
    """A number in [0, 1) that depends on nothing but the two texts."""
    digest = hashlib.sha256(f"{len(seed)}/{seed}/{unit}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def takes(rule: dict[str, Any], salt: str, user: User) -> bool:
    """Whether the rule takes a user for whom its conditions hold."""
    return "percent" not in rule or ("id" in user and point(salt + "/percent", user["id"]) < rule["percent"] / 100)


def served(part: dict[str, Any], salt: str, user: User) -> Any:
    """What a rule, or the flag itself, serves to a user whom it takes."""
    if "split" not in part:
        return part.get("serve", NOTHING)
    return choose(part["split"], point(salt + "/split", user["id"])) if "id" in user else NOTHING


def choose(split: list[Any], at: float) -> Any:
    """The value whose share of the range [0, 1) has the point in it."""
    left = at * sum(weight for _, weight in split)
    for value, weight in split:
        left -= weight
        if left < 0:
            break
    return value


def reachable(flags: dict[str, Any], start: str) -> set[str]:
    """All that `start` requires, directly or through others."""
    found: set[str] = set()
    todo = [start]
    while todo:
        new = {key for key, _ in flags.get(todo.pop(), {}).get("requires", ())} - found
        found |= new
        todo += new
    return found


def well_formed(flag: Any) -> bool:
    """Whether a definition can take effect."""
    return (
        isinstance(flag, dict)
        and type(flag.get("enabled")) is bool
        and fair_split(flag)
        and all(fair_split(rule) and right_percent(rule) and known_operators(rule) for rule in flag.get("rules", ()))
    )


def fair_split(part: dict[str, Any]) -> bool:
    """Whether the weights, if there are any, share something out."""
    weights = [weight for _, weight in part.get("split", ())]
    return "split" not in part or (any(weights) and all(weight >= 0 for weight in weights))


def right_percent(rule: dict[str, Any]) -> bool:
    """Whether the percent, if there is one, is a number that a percent can be."""
    return "percent" not in rule or (kind(rule["percent"]) == "number" and 0 <= rule["percent"] <= 100)


def known_operators(rule: dict[str, Any]) -> bool:
    """Whether all conditions can be judged."""
    return all(operator in {"segment", *OPERATORS} for operator, *_ in rule.get("when", ()))


class Version:
    """One document, read once and never changed."""

    def __init__(self, number: int, document: Document) -> None:
        if not isinstance(document, dict) or not isinstance(document.get("flags"), dict):
            raise ValueError(f"a document is a dict with a dict of flags, got {document!r}")
        if not all(map(well_formed, document["flags"].values())):
            raise ValueError("a flag is malformed")
        flags, self._segments = copy.deepcopy((document["flags"], document.get("segments", {})))
        self.number, self.flags = number, flags
        self._on_cycle = {key for key in self.flags if key in reachable(self.flags, key)}

    def decide(self, key: str, user: User) -> Decision:
        """What the flag serves to the user, and why."""
        return self._decided(key, user, {})

    def _decided(self, key: str, user: User, known: dict[str, Decision]) -> Decision:
        """The decision of this question for the flag, made once."""
        if key not in known:
            known[key] = self._decide(key, user, known)
        return known[key]

    def _decide(self, key: str, user: User, known: dict[str, Decision]) -> Decision:
        flag = self.flags.get(key)
        if flag is None:
            return NOTHING, Why("unknown")
        if key in self._on_cycle:
            return NOTHING, Why("cycle")
        if not flag["enabled"]:
            return flag.get("off", NOTHING), Why("disabled")
        for required, values in flag.get("requires", ()):
            value, why = self._decided(required, user, known)
            if why.reason in UNSATISFYING or not among(value, values):
                return flag.get("off", NOTHING), Why("requires", required)
        return self._ruled(flag, flag.get("salt", key), user)

    def _ruled(self, flag: dict[str, Any], salt: str, user: User) -> Decision:
        for place, rule in enumerate(flag.get("rules", ())):
            value = served(rule, salt, user)
            if value is not NOTHING and takes(rule, salt, user) and self._all_hold(rule.get("when", ()), user):
                return value, Why("rule", place)
        value = served(flag, salt, user)
        return value, Why("nothing" if value is NOTHING else "serve")

    def _all_hold(self, conditions: list[Any], user: User) -> bool:
        return all(self._holds(condition, user) for condition in conditions)

    def _holds(self, condition: list[Any], user: User) -> bool:
        operator, name, *operand = condition
        if operator == "segment":
            return name in self._segments and self._all_hold(self._segments[name], user)
        return name in user and OPERATORS[operator](user[name], *operand)


class Flags:
    """Answers what the newest document of flags serves."""

    def __init__(self, document: Document) -> None:
        self._updating = threading.Lock()  # whoever asks needs no lock
        self._listeners: list[Callable[[int], object]] = []
        self._version = Version(0, document)

    def enabled(self, key: str, user: User, default: bool) -> bool:
        """What the flag serves to the user, or `default`."""
        return self.variant(key, user, default)

    def variant(self, key: str, user: User, default: Value) -> Value:
        """The same for values of every kind."""
        value, _ = self._version.decide(key, user)
        return copy.deepcopy(value) if kind(value) == kind(default) else default

    def explain(self, key: str, user: User) -> Why:
        """Why the user is served what they are served."""
        return self._version.decide(key, user)[1]

    def update(self, document: Document, version: int) -> bool:
        """Replace the document, unless `version` is not newer; whether it was replaced."""
        with self._updating:
            if version <= self._version.number:
                return False
            self._version = Version(version, document)
        for listener in list(self._listeners):
            with suppress(Exception):  # a service would log it
                listener(version)
        return True

    def on_change(self, listener: Callable[[int], object]) -> None:
        """Have `listener` called with the version after each update."""
        self._listeners.append(listener)
