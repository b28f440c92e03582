"""What every solution of this kata gets and gives: clock, the values, channels, the store, the shape of the class."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol


class Killed(BaseException):
    """What a process feels when it is killed. It can do nothing more: its store answers nothing else."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel is asked to send: to whom, and what; `id` is the number of the delivery (level 6)."""

    channel: str
    to: str
    text: str
    id: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """What `notify` has decided for a channel: send; no_address, opted_out (level 2); standby (3); digest (5)."""

    channel: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """What `run_due` has tried, and what the channel said: accepted; later, refused, unclear (level 3)."""

    channel: str
    to: str
    text: str
    outcome: str


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that is given up: after how many attempts, and the last outcome (level 3)."""

    channel: str
    text: str
    attempts: int
    outcome: str


@dataclass(frozen=True, slots=True)
class Route:
    """A node of the tree of routes; see level 1 for `to`, `match`, `routes` and `continues`."""

    to: tuple[str, ...] | None = None
    match: tuple[str, ...] = ()
    routes: tuple["Route", ...] = ()
    continues: bool = False
    mandatory: bool = False  # level 2
    mode: str = "all"  # or "fallback"; level 3
    digest: float | None = None  # seconds; level 5


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person, with an address for each channel that reaches her (level 2)."""

    id: str
    addresses: Mapping[str, str]
    channels: Mapping[str, bool] = field(default_factory=dict)
    categories: Mapping[str, bool] = field(default_factory=dict)
    pairs: Mapping[tuple[str, str], bool] = field(default_factory=dict)  # (category, channel)
    zone: str = "UTC"  # level 5
    quiet: tuple[str, str] | None = None  # such as ("22:00", "07:00"), on the clock of her zone; level 5


class Channel(Protocol):
    """A way to reach people."""

    def send(self, message: Message) -> str:
        """Send it; the outcome."""


class Clock(Protocol):
    """Time as it is given to the notifier; it never runs backwards."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary origin."""


class SystemClock:
    """The time of this machine."""

    monotonic = staticmethod(time.monotonic)


SYSTEM = SystemClock()
"""The clock of who gives none."""


class Fake:
    """A channel that says what was written down for it, then always "accepted"; it keeps what it was asked to send."""

    def __init__(self, name: str, *script: str) -> None:
        self.name, self.script, self.sent = name, script, []

    def send(self, message: Message) -> str:
        """The next word of the script."""
        self.sent.append(message)
        return (*self.script, *["accepted"] * len(self.sent))[len(self.sent) - 1]

    def __repr__(self) -> str:
        return f"Fake({', '.join(map(repr, (self.name, *self.script)))})"


EPOCH = "1970-01-01T00:00+00:00"
"""When the clock of who says nothing else reads 0 (level 5)."""

PLAIN = (bool, int, float, str, tuple, type(None))


class Store:
    """The table of a fake database, as one process reaches it (level 6).

    What is committed survives the death of all processes. `on_trip` is called before a transaction begins, `on_answer`
    when it is committed and the answer is under way; the checks let other processes act there, or kill this one.
    """

    def __init__(self, name: str = "store") -> None:
        self._name = name
        self._table: list[dict[int, dict[str, Any]]] = [{}]  # shared by all connections
        self._dead = self._open = False
        self.on_trip: Callable[[], object] = lambda: None
        self.on_answer: Callable[[], object] = lambda: None

    def connect(self, name: str = "store") -> "Store":
        """The way of another process to the same table."""
        other = Store(name)
        other._table = self._table
        return other

    @contextmanager
    def transaction(self) -> Iterator[dict[int, dict[str, Any]]]:
        """A copy of all rows by their id, to read and to change; what is there at the end of the block is committed.

        It is one step: nobody acts between its begin and its end. An exception in the block changes nothing. A row is a
        dict of numbers, strings, None, and tuples of them.
        """
        if self._open:
            raise RuntimeError("a transaction in a transaction: end the first one before anything else is called")
        self._alive()
        self.on_trip()
        self._alive()
        rows = {number: dict(row) for number, row in self._table[0].items()}
        self._open = True
        try:
            yield rows
        finally:
            self._open = False
        for value in (value for row in rows.values() for value in row.values() if type(value) not in PLAIN):
            raise TypeError(f"a row holds numbers, strings, None and tuples, got {value!r}")
        self._table[0] = {number: dict(row) for number, row in rows.items()}
        self.on_answer()
        self._alive()

    def kill(self) -> None:
        """Kill the process of this connection, here and now; for the checks."""
        self._dead = True
        raise Killed

    def _alive(self) -> None:
        if self._dead:
            raise Killed

    def __repr__(self) -> str:
        return self._name


class Notifier(Protocol):
    """The class that you write. The level that first asks for a name stands behind it."""

    def __init__(
        self,
        *,
        channels: Mapping[str, Channel],
        routes: Route,
        clock: Clock = SYSTEM,
        base: float = 1.0,  # level 3
        max_attempts: int = 3,  # level 3
        dedupe: float = 86_400.0,  # level 4
        limits: Mapping[str, tuple[int, float]] = ...,  # level 4
        epoch: str = EPOCH,  # level 5
        store: Store = ...,  # level 6
        lease: float = 30.0,  # level 6
    ) -> None: ...

    def notify(
        self,
        recipient: str,
        category: str,
        text: str,
        *,
        labels: Mapping[str, str] = ...,
        priority: int = 0,  # level 2
        key: str = ...,  # level 4
    ) -> list[Decision]:
        """Decide by which ways the text goes, and keep it for `run_due`."""

    def run_due(self) -> list[Attempt]:
        """Send what is due, here and now; what was tried."""

    def put(self, recipient: Recipient) -> None:
        """Get to know a recipient, or what has changed (level 2)."""

    def dead_letters(self) -> list[DeadLetter]:
        """What was given up, in the order in which it came (level 3)."""

    def record(self, number: int, event: str) -> str:
        """What the provider tells about a delivery: delivered, read, bounced; the status after it (level 6)."""

    def status(self, number: int) -> str:
        """Where a delivery stands (level 6)."""
