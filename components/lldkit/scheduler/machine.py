"""The states of a job, as a table."""

from enum import Enum

from lldkit.machine import Machine
from lldkit.scheduler.interface import JobState

__all__ = ["JOB", "JobEvent"]


class JobEvent(Enum):
    """What can happen to a job."""

    __hash__ = object.__hash__  # as that of `JobState`

    UNBLOCK = "unblock"
    """Its parents have ended and no earlier job of its key is left."""
    DUE = "due"
    CLAIM = "claim"
    SUCCEED = "succeed"
    RETRY = "retry"
    """The run has failed and there is an attempt left."""
    RELEASE = "release"
    """The worker gives it back; nothing is counted."""
    LOSE = "lose"
    """The lease has ended, or its process has died."""
    BURY = "bury"
    CANCEL = "cancel"
    REPLAY = "replay"
    """An operator, or the replay of the parent because of which it was cancelled."""


JOB: Machine[JobState, JobEvent] = Machine(
    name="job",
    initial=JobState.BLOCKED,
    final=[JobState.SUCCEEDED],
    table={
        (JobState.BLOCKED, JobEvent.UNBLOCK): JobState.SCHEDULED,
        (JobState.BLOCKED, JobEvent.CANCEL): JobState.CANCELLED,
        (JobState.SCHEDULED, JobEvent.DUE): JobState.READY,
        (JobState.SCHEDULED, JobEvent.CANCEL): JobState.CANCELLED,
        (JobState.READY, JobEvent.CLAIM): JobState.RUNNING,
        (JobState.READY, JobEvent.BURY): JobState.DEAD,
        (JobState.READY, JobEvent.CANCEL): JobState.CANCELLED,
        (JobState.RUNNING, JobEvent.SUCCEED): JobState.SUCCEEDED,
        (JobState.RUNNING, JobEvent.RETRY): JobState.SCHEDULED,
        (JobState.RUNNING, JobEvent.RELEASE): JobState.SCHEDULED,
        (JobState.RUNNING, JobEvent.LOSE): JobState.SCHEDULED,
        (JobState.RUNNING, JobEvent.BURY): JobState.DEAD,
        (JobState.RUNNING, JobEvent.CANCEL): JobState.CANCELLED,
        (JobState.DEAD, JobEvent.REPLAY): JobState.BLOCKED,
        (JobState.CANCELLED, JobEvent.REPLAY): JobState.BLOCKED,
    },
)
