"""What callers hand in, and the row that it becomes: checked, copied, with an id."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random, SystemRandom

from lldkit.arguments import check_number
from lldkit.clock import MICRO
from lldkit.notifications.interface import JsonValue, Priority
from lldkit.notifications.rows import ReceiptRow

__all__ = ["Call", "Ids", "asked_of", "labels_of"]

ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
RESERVED = frozenset({"category", "priority"})


@dataclass(frozen=True, slots=True)
class Call:
    """One notification: the arguments of `Notifier.notify`, for `notify_many`."""

    recipient_id: str
    category: str
    data: Mapping[str, JsonValue] = field(default_factory=dict, repr=False)
    priority: Priority = field(default=Priority.NORMAL, kw_only=True)
    labels: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    dedupe_key: str | None = field(default=None, kw_only=True)
    expires_seconds: float | None = field(default=None, kw_only=True)


class Ids:
    """Ids that sort by time, and within one process by the order in which they were made. Safe for threads."""

    def __init__(self, rng: Random | None) -> None:
        self._rng = SystemRandom() if rng is None else rng
        self._lock = threading.Lock()
        self._last = 0

    def next(self, now: int) -> str:
        """A new id."""
        with self._lock:
            self._last = max(self._last + 1, now)
            return f"n{self._last:014x}{self._rng.getrandbits(48):012x}"


def asked_of(call: Call, name: str, now: int) -> ReceiptRow:
    """The call as a row, as of `now` (microseconds since 1970); ValueError or TypeError for what cannot be kept."""
    for text in ("recipient_id", "category"):
        if not isinstance(getattr(call, text), str) or not getattr(call, text):
            raise ValueError(f"{text} must be a text that is not empty, got {getattr(call, text)!r}")
    if reserved := RESERVED & call.labels.keys():
        raise ValueError(f"labels must not be called {' or '.join(sorted(reserved))}: these are set by the call itself")
    try:
        data = ENCODE(call.data)
    except (TypeError, ValueError) as error:
        raise TypeError(f"data must be JSON values under texts: {error}") from None
    expires = None
    if call.expires_seconds is not None:
        expires = now + round(check_number("expires_seconds", call.expires_seconds) * MICRO)
    labels = tuple(sorted(call.labels.items()))
    priority = Priority(call.priority)
    return ReceiptRow(name, call.recipient_id, call.category, priority, labels, data, call.dedupe_key, now, expires)


def labels_of(asked: ReceiptRow) -> dict[str, str]:
    """What the routes are asked with."""
    return {**dict(asked.labels), "category": asked.category, "priority": asked.priority.value}
