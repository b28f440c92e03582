"""Does a concurrent history look as if its calls had happened one at a time? `check_linearizable` says it, and why not.

The verdict is one of three. "linearizable" comes with an order that proves it. "violation" comes with the call that
fits nowhere and the longest order that led up to it. "undecided" means that the budget ended.

Where the model names partitions, each is a history of its own: an object made of independent objects is linearizable
exactly when each of them is (Herlihy and Wing, 1990). They are searched in turns with growing budgets, because a wrong
one is often refuted at once while a right one beside it takes minutes.

Sources: M. Herlihy, J. Wing, Linearizability: A Correctness Condition for Concurrent Objects (1990); A. Horn,
D. Kroening, Faster Linearizability Checking via P-Compositionality (2015); `lldkit.interleave.search`.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeVar

from lldkit.clock import SYSTEM, Clock
from lldkit.interleave import lanes
from lldkit.interleave.history import History
from lldkit.interleave.interface import InterleaveError, Kind
from lldkit.interleave.model import Model
from lldkit.interleave.operation import Operation
from lldkit.interleave.search import Search

__all__ = ["Check", "NotLinearizable", "check_linearizable"]

S = TypeVar("S")

FIRST_TURN, LONGEST_TURN = 256, 8_192  # in steps of a search; one step takes some microseconds


@dataclass(frozen=True, slots=True)
class Check:
    """The verdict about one history.

    `order` is the proof of "linearizable": all calls that took effect, in a legal order. Of a "violation", `partition`
    is the key it was found in (None without partitions) and `culprit` the call at whose return no order was left: there
    are legal orders of all calls that returned before it, and none of them can be continued to include it. `longest` is
    the longest of them, `state` the model's state after it, and `expected` what the model would have answered the
    culprit there. `states` counts the states visited.
    """

    verdict: Literal["linearizable", "violation", "undecided"]
    order: tuple[Operation, ...] = ()
    partition: Hashable = None
    longest: tuple[Operation, ...] = ()
    culprit: Operation | None = None
    states: int = 0
    state: object = None
    expected: tuple[object, ...] = ()
    operations: tuple[Operation, ...] = field(default=(), repr=False)  # of the partition, or all

    def timeline(self) -> str:
        """Draw the calls as bars, one lane per process, numbered by the order found and the culprit marked ✗."""
        return lanes.draw(self.operations, order=self.order or self.longest, culprit=self.culprit, headline=str(self))

    def assert_ok(self) -> "Check":
        """Return the check if it is "linearizable", else raise `NotLinearizable`, "undecided" too."""
        if self.verdict != "linearizable":
            raise NotLinearizable(self)
        return self

    def __str__(self) -> str:
        where = "" if self.partition is None else f" (partition {self.partition!r})"
        match self.verdict:
            case "linearizable":
                return f"linearizable: {len(self.order)} calls in a legal order"
            case "undecided":
                return f"undecided after {self.states:,} states: allow more, partition the model or record fewer calls"
            case "violation":
                allowed = " or ".join(map(repr, self.expected)) or "no such call"
                return (
                    f"not linearizable{where}: no order allows {self.culprit}\nafter the longest one, numbered here, "
                    f"the state is {lanes.shortened(repr(self.state), 200)} and the model allows {allowed}"
                )


class NotLinearizable(InterleaveError, AssertionError):
    """A history has no legal order, or none was found within the budget; the text draws it."""

    interleave_kind: ClassVar[Kind] = Kind.NOT_LINEARIZABLE

    def __init__(self, check: Check) -> None:
        super().__init__(check.timeline())
        self.check = check


def check_linearizable(
    history: History,
    model: Model[S],
    *,
    limit_seconds: float | None = None,
    max_states: int | None = 1_000_000,
    clock: Clock = SYSTEM,
) -> Check:
    """Judge `history` by the sequential specification `model`.

    Either limit ends the search with "undecided"; None is no limit. A million states take some 200 MB and, by the
    model, 5 to 50 seconds. Raises `TypeError` when the model's states cannot be hashed. Deciding is NP-complete: the
    search is exponential in the number of concurrent calls, and cheap where few calls overlap or partitions are small.

    >>> register = Model(lambda: 0, lambda value, name, args: (args[0], None) if args else (value, value))
    >>> history = History([Operation("a", "write", (1,), None, 0, 1), Operation("b", "read", (), 0, 2, 3)])
    >>> print(check_linearizable(history, register).culprit)
    read() → 0
    """
    _refuse_unhashable(model.initial())
    deadline = math.inf if limit_seconds is None else clock.monotonic() + limit_seconds
    searches = {key: Search(part, model) for key, part in _partitions(history.operations, model).items()}
    undecided, turn = dict(searches), FIRST_TURN
    while undecided:
        for key, search in list(undecided.items()):
            left = math.inf if max_states is None else max_states - _states(searches)
            if left <= 0 or clock.monotonic() >= deadline:
                return Check("undecided", states=_states(searches), operations=history.operations)
            found = search.run(int(min(turn, left)))
            if found is False:
                return _violation(key, search, model, _states(searches))
            if found:
                del undecided[key]
        turn = min(2 * turn, LONGEST_TURN)
    order = _merged(list(searches.values()))
    return Check("linearizable", order, states=_states(searches), operations=history.operations)


def _refuse_unhashable(state: object) -> None:
    try:
        hash(state)
    except TypeError as error:
        kind = type(state).__name__
        raise TypeError(f"states of a model must be hashable values, such as tuples; a {kind} came: {error}") from None


def _partitions(operations: Sequence[Operation], model: Model[Any]) -> dict[Hashable, list[Operation]]:
    if model.partition is None:
        return {None: list(operations)}
    parts: dict[Hashable, list[Operation]] = {}
    for call in operations:
        parts.setdefault(model.partition(call.name, call.args), []).append(call)
    return parts


def _states(searches: Mapping[Hashable, Search[Any]]) -> int:
    return sum(search.states for search in searches.values())


def _violation(key: Hashable, search: Search[S], model: Model[S], states: int) -> Check:
    culprit = search.operations[search.culprit]
    answers = model.outcomes_of(search.state, culprit.name, culprit.args)
    return Check(
        "violation",
        partition=key,
        longest=tuple(search.operations[call] for call in search.longest),
        culprit=culprit,
        states=states,
        state=search.state,
        expected=tuple(result for _, result in answers),
        operations=tuple(search.operations),
    )


def _merged(searches: Sequence[Search[Any]]) -> tuple[Operation, ...]:
    """Join the orders of independent parts to one order of all.

    In a legal order a call can be thought to take effect as soon as it and all before it have been made. That moment
    lies between its call and its return, so that sorting by it keeps the order in time across the parts, too.
    """
    moments: list[tuple[float, int, Operation]] = []
    for part, search in enumerate(searches):
        moment = -math.inf
        for call in search.placed:
            moment = max(moment, search.operations[call].called)
            moments.append((moment, part, search.operations[call]))
    moments.sort(key=lambda each: each[:2])
    return tuple(call for _, _, call in moments)
