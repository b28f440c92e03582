"""The life of a delivery: which moves there are, and that receipts lead forwards only."""

from itertools import product

import pytest

from lldkit.notifications import DELIVERY, DeliveryEvent, State
from lldkit.notifications.machine import REACHED, UNSENT

ORDER = [State.SENT, State.DELIVERED, State.READ, State.ACKNOWLEDGED]


def test_the_final_states_are_those_of_the_design() -> None:
    assert {state.name for state in DELIVERY.final} == {
        *("ACKNOWLEDGED", "BOUNCED", "SUPPRESSED", "EXPIRED", "CANCELLED", "SUPERSEDED", "DEAD", "MERGED")
    }


def test_every_state_has_a_way_on_but_the_final_ones() -> None:
    for state in State:
        assert bool(DELIVERY.allowed(state)) is (state not in DELIVERY.final)


@pytest.mark.parametrize(("state", "event"), list(product(ORDER[:3], DeliveryEvent)))
def test_receipts_lead_forwards(state: State, event: DeliveryEvent) -> None:
    if event in DELIVERY.allowed(state):
        target = DELIVERY.next(state, event)
        assert target is State.BOUNCED or ORDER.index(target) > ORDER.index(state)


def test_what_is_not_sent_can_be_taken_back_and_nothing_else() -> None:
    assert {state for state in State if DeliveryEvent.CANCEL in DELIVERY.allowed(state)} == UNSENT
    assert UNSENT.isdisjoint(REACHED)
