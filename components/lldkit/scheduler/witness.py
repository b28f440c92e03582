"""The witness of a simulation: sees what the store does for everybody, and says when it breaks its word."""

from collections.abc import Sequence
from typing import Any

from lldkit.clock import MICRO
from lldkit.scheduler.interface import ENDED, JobState
from lldkit.scheduler.machine import JobEvent
from lldkit.scheduler.store import Lease, LeaseRef, Outcome, Put, Record, Renewal, Store
from lldkit.simulation import Trace

__all__ = ["ALL", "Witness"]

ALL = 1_000_000_000


class Witness:
    """Compares what a store answers with what it must have answered, by a model that is smaller than any store.

    `see` is called when a verb has taken effect, whether or not its answer arrives. Each promise is reported once.
    """

    def __init__(self, store: Store, queue: str, trace: Trace) -> None:
        self._store = store
        self._queue = queue
        self._trace = trace
        self._numbers: dict[str, int] = {}
        self._acknowledged: set[str] = set()
        self._newest: dict[str, int] = {}  # the highest fence of each job
        self._held: dict[str, tuple[Lease, int]] = {}  # what is leased, and until when
        self._ended: set[tuple[str, int]] = set()  # accepted ends: job, fence
        self._succeeded: set[str] = set()
        self._broken: set[str] = set()

    def name(self, job_id: str) -> str:
        """The job as the trace calls it: ids are drawn at random, so they would differ from run to run."""
        return f"job {self._numbers.setdefault(job_id, len(self._numbers) + 1)}"

    def see(self, verb: str, asked: Any, answer: Any, seconds: float = 0.0) -> None:
        """A verb has taken effect."""
        match verb:
            case "put":
                self._see_put(answer)
            case "claim":
                for lease in answer:
                    self._see_claim(lease)
            case "renew":
                self._see_renewals(asked, answer, seconds)
            case "settle":
                for outcome, accepted in zip(asked, answer, strict=True):
                    self._see_end(outcome, accepted=accepted)
            case _:
                pass

    def _see_put(self, answer: Sequence[Put]) -> None:
        for put in answer:
            self._acknowledged.add(put.record.new.id)
            self.name(put.record.new.id)

    def _see_claim(self, lease: Lease) -> None:
        job_id, new, now = lease.new.id, lease.new, self._store.now()
        held = {other: taken for other, (taken, until) in self._held.items() if now < until}
        if job_id in held:
            self.violate("a running lease is given to nobody else", f"{self.name(job_id)} was leased twice at once")
        if lease.fence <= self._newest.get(job_id, 0):
            self.violate(
                "each claim raises the fence", f"{self.name(job_id)} was claimed with fence {lease.fence} again"
            )
        for other, taken in held.items():
            if new.key is not None and taken.new.key == new.key and other != job_id:
                self.violate("jobs of a key run one at a time", f"{self.name(job_id)} beside {self.name(other)}")
        self._newest[job_id] = max(lease.fence, self._newest.get(job_id, 0))
        self._held[job_id] = lease, lease.lease

    def _see_renewals(self, refs: Sequence[LeaseRef], answers: Sequence[Renewal], seconds: float) -> None:
        until = self._store.now() + round(seconds * MICRO)
        for ref, answer in zip(refs, answers, strict=True):
            if answer is not Renewal.LOST and ref.fence == self._newest.get(ref.id) and ref.id in self._held:
                self._held[ref.id] = self._held[ref.id][0], until

    def _see_end(self, outcome: Outcome, *, accepted: bool) -> None:
        job_id, end = outcome.id, (outcome.id, outcome.fence)
        if not accepted or end in self._ended:
            return
        if outcome.fence != self._newest.get(job_id):
            self.violate(
                "only the newest fence ends a job", f"{self.name(job_id)} was ended with fence {outcome.fence}"
            )
        self._ended.add(end)
        self._held.pop(job_id, None)
        if outcome.event is JobEvent.SUCCEED:
            self._succeeded.add(job_id)

    def check_ended(self) -> None:
        """`AssertionError` if something is lost, waits for ever, or has succeeded though nobody said so."""
        jobs = self._store.jobs(self._queue, state=None, task=None, limit=ALL, before=None)
        found = {record.new.id: record for record in reversed(jobs)}
        wrong = [f"{self.name(job_id)} is gone" for job_id in self._acknowledged - found.keys()]
        for job_id, record in found.items():
            if record.state is JobState.SUCCEEDED and job_id not in self._succeeded:
                wrong.append(f"{self.name(job_id)} counts as succeeded, which no worker has said")
            elif record.state not in ENDED and not _is_on_hold(record, found):
                wrong.append(f"{self.name(job_id)} is {record.state.value}")
        if wrong:
            raise AssertionError("; ".join(sorted(wrong)))

    def violate(self, promise: str, message: str) -> None:
        """A promise is broken."""
        if promise not in self._broken:
            self._broken.add(promise)
            self._trace.violate(promise, message)


def _is_on_hold(record: Record, found: dict[str, Record]) -> bool:
    """Whether it waits for a parent that has failed, as its owner wanted."""
    parents = [found[parent].state for parent in record.new.parents if parent in found]
    failed = any(state in ENDED and state is not JobState.SUCCEEDED for state in parents)
    return record.state is JobState.BLOCKED and record.new.on_parent_failure == "hold" and failed
