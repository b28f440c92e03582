"""The policies by name."""

from functools import partial
from types import MappingProxyType
from typing import cast

from lldkit.cache.arc import Arc
from lldkit.cache.fifo import Fifo
from lldkit.cache.interface import PolicyFactory
from lldkit.cache.lfu import Lfu
from lldkit.cache.lru import Lru
from lldkit.cache.s3fifo import S3Fifo
from lldkit.cache.sieve import Sieve
from lldkit.cache.tinylfu import TinyLfu

__all__ = ["POLICIES", "policy_factory"]

POLICIES: MappingProxyType[str, PolicyFactory] = MappingProxyType(
    {
        "arc": Arc,
        "fifo": Fifo,
        "lfu": partial(Lfu, halve_every=10),
        "lru": Lru,
        "s3fifo": S3Fifo,
        "sieve": Sieve,
        "w-tinylfu": TinyLfu,
    }
)


def policy_factory(policy: object) -> PolicyFactory:
    """The factory that `policy` names, or is."""
    if callable(policy):
        return policy
    if policy not in POLICIES:
        raise ValueError(f"policy must be one of {', '.join(POLICIES)} or a callable of maxsize, got {policy!r}")
    return POLICIES[cast("str", policy)]
