"""Integers all the way: time in microseconds, tokens in parts of a unit, states as plain tuples, functions not classes."""

import math
import threading
from collections import deque

from interface import Decision

MICRO = 1_000_000


def window(self, state, now):
    number, spent = state or (now // self.period, 0)
    free = self.limit - (spent if number == now // self.period else 0)

    def after(cost):
        return now // self.period, self.limit - free + cost

    def wait(cost):
        return self.period - now % self.period

    return free * self.period, self.limit, after, wait


def log(self, state, now):
    standing = deque((end, units) for end, units in state or () if end > now)
    free = self.limit - sum(units for _, units in standing)

    def after(cost):
        return (*standing, (now + self.period, cost))

    def wait(cost):
        missing = cost - free
        for end, units in standing:
            missing -= units
            if missing <= 0:
                return end - now

    return free * self.period, self.limit, after, wait


def bucket(self, state, now):
    """Parts: `period` of them are one unit, and `limit` of them come in each microsecond."""
    full = self.burst * self.period
    parts, since = state or (full, now)
    parts = min(full, parts + (now - since) * self.limit)

    def after(cost):
        return parts - cost * self.period, now

    def wait(cost):
        return -(-(cost * self.period - parts) // self.limit)

    return parts, self.burst, after, wait


KINDS = {"fixed_window": window, "sliding_log": log, "token_bucket": bucket, "gcra": bucket}


class RateLimiter:
    """At most `limit` units per `period` seconds for each key."""

    def __init__(self, *, limit, period, burst=None, algorithm="fixed_window", clock, redis=None, lease=1):
        for name, value in {"limit": limit, "burst": limit if burst is None else burst, "lease": lease}.items():
            if value < 1:
                raise ValueError(f"{name} must be at least 1")
        if period <= 0 or algorithm not in KINDS or (redis is not None and KINDS[algorithm] is not window):
            raise ValueError("period or algorithm")
        self.limit, self.burst = limit, limit if burst is None else burst
        self.period, self.kind, self.clock = round(period * MICRO), KINDS[algorithm], clock
        self.server, self.lease = redis, lease
        self.lock, self.latest, self.states, self.most = threading.Lock(), 0, {}, 8
        self.acquire = self._acquire if redis is None else self._acquire_there
        self.peek = self._peek if redis is None else self._peek_there

    def _now(self):
        self.latest = max(self.latest, round(self.clock.monotonic() * MICRO))
        return self.latest

    def _answer(self, key, cost):
        if cost < 1:
            raise ValueError("cost must be at least 1")
        parts, most, after, wait = self.kind(self, self.states.get(key), self._now())
        if cost * self.period <= parts:
            return Decision(True, parts // self.period - cost, 0), after
        seconds = wait(cost) / MICRO if cost <= most else math.inf
        return Decision(False, max(0, parts // self.period), seconds), after

    def _acquire(self, key, *, cost=1):
        with self.lock:
            decision, after = self._answer(key, cost)
            if decision.allowed:
                self._keep(key, after(cost))
            return decision

    def _peek(self, key, *, cost=1):
        with self.lock:
            return self._answer(key, cost)[0]

    def _keep(self, key, state):
        self.states[key] = state
        if len(self.states) > self.most:
            self._sweep()

    def _sweep(self):
        """Throw out what is idle; the next time is when the number of keys has doubled."""
        self.states = {key: state for key, state in self.states.items() if self._busy(state)}
        self.most = 2 * len(self.states) + 8

    def _busy(self, state):
        parts, most, _, _ = self.kind(self, state, self.latest)
        return parts < most * self.period

    def throttle(self, key, *, cost=1, timeout):
        if self.kind is not bucket or timeout < 0:
            raise ValueError("throttle is for buckets, with a timeout of at least 0")
        with self.lock:
            decision, after = self._answer(key, cost)
            if decision.retry_after > timeout or decision.retry_after == math.inf:
                return decision
            self._keep(key, after(cost))
        self.clock.sleep(decision.retry_after)
        with self.lock:
            parts, *_ = self.kind(self, self.states.get(key), self._now())
            return Decision(True, max(0, parts // self.period), 0)

    def __len__(self):
        with self.lock:
            now = self._now()
            if self.server is not None:
                return sum(1 for units, _, end in self.states.values() if units and end > now)
            self._sweep()
            return len(self.states)

    # -- on a server: the state of a key is (units held, left there, end) ------------------------------------------

    def _acquire_there(self, key, *, cost=1):
        return self._there(key, cost, spend=True)

    def _peek_there(self, key, *, cost=1):
        return self._there(key, cost, spend=False)

    def _there(self, key, cost, *, spend):
        if cost < 1:
            raise ValueError("cost must be at least 1")
        with self.lock:
            now = self._now()
            held, left, end = self.states.get(key, (0, 0, 0))
            if end <= now:
                held = 0
                self.states = {name: state for name, state in self.states.items() if state[2] > now}
            if held < cost:
                want = max(cost - held, self.lease)
                got, left, rest = self.server.eval(lambda redis: self._script(redis, key, cost - held, want, spend))
                held, end = held + got, now + rest
            allowed = held + left >= cost
            self.states[key] = (held - cost if allowed and spend else held, left, end)
            if allowed:
                return Decision(True, held + left - cost, 0)
            return Decision(False, held + left, (end - now) / MICRO if cost <= self.limit else math.inf)

    def _script(self, redis, key, missing, want, spend):
        now = round(redis.time() * MICRO)
        rest = self.period - now % self.period
        left = self.limit - (redis.get(key) or 0)
        got = min(want, left) if spend and missing <= left else 0
        if got:
            redis.incrby(key, got)
            redis.expire(key, rest / MICRO)
        return got, left - got, rest
