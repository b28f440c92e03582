"""The sequential model: the entries in one list, the dead among them passed over, the victim found by looking at all."""

import math

from interface import Bus, Down, EntryTooLarge, LoadRecursionError, Node
from lldkit.dojo.author import Advance, KataClock, Op, Program, call_line


class Model:
    """The cache as the statement describes it, without a thought for speed."""

    def __init__(
        self, *, maxsize, ttl=math.inf, clock=None, policy="lru", weigher=None, on_removal=None, nodes=None, bus=None
    ):
        if maxsize < 1 or not ttl > 0 or policy not in {"lru", "lfu"} or (weigher is not None and policy != "lru"):
            raise ValueError
        self.maxsize, self.ttl, self.clock, self.policy = maxsize, ttl, clock, policy
        self.weigher, self.on_removal, self.nodes = weigher, on_removal, nodes
        self.entries = []  # [key, value, deadline, weight, uses], the least recently used first
        self.loading, self.overtaken = [], set()

    def living(self):
        now = 0.0 if self.clock is None else self.clock.monotonic()
        self.entries = [entry for entry in self.entries if now < entry[2]]
        return self.entries

    def find(self, key):
        return next((entry for entry in self.living() if entry[0] == key), None)

    def use(self, entry):
        entry[4] += 1
        self.entries.remove(entry)
        self.entries.append(entry)

    def get(self, key, default=None):
        entry = self.find(key)
        if entry is None:
            return default
        self.use(entry)
        return entry[1]

    def put(self, key, value, *, ttl=None):
        if ttl is not None and not ttl > 0:
            raise ValueError
        if self.nodes is not None:
            self.node(key).write(key, value)
            return
        weight = self.weigh(key, value)
        self.overtaken.add(key)
        if weight > self.maxsize:
            self.entries = [entry for entry in self.entries if entry[0] != key]
            raise EntryTooLarge(key, weight, self.maxsize)
        self.store(key, value, self.ttl if ttl is None else ttl, weight)

    def weigh(self, key, value):
        weight = 1 if self.weigher is None else self.weigher(key, value)
        if weight < 0:
            raise ValueError
        return weight

    def store(self, key, value, lifetime, weight):
        old = self.find(key)
        if old is not None:
            self.tell(old, "replaced")
            old[3] = 0
        while sum(entry[3] for entry in self.entries) + weight > self.maxsize:
            others = [entry for entry in self.entries if entry is not old]
            victim = others[0] if self.policy == "lru" else min(others, key=lambda entry: entry[4])
            self.entries.remove(victim)
            self.tell(victim, "size")
        if old is None:
            self.entries.append(old := [key, None, None, 0, 0])
        now = 0.0 if self.clock is None else self.clock.monotonic()
        old[1:4] = value, now + lifetime, weight
        self.use(old)

    def tell(self, entry, cause):
        if self.on_removal is not None:
            self.on_removal(entry[0], entry[1], cause)

    def invalidate(self, key):
        if self.nodes is not None:
            return self.node(key).delete(key)
        self.overtaken.add(key)
        entry = self.find(key)
        if entry is None:
            return False
        self.entries.remove(entry)
        self.tell(entry, "explicit")
        return True

    def __contains__(self, key):
        return self.find(key) is not None

    def __len__(self):
        return len(self.living())

    def get_or_load(self, key, loader):
        if self.nodes is not None:
            return self.through(key, loader)
        if (entry := self.find(key)) is not None:
            self.use(entry)
            return entry[1]
        if key in self.loading:
            raise LoadRecursionError(key)
        self.loading.append(key)
        self.overtaken.discard(key)
        try:
            value = loader(key)
        finally:
            self.loading.remove(key)
        weight = self.weigh(key, value)
        if key not in self.overtaken and weight <= self.maxsize:
            self.store(key, value, self.ttl, weight)
        return value

    aget_or_load = get_or_load

    def node(self, key):
        return self.nodes[min(self.nodes)]

    def through(self, key, loader):
        record = self.node(key).read(key)
        if record.found:
            return record.value
        value = loader(key)
        self.node(key).fill(key, value, seen=record.generation)
        return value


