"""Fallbacks: when the next channel's turn comes, and when it is over."""

from collections.abc import Iterable

import pytest

from lldkit.notifications import (
    Decision,
    FallbackStarted,
    Later,
    Mode,
    Outcome,
    Preferences,
    Reason,
    ReceiptEvent,
    Refused,
    Route,
    Unclear,
    Verdict,
)
from lldkit.notifications.fallback import in_order
from notifications.helpers import World, utc

CHAIN = Route(to=("push", "sms", "email"), mode=Mode.FALLBACK, ack_timeout_seconds=300)
NO_ACK = Route(to=("push", "sms", "email"), mode=Mode.FALLBACK)


def test_a_channel_behind_an_open_breaker_is_passed_over_unless_all_are() -> None:
    sent = Decision("push", Verdict.SEND, Reason.ROUTED, None, "root")
    until = utc("2024-07-01T12:00:30")
    broken = Decision("sms", Verdict.DEFER, Reason.BREAKER_OPEN, until, "breaker sms")
    opted_out = Decision("fax", Verdict.SUPPRESS, Reason.OPTED_OUT, None, "preferences")
    quiet = Decision("email", Verdict.DEFER, Reason.QUIET_HOURS, until, "quiet hours")
    passed_over = Decision("sms", Verdict.SUPPRESS, Reason.BREAKER_OPEN, None, "breaker sms")
    standby = Decision("push", Verdict.STANDBY, Reason.FALLBACK, None, "root")
    assert in_order([broken, opted_out, quiet, sent]) == [passed_over, opted_out, quiet, standby]
    assert in_order([opted_out, broken]) == [opted_out, broken]
    assert in_order([opted_out]) == [opted_out]


def world(route: Route = CHAIN, push: Iterable[Outcome] = (), sms: Iterable[Outcome] = ()) -> World:
    return World(route, scripts={"push": push, "sms": sms})


def test_a_refusal_starts_the_next_channel_at_once() -> None:
    here = world(push=[Refused("gone")])
    receipt = here.notify()
    here.run()
    here.run()
    assert here.states(receipt) == ["push dead", "sms sent", "email standby"]
    started = [event for event in here.events if isinstance(event, FallbackStarted)]
    assert [(event.failed, event.channel) for event in started] == [("push", "sms")]


def test_the_last_attempt_starts_the_next_channel() -> None:
    here = World(NO_ACK, max_attempts=2, scripts={"push": [Later("busy"), Later("busy")]})
    receipt = here.notify()
    here.run()
    here.run(10)
    here.run()
    assert here.states(receipt) == ["push dead", "sms sent", "email standby"]


def test_who_is_not_clear_is_asked_again_under_the_same_key_before_anybody_else() -> None:
    here = world(push=[Unclear("timeout")] * 3)
    receipt = here.notify()
    for _ in range(3):
        here.run(10)
    assert here.states(receipt) == ["push retrying", "sms standby", "email standby"]
    here.run(10)
    assert here.states(receipt) == ["push sent", "sms standby", "email standby"]
    assert {each.idempotency_key for each in here.channels["push"].calls} == {f"{receipt}-1"}
    assert here.sent("sms") == []


def test_an_unclear_outcome_starts_the_next_channel_after_the_time_for_an_acknowledgement() -> None:
    here = World(CHAIN, scripts={"push": [Unclear("timeout")] * 99}, max_attempts=99)
    receipt = here.notify()
    for _ in range(30):
        here.run()
        here.clock.advance(9.99)
    assert here.sent("sms") == []
    here.run(0.3)
    assert here.states(receipt)[:2] == ["push retrying", "sms sent"]


@pytest.mark.parametrize("event", [ReceiptEvent.DELIVERED, ReceiptEvent.READ, ReceiptEvent.ACKNOWLEDGED])
def test_success_at_299_seconds_supersedes_the_second(event: ReceiptEvent) -> None:
    here = world()
    receipt = here.notify()
    here.run()
    here.clock.advance(299)
    here.router.record(event, message_id=f"{receipt}-1")
    here.run(2)
    assert here.states(receipt) == [f"push {event}", "sms superseded", "email superseded"]
    assert here.sent("sms") == []


def test_success_at_301_seconds_is_recorded_though_the_second_has_been_sent() -> None:
    here = world()
    receipt = here.notify()
    here.run()
    here.run(300)
    assert here.states(receipt) == ["push sent", "sms sent", "email standby"]
    here.clock.advance(1)
    here.router.record(ReceiptEvent.ACKNOWLEDGED, message_id=f"{receipt}-1")
    assert here.states(receipt) == ["push acknowledged", "sms sent", "email superseded"]
    assert [(e.failed, e.channel) for e in here.events if isinstance(e, FallbackStarted)] == [("push", "sms")]


def test_a_late_success_takes_back_what_waits_for_a_retry() -> None:
    here = world(sms=[Later("busy")])
    receipt = here.notify()
    here.run()
    here.run(300)
    here.router.record(ReceiptEvent.DELIVERED, message_id=f"{receipt}-1")
    here.run(1_000)
    assert here.states(receipt) == ["push delivered", "sms superseded", "email superseded"]
    assert here.sent("sms") == []


def test_a_bounce_starts_the_next_channel_but_not_after_its_time() -> None:
    for days, states in [(1, ["push bounced", "sms sent", "email standby"]), (3, ["push bounced", "sms standby"])]:
        here = world(NO_ACK)
        receipt = here.notify(expires_seconds=2 * 86_400)
        here.run()
        here.clock.advance(days * 86_400)
        here.router.record(ReceiptEvent.BOUNCED, message_id=f"{receipt}-1")
        here.run()
        assert here.states(receipt)[: len(states)] == states


def test_a_bounce_three_days_after_its_delivery_marks_the_address_and_starts_nothing() -> None:
    here = world(NO_ACK)
    receipt = here.notify(expires_seconds=3_600)
    here.run()
    here.router.record(ReceiptEvent.DELIVERED, message_id=f"{receipt}-1")
    here.clock.advance(3 * 86_400)
    assert here.router.record(ReceiptEvent.BOUNCED, message_id=f"{receipt}-1") == "applied"
    here.run()
    assert here.states(receipt) == ["push bounced", "sms superseded", "email superseded"]
    decisions = here.router.explain("u1", "news", {"name": "x"}).decisions
    assert [each.reason for each in decisions] == ["suppressed_address", "routed", "fallback"]


def test_in_mode_all_one_failure_does_not_touch_the_other() -> None:
    here = World(Route(to=("push", "sms")), scripts={"push": [Refused("gone")]})
    receipt = here.notify()
    here.run()
    assert here.states(receipt) == ["push dead", "sms sent"]


def test_an_opt_out_before_its_turn_passes_the_turn_on() -> None:
    here = world(push=[Refused("gone")])
    receipt = here.notify()
    here.run()
    here.recipient(preferences=Preferences(channels={"sms": False}))
    here.run()
    here.run()
    assert here.states(receipt) == ["push dead", "sms suppressed", "email sent"]


def test_cancelling_takes_back_what_has_not_been_sent() -> None:
    here = world()
    receipt = here.notify()
    here.run()
    assert here.router.cancel(receipt) == 2
    assert here.router.cancel(receipt) == 0
    assert here.router.cancel("nothing") == 0
    here.run(1_000)
    assert here.states(receipt) == ["push sent", "sms cancelled", "email cancelled"]
