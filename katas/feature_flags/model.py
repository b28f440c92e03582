"""The sequential model: the document as it was given, searched anew for each question.

Only what every hash gives alike is asked: percents are 0 or 100, and all weight of a split is on one value.
"""

import copy

from interface import Document, Why
from lldkit.dojo.author import Op, Program

NOTHING = ("nothing",)
OPERATORS = ("in", "not_in", "gte", "lt", "segment")


def number(value):
    return type(value) is int or type(value) is float


def same_kind(one, other):
    return type(one) is type(other) or (number(one) and number(other))


def among(value, values):
    return any(same_kind(value, each) and value == each for each in values)


class Model:
    """The flags as the statement describes them, without a thought for speed."""

    def __init__(self, document):
        self.version, self.flags = 0, {}
        self.read(document)

    def read(self, document):
        if not isinstance(document, dict) or not isinstance(document.get("flags"), dict):
            raise ValueError
        flags = {}
        for key, flag in document["flags"].items():
            if well_formed(flag):
                flags[key] = flag
            elif key in self.flags:
                flags[key] = self.flags[key]
        self.flags, self.segments = flags, document.get("segments", {})

    def update(self, document, version):
        if version <= self.version:
            return False
        self.read(document)
        self.version = version
        return True

    def enabled(self, key, user, default):
        return self.variant(key, user, default)

    def variant(self, key, user, default):
        value, _ = self.decide(key, user)
        return copy.deepcopy(value) if same_kind(value, default) else default

    def explain(self, key, user):
        return self.decide(key, user)[1]

    def decide(self, key, user):
        if key not in self.flags:
            return NOTHING, Why("unknown")
        if self.leads(key, key, set()):
            return NOTHING, Why("cycle")
        flag = self.flags[key]
        if not flag["enabled"]:
            return flag.get("off", NOTHING), Why("disabled")
        for required, values in flag.get("requires", []):
            value, why = self.decide(required, user)
            if why.reason in ("unknown", "cycle", "disabled", "requires") or not among(value, values):
                return flag.get("off", NOTHING), Why("requires", required)
        for place, rule in enumerate(flag.get("rules", [])):
            if self.all_hold(rule.get("when", []), user) and taken(rule, user) and served(rule, user) != NOTHING:
                return served(rule, user), Why("rule", place)
        value = served(flag, user)
        return value, Why("nothing" if value == NOTHING else "serve")

    def leads(self, key, to, seen):
        """Whether the requirements of `key` lead to `to`."""
        for required, _ in self.flags.get(key, {}).get("requires", []):
            if required == to:
                return True
            if required not in seen:
                seen.add(required)
                if self.leads(required, to, seen):
                    return True
        return False

    def all_hold(self, conditions, user):
        return all(self.holds(*condition, user=user) for condition in conditions)

    def holds(self, operator, name, operand=None, *, user):
        if operator == "segment":
            return name in self.segments and self.all_hold(self.segments[name], user)
        if name not in user:
            return False
        value = user[name]
        if operator in ("in", "not_in"):
            return among(value, operand) == (operator == "in")
        return number(value) and (value >= operand) == (operator == "gte")


def taken(rule, user):
    if "percent" not in rule:
        return True
    if rule["percent"] not in (0, 100):
        raise LookupError("this depends on the hash")
    return rule["percent"] == 100 and "id" in user


def served(part, user):
    if "split" not in part:
        return part.get("serve", NOTHING)
    if "id" not in user:
        return NOTHING
    (value,) = [value for value, weight in part["split"] if weight]
    return value


def well_formed(flag):
    if type(flag) is not dict or type(flag.get("enabled")) is not bool:
        return False
    rules = flag.get("rules", [])
    for part in [flag, *rules]:
        weights = [weight for _, weight in part.get("split", [["", 1]])]
        if min(weights) < 0 or max(weights) == 0:
            return False
    percents = [rule.get("percent", 0) for rule in rules]
    operators = [condition[0] for rule in rules for condition in rule.get("when", [])]
    return all(number(each) and 0 <= each <= 100 for each in percents) and set(operators) <= set(OPERATORS)


# A setup is the document in pieces, (key, field) or (key, field, place) -> piece, so that a program can be shortened by
# any of them; ("segments", name) is a segment.


