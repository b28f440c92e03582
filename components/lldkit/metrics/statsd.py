"""Deltas as statsd lines, and a sink that sends them over UDP without ever waiting or raising."""

import re
import socket
from collections.abc import Iterator
from random import Random
from types import TracebackType
from typing import Self

from lldkit.arguments import check_count, check_number
from lldkit.metrics.interface import CounterValue, GaugeValue, SummaryValue
from lldkit.metrics.snapshots import Family, Series, Snapshot
from lldkit.metrics.text import number_text

__all__ = ["StatsdSink", "statsd_lines"]

QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}


def statsd_lines(delta: Snapshot) -> list[str]:
    r"""One line per number: counters as `|c`, gauges as `|g`, histograms as count, sum and three quantiles.

    Labels become part of the name, `name.label.value`; what statsd cannot have in a name becomes `_`. A negative gauge
    is first set to 0, since a sign would mean a change. A counter or histogram that did not grow is left out.

    >>> from lldkit.metrics.registry import Registry
    >>> registry = Registry()
    >>> registry.gauge("depth", labels=("queue",)).labels("a:b").set(-5)
    >>> statsd_lines(registry.snapshot())
    ['depth.queue.a_b:0|g', 'depth.queue.a_b:-5|g']
    """
    return [line for family in delta.families for series in family.series for line in _lines(family, series)]


def _lines(family: Family, series: Series) -> Iterator[str]:
    name = ".".join(_clean(part) for part in (family.name, *(part for pair in series.labels for part in pair)))
    match series.value:
        case CounterValue(value):
            if value:
                yield f"{name}:{number_text(value)}|c"
        case GaugeValue(value):
            if value < 0:
                yield f"{name}:0|g"
            yield f"{name}:{number_text(value)}|g"
        case SummaryValue():
            return
        case histogram if histogram.count:
            yield f"{name}.count:{histogram.count}|c"
            yield f"{name}.sum:{number_text(histogram.sum or 0.0)}|c"
            for what, q in QUANTILES.items():
                yield f"{name}.{what}:{number_text(histogram.quantile(q) or 0.0)}|g"
        case _:
            return


def _clean(text: str) -> str:
    return re.sub(r"[^\w\-/]", "_", text, flags=re.ASCII)


class StatsdSink:
    """Sends deltas to the statsd at `address` (host, port), several lines to a datagram of at most `mtu` bytes.

    `sample` is the share of counter lines that are sent; they carry it, so that the server scales them up. What cannot
    be sent at once is dropped and counted in `dropped`. Safe for threads. The name is looked up once, here.
    """

    def __init__(
        self,
        address: tuple[str, int],
        *,
        prefix: str = "",
        mtu: int = 1432,
        sample: float = 1.0,
        rng: Random | None = None,
    ) -> None:
        check_number("sample", sample, above=0, most=1)
        self._mtu = check_count("mtu", mtu, least=64, most=65_507)
        self._prefix = "".join(f"{_clean(part)}." for part in prefix.split(".") if part)
        self._sample = sample
        self._rng = rng or Random()
        family, kind, protocol, _, found = socket.getaddrinfo(*address, type=socket.SOCK_DGRAM)[0]
        self._address: tuple[object, ...] = found
        self._socket = socket.socket(family, kind, protocol)
        self._socket.setblocking(False)
        self.dropped = 0

    def send(self, delta: Snapshot) -> int:
        """Send one delta, as a delta reader gives it; how many datagrams left."""
        sent = 0
        for datagram in self._datagrams(delta):
            try:
                self._socket.sendto(datagram, self._address)
                sent += 1
            except OSError:  # the buffer is full, nobody listens, the sink is closed: metrics must not hurt
                self.dropped += 1
        return sent

    def _datagrams(self, delta: Snapshot) -> Iterator[bytes]:
        waiting = b""
        for line in self._sampled(statsd_lines(delta)):
            encoded = f"{self._prefix}{line}".encode()
            if len(encoded) > self._mtu:
                self.dropped += 1
            elif len(waiting) + 1 + len(encoded) <= self._mtu and waiting:
                waiting += b"\n" + encoded
            else:
                if waiting:
                    yield waiting
                waiting = encoded
        if waiting:
            yield waiting

    def _sampled(self, lines: list[str]) -> Iterator[str]:
        for line in lines:
            if self._sample == 1 or not line.endswith("|c"):
                yield line
            elif self._rng.random() < self._sample:
                yield f"{line}|@{number_text(self._sample)}"

    def close(self) -> None:
        """Close the socket; what is sent afterwards is dropped."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
