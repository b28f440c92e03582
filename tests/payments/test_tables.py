"""Every state with every event: what the tables allow, and what payments make of the rest."""

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from lldkit.machine import InvalidTransition, Machine
from lldkit.payments.interface import Intent
from lldkit.payments.payments import Payments
from lldkit.payments.store import Change, Write
from lldkit.payments.tables import (
    DISPUTE,
    INTENT,
    REFUND,
    DisputeEvent,
    DisputeState,
    IntentEvent,
    IntentState,
    RefundEvent,
    RefundState,
)
from payments.helpers import CARD, Shop

TABLES: list[tuple[Machine[Any, Any], Any, Any, int]] = [
    (INTENT, IntentState, IntentEvent, 66),
    (REFUND, RefundState, RefundEvent, 7),
    (DISPUTE, DisputeState, DisputeEvent, 7),
]


@pytest.mark.parametrize(("machine", "states", "events", "moves"), TABLES)
def test_each_pair_has_a_move_or_is_refused_with_what_is_allowed(
    machine: Machine[Any, Any], states: Any, events: Any, moves: int
) -> None:
    made = 0
    for state, event in product(states, events):
        if event in machine.allowed(state):
            assert machine.next(state, event) in states
            made += 1
            continue
        with pytest.raises(InvalidTransition) as caught:
            machine.next(state, event)
        assert (caught.value.state, caught.value.event) == (state, event)
        assert caught.value.allowed == machine.allowed(state)
    assert made == moves


@pytest.mark.parametrize("machine", [INTENT, REFUND, DISPUTE])
def test_nothing_leaves_a_final_state(machine: Machine[Any, Any]) -> None:
    assert [machine.allowed(state) for state in machine.final] == [frozenset()] * len(machine.final)


VERBS: dict[IntentEvent, Callable[[Payments, str], Intent]] = {
    IntentEvent.CONFIRM: lambda payments, intent_id: payments.confirm(intent_id, method=CARD),
    IntentEvent.CAPTURE: lambda payments, intent_id: payments.capture(intent_id),
    IntentEvent.VOID: lambda payments, intent_id: payments.void(intent_id),
}
RESTING = [state for state in IntentState if state is not IntentState.OUTCOME_UNKNOWN]  # there a question is open
REFUSED = [(state, event) for state, event in product(RESTING, VERBS) if event not in INTENT.allowed(state)]


@pytest.mark.parametrize(("state", "event"), REFUSED)
def test_a_verb_that_the_state_does_not_allow_asks_nobody_and_leaves_a_line(
    state: IntentState, event: IntentEvent
) -> None:
    shop = Shop()
    intent = shop.created()
    put(shop, intent.id, state)
    with pytest.raises(InvalidTransition) as caught:
        VERBS[event](shop.payments, intent.id)
    assert caught.value.allowed == INTENT.allowed(state)
    after = shop.payments.get(intent.id)
    assert (after.state, after.version) == (state, intent.version)
    (line,) = shop.payments.history(intent.id)
    assert (line.event, line.source, line.target) == ("refused", state, state)
    assert shop.gateway.effects(intent.id).money_calls == 0


def put(shop: Shop, intent_id: str, state: IntentState) -> None:
    """Bring the intent into that state, whatever led there; nothing is open."""
    key = ("intents", intent_id)
    row = shop.store.read([key])[key]
    payment = row.value._replace(intent=row.value.intent._replace(state=state))
    shop.store.commit(Change((Write(key, payment, row.version),)))
