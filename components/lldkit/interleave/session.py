"""What is installed for the time of one exploration, and the runs of one program within it."""

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from types import ModuleType

from lldkit.interleave import genuine
from lldkit.interleave.interface import Body, Granularity, Invariant, Program, Strategy, Uncontrolled
from lldkit.interleave.one_core import one_core
from lldkit.interleave.patching import patched, restart_counters
from lldkit.interleave.run import Outcome, Run, Watcher, current
from lldkit.interleave.scheduler import Scheduler
from lldkit.interleave.tracing import Actions, Scope, back_end
from lldkit.interleave.workers import Workers

__all__ = ["Session"]

_RUNS_BETWEEN_COLLECTIONS = 50


class Session:
    """Patches, back end and workers, and how one program runs on them."""

    def __init__(
        self,
        program: Program,
        *,
        granularity: Granularity,
        include: Iterable[object] = (),
        patch: Iterable[ModuleType] = (),
        max_steps: int,
        noting: bool = False,
        spurious_wakeups: bool = False,
        race_timeouts: bool = True,
    ) -> None:
        if not callable(program):
            raise TypeError(f"a program is a callable that returns (bodies, invariant), got {program!r}")
        if max_steps < 1:
            raise ValueError(f"max_steps must be at least 1, got {max_steps!r}")
        self.granularity = granularity
        self.spurious_wakeups = spurious_wakeups
        self.race_timeouts = race_timeouts
        self._program = program
        self._max_steps = max_steps
        self._scope = Scope((program, *include))
        self._modules = tuple(patch)
        self._tracer = back_end(self._scope, Actions(granularity, noting=noting))
        self._workers = Workers()
        self.runs = self.steps = 0

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Patch, watch and switch the collector off; afterwards everything is as it was."""
        with ExitStack() as undo:
            undo.enter_context(_alone())
            undo.enter_context(one_core())
            if gc.isenabled():
                gc.disable()
                undo.callback(gc.enable)
            undo.enter_context(patched(self._modules))
            undo.callback(self._workers.end)
            self._tracer.install()
            undo.callback(self._tracer.uninstall)
            yield

    def run(self, strategy: Strategy, *, exact: bool = False, watcher: Watcher | None = None) -> Outcome:
        """Run the program once; `exact`: the strategy knows what it does, also in a run that does not end."""
        scheduler = Scheduler(
            strategy,
            max_steps=self._max_steps,
            fair_after=self._max_steps if exact else self._max_steps // 2,
            race_timeouts=self.race_timeouts,
            spurious_wakeups=self.spurious_wakeups,
        )
        if hasattr(strategy, "configure"):
            strategy.configure(race_timeouts=self.race_timeouts, spurious_wakeups=self.spurious_wakeups)
        restart_counters()
        outcome = Run(scheduler, self._tracer, self._workers, watcher).execute(self._build)
        outcome.whole = outcome.whole and (exact or len(outcome.picks) <= self._max_steps // 2)
        self.runs += 1
        self.steps += len(outcome.picks)
        if self.runs % _RUNS_BETWEEN_COLLECTIONS == 0:
            gc.collect(0)
        return outcome

    def _build(self) -> tuple[Mapping[str, Body], Invariant | None]:
        """Call the program, and take the modules of its bodies into the scope."""
        made: object = self._program()
        if not isinstance(made, tuple) or len(made) != 2:
            raise TypeError(f"a program returns (bodies, invariant), got {made!r}")
        bodies, invariant = _named(made[0]), made[1]
        for name, body in bodies.items():
            if not callable(body):
                raise TypeError(f"the body of thread {name} is not callable: {body!r}")
            self._scope.add(body)
        return bodies, invariant


def _named(bodies: Sequence[Body] | Mapping[str, Body]) -> Mapping[str, Body]:
    """Return bodies by name; those of a sequence are called T0, T1, ..."""
    return bodies if isinstance(bodies, Mapping) else {f"T{number}": body for number, body in enumerate(bodies)}


_exclusive = genuine.Lock()
_exploring: set[int] = set()


@contextmanager
def _alone() -> Iterator[None]:
    """One exploration at a time: another thread's waits, one within another is refused."""
    me = genuine.get_ident()
    if me in _exploring or current() is not None:
        raise Uncontrolled("explore within explore", "a program, a body or an invariant", "explore one after the other")
    with _exclusive:
        _exploring.add(me)
        try:
            yield
        finally:
            _exploring.discard(me)
