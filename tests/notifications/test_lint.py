"""What is found before anybody is told anything."""

import pytest

from lldkit.notifications import Digest, Mode, Notifier, Route, Template, Templates, Window, lint
from notifications.helpers import CHANNELS, EVERYTHING, World


def codes(route: Route, templates: Templates = EVERYTHING, **given: object) -> list[tuple[str, str]]:
    found = lint(route, channels=CHANNELS, templates=templates, **given)  # type: ignore[arg-type]
    return [(finding.code, finding.path) for finding in found]


def under(*routes: Route) -> Route:
    return Route(to=("email",), routes=routes)


def test_what_is_right_has_no_findings() -> None:
    tree = under(
        Route(matchers=("category=news",), to=("sms",)),
        Route(matchers=("category=news", "a=1"), to=("push", "sms"), mode=Mode.FALLBACK, continues=True),
        Route(matchers=('category=~"comment|order"',), digest=Digest(window_seconds=60)),
    )
    assert codes(under(*tree.routes[1:], tree.routes[0])) == []


def test_an_unknown_channel_is_an_error_of_the_constructor() -> None:
    route = under(Route(matchers=("a=1",), to=("email", "fax", "telex")))
    assert codes(route) == [("unknown-channel", "root/1")] * 2
    given = World(Route(to=("email",))).given
    with pytest.raises(ValueError, match=r"no channel 'fax'.*; .*no channel 'telex'"):
        Notifier(**{**given, "routes": route})


@pytest.mark.parametrize(
    ("earlier", "later", "hidden"),
    [
        (("a=1",), ("a=1",), True),
        ((), ("a=1",), True),
        (("a=1",), ("a=1", "b=2"), True),
        (('a=~"1|2"',), ("a=1",), True),
        (('a!="3"',), ("a=1",), True),
        (("a=1", "b=2"), ("a=1",), False),
        (("a=2",), ("a=1",), False),
        (('a=~"2"',), ("a=1",), False),
    ],
)
def test_a_route_that_nothing_reaches(earlier: tuple[str, ...], later: tuple[str, ...], hidden: bool) -> None:
    expected = [("unreachable-route", "root/2")] if hidden else []
    assert codes(under(Route(matchers=earlier), Route(matchers=later))) == expected
    assert codes(under(Route(matchers=earlier, continues=True), Route(matchers=later))) == []


def test_a_category_without_a_template() -> None:
    templates = Templates({"news": {"email": Template(text="x")}})
    route = under(Route(matchers=("category=news",), to=("email", "sms")), Route(matchers=("category=order",)))
    assert codes(route, templates) == [("missing-template", "root/1"), ("missing-template", "root/2")]


def test_a_digest_without_a_template() -> None:
    templates = Templates({"news": {"email": Template(text="x")}})
    route = under(Route(matchers=("category=news",), digest=Digest(window_seconds=60)))
    assert codes(route, templates) == [("digest-without-template", "root/1")]


def test_variables_that_sample_events_lack() -> None:
    templates = Templates({"news": {"email": Template(text="$a $b"), "sms:de": Template(text="$c")}})
    assert codes(Route(to=("email",)), templates, events=[("news", {"a": 1}), ("other", {})]) == [
        ("missing-variable", "news/email"),
        ("missing-variable", "news/sms:de"),
        ("missing-template", "other"),
    ]


def test_fallbacks_that_are_none() -> None:
    assert codes(Route(to=("email",), mode=Mode.FALLBACK)) == [("fallback-of-one", "root")]
    digest = Route(to=("push", "sms"), mode=Mode.FALLBACK, digest=Digest(window_seconds=60))
    assert codes(digest) == [("digest-in-fallback", "root")]
    assert codes(Route(to=("email",), ack_timeout_seconds=60)) == [("ack-without-fallback", "root")]


def test_windows_that_never_open() -> None:
    never = Window(days_of_month=((30, 31),), months=((2, 2),))
    assert codes(Route(to=("email",), active=(never,))) == [("never-open", "root")]
    assert codes(Route(to=("email",), active=(never, Window()))) == []
    leap_sunday = Window(days_of_month=((29, 29),), months=((2, 2),), weekdays=((0, 0),))
    assert codes(Route(to=("email",), active=(leap_sunday,))) == []
    assert codes(Route(to=("email",), active=(Window(years=((2090, 2091),)),))) == []