class Load:
    """A loader: it takes `seconds`, does what stands in `during`, and ends with `value`, or as `Down`."""

    def __init__(self, value, *during, seconds=0):
        self.value, self.during, self.seconds = value, during, seconds

    def bind(self, caller):
        """The loader of one caller, which moves his clock; its value tells what it has seen."""

        def run(key):
            caller.clock.step(self.seconds)
            return self.end([getattr(caller, step.name)(*step.args) for step in self.during])

        return run

    def abind(self, caller):
        """The same as a coroutine function."""

        async def run(key):
            caller.clock.step(self.seconds)
            seen = []
            for step in self.during:
                if step.name == "aget_or_load":
                    seen.append(await caller.aload(*step.args))
                else:
                    seen.append(getattr(caller, step.name)(*step.args))
            return self.end(seen)

        return run

    def end(self, seen):
        if self.value is Down:
            raise Down
        return (self.value, *seen) if seen else self.value

    def __repr__(self):
        value = "Down" if self.value is Down else repr(self.value)
        during = "".join(f", {call_line('cache', step.name, step.args, step.kwargs)}" for step in self.during)
        return f"Load({value}{during}{f', seconds={self.seconds:g}' if self.seconds else ''})"


class Weigh:
    """The weight of a number is the number, but at most `most`; of anything else 1."""

    def __init__(self, most):
        self.most = most

    def __call__(self, key, value):
        return min(value, self.most) if type(value) is int else 1

    def __repr__(self):
        return f"weigh(most={self.most})"


class Told:
    """A listener that writes down what it hears."""

    def __init__(self):
        self.told = []

    def __call__(self, *removal):
        self.told.append(removal)

    def __repr__(self):
        return "told.append"


class Caller:
    """A cache whose loads are run as a program describes them."""

    def __init__(self, cache, clock, told):
        self.cache, self.clock, self.told = cache, clock, told

    def __getattr__(self, name):
        return getattr(self.cache, name)

    def __len__(self):
        return len(self.cache)

    def __contains__(self, key):
        return key in self.cache

    def get_or_load(self, key, load):
        try:
            return self.cache.get_or_load(key, load.bind(self))
        except (Down, LoadRecursionError) as error:
            return type(error).__name__

    def aget_or_load(self, key, load):
        return self.get_or_load(key, load) if isinstance(self.cache, Model) else awaited(self.aload(key, load))

    async def aload(self, key, load):
        try:
            return await self.cache.aget_or_load(key, load.abind(self))
        except (Down, LoadRecursionError) as error:
            return type(error).__name__

    def removals(self):
        """What was told since the last time, in no order."""
        told, self.told.told = self.told.told, []
        return sorted(map(repr, told))


class Origin:
    """A loader that always finds the same; `meanwhile` is what others do when the first answer is under way."""

    def __init__(self, *meanwhile):
        self.meanwhile = meanwhile

    def __repr__(self):
        steps = (call_line("", step.name, step.args, step.kwargs) for step in self.meanwhile)
        return f"origin{''.join(f', {step} meanwhile' for step in steps)}"


class Fleet:
    """What the processes of a program share. Answers are judged when no message is under way."""

    def __init__(self):
        self.nodes, self.bus = {name: Node(name) for name in ("n1", "n2", "n3")}, Bus()
        self.changed, self.callers = False, []

    def hook(self, name, action):
        for node in self.nodes.values():
            setattr(node, name, action)


class Process:
    """A cache of a fleet."""

    def __init__(self, fleet, cache):
        self.fleet, self.cache = fleet, cache

    def put(self, key, value):
        self.fleet.changed = True
        self.cache.put(key, value)

    def invalidate(self, key):
        self.fleet.changed = True
        self.cache.invalidate(key)  # whether the node had it depends on who has read it since

    def deliver(self):
        self.fleet.bus.deliver()
        self.fleet.changed = False

    def get_or_load(self, key, origin):
        todo = list(origin.meanwhile)

        def meanwhile():
            self.fleet.hook("on_answer", lambda: None)
            while todo:
                step = todo.pop(0)
                getattr(self.fleet.callers[step.on], step.name)(*step.args)

        self.fleet.hook("on_answer", meanwhile)
        found = self.cache.get_or_load(key, str.upper)
        judged = not self.fleet.changed and not origin.meanwhile
        meanwhile()
        return found if judged else None


LOOPS = []


