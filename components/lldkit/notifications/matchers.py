"""Matchers: what a route asks of labels, such as `severity=~"page|crit", team!="ops"`; the language of Alertmanager."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NoReturn, TypeAlias, cast

from lldkit.notifications.interface import MatcherSyntaxError

__all__ = ["Matcher", "Operator", "parse_matchers"]

Operator: TypeAlias = Literal["=", "!=", "=~", "!~"]
OPERATORS = ("=", "!=", "=~", "!~")


@dataclass(frozen=True, slots=True)
class Matcher:
    """One comparison of a label; an absent label is the empty text, and a regular expression matches the whole value.

    >>> Matcher("severity", "=~", "page|crit").matches({"severity": "critical"})
    False
    """

    name: str
    operator: Operator
    value: str
    _pattern: "re.Pattern[str] | None" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.operator not in OPERATORS:
            raise ValueError(f"operator must be one of {OPERATORS}, got {self.operator!r}")
        try:
            pattern = re.compile(self.value) if self.operator in {"=~", "!~"} else None
        except re.error as error:
            raise ValueError(f"{self.value!r} is not a regular expression: {error}") from None
        object.__setattr__(self, "_pattern", pattern)

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether these labels pass."""
        found = labels.get(self.name, "")
        if self._pattern is None:
            return (found == self.value) is (self.operator == "=")
        return (self._pattern.fullmatch(found) is not None) is (self.operator == "=~")

    def __str__(self) -> str:
        name = self.name if BARE.fullmatch(self.name) else json.dumps(self.name, ensure_ascii=False)
        return f"{name}{self.operator}{json.dumps(self.value, ensure_ascii=False)}"


def parse_matchers(text: str) -> tuple[Matcher, ...]:
    """The matchers in a text: names and values bare or quoted as in JSON, braces optional, one comma may trail.

    MatcherSyntaxError names the position where the text is none.

    >>> [str(each) for each in parse_matchers('severity=~"page|crit", team!=ops')]
    ['severity=~"page|crit"', 'team!="ops"']
    """
    return tuple(_Reader(text).matchers())


BARE = re.compile(r"""[^\s{}!=~,\\"'`]+""")
OPERATOR = re.compile(r"=~|!~|!=|=")
SPACE = re.compile(r"\s*")
DECODER = json.JSONDecoder()


class _Reader:
    """A text, and how far it has been read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def matchers(self) -> Iterator[Matcher]:
        end = "}" if self._take("{") else ""
        while not self._is_at(end):
            start = self._at
            name, operator, value = self._word("a label"), self._operator(), self._word("a value", or_nothing=True)
            try:
                yield Matcher(name, operator, value)
            except ValueError as error:
                self._refuse(str(error), start)
            if not self._take(",") and not self._is_at(end):
                self._refuse(f"expected a comma or {'a closing brace' if end else 'the end'}")
        if end:
            self._take(end)
        if not self._is_at(""):
            self._refuse("expected the end")

    def _is_at(self, what: str) -> bool:
        self._skip()
        return self._text.startswith(what, self._at) if what else self._at == len(self._text)

    def _take(self, what: str) -> bool:
        if not self._is_at(what):
            return False
        self._at += len(what)
        return True

    def _operator(self) -> Operator:
        self._skip()
        found = OPERATOR.match(self._text, self._at)
        if found is None:
            self._refuse("expected =, !=, =~ or !~")
        self._at = found.end()
        return cast("Operator", found[0])

    def _word(self, what: str, *, or_nothing: bool = False) -> str:
        self._skip()
        if self._text.startswith('"', self._at):
            try:
                word, self._at = DECODER.raw_decode(self._text, self._at)
            except ValueError:
                self._refuse("expected a string as in JSON")
            return cast("str", word)
        found = BARE.match(self._text, self._at)
        if found is None:
            if or_nothing and (self._is_at(",") or self._is_at("}") or self._is_at("")):
                return ""
            self._refuse(f"expected {what}, bare or in double quotes")
        self._at = found.end()
        return found[0]

    def _skip(self) -> None:
        found = SPACE.match(self._text, self._at)
        self._at = self._at if found is None else found.end()

    def _refuse(self, problem: str, position: int | None = None) -> NoReturn:
        raise MatcherSyntaxError(self._text, self._at if position is None else position, problem) from None
