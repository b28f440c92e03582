"""Standard Webhooks: a sender signs the raw bytes of a message, a receiver checks who sent them and how long ago."""

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from lldkit.arguments import check_count
from lldkit.errors import LldkitError

__all__ = ["SignatureInvalid", "StandardWebhooks", "Verified"]

_PREFIX: Final = "whsec_"
_ID, _SENT, _OFFERED = "webhook-id", "webhook-timestamp", "webhook-signature"
_MOST_DIGITS: Final = 15


class SignatureInvalid(LldkitError):
    """A delivery that must not be believed.

    `reason` is header_missing, header_malformed, timestamp_too_old, timestamp_too_new or no_match.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the webhook's signature is not valid: {reason}")
        self.reason = reason

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return type(self), (self.reason,)


class Verified(NamedTuple):
    """The message's `id`, by which repetitions are known, and its `timestamp` in Unix seconds."""

    id: str
    timestamp: int


class StandardWebhooks:
    """Signs and verifies deliveries after the Standard Webhooks specification, with HMAC-SHA256 ("v1").

    `secrets` are texts in base64, with or without the prefix `whsec_`; while one is being replaced give both, and
    either is believed. A delivery is believed from `tolerance_seconds` before its timestamp to as long after it, both
    edges included. Pure and immutable, so safe for threads; the secrets never show in a repr or an error.

    >>> hooks = StandardWebhooks(secrets=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
    >>> headers = hooks.sign("msg_1", 1614265330, b"{}")
    >>> hooks.verify(b"{}", headers, now=1614265331.5)
    Verified(id='msg_1', timestamp=1614265330)
    """

    __slots__ = ("_started", "_tolerance")

    def __init__(self, *, secrets: Sequence[str], tolerance_seconds: int = 300) -> None:
        if isinstance(secrets, str):
            raise TypeError("secrets must be a list of secrets, got one text")
        if not secrets:
            raise ValueError("secrets must hold at least one secret, got none")
        # A copy of a started digest spares each delivery the preparation of the key.
        self._started = [hmac.new(_decoded(secret), digestmod="sha256") for secret in secrets]
        self._tolerance = check_count("tolerance_seconds", tolerance_seconds)

    def sign(self, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
        """The three headers of a delivery, with one signature for each secret; `timestamp` in Unix seconds.

        A ValueError names an id that is empty or has a full stop in it: the id ends at the first one.
        """
        if not message_id or "." in message_id:
            raise ValueError(f"message_id must be a text without full stops, got {message_id!r}")
        sent = str(check_count("timestamp", timestamp, most=10**_MOST_DIGITS - 1))
        return {
            _ID: message_id,
            _SENT: sent,
            _OFFERED: " ".join(map(bytes.decode, self._signatures(message_id, sent, body))),
        }

    def verify(self, body: bytes, headers: Mapping[str, str], *, now: float) -> Verified:
        """Believe the delivery or raise SignatureInvalid; `body` is what came over the wire, byte for byte.

        `now` is in Unix seconds. Header names count in any case. The headers are judged first, then the time, then the
        signature; signatures are compared in constant time.
        """
        message_id, sent, offered = headers.get(_ID), headers.get(_SENT), headers.get(_OFFERED)
        if message_id is None or sent is None or offered is None:
            given = {name.lower(): value for name, value in headers.items()}
            message_id, sent, offered = given.get(_ID), given.get(_SENT), given.get(_OFFERED)
        if not (message_id and sent and offered):
            raise SignatureInvalid("header_missing")
        if "." in message_id or not (sent.isascii() and sent.isdigit() and len(sent) <= _MOST_DIGITS):
            raise SignatureInvalid("header_malformed")
        timestamp = int(sent)
        if now - timestamp > self._tolerance:
            raise SignatureInvalid("timestamp_too_old")
        if timestamp - now > self._tolerance:
            raise SignatureInvalid("timestamp_too_new")
        candidates = [candidate.encode("utf-8", "replace") for candidate in offered.split()]
        for right in self._signatures(message_id, sent, body):
            for candidate in candidates:
                if hmac.compare_digest(right, candidate):
                    return Verified(message_id, timestamp)
        raise SignatureInvalid("no_match")

    def _signatures(self, message_id: str, sent: str, body: bytes) -> list[bytes]:
        signed = f"{message_id}.{sent}.".encode("utf-8", "replace") + body
        return [_signature(started.copy(), signed) for started in self._started]

    def __repr__(self) -> str:
        return f"StandardWebhooks({len(self._started)} secrets, tolerance_seconds={self._tolerance})"


def _signature(started: hmac.HMAC, signed: bytes) -> bytes:
    started.update(signed)
    return b"v1," + binascii.b2a_base64(started.digest(), newline=False)


def _decoded(secret: str) -> bytes:
    """The key that a secret stands for; errors do not show it."""
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("a secret must be base64, with or without the prefix 'whsec_'") from None
    if not key:
        raise ValueError("a secret must not be empty")
    return key
