"""How long an entry lives: after its write, with jitter, and after its last use."""

import math
from dataclasses import dataclass
from random import Random

from lldkit.arguments import check_number
from lldkit.cache.interface import UNSET, Unset

__all__ = ["Lifetime"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetime:
    """Seconds after the write (drawn from [ttl * (1 - jitter), ttl]) and after the last use; None: no such end.

    >>> Lifetime(ttl=300.0, jitter=0.0, idle=60.0).of(UNSET, 1_000.0, Random(1))
    (1300.0, 1060.0)
    """

    ttl: float | None = None
    jitter: float = 0.0
    idle: float | None = None

    def __post_init__(self) -> None:
        for name, seconds in (("ttl", self.ttl), ("idle_ttl", self.idle)):
            if seconds is not None:
                check_number(name, seconds, above=0)
        check_number("ttl_jitter", self.jitter, most=1)

    @staticmethod
    def check(ttl: float) -> float:
        """Return the lifetime of one entry if it is one."""
        return check_number("ttl", ttl, above=0)

    @property
    def ends(self) -> bool:
        """Whether anything expires."""
        return self.ttl is not None or self.idle is not None

    def of(self, ttl: float | Unset | None, now: float, rng: Random) -> tuple[float, float]:
        """(when it expires at the latest, when it expires unless it is used) of an entry written now.

        `ttl` is the entry's own, None for ever, or UNSET; only the cache's own lifetime has jitter.
        """
        expires = math.inf
        if ttl is UNSET:
            if self.ttl is not None:
                expires = now + self.ttl * (1 - self.jitter * rng.random() if self.jitter else 1)
        elif ttl is not None:
            expires = now + ttl
        return expires, self.used(expires, now)

    def used(self, expires: float, now: float) -> float:
        """When an entry expires that is used now."""
        return expires if self.idle is None else min(expires, now + self.idle)
