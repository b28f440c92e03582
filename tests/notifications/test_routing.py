"""The tree: who is asked, in which order, and what children inherit."""

import sys
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lldkit.notifications import Digest, Matcher, MatcherSyntaxError, Mode, Recipient, Route, parse_matchers, resolve
from lldkit.notifications.explain import routing_steps
from notifications.helpers import World


def matching(*routes: Route, **labels: str) -> list[str]:
    return [route.name for route in resolve(Route(to=("email",), name="root", routes=routes), labels)]


def test_the_root_matches_whatever_nobody_else_does() -> None:
    assert matching(Route(matchers=("a=1",), name="one"), a="2") == ["root"]


def test_the_first_match_ends_the_walk_unless_it_continues() -> None:
    first, second = Route(matchers=("a=1",), name="one"), Route(matchers=('a=~"1|2"',), name="two")
    assert matching(first, second, a="1") == ["one"]
    assert matching(Route(matchers=("a=1",), name="one", continues=True), second, a="1") == ["one", "two"]


def test_a_child_that_matches_stands_for_its_parent() -> None:
    inner = Route(matchers=("b=2",), name="inner")
    outer = Route(matchers=("a=1",), name="outer", routes=(inner,))
    assert matching(outer, a="1", b="2") == ["inner"]
    assert matching(outer, a="1", b="3") == ["outer"]


def test_an_absent_label_is_the_empty_text() -> None:
    assert matching(Route(matchers=('a=""',), name="none")) == ["none"]
    assert matching(Route(matchers=('a!="x"',), name="not x")) == ["not x"]
    assert matching(Route(matchers=('a=~".+"',), name="any")) == ["root"]


def test_a_regular_expression_matches_the_whole_value() -> None:
    route = Route(matchers=('a=~"page"',), name="page")
    assert matching(route, a="page") == ["page"]
    assert matching(route, a="pager") == ["root"]
    assert Matcher("a", "!~", "page").matches({"a": "pager"})


def test_children_inherit_what_they_do_not_say() -> None:
    digest = Digest(window_seconds=60)
    leaf = Route(matchers=("b=1",), to=("sms",))
    tree = Route(
        to=("email",),
        mode=Mode.FALLBACK,
        mandatory=True,
        routes=(Route(matchers=("a=1",), digest=digest, routes=(leaf,)),),
    )
    (found,) = resolve(tree, {"a": "1", "b": "1"})
    assert (found.to, found.mode, found.mandatory, found.digest) == (("sms",), Mode.FALLBACK, True, digest)
    assert (found.ignore_quiet_hours, found.matchers) == (False, ("b=1",))


def test_a_faulty_route_is_refused_when_it_is_made() -> None:
    with pytest.raises(MatcherSyntaxError) as caught:
        Route(matchers=("a=1", "b"))
    assert (caught.value.text, caught.value.position) == ("b", 1)
    with pytest.raises(MatcherSyntaxError):
        Route(matchers=('a=~"("',))
    with pytest.raises(TypeError, match="to must be a tuple, got one text: 'email'"):
        Route(to="email")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="ack_timeout_seconds"):
        Route(ack_timeout_seconds=0)


def test_a_syntax_error_says_where() -> None:
    with pytest.raises(MatcherSyntaxError, match="at character 4"):
        parse_matchers("a=1 b=2")


LABELS = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["", "1", "2", "12"]))
MATCHERS = st.lists(
    st.builds("{}{}{}".format, st.sampled_from("abc"), st.sampled_from(["=", "!=", "=~", "!~"]), st.sampled_from("12")),
    max_size=2,
).map(tuple)
ROUTES = st.recursive(
    st.builds(Route, matchers=MATCHERS, continues=st.booleans(), name=st.sampled_from("xyz")),
    lambda inner: st.builds(
        Route,
        matchers=MATCHERS,
        continues=st.booleans(),
        name=st.sampled_from("xyz"),
        routes=st.lists(inner, max_size=4).map(tuple),
    ),
    max_leaves=12,
)


def naive(node: Route, labels: dict[str, str]) -> list[Route]:
    """The walk as it is defined, child by child."""
    found: list[Route] = []
    for child in node.routes:
        if all(matcher.matches(labels) for text in child.matchers for matcher in parse_matchers(text)):
            found += naive(child, labels)
            if not child.continues:
                break
    return found or [node]


@settings(deadline=None)
@given(ROUTES, LABELS)
def test_the_index_finds_what_a_walk_finds(tree: Route, labels: dict[str, str]) -> None:
    expected = [(route.name, route.matchers, route.routes) for route in naive(tree, labels)]
    assert [(route.name, route.matchers, route.routes) for route in resolve(tree, labels)] == expected


@settings(deadline=None)
@given(ROUTES, LABELS)
def test_the_explanation_ends_where_the_walk_ends(tree: Route, labels: dict[str, str]) -> None:
    ends = [step for step in routing_steps(tree, labels) if step.decided.startswith("to ")]
    assert len(ends) == len(resolve(tree, labels))


def test_a_value_that_was_seen_lately_is_not_asked_about_again() -> None:
    """Finding one of a thousand routes costs what finding one of ten does."""

    class Counting(dict[str, str]):
        asked = 0

        def get(self, key: str, default: str = "") -> str:  # type: ignore[override]
            self.asked += 1
            return super().get(key, default)

    def asked(count: int) -> int:
        routes = tuple(Route(matchers=(f'a=~"{number}.*"', "b=1")) for number in range(100, 100 + count))
        tree = Route(to=("email",), routes=routes)
        labels = Counting(a="105")
        resolve(tree, {"a": "105"})
        resolve(tree, labels)
        return labels.asked

    assert asked(1_000) == asked(10) == 2


def test_a_new_value_is_asked_about_once_by_each_route_whoever_it_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    real, asked = Matcher.matches, list[str]()

    def counting(self: Matcher, labels: Mapping[str, str]) -> bool:
        asked.append(self.value)
        return real(self, labels)

    monkeypatch.setattr(Matcher, "matches", counting)
    for count in (10, 1_000):
        tree = Route(to=("email",), routes=tuple(Route(matchers=(f"a={number}",)) for number in range(count)))
        asked.clear()
        resolve(tree, {"a": "new"})
        assert len(asked) == count


def test_a_notification_costs_as_many_calls_among_ten_thousand_recipients_as_among_ten() -> None:
    def calls(count: int) -> int:
        world = World(Route(to=("email",)))
        for number in range(count):
            world.directory.put(Recipient(f"u{number}", {"email": "x@example.com"}))
        made = 0

        def note(frame: object, event: str, argument: object) -> None:
            nonlocal made
            made += event == "call"

        world.router.explain("u1", "news", {"name": "x"})
        sys.setprofile(note)
        try:
            world.router.explain("u1", "news", {"name": "x"})
        finally:
            sys.setprofile(None)
        return made

    assert calls(10) == calls(10_000) > 10


def test_more_values_than_are_kept_are_found_too() -> None:
    tree = Route(to=("email",), routes=(Route(matchers=('a=~"1.*"',), to=("sms",)),))
    for number in range(3_000):
        (found,) = resolve(tree, {"a": str(number)})
        assert found.to == (("sms",) if str(number).startswith("1") else ("email",))
