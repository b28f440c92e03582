"""Schedules: which thread took each step, as one line that replays on every supported Python.

>>> schedule = Schedule.parse("free:0*17,1*5,0*3")
>>> schedule.switches, str(schedule)
(2, 'free:0*17,1*5,0*3')
"""

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

from lldkit.interleave.interface import Granularity

__all__ = ["Schedule"]

_RUN = re.compile(r"(-1|\d+)\*([1-9]\d*)")


@dataclass(frozen=True, slots=True)
class Schedule:
    """Who runs when: `(thread, steps)` for each stretch without a switch.

    Threads are numbered in the order of their creation, from 0; -1 is the clock: virtual time moves to the next
    deadline. Steps are counted by access, not by bytecode instruction, so that one schedule fits every Python.
    """

    granularity: Granularity
    runs: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, granularity: Granularity, picks: Iterable[int]) -> Self:
        """Return the schedule of a run that took `picks`, one thread per step."""
        return cls(granularity, tuple((thread, len(list(steps))) for thread, steps in itertools.groupby(picks)))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` wrote; `ValueError` where the text is no schedule."""
        name, colon, rest = text.strip().partition(":")
        if not colon or name not in set(Granularity):
            raise ValueError(f"a schedule reads like 'free:0*17,1*5' (granularity:thread*steps,...), got {text!r}")
        return cls(Granularity(name), tuple(cls._parse_run(part) for part in rest.split(",") if part))

    @staticmethod
    def _parse_run(part: str) -> tuple[int, int]:
        match = _RUN.fullmatch(part.strip())
        if match is None:
            raise ValueError(f"a part of a schedule is thread*steps such as '0*17', got {part!r}")
        return int(match[1]), int(match[2])

    @property
    def switches(self) -> int:
        """How often control passed from one thread to another."""
        return max(0, len(self.runs) - 1)

    @property
    def steps(self) -> int:
        """How many steps were taken in all."""
        return sum(count for _, count in self.runs)

    def picks(self) -> Iterator[int]:
        """Yield the thread of each step."""
        for thread, count in self.runs:
            yield from itertools.repeat(thread, count)

    def __str__(self) -> str:
        return f"{self.granularity.value}:" + ",".join(f"{thread}*{count}" for thread, count in self.runs)
