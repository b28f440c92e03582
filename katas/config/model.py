"""The sequential model: every layer flattened to paths, every question answered anew from all of them.

A program's setup has a line for each value that a layer says: (layer, turn, path) -> value, so that shrinking can leave
out each of them. The path "" is an error of that turn.
"""

import copy

from interface import (
    ABSENT,
    App,
    Conflict,
    Database,
    Entry,
    Invalid,
    Missing,
    Pool,
    Problem,
    Said,
    Says,
    Secret,
    Shop,
    VersionNotFound,
    nearest,
)
from lldkit.dojo.author import Op, Program
from lldkit.dojo.plain import show

TYPES = {
    App: {
        "name": str,
        "port": int,
        "debug": bool,
        "limit": "int or None",
        "pool": Pool,
        "pool.size": int,
        "pool.wait": float,
        "regions": tuple,
    },
    Shop: {"database": Database, "database.password": Secret, "database.host": str, "port": int},
}
DEFAULTS = {
    App: {"port": 80, "debug": False, "limit": None, "pool.size": 20, "pool.wait": 2.5, "regions": ()},
    Shop: {"database.host": "localhost", "port": 80},
}
SECTIONS = (Pool, Database)
HIDES = {"database", "database.password"}
WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


class Model:
    """The settings as the statement describes them, without a thought for speed."""

    def __init__(self, *, layers, schema=None, keep=100):
        if keep < 1:
            raise ValueError
        self.layers, self.schema, self.keep = layers, schema, keep
        self.watches, self.held = [], False
        self.versions = [(Entry(1, None, "first load"), *self.load())]

    def load(self):
        """The typed values by path, and who says what."""
        said, broken = [], []
        for name, layer in self.layers.items():
            try:
                said.append((name, flat(copy.deepcopy(layer()))))
            except Exception:
                broken.append(Problem("unreadable", "", (name,)))
        if broken:
            raise Invalid(broken)
        words = {}
        for name, tree in said:
            for path, value in tree.items():
                words.setdefault(path, []).append((name, value))
        problems = self.misshapen(words)
        closed = [problem.path for problem in problems]
        words = {path: here for path, here in words.items() if not is_below(path, closed)}
        values, who = self.free(words) if self.schema is None else self.typed(words, closed, problems)
        if problems:
            raise Invalid(problems)
        return values, who

    def misshapen(self, words):
        """What is a section here and a value there, or a value where the schema has a section; keys it does not have."""
        problems = []
        types = TYPES.get(self.schema)
        for path in sorted(words):
            shapes = {type(value) is dict for _, value in words[path]}
            if is_below(path, [problem.path for problem in problems]):
                continue
            if len(shapes) == 2:
                problems.append(self.problem("conflict", path, words[path]))
            elif types is not None and path not in types:
                problems.append(Problem("unknown", path, names(words[path])))
            elif types is not None and types[path] in SECTIONS and shapes == {False}:
                problems.append(self.problem("wrong", path, words[path]))
        return problems

    def free(self, words):
        """Without a schema everything counts as it is."""
        who = {path: here for path, here in words.items() if type(here[-1][1]) is not dict}
        return {path: here[-1][1] for path, here in who.items()}, who

    def typed(self, words, closed, problems):
        """What the schema makes of it; what does not fit is added to the problems."""
        values, who = {}, {}
        for path, kind in TYPES[self.schema].items():
            if kind in SECTIONS or path in closed or is_below(path, closed):
                continue
            default = [("default", DEFAULTS[self.schema][path])] if path in DEFAULTS[self.schema] else []
            here = words.get(path, [])
            if not here and not default:
                problems.append(Problem("missing", path))
                continue
            values[path] = fitted(kind, here[-1][1]) if here else default[0][1]
            who[path] = [(name, "***" if path in HIDES else value) for name, value in default + here]
            if values[path] is WRONG:
                problems.append(self.problem("wrong", path, here))
        return values, who

    def problem(self, kind, path, here):
        """A problem that shows the strongest word."""
        shown = "***" if self.schema is Shop and path in HIDES else repr(here[-1][1])
        return Problem(kind, path, names(here), shown)

    @property
    def values(self):
        return self.versions[-1][1]

    def at(self, values, path):
        if path in values:
            return values[path]
        below = {key: value for key, value in values.items() if key.startswith(path + ".")}
        if not below:
            return ABSENT
        section = {}
        for key, value in below.items():
            put(section, key.removeprefix(path + "."), value)
        made = {"pool": Pool, "database": Database}[path] if self.schema else dict
        return made(**section)

    def get(self, path, *default):
        value = self.at(self.values, path)
        if value is not ABSENT:
            return copy.deepcopy(value)
        if default:
            return default[0]
        raise Missing(path, nearest(path, self.values))

    def explain(self, path):
        who = self.versions[-1][2]
        if path not in who:
            raise Missing(path, nearest(path, who))
        return tuple(Said(name, value, place == len(who[path])) for place, (name, value) in enumerate(who[path], 1))

    def reload(self):
        values, who = self.load()
        if self.held:
            return False
        entry, before = self.versions[-1][:2]
        if values == before:
            self.versions[-1] = (entry, values, who)
            return False
        self.serve(values, who, entry.version, "reload")
        return True

    def serve(self, values, who, parent, author):
        entry = Entry(self.version() + 1, parent, author)
        self.versions = [*self.versions, (entry, values, who)][-self.keep :]
        for watch in self.watches:
            old, watch[2] = watch[2], self.at(values, watch[0])
            if old != watch[2]:
                watch[1](old, watch[2])

    def watch(self, path, listener):
        self.watches.append([path, listener, self.at(self.values, path)])

    def version(self):
        return self.versions[-1][0].version

    def history(self):
        return [entry for entry, _, _ in self.versions]

    def find(self, number):
        for entry, values, who in self.versions:
            if entry.version == number:
                return values, who
        raise VersionNotFound

    def diff(self, a, b):
        one, other = self.find(a)[0], self.find(b)[0]
        pairs = {path: (one.get(path, ABSENT), other.get(path, ABSENT)) for path in {**one, **other}}
        return {path: pair for path, pair in pairs.items() if pair[0] != pair[1]}

    def rollback(self, to, *, expected, author):
        if expected != self.version():
            raise Conflict(expected, self.version())
        self.serve(*self.find(to), to, author)
        self.held = True
        return self.version()

    def release(self):
        self.held = False
        return self.reload()


