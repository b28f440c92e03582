"""One small object per key and algorithm, exact fractions, a lock per key, and a line of waiters with places."""

import math
import threading
from collections import OrderedDict
from fractions import Fraction

from interface import Decision


class Window:
    def __init__(self, quota):
        self.quota, self.number, self.spent = quota, None, 0

    def look(self, now):
        number = now // self.quota.period
        return self.quota.limit - (self.spent if number == self.number else 0)

    def wait(self, now, cost):
        return (now // self.quota.period + 1) * self.quota.period - now

    def spend(self, now, cost):
        self.spent = self.quota.limit - self.look(now) + cost
        self.number = now // self.quota.period


class Log:
    def __init__(self, quota):
        self.quota, self.ends = quota, []  # when each single unit stops counting

    def look(self, now):
        return self.quota.limit - sum(1 for end in self.ends if end > now)

    def wait(self, now, cost):
        standing = sorted(end for end in self.ends if end > now)
        return standing[cost - self.look(now) - 1] - now

    def spend(self, now, cost):
        self.ends = [end for end in self.ends if end > now] + [now + self.quota.period] * cost


class Bucket:
    def __init__(self, quota):
        self.quota, self.empty_since = quota, None  # the moment at which the bucket was (or will be) empty

    def look(self, now):
        if self.empty_since is None:
            return Fraction(self.quota.burst)
        return min(Fraction(self.quota.burst), (now - self.empty_since) / self.quota.interval)

    def wait(self, now, cost):
        return (cost - self.look(now)) * self.quota.interval

    def spend(self, now, cost):
        self.empty_since = now - (self.look(now) - cost) * self.quota.interval


KINDS = {"fixed_window": Window, "sliding_log": Log, "token_bucket": Bucket, "gcra": Bucket}


class RateLimiter:
    """At most `limit` units per `period` seconds for each key."""

    def __init__(self, limit, period, clock, burst=None, algorithm="fixed_window", redis=None, lease=1):
        if burst is None:
            burst = limit
        if min(limit, burst, lease) < 1 or period <= 0:
            raise ValueError("limit, burst and lease: 1 or more; period: above 0")
        if algorithm not in KINDS or (redis and algorithm != "fixed_window"):
            raise ValueError(f"{algorithm!r} cannot be used here")
        self.limit, self.burst, self.period = limit, burst, Fraction(period)
        self.interval = self.period / limit
        self.kind = KINDS[algorithm]
        self.most = burst if self.kind is Bucket else limit
        self.clock = clock
        self.guard = threading.Lock()
        self.keys = OrderedDict()
        self.highest = None
        self.shared = Shared(self, redis, lease) if redis else None

    def acquire(self, key, cost=1):
        return self.ask(key, cost, spend=True)

    def peek(self, key, cost=1):
        return self.ask(key, cost, spend=False)

    def ask(self, key, cost, spend):
        if cost < 1:
            raise ValueError("cost: 1 or more")
        with self.guard:
            now = self.time()
            if self.shared:
                return self.shared.ask(key, now, cost, spend)
            entry = self.keys.get(key) or self.kind(self)
            free = entry.look(now)
            if free < cost:
                wait = entry.wait(now, cost) if cost <= self.most else math.inf
                return Decision(False, max(math.floor(free), 0), wait)
            if spend:
                self.book(key, entry, now, cost)
            return Decision(True, math.floor(free - cost), 0)

    def throttle(self, key, cost=1, *, timeout):
        if self.kind is not Bucket or timeout < 0 or cost < 1:
            raise ValueError("throttle: a bucket, a timeout of 0 or more, a cost of 1 or more")
        with self.guard:
            now = self.time()
            entry = self.keys.get(key) or self.kind(self)
            wait = max(Fraction(0), entry.wait(now, cost)) if cost <= self.burst else math.inf
            if wait > timeout or cost > self.burst:
                return Decision(False, max(math.floor(entry.look(now)), 0), wait)
            self.book(key, entry, now, cost)
        if wait:
            self.clock.sleep(float(wait))
        with self.guard:
            return Decision(True, max(math.floor(entry.look(self.time())), 0), 0)

    def __len__(self):
        with self.guard:
            now = self.time()
            if self.shared:
                return self.shared.count(now)
            return sum(1 for entry in self.keys.values() if entry.look(now) < self.most)

    def time(self):
        reading = Fraction(self.clock.monotonic())
        self.highest = reading if self.highest is None else max(self.highest, reading)
        return self.highest

    def book(self, key, entry, now, cost):
        """Spend, and look at the two keys that have not been looked at for longest: who is idle goes."""
        entry.spend(now, cost)
        self.keys[key] = entry
        for _ in range(min(2, len(self.keys))):
            oldest, old = self.keys.popitem(last=False)
            if old.look(now) < self.most:
                self.keys[oldest] = old


class Shared:
    """Windows on a server."""

    def __init__(self, quota, redis, lease):
        self.quota, self.redis, self.lease = quota, redis, lease
        self.pockets = {}  # key -> [units, left there, until]

    def ask(self, key, now, cost, spend):
        self.pockets = {name: pocket for name, pocket in self.pockets.items() if pocket[2] > now and pocket[0]}
        pocket = self.pockets.get(key, [0, 0, now])
        if pocket[0] < cost:
            got, left, rest = self.redis.eval(lambda server: self.script(server, key, cost - pocket[0], spend))
            pocket[:] = pocket[0] + got, left, now + Fraction(rest)
        self.pockets[key] = pocket
        total = pocket[0] + pocket[1]
        if total < cost:
            return Decision(False, total, pocket[2] - now if cost <= self.quota.limit else math.inf)
        if spend:
            pocket[0] -= cost
        return Decision(True, total - cost, 0)

    def script(self, server, key, missing, spend):
        period = float(self.quota.period)
        rest = period - math.fmod(server.time(), period)
        left = self.quota.limit - (server.get(key) or 0)
        if not spend or missing > left:
            return 0, left, rest
        got = min(max(missing, self.lease), left)
        if server.incrby(key, got) == got:
            server.expire(key, rest)
        return got, left - got, rest

    def count(self, now):
        return sum(1 for units, _, until in self.pockets.values() if units and until > now)
