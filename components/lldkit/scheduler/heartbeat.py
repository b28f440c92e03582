"""The heartbeat: one thread of a worker that keeps its leases alive while its jobs run."""

import threading
from collections.abc import Callable, Iterable

from lldkit.clock import Clock
from lldkit.scheduler.holdings import Holdings
from lldkit.scheduler.interface import StoreUnavailable
from lldkit.scheduler.running import Running, Stop
from lldkit.scheduler.store import LeaseRef, Renewal
from lldkit.turns import ThreadTurn

__all__ = ["Heartbeat", "by_store"]


class Heartbeat:
    """Renews every lease of a worker each third of its length, in one call to the store, also of jobs not yet started.

    A lease is judged by monotonic time taken before the store was asked, so that this worker gives up before the store
    does. `stop` is called with each job that should not go on. Not started, it never beats: a fork has none.
    """

    def __init__(
        self,
        holdings: Holdings,
        stop: Callable[[Running, Stop], None],
        unavailable: Callable[[StoreUnavailable], None],
        failed: Callable[[Exception], None],
        *,
        lease_seconds: float,
        clock: Clock,
    ) -> None:
        self._holdings = holdings
        self._stop = stop
        self._unavailable = unavailable
        self._failed = failed
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._turn = ThreadTurn()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def close(self) -> None:
        """Stop, and wait for the thread."""
        self._turn.give()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._turn.wait(self._clock, self._lease_seconds / 3):
                self.beat()
        except Exception as error:  # noqa: BLE001 - without a heartbeat the worker must not go on, whatever it was
            self._failed(error)

    def beat(self) -> None:
        """Renew what is held; give up what could not be renewed in time."""
        asked_at = self._clock.monotonic()
        for jobs in by_store(self._holdings.all()):
            try:
                self._renew(jobs, asked_at)
            except StoreUnavailable as error:
                self._unavailable(error)
        now = self._clock.monotonic()
        for running in self._holdings.all():
            if now >= running.deadline:
                self._stop(running, Stop.LOST)

    def _renew(self, jobs: list[Running], asked_at: float) -> None:
        refs = [LeaseRef(each.lease.new.id, each.lease.fence, each.reported) for each in jobs]
        answers = jobs[0].queue.store.renew(refs, seconds=self._lease_seconds)
        for running, answer in zip(jobs, answers, strict=True):
            if answer is Renewal.LOST:
                self._stop(running, Stop.LOST)
                self._holdings.lose(running)
                continue
            running.deadline = asked_at + self._lease_seconds
            if answer is Renewal.CANCEL:
                self._stop(running, Stop.CANCELLED)


def by_store(jobs: Iterable[Running]) -> list[list[Running]]:
    """The jobs, those of one store together."""
    groups: dict[int, list[Running]] = {}
    for running in jobs:
        groups.setdefault(id(running.queue.store), []).append(running)
    return list(groups.values())