WRONG = object()


def names(here):
    """Who says something."""
    return tuple(name for name, _ in here)


def is_below(path, sections):
    """Whether a path is within one of the sections."""
    return any(path.startswith(section + ".") for section in sections)


def fitted(kind, value):
    """The value as the schema wants it, or WRONG."""
    if kind == "int or None":
        return None if value is None or value == "" else fitted(int, value)
    if kind is str or kind is Secret:
        return (kind(value) if kind is Secret else value) if type(value) is str else WRONG
    if kind is tuple:
        if value == "":
            return ()
        return tuple(part.strip() for part in value.split(",")) if type(value) is str else tuple(value)
    if type(value) is str:
        text = value.strip()
        if kind is bool:
            return WORDS.get(text.lower(), WRONG)
        digits = text.lstrip("+-") if text[:2] not in ("+-", "-+", "--", "++") else ""
        if kind is float:
            whole, _, part = digits.partition(".")
            return float(text) if (whole + part).isdecimal() else WRONG
        return int(text) if digits.isdecimal() else WRONG
    if kind is float and type(value) is int:
        return value
    return value if type(value) is kind else WRONG


def flat(tree, at=""):
    """path -> value, and path -> dict for sections."""
    found = {}
    for key, value in tree.items():
        found[at + key] = value
        if type(value) is dict:
            found |= flat(value, f"{at}{key}.")
    return found


