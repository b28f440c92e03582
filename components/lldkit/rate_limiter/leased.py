"""Leased: units taken from the engine by the dozen and served from here, so that most calls make no trip."""

import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice

from lldkit.arguments import check_count
from lldkit.rate_limiter.decision import BucketVerdict, CountedVerdict, Promised, Verdict
from lldkit.rate_limiter.guarding import Guard, Place, Steps, aged, microseconds, places
from lldkit.rate_limiter.interface import Ask, Mode, Promise, Quota, RateLimiterError, Store

__all__ = ["Leased"]

MOST_LEASES = 100_000  # while so many are live, further keys go to the engine each time


@dataclass(slots=True)
class Lease:
    """`left` units of one bucket that may be spent here until `until`; `ask` took `taken` of them and got `verdict`."""

    ask: Ask
    taken: int
    left: int
    until: int
    verdict: Verdict

    def serves(self, quota: Quota, ask: Ask) -> bool:
        """Whether the lease holds what is asked."""
        mine = self.ask.quotas[0]
        return self.left >= ask.cost and self.until > ask.now and (mine is quota or mine == quota)

    def told(self, left: int, now: int) -> Verdict:
        """What a caller is told while `left` units remain here: the engine's last figures, and these units."""
        verdict = aged(self.verdict, now - self.ask.now)
        quota = verdict.quota
        if isinstance(verdict, BucketVerdict):
            return BucketVerdict((True, quota, min(quota.capacity, verdict[2] + left * quota.rate[1]), 0))
        return CountedVerdict(quota, True, verdict.remaining + left, 0, verdict.reset_after_us, verdict.refill_after_us)

    def returning(self, now: int) -> Ask | None:
        """What gives the unused units back; None when there is nothing that could be.

        Only units that the bucket still owes for can be returned, so that nothing is returned twice: by the rule and
        by the clock. For the engine they are a promise whose time has not come while more than one unit is owed, which
        is what a promise under a burst of 1 would be.
        """
        verdict, quota = aged(self.verdict, now - self.ask.now), self.ask.quotas[0]
        if not isinstance(verdict, BucketVerdict) or not isinstance(self.verdict, Promised):
            return None
        promise: Promise = self.verdict.promise
        unused = min(self.left, self.taken, (quota.capacity - verdict[2]) // quota.rate[1])
        if unused < 1 or promise[-1] != self.taken:
            return None
        part = (*promise[:-1], unused)
        return self.ask._replace(
            mode="cancel", quotas=(replace(quota, burst=1),), now=now, cost=unused, promises=(part,)
        )


class Leased(Guard):
    """Takes `units` of a key per trip and serves them from here for at most `seconds`.

    With p processes, cost admitted in any interval of length t <= burst + rate x t + p x units: what was taken before
    the interval may be spent in it. A call is served by the lease or by the engine; the engine alone decides on what
    the lease cannot serve, on costs above `units`, and on promises for later. A denial costs at most two trips.

    Units that are unused after `seconds`, or at `close`, are returned: from then on never spent here, and given back to
    the engine as far as the bucket still owes for them and nobody took units after them; only `gcra` and
    `token_bucket` can undo that. The return of an idle key rides on a later call; `close` goes by the time of the
    last call. `remaining` and `reset_after` are the engine's figures of the last trip plus what is held here.

    Safe for threads and tasks; no lock is held during a call. A call that is cancelled spends nothing of a lease.
    """

    def __init__(self, store: Store, *, units: int, seconds: float) -> None:
        super().__init__(store)
        check_count("units", units, least=1)
        self._units = units
        self._seconds = microseconds("seconds", seconds)
        self._lock = threading.Lock()  # guards all below
        self._leases: dict[Place, Lease] = {}  # the first to expire first
        self._taking: set[Place] = set()
        self._now = 0

    def __len__(self) -> int:
        """How many leases are held."""
        return len(self._leases)

    def _known(self, ask: Ask) -> Sequence[Verdict] | None:
        if ask.mode == "cancel":
            return [] if ask.promises[0] == (self,) else None
        if ask.mode == "reset":
            return None
        spent = 0 if ask.mode == "peek" else ask.cost
        with self._lock:
            leases = [
                lease if (lease := self._leases.get(place)) and lease.serves(quota, ask) else None
                for place, quota in zip(places(ask), ask.quotas, strict=True)
            ]
            if not all(leases):
                return None
            held = [lease for lease in leases if lease]
            for lease in held:
                lease.left -= spent
            told = [(lease, lease.left) for lease in held]
        verdicts = [lease.told(left, ask.now) for lease, left in told]
        return [Promised(verdict, (self,)) for verdict in verdicts] if ask.mode == "reserve" else verdicts

    def _answer(self, ask: Ask) -> Steps:
        if ask.mode == "reset":
            try:
                return (yield ask)
            finally:
                self._forget(ask)
        if ask.mode != "acquire" or ask.cost == 0:
            return (yield ask)
        yield from self._returning(self._expired(ask), ask.now)
        leases = self._claim(ask)
        missing = [index for index, lease in enumerate(leases) if lease is None]
        granted = False
        try:
            answers = iter((yield from self._taken(_part(ask, missing))))
            verdicts = [lease.told(lease.left, ask.now) if lease else next(answers) for lease in leases]
            granted = all(verdicts)
        finally:
            if not granted:
                self._unclaim(ask, leases)
        return verdicts

    def _closing(self) -> Steps:
        with self._lock:
            leases, now = list(self._leases.values()), self._now
            self._leases.clear()
        return (yield from self._returning(leases, now))

    def _taken(self, ask: Ask) -> Steps:
        """Ask for a lease that covers the cost; for just the cost where none is to be had."""
        if not ask.quotas:
            return []
        if amount := self._begin(ask):
            try:
                mode: Mode = "reserve" if ask.algorithm.promises else "acquire"
                verdicts = yield ask._replace(mode=mode, cost=amount, max_delay=0)
                if all(verdicts):
                    return self._lend(ask, amount, verdicts)
            finally:
                self._end(ask)
            if refused := _rejudged(verdicts, ask.cost):
                return refused
        return (yield ask)

    def _returning(self, leases: Iterable[Lease], now: int) -> Steps:
        for lease in leases:
            if returned := lease.returning(now):
                with suppress(RateLimiterError):  # the units are lost, which only makes the limit stricter
                    yield returned
        return []

    # -- under the lock -----------------------------------------------------------------------------------------------

    def _expired(self, ask: Ask) -> list[Lease]:
        """Take out what `ask` has but cannot use, and of the others at most two that are over."""
        with self._lock:
            self._now = max(self._now, ask.now)
            over = [place for place in islice(self._leases, 2) if self._leases[place].until <= ask.now]
            for place, quota in zip(places(ask), ask.quotas, strict=True):
                lease = self._leases.get(place)
                if lease and place not in over and (lease.until <= ask.now or lease.ask.quotas[0] != quota):
                    over.append(place)
            return [self._leases.pop(place) for place in over]

    def _claim(self, ask: Ask) -> list[Lease | None]:
        """The leases that pay for `ask`, already paid from; None where the engine must be asked."""
        with self._lock:
            leases = [
                lease if (lease := self._leases.get(place)) and lease.serves(quota, ask) else None
                for place, quota in zip(places(ask), ask.quotas, strict=True)
            ]
            for lease in leases:
                if lease:
                    lease.left -= ask.cost
            return leases

    def _unclaim(self, ask: Ask, claimed: Iterable[Lease | None]) -> None:
        with self._lock:
            for place, paid in zip(places(ask), claimed, strict=True):
                if paid and (lease := self._leases.get(place)):  # it may have been renewed meanwhile
                    lease.left = min(lease.left + ask.cost, self._units)

    def _begin(self, ask: Ask) -> int:
        """How many units this call may take, its cost among them; 0 where a lease is no use.

        One call per key takes at a time, and no more than there is room for beside what another call has taken since
        we looked: so no process holds more than `units`, and none of them is lost.
        """
        wanted = places(ask)
        with self._lock:
            if not self._taking.isdisjoint(wanted) or len(self._leases) >= MOST_LEASES:
                return 0
            held = max(lease.left if (lease := self._leases.get(place)) else 0 for place in wanted)
            amount = min(self._units, self._units - held + ask.cost, *(quota.burst for quota in ask.quotas))
            if amount <= ask.cost:
                return 0
            self._taking.update(wanted)
            return amount

    def _end(self, ask: Ask) -> None:
        with self._lock:
            self._taking.difference_update(places(ask))

    def _lend(self, ask: Ask, amount: int, verdicts: Sequence[Verdict]) -> list[Verdict]:
        """Keep what was taken beyond the cost."""
        leases = []
        until = ask.now + self._seconds
        with self._lock:
            for index, (place, verdict) in enumerate(zip(places(ask), verdicts, strict=True)):
                held = self._leases.pop(place, None)
                left = min(amount - ask.cost + (held.left if held else 0), self._units)
                self._leases[place] = Lease(_part(ask, [index]), amount, left, until, verdict)
                leases.append(self._leases[place])
        return [lease.told(lease.left, ask.now) for lease in leases]

    def _forget(self, ask: Ask) -> None:
        with self._lock:
            for place in places(ask):
                self._leases.pop(place, None)


def _part(ask: Ask, indexes: Sequence[int]) -> Ask:
    """`ask` about some of its quotas."""
    return ask._replace(
        keys=tuple(ask.keys[index] for index in indexes), quotas=tuple(ask.quotas[index] for index in indexes)
    )


def _rejudged(refused: Sequence[Verdict], cost: int) -> list[Verdict]:
    """What the refusal of a lease says about `cost`; nothing when the engine must be asked."""
    judged: list[Verdict] = []
    for verdict in refused:
        if not isinstance(verdict, BucketVerdict):
            return []
        _, quota, room, _ = verdict
        fits = room >= cost * quota.rate[1]
        judged.append(BucketVerdict((fits, quota, room, 0 if fits else cost)))
    return [] if all(judged) else judged
