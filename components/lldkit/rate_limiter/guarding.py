"""What stands in front of an engine: the one procedure of a guard for threads and tasks, and figures that age."""

from collections.abc import Generator, Sequence
from typing import Any, TypeAlias

from lldkit.clock import MICRO
from lldkit.rate_limiter.decision import BucketVerdict, CountedVerdict, Promised, Verdict
from lldkit.rate_limiter.interface import Algorithm, Ask, PlainKey, Store, Tell

__all__ = ["Guard", "Place", "Steps", "aged", "microseconds", "places"]

Steps: TypeAlias = Generator[Ask, Sequence[Verdict], Sequence[Verdict]]
"""A procedure that yields what it asks the engine, is sent the verdicts (or thrown the error), and returns its own."""

Place: TypeAlias = tuple[str, str, PlainKey]


class Guard:
    """A store in front of a store. A subclass says what it knows without a trip, and what it asks and answers else.

    Closing a guard closes the store behind it.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def attach(self, algorithm: Algorithm[Any], tell: Tell) -> None:
        """Introduce the limiter to the store behind."""
        self._store.attach(algorithm, tell)

    def apply(self, ask: Ask) -> Sequence[Verdict]:
        """Answer from here, or with the help of the store behind."""
        known = self._known(ask)
        return self._run(self._answer(ask)) if known is None else known

    async def aapply(self, ask: Ask) -> Sequence[Verdict]:
        """Do the same without blocking the event loop."""
        known = self._known(ask)
        return await self._arun(self._answer(ask)) if known is None else known

    def close(self) -> None:
        """Give back what is held here, and close the store behind."""
        try:
            self._run(self._closing())
        finally:
            self._store.close()

    async def aclose(self) -> None:
        """Do the same without blocking the event loop."""
        try:
            await self._arun(self._closing())
        finally:
            await self._store.aclose()

    def _known(self, ask: Ask) -> Sequence[Verdict] | None:
        """The answer that needs no trip, if there is one."""

    def _answer(self, ask: Ask) -> Steps:
        """The answer that needs the store behind."""
        return (yield ask)

    def _closing(self) -> Steps:
        """What is to be given back."""
        yield from ()
        return []

    def _call(self, ask: Ask) -> Sequence[Verdict]:
        return self._store.apply(ask)

    async def _acall(self, ask: Ask) -> Sequence[Verdict]:
        return await self._store.aapply(ask)

    def _run(self, steps: Steps) -> Sequence[Verdict]:
        """Carry out `steps` in this thread; what the store raises is raised inside them."""
        try:
            ask = next(steps)
            while True:
                try:
                    verdicts = self._call(ask)
                except BaseException as error:  # noqa: BLE001 - the steps decide, and raise it again
                    ask = steps.throw(error)
                else:
                    ask = steps.send(verdicts)
        except StopIteration as done:
            answer: Sequence[Verdict] = done.value
            return answer

    async def _arun(self, steps: Steps) -> Sequence[Verdict]:
        """Carry out `steps` in this task; what the store raises is raised inside them."""
        try:
            ask = next(steps)
            while True:
                try:
                    verdicts = await self._acall(ask)
                except BaseException as error:  # noqa: BLE001 - the steps decide, and raise it again
                    ask = steps.throw(error)
                else:
                    ask = steps.send(verdicts)
        except StopIteration as done:
            answer: Sequence[Verdict] = done.value
            return answer


def places(ask: Ask) -> list[Place]:
    """Where a guard keeps what it knows of each quota of `ask`."""
    return [(ask.name, quota.name, key) for quota, key in zip(ask.quotas, ask.keys, strict=True)]


def aged(verdict: Verdict, elapsed: int) -> Verdict:
    """The verdict as it reads `elapsed` microseconds later if nobody has spent since; exact for buckets."""
    elapsed = max(0, elapsed)  # a clock that was set back makes nothing younger
    if isinstance(verdict, Promised):
        verdict = verdict.verdict
    if isinstance(verdict, BucketVerdict):
        allowed, quota, room, wanted = verdict
        return BucketVerdict((allowed, quota, min(quota.capacity, room + elapsed * quota.rate[0]), wanted))
    retry = verdict.retry_after_us
    return CountedVerdict(
        verdict.quota,
        verdict.allowed,
        verdict.remaining,
        None if retry is None else max(0, retry - elapsed),
        max(0, verdict.reset_after_us - elapsed),
        max(0, verdict.refill_after_us - elapsed),
    )


def microseconds(what: str, seconds: object, *, zero: bool = False) -> int:
    """`seconds` in whole microseconds; refuses what is no finite number above 0 (or at least 0)."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TypeError(f"{what} must be a number of seconds, got {seconds!r}")
    least = 0.0 if zero else 1 / MICRO
    if not least <= seconds < float("inf"):
        raise ValueError(f"{what} must be a finite number of seconds {'>=' if zero else '>'} 0, got {seconds!r}")
    return round(seconds * MICRO)
