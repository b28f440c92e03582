"""Routes, templates and recipients out of one JSON document, for the command line and for tests."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from lldkit.notifications.digest import Digest
from lldkit.notifications.interface import Mode
from lldkit.notifications.preferences import Preferences, Recipient
from lldkit.notifications.quiet import QuietHours
from lldkit.notifications.routing import Route
from lldkit.notifications.templates import Template, Templates
from lldkit.notifications.windows import Window

__all__ = ["Document", "read_document"]


@dataclass(frozen=True, slots=True)
class Document:
    """What a document says; `channels` are names only."""

    routes: Route
    channels: tuple[str, ...]
    templates: Templates
    recipients: tuple[Recipient, ...]


def read_document(data: object) -> Document:
    """Read a document; ValueError or TypeError for what is none.

    It is an object of `routes` (a route: its fields, with lists for tuples), `channels` (names; by default those of the
    routes), `templates` (by category, then by channel) and `recipients` (by id). A pair of preferences is written
    "category/channel".
    """
    given = _fields("the document", data, {"routes", "channels", "templates", "recipients"})
    routes = _route(given.get("routes", {}))
    by_category = _mapping("templates", given.get("templates", {}))
    templates = {
        category: {name: _template(each) for name, each in _mapping(category, by_channel).items()}
        for category, by_channel in by_category.items()
    }
    people = _mapping("recipients", given.get("recipients", {}))
    recipients = tuple(_recipient(name, each) for name, each in people.items())
    channels = tuple(given["channels"]) if "channels" in given else tuple(sorted(_channels(routes)))
    return Document(routes, channels, Templates(templates), recipients)


def _channels(route: Route) -> set[str]:
    return {*(route.to or ()), *(channel for child in route.routes for channel in _channels(child))}


def _route(data: object) -> Route:
    readers: dict[str, Callable[[Any], Any]] = {
        "to": tuple,
        "matchers": tuple,
        "routes": lambda routes: tuple(map(_route, routes)),
        "mode": Mode,
        "digest": lambda digest: Digest(**_fields("digest", digest, _names(Digest))),
        "active": lambda windows: tuple(map(_window, windows)),
        "mute": lambda windows: tuple(map(_window, windows)),
    }
    given = _fields("a route", data, _names(Route))
    return Route(**{name: readers.get(name, _same)(value) for name, value in given.items()})


def _window(data: object) -> Window:
    given = _fields("a window", data, _names(Window))
    ranges: dict[str, Any] = {name: each if name == "zone" else tuple(map(tuple, each)) for name, each in given.items()}
    return Window(**ranges)


def _template(data: object) -> Template:
    given = _fields("a template", data, _names(Template))
    if "digest" in given:
        given["digest"] = _template(given["digest"])
    return Template(**given)


def _recipient(name: str, data: object) -> Recipient:
    given = _fields(f"recipient {name!r}", data, _names(Recipient) - {"id"})
    if "preferences" in given:
        wants = _fields("preferences", given["preferences"], _names(Preferences))
        if "pairs" in wants:
            wants["pairs"] = {tuple(pair.split("/", 1)): value for pair, value in wants["pairs"].items()}
        if "quiet" in wants:
            quiet = _fields("quiet", wants["quiet"], _names(QuietHours))
            weekdays = quiet.pop("weekdays", None)
            wants["quiet"] = QuietHours(**quiet, weekdays=None if weekdays is None else tuple(weekdays))
        given["preferences"] = Preferences(**wants)
    return Recipient(name, **given)


def _same(value: object) -> object:
    return value


def _names(kind: type) -> set[str]:
    return {field.name for field in fields(kind) if field.init}


def _mapping(what: str, data: object) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise TypeError(f"{what} must be an object, got {data!r}")
    return data


def _fields(what: str, data: object, known: set[str]) -> dict[str, Any]:
    given = dict(_mapping(what, data))
    if unknown := sorted(given.keys() - known):
        raise ValueError(f"{what} has no field {unknown[0]!r}; it may have {', '.join(sorted(known))}")
    return given
