"""What every solution of this kata gets and gives: clock, values and errors, store and gateway, the shape of the class."""

import base64
import hmac
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol


class UnknownPayment(LookupError):
    """There is no payment with this id."""


class InvalidTransition(Exception):
    """In `state` this `event` cannot happen; `allowed` are those that can, sorted."""

    def __init__(self, state: str, event: str, allowed: Sequence[str]) -> None:
        super().__init__(state, event, allowed)
        self.state, self.event, self.allowed = state, event, tuple(allowed)


class AmountExceeded(Exception):
    """`requested` is more than the `available` that is left (level 2)."""

    def __init__(self, requested: int, available: int) -> None:
        super().__init__(requested, available)
        self.requested, self.available = requested, available


class InProgress(Exception):
    """Somebody is at work under this key; its lease ends in `retry_after` seconds (levels 3 and 6)."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after


class Mismatch(Exception):
    """The key was used for another request (levels 3 and 6)."""


class LeaseLost(Exception):
    """The claim is not the latest one of its key, or no longer open (level 3)."""


class SignatureInvalid(Exception):
    """A webhook that must not be believed (level 4); `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Declined(Exception):
    """The gateway has said no (level 6)."""


class GatewayTimeout(Exception):
    """No answer came; what was asked for has happened, or not (level 6)."""


class OutcomeUnknown(Exception):
    """Whether money was taken nobody knows yet; `recover` will find it out (level 6)."""


class Killed(BaseException):
    """What a process feels when it is killed. It can do nothing more: nothing answers it (level 6)."""


@dataclass(frozen=True, slots=True)
class Transition:
    """A line of a payment's history: `event` led from `source` to `target` when the clock read `at`."""

    source: str
    event: str
    target: str
    at: float


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment as it is shown (level 2): `held` can still be captured, `refunded` was captured and given back."""

    id: str
    state: str
    amount: int
    held: int
    captured: int
    refunded: int


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to do the work of a key (level 3). A later claim of the key has a higher fence."""

    key: str
    fence: int


@dataclass(frozen=True, slots=True)
class Replay:
    """The work of the key is done, and this was the response (level 3)."""

    response: str


@dataclass(frozen=True, slots=True)
class Balance:
    """The four counters of an account (level 5)."""

    debits_pending: int = 0
    debits_posted: int = 0
    credits_pending: int = 0
    credits_posted: int = 0


@dataclass(frozen=True, slots=True)
class Paid:
    """The message that a payment was captured (level 6)."""

    key: str
    amount: int


def signature(secret: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    """How a webhook is signed (level 4): HMAC-SHA256 over id, timestamp and the bytes of the body, as "v1,<base64>"."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(secret, signed, "sha256")).decode()


SECRET = b"only the gateway and the shop know it"
"""What the webhooks of examples and checks are signed with, if nothing else is said."""


class Signed(dict[str, str]):
    """The headers of a webhook as the gateway makes them: `Signed(body, "m1", 100)` (level 4)."""

    def __init__(self, body: bytes, id: str, at: int, *secrets: bytes) -> None:
        signatures = [signature(secret, id, str(at), body) for secret in secrets or (SECRET,)]
        super().__init__({"webhook-id": id, "webhook-timestamp": str(at), "webhook-signature": " ".join(signatures)})
        self._shown = ", ".join(map(repr, (body, id, at, *secrets)))

    def __repr__(self) -> str:
        return f"Signed({self._shown})"


class Clock(Protocol):
    """Time as it is given to the payments."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary origin."""


class SystemClock:
    """The time of this machine."""

    monotonic = staticmethod(time.time)


SYSTEM = SystemClock()
"""The clock of who gives none."""


# -- the world of level 6: a process reaches a store, a gateway and a bus, and may be killed at each step


class Host:
    """The machine of one process. `on_step` is called with "store", "stored", "gateway", "answer", "bus" or "sent".

    That is before and after each transaction, each question and each message; the checks pull the plug there.
    """

    def __init__(self) -> None:
        self.dead = self.in_transaction = False
        self.on_step: Callable[[str], object] = lambda step: None

    def step(self, step: str) -> None:
        """Before or after something that only a living process can do, and not within a transaction."""
        if self.in_transaction:
            raise RuntimeError("within a transaction nothing else can be done: end it first")
        if not self.dead:
            self.on_step(step)
        if self.dead:
            raise Killed

    def kill(self) -> None:
        """Pull the plug, here and now."""
        self.dead = True
        raise Killed


PLAIN = (bool, int, float, str, tuple, type(None))


class Store:
    """The table of a fake database, as one process reaches it. What is committed survives all processes."""

    def __init__(self, host: Host | None = None, name: str = "store") -> None:
        self._host, self._name = host or Host(), name
        self._table: list[dict[Any, dict[str, Any]]] = [{}]  # shared by all connections

    def connect(self, host: Host) -> "Store":
        """The way of another process to the same table."""
        other = Store(host, self._name)
        other._table = self._table
        return other

    @contextmanager
    def transaction(self) -> Iterator[dict[Any, dict[str, Any]]]:
        """A copy of all rows by their keys, to read and to change; what is there at the end of the block is committed.

        It is one step: nobody acts between its begin and its end. An exception in the block changes nothing. A key is a
        text or a tuple of texts, a row a dict of numbers, texts, None, and tuples of them.
        """
        self._host.step("store")
        rows = {key: dict(row) for key, row in self._table[0].items()}
        self._host.in_transaction = True
        try:
            yield rows
        finally:
            self._host.in_transaction = False
        for value in (value for row in rows.values() for value in row.values() if type(value) not in PLAIN):
            raise TypeError(f"a row holds numbers, texts, None and tuples, got {value!r}")
        self._table[0] = {key: dict(row) for key, row in rows.items()}
        self._host.step("stored")

    def __repr__(self) -> str:
        return self._name


class Gateway:
    """A fake gateway, as one process reaches it. `charges` are the amounts that it has taken, for the checks."""

    def __init__(self, host: Host | None = None, *, limit: int = 1_000_000, name: str = "gateway") -> None:
        self._host, self._limit, self._name = host or Host(), limit, name
        self._answers: dict[str, bool] = {}
        self.charges: list[int] = []

    def connect(self, host: Host) -> "Gateway":
        """The way of another process to the same gateway."""
        other = Gateway(host, limit=self._limit, name=self._name)
        other._answers, other.charges = self._answers, self.charges
        return other

    def send(self, key: str, amount: int) -> bool:
        """Take the money; False if the card is declined. The same `key` again is not done again, but answered again.

        `GatewayTimeout`: no answer came.
        """
        self._host.step("gateway")
        if key not in self._answers:
            self._answers[key] = amount <= self._limit
            if self._answers[key]:
                self.charges.append(amount)
        self._host.step("answer")
        return self._answers[key]

    def __repr__(self) -> str:
        return self._name


class Bus:
    """Who wants to know what was paid, as one process reaches them; `heard` is what they were told."""

    def __init__(self, host: Host | None = None, name: str = "bus") -> None:
        self._host, self._name = host or Host(), name
        self.heard: list[Paid] = []

    def connect(self, host: Host) -> "Bus":
        """The way of another process to the same bus."""
        other = Bus(host, self._name)
        other.heard = self.heard
        return other

    def publish(self, message: Paid) -> None:
        """Tell everybody."""
        self._host.step("bus")
        self.heard.append(message)
        self._host.step("sent")

    def __repr__(self) -> str:
        return self._name


class Payments(Protocol):
    """The class that you write. The level that first asks for a name stands behind it."""

    def __init__(
        self,
        *,
        clock: Clock = SYSTEM,
        lease: float = 30.0,  # level 3
        secrets: Sequence[bytes] = (),  # level 4
        hold: float = 604_800.0,  # level 5
        store: Store = ...,  # level 6
        gateway: Gateway = ...,  # level 6
        bus: Bus = ...,  # level 6
    ) -> None: ...

    def create(self, amount: int, *, merchant: str = "shop") -> str:  # `merchant`: level 5
        """A new payment; its id."""

    def apply(self, id: str, event: str) -> str:
        """Something happens to a payment; the state that it leads to."""

    def state(self, id: str) -> str:
        """The state of a payment."""

    def history(self, id: str) -> list[Transition]:
        """What has happened to a payment."""

    def get(self, id: str) -> Payment:
        """A payment with its amounts (level 2)."""

    def capture(self, id: str, amount: int = ..., *, final: bool = True) -> Payment:
        """Take what is held, or some of it (level 2)."""

    def refund(self, id: str, amount: int = ...) -> Payment:
        """Give back what was captured, or some of it (level 2)."""

    def begin(self, key: str, request: dict[str, Any]) -> Claim | Replay:
        """Claim the work of a key, or learn what came of it (level 3)."""

    def complete(self, claim: Claim, response: str) -> None:
        """The work is done, with this response (level 3)."""

    def release(self, claim: Claim) -> None:
        """The work was not even begun (level 3)."""

    def receive(self, body: bytes, headers: Mapping[str, str]) -> str:
        """A webhook; what became of it (level 4)."""

    def balance(self, role: str, owner: str = "") -> Balance:
        """The counters of an account (level 5)."""

    def payout(self, merchant: str, amount: int) -> None:
        """Send a merchant's money to the bank (level 5)."""

    def charge(self, key: str, amount: int, *, merchant: str = "shop") -> Payment:
        """Take money through the gateway, once (level 6)."""

    def recover(self) -> int:
        """Find out what others have left open; how many were answered (level 6)."""

    def relay(self) -> None:
        """Publish what was paid (level 6)."""
