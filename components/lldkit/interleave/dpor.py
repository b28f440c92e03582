"""Dynamic partial-order reduction: of all schedules that differ only in the order of independent steps, run one.

After each run, look at every pair of steps of two threads that depend on each other, are not ordered by anything else,
and could have happened the other way round: a *race*. For each race some thread joins the *backtrack* set of the node
before its first step, so that a later run tries the other order. A thread that was tried at a node *sleeps* below the
node's other branches until somebody does a step that depends on its own: before that, it would show nothing new.

Flanagan and Godefroid, POPL 2005 (backtracking); Godefroid 1996 (sleep sets); Abdulla, Aronis, Jonsson and Sagonas,
POPL 2014 (source sets: whom to add so that no more is tried than needed).
"""

from collections.abc import Mapping
from random import Random

from lldkit.interleave.exhaustive import is_preemption
from lldkit.interleave.footprints import TIME, Footprint, Things
from lldkit.interleave.interface import CLOCK, Access, Choice, Diverged, Pruned
from lldkit.interleave.portfolio import stay

__all__ = ["Dpor"]


class _Node:
    """A decision, and the step that followed it."""

    def __init__(self, choice: Choice, sleep: dict[int, Footprint], thread: int, spent: int) -> None:
        self.runnable = choice.runnable
        self.current = choice.current
        self.live = frozenset(choice.accesses)
        self.sleep = sleep  # whom not to try here, with the step that each would take
        self.spent = spent  # preemptions before this node
        self.thread = thread
        self.backtrack = {thread}
        self.done: dict[int, Footprint] = {}  # whom we tried here, with the step that each took
        self.step = Footprint()
        self.number = 0  # it is its thread's step number so-and-so
        self.clock: dict[int, int] = {}  # of each thread, the steps that happened before this one, itself included

    def preempts(self, thread: int) -> bool:
        """Whether trying `thread` here is a preemption."""
        return is_preemption(Choice(self.runnable, self.current, 0, {}), thread)

    def asleep_below(self) -> dict[int, Footprint]:
        """Return who sleeps after this node's step."""
        candidates = {**self.sleep, **self.done}
        return {one: step for one, step in candidates.items() if one != self.thread and not step.conflicts(self.step)}