def put(tree, path, value):
    """Give a tree of sections one more value; what is in the way stays."""
    *sections, key = path.split(".")
    for section in sections:
        tree = tree.setdefault(section, {})
        if type(tree) is not dict:
            return
    tree.setdefault(key, value)


class Hear:
    """A listener of the program, which each player replaces by his own."""

    def __repr__(self):
        return "hear"


HEAR = Hear()
ORDER = ("file", "env", "args")


class Caller:
    """Settings as a program plays on them: what listeners hear and how a call ends becomes part of the answer."""

    def __init__(self, settings, invalid):
        self.settings, self.invalid = settings, invalid
        self.heard = []

    def hear(self, old, new):
        self.heard.append(f"hear({show(plain(old))}, {show(plain(new))})")

    def __getattr__(self, name):
        def call(*args, **kwargs):
            if self.invalid is not None:
                if name in {"get", "explain"} and args[:1] in ((), ("none",)):
                    raise TypeError("no path")  # a story is not to be shortened to that
                return self.invalid
            args = [self.hear if arg is HEAR else arg for arg in args]
            self.heard = []
            answer = ended(lambda: getattr(self.settings, name)(*args, **kwargs))
            if name == "watch":
                return None
            return (answer, *self.heard) if self.heard else answer

        return call


def ended(call):
    """What a call returns, or the error that it raises, as plain data."""
    try:
        return plain(call())
    except Missing as error:
        return ("Missing", error.path, error.near)
    except Invalid as error:
        return ("Invalid", *error.problems)
    except Conflict as error:
        return ("Conflict", error.expected, error.actual)
    except VersionNotFound:
        return "VersionNotFound"


def plain(value):
    """What can be compared: secrets revealed, the absent by name."""
    if isinstance(value, Secret):
        return ("Secret", value.reveal())
    if value is ABSENT:
        return "ABSENT"
    if isinstance(value, dict):
        return {key: plain(value[key]) for key in sorted(value)}
    if isinstance(value, Database):
        return ("Database", plain(value.password), value.host)
    return tuple(map(plain, value)) if type(value) is tuple else value


def build(setup, make, clock):
    """Layers of the values that the setup lists; settings over them."""
    layers = {}
    for name in ORDER:
        mine = [key for key in setup if key[0] == name]
        if mine:
            layers[name] = Says(*(turn_of(setup, mine, turn) for turn in range(max(key[1] for key in mine) + 1)))
    others = {key: value for key, value in setup.items() if isinstance(key, str)}
    try:
        return [Caller(make(layers=layers, **others), None)]
    except Invalid as error:
        return [Caller(None, ("Invalid", *error.problems))]


def turn_of(setup, mine, turn):
    """What a layer says in one turn."""
    tree = {}
    for key in mine:
        if key[1] == turn and key[2] == "":
            return OSError("gone")
        if key[1] == turn:
            put(tree, key[2], copy.deepcopy(setup[key]))
    return tree


def read_back(setup, level):
    """Every value, then sections and who said what, then the history."""
    schema = setup.get("schema")
    said = [key[2] for key in setup if not isinstance(key, str) and key[2] not in ("", "pool", "pool.retry")]
    leaves = [path for path, kind in TYPES[schema].items() if kind not in SECTIONS] if schema else [*dict.fromkeys(said)]
    steps = [Op("get", path, "none") for path in leaves]
    if level >= 3:
        sections = ("database",) if schema is Shop else ("pool",) if schema else ("pool", "pool.retry")
        steps += [Op("get", path, "none") for path in sections]
        steps += [Op("explain", path) for path in leaves]
    if level >= 5:
        steps += [Op("version"), Op("history")]
    return steps


def pick(rng, things):
    return things[int(rng.random() * len(things))]


# -- what layers say

