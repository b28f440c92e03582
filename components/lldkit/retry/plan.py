"""The plan of one call: after a failure, sleep so long and try again, or stop for this reason.

Pure: it reads no clock, draws no random number, takes no lock and waits for nothing. The shell asks in this order:

    1. is there another attempt at all?      `refused`: the kind of error, the attempts left, what the server said
    2. how long is the backoff?              drawn by the shell, so that a last failure draws nothing
    3. how long do we sleep, and in time?    `planned`: the longer of backoff and hint; nothing ends after the deadline
    4. who pays?                             the budget, asked last, so that a retry which is not made costs nothing
"""

import math
from typing import NamedTuple

from lldkit.retry.interface import ErrorClass, Reason, Why

__all__ = ["Mode", "Rules", "State", "heeded", "planned", "refused"]


_BACKOFF: Why = "backoff"
_HINT: Why = "hint"


class Rules(NamedTuple):
    """What holds for every call of a policy; None is unbounded. Times are in seconds."""

    attempts: int | None
    hint_cap: float
    hint_above_backoff: float | None


class State(NamedTuple):
    """What one call has gone through, and what is next: `sleep` seconds, because of `why`, then number `attempts`.

    `backoff` is the last one drawn, `slept` the sum of all sleeps, `deadline` in the clock's seconds.
    """

    attempts: int = 1
    deadline: float = math.inf
    sleep: float = 0.0
    why: Why = "backoff"
    backoff: float = 0.0
    slept: float = 0.0


class Mode(NamedTuple):
    """Where the call is made: with retries disabled, or inside a retried attempt of another policy."""

    enabled: bool = True
    nested: bool = False


def refused(
    rules: Rules, state: State, error_class: ErrorClass | None, hint: float | None, mode: Mode
) -> Reason | None:
    """Why there is no other attempt, however short its backoff; None when there may be one."""
    if error_class is None:
        return Reason.NOT_RETRYABLE
    if not mode.enabled:
        return Reason.DISABLED
    if rules.attempts is not None and state.attempts >= rules.attempts:
        return Reason.ATTEMPTS
    if mode.nested:
        return Reason.NESTED
    if hint == math.inf:
        return Reason.HINT
    return None


def planned(rules: Rules, state: State, backoff: float, hint: float | None, now: float) -> State | Reason:
    """The state with the next sleep in it, or DEADLINE when that sleep would end too late.

    A hint lengthens the backoff and never shortens it, as far as `hint_cap` and `hint_above_backoff` allow.
    """
    sleep, why = backoff, _BACKOFF
    if hint is not None:
        hint = min(hint, rules.hint_cap)
        if rules.hint_above_backoff is not None:
            hint = min(hint, backoff + rules.hint_above_backoff)
        if hint > backoff:
            sleep, why = hint, _HINT
    if now + sleep > state.deadline:
        return Reason.DEADLINE
    return State(state.attempts + 1, state.deadline, sleep, why, backoff, state.slept + sleep)


def heeded(said: object) -> float | None:
    """What a hint says, in seconds: infinite for "stop", None for what makes no sense (negative, NaN, other text).

    >>> heeded(3), heeded("stop"), heeded(-1), heeded("soon")
    (3.0, inf, None, None)
    """
    if said == "stop":
        return math.inf
    if isinstance(said, int | float) and not isinstance(said, bool) and said >= 0:
        return float(said) if said < 1e300 else math.inf if said == math.inf else 1e300
    return None
