"""Rows of a benchmark: several subjects timed side by side, round by round, so that a noisy second hits all alike.

    def test_acquire(benchmark: BenchmarkFixture) -> None:
        limiter, peer = ...
        beside(
            benchmark,
            {"lldkit": code("acquire('k')", acquire=limiter.acquire), "limits": lambda: peer.hit(rate, "k")},
            row="acquire, hot key",
            target="at least 4 x limits",
        )

One test is one row, one call of `beside`, `abeside` (subjects that are awaited) or `value_row` (bytes, trips). Name a
subject by the distribution it belongs to, and anything after a space as you like ("redis EVALSHA"): the report looks
its version up. Less is always better. Under `--benchmark-disable` each subject runs once, which makes it a test.

pytest-benchmark is only the carrier of the figures into its JSON: it times one subject after the other, minutes apart,
and on a shared machine the ratio of two such figures is mostly noise. So the rounds are run here, and the fixture gets
one empty round (it demands to be used) with the row in `extra_info`. `report.py` reads nothing else.
"""

import gc
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from math import inf
from time import perf_counter
from typing import Any, Protocol

ROUND_SECONDS = 0.004  # long beside the timer's grain, short beside what disturbs a machine
MOST_REPEATS = 1 << 22

Timer = Callable[[], float]


class Carrier(Protocol):
    """The part of pytest-benchmark's fixture that a row needs."""

    disabled: Any
    group: Any
    extra_info: Any

    def pedantic(self, target: Callable[[], object], *, rounds: int) -> object: ...


@dataclass(frozen=True)
class Code:
    """A statement that is timed in place, without the cost of calling a function around it."""

    statement: str
    names: Mapping[str, object]


def code(statement: str, /, **names: object) -> Code:
    """A statement over local `names`; in `abeside` it may await. Fair to fast subjects: no lambda is timed with it."""
    return Code(statement, names)


Subject = Callable[[], object] | Code


def compiled(subject: Subject, *, awaits: bool) -> Callable[[Iterable[None], Timer], Any]:
    """The function that runs the subject once per item and returns (or, for `awaits`, resolves to) the seconds."""
    made = subject if isinstance(subject, Code) else Code("await call()" if awaits else "call()", {"call": subject})
    source = f"""
{"async " if awaits else ""}def timed(_items, _timer, {", ".join(made.names)}):
    _start = _timer()
    for _item in _items:
        {made.statement}
    return _timer() - _start
"""
    space: dict[str, Any] = {}
    exec(compile(source, f"<{made.statement}>", "exec"), space)
    return partial(space["timed"], **made.names)


@dataclass
class Turn:
    """Whom to run next and how often; whoever runs it writes the seconds back."""

    name: str
    repeats: int
    seconds: float = 0.0


def turns(best: dict[str, float], rounds: int, number: int | None) -> Iterator[Turn]:
    """The turns of a row; fills `best`, whose keys are the subjects, with the least seconds per run of each.

    First a warm-up, which without `number` doubles the repeats of each subject until they fill a round; then `rounds`
    rounds, each of which begins with another subject, so that nobody always runs after the same neighbour.
    """
    names, repeats = list(best), dict.fromkeys(best, number or 1)
    for name in names:
        yield (turn := Turn(name, repeats[name]))
        while number is None and turn.seconds < ROUND_SECONDS and turn.repeats < MOST_REPEATS:
            yield (turn := Turn(name, turn.repeats * 2))
        repeats[name] = turn.repeats
    for index in range(rounds):
        first = index % len(names)
        for name in [*names[first:], *names[:first]]:
            yield (turn := Turn(name, repeats[name]))
            best[name] = min(best[name], turn.seconds / turn.repeats)


def once(best: dict[str, float]) -> Iterator[Turn]:
    """The turns under `--benchmark-disable`: everybody once, and no figures."""
    for name in list(best):
        yield Turn(name, 1)
    best.clear()


@contextmanager
def no_collector() -> Iterator[None]:
    """The garbage collector off, as it would hit whom it likes."""
    was_on = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def beside(
    benchmark: Carrier,
    subjects: Mapping[str, Subject],
    *,
    row: str,
    ours: str = "lldkit",
    floor: str | None = None,
    target: str = "",
    number: int | None = None,
    rounds: int = 30,
    per: int = 1,
    timer: Timer = perf_counter,
) -> None:
    """Time the subjects of one row in interleaved rounds and record the least seconds per operation of each.

    `ours` and `floor` name subjects: the one we answer for, and the one nobody can beat. `number` fixes the runs per
    round (and for the warm-up) where the subject uses something up; `per` is how many operations one run stands for.
    """
    check(subjects, ours, floor)
    timed = {name: compiled(subject, awaits=False) for name, subject in subjects.items()}
    best = dict.fromkeys(timed, inf)
    with no_collector():
        for turn in once(best) if benchmark.disabled else turns(best, rounds, number):
            turn.seconds = timed[turn.name](repeat(None, turn.repeats), timer)
    values = {name: least / per for name, least in best.items()}
    record(benchmark, values, row=row, unit="s", ours=ours, floor=floor, target=target)


async def abeside(
    benchmark: Carrier,
    subjects: Mapping[str, Callable[[], Awaitable[object]] | Code],
    *,
    row: str,
    ours: str = "lldkit",
    floor: str | None = None,
    target: str = "",
    number: int | None = None,
    rounds: int = 30,
    per: int = 1,
    timer: Timer = perf_counter,
) -> None:
    """`beside` for subjects that are awaited, all on the running loop; give 64 tasks as one run with `per=64`."""
    check(subjects, ours, floor)
    timed = {name: compiled(subject, awaits=True) for name, subject in subjects.items()}
    best = dict.fromkeys(timed, inf)
    with no_collector():
        for turn in once(best) if benchmark.disabled else turns(best, rounds, number):
            turn.seconds = await timed[turn.name](repeat(None, turn.repeats), timer)
    values = {name: least / per for name, least in best.items()}
    record(benchmark, values, row=row, unit="s", ours=ours, floor=floor, target=target)


def value_row(
    benchmark: Carrier,
    measures: Mapping[str, Callable[[], float]],
    *,
    row: str,
    unit: str = "B",
    ours: str = "lldkit",
    floor: str | None = None,
    target: str = "",
) -> None:
    """Record a row of figures that are no times, such as bytes; each measure is called once, also when disabled."""
    check(measures, ours, floor)
    values = {name: measure() for name, measure in measures.items()}
    record(benchmark, values, row=row, unit=unit, ours=ours, floor=floor, target=target)


def check(subjects: Mapping[str, object], ours: str, floor: str | None) -> None:
    """Refuse a row in which nobody is ours, or whose floor is missing."""
    for role, name in (("ours", ours), ("floor", floor)):
        if name is not None and name not in subjects:
            raise ValueError(f"{role} is {name!r}, which is none of the subjects {sorted(subjects)}")


def record(benchmark: Carrier, values: dict[str, float], *, row: str, **words: str | None) -> None:
    """Hand the row to pytest-benchmark, which carries it to the report."""
    benchmark.group = row
    benchmark.extra_info.update(row=row, values=values, **words)
    benchmark.pedantic(lambda: None, rounds=1)
