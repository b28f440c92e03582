"""Everything that threads share is a monitor: one condition, and `wait_for` with what must be true."""

import threading
from itertools import groupby

from interface import Closed, Reentrant, Run


class Monitor:
    def __init__(self):
        self.condition = threading.Condition()

    def __enter__(self):
        self.condition.acquire()
        return self

    def __exit__(self, *_):
        self.condition.notify_all()
        self.condition.release()

    def until(self, predicate):
        self.condition.wait_for(predicate)


class Counter(Monitor):
    def __init__(self):
        super().__init__()
        self.total = 0

    def add(self, amount):
        with self:
            self.total += amount
            return self.total

    def value(self):
        with self:
            return self.total


class Bank(Monitor):
    def __init__(self, balances):
        super().__init__()
        self.books = balances.copy()

    def transfer(self, source, target, amount):
        if amount < 0:
            raise ValueError(amount)
        with self:
            enough = self.books[source] >= amount
            if enough:
                self.books = {
                    name: self.books[name] + amount * ((name == target) - (name == source)) for name in self.books
                }
            return enough

    def balances(self):
        with self:
            return self.books.copy()


class Queue(Monitor):
    def __init__(self, capacity):
        if capacity <= 0:
            raise ValueError(capacity)
        super().__init__()
        self.room, self.items, self.open = capacity, [], True

    def put(self, item):
        with self:
            self.until(lambda: self.room or not self.open)
            if not self.open:
                raise Closed
            self.room -= 1
            self.items.append(item)

    def get(self):
        with self:
            self.until(lambda: self.items or not self.open)
            if not self.items:
                raise Closed
            self.room += 1
            return self.items.pop(0)

    def close(self):
        with self:
            self.open = False


class Flight(Monitor):
    """Whoever leads has his thread in `leaders`; an answer lies with those who waited for it."""

    def __init__(self):
        super().__init__()
        self.leaders, self.waiting = {}, {}

    def call(self, key, load):
        me = threading.current_thread()
        with self:
            while key in self.leaders:
                if self.leaders[key] is me:
                    raise Reentrant
                letters = self.waiting[key]
                letter = []
                letters.append(letter)
                self.until(lambda letters=letters, letter=letter: letter or self.waiting.get(key) is not letters)
                if letter:
                    return letter[0]()
            self.leaders[key], self.waiting[key] = me, []
        answer = None
        try:
            value = load()
            answer = lambda: value  # noqa: E731
            return value
        except Exception as error:
            problem = error

            def answer():
                raise problem

            raise
        finally:
            with self:
                del self.leaders[key]
                for letter in self.waiting.pop(key):
                    if answer is not None:
                        letter.append(answer)


class Lab:
    def preemptions(self, timeline):
        left = [line.split()[0] for line in timeline]
        ends, found = 0, []
        for thread, stretch in groupby(list(left)):
            ends += len(list(stretch))
            del left[: ends - (len(timeline) - len(left))]
            if thread in left:
                found.append(ends - 1)
        return found

    def fatal(self, timeline):
        last_read, last_step, fate = {}, {}, {}
        for number, (thread, verb, name) in enumerate(map(str.split, timeline)):
            if verb == "reads":
                last_read[thread, name] = number
                fate.pop((thread, name), None)
            elif (thread, name) in fate:
                return fate[thread, name]
            else:
                last_read.pop((thread, name), None)
                for loser, what in last_read:
                    if what == name and (loser, what) not in fate:
                        fate[loser, what] = last_step[loser]
            last_step[thread] = number
        return None

    def counter(self):
        return Counter()

    def bank(self, balances):
        return Bank(balances)

    def queue(self, capacity):
        return Queue(capacity)

    def flight(self):
        return Flight()

    def play(self, program, priorities, changes):
        threads, holds = program()
        alive = {n: (thread, None) for n, thread in enumerate(threads)}
        rank, told = dict(enumerate(priorities)), ()

        def first():
            able = [n for n, (_, condition) in alive.items() if condition is None or condition()]
            return sorted(able, key=rank.get)[-1:]

        while alive:
            for value, step in enumerate(changes):
                if step == len(told) and (top := first()):
                    rank[top[0]] = value
            top = first()
            if not top:
                return Run(told, "deadlock")
            told += (top[0],)
            try:
                thread = alive[top[0]][0]
                alive[top[0]] = thread, thread.send(None)
            except StopIteration:
                alive.pop(top[0])
            except Exception:
                return Run(told, "exception")
        return Run(told, "" if holds() else "check")

    def plan(self, threads, length, depth, rng):
        steps = list(range(length))
        rng.shuffle(steps)
        return rng.sample(range(depth, depth + threads), threads), steps[: depth - 1]

    def find(self, program, *, length, depth, runs, rng):
        threads, _ = program()
        tried = (self.play(program, *self.plan(len(threads), length, depth, rng)) for _ in range(runs))
        return next((run for run in tried if run.failure), None)

    def order(self, history, model):
        """Level by level: all pairs of made calls and state that so many calls can lead to, each with a way there."""
        calls = sorted(history, key=lambda call: call.called)
        frontier = {(0, model.initial): []}
        while frontier:
            following = {}
            for (made, state), way in frontier.items():
                left = [(1 << n, call) for n, call in enumerate(calls) if not made >> n & 1]
                limit = min((call.returned for _, call in left if call.returned is not None), default=None)
                if limit is None:
                    return way
                for bit, call in left:
                    if call.called <= limit:
                        after, result = model.apply(state, call.name, call.argument)
                        if call.returned is None or call.result == result:
                            following.setdefault((made | bit, after), [*way, call])
            frontier = following
        return None
