"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from lldkit.clock import ManualClock
from solution import Payments


def test_a_payment_takes_its_road():
    payments = Payments(clock=ManualClock())
    order = payments.create(100)
    assert payments.state(order) == "created"
    assert payments.apply(order, "confirm") == "processing"
    assert [line.event for line in payments.history(order)] == ["confirm"]