PLAIN = (0, 1, 15, False, "", "x", None, "15")
FLAT = ("port", "host", "debug")
NESTED = ("pool.size", "pool.wait", "pool.retry.times")
GOOD = {
    "name": ("shop", "01234", "1.10", "", " x "),
    "port": (81, 0, "82", " 83 ", "-1", "+5"),
    "debug": (True, "false", "No", "ON", "1", "0", " off "),
    "limit": (None, "", 0, "7"),
    "pool.size": (5, "6", 0),
    "pool.wait": (1, 0.5, "2", " 2.5 ", "-1.0"),
}
BAD = {
    "name": (5, None),
    "port": (True, 80.0, "1e5", "1_0", "8080x", "", None),
    "debug": (1, "banana", "", 0),
    "limit": ("none", "x", False),
    "pool.size": (2.5, "2.5", "x", {}),
    "pool.wait": ("x", True, "nan", "1_0", None),
    "pool": (5, "x"),
    "nme": ("shop",),
    "pool.sizes": (5,),
}
LISTS = {"regions": (["eu"], ["eu", "us"], [], "eu, us", "", "eu")}
TREES = {
    "port": (80, 81, "x"),
    "pool.size": (1, 2, 3),
    "pool.wait": (0, 1),
    "pool.retry.times": (3, 4),
    "pool.retry.wait": (5, 6),
    "regions": (["eu"], ["us"], []),
    "hosts": (["a"], None, ""),
}
SECRETS = {
    "database.password": ("hunter2", "hunter3"),
    "database.host": ("db1", "db2", ""),
    "port": (81, "82"),
}
BAD_SECRETS = {
    "database.password": (5, None, {}, ["hunter2"]),
    "database": ("db://hunter2",),
    "pasword": ("hunter2",),
    "database.pasword": ("hunter2",),
    "port": ("x",),
}


def lookup(rng):
    """Level 1: values that are false, sections of one layer only."""
    setup = {}
    for name in ORDER[: 1 + int(rng.random() * 3)]:
        for path in FLAT:
            if rng.random() < 0.5:
                setup[name, 0, path] = pick(rng, PLAIN)
    owner = pick(rng, ORDER)
    for path in NESTED:
        if rng.random() < 0.6:
            setup[owner, 0, path] = pick(rng, PLAIN)
    asked = (*FLAT, *NESTED, "prt", "pool.sise", "port.x", "pool.size.x", "nothing")
    steps = []
    for path in asked:
        if rng.random() < 0.7:
            default = (pick(rng, (None, 0, "d")),) if rng.random() < 0.4 else ()
            steps.append(Op("get", path, *default))
    return Program(setup, steps)


def say(rng, layers, values, *, share=0.6, bad=None, wrong=0.0, turn=0):
    """Lines of a setup: each layer says some of the paths, some of them wrongly."""
    setup = {}
    for name in layers:
        for path, options in values.items():
            if rng.random() < share:
                setup[name, turn, path] = pick(rng, options)
        for path, options in (bad or {}).items():
            if rng.random() < wrong:
                setup[name, turn, path] = pick(rng, options)
    return setup


def types(wrong):
    """Level 2: texts and typed values, `wrong` is the share of bad ones; the pool is in one layer only."""

    def program(rng):
        layers = ORDER[: 1 + int(rng.random() * 2)]
        top = {path: options for path, options in GOOD.items() if "." not in path}
        bad_top = {path: options for path, options in BAD.items() if not path.startswith("pool")}
        setup = say(rng, layers, top, bad=bad_top, wrong=wrong)
        within = {path: options for path, options in GOOD.items() if "." in path}
        bad_within = {path: options for path, options in BAD.items() if path.startswith("pool.")}
        setup |= say(rng, [pick(rng, layers)], within, bad=bad_within, wrong=wrong)
        if rng.random() < wrong:
            setup = {key: value for key, value in setup.items() if not key[2].startswith("pool")}
            setup[layers[0], 0, "pool"] = pick(rng, BAD["pool"])
        if rng.random() < 0.9:
            setup.setdefault((layers[0], 0, "name"), "shop")
        setup["schema"] = App
        return Program(setup, read_back(setup, 2))

    return program