def document(setup):
    """The pieces put together."""
    flags, segments = {}, {}
    for (key, field, *place), piece in setup.items():
        piece = copy.deepcopy(piece)
        if key == "segments":
            segments[field] = piece
        elif place:
            flags.setdefault(key, {"enabled": True}).setdefault(field, []).append(piece)
        else:
            flags.setdefault(key, {"enabled": True})[field] = piece
    return Document({"segments": segments, "flags": flags} if segments else {"flags": flags})


def build(setup, make, clock):
    """The flags of the document that the pieces make."""
    return [make(document=document(setup))]


def pick(rng, things):
    return things[int(rng.random() * len(things))]


KEYS = ("a", "b", "c")
BOOLEANS = (True, False)
KINDS = (BOOLEANS, (0, 1, 1.0, 2.5), ("", "x"))  # what one flag serves is of one kind
DICTS = ({}, {"x": 1})
VALUES = (*(value for kind in KINDS for value in kind), *DICTS)
ATTRIBUTES = ("country", "build", "beta")
SCALARS = (True, False, 0, 1, 1.0, 2, 12, "SE", "FI", "1", "")


def some_keys(rng):
    return KEYS[: 1 + int(rng.random() * 2)]


def plain(rng):
    """Flags of level 1."""
    setup = {}
    for key in some_keys(rng):
        setup |= switch(rng, key, BOOLEANS, enabled=0.6)
    return setup


def switch(rng, key, values, enabled):
    """What a flag serves without rules."""
    setup = {(key, "enabled"): rng.random() < enabled}
    return setup | {(key, field): pick(rng, values) for field in ("serve", "off") if rng.random() < 0.6}


def condition(rng):
    operator, attribute = pick(rng, OPERATORS[:4]), pick(rng, ATTRIBUTES)
    if operator in ("gte", "lt"):
        return [operator, attribute, pick(rng, (0, 1, 2, 2.5, 12))]
    return [operator, attribute, [pick(rng, SCALARS) for _ in range(int(rng.random() * 3))]]


def conditions(rng):
    return [condition(rng) for _ in range(int(rng.random() * 2.5))]


def rule(rng, values):
    made = {"serve": pick(rng, values)}
    if rng.random() < 0.8:
        made["when"] = conditions(rng)
    return made


def ruled(rng, rule=rule, kinds=KINDS):
    """Flags of level 2, and with other rules of later ones."""
    setup = {}
    for key in some_keys(rng):
        values = pick(rng, kinds)
        setup |= switch(rng, key, values, enabled=0.9)
        for place in range(int(rng.random() * 4)):
            setup[key, "rules", place] = rule(rng, values)
    return setup


def rolled_rule(rng, values):
    made = rule(rng, values)
    if rng.random() < 0.5:
        made["percent"] = pick(rng, (0, 100, 0.0, 100.0))
    return made


def rolled(rng):
    """Flags of level 3."""
    setup = ruled(rng, rolled_rule)
    if rng.random() < 0.3:
        setup["a", "salt"] = pick(rng, ("b", "", "salt"))
    return setup


def split(rng, values):
    """All the weight is on one value."""
    several = [pick(rng, values) for _ in range(1 + int(rng.random() * 3))]
    heavy = int(rng.random() * len(several))
    return [[value, pick(rng, (1, 50)) if place == heavy else 0] for place, value in enumerate(several)]


def split_rule(rng, values):
    made = rolled_rule(rng, values)
    if rng.random() < 0.4:
        del made["serve"]
        made["split"] = split(rng, values)
    if rng.random() < 0.4:
        made["when"] = [*made.get("when", []), ["segment", pick(rng, ("eu", "no such segment"))]]
    return made


def divided(rng):
    """Flags of level 4."""
    setup = ruled(rng, split_rule, (*KINDS, DICTS, DICTS))
    if rng.random() < 0.3:
        setup["c", "split"] = split(rng, pick(rng, (*KINDS, DICTS)))
    if rng.random() < 0.8:
        setup["segments", "eu"] = conditions(rng)
    return setup


def settings(rng):
    """Flags of level 4 that serve dicts."""
    setup = {("a", "serve"): {"x": 1}}
    for place in range(int(rng.random() * 3)):
        setup["a", "rules", place] = {"when": conditions(rng), "split": [[{"x": place}, 1], [{"y": 2}, 0]]}
    return setup


