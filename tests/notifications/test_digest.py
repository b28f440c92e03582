"""Digests: when they close, what they say, and that no event is in two of them or in none."""

from datetime import timedelta
from typing import Any

import pytest

from lldkit.notifications import (
    Call,
    Digest,
    MissingVariable,
    Preferences,
    QuietHours,
    Recipient,
    Route,
    Template,
    Templates,
    UnknownTemplate,
    Window,
)
from notifications.helpers import NOON, World, utc


def digesting(**given: Any) -> World:
    terms: dict[str, Any] = {"window_seconds": 900, **given}
    return World(Route(to=("email",), digest=Digest(**terms)))


def texts(world: World) -> list[str]:
    return [f"{message.subject}: {message.text}" for message in world.channels["email"].sent]


def comment(world: World, name: str, **data: Any) -> str:
    return world.notify("comment", data={"name": name, **data})


def test_a_digest_of_one_says_what_the_event_alone_says() -> None:
    world = digesting()
    receipt = comment(world, "a")
    assert world.states(receipt) == ["email digesting"]
    assert world.router.next_due() == NOON + timedelta(seconds=900)
    world.run(899.9)
    assert texts(world) == []
    world.run(0.1)
    assert texts(world) == ["about a: it is a"]


def test_a_digest_says_several_events_at_once() -> None:
    world = digesting()
    first = comment(world, "a")
    world.clock.advance(600)
    second = comment(world, "b")
    world.run(300)
    assert texts(world) == ["2 events: it is a\nit is b"]
    assert (world.states(first), world.states(second)) == (["email sent"], ["email merged"])
    assert world.channels["email"].sent[0].data == {
        "count": 2,
        "more": 0,
        "items": [{"name": "a"}, {"name": "b"}],
        "lines": "it is a\nit is b",
    }
    comment(world, "c")
    world.run(900)
    assert texts(world)[1:] == ["about c: it is c"]


def test_a_fixed_window_is_not_moved_by_events() -> None:
    world = digesting()
    for number in range(10):
        comment(world, str(number))
        world.run(100)
    assert [text.split(":")[0] for text in texts(world)] == ["9 events"]


def test_a_sliding_window_closes_at_its_greatest_age() -> None:
    world = digesting(window_seconds=30, sliding=True, max_age_seconds=120)
    for number in range(13):
        comment(world, str(number))
        world.run(10)
    assert [text.split(":")[0] for text in texts(world)] == ["12 events"]


def test_a_sliding_window_closes_when_nothing_comes() -> None:
    world = digesting(window_seconds=30, sliding=True, max_age_seconds=120)
    comment(world, "a")
    world.clock.advance(20)
    comment(world, "b")
    world.run(29.9)
    assert texts(world) == []
    world.run(0.1)
    assert [text.split(":")[0] for text in texts(world)] == ["2 events"]


def test_events_of_other_keys_are_other_digests() -> None:
    world = digesting(key="thread")
    for thread in ("1", 1, "1", None):
        comment(world, "x", thread=thread)
    comment(world, "x")
    world.run(900)
    assert sorted(text.split(":")[0] for text in texts(world)) == ["2 events", "2 events", "about x"]  # None is absent


def test_keys_that_join_to_the_same_text_do_not_mix() -> None:
    one = Template(subject="one", text="x", digest=Template(subject="several", text="x"))
    templates = Templates({category: {"email": one} for category in ("news", "1news")})
    world = World(Route(to=("email",), digest=Digest(window_seconds=900)), templates=templates)
    for recipient, category in [("u1", "news"), ("u", "1news")]:
        world.directory.put(Recipient(recipient, {"email": f"{recipient}@example.com"}))
        world.notify(category, recipient)
    world.run(900)
    assert texts(world) == ["one: x", "one: x"]


def test_items_beyond_the_most_are_counted() -> None:
    world = digesting()
    world.router.notify_many([Call("u1", "comment", {"name": str(number)}) for number in range(1_001)])
    world.run(900)
    (message,) = world.channels["email"].sent
    assert (message.data["count"], message.data["more"]) == (1_001, 1)
    items = message.data["items"]
    assert isinstance(items, list)
    assert items == [{"name": str(number)} for number in range(1_000)]


def test_an_opt_out_before_the_flush_sends_nothing() -> None:
    world = digesting()
    receipts = [comment(world, name) for name in "ab"]
    world.recipient(preferences=Preferences(categories={"comment": False}))
    world.run(900)
    assert texts(world) == []
    assert [world.states(each) for each in receipts] == [["email suppressed"]] * 2


def test_what_was_cancelled_or_has_expired_is_not_in_the_digest() -> None:
    world = digesting()
    first, _ = comment(world, "a"), comment(world, "b")
    third = world.notify("comment", data={"name": "c"}, expires_seconds=60)
    world.router.cancel(first)
    world.run(900)
    assert texts(world) == ["about b: it is b"]
    assert (world.states(first), world.states(third)) == (["email cancelled"], ["email expired"])


def test_a_digest_of_nothing_ends_quietly() -> None:
    world = digesting()
    world.router.cancel(comment(world, "a"))
    world.run(900)
    assert (texts(world), world.router.next_due()) == ([], None)


def test_a_digest_stays_open_while_nothing_may_be_sent() -> None:
    world = digesting()
    world.recipient(preferences=Preferences(quiet=QuietHours("14:00", "16:00")))
    comment(world, "a")
    world.run(900)
    assert world.router.next_due() == utc("2024-07-01T16:00+02:00")
    comment(world, "b")
    world.clock.advance((utc("2024-07-01T16:00+02:00") - world.clock.now()).total_seconds())
    world.run()
    assert texts(world) == ["2 events: it is a\nit is b"]


def test_a_digest_waits_for_its_window_too() -> None:
    afternoon = Window(times=((15 * 60, 18 * 60),))
    world = World(Route(to=("email",), digest=Digest(window_seconds=60), active=(afternoon,)))
    comment(world, "a")
    world.run(60)
    comment(world, "b")
    world.run(3 * 3_600 - 60)
    assert texts(world) == ["2 events: it is a\nit is b"]


def test_what_a_digest_lacks_is_missed_when_somebody_can_be_told() -> None:
    one = Template(text="x")
    for template, error in [
        (one, UnknownTemplate),
        (Template(text="x", digest=Template(text="$author and others")), MissingVariable),
    ]:
        route = Route(to=("email",), digest=Digest(window_seconds=60))
        world = World(route, templates=Templates({"comment": {"email": template}}))
        with pytest.raises(error):
            comment(world, "a")
        assert world.router.next_due() is None


def test_templates_that_changed_cost_their_own_digest() -> None:
    world = digesting()
    receipts = [comment(world, name) for name in "ab"]
    world.clock.advance(900)
    world.again(templates=Templates({"comment": {"email": Template(text="no digest any more")}})).run_due()
    assert [world.states(each)[0] for each in receipts] == ["email dead", "email merged"]


@pytest.mark.parametrize(
    "given",
    [
        {"window_seconds": 0},
        {"window_seconds": 60, "sliding": True},
        {"window_seconds": 60, "max_age_seconds": 120},
        {"window_seconds": 60, "sliding": True, "max_age_seconds": 30},
        {"window_seconds": 60, "max_items": 0},
    ],
)
def test_faulty_digests_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="got"):
        Digest(**given)
