"""Two points for each user and salt: one says who is taken, the other who gets what."""

import copy
import hashlib
from typing import Any

from interface import Document, User, Value

NOTHING = object()  # what a flag serves that serves nothing


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
    return choose(part["split"], point(salt + "/percent", user["id"])) if "id" in user else NOTHING


def choose(split: list[Any], at: float) -> Any:
    """The value whose share of the range [0, 1) has the point in it."""
    left = at * sum(weight for _, weight in split)
    for value, weight in split:
        left -= weight
        if left < 0:
            break
    return value


class Flags:
    """Answers what a document of flags serves."""

    def __init__(self, document: Document) -> None:
        document = copy.deepcopy(document)
        self._flags, self._segments = document["flags"], document.get("segments", {})

    def enabled(self, key: str, user: User, default: bool) -> bool:
        """What the flag serves to the user, or `default`."""
        return self.variant(key, user, default)

    def variant(self, key: str, user: User, default: Value) -> Value:
        """The same for values of every kind."""
        value = self._served(key, user)
        return copy.deepcopy(value) if kind(value) == kind(default) else default

    def _served(self, key: str, user: User) -> Any:
        flag = self._flags.get(key)
        if flag is None:
            return NOTHING
        if not flag["enabled"]:
            return flag.get("off", NOTHING)
        salt = flag.get("salt", key)
        for rule in flag.get("rules", ()):
            value = served(rule, salt, user)
            if value is not NOTHING and takes(rule, salt, user) and self._all_hold(rule.get("when", ()), user):
                return value
        return served(flag, salt, user)

    def _all_hold(self, conditions: list[Any], user: User) -> bool:
        return all(self._holds(condition, user) for condition in conditions)

    def _holds(self, condition: list[Any], user: User) -> bool:
        operator, name, *operand = condition
        if operator == "segment":
            return name in self._segments and self._all_hold(self._segments[name], user)
        return name in user and OPERATORS[operator](user[name], *operand)