def awaited(coroutine):
    """Run a coroutine on the one loop of this process; a new loop for each would cost more than all the rest."""
    import asyncio

    if not LOOPS:
        LOOPS.append(asyncio.new_event_loop())
    return LOOPS[0].run_until_complete(coroutine)


def build(setup, make, clock):
    """One cache; the clock is given to it from level 2 on."""
    if "nodes" in setup:
        fleet = Fleet()
        shared = {**setup, "nodes": fleet.nodes, "bus": fleet.bus}
        fleet.callers = [Process(fleet, make(**shared, clock=clock)) for _ in range(3)]
        return fleet.callers
    if "policy" not in setup:
        return [make(**setup, clock=clock) if "ttl" in setup else make(**setup)]
    told = Told()
    if "on_removal" in setup:
        setup = {**setup, "on_removal": told}
    return [Caller(make(**setup, clock=clock), clock, told)]


def pick(rng, things):
    return things[int(rng.random() * len(things))]


KEYS = ("a", "b", "c", "d", "e", "f", "g")
ODD = (0, None, "", ("a", 1), False)
VALUES = (1, 2, 3, None, 0, "", "x")
LIFETIMES = (1.0, 2.0, 0.125, 8.0)


def crowd(setup, *, ttl=False, longest=14):
    """Calls on as many keys as fit, and one or two more; each program with its own mix of operations."""

    def program(rng):
        made = setup(rng)
        keys = KEYS[: made["maxsize"] + 1 + int(rng.random() * 2)] if rng.random() < 0.9 else ODD
        puts, gets, others = 0.2 + rng.random() / 2, rng.random(), rng.random()
        steps = []
        for _ in range(3 + int(rng.random() * longest)):
            if ttl and rng.random() < 0.3:
                steps.append(Advance(pick(rng, (0.125, 0.875, 1.0, 2.0, 8.0))))
            steps.append(call(rng, keys, puts, gets, others, ttl=ttl))
        return Program(made, steps, start=pick(rng, (0.0, 0.0, 100.5)) if ttl else 0.0)

    return program


def call(rng, keys, puts, gets, others, *, ttl, values=VALUES):
    key, draw = pick(rng, keys), rng.random()
    if draw < puts:
        lifetime = {"ttl": pick(rng, (*LIFETIMES, 0.0, -1.0))} if ttl and rng.random() < 0.4 else {}
        return Op("put", key, pick(rng, values), **lifetime)
    if rng.random() < gets:
        return Op("get", key, *(("default",) if rng.random() < 0.5 else ()))
    name = pick(rng, ("invalidate", "__contains__", "__len__")) if rng.random() < others else "invalidate"
    return Op(name) if name == "__len__" else Op(name, key)


def sized(rng):
    return {"maxsize": pick(rng, (1, 2, 2, 3, 3, 4))}


def mortal(rng):
    return {**sized(rng), "ttl": pick(rng, (*LIFETIMES, 1000.0))}


def frequent(rng):
    return {**sized(rng), "policy": "lfu"}


def frequent_and_mortal(rng):
    return {**mortal(rng), "policy": "lfu"}


def recent(rng):
    return {**mortal(rng), "policy": "lru"}


def heavy(rng):
    maxsize = pick(rng, (2, 3, 4, 5))
    return {"maxsize": maxsize, "policy": "lru" if rng.random() < 0.9 else "lfu", "weigher": Weigh(maxsize + 1)}


def told(rng):
    setup = {**mortal(rng), "policy": pick(rng, ("lru", "lfu")), "on_removal": "told"}
    return {**setup, "weigher": Weigh(setup["maxsize"])} if setup["policy"] == "lru" else setup


def loads(setup, verb="get_or_load"):
    """Loads among other calls; what a loader does to the cache is what others could do meanwhile."""

    def program(rng):
        made = setup(rng)
        keys = KEYS[: made["maxsize"] + 1 + int(rng.random() * 2)]
        values = (0, 0, 1, 2, 3, 4, 5, 6, -1, None) if "weigher" in made else VALUES
        steps = []
        for _ in range(3 + int(rng.random() * 8)):
            draw = rng.random()
            if draw < 0.45:
                key = pick(rng, keys)
                steps.append(Op(verb, key, load(rng, key, keys, values, verb)))
            elif draw < 0.6:
                steps.append(Advance(pick(rng, (0.125, 0.875, 1.0, 2.0, 8.0))))
            elif draw < 0.75 and "on_removal" in made:
                steps.append(Op("removals"))
            else:
                steps.append(call(rng, keys, 0.4, 0.7, 0.5, ttl=True, values=values))
        return Program(made, [*steps, Op("removals")])

    return program


