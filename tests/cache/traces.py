"""The traces and their reference counts."""

import csv
import lzma
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from conftest import Vectors

TRACES = 11
CELLS = 21


@dataclass(frozen=True)
class Cell:
    """A trace and a size, with the reference hit counts by policy."""

    trace: str
    requests: int
    size: int
    hits: dict[str, int]


def cells(vectors: Vectors) -> list[Cell]:
    with (vectors.path("cache-traces") / "golden.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [
        Cell(
            row["trace"],
            int(row["requests"]),
            int(row["size"]),
            {name: int(row[name]) for name in ("FIFO", "LRU", "LFU", "SIEVE", "ARC", "S3FIFO", "BELADY", "THEINE")},
        )
        for row in rows
    ]


@lru_cache(maxsize=1)
def trace(folder: Path, name: str) -> list[int]:
    with lzma.open(folder / f"{name}.txt.xz", "rt") as file:
        return [int(line) for line in file]
