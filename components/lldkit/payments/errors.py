"""What can go wrong with a payment, by name; every error can be pickled."""

from collections.abc import Callable

from lldkit.errors import LldkitError
from lldkit.money import Money
from lldkit.payments.interface import Intent, Operation
from lldkit.payments.transfers import Transfer, TransferStatus

__all__ = [
    "AccountConflict",
    "AmountExceeded",
    "CardDeclined",
    "GatewayTimeout",
    "GatewayUnavailable",
    "IdempotencyInProgress",
    "IdempotencyKeyInvalid",
    "IdempotencyMismatch",
    "LeaseLost",
    "LedgerRefused",
    "OperationInProgress",
    "OutcomeUnknown",
    "PaymentError",
    "StaleVersion",
    "StoreUnavailable",
    "UnknownAccount",
    "UnknownIntent",
]


class PaymentError(LldkitError):
    """Whatever a payment refuses.

    `InvalidTransition`, `CurrencyMismatch` and `SignatureInvalid` belong to the ground floor, so they are not under it.
    """


class AmountExceeded(PaymentError):
    """More was `requested` than is `available`."""

    def __init__(self, requested: Money, available: Money) -> None:
        super().__init__(f"{requested} was requested, {available} is available")
        self.requested = requested
        self.available = available

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return type(self), (self.requested, self.available)


class GatewayTimeout(PaymentError):
    """No answer came in time: the gateway has done it, or it has not."""


class GatewayUnavailable(PaymentError):
    """The gateway has not taken the question; it may in `retry_after` seconds (None: nobody knows)."""

    def __init__(self, retry_after: float | None = None) -> None:
        hint = "" if retry_after is None else f"; try again in {retry_after:g} s"
        super().__init__(f"the gateway is unavailable{hint}")
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return type(self), (self.retry_after,)


class OperationInProgress(PaymentError):
    """The gateway was asked for another `operation` and has not answered; try again in `retry_after` seconds."""

    def __init__(self, operation: Operation, retry_after: float) -> None:
        super().__init__(f"{operation} is under way; try again in {retry_after:g} s")
        self.operation = operation
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return type(self), (self.operation, self.retry_after)


class IdempotencyKeyInvalid(PaymentError, ValueError):
    """A header that holds no idempotency key."""


class IdempotencyMismatch(PaymentError):
    """The key was used for another request."""

    def __init__(self) -> None:
        super().__init__("this idempotency key was used with other parameters; a new request needs a new key")


class IdempotencyInProgress(PaymentError):
    """Somebody is at work on this request; its outcome is known in `retry_after` seconds at the latest."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"this request is under way; try again in {retry_after:g} s")
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return type(self), (self.retry_after,)


class LeaseLost(PaymentError):
    """Somebody else has taken over, because the lease of `fence` was over: what was done here does not count."""

    def __init__(self, fence: int) -> None:
        super().__init__(f"another owner has taken over from fence {fence}")
        self.fence = fence

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return type(self), (self.fence,)


class UnknownIntent(PaymentError):
    """There is no intent of this id."""

    def __init__(self, id: str) -> None:  # noqa: A002 - it is called so everywhere
        super().__init__(f"there is no intent {id!r}")
        self.id = id

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return type(self), (self.id,)


class CardDeclined(PaymentError):
    """The gateway has declined, with a `code`; `retryable` if the same card may succeed later."""

    def __init__(self, code: str, retryable: bool, intent: Intent) -> None:
        super().__init__(f"declined: {code}")
        self.code = code
        self.retryable = retryable
        self.intent = intent

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return type(self), (self.code, self.retryable, self.intent)


class OutcomeUnknown(PaymentError):
    """The answer was lost: whether it has happened is for `recover` to find out. Do not ask again under a new key."""

    def __init__(self, intent_id: str, request_key: str, retry_after: float) -> None:
        super().__init__(f"the outcome of {request_key} is unknown; recover finds it out")
        self.intent_id = intent_id
        self.request_key = request_key
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return type(self), (self.intent_id, self.request_key, self.retry_after)


class StoreUnavailable(PaymentError):
    """The store does not answer, or cannot write; nothing half-done is left."""

    def __init__(self, store: str, retry_after: float = 1.0) -> None:
        super().__init__(f"{store} does not answer; try again in {retry_after:g} s")
        self.store = store
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return type(self), (self.store, self.retry_after)


class StaleVersion(PaymentError):
    """Another writer was faster, again and again: `id` has version `found`, `expected` was another. Try again."""

    def __init__(self, id: str, expected: int, found: int) -> None:  # noqa: A002 - it is called so everywhere
        super().__init__(f"{id} has version {found}, expected {expected}")
        self.id = id
        self.expected = expected
        self.found = found

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return type(self), (self.id, self.expected, self.found)


class UnknownAccount(PaymentError):
    """No account of this id has been opened."""

    def __init__(self, id: str) -> None:  # noqa: A002 - it is called so everywhere
        super().__init__(f"no account {id!r} has been opened")
        self.id = id

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return type(self), (self.id,)


class AccountConflict(PaymentError):
    """The account is open already, with another `field`."""

    def __init__(self, id: str, field: str) -> None:  # noqa: A002 - it is called so everywhere
        super().__init__(f"account {id!r} is open already, with another {field}")
        self.id = id
        self.field = field

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return type(self), (self.id, self.field)


class LedgerRefused(PaymentError):
    """The ledger made none of the transfers, because of the `status` of one of them."""

    def __init__(self, status: TransferStatus, transfer: Transfer) -> None:
        super().__init__(f"transfer {transfer.id!r} was refused: {status}")
        self.status = status
        self.transfer = transfer

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return type(self), (self.status, self.transfer)
