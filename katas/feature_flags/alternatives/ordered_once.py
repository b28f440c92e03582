"""Flags stand in an order in which each comes after all it requires; a question goes through it once, without recursion."""

import random
import threading
from collections.abc import Callable
from copy import deepcopy
from typing import Any, NamedTuple

from interface import Document, User, Value, Why

KINDS = ((bool,), (int, float), (str,), (dict,))


def alike(one: object, other: object) -> bool:
    """Whether two values are of one kind."""
    return any(type(one) in kind and type(other) in kind for kind in KINDS)


def among(value: object, values: Any) -> bool:
    """Whether one of the values is this one."""
    return any(alike(value, each) and value == each for each in values)


def draw(*seed: str) -> float:
    """The first draw of dice that are seeded with texts: the same in every process."""
    return random.Random("\0".join(seed)).random()


class Answer(NamedTuple):
    """What is served, if there is anything, and why."""

    why: Why
    there: bool = False
    value: Any = None

    @property
    def counts(self) -> bool:
        """Whether what is served can satisfy somebody."""
        return self.there and self.why.reason in {"rule", "serve"}


def components(edges: dict[str, list[str]]) -> list[list[str]]:
    """The strongly connected components, each after those that it leads to (Tarjan 1972, with a stack of its own)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    waiting: list[str] = []
    found: list[list[str]] = []
    for root in edges:
        work = [] if root in index else [(root, iter(edges[root]))]
        while work:
            node, rest = work[-1]
            if node not in index:
                index[node] = low[node] = len(index)
                waiting.append(node)
            for other in rest:
                if other not in index:
                    work.append((other, iter(edges[other])))
                    break
                if other in waiting:
                    low[node] = min(low[node], low[other])
            else:
                work.pop()
                if low[node] == index[node]:
                    cut = waiting.index(node)
                    found.append(waiting[cut:])
                    del waiting[cut:]
                elif work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
    return found


class Rules:
    """The flags of one document, requirements first."""

    def __init__(self, document: Any, before: dict[str, Any]) -> None:
        if not isinstance(document, dict) or not isinstance(document.get("flags"), dict):
            raise ValueError("no document of flags")
        self.flags: dict[str, Any] = {}
        for key, flag in document["flags"].items():
            if not faults(flag):
                self.flags[key] = deepcopy(flag)
            elif key in before:
                self.flags[key] = before[key]
        self.segments = deepcopy(document.get("segments", {}))
        edges = {key: [name for name, _ in flag.get("requires", ())] for key, flag in self.flags.items()}
        edges = {key: [name for name in names if name in edges] for key, names in edges.items()}
        self.order, self.cyclic = [], set()
        for component in components(edges):
            self.order += component
            if len(component) > 1 or component[0] in edges[component[0]]:
                self.cyclic |= set(component)
        self.behind = {key: {key} for key in edges}
        for key in self.order:
            self.behind[key] = {key}.union(*(self.behind[name] for name in edges[key] if key not in self.cyclic))

    def answer(self, asked: str, user: User) -> Answer:
        """What the flag serves to the user."""
        if asked not in self.flags:
            return Answer(Why("unknown"))
        answers: dict[str, Answer] = {}
        for key in self.order:
            if key in self.behind[asked]:
                answers[key] = self.one(key, self.flags[key], user, answers)
        return answers[asked]

    def one(self, key: str, flag: dict[str, Any], user: User, answers: dict[str, Answer]) -> Answer:
        """The answer of a flag, whose requirements have been answered."""
        if key in self.cyclic:
            return Answer(Why("cycle"))
        off = ("off" in flag, flag.get("off"))
        if not flag["enabled"]:
            return Answer(Why("disabled"), *off)
        for name, values in flag.get("requires", ()):
            if name not in answers or not answers[name].counts or not among(answers[name].value, values):
                return Answer(Why("requires", name), *off)
        salt = flag.get("salt", key)
        for place, rule in enumerate(flag.get("rules", ())):
            there, value = self.share(rule, salt, user)
            if there and self.takes(rule, salt, user):
                return Answer(Why("rule", place), True, value)
        there, value = self.share(flag, salt, user)
        return Answer(Why("serve" if there else "nothing"), there, value)

    def takes(self, rule: dict[str, Any], salt: str, user: User) -> bool:
        """Whether the rule is for the user."""
        if not self.all_hold(rule.get("when", ()), user):
            return False
        return "percent" not in rule or ("id" in user and 100 * draw("in", salt, user["id"]) < rule["percent"])

    def share(self, part: dict[str, Any], salt: str, user: User) -> tuple[bool, Any]:
        """Whether anything is served, and what."""
        if "split" not in part:
            return "serve" in part, part.get("serve")
        if "id" not in user:
            return False, None
        cards = part["split"]
        at, passed = draw("which", salt, user["id"]), 0
        total = sum(weight for _, weight in cards)
        for value, weight in cards:
            passed += weight
            if at < passed / total:
                return True, value
        raise AssertionError("a draw is below 1")

    def all_hold(self, conditions: Any, user: User) -> bool:
        """Whether all conditions hold."""
        for operator, name, *operand in conditions:
            if operator == "segment":
                held = name in self.segments and self.all_hold(self.segments[name], user)
            elif name not in user:
                held = False
            elif operator in {"in", "not_in"}:
                held = among(user[name], *operand) != (operator == "not_in")
            else:
                value, limit = user[name], operand[0]
                held = alike(value, 0) and (value < limit if operator == "lt" else value >= limit)
            if not held:
                return False
        return True


def faults(flag: Any) -> list[str]:
    """What is wrong with a definition."""
    if not isinstance(flag, dict) or type(flag.get("enabled")) is not bool:
        return ["enabled"]
    found = []
    for part in (flag, *flag.get("rules", ())):
        percent, weights = part.get("percent", 0), [weight for _, weight in part.get("split", [("", 1)])]
        if not alike(percent, 0) or not 0 <= percent <= 100:
            found.append("percent")
        if min(weights) < 0 or not sum(weights):
            found.append("split")
        if any(condition[0] not in {"in", "not_in", "gte", "lt", "segment"} for condition in part.get("when", ())):
            found.append("when")
    return found


class Flags:
    """Version and rules are one pair, which is replaced as a whole."""

    def __init__(self, document: Document) -> None:
        self._now = 0, Rules(document, {})
        self._writing = threading.Condition()
        self._listeners: list[Callable[[int], object]] = []

    def enabled(self, key: str, user: User, default: bool) -> bool:
        """What the flag serves to the user, or `default`."""
        return self.variant(key, user, default)

    def variant(self, key: str, user: User, default: Value) -> Value:
        """The same for values of every kind."""
        answer = self._now[1].answer(key, user)
        return deepcopy(answer.value) if answer.there and alike(answer.value, default) else default

    def explain(self, key: str, user: User) -> Why:
        """Why the user is served what they are served."""
        return self._now[1].answer(key, user).why

    def update(self, document: Document, version: int) -> bool:
        """Replace the document, unless `version` is not newer."""
        with self._writing:
            newest, rules = self._now
            if newer := version > newest:
                self._now = version, Rules(document, rules.flags)
        for listener in [*self._listeners] if newer else []:
            self._tell(listener, version)
        return newer

    def _tell(self, listener: Callable[[int], object], version: int) -> None:
        try:
            listener(version)
        except Exception:
            return

    def on_change(self, listener: Callable[[int], object]) -> None:
        """Have `listener` called with the version after each update."""
        self._listeners.append(listener)
