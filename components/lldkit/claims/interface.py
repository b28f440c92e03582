"""The words of claims: what can be claimed, how one asks for it, what one gets, and how one is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol, TypeAlias

from lldkit.arguments import check_count
from lldkit.errors import LldkitError

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


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing that one owner has at a time: a seat, a room, a space.

    It belongs to one `pool`. `ranks` are its places in named orders, low first; a unit without a rank in an order comes
    after all that have one. `row` and `position` say what stands beside what; without a row it is in no run.
    """

    id: str
    pool: str = field(kw_only=True)
    ranks: Mapping[str, int] = field(default_factory=dict, kw_only=True)
    row: str = field(default="", kw_only=True)
    position: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        for what, text in (("id", self.id), ("pool", self.pool)):
            if not text or type(text) is not str:
                raise ValueError(f"a unit's {what} must be a text that is not empty, got {text!r}")
        for rank in (*self.ranks.values(), self.position):
            check_count("a rank or position", rank, least=-(2**53), most=2**53)
        object.__setattr__(self, "ranks", dict(self.ranks))


@dataclass(frozen=True, slots=True)
class Window:
    """`n` of `target`, a unit or a pool, from `start` until just before `end`."""

    target: str
    start: datetime
    end: datetime
    n: int = 1


@dataclass(frozen=True, slots=True, init=False)
class Exactly:
    """These units, all or nothing: until they are released, or for the window from `start` until just before `end`."""

    ids: tuple[str, ...]
    start: datetime | None
    end: datetime | None

    def __init__(self, *ids: str, start: datetime | None = None, end: datetime | None = None) -> None:
        if not ids or len(set(ids)) < len(ids):
            raise ValueError(f"Exactly wants one or more different ids, got {ids!r}")
        if (start is None) != (end is None):
            raise ValueError(f"a window needs start and end, got {start!r} and {end!r}")
        if start is not None and end is not None:
            _check_window(start, end)
        for name, value in (("ids", ids), ("start", start), ("end", end)):
            object.__setattr__(self, name, value)


@dataclass(frozen=True, slots=True, init=False)
class AnyOf:
    """The first unit that is free: of the pools in the order given, then by rank in `order`, then by id."""

    pools: tuple[str, ...]
    order: str

    def __init__(self, *pools: str, order: str = "") -> None:
        if not pools:
            raise ValueError("AnyOf wants one or more pools, got none")
        object.__setattr__(self, "pools", pools)
        object.__setattr__(self, "order", order)


@dataclass(frozen=True, slots=True)
class Run:
    """`length` units at adjacent positions of one row of `pool`: of the shortest free stretch that is long enough."""

    pool: str
    length: int
    order: str = ""

    def __post_init__(self) -> None:
        check_count("length", self.length, least=1)


@dataclass(frozen=True, slots=True)
class Count:
    """Any `n` of the pool's capacity at every instant from `start` until just before `end`."""

    pool: str
    n: int = 1
    start: datetime = field(kw_only=True)
    end: datetime = field(kw_only=True)

    def __post_init__(self) -> None:
        check_count("n", self.n, least=1)
        _check_window(self.start, self.end)


Want: TypeAlias = Exactly | AnyOf | Run | Count
"""What a claim asks for; one claim may ask for several, and gets all or nothing."""


def _check_window(start: datetime, end: datetime) -> None:
    if start.tzinfo is None or end.tzinfo is None:
        raise ValueError(f"a window needs aware datetimes, got {start!r} and {end!r}")
    if not start < end:
        raise ValueError(f"a window must end after its start, got {start.isoformat()} to {end.isoformat()}")


class ClaimState(Enum):
    """A claim that lives is held, until it expires, or confirmed, until it is released."""

    HELD = "held"
    CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True)
class Token:
    """What proves that a claim is one's own: unguessable, and not shown by accident; `reveal` gives the text."""

    _text: str = field(repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self._text, str):
            raise TypeError(f"a token is made of text, got a {type(self._text).__name__}")

    def reveal(self) -> str:
        """The text, to be stored or sent; `Token(text)` makes the token again."""
        return self._text


@dataclass(frozen=True, slots=True)
class Claim:
    """What an owner has. A later claim has a higher `fence`; `expires_at` None: it is confirmed."""

    id: str
    token: Token
    owner: str
    units: tuple[str, ...]
    windows: tuple[Window, ...]
    state: ClaimState
    fence: int
    created_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class UnitState:
    """How a unit stands: free to be claimed, or of an owner until `expires_at` (None: until it is released)."""

    id: str
    free: bool
    in_service: bool
    owner: str | None = None
    claim_id: str | None = None
    fence: int = 0
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """Something that happened: `what` is held, confirmed, extended, released or expired. Without the token."""

    at: datetime
    seq: int
    what: str
    claim_id: str
    owner: str
    units: tuple[str, ...]


