"""Traces of requests: read from text and CSV, recorded by a sample of the keys."""

import csv
import gzip
import hashlib
import io
import lzma
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from lldkit.arguments import check_number

__all__ = ["TraceRecorder", "opened", "requests"]


class TraceRecorder:
    r"""Writes the keys that are asked for to `sink`, one line each, for `lldkit cache simulate`.

    With `sample` below 1 it keeps that share of the keys, always the same ones, with all their requests. Such a trace,
    simulated with sizes smaller by the same factor, has nearly the hit ratios of the whole (Waldspurger and others,
    "Efficient MRC construction with SHARDS", FAST 2015). A key is written as its `repr`, and the same in every process.
    As safe for threads as `sink` is.

    >>> lines = []
    >>> record = TraceRecorder(lines.append)
    >>> record("user:7")
    >>> lines
    ["'user:7'\n"]
    """

    def __init__(self, sink: Callable[[str], object], *, sample: float = 1.0) -> None:
        check_number("sample", sample, above=0, most=1)
        self._sink = sink
        self._below = int(sample * (1 << 64))

    def __call__(self, key: object) -> None:
        """Record a request for `key`, if it is of the sample."""
        text = repr(key)
        if self._below >> 64 or int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) < self._below:
            self._sink(text.replace("\n", "\\n") + "\n")


def requests(
    lines: Iterable[str], *, column: str | None = None, weight_column: str | None = None
) -> Iterator[tuple[str, int]]:
    """(key, weight) of each request: a line is a key, or with `column` the file is CSV with a header.

    Empty lines are left out. Raises `ValueError` that names the line that has no such column, or a wrong weight.
    """
    if column is None:
        yield from ((line.rstrip("\r\n"), 1) for line in lines if line.strip())
        return
    rows = csv.DictReader(lines)
    for name in (column, weight_column):
        if name is not None and name not in (rows.fieldnames or ()):
            raise ValueError(f"there is no column {name!r}; the first line names {', '.join(rows.fieldnames or ())}")
    for row in rows:
        weight = "1" if weight_column is None else row[weight_column]
        if not (weight or "").isdecimal():
            raise ValueError(f"line {rows.line_num}: a weight is a whole number of at least 0, got {weight!r}")
        yield row[column], int(weight)


@contextmanager
def opened(path: str) -> Iterator[Iterator[str]]:
    """The lines of a file or, for "-", of standard input; gzip and xz are recognised by how they begin."""
    if path == "-":
        yield from _lines(cast("io.BufferedReader", sys.stdin.buffer))
    else:
        with Path(path).open("rb") as stream:
            yield from _lines(stream)


def _lines(stream: io.BufferedReader) -> Iterator[Iterator[str]]:
    start = stream.peek(6)[:6]
    if start.startswith(b"\x1f\x8b"):
        with gzip.open(stream, "rt", encoding="utf-8", errors="replace") as lines:
            yield cast("Iterator[str]", lines)
    elif start.startswith(b"\xfd7zXZ"):
        with lzma.open(stream, "rt", encoding="utf-8", errors="replace") as unpacked:
            yield cast("Iterator[str]", unpacked)
    else:
        yield io.TextIOWrapper(stream, encoding="utf-8", errors="replace")
