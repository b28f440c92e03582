"""What is decided for each channel, and that it is asked again when a message is let go."""

from typing import Any

import pytest

from lldkit.notifications import (
    Decision,
    Limit,
    Mode,
    Preferences,
    Priority,
    QuietHours,
    Reason,
    ReceiptEvent,
    Recipient,
    Refused,
    Route,
    Verdict,
    Window,
)
from lldkit.rate_limiter import RateLimiter, per_hour
from notifications.helpers import World, utc

PLAIN = Route(to=("email",))
BOTH = Route(to=("email", "sms"))
OPTED_OUT = Preferences(channels={"push": False})
NIGHT = Preferences(quiet=QuietHours("22:00", "07:00"))
EVENING = utc("2024-07-01T23:00+02:00")
MORNING = utc("2024-07-02T07:00+02:00")


def decided(world: World, category: str = "news") -> list[tuple[str, Verdict, Reason]]:
    receipt = world.router.notify("u1", category, {"name": "x"})
    return [(each.channel, each.verdict, each.reason) for each in receipt.decisions]


def suppressed(channel: str, reason: Reason) -> tuple[str, Verdict, Reason]:
    return channel, Verdict.SUPPRESS, reason


SENT_BY_MAIL = ("email", Verdict.SEND, Reason.ROUTED)


def test_a_decision_names_the_route_that_led_to_it() -> None:
    world = World(Route(routes=(Route(matchers=("category=news",), to=("email",), name="news"),)))
    receipt = world.router.notify("u1", "news", {"name": "x"})
    assert receipt.decisions == (Decision("email", Verdict.SEND, Reason.ROUTED, None, "root/news"),)


def test_a_pair_outweighs_a_category_and_that_a_channel() -> None:
    world = World(BOTH)
    world.recipient(
        preferences=Preferences(
            channels={"email": False, "sms": False},
            categories={"news": True, "order": False},
            pairs={("news", "sms"): False, ("order", "email"): True},
        )
    )
    assert decided(world, "news") == [SENT_BY_MAIL, suppressed("sms", Reason.OPTED_OUT)]
    assert decided(world, "order") == [SENT_BY_MAIL, suppressed("sms", Reason.OPTED_OUT)]
    assert decided(world, "alert") == [suppressed("email", Reason.OPTED_OUT), suppressed("sms", Reason.OPTED_OUT)]


def test_what_is_mandatory_overrides_an_opt_out() -> None:
    world = World(Route(to=("email",), mandatory=True))
    world.recipient(preferences=Preferences(categories={"news": False}))
    assert decided(world) == [SENT_BY_MAIL]


@pytest.mark.parametrize("mandatory", [False, True])
def test_nothing_goes_to_an_address_that_bounced(mandatory: bool) -> None:
    world = World(Route(to=("email",), mandatory=mandatory))
    receipt = world.notify()
    world.run()
    world.router.record(ReceiptEvent.BOUNCED, message_id=f"{receipt}-1")
    assert decided(world) == [suppressed("email", Reason.SUPPRESSED_ADDRESS)]
    assert world.router.unsuppress("email", "u1@example.com")
    assert not world.router.unsuppress("email", "u1@example.com")
    assert decided(world) == [SENT_BY_MAIL]


@pytest.mark.parametrize("mandatory", [False, True])
def test_a_complaint_stops_all_but_what_is_mandatory(mandatory: bool) -> None:
    world = World(Route(to=("email",), mandatory=mandatory))
    receipt = world.notify()
    world.run()
    world.router.record(ReceiptEvent.COMPLAINED, message_id=f"{receipt}-1")
    assert world.states(receipt) == ["email delivered"]
    expected = SENT_BY_MAIL if mandatory else suppressed("email", Reason.SUPPRESSED_ADDRESS)
    assert decided(world) == [expected]


def test_an_address_that_a_channel_refused_is_bad() -> None:
    world = World(PLAIN, scripts={"email": [Refused("550", bad_address=True)]})
    world.notify()
    world.run()
    assert decided(world) == [suppressed("email", Reason.BAD_ADDRESS)]
    world.recipient(addresses={"email": "new@example.com"})
    assert decided(world) == [SENT_BY_MAIL]