def load(rng, key, keys, values, verb):
    """One loader, simple in half of all cases."""
    value = Down if rng.random() < 0.15 else pick(rng, values)
    if rng.random() < 0.5:
        return Load(value)
    other = pick(rng, [each for each in keys if each != key])
    during = (
        [],
        [Op("invalidate", key)],
        [Op("put", key, "new")],
        [Op("put", other, "new")],
        [Op(verb, key, Load(1))],
        [Op(verb, other, Load(2))],
        [Op(verb, other, Load(2, Op(verb, key, Load(3))))],
        [Op(verb, other, Load(2, Op("invalidate", key)))],
    )
    return Load(value, *pick(rng, during), seconds=pick(rng, (0, 0, 1.0, 2.0)))


def fleet(rng):
    """Three processes that read and change a few keys, with messages that come when they come."""
    keys = KEYS[: 1 + int(rng.random() * 3)]

    def step(verbs):
        verb, on = pick(rng, verbs), int(rng.random() * 3)
        if verb == "deliver":
            return Op("deliver", on=on)
        key = pick(rng, keys)
        if verb == "put":
            return Op("put", key, pick(rng, VALUES), on=on)
        if verb == "invalidate":
            return Op("invalidate", key, on=on)
        others = [step(CHANGES) for _ in range(int(rng.random() * 3))]
        if rng.random() < 0.5:
            others += [Op("put", key, pick(rng, VALUES)), Op("deliver")]
        return Op("get_or_load", key, Origin(*others if rng.random() < 0.5 else ()), on=on)

    steps = [step((*CHANGES, "get_or_load", "get_or_load", "get_or_load")) for _ in range(3 + int(rng.random() * 8))]
    return Program({"maxsize": pick(rng, (1, 2, 5)), "nodes": "nodes"}, steps)


CHANGES = ("put", "put", "invalidate", "deliver", "deliver")
GENERATORS = {
    1: [crowd(sized), crowd(sized, longest=30)],
    2: [crowd(mortal, ttl=True), crowd(mortal, ttl=True, longest=24)],
    3: [crowd(frequent, longest=30), crowd(frequent_and_mortal, ttl=True)],
    4: [loads(frequent_and_mortal), loads(recent)],
    5: [loads(recent, "aget_or_load"), loads(heavy), loads(told, "aget_or_load"), loads(told)],
    6: [fleet],
}


def many_puts(entry, size):
    """On average a call costs the same however many entries there are; a scan of all of them at every put does not."""
    return filled(entry(maxsize=size), size)


def many_lfu_puts(entry, size):
    """On average a call costs the same however many entries there are; a scan of all of them for a victim, or for the \
dead when nobody has died, does not."""
    clock = KataClock()
    cache = entry(maxsize=size, policy="lfu", ttl=1000.0, clock=clock)
    cache.put("short", 1, ttl=1.0)
    clock.advance(1.0)
    return filled(cache, size)


def filled(cache, size):
    """Work on a full cache."""

    def work(first=size):
        try:
            for key in range(first, first + size):
                cache.get(key - 1)
                cache.put(key, key)
        except Exception:
            return  # whoever breaks here has failed other checks before

    work(0)
    return work


BUDGETS = {"put": many_puts, "lfu": many_lfu_puts}


def audit(program):
    """Read everything back, then push it out one by one to see the order."""
    if "nodes" in program.setup:
        reads = [Op("get_or_load", key, Origin(), on=on) for key in KEYS[:3] for on in range(3)]
        return [Op("deliver"), *reads]
    keys = dict.fromkeys(step.args[0] for step in program.steps if isinstance(step, Op) and step.args)
    out = [Op("put", ("out", number), number) for number in range(program.setup["maxsize"])]
    held = [Op("__contains__", key) for key in keys]
    pushed = [step for each in out for step in (each, *held)]
    return [Op("__len__"), *held, *pushed, *(Op("get", key) for key in keys), Op("__len__")]
