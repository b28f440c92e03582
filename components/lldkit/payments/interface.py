"""The seams of payments, the values that cross them, and its errors."""

from lldkit.errors import LldkitError

__all__ = ["IdempotencyKeyInvalid", "PaymentError"]


class PaymentError(LldkitError):
    """Whatever a payment refuses."""


class IdempotencyKeyInvalid(PaymentError, ValueError):
    """A header that holds no idempotency key."""
