"""The precedence of versions, by Semantic Versioning 2.0.0 and as two vendors read it.

A version becomes a key that sorts, so a rule parses its own version once. Numbers are compared by length and then as
text, which needs no limit on their size. All of it is linear in the text.
"""

import re
from collections.abc import Callable
from typing import Any, Literal, get_args

__all__ = ["Dialect", "compare", "precedence", "release"]

Dialect = Literal["strict", "loose", "padded"]
"""How a text is read as a version:

- `strict`: Semantic Versioning 2.0.0, nothing else.
- `loose`: as flagd does: `v` may stand before it, and minor and patch may be missing (`v1` is `1.0.0`).
- `padded`: as GrowthBook does: any text at all, cut at dots and hyphens, whose parts are compared one by one.
"""

_NUMBER = "0|[1-9][0-9]*"
_IDENTIFIERS = "[0-9A-Za-z-]+(?:[.][0-9A-Za-z-]+)*"
_TAIL = f"(?:-({_IDENTIFIERS}))?(?:[+]{_IDENTIFIERS})?"
_STRICT = re.compile(f"({_NUMBER})[.]({_NUMBER})[.]({_NUMBER}){_TAIL}")
_LOOSE = re.compile(f"v?({_NUMBER})(?:[.]({_NUMBER})(?:[.]({_NUMBER}){_TAIL})?)?")


def compare(a: str, b: str, *, dialect: Dialect = "strict") -> int:
    """-1, 0 or 1, as `a` has a lower precedence than `b`, the same, or a higher one; build metadata does not count.

    Raises ValueError, naming the text, when one of them is no version.

    >>> compare("1.0.0-rc.10", "1.0.0-rc.9"), compare("1.0.0-rc.10", "1.0.0")
    (1, -1)
    """
    left, right = precedence(a, dialect=dialect), precedence(b, dialect=dialect)
    return (left > right) - (left < right)


def precedence(version: str, *, dialect: Dialect = "strict") -> tuple[Any, ...]:
    """A key: of two versions of one dialect, the one with the higher key has the higher precedence."""
    if dialect not in _KEYS:
        raise ValueError(f"dialect must be one of {', '.join(get_args(Dialect))}, not {dialect!r}")
    return _KEYS[dialect](version)


def release(version: str, *, dialect: Dialect = "strict") -> tuple[Any, Any, Any]:
    """Major, minor and patch, to be compared; what `^` and `~` ask about. `padded` has none: ValueError."""
    if dialect == "padded":
        raise ValueError("a version of the dialect padded has no major, minor and patch")
    numbers: tuple[Any, Any, Any] = precedence(version, dialect=dialect)[0]
    return numbers


def _semantic(version: str, pattern: re.Pattern[str]) -> tuple[Any, ...]:
    match = pattern.fullmatch(version)
    if match is None:
        raise ValueError(f"{version!r} is no version")
    *numbers, before_release = match.groups("")
    key = tuple(_number(number or "0") for number in numbers)
    if not before_release:
        return (key, True)
    return (key, False, *(_identifier(text, version) for text in before_release.split(".")))


def _identifier(text: str, version: str) -> tuple[Any, ...]:
    """Numbers sort before words, and by their size."""
    if not text.isdecimal():
        return (1, text)
    if text[0] == "0" != text:
        raise ValueError(f"{version!r} is no version: the number {text!r} begins with 0")
    return (0, *_number(text))


def _number(text: str) -> tuple[int, str]:
    return (len(text), text)


def _padded(version: str) -> tuple[str, ...]:
    """GrowthBook's own rule: numbers padded to five places; `~`, behind every letter, where a pre-release would be."""
    parts = re.split("[-.]", version.partition("+")[0].removeprefix("v"))
    if len(parts) == 3:
        parts.append("~")
    return ("-".join(part.rjust(5) if part.isascii() and part.isdecimal() else part for part in parts),)


_KEYS: dict[Dialect, Callable[[str], tuple[Any, ...]]] = {
    "strict": lambda version: _semantic(version, _STRICT),
    "loose": lambda version: _semantic(version, _LOOSE),
    "padded": _padded,
}
