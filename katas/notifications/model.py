"""The sequential model: every delivery ever made in one list, each question answered by looking through it."""

from datetime import datetime, timedelta
from re import fullmatch
from zoneinfo import ZoneInfo

from interface import Attempt, DeadLetter, Decision, Fake, Message, Recipient, Route, Store
from lldkit.dojo.author import Advance, Op, Program

ORDER = ["sent", "bounced", "delivered", "read"]
OVER = ["dead", "suppressed", "bounced"]


class Item:
    """One delivery."""

    def __init__(self, **facts):
        self.__dict__.update(facts)


class Model:
    """The notifier as the statement describes it, without a thought for threads or speed."""

    def __init__(self, *, channels, routes, clock, base=1.0, max_attempts=3, dedupe=86_400.0, limits=None,
                 epoch="1970-01-01T00:00+00:00", store=None, lease=30.0):  # fmt: skip
        self.channels, self.routes, self.clock = channels, routes, clock
        self.base, self.max_attempts, self.dedupe = base, max_attempts, dedupe
        self.limits, self.epoch = limits or {}, epoch
        if base <= 0 or max_attempts < 1 or dedupe <= 0 or lease <= 0:
            raise ValueError
        self.people = {}
        self.items = [] if store is None else store._table[0].setdefault("items", [])

    def put(self, recipient):
        self.people[recipient.id] = recipient

    def person(self, name):
        return self.people.get(name, Recipient(name, {channel: name for channel in self.channels}))

    def notify(self, recipient, category, text, *, labels=None, priority=0, key=None):
        now, said = self.clock.monotonic(), {}
        for item in self.items:
            mine = item.recipient == recipient and item.category == category and item.state not in OVER
            if key is not None and mine and any(had == key and now < at + self.dedupe for had, at in item.keys):
                return []
        for route, to in ways(self.routes, dict(labels or {}, category=category), ()):
            line = []
            for channel in to:
                if channel in said:
                    continue
                said[channel] = self.wish(recipient, category, channel, route.mandatory)
                if said[channel] != "send":
                    continue
                if route.digest is not None:
                    said[channel] = "digest"
                elif line and route.mode == "fallback":
                    said[channel] = "standby"
                facts = dict(recipient=recipient, category=category, channel=channel, priority=priority)
                keys = [] if key is None else [(key, now)]
                self.keep(said[channel], line, text, keys, now, route, facts)
        return [Decision(channel, word) for channel, word in said.items()]

    def keep(self, said, line, text, keys, now, route, facts):
        if said == "digest":
            for item in self.items:
                if item.state == "digesting" and all(vars(item)[name] == fact for name, fact in facts.items()):
                    item.texts.append(text)
                    item.keys += keys
                    return
        state = {"send": "waiting", "digest": "digesting", "standby": "standby"}[said]
        due = now + route.digest if said == "digest" else now
        item = Item(**facts, mandatory=route.mandatory, texts=[text], keys=keys, state=state, due=due,
                    attempts=0, outcome=None, taken=None, line=line if route.mode == "fallback" else [])  # fmt: skip
        self.items.append(item)
        item.line.append(item)

    def wish(self, recipient, category, channel, mandatory):
        person = self.person(recipient)
        if channel not in person.addresses:
            return "no_address"
        said = [person.channels.get(channel), person.categories.get(category), person.pairs.get((category, channel))]
        said = [word for word in [True, *said] if word is not None]
        return "send" if said[-1] or mandatory else "opted_out"

    def run_due(self):
        attempts = []
        while (item := self.next()) is not None:
            item.state, item.taken = "sending", self.clock.monotonic()
            to, text = self.person(item.recipient).addresses[item.channel], "\n".join(item.texts)
            outcome = self.channels[item.channel].send(Message(item.channel, to, text, self.items.index(item) + 1))
            attempts.append(Attempt(item.channel, to, text, outcome))
            self.settle(item, outcome)
        return attempts

    def next(self):
        now = self.clock.monotonic()
        for item in sorted(self.items, key=lambda item: -item.priority):
            if item.state not in ("waiting", "digesting") or item.due > now:
                continue
            if self.wish(item.recipient, item.category, item.channel, item.mandatory) != "send":
                self.over(item, "suppressed")
                return self.next()
            if not self.is_quiet(item, now) and not self.is_full(item, now):
                return item
        return None

    def is_quiet(self, item, now):
        person = self.person(item.recipient)
        if person.quiet is None or item.mandatory:
            return False
        wall = (datetime.fromisoformat(self.epoch) + timedelta(seconds=now)).astimezone(ZoneInfo(person.zone))
        seconds = wall.hour * 3600 + wall.minute * 60 + wall.second + wall.microsecond / 1e6
        first, last = (int(text[:2]) * 3600 + int(text[3:]) * 60 for text in person.quiet)
        return first <= seconds < last if first < last else seconds >= first or seconds < last

    def is_full(self, item, now):
        most, seconds = self.limits.get(item.channel, (10**9, 1))
        alike = [one for one in self.items if (one.recipient, one.channel) == (item.recipient, item.channel)]
        counted = [one for one in alike if one.state in ("sending", *ORDER) and now < one.taken + seconds]
        return len(counted) >= most

    def settle(self, item, outcome):
        if outcome == "accepted":
            item.state = "sent"
            self.not_needed(item)
            return
        item.attempts, item.outcome, item.state = item.attempts + 1, outcome, "waiting"
        item.due = self.clock.monotonic() + self.base * 2 ** (item.attempts - 1)
        if outcome == "refused" or item.attempts == self.max_attempts:
            self.over(item, "dead")

    def over(self, item, state):
        item.state = state
        if all(one.state in (*OVER, "standby", "superseded") for one in item.line):
            for one in item.line:
                if one.state in ("standby", "superseded"):
                    one.state, one.due = "waiting", self.clock.monotonic()
                    return

    def not_needed(self, item):
        for one in item.line:
            if one is not item and one.state in ("standby", "waiting"):
                one.state = "superseded"

    def dead_letters(self):
        dead = [item for item in self.items if item.state == "dead"]
        return [DeadLetter(item.channel, "\n".join(item.texts), item.attempts, item.outcome) for item in dead]

    def find(self, number):
        if not 1 <= number <= len(self.items):
            raise ValueError
        return self.items[number - 1]

    def status(self, number):
        return self.find(number).state

    def record(self, number, event):
        item = self.find(number)
        if event not in ORDER[1:] or item.taken is None:
            raise ValueError
        if item.state not in ORDER or ORDER.index(item.state) < ORDER.index(event):
            if event == "bounced":
                self.over(item, event)
            else:
                item.state = event
                self.not_needed(item)
        return item.state


