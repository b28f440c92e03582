"""What callers pass, made exact or refused before anything has changed.

Keys are rebuilt of exact types, so that no foreign code runs under a lock.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from lldkit.rate_limiter.interface import Algorithm, Key, PlainKey, Quota

__all__ = ["check_cost", "check_timeout", "checked_quotas", "keys_by_quota", "plain_key"]


def plain_key(key: object) -> PlainKey:
    """`key` rebuilt of exact `str`, `int` and `tuple`, whose hashing and comparing runs no foreign code.

    >>> plain_key(("user", 42))
    ('user', 42)
    """
    if isinstance(key, str):
        return str.__str__(key)
    if isinstance(key, int):
        return int.__int__(key)
    if isinstance(key, tuple):
        return tuple(plain_key(part) for part in key)
    raise TypeError(f"a key must be a str, an int or a tuple of these, got {key!r}")


def keys_by_quota(key: Key, quotas: tuple[Quota, ...]) -> tuple[PlainKey, ...]:
    """One plain key per quota: the same for all, or what a mapping holds under the quota's name."""
    if type(key) is str:  # nearly all are, and asking an abstract class about the others takes a microsecond
        return (key,) * len(quotas)
    if not isinstance(key, Mapping):
        return (plain_key(key),) * len(quotas)
    names = {quota.name for quota in quotas}
    if key.keys() != names:
        raise ValueError(f"a mapping must give a key to each quota, {sorted(names)}, got {sorted(key)}")
    return tuple(plain_key(key[quota.name]) for quota in quotas)


def checked_quotas(quota: Quota | Sequence[Quota], algorithm: Algorithm[Any]) -> tuple[Quota, ...]:
    """One or several quotas that `algorithm` can keep, with different names."""
    quotas = (quota,) if isinstance(quota, Quota) else tuple(quota)
    if not quotas or not all(isinstance(each, Quota) for each in quotas):
        raise TypeError(f"quota must be a Quota or a sequence of at least one, got {quota!r}")
    names = [each.name for each in quotas]
    if len(set(names)) < len(names):
        raise ValueError(f"the quotas of one limiter need different names, got {names}")
    for each in quotas:
        if each.burst != each.limit and not algorithm.bursts:
            raise ValueError(f"{algorithm.name} has no burst: leave it out or make it {each.limit}, got {each.burst}")
    return quotas


def check_cost(cost: object) -> None:
    """Refuse what is no number of units."""
    if type(cost) is int and cost >= 0:
        return
    if isinstance(cost, bool) or not isinstance(cost, int):
        raise TypeError(f"cost must be a whole number of units, got {cost!r}")
    if cost < 0:
        raise ValueError(f"cost must be 0 (which only looks) or more, got {cost!r}")


def check_timeout(timeout: float | None) -> None:
    """Refuse what is no time to wait."""
    if timeout is not None and not timeout >= 0:
        raise ValueError(f"timeout must be a number of seconds >= 0, or None to wait for ever, got {timeout!r}")
