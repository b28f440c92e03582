"""What a type checker must make of every public name of lldkit.claims; generated, checked, never run."""

from collections.abc import Mapping
from datetime import datetime
from lldkit.claims import AnyOf, Change, Claim, ClaimError, ClaimExpired, ClaimLost, ClaimRefused, ClaimState, Claims, ClaimsUnavailable, Count, Exactly, KeyMismatch, MemoryClaims, OwnerBusy, Run, Token, TooManyExtensions, Unit, UnitConflict, UnitState, UnknownPool, UnknownUnit, Want, Window
from typing import assert_type

def n0(x: AnyOf) -> None: assert_type(x.pools, tuple[str, ...]); assert_type(x.order, str)
def n1(x: Change) -> None: assert_type(x.at, datetime); assert_type(x.seq, int); assert_type(x.what, str); assert_type(x.claim_id, str); assert_type(x.owner, str); assert_type(x.units, tuple[str, ...])
def n2(x: Claim) -> None: assert_type(x.id, str); assert_type(x.token, Token); assert_type(x.owner, str); assert_type(x.units, tuple[str, ...]); assert_type(x.windows, tuple[Window, ...]); assert_type(x.state, ClaimState); assert_type(x.fence, int); assert_type(x.created_at, datetime); assert_type(x.expires_at, datetime | None)
def n3(x: ClaimError) -> None: del x
def n4(x: ClaimExpired) -> None: assert_type(x.claim_id, str); assert_type(x.expired_at, datetime)
def n5(x: ClaimLost) -> None: assert_type(x.claim_id, str)
def n6(x: ClaimRefused) -> None: assert_type(x.blocking, tuple[str, ...]); assert_type(x.retry_after, float | None)
def n7() -> ClaimState: return ClaimState.HELD
def n8(x: Claims) -> None: del x
def n9(x: ClaimsUnavailable) -> None: assert_type(x.retry_after, float | None)
def n10(x: Count) -> None: assert_type(x.pool, str); assert_type(x.n, int); assert_type(x.start, datetime); assert_type(x.end, datetime)
def n11(x: Exactly) -> None: assert_type(x.ids, tuple[str, ...]); assert_type(x.start, datetime | None); assert_type(x.end, datetime | None)
def n12(x: KeyMismatch) -> None: assert_type(x.key, str)
def n13(x: MemoryClaims) -> None: del x
def n14(x: OwnerBusy) -> None: assert_type(x.owner, str); assert_type(x.claim_id, str)
def n15(x: Run) -> None: assert_type(x.pool, str); assert_type(x.length, int); assert_type(x.order, str)
def n16(x: Token) -> None: del x
def n17(x: TooManyExtensions) -> None: assert_type(x.claim_id, str); assert_type(x.most, int)
def n18(x: Unit) -> None: assert_type(x.id, str); assert_type(x.pool, str); assert_type(x.ranks, Mapping[str, int]); assert_type(x.row, str); assert_type(x.position, int)
def n19(x: UnitConflict) -> None: assert_type(x.unit_id, str)
def n20(x: UnitState) -> None: assert_type(x.id, str); assert_type(x.free, bool); assert_type(x.in_service, bool); assert_type(x.owner, str | None); assert_type(x.claim_id, str | None); assert_type(x.fence, int); assert_type(x.expires_at, datetime | None)
def n21(x: UnknownPool) -> None: assert_type(x.pool, str)
def n22(x: UnknownUnit) -> None: assert_type(x.unit_id, str)
def n23() -> object: return Want
def n24(x: Window) -> None: assert_type(x.target, str); assert_type(x.start, datetime); assert_type(x.end, datetime); assert_type(x.n, int)