def merge(rng):
    """Level 3 without a schema."""
    setup = {}
    for name in ORDER:
        for path, options in TREES.items():
            if rng.random() < 0.4:
                setup[name, 0, path] = pick(rng, options)
    if rng.random() < 0.2:
        setup[pick(rng, ORDER), 0, pick(rng, ("pool", "pool.retry", "port.x"))] = pick(rng, (5, ""))
        setup = {key: setup[key] for key in sorted(setup)}
    return Program(setup, read_back(setup, 3))


def merge_types(rng):
    """Level 3 with a schema."""
    setup = say(rng, ORDER, {**GOOD, **LISTS}, share=0.4, bad=BAD, wrong=pick(rng, (0, 0, 0.04)))
    setup.setdefault(("file", 0, "name"), "shop")
    setup["schema"] = App
    return Program(setup, read_back(setup, 3))


def turns(rng, steps_of, level):
    """Levels 4 and 5: layers that say something else each time, now and then something wrong."""
    schema = rng.random() < 0.5
    values = {"pool.size": (5, "6", 7), "port": (81, "82"), **LISTS} if schema else TREES
    count = 2 + int(rng.random() * 4)
    setup = {}
    for turn in range(count):
        setup |= say(rng, ORDER[:2], values, share=0.4, turn=turn)
        if schema:
            setup["file", turn, "name"] = "shop"
        draw = rng.random()
        if turn and draw < 0.15:
            setup[pick(rng, ORDER[:2]), turn, ""] = "raises"
        elif turn and draw < 0.3:
            setup["file", turn, "pool"] = 5
            setup["env", turn, "pool.size"] = 1
            setup = {key: setup[key] for key in sorted(setup)}
    if schema:
        setup["schema"] = App
    return Program(setup, steps_of(rng, count, tuple(values)) + read_back(setup, level))


def reloads(rng, count, paths):
    steps = []
    for _ in range(int(rng.random() * 3)):
        steps.append(Op("watch", pick(rng, (*paths, "pool")), HEAR))
    for _ in range(count):
        steps.append(Op("reload"))
        if rng.random() < 0.4:
            steps.append(Op("get", pick(rng, (*paths, "pool")), "none"))
    return steps


def versions(rng, count, paths):
    steps = [Op("watch", pick(rng, (*paths, "pool")), HEAR)] if rng.random() < 0.5 else []
    for _ in range(count + 3):
        draw = rng.random()
        if draw < 0.5:
            steps.append(Op("reload"))
        elif draw < 0.75:
            expected = pick(rng, (1, 2, 3, 4))
            steps.append(Op("rollback", pick(rng, (1, 1, 2, 3)), expected=expected, author="ana"))
        elif draw < 0.85:
            steps.append(Op("release"))
        else:
            steps.append(Op("diff", pick(rng, (1, 2, 3)), pick(rng, (1, 2, 3))))
    return steps


def changing(rng):
    return turns(rng, reloads, 4)


def versioned(rng):
    program = turns(rng, versions, 5)
    if rng.random() < 0.4:
        program.setup["keep"] = pick(rng, (0, 1, 2, 3))
    return program


def hidden(wrong):
    """Level 6: a schema with a secret."""

    def program(rng):
        setup = say(rng, ORDER[:2], SECRETS, bad=BAD_SECRETS, wrong=wrong)
        setup |= say(rng, ORDER[:2], SECRETS, turn=1, bad=BAD_SECRETS, wrong=wrong)
        setup.setdefault(("file", 0, "database.password"), "hunter2")
        setup["schema"] = Shop
        return Program(setup, [Op("watch", "database.password", HEAR), Op("reload"), *read_back(setup, 6)])

    return program


GENERATORS = {
    1: [lookup],
    2: [types(0.0), types(0.1), types(0.25)],
    3: [merge, merge_types],
    4: [changing],
    5: [versioned],
    6: [hidden(0.0), hidden(0.15)],
}


def audit(_):
    """Nothing more: what reads everything back depends on the level, and ends the programs already."""
    return []
