"""Each flag is compiled to a function of user and memo when its document comes; asking only calls functions."""

import hashlib
import json
import threading
from collections.abc import Callable
from typing import Any

from interface import Document, User, Value, Why

Served = Callable[[User], str | None]  # the value as JSON, or None where nothing is served
Memo = dict[str, tuple[str | None, Why]]
Decide = Callable[[User, Memo], tuple[str | None, Why]]
Holds = Callable[[User], bool]

SATISFIED = {"rule", "serve"}


def tagged(value: object) -> object:
    """A value that is equal to another one only where the kata says so; None for what equals nothing."""
    if type(value) is bool:
        return ("boolean", value)
    if type(value) in {int, float}:
        return ("number", value)
    return value if type(value) is str else None


def bucket(kind: str, salt: str, unit: str) -> float:
    """A number in [0, 1)."""
    digest = hashlib.blake2b(json.dumps([kind, salt, unit]).encode(), digest_size=6).digest()
    return int.from_bytes(digest, "big") / 2**48


class Compiler:
    """Makes functions of the definitions of one document; what cannot be compiled raises."""

    def __init__(self, segments: dict[str, Any]) -> None:
        self._segments = segments

    def flag(self, key: str, flag: dict[str, Any]) -> Decide:
        """The decision for a flag that is on no cycle."""
        if type(flag["enabled"]) is not bool:
            raise ValueError(f"enabled is {flag['enabled']!r}")
        off = json.dumps(flag["off"]) if "off" in flag else None
        salt = flag.get("salt", key)
        rules = [(self.rule(rule, salt), Why("rule", place)) for place, rule in enumerate(flag.get("rules", ()))]
        rest = self.served(flag, salt)
        required = [(name, set(map(tagged, values)) - {None}) for name, values in flag.get("requires", ())]
        if not flag["enabled"]:
            return lambda user, memo: (off, Why("disabled"))

        def decide(user: User, memo: Memo) -> tuple[str | None, Why]:
            for name, wanted in required:
                value, why = memo[name]
                if why.reason not in SATISFIED or tagged(json.loads(value)) not in wanted:
                    return off, Why("requires", name)
            for rule, place in rules:
                if (value := rule(user)) is not None:
                    return value, place
            value = rest(user)
            return value, Why("nothing" if value is None else "serve")

        return decide

    def rule(self, rule: dict[str, Any], salt: str) -> Served:
        """What a rule serves."""
        holds = self.conditions(rule.get("when", ()))
        served = self.served(rule, salt)
        if "percent" not in rule:
            return lambda user: served(user) if holds(user) else None
        percent = rule["percent"]
        if type(percent) not in {int, float} or not 0 <= percent <= 100:
            raise ValueError(f"percent is {percent!r}")

        def taken(user: User) -> str | None:
            if holds(user) and "id" in user and bucket("rollout", salt, user["id"]) * 100 < percent:
                return served(user)
            return None

        return taken

    def served(self, part: dict[str, Any], salt: str) -> Served:
        """What is served where nothing else stands against it."""
        if "split" not in part:
            value = json.dumps(part["serve"]) if "serve" in part else None
            return lambda user: value
        ends, total = [], 0
        for value, weight in part["split"]:
            if weight < 0:
                raise ValueError(f"a weight is {weight!r}")
            total += weight
            ends.append((total, json.dumps(value)))
        if total == 0:
            raise ValueError("no weight")

        def choose(user: User) -> str | None:
            if "id" not in user:
                return None
            at = bucket("split", salt, user["id"]) * total
            return next(value for end, value in ends if at < end)

        return choose

    def conditions(self, conditions: list[Any]) -> Holds:
        """Whether all hold."""
        compiled = [self.condition(*condition) for condition in conditions]
        return lambda user: all(holds(user) for holds in compiled)

    def condition(self, operator: str, name: str, operand: Any = None) -> Holds:
        """Whether one holds."""
        if operator == "segment":
            return self.conditions(self._segments[name]) if name in self._segments else lambda user: False
        if operator in {"in", "not_in"}:
            wanted, inside = set(map(tagged, operand)) - {None}, operator == "in"
            return lambda user: name in user and (tagged(user[name]) in wanted) is inside
        if operator in {"gte", "lt"}:
            above = operator == "gte"
            return lambda user: type(user.get(name)) in {int, float} and (user[name] >= operand) is above
        raise ValueError(f"operator {operator!r}")


