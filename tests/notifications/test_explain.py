"""Why: the explanation says what `notify` then does, for any moment, and changes nothing."""

import json
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from lldkit.notifications import (
    Digest,
    Limit,
    MemoryStore,
    Mode,
    Preferences,
    Priority,
    QuietHours,
    ReceiptEvent,
    Refused,
    Route,
    Template,
    Templates,
    Window,
)
from lldkit.rate_limiter import RateLimiter, per_hour
from notifications.helpers import CHANNELS, World, utc

SECURITY = Route(matchers=('category="security"',), to=("email", "sms"), mandatory=True, ignore_quiet_hours=True)
TREE = Route(to=("email",), routes=(SECURITY, Route(matchers=("category=comment",), digest=Digest(window_seconds=900))))


def test_every_rule_is_told_in_order_with_what_it_saw() -> None:
    world = World(TREE, start=utc("2024-07-01T23:00+02:00"))
    world.recipient(preferences=Preferences(channels={"sms": False}, quiet=QuietHours("22:00", "07:00")))
    told = world.router.explain("u1", "security", {"name": "x"})
    assert str(told).splitlines() == [
        'route root/1: category="security" saw "security": matched',
        "route root/1: the last that matched, all: to email, sms",
        "email, expiry: never: pass",
        "email, duplicate: no holder: pass",
        "email, preferences: no preference: pass",
        "email, address: an address: pass",
        "email, digest: none: pass",
        "email, windows: always open: pass",
        "email, quiet hours: 22:00 to 07:00 Europe/Berlin, quiet, ignored: pass",
        "email, limits and breakers: free: pass",
        "sms, expiry: never: pass",
        "sms, duplicate: no holder: pass",
        "sms, preferences: channel 'sms', but mandatory: pass",
        "sms, address: an address: pass",
        "sms, digest: none: pass",
        "sms, windows: always open: pass",
        "sms, quiet hours: 22:00 to 07:00 Europe/Berlin, quiet, ignored: pass",
        "sms, limits and breakers: free: pass",
        "email SEND (routed, root/1)",
        "sms SEND (routed, root/1)",
    ]


def test_the_last_rule_that_was_asked_is_the_one_that_decided() -> None:
    world = World(TREE)
    world.recipient(preferences=Preferences(categories={"news": False}))
    steps = world.router.explain("u1", "news", {"name": "x"}).steps
    assert steps[-1] == ("preferences", "email", "category 'news'", "suppress opted_out")


def test_an_explanation_is_json_too() -> None:
    world = World(TREE, start=utc("2024-07-01T23:00+02:00"))
    world.recipient(preferences=Preferences(quiet=QuietHours("22:00", "07:00")))
    told = json.loads(world.router.explain("u1", "news", {"name": "x"}).to_json())
    assert told["decisions"] == [
        {
            "channel": "email",
            "verdict": "defer",
            "reason": "quiet_hours",
            "until": "2024-07-02T05:00:00+00:00",
            "rule": "quiet hours",
        }
    ]
    assert told["steps"][0] == {
        "rule": "route root/1",
        "channel": "",
        "saw": 'category="security" saw "news"',
        "decided": "no match",
    }


def test_any_moment_can_be_explained() -> None:
    world = World(TREE)
    world.recipient(preferences=Preferences(quiet=QuietHours("22:00", "07:00")))
    assert world.router.explain("u1", "news", {"name": "x"}).decisions[0].verdict == "send"
    tonight = world.router.explain("u1", "news", {"name": "x"}, at=utc("2024-07-01T23:00+02:00"))
    assert tonight.decisions[0].until == utc("2024-07-02T07:00+02:00")


def test_a_template_that_lacks_something_is_a_step() -> None:
    world = World(TREE, templates=Templates({"news": {"email": Template(text="$author")}}))
    told = world.router.explain("u1", "news", {"name": "x"})
    assert told.steps[-1].rule == "templates"
    assert "needs the variable 'author'" in told.steps[-1].saw


def test_nobody_is_explained_too() -> None:
    world = World(TREE)
    told = world.router.explain("nobody", "news", {"name": "x"})
    assert told.steps[-1] == ("recipient", "email", "nobody", "suppress unknown_recipient")


MOMENTS = st.integers(0, 14 * 24 * 60).map(lambda minutes: utc("2024-03-25T00:00") + timedelta(minutes=minutes))
FLAGS = st.dictionaries(st.sampled_from(CHANNELS), st.booleans())
PREFERENCES = st.builds(
    Preferences,
    channels=FLAGS,
    categories=st.dictionaries(st.sampled_from(["news", "comment"]), st.booleans()),
    quiet=st.none() | st.sampled_from([QuietHours("22:00", "07:00"), QuietHours("12:00", "13:00")]),
)
TERMS = st.builds(
    Route,
    to=st.lists(st.sampled_from(CHANNELS), max_size=3).map(tuple),
    matchers=st.sampled_from([(), ("category=news",), ("priority=high",)]),
    continues=st.booleans(),
    mode=st.sampled_from([Mode.ALL, Mode.FALLBACK]),
    digest=st.none() | st.just(Digest(window_seconds=900)),
    mandatory=st.booleans(),
    ignore_quiet_hours=st.booleans(),
    active=st.sampled_from([(), (Window(times=((540, 1020),), weekdays=((1, 5),)),)]),
)
TREES = st.builds(Route, to=st.just(("email",)), routes=st.lists(TERMS, max_size=3).map(tuple))
CALLS = st.tuples(
    st.sampled_from(["news", "comment"]), st.sampled_from([Priority.NORMAL, Priority.HIGH]), st.none() | st.just("k")
)


@settings(max_examples=60, deadline=None)
@given(TREES, MOMENTS, PREFERENCES, st.lists(CALLS, min_size=1, max_size=4), st.booleans())
def test_what_is_explained_is_what_is_decided(
    tree: Route,
    moment: object,
    preferences: Preferences,
    calls: list[tuple[str, Priority, str | None]],
    refuses: bool,
) -> None:
    scripts = {"email": [Refused("no", bad_address=True)]} if refuses else {}
    world = World(tree, start=moment, scripts=scripts)  # type: ignore[arg-type]
    world.recipient(preferences=preferences)
    limiter = RateLimiter(per_hour(2), clock=world.clock)
    router = world.again(limits=[Limit(limiter, per="recipient")])
    for category, priority, key in calls:
        before = snapshot(world.store)
        terms = {"priority": priority, "dedupe_key": key}
        told = router.explain("u1", category, {"name": "x"}, **terms)  # type: ignore[arg-type]
        assert snapshot(world.store) == before
        receipt = router.notify("u1", category, {"name": "x"}, **terms)  # type: ignore[arg-type]
        assert receipt.decisions == told.decisions
        router.run_due()
        router.record(ReceiptEvent.COMPLAINED, provider_id="sms-1")


def snapshot(store: object) -> object:
    assert isinstance(store, MemoryStore)
    return {kind: dict(rows) for kind, rows in store._rows.items() if rows}
