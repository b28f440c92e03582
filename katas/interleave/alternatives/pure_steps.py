"""Pure functions from state to state, and one cell that takes them, each in one step; futures for what is under way."""

import threading
from concurrent.futures import Future
from functools import lru_cache
from itertools import permutations

from interface import Closed, Reentrant, Run


class Cell:
    """A state that threads change by functions `state -> (state, answer)`; WAIT as an answer means: not yet."""

    def __init__(self, state):
        self._state, self._changed = state, threading.Condition(threading.Lock())

    def take(self, step):
        with self._changed:
            while True:
                state, answer = step(self._state)
                if answer is not WAIT:
                    break
                self._changed.wait()
            self._state = state
            self._changed.notify_all()
        if isinstance(answer, Exception):
            raise answer
        return answer


WAIT = object()


class Counter:
    def __init__(self):
        self._cell = Cell(0)

    def add(self, amount):
        return self._cell.take(lambda total: (total + amount, total + amount))

    def value(self):
        return self.add(0)


class Bank:
    def __init__(self, balances):
        self._cell = Cell(tuple(balances.items()))

    def transfer(self, source, target, amount):
        if amount < 0:
            raise ValueError(amount)

        def step(books):
            after = dict(books)
            after[source] -= amount
            after[target] += amount
            enough = dict(books)[source] >= amount
            return (tuple(after.items()) if enough else books), enough

        return self._cell.take(step)

    def balances(self):
        return dict(self._cell.take(lambda books: (books, books)))


class Queue:
    def __init__(self, capacity):
        if capacity < 1:
            raise ValueError(capacity)
        self._capacity, self._cell = capacity, Cell(((), True))

    def put(self, item):
        def step(state):
            items, is_open = state
            if not is_open:
                return state, Closed()
            return ((*items, item), True), (None if len(items) < self._capacity else WAIT)

        self._cell.take(step)

    def get(self):
        def step(state):
            items, is_open = state
            if items:
                return (items[1:], is_open), items[:1]
            return state, (WAIT if is_open else Closed())

        return self._cell.take(step)[0]

    def close(self):
        self._cell.take(lambda state: ((state[0], False), None))


class Flight:
    def __init__(self):
        self._mutex, self._futures = threading.Lock(), {}

    def call(self, key, load):
        with self._mutex:
            leader, future = self._futures.setdefault(key, (threading.get_ident(), Future()))
            lead = not future.running() and future.set_running_or_notify_cancel()
        if lead:
            return self._led(key, future, load)
        if leader == threading.get_ident():
            raise Reentrant
        answer = future.result()
        return self.call(key, load) if answer is None else answer()

    def _led(self, key, future, load):
        def free(answer):
            with self._mutex:
                self._futures.pop(key)
            future.set_result(answer)

        try:
            value = load()
        except Exception as error:
            free(lambda error=error: _raise(error))
            raise
        except BaseException:
            free(None)
            raise
        free(lambda: value)
        return value


def _raise(error):
    raise error


class Lab:
    def preemptions(self, timeline):
        owners = tuple(line.split()[0] for line in timeline)
        return [at for at in range(len(owners)) if owners[at] in owners[at + 1 :] and owners[at] != owners[at + 1]]

    def fatal(self, timeline):
        """Every read, the next access of its thread to that name, and what stands between them."""
        steps, found = [line.split() for line in timeline], []
        for at, (thread, verb, name) in enumerate(steps):
            own = [n for n in range(at + 1, len(steps)) if (steps[n][0], steps[n][2]) == (thread, name)]
            if verb == "reads" and own and steps[own[0]][1] == "writes":
                others = [n for n in range(at, own[0]) if steps[n][1:] == ["writes", name]]
                if others:
                    before = [n for n in range(others[0]) if steps[n][0] == thread]
                    found.append((own[0], before[-1]))
        return min(found)[1] if found else None

    counter, bank, queue, flight = (staticmethod(kind) for kind in (Counter, Bank, Queue, Flight))

    def play(self, program, priorities, changes):
        threads, holds = program()
        ranks = dict(zip(range(len(threads)), priorities, strict=True))
        able = {n: lambda: True for n in ranks}
        schedule = []
        while able:
            going = {ranks[n]: n for n, can in able.items() if can()}
            if not going:
                return Run(tuple(schedule), "deadlock")
            for value, step in enumerate(changes):
                if step == len(schedule):
                    lowered = going.pop(max(going))
                    ranks[lowered] = value
                    going[value] = lowered
            n = going[max(going)]
            schedule.append(n)
            try:
                able[n] = next(threads[n]) or (lambda: True)
            except StopIteration:
                del able[n]
            except Exception:
                return Run(tuple(schedule), "exception")
        return Run(tuple(schedule), "" if holds() else "check")

    def plan(self, threads, length, depth, rng):
        lots = list(permutations(range(depth, depth + threads)))
        steps = sorted((rng.random(), step) for step in range(length))
        return list(rng.choice(lots)), [step for _, step in steps][: max(0, depth - 1)]

    def find(self, program, *, length, depth, runs, rng):
        if runs == 0:
            return None
        run = self.play(program, *self.plan(len(program()[0]), length, depth, rng))
        while not run.failure and runs > 1:
            run, runs = self.play(program, *self.plan(len(program()[0]), length, depth, rng)), runs - 1
        return run if run.failure else None

    def order(self, history, model):
        calls = list(history)

        @lru_cache(maxsize=None)
        def rest(left, state):
            ends = [calls[n].returned for n in left if calls[n].returned is not None]
            if not ends:
                return ()
            for n in left:
                call = calls[n]
                if call.called > min(ends):
                    continue
                after, result = model.apply(state, call.name, call.argument)
                if call.returned is None or result == call.result:
                    tail = rest(left - {n}, after)
                    if tail is not None:
                        return (call, *tail)
            return None

        found = rest(frozenset(range(len(calls))), model.initial)
        return None if found is None else list(found)
