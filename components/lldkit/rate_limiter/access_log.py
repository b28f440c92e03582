"""Requests out of a web server's access log: Common and Combined Log Format, plain or gzip, one line at a time."""

import gzip
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

__all__ = ["Request", "lines_of", "parse_line"]

LONGEST = 65_536

# host ident user [time] "request" status size, and whatever follows (Combined adds referrer and user agent)
_LINE = re.compile(r'(\S+) \S+ (\S.*?) \[([^\]]{26})\] "((?:[^"\\]|\\.)*)" \d{3} (?:\d+|-)(?: |$)')
_NAMES = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_MONTHS = {name: number for number, name in enumerate(_NAMES, 1)}


@dataclass(frozen=True, slots=True)
class Request:
    """One line of the log; `at` is microseconds since 1970, `path` is without its query."""

    at: int
    client: str
    user: str
    path: str


def parse_line(line: str) -> Request | None:
    """The request of one line, or None if it is no line of Common or Combined Log Format.

    >>> line = '203.0.113.7 - ann [10/Oct/2026:13:55:36 +0200] "GET /a?b=c HTTP/1.1" 200 2326'
    >>> parse_line(line)
    Request(at=1791633336000000, client='203.0.113.7', user='ann', path='/a')
    """
    found = _LINE.match(line)
    if found is None:
        return None
    client, user, time, request = found.groups()
    at = _microseconds(time)
    if at is None:
        return None
    words = request.split(" ")
    path = words[1].partition("?")[0] if len(words) > 1 else request
    return Request(at, client, user, path)


@lru_cache(maxsize=64)  # the lines of one second share their time
def _microseconds(time: str) -> int | None:
    """`10/Oct/2026:13:55:36 +0200` as microseconds since 1970."""
    try:
        sign = {"+": 1, "-": -1}[time[21]]
        offset = sign * timedelta(hours=int(time[22:24]), minutes=int(time[24:26]))
        month = _MONTHS[time[3:6]]
        day, year, hour, minute, second = (int(time[a:b]) for a, b in ((0, 2), (7, 11), (12, 14), (15, 17), (18, 20)))
        moment = datetime(year, month, day, hour, minute, second, tzinfo=timezone(offset))
    except (KeyError, ValueError):
        return None
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 1_000_000


def lines_of(stream: io.BufferedReader) -> Iterator[str]:
    """The lines of a log, unpacked if it is gzip (told by its first bytes), odd bytes replaced.

    What of a line is beyond 64 KiB is dropped, so that memory is bounded. A gzip stream that ends early raises
    `EOFError` after the lines that were whole, a damaged one `OSError` or `zlib.error`.
    """
    source = gzip.GzipFile(fileobj=stream) if stream.peek(2)[:2] == b"\x1f\x8b" else stream
    while line := source.readline(LONGEST):
        yield line.decode("utf-8", "replace").rstrip("\r\n")
        while len(line) == LONGEST and not line.endswith(b"\n"):
            line = source.readline(LONGEST)
