"""Who is told, where, and what they want: recipients, their preferences, and where recipients are found."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from lldkit.notifications.quiet import QuietHours
from lldkit.notifications.windows import zone_of

__all__ = ["Directory", "MemoryDirectory", "Preferences", "Recipient"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What somebody wants: by (category, channel), else by category, else by channel, else everything; and quiet hours.

    >>> wants = Preferences(channels={"sms": False}, pairs={("security", "sms"): True})
    >>> wants.allowed("security", "sms"), wants.allowed("news", "sms")
    (True, False)
    >>> wants.because("news", "sms")
    "channel 'sms'"
    """

    channels: Mapping[str, bool] = field(default_factory=dict)
    categories: Mapping[str, bool] = field(default_factory=dict)
    pairs: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    quiet: QuietHours | None = None

    def __post_init__(self) -> None:
        for name in ("channels", "categories", "pairs"):
            given: Mapping[object, object] = getattr(self, name)
            for key, value in given.items():
                if not isinstance(value, bool):
                    raise TypeError(f"{name} must hold True or False, got {key!r}: {value!r}")
            object.__setattr__(self, name, dict(given))

    def allowed(self, category: str, channel: str) -> bool:
        """Whether they want it."""
        found = self.pairs.get((category, channel))
        if found is None:
            found = self.categories.get(category)
        return self.channels.get(channel, True) if found is None else found

    def because(self, category: str, channel: str) -> str:
        """Which preference says so."""
        if (category, channel) in self.pairs:
            return f"pair {(category, channel)!r}"
        if category in self.categories:
            return f"category {category!r}"
        return f"channel {channel!r}" if channel in self.channels else "no preference"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody with an address per channel; `repr` shows no address. An unknown zone is a ValueError here."""

    id: str
    addresses: Mapping[str, str] = field(default_factory=dict, repr=False)
    zone: str = field(default="UTC", kw_only=True)
    locale: str = field(default="en", kw_only=True)
    preferences: Preferences = field(default_factory=Preferences, kw_only=True)

    def __post_init__(self) -> None:
        if not self.id:
            raise ValueError(f"id must be a text that is not empty, got {self.id!r}")
        zone_of(self.zone)
        object.__setattr__(self, "addresses", dict(self.addresses))


class Directory(Protocol):
    """Where recipients are found. Asked when a notification is taken, and again before each attempt."""

    def get(self, recipient_id: str, /) -> Recipient | None:
        """The recipient as of now; None if there is none."""
        ...


class MemoryDirectory:
    """A directory of one process. Safe for threads.

    >>> MemoryDirectory([Recipient("u1", {"email": "u1@example.com"}, zone="Europe/Berlin")]).get("u1").zone
    'Europe/Berlin'
    """

    def __init__(self, recipients: Iterable[Recipient] = ()) -> None:
        self._lock = threading.Lock()
        self._recipients = {recipient.id: recipient for recipient in recipients}

    def get(self, recipient_id: str, /) -> Recipient | None:
        """The recipient; None if there is none."""
        return self._recipients.get(recipient_id)

    def put(self, recipient: Recipient) -> None:
        """Add or replace a recipient."""
        with self._lock:
            self._recipients[recipient.id] = recipient

    def remove(self, recipient_id: str) -> None:
        """Forget a recipient."""
        with self._lock:
            self._recipients.pop(recipient_id, None)
