"""From a run that failed to its story: shrink the schedule, run it once more under a recorder, tell what happened."""

from lldkit.interleave.interface import Diverged, Kind
from lldkit.interleave.portfolio import Follow
from lldkit.interleave.recorder import Recorder
from lldkit.interleave.report import Failure
from lldkit.interleave.run import Outcome
from lldkit.interleave.schedule import Schedule
from lldkit.interleave.session import Session
from lldkit.interleave.shrink import Guide, shrunk

__all__ = ["explain"]


def explain(session: Session, outcome: Outcome, *, seed: int, run: int, shrink: bool) -> Failure:
    """Return everything there is to say about `outcome`, which failed."""
    original = schedule = Schedule.of(session.granularity, outcome.picks)
    recorder, again = _watched(session, schedule)
    reproduced = again is not None and _alike(again, outcome)
    if shrink and reproduced and outcome.kind is not Kind.LIVELOCK:  # an endless run has nothing to leave out
        schedule = _simplest(session, schedule, outcome)
        recorder, again = _watched(session, schedule)
    told = again if again is not None else outcome
    message = _message(told, recorder)
    if not reproduced:
        message += "; the schedule did not fail again, so the program depends on something that is not under control"
    return Failure(
        kind=_kind_of(outcome),
        message=message,
        error=told.error,
        schedule=schedule,
        seed=seed,
        run=run,
        timeline=recorder.timeline(),
        original=original,
        waits=recorder.waits if outcome.kind is Kind.DEADLOCK else (),
        cycle=recorder.cycle if outcome.kind is Kind.DEADLOCK else (),
        repeated=recorder.repeated() if outcome.kind is Kind.LIVELOCK else (),
    )


def _watched(session: Session, schedule: Schedule) -> tuple[Recorder, Outcome | None]:
    """Run `schedule` under a recorder; no outcome where it does not fit."""
    recorder = Recorder()
    try:
        return recorder, session.run(Follow(schedule), exact=True, watcher=recorder)
    except Diverged:
        return recorder, None


def _simplest(session: Session, schedule: Schedule, outcome: Outcome) -> Schedule:
    def attempt(guide: Guide) -> Schedule | None:
        found = session.run(guide)
        return Schedule.of(session.granularity, found.picks) if _alike(found, outcome) else None

    return shrunk(schedule, attempt)


def _alike(one: Outcome, other: Outcome) -> bool:
    return one.kind is other.kind and type(one.error) is type(other.error)


def _kind_of(outcome: Outcome) -> Kind:
    if outcome.kind is None:
        raise ValueError("a run that went well has nothing to explain")
    return outcome.kind


def _message(outcome: Outcome, recorder: Recorder) -> str:
    if outcome.kind is Kind.DEADLOCK:
        return recorder.standstill()
    if outcome.kind is Kind.LIVELOCK:
        return f"no end after {len(outcome.picks)} steps, though every thread got its turns"
    return outcome.message
