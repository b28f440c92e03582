"""Every key is a list of what it has spent; each answer is computed anew from the list. Slow, and hard to get wrong."""

import math
import threading

from interface import Decision


class RateLimiter:
    """At most `limit` units per `period` seconds for each key."""

    def __init__(self, *, limit, period, burst=None, algorithm="fixed_window", clock, redis=None, lease=1):
        if limit < 1 or not period > 0 or lease < 1 or (burst is not None and burst < 1):
            raise ValueError("limit, burst and lease are at least 1, period is above 0")
        if algorithm not in {"fixed_window", "token_bucket", "sliding_log", "gcra"}:
            raise ValueError(f"no such algorithm: {algorithm!r}")
        if redis is not None and algorithm != "fixed_window":
            raise ValueError("on a server there are fixed windows only")
        self.limit, self.period, self.burst = limit, period, burst or limit
        self.algorithm, self.clock, self.redis, self.lease = algorithm, clock, redis, lease
        self.lock = threading.RLock()
        self.spends = {}  # key -> [(time, units)], oldest first; promised ones lie in the future
        self.held = {}  # key -> (units, left on the server, end of the window by our clock)
        self.latest = -math.inf
        self.sweep_at = 8

    def acquire(self, key, *, cost=1):
        with self.lock:
            if self.redis is not None:
                return self.leased(key, cost, take=True)
            decision = self.peek(key, cost=cost)
            if decision.allowed:
                self.spend(key, self.latest, cost)
            return decision

    def peek(self, key, *, cost=1):
        with self.lock:
            if self.redis is not None:
                return self.leased(key, cost, take=False)
            if cost < 1:
                raise ValueError("a cost is at least 1")
            now = self.now()
            free = self.free(key, now)
            if cost <= free:
                return Decision(True, math.floor(free) - cost, 0.0)
            wait = self.wait(key, now, cost, free)
            free = max(0, math.floor(free))
            return Decision(False, free, wait)

    def throttle(self, key, *, cost=1, timeout):
        if self.algorithm in {"fixed_window", "sliding_log"} or timeout < 0:
            raise ValueError("only buckets can be waited for, and not for less than 0 seconds")
        with self.lock:
            decision = self.peek(key, cost=cost)
            if decision.retry_after > timeout or math.isinf(decision.retry_after):
                return decision
            self.spend(key, self.latest + decision.retry_after, cost)
        if decision.retry_after:
            self.clock.sleep(decision.retry_after)
        with self.lock:
            return Decision(True, max(0, math.floor(self.free(key, self.now()))), 0.0)

    def __len__(self):
        with self.lock:
            now = self.now()
            if self.redis is not None:
                return sum(1 for units, _, end in self.held.values() if units > 0 and now < end)
            self.sweep(now)
            return len(self.spends)

    def now(self):
        self.latest = max(self.latest, self.clock.monotonic())
        return self.latest

    def spend(self, key, at, cost):
        """Write it down; what is idle is swept out whenever the number of keys has doubled."""
        self.spends[key] = [*(spend for spend in self.spends.get(key, []) if self.counts(spend, at)), (at, cost)]
        if len(self.spends) > self.sweep_at:
            self.sweep(self.latest)
            self.sweep_at = 2 * len(self.spends) + 8

    def counts(self, spend, now):
        return self.algorithm in {"token_bucket", "gcra"} or spend[0] + self.period > now - self.period

    def sweep(self, now):
        whole = self.burst if self.algorithm in {"token_bucket", "gcra"} else self.limit
        self.spends = {key: spends for key, spends in self.spends.items() if self.free(key, now) < whole}

    def free(self, key, now):
        spends = self.spends.get(key, [])
        if self.algorithm == "fixed_window":
            begin = self.begin(now)
            return self.limit - sum(units for at, units in spends if at >= begin)
        if self.algorithm == "sliding_log":
            return self.limit - sum(units for at, units in spends if at + self.period > now)
        tokens, since = self.burst, -math.inf
        for at, units in [*spends, (now, 0)]:
            if at > since:
                tokens = self.burst if since == -math.inf else min(self.burst, tokens + self.gain(at - since))
                since = at
            elif units == 0:  # units are promised beyond now
                tokens -= self.gain(since - at)
            tokens -= units
        return tokens

    def gain(self, seconds):
        return seconds * self.limit / self.period

    def begin(self, now):
        return now - now % self.period

    def wait(self, key, now, cost, free):
        if self.algorithm in {"token_bucket", "gcra"}:
            return math.inf if cost > self.burst else (cost - free) * self.period / self.limit
        if cost > self.limit:
            return math.inf
        if self.algorithm == "fixed_window":
            return self.begin(now) + self.period - now
        ends = [(at + self.period, units) for at, units in self.spends[key] if at + self.period > now]
        missing = cost - free
        while True:
            end, units = ends.pop(0)
            missing -= units
            if missing <= 0:
                return end - now

    def leased(self, key, cost, *, take):
        if cost < 1:
            raise ValueError("a cost is at least 1")
        now = self.now()
        units, left, end = self.held.get(key, (0, 0, now))
        if now >= end:
            self.held = {other: entry for other, entry in self.held.items() if entry[2] > now}
            units = 0
        if units < cost:
            more, left, rest = self.redis.eval(lambda redis: self.on_server(redis, key, cost - units, take))
            units, end = units + more, now + rest
        allowed = cost <= units + left
        self.held[key] = (units - cost if allowed and take else units), left, end
        if allowed:
            return Decision(True, units + left - cost, 0.0)
        return Decision(False, units + left, end - now if cost <= self.limit else math.inf)

    def on_server(self, redis, key, missing, take):
        number, rest = redis.time() // self.period, self.period - redis.time() % self.period
        left = self.limit - (redis.get((key, number)) or 0)
        if missing > left or not take:
            return 0, left, rest
        units = min(left, max(missing, self.lease))
        redis.incrby((key, number), units)
        redis.expire((key, number), rest)
        return units, left - units, rest
