"""What all reports of the laboratories share: they can be written as JSON, and their curves are `Series`."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from lldkit.simulation.interface import Series

__all__ = ["Report", "per_second", "ratio"]


@dataclass(frozen=True, slots=True)
class Report:
    """Base of the laboratories' reports."""

    def to_json(self) -> str:
        """Return the report as a JSON object; a series is an object of two lists."""
        return json.dumps(asdict(self))


def per_second(values: Iterable[float]) -> Series:
    """Return one value for each second from 0."""
    values = tuple(values)
    return Series(tuple(map(float, range(len(values)))), values)


def ratio(part: float, whole: float) -> float:
    """Return `part` / `whole`, and 0 of nothing."""
    return part / whole if whole else 0.0
