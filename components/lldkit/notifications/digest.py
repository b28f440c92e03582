"""Digests: several events for one recipient become one message."""

from dataclasses import dataclass

from lldkit.arguments import check_count, check_number
from lldkit.clock import MICRO

__all__ = ["Digest", "closes_at"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """Events are collected for `window_seconds`, per recipient, category, channel and the value of `key` in their data.

    The window is fixed from the first event on, or with `sliding` begins anew with each, but ends `max_age_seconds`
    after the first at the latest. Beyond `max_items` events are only counted.
    """

    window_seconds: float
    key: str | None = None
    sliding: bool = False
    max_age_seconds: float | None = None
    max_items: int = 1_000

    def __post_init__(self) -> None:
        check_number("window_seconds", self.window_seconds, above=0)
        check_count("max_items", self.max_items, least=1)
        if self.max_age_seconds is not None:
            check_number("max_age_seconds", self.max_age_seconds, least=self.window_seconds)
        if self.sliding is not (self.max_age_seconds is not None):
            raise ValueError(
                "a sliding digest needs max_age_seconds, without which it might never close; a fixed one takes none; "
                f"got sliding={self.sliding!r}, max_age_seconds={self.max_age_seconds!r}"
            )


def closes_at(digest: Digest, opened: int, now: int) -> int:
    """When a digest closes that has opened then and gets an event now; in microseconds."""
    window = round(digest.window_seconds * MICRO)
    if digest.max_age_seconds is None:
        return opened + window
    return min(now + window, opened + round(digest.max_age_seconds * MICRO))
