"""The kit's own component behind the interface of the kata: one contract for the learner and for us.

The adapter writes the kata's documents as native ones. A variant is named by its value, so that what is required can be
named, too; a rule is named by its place.
"""

import json
import threading
from dataclasses import replace

from lldkit.feature_flags import NATIVE, Context, ErrorCode, FlagClient, Reason
from lldkit.snapshot import MemoryStore

from interface import Why

GETTERS = {bool: FlagClient.boolean, str: FlagClient.string, int: FlagClient.float, float: FlagClient.float}
TYPES = {bool: "boolean", str: "string", int: "float", float: "float", dict: "object"}


class Flags:
    """`lldkit.feature_flags.FlagClient` whose store is whatever the thread that updates has brought."""

    def __init__(self, document):
        self._brought = threading.local()
        self._brought.document = checked(native(document, 0))
        self._client = FlagClient(self)

    def read(self):
        """What the client asks its store for."""
        return self._brought.document

    def update(self, document, version):
        brought = native(document, version)
        if brought.version <= self._client.version:
            return False
        self._brought.document = checked(brought)
        return self._client.refresh().applied

    def on_change(self, listener):
        self._client.on_change(lambda change: listener(change.version - 1))

    def enabled(self, key, user, default):
        return self.variant(key, user, default)

    def variant(self, key, user, default):
        getter = GETTERS.get(type(default), FlagClient.object)
        return getter(self._client, key, default, context(user))

    def explain(self, key, user):
        trace = self._client.explain(key, context(user))
        found = trace.evaluation
        if found.reason is Reason.PREREQUISITE_FAILED:
            flag = self._client.snapshot.value.flags[key]
            return Why("requires", flag.prerequisites[len(trace.steps) - 1].flag)
        if found.error_code is ErrorCode.PARSE_ERROR and found.error_message.startswith("cycle"):
            return Why("cycle")
        if found.error_code in {ErrorCode.PARSE_ERROR, ErrorCode.FLAG_NOT_FOUND}:
            return Why("unknown")
        if found.reason is Reason.DISABLED:
            return Why("disabled")
        if found.rule is not None:
            return Why("rule", int(found.rule))
        return Why("nothing" if found.variant is None else "serve")


def checked(brought):
    """The document, if it is one: a client would keep the version of what it refused, and the kata forgets it."""
    for problem in NATIVE.load(brought.body).problems:
        if problem.fatal and not problem.key:
            raise ValueError(str(problem))
    return brought


def context(user):
    return Context(user.get("id"), user)


def native(document, version):
    """The document as the store of the component would have it; its versions count from 1."""
    body = {"flags": None}
    if isinstance(document, dict) and isinstance(document.get("flags"), dict):
        segments = {name: conditions(each) for name, each in document.get("segments", {}).items()}
        body = {"segments": segments, "flags": {key: flag(key, each) for key, each in document["flags"].items()}}
    return replace(MemoryStore(body).read(), version=version + 1, origin="kata")


def flag(key, given):
    """A flag; what is malformed stays so."""
    if not isinstance(given, dict):
        return given
    rules, values = given.get("rules", []), []
    salt = given.get("salt", key)
    made = {
        "enabled": given.get("enabled"),
        "prerequisites": [
            {"flag": name, "variants": [named(value) for value in wanted]} for name, wanted in given.get("requires", [])
        ],
        "rules": [{"id": str(place), **rule(each, salt, values)} for place, each in enumerate(rules)],
        **served(given, salt, values),
    }
    if "off" in given:
        made["off"] = named(given["off"])
        values.append(given["off"])
    values = values or [False]
    return made | {"type": TYPES[type(values[0])], "variants": {named(value): value for value in values}}


def rule(given, salt, values):
    made = {"when": conditions(given.get("when", [])), **served(given, salt, values)}
    return made | ({"rollout": {"percent": given["percent"], "salt": salt}} if "percent" in given else {})


def served(part, salt, values):
    """What a rule or a flag serves; its values are noted."""
    pairs = part.get("split", [[part["serve"], 1]] if "serve" in part else [])
    values += [value for value, _ in pairs]
    if "split" in part:
        return {"serve": {"split": [[named(value), weight] for value, weight in pairs], "salt": salt}}
    return {"serve": named(part["serve"])} if "serve" in part else {}


def named(value):
    """A text that is the same for equal values only."""
    return json.dumps(int(value) if type(value) is float and value.is_integer() else value, sort_keys=True)


def conditions(given):
    return {"all": [condition(*each) for each in given]}


def condition(operator, name, operand=None):
    if operator == "segment":
        return {"segment": name}
    if operator == "not_in":
        return {"all": [{"attr": name, "op": "exists"}, {"not": {"attr": name, "op": "in", "value": operand}}]}
    return {"attr": name, "op": operator, "value": operand}
