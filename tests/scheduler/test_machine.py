"""The states of a job: every move that there is, and a named refusal of every other."""

import pytest

from lldkit.machine import InvalidTransition
from lldkit.scheduler import JOB, JobEvent, JobState

MOVES = {
    JobState.BLOCKED: {JobEvent.UNBLOCK: JobState.SCHEDULED, JobEvent.CANCEL: JobState.CANCELLED},
    JobState.SCHEDULED: {JobEvent.DUE: JobState.READY, JobEvent.CANCEL: JobState.CANCELLED},
    JobState.READY: {
        JobEvent.CLAIM: JobState.RUNNING,
        JobEvent.BURY: JobState.DEAD,
        JobEvent.CANCEL: JobState.CANCELLED,
    },
    JobState.RUNNING: {
        JobEvent.SUCCEED: JobState.SUCCEEDED,
        JobEvent.RETRY: JobState.SCHEDULED,
        JobEvent.RELEASE: JobState.SCHEDULED,
        JobEvent.LOSE: JobState.SCHEDULED,
        JobEvent.BURY: JobState.DEAD,
        JobEvent.CANCEL: JobState.CANCELLED,
    },
    JobState.SUCCEEDED: {},
    JobState.DEAD: {JobEvent.REPLAY: JobState.BLOCKED},
    JobState.CANCELLED: {JobEvent.REPLAY: JobState.BLOCKED},
}


@pytest.mark.parametrize("state", JobState)
@pytest.mark.parametrize("event", JobEvent)
def test_every_state_and_event_is_a_move_or_a_named_refusal(state: JobState, event: JobEvent) -> None:
    if event in MOVES[state]:
        assert JOB.next(state, event) is MOVES[state][event]
    else:
        with pytest.raises(InvalidTransition, match=f"job in {state.name} allows"):
            JOB.next(state, event)