class Compiled:
    """One document: a function per flag, and for each flag what has to be decided first."""

    def __init__(self, number: int, document: Any, good: dict[str, Any]) -> None:
        if not isinstance(document, dict) or not isinstance(document.get("flags"), dict):
            raise ValueError("no document of flags")
        document = json.loads(json.dumps(document))
        compiler = Compiler(document.get("segments", {}))
        self.number, self.good = number, {}
        self._decide: dict[str, Decide] = {}
        for key, flag in document["flags"].items():
            for candidate in (flag, good.get(key)):
                try:
                    self._decide[key] = compiler.flag(key, candidate)
                except (ValueError, TypeError, KeyError, AttributeError):
                    continue
                self.good[key] = candidate
                break
        self._first: dict[str, list[str]] = {}
        self._cyclic = {key for key in self.good if self._leads_back(key)}

    def _required(self, key: str) -> list[str]:
        return [name for name, _ in self.good.get(key, {}).get("requires", ())]

    def _leads_back(self, start: str) -> bool:
        """Whether `start` is on a cycle; on the way, the order in which its requirements are decided."""
        order, open_, back = [], [(start, iter(self._required(start)))], False
        seen = {start}
        while open_:
            key, rest = open_[-1]
            name = next(rest, None)
            if name is None:
                open_.pop()
                order.append(key)
            elif name == start:
                back = True
            elif name not in seen:
                seen.add(name)
                open_.append((name, iter(self._required(name))))
        self._first[start] = order
        return back

    def decide(self, asked: str, user: User) -> tuple[str | None, Why]:
        """What is served, and why."""
        memo: Memo = {}
        for key in self._first.get(asked, [asked]):
            if key not in self.good:
                memo[key] = None, Why("unknown")
            elif key in self._cyclic:
                memo[key] = None, Why("cycle")
            else:
                memo[key] = self._decide[key](user, memo)
        return memo[asked]


class Flags:
    """Answers from functions that were compiled once."""

    def __init__(self, document: Document) -> None:
        self._compiled = Compiled(0, document, {})
        self._lock = threading.Lock()
        self._listeners: tuple[Callable[[int], object], ...] = ()

    def enabled(self, key: str, user: User, default: bool) -> bool:
        """What the flag serves to the user, or `default`."""
        value = self.variant(key, user, default)
        return value if type(value) is bool else default

    def variant(self, key: str, user: User, default: Value) -> Value:
        """The same for values of every kind."""
        text, _ = self._compiled.decide(key, user)
        if text is None:
            return default
        value = json.loads(text)
        kinds = [{bool}, {int, float}, {str}, {dict}]
        return value if any(type(value) in kind and type(default) in kind for kind in kinds) else default

    def explain(self, key: str, user: User) -> Why:
        """Why the user is served what they are served."""
        _, why = self._compiled.decide(key, user)
        return why

    def update(self, document: Document, version: int) -> bool:
        """Replace the document, unless `version` is not newer."""
        with self._lock:
            if version <= self._compiled.number:
                return False
            self._compiled = Compiled(version, document, self._compiled.good)
            listeners = self._listeners
        for listener in listeners:
            try:
                listener(version)
            except Exception:
                continue
        return True

    def on_change(self, listener: Callable[[int], object]) -> None:
        """Have `listener` called with the version after each update."""
        with self._lock:
            self._listeners = (*self._listeners, listener)