class Dpor:
    """Goes through one schedule of every class of equivalent ones: the same outcomes in far fewer runs.

    Things are told apart by kind and name, not by object, and the contents of all containers are one thing: the
    reduction is less than it could be, and never too much. With `preemptions`, schedules that need more of them are
    left out; then nothing is proved, because what was left out may lead to something within the bound.
    """

    def __init__(self, preemptions: int | None = None) -> None:
        if preemptions is not None and preemptions < 0:
            raise ValueError(f"preemptions is a number of switches, or None for no bound, got {preemptions!r}")
        self.preemptions = preemptions
        self.bound = "all schedules, up to the order of independent steps"
        self._restart()
        self.configure(race_timeouts=True, spurious_wakeups=False)

    def _restart(self) -> None:
        self.exhausted = False
        self._path: list[_Node] = []
        self._kept = 0  # how many nodes of the last run are repeated
        self._left_out = False  # somebody was not tried, for the bound
        self._left: dict[int, Access | None] = {}
        self._things = Things()

    def configure(self, *, race_timeouts: bool, spurious_wakeups: bool) -> None:
        """Learn what else may happen at any time; called by the explorer."""
        self._race_timeouts = race_timeouts
        self._things.spurious = spurious_wakeups

    # ── during a run ──────────────────────────────────────────────────────────────────────────────────────────────

    def begin(self, run: int, _rng: Random, /) -> None:
        """Repeat the kept nodes; the last of them has a new thread."""
        if run == 0:
            self._restart()
        self._depth = 0
        self._asleep: tuple[int, ...] = ()  # all that could run where this run was cut

    def pick(self, choice: Choice, /) -> int:
        """Return the thread of the kept node; below those, one that does not sleep."""
        if self._depth == len(self._path):
            self._path.append(self._node(choice))
        node = self._path[self._depth]
        if node.thread not in choice.runnable:
            raise Diverged(choice.step, node.thread, choice.runnable)
        self._depth += 1
        node.step = self._footprint(node.thread, choice.accesses.get(node.thread))
        return node.thread

    def _footprint(self, thread: int, access: Access | None) -> Footprint:
        step = Footprint(writes=TIME if thread == CLOCK else 0)
        if access is not None:
            step.add(self._things.touched_by(access))
        return step

    def touch(self, access: Access) -> None:
        """The step that runs makes this access, too."""
        if self._depth:
            self._path[self._depth - 1].step.add(self._things.touched_by(access))

    def left(self, accesses: Mapping[int, Access | None]) -> None:
        """The run is over; `accesses` are what the threads stand before that have not ended."""
        self._left = {one: access for one, access in accesses.items() if one not in self._asleep}

    def _node(self, choice: Choice) -> _Node:
        above = self._path[-1] if self._path else None
        sleep = above.asleep_below() if above is not None else {}
        usual = stay(choice)
        if usual in sleep:
            awake = [one for one in choice.runnable if one not in sleep]
            if not awake:
                self._asleep = choice.runnable
                raise Pruned
            usual = awake[0]
        spent = above.spent + above.preempts(above.thread) if above is not None else 0
        return _Node(choice, sleep, usual, spent)

    # ── between runs ──────────────────────────────────────────────────────────────────────────────────────────────

    def advance(self) -> bool:
        """Find the races of the last run, and the deepest node where somebody is left to try."""
        del self._path[self._depth :]
        for place in range(max(0, self._kept - 1), len(self._path)):
            self._look_back(place)
        for thread, access in self._left.items():
            self._look_back_from(thread, access)
        while self._path:
            node = self._path[-1]
            node.done[node.thread] = node.step
            for thread in sorted(node.backtrack - node.done.keys() - node.sleep.keys()):
                if self._affordable(node, thread):
                    node.thread = thread
                    self._kept = len(self._path)
                    return True
            self._path.pop()
        self.exhausted = not self._left_out
        return False

    def _affordable(self, node: _Node, thread: int) -> bool:
        if self.preemptions is None or node.spent + node.preempts(thread) <= self.preemptions:
            return True
        self._left_out = True
        return False

    def _look_back(self, place: int) -> None:
        """Compute what happened before step `place`, and see to the other order of its races with earlier steps."""
        node = self._path[place]
        if CLOCK in node.runnable and node.step.reads_time:  # time could have passed first, and perhaps cannot later
            node.backtrack.add(CLOCK)
        ordered = self._before(place)  # what happened before, whatever this step depends on
        node.clock, node.number = dict(ordered), ordered.get(node.thread, 0) + 1
        node.clock[node.thread] = node.number
        forced = node.thread == CLOCK and not self._race_timeouts  # time passed because nobody could run
        earlier_steps = [one.step for one in self._path[:place]]
        depends_on = list(range(place)) if forced else node.step.conflicting(earlier_steps)
        for earlier in depends_on:
            _join(node.clock, self._path[earlier].clock)
        for earlier in [] if forced else reversed(depends_on):
            other = self._path[earlier]
            racing = other.thread != node.thread and other.number > ordered.get(other.thread, 0)
            if racing and not other.step.enables(node.step) and self._reverse(earlier, place):
                _join(ordered, other.clock)  # races with what happened before that one come up when it is reversed

    def _look_back_from(self, thread: int, access: Access | None) -> None:
        """Handle the races of a step that was not taken, because its thread was blocked to the end."""
        node = _Node(Choice((), None, 0, self._left), {}, thread, 0)
        node.step = self._footprint(thread, access)
        self._path.append(node)
        self._look_back(len(self._path) - 1)
        self._path.pop()

    def _before(self, place: int) -> dict[int, int]:
        """Return the clock of the previous step of the thread, or of the step that started the thread."""
        thread = self._path[place].thread
        for earlier in range(place - 1, -1, -1):
            node = self._path[earlier]
            if node.thread == thread or (thread != CLOCK and thread not in node.live):
                return dict(node.clock)
        return {}

    def _reverse(self, first: int, second: int) -> bool:
        """See to it that step `second` is tried before step `first`; return whether that is possible."""
        node, later = self._path[first], self._path[second]
        initials = self._initials(first, second)
        able = initials.intersection(node.runnable)
        if able and not initials & node.backtrack:
            node.backtrack.add(later.thread if later.thread in able else min(able))
        return bool(able)

    def _initials(self, first: int, second: int) -> set[int]:
        """Return the threads with which a run can begin that does all that does not depend on `first`, and `second`."""
        steps = [place for place in range(first + 1, second) if not self._happens_before(first, place)]
        steps.append(second)
        initials: set[int] = set()
        seen: set[int] = set()
        for index, place in enumerate(steps):
            thread = self._path[place].thread
            if thread not in seen and not any(self._happens_before(one, place) for one in steps[:index]):
                initials.add(thread)
            seen.add(thread)
        return initials

    def _happens_before(self, first: int, second: int) -> bool:
        one = self._path[first]
        return self._path[second].clock.get(one.thread, 0) >= one.number

    def __repr__(self) -> str:
        return "Dpor()" if self.preemptions is None else f"Dpor({self.preemptions})"


def _join(clock: dict[int, int], other: dict[int, int]) -> None:
    for thread, number in other.items():
        if number > clock.get(thread, 0):
            clock[thread] = number
