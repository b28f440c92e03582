"""Retry budgets: how much of the load on a dependency may be retries, shared by all calls to it.

Without one, n attempts per call multiply the load of a failing service by n, just when it can bear it least, and may
keep it down after the cause is gone. `TokenBudget` bounds retries by what successes earn (AWS SDKs, gRPC A6);
`RatioBudget` by a share of the requests of a window plus a floor (Finagle's RetryBudget, the SRE book's 10 %).

The first attempt is free. A retry is paid for when it is decided, before its sleep, under a lock that is held for
arithmetic only. A budget is one object in one process for one dependency: give it to every policy that calls it.
"""

import math
import threading
from collections import deque

from lldkit.arguments import check_count, check_number
from lldkit.clock import SYSTEM, Clock
from lldkit.retry.interface import Permit

__all__ = ["RatioBudget", "TokenBudget"]

SLICES = 10


class TokenBudget:
    """A purse of `capacity` tokens, full at first: a retry costs `cost`, a success earns.

    A success after retries gets back what its last retry paid; a success at once adds `success`. So retries pass freely
    while most calls succeed and dry up when most fail. Safe for threads and tasks; O(1).

    >>> budget = TokenBudget(capacity=10, cost=5)
    >>> permits = [budget.withdraw(None) for _ in range(3)]
    >>> permits, budget.balance
    ([Permit(cost=5), Permit(cost=5), None], 0)
    """

    def __init__(self, *, capacity: int = 500, cost: int = 5, success: int = 1) -> None:
        check_count("capacity", capacity)
        check_count("cost", cost)
        check_count("success", success)
        self._capacity = capacity
        self._cost = cost
        self._success = success
        self._lock = threading.Lock()  # guards the balance
        self._balance = capacity

    def started(self) -> None:
        """Do nothing; only successes earn."""

    def withdraw(self, cost: int | None, /) -> Permit | None:
        """Pay `cost` tokens (None: the budget's own cost), or refuse with None."""
        price = self._cost if cost is None else cost
        with self._lock:
            if self._balance < price:
                return None
            self._balance -= price
        return Permit(price)

    def succeeded(self, permit: Permit | None, /) -> None:
        """Refund `permit`, the last retry of the call that succeeded; None for a success at once."""
        if self._balance == self._capacity:
            return  # a full purse earns nothing, so nothing is lost when it is emptied at this very moment
        earned = self._success if permit is None else permit.cost
        with self._lock:
            self._balance = min(self._capacity, self._balance + earned)

    def give_back(self, permit: Permit, /) -> None:
        """Take back what was paid for a retry that was never made."""
        with self._lock:
            self._balance = min(self._capacity, self._balance + permit.cost)

    @property
    def balance(self) -> int:
        """Tokens left, 0 to `capacity`."""
        return self._balance

    def __repr__(self) -> str:
        return f"TokenBudget(capacity={self._capacity}, cost={self._cost}, success={self._success})"


class RatioBudget:
    """Grants a retry while those of the last `window` seconds stay within `ratio` x calls started in it, plus a floor.

    The floor, `min_per_second` x `window`, lets a dependency with few callers be retried at all. The window moves in
    tenths. Safe for threads and tasks; O(1), at most 11 slices in memory.

    >>> budget = RatioBudget(ratio=0.1, min_per_second=0)
    >>> for _ in range(20):
    ...     budget.started()
    >>> [budget.withdraw(None) is not None for _ in range(3)]
    [True, True, False]
    """

    def __init__(
        self, *, ratio: float = 0.2, min_per_second: float = 10, window: float = 10.0, clock: Clock = SYSTEM
    ) -> None:
        check_number("ratio", ratio)
        check_number("min_per_second", min_per_second)
        check_number("window", window, above=0)
        self._ratio = ratio
        self._floor = min_per_second * window
        self._slice = window / SLICES
        self._clock = clock
        self._lock = threading.Lock()  # guards all below
        self._slices: deque[_Slice] = deque([_Slice(self._number(clock.monotonic()))])
        self._calls = 0
        self._retries = 0

    def started(self) -> None:
        """Count a call of this moment."""
        now = self._clock.monotonic()
        with self._lock:
            self._at(now).calls += 1
            self._calls += 1

    def withdraw(self, cost: int | None, /) -> Permit | None:
        """Count `cost` retries (None: 1) if the window has room for them, else refuse with None."""
        price = 1 if cost is None else cost
        now = self._clock.monotonic()
        with self._lock:
            this = self._at(now)
            if self._room() < price:
                return None
            this.retries += price
            self._retries += price
        return Permit(price, this.number)

    def succeeded(self, permit: Permit | None, /) -> None:
        """Do nothing; a retry is load whether it succeeds or not."""

    def give_back(self, permit: Permit, /) -> None:
        """Take back what was paid for a retry that was never made."""
        with self._lock:
            for each in self._slices:
                if each.number == permit.slice:  # else the window has forgotten it by itself
                    each.retries -= permit.cost
                    self._retries -= permit.cost

    @property
    def balance(self) -> float:
        """Retries that the window has room for at this moment, never below 0."""
        now = self._clock.monotonic()
        with self._lock:
            self._at(now)
            return max(0.0, self._room())

    def _room(self) -> float:
        """As `balance`; rounded, because 10 calls at a ratio of 0.1 are one retry, and 0.1 is no float."""
        return round(self._floor + self._ratio * self._calls - self._retries, 9)

    def _at(self, now: float) -> "_Slice":
        """The slice of `now`, after what has left the window is forgotten. The lock is held."""
        number = max(self._number(now), self._slices[-1].number)  # a thread may come late with its `now`
        if number > self._slices[-1].number:
            self._slices.append(_Slice(number))
        while self._slices[0].number <= number - SLICES:
            gone = self._slices.popleft()
            self._calls -= gone.calls
            self._retries -= gone.retries
        return self._slices[-1]

    def _number(self, now: float) -> int:
        return math.floor(now / self._slice)

    def __repr__(self) -> str:
        return f"RatioBudget(ratio={self._ratio}, min_per_second={self._floor / (self._slice * SLICES):g})"


class _Slice:
    """A tenth of the window: calls started and retries granted in it."""

    __slots__ = ("calls", "number", "retries")

    def __init__(self, number: int) -> None:
        self.number = number
        self.calls = 0
        self.retries = 0