def ways(route, labels, to):
    """The routes that are taken, with their channels."""
    to = to if route.to is None else route.to
    found = []
    for child in route.routes:
        if all(agrees(matcher, labels) for matcher in child.match):
            found += ways(child, labels, to)
            if not child.continues:
                break
    return found or [(route, to)]


def agrees(matcher, labels):
    for operator in ("!~", "!=", "=~", "="):
        name, sign, wanted = matcher.partition(operator)
        if sign and fullmatch(r"\w+", name):
            value = labels.get(name, "")
            found = bool(fullmatch(wanted, value)) if "~" in sign else wanted == value
            return found is not operator.startswith("!")
    raise ValueError


def pick(rng, things):
    return things[int(rng.random() * len(things))]


CHANNELS = ("sms", "email", "push")
PEOPLE = ("eve", "bob")
WORDS = ("later", "later", "unclear", "refused", "accepted", "accepted")
MATCHES = ("team=a", "team!=a", "team=~a|b", "team!~a", "team=", "category=x", "category!=x", "team=~.+", "sort=~a.")


def some(rng, things, share=0.5):
    return tuple(thing for thing in things if rng.random() < share)


def tree(rng, level, depth=0):
    """A random tree of routes."""
    children = tuple(tree(rng, level, depth + 1) for _ in range(int(rng.random() * (3 - depth)))) if depth < 2 else ()
    to = (
        tuple(sorted(some(rng, CHANNELS, 0.7), key=lambda _: rng.random()))
        if depth == 0 or rng.random() < 0.6
        else None
    )
    options = {}
    if depth:
        options = {"match": some(rng, (pick(rng, MATCHES), pick(rng, MATCHES)), 0.6), "continues": rng.random() < 0.3}
    if level >= 2 and rng.random() < 0.2:
        options["mandatory"] = True
    if level >= 3 and rng.random() < 0.4:
        options["mode"] = "fallback"
    elif level >= 5 and rng.random() < 0.4:
        options |= {"digest": pick(rng, (1.0, 4.0)), "mandatory": False}
    return Route(to=to, routes=children, **options)


def line(rng, level):
    """A line, or channels that all get it: what levels from 3 on are about."""
    to = tuple(sorted(some(rng, CHANNELS, 0.8), key=lambda _: rng.random())) or ("sms",)
    if level >= 5 and rng.random() < 0.4:
        return Route(to=to, digest=pick(rng, (1.0, 4.0)))
    return Route(to=to, mode=pick(rng, ("all", "fallback", "fallback")))


