"""The kit's own component behind the interface of the kata: one contract for the learner and for us."""

import math

from lldkit import retry
from lldkit.retry import TokenBudget, exponential


class Retry:
    """`lldkit.retry.Retry`, which refuses at construction what reaches beyond `Exception`."""

    def __init__(
        self, *, on, attempts=3, clock, rng, base=0.125, cap=16.0, timeout=math.inf, hint_cap=60.0, budget=None, cost=5
    ):
        if cost < 0:
            raise ValueError(f"cost must be at least 0, got {cost}")
        self._budget = None if budget is None else TokenBudget(capacity=budget, cost=cost)
        self._policy = retry.Retry(
            on=Exception if on is BaseException else on,
            attempts=attempts,
            timeout=None if timeout == math.inf else timeout,
            backoff=exponential(base=base, cap=cap),
            hint_cap=hint_cap,
            budget=self._budget,
            clock=clock,
            rng=rng,
        )
        self.call, self.acall = self._policy.call, self._policy.acall

    def __call__(self, function):
        return self._policy(function)

    def balance(self):
        return self._budget.balance
