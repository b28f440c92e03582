"""What travels to and from the Lua scripts of the five algorithms: whole numbers in, states out.

A script knows an instant or a debt as two digits, (whole, rest below a base), because a Lua number could not hold the
ticks that the core counts. `exact.lua` says which sums stay exact, and for which quotas; others are refused here.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

from lldkit.engines.redis import Script, load_script
from lldkit.rate_limiter.fixed_window import FixedWindow
from lldkit.rate_limiter.gcra import GCRA
from lldkit.rate_limiter.interface import Algorithm, Mode, Promise, Quota
from lldkit.rate_limiter.sliding_counter import SlidingCounter
from lldkit.rate_limiter.sliding_log import SlidingLog
from lldkit.rate_limiter.token_bucket import TokenBucket

__all__ = ["MOST", "answer_from", "dialect_of", "question", "taking_back"]

MOST = 2**50
"""What a limit, a burst, a period, the time to drain a full bucket and a delay (microseconds: 35 years) may be."""

Numbers: TypeAlias = tuple[int, ...]


class Dialect(NamedTuple):
    """How one algorithm is spoken: its script, and what its numbers mean."""

    script: Script
    question: Callable[[Quota, int, int], Numbers]
    """(quota, cost, max_delay): what `decide` wants."""
    taking_back: Callable[[Quota, Promise], Numbers]
    """What `undo` wants."""
    state: Callable[[Sequence[int]], Any]
    """The state of the core from the numbers of a stored one."""


def dialect_of(algorithm: Algorithm[Any]) -> Dialect:
    """The dialect of an algorithm; `ValueError` when no script speaks it."""
    dialect = _DIALECTS.get(type(algorithm))
    if dialect is None:
        known = sorted(str(kind.name) for kind in _DIALECTS)
        raise ValueError(f"no Lua script runs the algorithm {algorithm.name!r}; Redis runs {known}")
    return dialect


def question(
    algorithm: Algorithm[Any], mode: Mode, quotas: Sequence[Quota], cost: int, max_delay: int
) -> tuple[bytes, ...]:
    """The mode, no time, and for each quota its numbers as one text; `ValueError` when they cannot be counted."""
    if max_delay > MOST:
        raise ValueError(f"max_delay must be at most {MOST} microseconds on Redis, got {max_delay}")
    for quota in quotas:
        _check(quota)
    if mode in {"acquire", "reserve"}:  # a promise is made of the same state; a cost of 0 is granted and writes nothing
        mode = "acquire" if cost else "peek"
    numbers = dialect_of(algorithm).question
    # A cost that can never pass may be any number; the next above the burst is refused as well.
    rows = (numbers(quota, min(cost, quota.burst + 1), max_delay if cost <= quota.burst else 0) for quota in quotas)
    return (mode.encode(), b"", *map(_text, rows))


def taking_back(algorithm: Algorithm[Any], quotas: Sequence[Quota], promises: Sequence[Promise]) -> tuple[bytes, ...]:
    """The same for a cancel."""
    return (b"cancel", b"", *map(_text, map(dialect_of(algorithm).taking_back, quotas, promises)))


def answer_from(algorithm: Algorithm[Any], answer: bytes | str) -> tuple[int, list[Any]]:
    """The time that a script went by, and the states of the core that it found."""
    now, *found = (answer if isinstance(answer, str) else answer.decode()).split(";")
    state_of = _DIALECTS[type(algorithm)].state
    return int(now), [state_of(list(map(int, state.split()))) if state else None for state in found]


def _text(numbers: Numbers) -> bytes:
    return " ".join(map(str, numbers)).encode()


def _check(quota: Quota) -> None:
    """Refuse what doubles cannot count exactly."""
    scale, _ = quota.rate
    drains_in = quota.capacity // scale
    figures = {"limit": quota.limit, "burst": quota.burst, "period": quota.period_us, "burst x period": drains_in}
    for what, figure in figures.items():
        if figure > MOST:
            unit = " microseconds" if "period" in what else ""
            raise ValueError(f"Redis counts exactly up to 2**50: {what} is {figure}{unit} in {quota}")


def _bucket_question(quota: Quota, cost: int, max_delay: int) -> Numbers:
    scale, unit = quota.rate
    reach, rest = divmod(quota.capacity, scale)
    return (scale, unit, *divmod(cost * unit, scale), reach + max_delay, rest)


def _gcra_back(quota: Quota, promise: Promise) -> Numbers:
    state, cost = promise
    full_at, rate = state or (0, None)
    return _bucket_back(quota, full_at, rate, cost)


def _token_bucket_back(quota: Quota, promise: Promise) -> Numbers:
    state, cost = promise
    missing, counted_at, rate = state or (0, 0, (1, 1))
    return _bucket_back(quota, counted_at * rate[0] + missing, rate, cost)


def _bucket_back(quota: Quota, full_at: int, rate: tuple[int, int] | None, cost: int) -> Numbers:
    if rate != quota.rate:
        full_at = 0  # as if it had acted long ago: a promise in another rate gives nothing back
    return (*_bucket_question(quota, cost, 0), *divmod(full_at, quota.rate[0]))


def _gcra_state(numbers: Sequence[int]) -> Any:
    us, ticks, scale, unit = numbers
    return us * scale + ticks, (scale, unit)


def _token_bucket_state(numbers: Sequence[int]) -> Any:
    us, ticks, counted_at, scale, unit = numbers
    return us * scale + ticks, counted_at, (scale, unit)


def _fixed_window_question(quota: Quota, cost: int, max_delay: int) -> Numbers:
    return quota.limit, quota.period_us, cost, max_delay


def _fixed_window_back(quota: Quota, promise: Promise) -> Numbers:
    state, cost = promise
    free, rate = state or (0, None)
    if rate != (quota.limit, quota.period_us):
        free = 0  # as if its window had begun long ago
    return (quota.limit, quota.period_us, cost, *divmod(free, quota.limit))


def _fixed_window_state(numbers: Sequence[int]) -> Any:
    window, used, limit, period = numbers
    return window * limit + used, (limit, period)


def _counting_question(quota: Quota, cost: int, max_delay: int) -> Numbers:
    del max_delay  # it makes no promises
    return quota.limit, quota.period_us, cost


def _counting_back(quota: Quota, promise: Promise) -> Numbers:
    del promise  # none was ever made
    return _counting_question(quota, 0, 0)


def _sliding_log_state(numbers: Sequence[int]) -> Any:
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def _script(*files: str) -> Script:
    """The files, one after the other, as one script."""
    return Script("\n".join(load_script(__package__, file).source for file in files))


_DIALECTS: dict[type[Algorithm[Any]], Dialect] = {
    GCRA: Dialect(
        _script("exact.lua", "asking.lua", "bucket.lua", "gcra.lua"), _bucket_question, _gcra_back, _gcra_state
    ),
    TokenBucket: Dialect(
        _script("exact.lua", "asking.lua", "bucket.lua", "token_bucket.lua"),
        _bucket_question,
        _token_bucket_back,
        _token_bucket_state,
    ),
    FixedWindow: Dialect(
        _script("exact.lua", "asking.lua", "fixed_window.lua"),
        _fixed_window_question,
        _fixed_window_back,
        _fixed_window_state,
    ),
    SlidingCounter: Dialect(
        _script("exact.lua", "asking.lua", "sliding_counter.lua"), _counting_question, _counting_back, tuple
    ),
    SlidingLog: Dialect(
        _script("exact.lua", "asking.lua", "sliding_log.lua"), _counting_question, _counting_back, _sliding_log_state
    ),
}
