"""One call between its attempts: asks the plan, draws the backoff, pays the budget, tells the listener, sleeps."""

import math
from typing import TYPE_CHECKING

from lldkit.retry.backoff import checked_delay
from lldkit.retry.classify import TRANSIENT
from lldkit.retry.giving_up import mark
from lldkit.retry.interface import (
    AttemptFailed,
    ErrorClass,
    GaveUp,
    GiveUp,
    Permit,
    Reason,
    Recovered,
    ResultRejected,
    RetryEvent,
    Sleeping,
    TryAgain,
)
from lldkit.retry.plan import Mode, State, heeded, planned, refused
from lldkit.retry.scope import RETRIED, Marker, mode, sleeps
from lldkit.retry.targets import Misused

if TYPE_CHECKING:
    from lldkit.retry.policy import Retry

__all__ = ["Call"]


class Call:
    """What the shell keeps of one call; `with call:` is around each attempt. It belongs to one thread or task."""

    __slots__ = ("_outer", "active", "permit", "policy", "started", "state")

    def __init__(self, policy: "Retry", started: float | None = None) -> None:
        """Begin at `started` (monotonic seconds; None: now)."""
        self.policy = policy
        self.started = policy.clock.monotonic() if started is None else started
        self.state = State(1, math.inf if policy.timeout is None else self.started + policy.timeout)
        self.permit: Permit | None = None
        self.active = False
        self._outer: Marker | None = None

    def __enter__(self) -> None:
        """Begin an attempt; what a retried one runs is marked as inside it."""
        if self.state.attempts > 1 and not self.active:
            self._outer = RETRIED.get()
            self.active = True
            RETRIED.set(self)

    def __exit__(self, *_: object) -> None:
        if self.active:
            self.active = False
            if RETRIED.get() is self:  # else a generator was closed in another context, which is none of ours
                RETRIED.set(self._outer)

    def failed(self, error: Exception, error_class: ErrorClass | None = None) -> bool:
        """Decide what follows a failed attempt: True for a sleep and another one, False for giving `error` up."""
        policy = self.policy
        if error_class is None and not isinstance(error, Misused):
            error_class = TRANSIENT if isinstance(error, TryAgain) else policy.classify(error)
        if policy.on_event is not None:
            self._tell(AttemptFailed, self.state.attempts, error, _name(error_class))
        decision = self._decide(error, error_class)
        if isinstance(decision, Reason):
            self._give_up(decision, error, error_class)
            return False
        self.state = decision
        return True

    def _decide(self, error: Exception, error_class: ErrorClass | None) -> State | Reason:
        """The four questions of the plan, in their order."""
        policy, state = self.policy, self.state
        hint = heeded(policy.read_hint(error)) if error_class is not None and policy.read_hint is not None else None
        reason = refused(policy.rules, state, error_class, hint, self.mode())
        if reason is not None or error_class is None:
            return reason or Reason.NOT_RETRYABLE
        backoff = error_class.backoff or policy.backoff
        delay = checked_delay(backoff.delay(state.attempts, state.backoff, policy.random), backoff)
        after = planned(policy.rules, state, delay, hint, policy.clock.monotonic())
        if isinstance(after, State) and policy.budget is not None and not self._pay(error_class.cost):
            return Reason.BUDGET
        return after

    def returned(self, result: object) -> bool:
        """Decide what follows an attempt that returned: True for success. Raises `ResultRejected` on giving up."""
        rejects = self.policy.retry_result
        if rejects is None or not rejects(result):
            self._succeeded()
            return True
        error = ResultRejected(result)
        if not self.failed(error, TRANSIENT):
            raise error
        return False

    def sleep(self) -> None:
        """Block this thread. What interrupts the sleep passes, and the retry that will not be made is not paid for."""
        try:
            seconds = self._sleeping()
            if seconds > 0:
                self.policy.clock.sleep(seconds)
        except BaseException:
            self._abandon()
            raise

    async def asleep(self) -> None:
        """Suspend this task, for 0 seconds too, so that others run between the attempts."""
        try:
            await self.policy.clock.asleep(self._sleeping())
        except BaseException:
            self._abandon()
            raise

    def copy(self) -> bool:
        """Whether a hedged copy may be started, which counts as an attempt and is paid for as one."""
        if refused(self.policy.rules, self.state, TRANSIENT, None, self.mode()) is not None or not self._pay(None):
            return False
        self.state = self.state._replace(attempts=self.state.attempts + 1)
        self.__enter__()  # a policy inside the copy does not retry; the end of the whole attempt ends that
        return True

    def mode(self) -> Mode:
        """Whether there may be retries here."""
        here = mode(self)
        return here._replace(nested=False) if self.policy.nested == "multiply" else here

    def remaining(self) -> float | None:
        """Seconds until the deadline, not below 0; None when there is none."""
        if self.policy.timeout is None:
            return None
        return max(0.0, self.state.deadline - self.policy.clock.monotonic())

    def attempt_timeout(self) -> float | None:
        """Seconds that the next attempt may take: the least of the policy's limit and what remains."""
        limits = [limit for limit in (self.policy.attempt_timeout, self.remaining()) if limit is not None]
        return min(limits, default=None)

    def _succeeded(self) -> None:
        if self.policy.budget is not None:
            self.policy.budget.succeeded(self.permit)
        if self.state.attempts > 1 and self.policy.on_event is not None:
            self._tell(Recovered, self.state.attempts)

    def _sleeping(self) -> float:
        """The seconds to sleep now."""
        if self.policy.on_event is not None:
            self._tell(Sleeping, self.state.sleep, self.state.why)
        return self.state.sleep if sleeps() else 0.0

    def _pay(self, cost: int | None) -> bool:
        """Whether the budget, if there is one, pays for one retry."""
        if self.policy.budget is None:
            return True
        permit = self.policy.budget.withdraw(cost)
        if permit is not None:
            self.permit = permit
        return permit is not None

    def _abandon(self) -> None:
        """Give back what was paid for the next attempt."""
        if self.policy.budget is not None and self.permit is not None:
            self.policy.budget.give_back(self.permit)
            self.permit = None

    def _give_up(self, reason: Reason, error: Exception, error_class: ErrorClass | None) -> None:
        elapsed = self.policy.clock.monotonic() - self.started
        give_up = GiveUp(reason, self.state.attempts, elapsed, self.state.slept, _name(error_class))
        if reason is not Reason.NOT_RETRYABLE:
            mark(error, give_up)
        if isinstance(error, ResultRejected) and error.give_up is None:
            error.give_up = give_up
        if self.policy.on_event is not None:
            self._tell(GaveUp, error, give_up)

    def _tell(self, event: type[RetryEvent], *details: object) -> None:
        self.policy.emit(event(self.policy.clock.now(), *details))


def _name(error_class: ErrorClass | None) -> str | None:
    return None if error_class is None else error_class.name
