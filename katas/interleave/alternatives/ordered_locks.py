"""A lock per account in one order for all; sleepers with a lock each; a scheduler and a judge without recursion."""

import threading
from contextlib import ExitStack

from interface import Closed, Reentrant, Run


class Lab:
    def preemptions(self, timeline):
        owners = [line.partition(" ")[0] for line in timeline]
        final = {owner: step for step, owner in enumerate(owners)}
        return [step for step, owner in enumerate(owners) if step < final[owner] and owners[step + 1] != owner]

    def fatal(self, timeline):
        """Try every write, and walk back from it."""
        steps = [tuple(line.split()) for line in timeline]
        for at, (loser, verb, name) in enumerate(steps):
            if verb != "writes":
                continue
            winner = None
            for earlier in range(at - 1, -1, -1):
                who, did, what = steps[earlier]
                if what == name and who == loser:
                    if did == "reads" and winner is not None:
                        return max(step for step in range(winner) if steps[step][0] == loser)
                    break
                if what == name and did == "writes":
                    winner = earlier
        return None

    def counter(self):
        return _Counter()

    def bank(self, balances):
        return _Bank(balances)

    def queue(self, capacity):
        return _Queue(capacity)

    def flight(self):
        return _Flight()

    def play(self, program, priorities, changes):
        return _Player(program, priorities, changes).run()

    def plan(self, threads, length, depth, rng):
        lots = sorted(range(threads), key=lambda _: rng.random())
        changes = []
        while len(changes) < min(depth - 1, length):
            step = rng.randrange(length)
            if step not in changes:
                changes.append(step)
        return [depth + lot for lot in lots], changes

    def find(self, program, *, length, depth, runs, rng):
        while runs > 0:
            priorities, changes = self.plan(len(program()[0]), length, depth, rng)
            run = self.play(program, priorities, changes)
            if run.failure != "":
                return run
            runs -= 1

    def order(self, history, model):
        """A stack of choices: the calls that may come next, and the way that led there."""
        calls = tuple(history)
        seen, todo = set(), [(frozenset(), model.initial, None)]
        while todo:
            made, state, way = todo.pop()
            if (made, state) in seen:
                continue
            seen.add((made, state))
            if all(call.returned is None for call in calls if call not in made):
                return _unfolded(way)
            for call in calls:
                if call in made or any(
                    other.returned is not None and other.returned < call.called for other in calls if other not in made
                ):
                    continue
                after, result = model.apply(state, call.name, call.argument)
                if call.returned is None or result == call.result:
                    todo.append((made | {call}, after, (call, way)))
        return None


def _unfolded(way):
    order = []
    while way is not None:
        call, way = way
        order.insert(0, call)
    return order


class _Counter:
    def __init__(self):
        self._mutex, self._parts = threading.RLock(), []

    def add(self, amount):
        with self._mutex:
            self._parts.append(amount)
            return self.value()

    def value(self):
        with self._mutex:
            return sum(self._parts)


class _Bank:
    def __init__(self, balances):
        self._accounts = {name: [threading.Lock(), balance] for name, balance in balances.items()}

    def _held(self, *names):
        stack = ExitStack()
        for name in sorted(set(names)):
            stack.enter_context(self._accounts[name][0])
        return stack

    def transfer(self, source, target, amount):
        if not amount >= 0:
            raise ValueError("negative")
        with self._held(source, target):
            if self._accounts[source][1] >= amount:
                self._accounts[source][1] -= amount
                self._accounts[target][1] += amount
                return True
        return False

    def balances(self):
        with self._held(*self._accounts):
            return {name: balance for name, (_, balance) in self._accounts.items()}


class _Queue:
    """Who must wait leaves an event; every change sets all of them."""

    def __init__(self, capacity):
        if capacity < 1:
            raise ValueError("no room")
        self._mutex, self._capacity = threading.Lock(), capacity
        self._items, self._sleepers, self._over = [], [], False

    def _change(self):
        for sleeper in self._sleepers:
            sleeper.set()
        self._sleepers.clear()

    def _sleep(self):
        sleeper = threading.Event()
        self._sleepers.append(sleeper)
        return sleeper

    def put(self, item):
        while True:
            with self._mutex:
                if self._over:
                    raise Closed
                if len(self._items) < self._capacity:
                    self._items.insert(0, item)
                    self._change()
                    return
                sleeper = self._sleep()
            sleeper.wait()

    def get(self):
        while True:
            with self._mutex:
                if self._items:
                    self._change()
                    return self._items.pop()
                if self._over:
                    raise Closed
                sleeper = self._sleep()
            sleeper.wait()

    def close(self):
        with self._mutex:
            self._over = True
            self._change()


class _Flight:
    """Each key has at most one ticket: who made it, a lock that he holds until the end, and the outcome."""

    def __init__(self):
        self._tickets = {}

    def call(self, key, load):
        while True:
            mine = _Ticket()
            ticket = self._tickets.setdefault(key, mine)
            if ticket is mine:
                return self._loaded(key, mine, load)
            if ticket.owner == threading.get_ident():
                raise Reentrant
            with ticket.over:
                pass
            if ticket.error is not None:
                raise ticket.error
            if ticket.value:
                return ticket.value[0]

    def _loaded(self, key, mine, load):
        try:
            mine.value.append(load())
            return mine.value[0]
        except Exception as error:
            mine.error = error
            raise
        finally:
            self._tickets.pop(key)
            mine.over.release()


class _Ticket:
    def __init__(self):
        self.owner, self.over, self.value, self.error = threading.get_ident(), threading.Lock(), [], None
        self.over.acquire()


class _Player:
    def __init__(self, program, priorities, changes):
        self.threads, self.holds = program()
        self.order = sorted(range(len(self.threads)), key=lambda thread: -priorities[thread])
        self.bottom = []  # (priority, thread) of those that were lowered
        self.changes, self.conditions, self.steps = list(changes), {}, []

    def run(self):
        while self.order or self.bottom:
            thread = self.chosen()
            if thread is None:
                return self.ended("deadlock")
            if len(self.steps) in self.changes:
                self.lower(thread, self.changes.index(len(self.steps)))
                thread = self.chosen()
            self.steps.append(thread)
            try:
                self.conditions[thread] = self.threads[thread].__next__()
            except StopIteration:
                self.forget(thread)
            except Exception:
                return self.ended("exception")
        return self.ended("" if self.holds() else "check")

    def chosen(self):
        for thread in [*self.order, *(each for _, each in sorted(self.bottom, reverse=True))]:
            condition = self.conditions.get(thread)
            if condition is None or condition():
                return thread
        return None

    def lower(self, thread, priority):
        self.forget(thread)
        self.bottom.append((priority, thread))

    def forget(self, thread):
        self.order = [each for each in self.order if each != thread]
        self.bottom = [each for each in self.bottom if each[1] != thread]

    def ended(self, failure):
        return Run(tuple(self.steps), failure)
