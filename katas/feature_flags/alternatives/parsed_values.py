"""The document is parsed into frozen values, or the flag is not; what leads where is known in advance."""

import hashlib
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from interface import Document, User, Value, Why

BUCKETS = 1_000_000
NUMBER = (int, float)


class Malformed(Exception):
    """A definition that cannot take effect."""


def wanted(condition: bool, what: str) -> None:
    """Raise unless the condition is met."""
    if not condition:
        raise Malformed(what)


def number(value: object) -> bool:
    """Whether it is a number and no boolean."""
    return isinstance(value, NUMBER) and not isinstance(value, bool)


def equal(one: object, other: object) -> bool:
    """Whether two values are the same for a condition."""
    return one == other and number(one) == number(other) and isinstance(one, bool) == isinstance(other, bool)


def bucket(seed: str, unit: str) -> int:
    """One of the buckets."""
    return int(hashlib.md5(f"{seed!r}:{unit!r}".encode(), usedforsecurity=False).hexdigest(), 16) % BUCKETS


@dataclass(frozen=True)
class Condition:
    """One line of a `when`."""

    operator: str
    name: str
    operand: Any = None

    def __post_init__(self) -> None:
        wanted(self.operator in {"in", "not_in", "gte", "lt", "segment"}, "an operator")

    def holds(self, user: User, segments: dict[str, list[Any]]) -> bool:
        """Whether it holds for the user."""
        if self.operator == "segment":
            found = segments.get(self.name)
            return found is not None and all(Condition(*each).holds(user, segments) for each in found)
        if self.name not in user:
            return False
        value = user[self.name]
        if self.operator == "gte":
            return number(value) and value >= self.operand
        if self.operator == "lt":
            return number(value) and value < self.operand
        return any(equal(value, each) for each in self.operand) == (self.operator == "in")


@dataclass(frozen=True)
class Serving:
    """What a rule or a flag serves: values with the ends of their shares."""

    values: tuple[Any, ...]
    ends: tuple[float, ...]
    split: bool

    @classmethod
    def parse(cls, part: dict[str, Any]) -> "Serving":
        """Out of `serve` or `split`, or of neither."""
        pairs = part.get("split", [[part["serve"], 1]] if "serve" in part else [])
        weights = [weight for _, weight in pairs]
        wanted(all(weight >= 0 for weight in weights), "weights from 0 on")
        wanted("split" not in part or sum(weights) > 0, "a weight")
        return cls(tuple(value for value, _ in pairs), tuple(accumulate(weights)), "split" in part)

    def values_for(self, seed: str, user: User) -> tuple[Any, ...]:
        """The one value that the user gets, or none."""
        if not self.split:
            return self.values
        if "id" not in user:
            return ()
        at = bucket(seed, user["id"]) * self.ends[-1]
        return (self.values[bisect_right(self.ends, at / BUCKETS)],)


@dataclass(frozen=True)
class Rule:
    """Conditions, a percent, and what is served."""

    when: tuple[Condition, ...]
    percent: float | None
    serving: Serving

    @classmethod
    def parse(cls, rule: dict[str, Any]) -> "Rule":
        """Out of its dict."""
        percent = rule.get("percent")
        wanted("percent" not in rule or (number(percent) and 0 <= percent <= 100), "a percent")
        return cls(tuple(Condition(*each) for each in rule.get("when", ())), percent, Serving.parse(rule))

    def takes(self, seed: str, user: User, segments: dict[str, Any]) -> bool:
        """Whether the user is one of those that the rule is for."""
        if self.percent is not None:
            if "id" not in user or bucket(seed, user["id"]) >= self.percent * BUCKETS / 100:
                return False
        return all(condition.holds(user, segments) for condition in self.when)


@dataclass(frozen=True)
class Flag:
    """A definition that can take effect."""

    enabled: bool
    rules: tuple[Rule, ...]
    serving: Serving
    off: tuple[Any, ...]
    salt: str
    requires: tuple[tuple[str, tuple[Any, ...]], ...]

    @classmethod
    def parse(cls, key: str, flag: Any) -> "Flag":
        """Out of its dict; `Malformed` when that cannot be."""
        wanted(isinstance(flag, dict), "a dict")
        wanted(isinstance(flag.get("enabled"), bool), "a boolean")
        return cls(
            flag["enabled"],
            tuple(map(Rule.parse, flag.get("rules", ()))),
            Serving.parse(flag),
            (flag["off"],) if "off" in flag else (),
            flag.get("salt", key),
            tuple((name, tuple(values)) for name, values in flag.get("requires", ())),
        )


class Flags:
    """Answers under a lock, from what was parsed."""

    def __init__(self, document: Document) -> None:
        self._lock = threading.RLock()
        self._known: dict[str, Flag] = {}
        self._listeners: list[Callable[[int], object]] = []
        self._number = -1
        self.update(document, 0)

    def update(self, document: Document, version: int) -> bool:
        """Replace the document, unless `version` is not newer."""
        with self._lock:
            if version <= self._number:
                return False
            if not isinstance(document, dict) or not isinstance(document.get("flags"), dict):
                raise ValueError("no document of flags")
            document = deepcopy(document)
            self._known = dict(self._parsed(document["flags"]))
            self._segments = document.get("segments", {})
            self._cyclic = {key for key in self._known if key in self._led_to(key)}
            self._number = version
        for listener in tuple(self._listeners):
            try:
                listener(version)
            except Exception:
                pass
        return True

    def _parsed(self, flags: dict[str, Any]) -> Iterator[tuple[str, Flag]]:
        for key, flag in flags.items():
            try:
                yield key, Flag.parse(key, flag)
            except Malformed:
                if key in self._known:
                    yield key, self._known[key]

    def _led_to(self, key: str) -> set[str]:
        found: set[str] = set()
        newest = {key}
        while newest:
            newest = {name for each in newest if each in self._known for name, _ in self._known[each].requires} - found
            found |= newest
        return found

    def on_change(self, listener: Callable[[int], object]) -> None:
        """Have `listener` called with the version after each update."""
        self._listeners.append(listener)

    def enabled(self, key: str, user: User, default: bool) -> bool:
        """What the flag serves to the user, or `default`."""
        return self.variant(key, user, default)

    def variant(self, key: str, user: User, default: Value) -> Value:
        """The same for values of every kind."""
        with self._lock:
            values, _ = self._decide(key, user, {})
        for value in values:
            if (number(value) and number(default)) or type(value) is type(default):
                return deepcopy(value)
        return default

    def explain(self, key: str, user: User) -> Why:
        """Why the user is served what they are served."""
        with self._lock:
            return self._decide(key, user, {})[1]

    def _decide(self, key: str, user: User, memo: dict[str, Any]) -> tuple[tuple[Any, ...], Why]:
        """What is served, a value or none, and why."""
        if key not in self._known:
            return (), Why("unknown")
        if key in self._cyclic:
            return (), Why("cycle")
        flag = self._known[key]
        if not flag.enabled:
            return flag.off, Why("disabled")
        for name, values in flag.requires:
            if name not in memo:
                memo[name] = self._decide(name, user, memo)
            got, why = memo[name]
            meets = why.reason in {"rule", "serve"} and any(equal(got[0], each) for each in values)
            if not meets:
                return flag.off, Why("requires", name)
        for place, rule in enumerate(flag.rules):
            got = rule.serving.values_for(f"which {flag.salt}", user)
            if got and rule.takes(f"whether {flag.salt}", user, self._segments):
                return got, Why("rule", place)
        got = flag.serving.values_for(f"which {flag.salt}", user)
        return got, Why("serve" if got else "nothing")
