"""Claims: who has what, decided atomically, for as long as was said.

    claims = MemoryClaims()
    claims.add(Unit("A1", pool="stalls", row="A", position=1), Unit("A2", pool="stalls", row="A", position=2))
    hold = claims.claim(Run("stalls", 2), owner="ana", ttl_seconds=600)     # all or nothing, or ClaimRefused
    claims.confirm(hold.token)                                              # ClaimExpired, ClaimLost

A hold ends by its time, with nobody sweeping; a later claim has a higher fence. Engines that others share have files of
their own: `SQLiteClaims` in `lldkit.claims.sqlite`, and likewise `postgres` and `redis`.
"""

from lldkit.claims.interface import (
    AnyOf,
    Change,
    Claim,
    ClaimError,
    ClaimExpired,
    ClaimLost,
    ClaimRefused,
    Claims,
    ClaimState,
    ClaimsUnavailable,
    Count,
    Exactly,
    KeyMismatch,
    OwnerBusy,
    Run,
    Token,
    TooManyExtensions,
    Unit,
    UnitConflict,
    UnitState,
    UnknownPool,
    UnknownUnit,
    Want,
    Window,
)
from lldkit.claims.memory import MemoryClaims

__all__ = [
    "AnyOf",
    "Change",
    "Claim",
    "ClaimError",
    "ClaimExpired",
    "ClaimLost",
    "ClaimRefused",
    "ClaimState",
    "Claims",
    "ClaimsUnavailable",
    "Count",
    "Exactly",
    "KeyMismatch",
    "MemoryClaims",
    "OwnerBusy",
    "Run",
    "Token",
    "TooManyExtensions",
    "Unit",
    "UnitConflict",
    "UnitState",
    "UnknownPool",
    "UnknownUnit",
    "Want",
    "Window",
]