def test_nobody_and_nowhere_are_no_errors() -> None:
    world = World(BOTH)
    world.recipient(addresses={"sms": "+1"})
    assert decided(world) == [suppressed("email", Reason.NO_ADDRESS), ("sms", Verdict.SEND, Reason.ROUTED)]
    receipt = world.router.notify("nobody", "news", {"name": "x"})
    assert {each.reason for each in receipt.decisions} == {Reason.UNKNOWN_RECIPIENT}
    assert world.states(receipt.id) == ["email suppressed", "sms suppressed"]


def test_a_channel_is_used_once_by_the_first_route_that_names_it() -> None:
    first = Route(matchers=("category=news",), to=("email",), continues=True)
    world = World(Route(to=("push",), routes=(first, Route(to=("email", "sms")))))
    assert [channel for channel, _, _ in decided(world)] == ["email", "sms"]


def test_quiet_hours_defer_until_they_end() -> None:
    world = World(PLAIN, start=EVENING)
    world.recipient(preferences=NIGHT)
    receipt = world.router.notify("u1", "news", {"name": "x"})
    assert receipt.decisions == (Decision("email", Verdict.DEFER, Reason.QUIET_HOURS, MORNING, "quiet hours"),)
    assert world.router.next_due() == MORNING
    world.run((MORNING - EVENING).total_seconds() - 0.000001)
    assert world.sent() == []
    world.run(0.000001)
    assert world.sent() == ["it is x"]


def test_who_ignores_quiet_hours_does_not_wait() -> None:
    world = World(Route(to=("email",), ignore_quiet_hours=True), start=EVENING)
    world.recipient(preferences=NIGHT)
    assert decided(world) == [SENT_BY_MAIL]


def deferred_at_night(**given: Any) -> tuple[World, str]:
    world = World(PLAIN, start=EVENING)
    world.recipient(preferences=NIGHT)
    return world, world.notify(**given)


def test_an_opt_out_in_the_night_counts_in_the_morning() -> None:
    world, receipt = deferred_at_night()
    world.recipient(preferences=Preferences(categories={"news": False}, quiet=QuietHours("22:00", "07:00")))
    report = world.run((MORNING - EVENING).total_seconds())
    assert (report.suppressed, world.sent(), world.states(receipt)) == (1, [], ["email suppressed"])
    assert world.router.deliveries(receipt)[0].reason == "opted_out"


def test_what_expires_in_the_night_is_not_sent_in_the_morning() -> None:
    world, receipt = deferred_at_night(expires_seconds=3_600)
    world.run((MORNING - EVENING).total_seconds())
    assert (world.sent(), world.states(receipt)) == ([], ["email expired"])


def test_a_limit_is_asked_in_the_morning_too() -> None:
    world = World(PLAIN, start=EVENING)
    world.recipient(preferences=NIGHT)
    router = world.again(limits=[Limit(RateLimiter(per_hour(1), clock=world.clock), per="recipient")])
    for number in range(2):
        router.notify("u1", "news", {"name": str(number)})
    world.clock.advance((MORNING - EVENING).total_seconds())
    router.run_due()
    world.clock.advance(60)
    router.run_due()
    assert world.sent() == ["it is 0"]
    world.clock.advance(3_600)
    router.run_due()
    assert world.sent() == ["it is 0", "it is 1"]


def test_a_new_zone_counts_from_the_next_release_on() -> None:
    world, receipt = deferred_at_night()
    world.recipient(zone="America/New_York", preferences=NIGHT)  # where it is 01:00 when Berlin wakes up
    assert world.run((MORNING - EVENING).total_seconds()).deferred == 1
    assert world.states(receipt) == ["email deferred"]
    assert world.router.deliveries(receipt)[0].due_at == utc("2024-07-02T07:00-04:00")
    world.run(6 * 3_600)
    assert world.sent() == ["it is x"]


def test_a_dedupe_key_that_was_taken_over_in_the_night_suppresses_the_first() -> None:
    world = World(PLAIN, start=EVENING, dedupe_seconds=3_600)
    world.recipient(preferences=NIGHT)
    first = world.notify(dedupe_key="k")
    world.clock.advance(7.5 * 3_600)  # half past six, long after the first one's window has ended
    second = world.notify(dedupe_key="k")
    world.run(1_800)
    world.run(60)
    assert (world.states(first), world.states(second)) == (["email suppressed"], ["email sent"])


