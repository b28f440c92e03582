"""The search for a legal order of one history: Wing and Gong's, with Lowe's memory of what has been tried.

A history is linearizable when all its calls can be put in one row such that a call that returned before another was
made stands before it, and the model, taken through the row, gives each call its recorded result. The search builds the
row from the left. What may come next are the calls made before the first return among those not yet placed: they stand
in a doubly linked list of calls and returns, from which placing a call takes out both, and withdrawing it puts both
back. Two rows of the same calls that lead to the same state have the same future, so each pair (set of calls, state)
is visited once.

Sources: J. M. Wing, C. Gong, Testing and Verifying Concurrent Objects (1993); G. Lowe, Testing for Linearizability
(2017).
"""

from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

from lldkit.interleave.model import Model
from lldkit.interleave.operation import Operation

__all__ = ["Search"]

S = TypeVar("S")


class Search(Generic[S]):
    """A depth-first search that can be stopped and taken up again. Not safe for threads.

    `run(steps)` gives True (`placed` is a legal row), False (there is none) or None (not known yet). A pending call has
    no return: it is placed anywhere after its call, or nowhere. Exponential in the number of calls under way at once,
    linear in the length of the history where that number is bounded and the states are few.
    """

    def __init__(self, operations: Sequence[Operation], model: Model[S]) -> None:
        self.operations = operations
        self._model = model
        self._link_events()
        self._left = sum(call.returned is not None for call in operations)  # calls that are still to be placed
        self._set = 0  # of calls placed, as bits
        self.placed: list[int] = []
        state = model.initial()
        self._visited = {(self._set, state)}
        self._choices = [self._choices_from(state)]
        self._best = (0, 0, 0)  # of the rows that were stopped: the latest event that stopped one,
        self.longest: list[int] = []  # the longest row that it stopped,
        self.state = state  # and the state after it

    def _link_events(self) -> None:
        """Put all calls and returns in one list by time; at one instant calls come first, which makes them concurrent.

        Events are numbered from 1. Before them stands 0, and the last one's next is never followed: while a call is
        left to be placed, its return is in the list and ends every scan.
        """
        times = [(call.called, 0, number) for number, call in enumerate(self.operations)]
        times += [
            (call.returned, 1, number) for number, call in enumerate(self.operations) if call.returned is not None
        ]
        times.sort()
        self._call_of: list[int] = [-1, *(number for _, _, number in times)]
        self._is_call = [False, *(kind == 0 for _, kind, _ in times)]
        self._next = list(range(1, len(times) + 2))
        self._previous = list(range(-1, len(times) + 1))
        self._events: list[list[int]] = [[] for _ in self.operations]  # of each call: its call and its return
        for event, (_, _, number) in enumerate(times, start=1):
            self._events[number].append(event)

    @property
    def states(self) -> int:
        """How many pairs (set of calls, state) were visited."""
        return len(self._visited)

    @property
    def culprit(self) -> int:
        """The call with the latest return that stopped a row: some hold all that returned before it, none holds it."""
        return self._call_of[self._best[0]]

    def run(self, steps: int) -> bool | None:
        """Search on for at most `steps` placements and withdrawals."""
        while self._left:
            if steps <= 0:
                return None
            steps -= 1
            for call, state in self._choices[-1]:
                key = (self._set | 1 << call, state)
                if key not in self._visited:
                    self._visited.add(key)
                    self._place(call)
                    self._choices.append(self._choices_from(state))
                    break
            else:
                self._choices.pop()
                if not self._choices:
                    return False
                self._withdraw()
        return True

    def _choices_from(self, state: S) -> Iterator[tuple[int, S]]:
        """Yield each call that may come next, with the state it leads to; pending ones last, since they need not."""
        pending, event = [], self._next[0]
        while self._is_call[event]:
            call = self._call_of[event]
            operation = self.operations[call]
            if operation.returned is None:
                pending.append(call)
            else:
                for after, result in self._model.outcomes_of(state, operation.name, operation.args):
                    if self._model.matches(result, operation.result):
                        yield call, after
            event = self._next[event]
        for call in pending:
            operation = self.operations[call]
            for after, _ in self._model.outcomes_of(state, operation.name, operation.args):
                if after != state:  # to place a pending call that changes nothing is to leave it out
                    yield call, after
        self._stopped_at(event, state)

    def _stopped_at(self, event: int, state: S) -> None:
        """Remember the row if it got further than all before it, or as far with more calls that had to be placed."""
        rank = (event, -self._left, -len(self.placed))
        if rank > self._best:
            self._best, self.longest, self.state = rank, self.placed.copy(), state

    def _place(self, call: int) -> None:
        self.placed.append(call)
        self._set |= 1 << call
        self._left -= self.operations[call].returned is not None
        for event in self._events[call]:
            before, after = self._previous[event], self._next[event]
            self._next[before], self._previous[after] = after, before

    def _withdraw(self) -> None:
        call = self.placed.pop()
        self._set ^= 1 << call
        self._left += self.operations[call].returned is not None
        for event in reversed(self._events[call]):
            self._next[self._previous[event]] = self._previous[self._next[event]] = event