def requiring(rng):
    """Flags of level 5."""
    setup = {}
    for key in KEYS:
        setup |= switch(rng, key, BOOLEANS, enabled=0.9)
        if rng.random() < 0.6:
            when = [["in", "country", ["SE"]]] if rng.random() < 0.5 else conditions(rng)
            setup[key, "rules", 0] = {"when": when, "serve": pick(rng, BOOLEANS)}
        for place in range(int(rng.random() * 2.2)):
            # Mostly towards the end of the alphabet, so that not everything is a cycle.
            later = [each for each in KEYS if each > key] if rng.random() < 0.8 else KEYS
            values = [pick(rng, (True, False, True, 1)) for _ in range(1 + int(rng.random() * 2))]
            setup[key, "requires", place] = [pick(rng, (*later, "z")), values]
    return setup


def user(rng):
    made = {"id": pick(rng, ("ann", "bob", "0"))} if rng.random() < 0.8 else {}
    for attribute in ATTRIBUTES:
        if rng.random() < 0.6:
            made[attribute] = pick(rng, (*SCALARS, [1], {"x": 1}))
    return made | pick(rng, ({}, {}, {"country": "SE"}))


def question(rng, verbs, values):
    key, verb = pick(rng, ("a", "a", "b", "c")), pick(rng, verbs)
    if verb == "explain":
        return Op(verb, key, user(rng))
    return Op(verb, key, user(rng), pick(rng, BOOLEANS if verb == "enabled" else values))


def asked(flags, verbs, values=VALUES):
    """A document, and some questions."""

    def program(rng):
        return Program(flags(rng), [question(rng, verbs, values) for _ in range(2 + int(rng.random() * 7))])

    return program


MALFORMED = (
    None,
    7,
    [],
    {"serve": "bad"},
    {"enabled": 1, "serve": "bad"},
    {"enabled": True, "rules": [{"percent": 101, "serve": "bad"}]},
    {"enabled": True, "rules": [{"percent": -1, "serve": "bad"}]},
    {"enabled": True, "rules": [{"percent": True, "serve": "bad"}]},
    {"enabled": True, "rules": [{"percent": "100", "serve": "bad"}]},
    {"enabled": True, "split": [["bad", 2], ["worse", -1]]},
    {"enabled": True, "split": [["bad", 0]]},
    {"enabled": True, "rules": [{"split": [["bad", 0], ["worse", 0]]}]},
    {"enabled": True, "serve": "bad", "rules": [{"when": [["like", "country", "S%"]], "serve": "worse"}]},
)


def changed(rng):
    """A document to update to; now and then with a malformed flag, or no document at all."""
    if rng.random() < 0.05:
        return pick(rng, (Document(), Document(flags=[])))
    while True:
        made = document(pick(rng, (divided, requiring, rolled))(rng))
        if rng.random() < 0.5:
            made["flags"][pick(rng, KEYS)] = pick(rng, MALFORMED)
        if len(repr(made)) < 190:  # what is longer would be cut off in a report
            return made


def live(rng):
    """Questions between updates, whose versions also go back."""
    program = asked(pick(rng, (divided, requiring)), ("enabled", "variant", "explain"))(rng)
    version = 0
    for _ in range(1 + int(rng.random() * 3)):
        version = max(0, version + pick(rng, (1, 1, 1, 2, 0, -1)))
        place = int(rng.random() * len(program.steps))
        program.steps.insert(place, Op("update", changed(rng), version))
    return program


TYPED = ("enabled", "variant", "variant")
GENERATORS = {
    1: [asked(plain, ("enabled",))],
    2: [asked(ruled, TYPED)],
    3: [asked(rolled, TYPED)],
    4: [asked(divided, TYPED), asked(divided, TYPED), asked(settings, ("variant",), ({},))],
    5: [
        asked(requiring, ("enabled", "explain")),
        asked(requiring, ("explain",)),
        asked(divided, ("variant", "explain")),
    ],
    6: [live],
}


def audit(program):
    """Ask for every flag with both defaults."""
    return [Op("enabled", key, {"id": "ann"}, default) for key in (*KEYS, "d") for default in BOOLEANS]
