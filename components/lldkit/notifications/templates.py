"""Templates: what a notification says on each channel, in the recipient's language."""

import html
import json
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeAlias

from lldkit.notifications.headers import check_header
from lldkit.notifications.interface import JsonValue, MissingVariable, UnknownTemplate

__all__ = ["AnyTemplate", "Rendered", "Template", "Templates", "digest_data"]

MOST_CHARACTERS = 1_000_000
"""What a rendered text may be long."""
MOST_FOUND = 1_024


class Rendered(NamedTuple):
    """The texts of a message, and the locale they are in ("" for the template without one)."""

    locale: str
    subject: str | None
    text: str | None
    html: str | None


class AnyTemplate(Protocol):
    """What `Templates` keeps: `Template`, `JinjaTemplate` or the like."""

    @property
    def digest(self) -> "AnyTemplate | None":
        """The template for several events in one message."""
        ...

    def render(self, data: Mapping[str, JsonValue], /) -> tuple[str | None, str | None, str | None]:
        """Subject, text and HTML; KeyError with the name of a variable that the data lack."""
        ...

    def variables(self) -> frozenset[str]:
        """What it takes from the data, as far as that shows."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """Texts with `$name` or `${name}` from the data (`$$` is a dollar), after `string.Template`.

    In `html` data are escaped. `digest` says several events at once; it gets `count`, `items`, `lines` (what each would
    have said, in lines), `more` (how many are not among them) and the digest's key. A text that is no template is a
    ValueError.

    >>> Template(subject="$author has answered", html="<b>$author</b>").render({"author": "Eve & Bob"})
    ('Eve & Bob has answered', None, '<b>Eve &amp; Bob</b>')
    """

    subject: str | None = None
    text: str | None = None
    html: str | None = None
    digest: "Template | None" = None

    _parts: "tuple[_Parts | None, ...]" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        texts = (("subject", self.subject), ("text", self.text), ("html", self.html))
        object.__setattr__(self, "_parts", tuple(None if text is None else _parts(name, text) for name, text in texts))

    def render(self, data: Mapping[str, JsonValue], /) -> tuple[str | None, str | None, str | None]:
        """Subject, text and HTML; KeyError with the name of a variable that the data lack."""
        subject, text, markup = self._parts
        return _filled(subject, data), _filled(text, data), _filled(markup, data, html.escape)

    def variables(self) -> frozenset[str]:
        """The names that stand in it."""
        return frozenset(name for parts in self._parts for _, name in parts or () if name is not None)


_Parts: TypeAlias = tuple[tuple[str, str | None], ...]
"""A text taken apart: what stands before each variable, and its name; the last has none."""


def _parts(field_name: str, text: str) -> _Parts:
    parts: list[tuple[str, str | None]] = []
    before, at = "", 0
    for found in string.Template.pattern.finditer(text):
        before, at = before + text[at : found.start()], found.end()
        if found["invalid"] is not None:
            problem = "a $ must begin $name or ${name}, or be doubled"
            raise ValueError(f"{field_name} is no template: {problem}; got {text!r}")
        if found["escaped"] is not None:
            before += "$"
        else:
            parts.append((before, found["named"] or found["braced"]))
            before = ""
    return (*parts, (before + text[at:], None))


def _filled(
    parts: _Parts | None, data: Mapping[str, JsonValue], escape: Callable[[str], str] | None = None
) -> str | None:
    """The text with values in it: texts as they are, the rest as JSON."""
    if parts is None:
        return None
    filled: list[str] = []
    for before, name in parts:
        filled.append(before)
        if name is not None:
            value = data[name]
            shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            filled.append(shown if escape is None else escape(shown))
    return "".join(filled)


class Templates:
    """Templates by category, and then by "channel" or "channel:locale".

    A locale falls back to shorter ones, then to `default_locale`, then to the template without a locale: `de-AT`, `de`,
    `en`. Safe for threads.

    >>> templates = Templates({"news": {"mail": Template(text="Hi $name"), "mail:de": Template(text="Hallo $name")}})
    >>> templates.render("news", "mail", "de-AT", {"name": "Eve"}).text
    'Hallo Eve'
    """

    def __init__(self, templates: Mapping[str, Mapping[str, AnyTemplate]], *, default_locale: str = "en") -> None:
        self._templates = {category: dict(by_channel) for category, by_channel in templates.items()}
        self.default_locale = default_locale
        self._found: dict[tuple[str, str, str], tuple[str, AnyTemplate]] = {}

    def find(self, category: str, channel: str, locale: str) -> tuple[str, AnyTemplate]:
        """The locale and the template that are used; UnknownTemplate."""
        asked = (category, channel, locale)
        if (known := self._found.get(asked)) is None:
            if len(self._found) >= MOST_FOUND:
                self._found.clear()
            known = self._found[asked] = self._search(category, channel, locale)
        return known

    def _search(self, category: str, channel: str, locale: str) -> tuple[str, AnyTemplate]:
        by_channel = self._templates.get(category, {})
        for each in (*_shorter(locale), *_shorter(self.default_locale)):
            if (found := by_channel.get(f"{channel}:{each}")) is not None:
                return each, found
        if (found := by_channel.get(channel)) is None:
            raise UnknownTemplate(category, channel)
        return "", found

    def all(self) -> list[tuple[str, str, AnyTemplate]]:
        """Every template with its category and its "channel" or "channel:locale"."""
        return [(category, name, each) for category, names in self._templates.items() for name, each in names.items()]

    def render(self, category: str, channel: str, locale: str, data: Mapping[str, JsonValue]) -> Rendered:
        """The message; UnknownTemplate, MissingVariable, HeaderInjection for a subject of more than one line."""
        used, template = self.find(category, channel, locale)
        return _rendered(f"{category}/{channel}", used, template, data)

    def render_digest(self, category: str, channel: str, locale: str, data: Mapping[str, JsonValue]) -> Rendered:
        """The message about several events; raises what `render` raises."""
        used, template = self.find(category, channel, locale)
        if template.digest is None:
            raise UnknownTemplate(category, f"{channel} (digest)")
        return _rendered(f"{category}/{channel} (digest)", used, template.digest, data)


def _shorter(locale: str) -> list[str]:
    """A locale and what is left of it without its last parts."""
    parts = locale.split("-")
    return ["-".join(parts[:length]) for length in range(len(parts), 0, -1)]


def _rendered(name: str, locale: str, template: AnyTemplate, data: Mapping[str, JsonValue]) -> Rendered:
    try:
        subject, text, markup = template.render(data)
    except KeyError as error:
        raise MissingVariable(str(error.args[0]), name) from None
    if subject is not None:
        check_header("subject", subject)
    for each in (subject, text, markup):
        if each is not None and len(each) > MOST_CHARACTERS:
            raise ValueError(f"the template {name!r} has made {len(each)} characters of this, over {MOST_CHARACTERS}")
    return Rendered(locale, subject, text, markup)


def digest_data(
    items: list[dict[str, JsonValue]], lines: list[str], beyond: int, key: str | None
) -> dict[str, JsonValue]:
    """What a digest's template gets: `items`, how many there were beyond them, and the value of the digest's key."""
    shared: dict[str, JsonValue] = {} if key is None else {key: items[0].get(key)}
    listed: list[JsonValue] = [*items]
    return {**shared, "count": len(items) + beyond, "more": beyond, "items": listed, "lines": "\n".join(lines)}