def test_windows_defer_to_their_next_opening() -> None:
    office = Window(times=((540, 1020),), weekdays=((1, 5),), zone="Europe/Berlin")
    world = World(Route(to=("email",), active=(office,), mute=(Window(days_of_month=((2, 2),), zone="Europe/Berlin"),)))
    world.clock.advance(6 * 3_600)
    (decision,) = world.router.notify("u1", "news", {"name": "x"}).decisions
    opens = utc("2024-07-03T09:00+02:00")
    assert decision == Decision("email", Verdict.DEFER, Reason.OUTSIDE_WINDOW, opens, "windows")


def test_a_window_that_never_opens_again_suppresses() -> None:
    world = World(Route(to=("email",), active=(Window(years=((2020, 2020),)),)))
    assert decided(world) == [suppressed("email", Reason.OUTSIDE_WINDOW)]


@pytest.mark.parametrize(
    "given",
    [
        {"addresses": {}},
        {"preferences": Preferences(channels={"push": False, "sms": False, "email": False})},
    ],
)
def test_a_fallback_without_any_channel_is_a_value_with_each_reason(given: dict[str, Any]) -> None:
    world = World(Route(to=("push", "sms", "email"), mode=Mode.FALLBACK))
    world.recipient(**given)
    reason = Reason.OPTED_OUT if "preferences" in given else Reason.NO_ADDRESS
    assert decided(world) == [suppressed(channel, reason) for channel in ("push", "sms", "email")]


def test_a_fallback_whose_channels_are_out_for_different_reasons_tells_each() -> None:
    world = World(Route(to=("push", "sms", "email"), mode=Mode.FALLBACK), scripts={"email": [Refused("no")]})
    bounced = world.again(routes=PLAIN).notify("u1", "news", {"name": "x"})
    world.router.record(ReceiptEvent.BOUNCED, message_id=f"{bounced.id}-1")  # of what was never sent: nothing
    world.again(routes=PLAIN).run_due()
    world.router.record(ReceiptEvent.BOUNCED, message_id=f"{bounced.id}-1")
    world.recipient(addresses={"push": "token", "email": "u1@example.com"}, preferences=OPTED_OUT)
    assert decided(world) == [
        suppressed("push", Reason.OPTED_OUT),
        suppressed("sms", Reason.NO_ADDRESS),
        suppressed("email", Reason.SUPPRESSED_ADDRESS),
    ]
    assert world.run().sent == 0


def test_a_fallback_passes_over_who_cannot_and_lets_the_rest_stand_by() -> None:
    world = World(Route(to=("push", "sms", "email"), mode=Mode.FALLBACK))
    world.recipient(preferences=Preferences(channels={"push": False}))
    assert decided(world) == [
        suppressed("push", Reason.OPTED_OUT),
        ("sms", Verdict.SEND, Reason.ROUTED),
        ("email", Verdict.STANDBY, Reason.FALLBACK),
    ]


def test_faulty_calls_are_refused_before_anything_is_stored() -> None:
    world = World(PLAIN)
    cases: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"recipient_id": ""}, ValueError),
        ({"data": {"x": object()}}, TypeError),
        ({"data": {"x": float("nan")}}, TypeError),
        ({"labels": {"category": "x"}}, ValueError),
        ({"expires_seconds": -1}, ValueError),
        ({"priority": "urgent"}, ValueError),
    ]
    for given, error in cases:
        call: dict[str, Any] = {"recipient_id": "u1", "category": "news", "data": {}, **given}
        with pytest.raises(error):
            world.router.notify(**call)
    assert world.router.next_due() is None


def test_priority_and_labels_reach_the_routes() -> None:
    urgent = Route(matchers=("priority=critical", 'team=~"a|b"'), to=("sms",))
    world = World(Route(to=("email",), routes=(urgent,)))
    receipt = world.router.notify("u1", "news", {"name": "x"}, priority=Priority.CRITICAL, labels={"team": "b"})
    assert [each.channel for each in receipt.decisions] == ["sms"]


def test_what_was_handed_in_may_change_afterwards() -> None:
    world = World(PLAIN)
    data: dict[str, object] = {"name": "x"}
    world.router.notify("u1", "news", data)  # type: ignore[arg-type]
    data["name"] = "y"
    world.run()
    assert world.channels["email"].sent[0].data == {"name": "x"}


def test_a_recipient_shows_no_address() -> None:
    assert "example.com" not in repr(Recipient("u1", {"email": "u1@example.com"}))