class ClaimError(LldkitError):
    """Base of the errors of claims. Nothing has changed, unless it says otherwise."""

    def __reduce__(self) -> tuple[object, ...]:
        return _make_again, (type(self), self.args, self.__dict__)


def _make_again(kind: type[ClaimError], args: tuple[object, ...], fields: dict[str, object]) -> ClaimError:
    """An error with its fields: how it travels between processes."""
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(fields)
    return error


class ClaimRefused(ClaimError):
    """Somebody has it: `blocking` names units or pools; in `retry_after` seconds the first hold ends, if any does."""

    def __init__(self, blocking: tuple[str, ...], retry_after: float | None = None) -> None:
        super().__init__(f"not free: {', '.join(blocking)}")
        self.blocking, self.retry_after = blocking, retry_after


class OwnerBusy(ClaimError):
    """The owner has a live claim already, and this one was to be exclusive, or that one is."""

    def __init__(self, owner: str, claim_id: str) -> None:
        super().__init__(f"{owner} has claim {claim_id} already")
        self.owner, self.claim_id = owner, claim_id


class ClaimExpired(ClaimError):
    """The hold had ended before."""

    def __init__(self, claim_id: str, expired_at: datetime) -> None:
        super().__init__(f"claim {claim_id} expired at {expired_at.isoformat()}; claim anew")
        self.claim_id, self.expired_at = claim_id, expired_at


class ClaimLost(ClaimError):
    """The claim was released, or this was never its token."""

    def __init__(self, claim_id: str) -> None:
        super().__init__(f"claim {claim_id} was released, or the token is not its own")
        self.claim_id = claim_id


class KeyMismatch(ClaimError):
    """The key was used before, with other arguments."""

    def __init__(self, key: str) -> None:
        super().__init__(f"key {key!r} was used with other arguments; a key names one request")
        self.key = key


class UnknownUnit(ClaimError):
    """There is no such unit."""

    def __init__(self, unit_id: str) -> None:
        super().__init__(f"there is no unit {unit_id!r}; add it first")
        self.unit_id = unit_id


class UnknownPool(ClaimError):
    """There is no such pool, or for a `Count` no capacity of it."""

    def __init__(self, pool: str) -> None:
        super().__init__(f"there is no pool {pool!r}; add units, or for Count set its capacity")
        self.pool = pool


class UnitConflict(ClaimError):
    """A unit was added again with other properties, or two wants of one claim name it."""

    def __init__(self, unit_id: str) -> None:
        super().__init__(f"unit {unit_id!r} is there with other properties, or is wanted twice")
        self.unit_id = unit_id


class TooManyExtensions(ClaimError):
    """The hold was extended `most` times already."""

    def __init__(self, claim_id: str, most: int) -> None:
        super().__init__(f"claim {claim_id} was extended {most} times already; confirm or release it")
        self.claim_id, self.most = claim_id, most


class ClaimsUnavailable(ClaimError):
    """The engine did not answer; whether the call took effect is unknown: repeat it with its key."""

    def __init__(self, retry_after: float | None = None) -> None:
        super().__init__("the engine of the claims did not answer; repeat the call with its key")
        self.retry_after = retry_after


class Claims(Protocol):
    """Who has what. Safe for threads and tasks; every verb has a twin with the prefix `a`."""

    def add(self, *units: Unit) -> None:
        """Add units; one that is there already is left alone, or is a `UnitConflict` if it differs."""
        ...

    def set_capacity(self, pool: str, n: int) -> None:
        """Let at most `n` be counted in the pool at any instant; claims that exist are kept."""
        ...

    def set_service(self, unit_id: str, *, in_service: bool) -> None:
        """Take a unit out of service, or back; a claim on it is kept."""
        ...

    def claim(
        self, *wants: Want, owner: str, ttl_seconds: float | None, key: str | None = None, exclusive: bool = False
    ) -> Claim:
        """Claim all that is wanted, or raise `ClaimRefused`; for `ttl_seconds`, or None: confirmed at once."""
        ...

    def confirm(self, token: Token, *, key: str | None = None) -> Claim:
        """Keep a hold until it is released; `ClaimExpired`, `ClaimLost`."""
        ...

    def extend(self, token: Token, *, ttl_seconds: float) -> Claim:
        """Let a hold end `ttl_seconds` from now instead; `ClaimExpired`, `ClaimLost`, `TooManyExtensions`."""
        ...

    def release(self, token: Token, *, key: str | None = None) -> bool:
        """Give a claim back; whether it still was one's own."""
        ...

    def get(self, unit_id: str) -> UnitState:
        """How the unit stands."""
        ...

    def owned(self, owner: str) -> tuple[Claim, ...]:
        """The live claims of an owner, oldest first."""
        ...

    def free(self, pool: str, *, start: datetime | None = None, end: datetime | None = None) -> int:
        """How many units are free now; with a window, how many more a `Count` could have in it."""
        ...

    def changes(self, *, after: int = 0, limit: int = 100) -> Sequence[Change]:
        """What happened after change number `after`, oldest first, of what is still kept."""
        ...
