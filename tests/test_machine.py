"""Transition tables: every fault is found when the table is made, and a move is refused or made, never guessed."""

import pickle
from enum import Enum

import pytest

from lldkit.machine import InvalidTransition, Machine


class Door(Enum):
    SHUT = 1
    AJAR = 2
    GONE = 3


class Act(Enum):
    PUSH = 1
    PULL = 2
    BURN = 3


TABLE = {
    (Door.SHUT, Act.PUSH): Door.AJAR,
    (Door.AJAR, Act.PULL): Door.SHUT,
    (Door.AJAR, Act.BURN): Door.GONE,
    (Door.SHUT, Act.BURN): Door.GONE,
}
DOOR = Machine(name="door", initial=Door.SHUT, final=(Door.GONE,), table=TABLE)


def test_a_move_follows_the_table() -> None:
    assert DOOR.next(Door.SHUT, Act.PUSH) is Door.AJAR
    assert DOOR.allowed(Door.AJAR) == {Act.PULL, Act.BURN}
    assert DOOR.allowed(Door.GONE) == frozenset()


def test_a_move_that_the_table_lacks_is_refused_with_what_is_allowed() -> None:
    with pytest.raises(InvalidTransition, match="door in SHUT allows BURN, PUSH, got PULL") as refusal:
        DOOR.next(Door.SHUT, Act.PULL)
    assert (refusal.value.state, refusal.value.event) == (Door.SHUT, Act.PULL)
    assert refusal.value.allowed == {Act.PUSH, Act.BURN}
    assert str(pickle.loads(pickle.dumps(refusal.value))) == str(refusal.value)


def test_all_faults_of_a_table_are_named_at_once() -> None:
    table = {(Door.SHUT, Act.PUSH): Door.SHUT, (Door.GONE, Act.PULL): Door.AJAR}
    with pytest.raises(ValueError, match="door: ") as fault:
        Machine(name="door", initial=Door.SHUT, final=(Door.GONE,), table=table)
    assert set(str(fault.value).removeprefix("door: ").split("; ")) == {
        "AJAR cannot be reached",
        "GONE cannot be reached",
        "GONE is final and has a way out",
        "SHUT never leads to a final state",
        "AJAR never leads to a final state",
        "BURN is never used",
    }


def test_a_machine_without_final_states_never_ends() -> None:
    table = dict(TABLE) | {(Door.GONE, Act.PULL): Door.SHUT}
    assert Machine(name="door", initial=Door.SHUT, final=(), table=table).next(Door.GONE, Act.PULL) is Door.SHUT


def test_the_diagram_shows_every_move() -> None:
    assert DOOR.mermaid().splitlines() == [
        "stateDiagram-v2",
        "    [*] --> SHUT",
        "    SHUT --> AJAR : push",
        "    AJAR --> SHUT : pull",
        "    AJAR --> GONE : burn",
        "    SHUT --> GONE : burn",
        "    GONE --> [*]",
    ]


def test_a_table_changed_afterwards_changes_nothing() -> None:
    table = dict(TABLE)
    machine = Machine(name="door", initial=Door.SHUT, final=(Door.GONE,), table=table)
    table.clear()
    assert machine.next(Door.SHUT, Act.PUSH) is Door.AJAR
