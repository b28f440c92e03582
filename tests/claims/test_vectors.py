"""A timeline of others: single units, reserved one by one in the windows of a limiter, as claims of a counted pool."""

from datetime import timedelta
from typing import TYPE_CHECKING

from lldkit.claims import ClaimRefused, Count, MemoryClaims
from lldkit.clock import EPOCH, ManualClock

if TYPE_CHECKING:
    from conftest import Vectors


def delay_of_one(claims: MemoryClaims, at_ms: int, period_ms: int) -> int:
    """Reserve a unit in the first window that has one left; how long until it begins."""
    window = at_ms // period_ms
    while True:
        start = EPOCH + timedelta(milliseconds=window * period_ms)
        try:
            want = Count("units", start=start, end=start + timedelta(milliseconds=period_ms))
            claims.claim(want, owner="key", ttl_seconds=None)
        except ClaimRefused:
            window += 1
        else:
            return max(0, window * period_ms - at_ms)


def test_units_are_promised_in_windows_as_others_do(vectors: "Vectors") -> None:
    cases = vectors.json("window-reservations", "cases.json")["cases"]
    assert (len(cases), sum(len(case["steps"]) for case in cases)) == (2, 8)
    for case in cases:
        claims = MemoryClaims(clock=ManualClock())
        claims.set_capacity("units", case["quota"]["limit"])
        for step in case["steps"]:
            delays = [
                delay_of_one(claims, step["at_ms"], case["quota"]["period_s"] * 1_000) for _ in range(step["units"])
            ]
            assert delays[-1] == step["last_delay_ms"], (case["name"], step)
