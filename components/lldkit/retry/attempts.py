"""The loop form: `for attempt in policy: with attempt: ...`, for blocks that are no functions."""

from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import Literal, Self

from lldkit.retry.call import Call

__all__ = ["Attempt", "Attempts"]

Stage = Literal["new", "entered", "done"]


class Attempt:
    """One attempt of a loop; as a context manager it swallows the error that will be retried, and no other.

    Leaving the block without an error, by `break` and `return` too, is success. With `retry_result`, set `result` in
    the block. It belongs to the thread or task of its loop.
    """

    __slots__ = ("_call", "_is_last", "_stage", "number", "result")

    result: object

    def __init__(self, call: Call) -> None:
        self._call = call
        self._stage: Stage = "new"
        self._is_last = True
        self.number = call.state.attempts

    @property
    def remaining(self) -> float | None:
        """Seconds until the deadline of the whole call, not below 0; None when there is none."""
        return self._call.remaining()

    @property
    def timeout(self) -> float | None:
        """Seconds that this attempt may take from now: the least of `attempt_timeout` and `remaining`; None: any."""
        return self._call.attempt_timeout()

    def __enter__(self) -> Self:
        if self._stage != "new":
            raise RuntimeError(f"attempt {self.number} was used already; `with` each attempt once, inside its loop")
        self._stage = "entered"
        self._call.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        self._call.__exit__()
        self._stage = "done"
        if error is None:
            self._is_last = self._call.returned(self._result())
        elif isinstance(error, Exception):
            self._is_last = not self._call.failed(error)
        return error is not None and not self._is_last

    def _result(self) -> object:
        if hasattr(self, "result"):
            return self.result
        if self._call.policy.retry_result is not None:
            raise RuntimeError("the policy has a retry_result: set attempt.result inside the block")
        return None

    def is_last(self) -> bool:
        """Whether the loop is done."""
        if self._stage != "done":
            raise RuntimeError(f"attempt {self.number} was not used; write `with attempt:` inside the loop")
        return self._is_last

    def close(self) -> None:
        """The loop is over; an attempt that was not used cannot be used any more."""
        if self._stage == "new":
            self._stage = "done"


class Attempts:
    """The attempts of one call, for a thread or a task."""

    __slots__ = ("_attempt", "_call")

    def __init__(self, call: Call) -> None:
        self._call = call
        self._attempt: Attempt | None = None

    def __iter__(self) -> Iterator[Attempt]:
        return self

    def __aiter__(self) -> AsyncIterator[Attempt]:
        return self

    def __next__(self) -> Attempt:
        if self._attempt is not None:
            if self._attempt.is_last():
                raise StopIteration
            self._call.sleep()
        self._attempt = Attempt(self._call)
        return self._attempt

    async def __anext__(self) -> Attempt:
        if self._attempt is not None:
            if self._attempt.is_last():
                raise StopAsyncIteration
            await self._call.asleep()
        self._attempt = Attempt(self._call)
        return self._attempt

    def __del__(self) -> None:
        if self._attempt is not None:
            self._attempt.close()
