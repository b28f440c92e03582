"""Lint: what is wrong with routes, channels and templates before anybody is told anything."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from lldkit.notifications.interface import JsonValue, Mode, UnknownTemplate
from lldkit.notifications.matchers import Matcher
from lldkit.notifications.routing import Node, Route, compiled
from lldkit.notifications.templates import Templates
from lldkit.notifications.windows import Window

__all__ = ["Finding", "lint"]

ERRORS = frozenset({"unknown-channel"})


class Finding(NamedTuple):
    """What is wrong, and where."""

    code: str
    path: str
    message: str

    @property
    def is_error(self) -> bool:
        """Whether it can never work; else it may be meant so."""
        return self.code in ERRORS

    def __str__(self) -> str:
        return f"{self.path}: {self.message} ({self.code})"


def lint(
    routes: Route,
    *,
    channels: Collection[str],
    templates: Templates,
    events: Sequence[tuple[str, Mapping[str, JsonValue]]] = (),
) -> list[Finding]:
    """All that is wrong: unknown channels, routes that nothing reaches, missing templates and variables, and so on.

    `events` are samples, each (category, data). A route is told to be unreachable when a sibling before it matches
    whenever it does; that finds those whose matchers hold all of the sibling's, not those that no text can match.
    """
    return [
        *_of_routes(compiled(routes), frozenset(channels)),
        *_of_categories(compiled(routes), templates),
        *_of_events(events, templates),
    ]


def _of_routes(node: Node, channels: frozenset[str]) -> Iterator[Finding]:
    route, path = node.route, node.path
    for channel in route.to or ():
        if channel not in channels:
            known = ", ".join(sorted(channels)) or "none"
            yield Finding("unknown-channel", path, f"there is no channel {channel!r}, only {known}")
    if route.mode is Mode.FALLBACK:
        if len(route.to or ()) < 2:
            yield Finding("fallback-of-one", path, "a fallback needs two channels to have a second")
        if route.digest is not None:
            yield Finding("digest-in-fallback", path, "a fallback does not wait for digests; its digest has no effect")
    elif route.ack_timeout_seconds is not None:
        yield Finding("ack-without-fallback", path, "ack_timeout_seconds has no effect without Mode.FALLBACK")
    if route.active and all(_never_opens(window) for window in route.active):
        yield Finding("never-open", path, "none of the windows in which it is active ever opens")
    for number, child in enumerate(node.children):
        earlier = next((each for each in node.children[:number] if _hides(each, child)), None)
        if earlier is not None:
            yield Finding(
                "unreachable-route", child.path, f"{earlier.path} matches whenever this does, and ends the walk"
            )
        yield from _of_routes(child, channels)


def _hides(earlier: Node, later: Node) -> bool:
    return not earlier.route.continues and all(_implied(each, later.matchers) for each in earlier.matchers)


def _implied(matcher: Matcher, by: Sequence[Matcher]) -> bool:
    """Whether all labels that pass `by` pass this matcher too, as far as that shows."""
    exact = [each for each in by if each.operator == "=" and each.name == matcher.name]
    return matcher in by or any(matcher.matches({each.name: each.value}) for each in exact)


def _never_opens(window: Window) -> bool:
    first = min((first for first, _ in window.years or ()), default=2000)
    return window.next_open(datetime(first, 1, 1, tzinfo=UTC)) is None


def _of_categories(node: Node, templates: Templates, category: str | None = None) -> Iterator[Finding]:
    """What a route lacks that is for one category, by its own matchers or by those above it."""
    exact = (each.value for each in node.matchers if each.operator == "=" and each.name == "category")
    category = next(exact, category)
    for channel in (node.route.to or ()) if category is not None else ():
        try:
            _, template = templates.find(category or "", channel, templates.default_locale)
        except UnknownTemplate as error:
            yield Finding("missing-template", node.path, str(error))
            continue
        if node.route.digest is not None and node.route.mode is Mode.ALL and template.digest is None:
            yield Finding(
                "digest-without-template", node.path, f"{category}/{channel} says nothing about several events"
            )
    for child in node.children:
        yield from _of_categories(child, templates, category)


def _of_events(events: Sequence[tuple[str, Mapping[str, JsonValue]]], templates: Templates) -> Iterator[Finding]:
    for category, data in events:
        for known, name, template in templates.all():
            for variable in sorted(template.variables() - data.keys()) if known == category else ():
                yield Finding(
                    "missing-variable", f"{category}/{name}", f"needs {variable!r}, which a sample event lacks"
                )
        if category not in {known for known, _, _ in templates.all()}:
            yield Finding("missing-template", category, "a sample event has this category, and no template does")
