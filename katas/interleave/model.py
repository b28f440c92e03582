"""The sequential model of levels 1, 5 and 6: every definition of the statement taken by its word, without any search.

Levels 2 to 4 are about threads: the scheduler judges them, and no program of single calls would say more.
"""

from itertools import combinations, permutations

from interface import COUNTER, REGISTER, SETDEFAULT, STACK, Call, History, Run, Threads, flaw
from lldkit.dojo.author import Op, Program


class Model:
    """The lab as the statement describes it."""

    def preemptions(self, timeline):
        found = []
        for step, (line, following) in enumerate(zip(timeline, timeline[1:])):
            thread = line.split()[0]
            later = [each.split()[0] for each in timeline[step + 1 :]]
            if following.split()[0] != thread and thread in later:
                found.append(step)
        return found

    def fatal(self, timeline):
        read, last, lost = set(), {}, {}  # since when: the last step of the loser before somebody else wrote
        for step, line in enumerate(timeline):
            thread, verb, name = line.split()
            if verb == "reads":
                read.add((thread, name))
                lost.pop((thread, name), None)
            else:
                if (thread, name) in lost:
                    return lost[thread, name]
                read.discard((thread, name))
                for other, what in read:
                    if what == name:
                        lost.setdefault((other, name), last[other])
            last[thread] = step
        return None

    def play(self, program, priorities, changes):
        todo = [expanded(text) for text in program.texts]
        priorities, flags, schedule, ended = list(priorities), set(), [], []

        def choice():
            able = [n for n, steps in enumerate(todo) if steps and steps[0][0] in {*flags, ""}]
            return max(able, key=lambda thread: priorities[thread], default=None)

        while any(todo):
            thread = choice()
            if thread is None:
                return Run(tuple(schedule), "deadlock")
            if len(schedule) in changes:
                priorities[thread] = changes.index(len(schedule))
                thread = choice()
            schedule.append(thread)
            _, sign = todo[thread].pop(0)
            if sign == "!":
                return Run(tuple(schedule), "exception")
            flags |= {sign} if sign.islower() else set()
            ended += [] if todo[thread] else [thread]
        return Run(tuple(schedule), "" if program.last in {None, ended[-1]} else "check")

    def order(self, calls, model):
        pending = [call for call in calls if call.returned is None]
        returned = [call for call in calls if call.returned is not None]
        for count in range(len(pending) + 1):
            for some in combinations(pending, count):
                for order in permutations([*returned, *some]):
                    if not flaw(list(order), calls, model):
                        return list(order)
        return None


def expanded(text):
    """The steps of a thread: what flag it waits for, and what it does."""
    steps = [(sign.lower() if sign.isupper() else "", sign) for sign in text]
    return [("", "."), *steps] if text[0].isupper() else steps


class Judge:
    """A lab whose orders are looked at, for there may be several right ones."""

    def __init__(self, lab):
        self.lab = lab

    def preemptions(self, timeline):
        return self.lab.preemptions(timeline)

    def fatal(self, timeline):
        return self.lab.fatal(timeline)

    def play(self, program, priorities, changes):
        return self.lab.play(program, priorities, changes)

    def order(self, calls, model):
        answer = self.lab.order(calls, model)
        return None if answer is None else flaw(answer, calls, model) or "an order that explains every answer"


def build(setup, make, clock):
    """One lab; neither it nor the programs know a clock."""
    return [Judge(make(**setup))]


def audit(program):
    """A lab keeps nothing that could be read back."""
    return []


def pick(rng, things):
    return things[int(rng.random() * len(things))]


def shuffled(rng, things):
    return sorted(things, key=lambda _: rng.random())


# -- level 1 ---------------------------------------------------------------------------------------------------------


def timelines(threads, names, longest):
    """Steps of some threads, each going on for a while."""

    def program(rng):
        lines, thread = [], pick(rng, threads)
        for _ in range(1 + int(rng.random() * longest)):
            thread = thread if rng.random() < 0.3 else pick(rng, threads)
            lines.append(f"{thread} {pick(rng, ('reads', 'writes'))} {pick(rng, names)}")
        return Program({}, [Op("preemptions", lines), Op("fatal", lines)])

    return program


# -- level 5 ---------------------------------------------------------------------------------------------------------


def threads(signs, most):
    """Threads of random signs, with priorities and changes as a plan has them."""

    def program(rng):
        texts = [
            "".join(pick(rng, signs) for _ in range(1 + int(rng.random() * 4))) for _ in range(1 + pick(rng, most))
        ]
        depth = pick(rng, (1, 2, 3))
        priorities = shuffled(rng, range(depth, depth + len(texts)))
        changes = shuffled(rng, range(8))[: depth - 1]
        last = pick(rng, (None, 0, len(texts) - 1))
        return Program({}, [Op("play", Threads(*texts, last=last), priorities, changes)])

    return program


# -- level 6 ---------------------------------------------------------------------------------------------------------

CALLS = {
    REGISTER: (("write", 1), ("write", 2), ("read", None), ("read", None)),
    COUNTER: (("add", 1), ("add", 2)),
    SETDEFAULT: (("setdefault", 1), ("setdefault", 2)),
    STACK: (("push", "a"), ("push", "b"), ("pop", None), ("pop", None)),
}


def histories(model, *, lies, gone):
    """Calls that happened at some moment between two stamps; a few answers are wrong, a few replies were lost."""

    def program(rng):
        calls, state = [], model.initial
        for number in range(2 + int(rng.random() * 3)):
            name, argument = pick(rng, CALLS[model])
            after, result = model.apply(state, name, argument)
            moment, pending = 4 * number, rng.random() < gone
            state = state if pending and rng.random() < 0.4 else after
            if rng.random() < lies:
                result = pick(rng, (1, 2, 3)) if model is not STACK else pick(rng, ("a", "b", None))
            called = max(0, moment - int(rng.random() * 9))
            returned = moment + int(rng.random() * 9)
            calls.append(
                Call(f"P{number}", name, argument, *((None, called, None) if pending else (result, called, returned)))
            )
        return Program({}, [Op("order", History(shuffled(rng, calls)), model)])

    return program


GENERATORS = {
    1: [
        timelines(("Ann", "Bob"), ("x",), 5),
        timelines(("Ann", "Bob"), ("x", "y"), 7),
        timelines(("Ann", "Bob", "Cyd"), ("x", "y"), 9),
    ],
    5: [threads("..", (1, 2)), threads("..aAb.B", (1, 2, 3)), threads("...aA!", (1, 2))],
    6: [
        *(histories(model, lies=0.15, gone=0.0) for model in CALLS),
        *(histories(model, lies=0.1, gone=0.3) for model in CALLS),
    ],
}