def someone(rng, level):
    wishes = {
        "channels": {name: rng.random() < 0.5 for name in some(rng, CHANNELS, 0.3)},
        "categories": {name: rng.random() < 0.5 for name in some(rng, "xy", 0.3)},
        "pairs": {(name, channel): rng.random() < 0.5 for name in "xy" for channel in some(rng, CHANNELS, 0.15)},
    }
    if level >= 5 and rng.random() < 0.5:
        night = pick(rng, (("22:00", "07:00"), ("23:00", "23:30"), ("00:00", "05:00"), ("12:00", "00:00")))
        wishes |= {"quiet": night, "zone": pick(rng, ("UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo"))}
    name = pick(rng, PEOPLE)
    return Recipient(name, {channel: f"{channel}-{name}" for channel in some(rng, CHANNELS, 0.85)}, **wishes)


def call(rng, level):
    options = {}
    if rng.random() < 0.5:
        options["labels"] = {"team": pick(rng, ("a", "b", "ab", ""))} | ({"sort": "aa"} if rng.random() < 0.3 else {})
    if level >= 2 and rng.random() < 0.4:
        options["priority"] = pick(rng, (1, -1, 0, 2))
    if level >= 4 and rng.random() < 0.6:
        options["key"] = pick(rng, ("k", "l", ""))
    return Op("notify", pick(rng, PEOPLE), pick(rng, "xy"), pick(rng, "tuvw"), **options)


PAUSES = {
    3: (1.0, 2.0, 3.875, 0.5),
    4: (1.0, 2.0, 7.875, 8.0, 4.0),
    5: (1.0, 4.0, 3600.0, 25_200.0, 8.0),
    6: (1.0, 4.0, 8.0),
}
NIGHTS = ("2026-03-28T20:59:58", "2026-10-24T23:00", "2026-06-01T04:59:59", "2026-03-07T21:30", "2026-01-01T11:30")


def life(level, routes):
    """Messages, sends, time and, from their levels on, people who change and words of providers."""

    def program(rng):
        scripts = {name: tuple(pick(rng, WORDS) for _ in range(int(rng.random() * 5))) for name in CHANNELS}
        setup = {"channels": scripts if level >= 3 else dict.fromkeys(CHANNELS, ()), "routes": routes(rng, level)}
        if level >= 3 and rng.random() < 0.7:
            setup |= {"base": pick(rng, (1.0, 0.5, 2.0)), "max_attempts": pick(rng, (1, 2, 3))}
        if level >= 4 and rng.random() < 0.6:
            setup["limits"] = {name: pick(rng, ((1, 8.0), (2, 8.0), (2, 4.0))) for name in some(rng, CHANNELS)}
        if level >= 4 and rng.random() < 0.7:
            setup["dedupe"] = pick(rng, (8.0, 4.0))
        if level == 5:
            setup["epoch"] = f"{pick(rng, NIGHTS)}+00:00"
        if level == 6:
            setup["store"] = "store"
        changing = level >= 5 and rng.random() < 0.5
        steps = [Op("put", someone(rng, level)) for _ in range(int(rng.random() * 3))] if level >= 2 else []
        calls = 0
        for _ in range(3 + int(rng.random() * 9)):
            draw = rng.random()
            if draw < 0.4 or not calls:
                steps.append(call(rng, level))
                calls += 1
            elif draw < 0.65:
                steps.append(Op("run_due"))
            elif draw < 0.8 and level >= 3:
                steps.append(Advance(pick(rng, PAUSES[level])))
            elif draw < 0.9 and changing:
                steps.append(Op("put", someone(rng, level)))
            elif level == 6:
                number = 1 + int(rng.random() * (2 * calls + 1))
                steps.append(Op("record", number, pick(rng, ("bounced", "bounced", "delivered", "read", "lost"))))
            else:
                steps.append(call(rng, level))
                calls += 1
        return Program(setup, steps)

    return program


GENERATORS = {
    1: [life(1, tree)],
    2: [life(2, tree)],
    3: [life(3, tree), life(3, line)],
    4: [life(4, line), life(4, tree)],
    5: [life(5, line), life(5, tree)],
    6: [life(6, line)],
}


def build(setup, make, clock):
    """Channels that each object plays with for itself, and from level 6 on a store."""
    given = setup | {"channels": {name: Fake(name, *script) for name, script in setup["channels"].items()}}
    if "store" in setup:
        given["store"] = Store()
    return [make(**given, clock=clock)]


BUDGETS = {}


def audit(program):
    """Nights pass, everything is sent, and then it is read back."""
    steps = [Op("run_due")]
    if "base" in program.setup or any(program.setup["channels"].values()):
        for seconds in (8.0, 3600.0, 86_400.0):
            steps += [Advance(seconds), Op("run_due")]
        steps.append(Op("dead_letters"))
    if "store" in program.setup:
        steps += [Op("status", number) for number in (1, 2, 3, 4)]
    return steps
