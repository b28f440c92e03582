"""What happened: a history of concurrent calls, each with the moment of its call and of its return.

A history is recorded by wrapping the object under test, or by hand with `invoke` and `ok`, `fail`, `unknown`:

>>> history = History()
>>> stock = history.wrap({"nut": 1})
>>> stock.pop("nut")
1
>>> [str(call) for call in history.operations]
["pop('nut') → 1"]
"""

import _thread
import copy
import itertools
import re
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeVar, cast

from lldkit.interleave import encoding
from lldkit.interleave.operation import PENDING, Operation
from lldkit.interleave.recording import Recorder, stand_in

__all__ = ["History", "Token"]

T = TypeVar("T")

# Taken at import, so that no explorer can put a lock of its own here: recording is never a switch point. Reentrant,
# because a finalizer that runs while a call is being recorded may itself make a recorded call.
_new_lock = _thread.RLock

# Names that nobody chose: their numbers count all tasks and threads of the process, not those of this history.
_NUMBERED = re.compile(r"(Task|Thread)-\d+")


@dataclass(slots=True, eq=False)
class Token:
    """A call under way: `History.invoke` hands it out, exactly one of `ok`, `fail` and `unknown` takes it back."""

    process: Hashable
    name: str
    args: tuple[object, ...]
    called: int
    result: object = PENDING
    returned: int | None = None
    ended: Literal["", "ok", "fail", "unknown"] = ""

    def operation(self) -> Operation:
        """Return the call as it stands."""
        return Operation(self.process, self.name, self.args, self.result, self.called, self.returned)


class History:
    """A growing record of concurrent calls, stamped by a counter of its own.

    Safe for threads and tasks, and never a switch point of the explorer. It is unbounded: it lives as long as its test.
    Lists, dicts, sets and bytearrays among arguments and results are copied, so that a later change of them does not
    change the record.

    >>> history = History()
    >>> call = history.invoke("client 1", "put", "nut", 3)
    >>> history.ok(call, None)
    >>> history.operations[0].returned
    1
    """

    def __init__(self, operations: Iterable[Operation] = ()) -> None:
        self._loaded = tuple(operations)
        self._lock = _new_lock()  # guards all below
        last = max((max(call.called, call.returned or call.called) for call in self._loaded), default=-1)
        self._stamps = itertools.count(last + 1)
        self._tokens: list[Token] = []
        self._labels: dict[str, str] = {}

    def invoke(self, process: Hashable, name: str, *args: object) -> Token:
        """Note that `process` makes the call `name(*args)` now."""
        copies = tuple(map(_snapshot, args))
        with self._lock:
            token = Token(process, name, copies, next(self._stamps))
            self._tokens.append(token)
        return token

    def ok(self, token: Token, result: object) -> None:
        """Note that the call returned `result` now."""
        if result is PENDING:
            raise ValueError("PENDING is no result; a call whose outcome nobody knows ends with unknown(token)")
        copied = _snapshot(result)
        with self._lock:
            _end(token, "ok")
            token.result, token.returned = copied, next(self._stamps)

    def fail(self, token: Token) -> None:
        """Note that the call certainly had no effect and told nobody anything: it is forgotten."""
        with self._lock:
            _end(token, "fail")

    def unknown(self, token: Token) -> None:
        """Note that nobody knows whether the call took effect or will: a time-out, a lost reply. It stays pending."""
        with self._lock:
            _end(token, "unknown")

    @property
    def operations(self) -> tuple[Operation, ...]:
        """All calls but those that failed, in the order in which they were made."""
        with self._lock:
            recorded = [token.operation() for token in self._tokens if token.ended != "fail"]
        return tuple(sorted([*self._loaded, *recorded], key=lambda call: call.called))

    def __len__(self) -> int:
        return len(self.operations)

    def __repr__(self) -> str:
        return f"History({len(self)} calls)"

    def wrap(
        self,
        target: T,
        *,
        only: Iterable[str] | None = None,
        lost: tuple[type[Exception], ...] = (TimeoutError, ConnectionError),
    ) -> T:
        """Return a stand-in for `target` that records every call of a public method, `def` and `async def` alike.

        Also recorded are `[]`, `in`, `len`, `del` and `()`, under their special names; with `only`, nothing but the
        names in it. All else is handed through, `with` too. The process is the running task or thread. Arguments
        passed by name are put in their place where the signature tells it, else they are `Keyword`s.

        An exception is a result (`Raised`). Those of the classes `lost`, and whatever is not an `Exception`
        (cancellation, a killed process), leave the call pending: it may have taken effect. Name there the time-outs
        and lost connections of your driver.
        """
        recorder = Recorder(self, only=None if only is None else frozenset(only), lost=lost)
        return cast("T", stand_in(target, recorder))

    def label(self, process: str) -> str:
        """Return the name under which `wrap` records `process`: numbered from 1 in this history if nobody named it."""
        match = _NUMBERED.match(process)
        if match is None:
            return process
        with self._lock:
            return self._labels.setdefault(process, f"{match[1].lower()} {len(self._labels) + 1}")

    def to_json(self) -> str:
        """Return the history as a JSON document; `TypeError` names a value that JSON cannot hold."""
        return encoding.dump(self.operations)

    @classmethod
    def from_json(cls, text: str) -> "History":
        """Return the history that `to_json` wrote; `ValueError` when the text is none."""
        return cls(encoding.load(text))


def _end(token: Token, how: Literal["ok", "fail", "unknown"]) -> None:
    if token.ended:
        raise ValueError(f"{token.name}{token.args!r} of {token.process!r} has ended already, with {token.ended}")
    token.ended = how


def _snapshot(value: object) -> object:
    return copy.deepcopy(value) if isinstance(value, list | dict | set | bytearray) else value
