"""Templates in Jinja2, in its sandbox: for loops over digests, filters and inheritance. Needs the extra `templates`."""

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import StrictUndefined, TemplateSyntaxError, UndefinedError, meta
from jinja2 import Template as Compiled
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from lldkit.notifications.interface import JsonValue
from lldkit.notifications.templates import MOST_CHARACTERS

__all__ = ["JinjaTemplate", "SecurityError"]


class JinjaTemplate:
    """The same fields as `Template`, in Jinja2: only `html` is escaped, and a missing variable is an error.

    Templates run in the sandbox: no attribute whose name begins with an underscore, no change of what they are given,
    and no output beyond a million characters. `filters` are added to those of Jinja2. A faulty text is a ValueError.
    Immutable, so safe for threads.

    >>> template = JinjaTemplate(text="{% for item in items %}{{ item.author }} {% endfor %}")
    >>> template.render({"items": [{"author": "Eve"}, {"author": "Bob"}]})
    (None, 'Eve Bob ', None)
    """

    def __init__(
        self,
        *,
        subject: str | None = None,
        text: str | None = None,
        html: str | None = None,
        digest: "JinjaTemplate | None" = None,
        filters: Mapping[str, Callable[..., Any]] | None = None,
    ) -> None:
        self.digest = digest
        self._variables: set[str] = set()
        plain, escaping = (_environment(filters or {}, autoescape=each) for each in (False, True))
        self._subject = self._compiled("subject", subject, plain)
        self._text = self._compiled("text", text, plain)
        self._html = self._compiled("html", html, escaping)

    def _compiled(self, name: str, text: str | None, environment: ImmutableSandboxedEnvironment) -> Compiled | None:
        if text is None:
            return None
        try:
            self._variables |= meta.find_undeclared_variables(environment.parse(text))
            return environment.from_string(text)
        except TemplateSyntaxError as error:
            raise ValueError(f"{name} is no template: {error}") from None

    def render(self, data: Mapping[str, JsonValue], /) -> tuple[str | None, str | None, str | None]:
        """Subject, text and HTML; KeyError with the name of a variable that the data lack."""
        subject, text, html = (_rendered(each, data) for each in (self._subject, self._text, self._html))
        return subject, text, html

    def variables(self) -> frozenset[str]:
        """The names that it takes from the data."""
        return frozenset(self._variables)


def _environment(filters: Mapping[str, Callable[..., Any]], *, autoescape: bool) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=autoescape)
    environment.filters.update(filters)
    return environment


def _rendered(template: Compiled | None, data: Mapping[str, JsonValue]) -> str | None:
    if template is None:
        return None
    parts: list[str] = []
    length = 0
    try:
        for part in template.generate(dict(data)):
            length += len(part)
            if length > MOST_CHARACTERS:
                raise ValueError(f"a template has made more than {MOST_CHARACTERS} characters")
            parts.append(part)
    except UndefinedError as error:
        raise KeyError(_name_in(error.message or "")) from None
    return "".join(parts)


def _name_in(message: str) -> str:
    """The variable that is missed, from what Jinja2 says of it: "'author' is undefined", or of an attribute."""
    quoted = message.split("'")[1::2]
    return quoted[-1] if quoted else message
