"""State machines as data: a table of moves, checked when it is made, one function that applies it, and its diagram."""

from collections.abc import Callable, Collection, Iterable, Mapping
from enum import Enum
from typing import Generic, TypeVar

from lldkit.errors import LldkitError

__all__ = ["InvalidTransition", "Machine"]

S = TypeVar("S", bound=Enum)
E = TypeVar("E", bound=Enum)


class InvalidTransition(LldkitError):
    """The table has no move for this event in this state; `allowed` are the events it has one for."""

    def __init__(self, machine: str, state: Enum, event: Enum, allowed: frozenset[Enum]) -> None:
        names = ", ".join(sorted(each.name for each in allowed)) or "nothing"
        super().__init__(f"{machine} in {state.name} allows {names}, got {event.name}")
        self.machine = machine
        self.state = state
        self.event = event
        self.allowed = allowed

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return type(self), (self.machine, self.state, self.event, self.allowed)


class Machine(Generic[S, E]):
    """A table (state, event) -> state, complete and free of dead ends.

    `final` are the states without a way out; `()` is a machine that never ends. A faulty table is a `ValueError` that
    lists every fault: unused states and events, states that cannot be reached from `initial` or that never lead to a
    final one, moves out of a final state. Immutable, safe for threads; a move is one lookup.

    >>> Light = Enum("Light", "OFF ON"); Push = Enum("Push", "UP DOWN")
    >>> table = {(Light.OFF, Push.UP): Light.ON, (Light.ON, Push.DOWN): Light.OFF}
    >>> Machine(name="light", initial=Light.OFF, final=(), table=table).next(Light.OFF, Push.UP)
    <Light.ON: 2>
    """

    def __init__(self, *, name: str, initial: S, final: Collection[S], table: Mapping[tuple[S, E], S]) -> None:
        self.name = name
        self.initial = initial
        self.final = frozenset(final)
        self._table = dict(table)
        if faults := list(self._faults()):
            raise ValueError(f"{name}: {'; '.join(faults)}")

    def next(self, state: S, event: E) -> S:
        """The state that `event` leads to; `InvalidTransition` where there is no such move."""
        try:
            return self._table[state, event]
        except KeyError:
            raise InvalidTransition(self.name, state, event, frozenset(self.allowed(state))) from None

    def allowed(self, state: S) -> frozenset[E]:
        """The events that have a move in `state`."""
        return frozenset(event for source, event in self._table if source is state)

    def mermaid(self) -> str:
        """The diagram, as text for Mermaid; the events of two states that lead the same way share an arrow."""
        arrows: dict[tuple[S, S], list[str]] = {}
        for (source, event), target in self._table.items():
            arrows.setdefault((source, target), []).append(event.name.lower())
        lines = [f"    {s.name} --> {t.name} : {', '.join(events)}" for (s, t), events in arrows.items()]
        ends = [f"    {state.name} --> [*]" for state in type(self.initial) if state in self.final]
        return "\n".join(["stateDiagram-v2", f"    [*] --> {self.initial.name}", *lines, *ends])

    def _faults(self) -> Iterable[str]:
        moves = [(source, target) for (source, _), target in self._table.items()]
        states = list(type(self.initial))
        reached = _closure({self.initial}, moves)
        yield from (f"{state.name} cannot be reached" for state in states if state not in reached)
        yield from (f"{state.name} is final and has a way out" for state in self.final if self.allowed(state))
        if self.final:
            ending = _closure(set(self.final), [(target, source) for source, target in moves])
            yield from (f"{state.name} never leads to a final state" for state in states if state not in ending)
        used = {event for _, event in self._table}
        kinds = {type(event) for event in used}
        yield from (f"{event.name} is never used" for kind in kinds for event in kind if event not in used)

    def __repr__(self) -> str:
        return f"Machine({self.name!r}, {len(self._table)} moves)"


def _closure(reached: set[S], moves: Collection[tuple[S, S]]) -> set[S]:
    """All states to which `moves` lead from `reached`."""
    while more := {target for source, target in moves if source in reached} - reached:
        reached |= more
    return reached
