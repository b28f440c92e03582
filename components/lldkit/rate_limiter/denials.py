"""Denials: a key that is blocked until some moment need not be asked about before."""

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from lldkit.arguments import check_count
from lldkit.rate_limiter.decision import BucketVerdict, CountedVerdict, Verdict
from lldkit.rate_limiter.guarding import Guard, Place, Steps, aged, microseconds, places
from lldkit.rate_limiter.interface import Ask, Quota, Store

__all__ = ["Denials"]

MOST_COSTS = 4  # denials of different costs that are remembered per key


@dataclass(frozen=True, slots=True)
class Denial:
    """`verdict` refused `cost` under `quota` at `at`; it stands until `until` and is trusted until `expires`."""

    quota: Quota
    cost: int
    at: int
    until: float
    expires: int
    verdict: Verdict

    def answers(self, quota: Quota, ask: Ask) -> bool:
        """Whether asking the engine could bring nothing but the same denial."""
        if self.cost > ask.cost or ask.now >= self.expires or self.until - ask.now <= ask.max_delay:
            return False
        return self.quota is quota or self.quota == quota

    def renewed(self, ask: Ask) -> Verdict:
        """The refusal as it reads now, for the cost that is asked."""
        verdict = aged(self.verdict, ask.now - self.at)
        if isinstance(verdict, BucketVerdict):
            return BucketVerdict((False, verdict[1], verdict[2], ask.cost))
        retry = verdict.retry_after_us if ask.cost <= self.quota.burst else None
        figures = (retry, verdict.reset_after_us, verdict.refill_after_us)
        return CountedVerdict(verdict.quota, False, verdict.remaining, *figures)


class Denials(Guard):
    """Remembers who is blocked until when, and refuses them without a trip to the engine.

    A key that was denied a cost until t is not asked about again before t, or for `max_age` seconds if that is
    sooner, for that cost or more; a smaller cost is asked. The figures are those of the denial, grown older:
    `retry_after` is never later than the truth, and all are exact for a bucket until a smaller cost passes; under a
    window or a log `remaining` stays as it was. Where several quotas are asked together, those that are not known to
    refuse are not asked either, and read as if nobody had used them.

    `reset`, a cancelled promise and a changed quota of this process forget at once; what other processes change is
    seen after `max_age` at the latest. At most `max_keys` keys are remembered; forgetting the oldest costs a trip.

    Safe for threads and tasks; no lock is held during a call. A denial costs O(quotas).
    """

    def __init__(self, store: Store, *, max_keys: int = 10_000, max_age: float = 1.0) -> None:
        super().__init__(store)
        check_count("max_keys", max_keys, least=1)
        self._max_keys = max_keys
        self._max_age = microseconds("max_age", max_age)
        self._lock = threading.Lock()  # guards the two below
        self._denials: dict[Place, tuple[Denial, ...]] = {}  # the oldest key first
        self._times_forgotten = 0

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._denials)

    def _known(self, ask: Ask) -> Sequence[Verdict] | None:
        if ask.mode in {"cancel", "reset"}:
            return None
        with self._lock:
            remembered = [self._denials.get(place, ()) for place in places(ask)]
        if not any(remembered):
            return None
        found = [
            next((denial for denial in denials if denial.answers(quota, ask)), None)
            for denials, quota in zip(remembered, ask.quotas, strict=True)
        ]
        if not any(found):
            return None
        decide = ask.algorithm.decide
        return [
            denial.renewed(ask) if denial else decide(quota, None, ask.now, 0)[1]
            for denial, quota in zip(found, ask.quotas, strict=True)
        ]

    def _answer(self, ask: Ask) -> Steps:
        if ask.mode in {"cancel", "reset"}:
            try:
                return (yield ask)
            finally:
                self._forget(ask)
        times_forgotten = self._times_forgotten
        verdicts = yield ask
        denied = [
            (place, self._denial(quota, ask, verdict))
            for place, quota, verdict in zip(places(ask), ask.quotas, verdicts, strict=True)
            if not verdict
        ]
        if denied:
            self._remember(denied, times_forgotten)
        return verdicts

    def _denial(self, quota: Quota, ask: Ask, verdict: Verdict) -> Denial:
        retry = verdict.retry_after_us
        until = math.inf if retry is None else ask.now + retry
        return Denial(quota, ask.cost, ask.now, until, ask.now + self._max_age, verdict)

    def _remember(self, denied: Sequence[tuple[Place, Denial]], times_forgotten: int) -> None:
        with self._lock:
            if self._times_forgotten != times_forgotten:
                return  # this answer may be older than what made others obsolete
            for place, new in denied:
                others = [
                    old
                    for old in self._denials.pop(place, ())
                    if old.expires > new.at and (old.cost < new.cost or old.until > new.until)
                ]
                self._denials[place] = (*others, new)[-MOST_COSTS:]
            while len(self._denials) > self._max_keys:
                del self._denials[next(iter(self._denials))]

    def _forget(self, ask: Ask) -> None:
        with self._lock:
            self._times_forgotten += 1
            for place in places(ask):
                self._denials.pop(place, None)
