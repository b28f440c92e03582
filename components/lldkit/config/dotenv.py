r"""Reading `.env` files: quotes, `export`, comments, escapes, values of several lines; no interpolation.

A bad line is an error of that line only. Line ends are CR, LF and CRLF; `line` counts from 1 and is where a binding
starts. A name without `=` has the value None.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["DotEnvLine", "parse_dotenv"]

END = r"(?:\r\n|\n|\r|\Z)"
BLANK = re.compile(r"[^\S\r\n]*(?:#[^\r\n]*)?(?:\r\n|\n|\r)|[^\S\r\n]*(?:#[^\r\n]*)?\Z")
BINDING = re.compile(
    rf"""[^\S\r\n]*(?:export[^\S\r\n]+)?
    (?: '(?P<quoted>[^'\r\n]+)' | (?P<plain>[^=\#\s'][^=\#\s]*) ) [^\S\r\n]*
    (?: = [^\S\r\n]*
        (?: '(?P<single>(?:\\'|[^'])*)' | "(?P<double>(?:\\.|[^"\\])*)" | (?P<bare>(?!['"])[^\r\n]*) )
    )?
    [^\S\r\n]*(?:\#[^\r\n]*)?{END}""",
    re.VERBOSE | re.DOTALL,
)
LINE_END = re.compile(END)
COMMENT = re.compile(r"\s+#.*|^#.*")
ESCAPE = re.compile(r"\\([abfnrtv\"'\\$])")
ESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


@dataclass(frozen=True, slots=True)
class DotEnvLine:
    """A binding that starts on `line`, or, with `error`, a line that is none (`key` is then None)."""

    key: str | None
    value: str | None
    line: int
    error: bool


def parse_dotenv(text: str) -> Sequence[DotEnvLine]:
    r"""The bindings and the bad lines of a text, in order; blanks and comments are left out. O(length).

    >>> [(each.key, each.value) for each in parse_dotenv("export A=1 # one\nB='x y'\nC")]
    [('A', '1'), ('B', 'x y'), ('C', None)]
    """
    text = text.removeprefix("\ufeff")
    lines: list[DotEnvLine] = []
    position, number = 0, 1
    while position < len(text):
        found = BLANK.match(text, position)
        if found is None:
            found = BINDING.match(text, position)
            lines.append(_bound(found, number))
        end = found.end() if found else _end_of_line(text, position)
        number += len(re.findall(r"\r\n|\n|\r", text[position:end]))
        position = end
    return tuple(lines)


def _bound(found: re.Match[str] | None, number: int) -> DotEnvLine:
    if found is None:
        return DotEnvLine(None, None, number, error=True)
    value = found["bare"]
    if value is not None:
        value = COMMENT.sub("", value).rstrip()
    elif found["single"] is not None:
        value = re.sub(r"\\(['\\])", r"\1", found["single"])
    elif found["double"] is not None:
        value = ESCAPE.sub(lambda escape: ESCAPED.get(escape[1], escape[1]), found["double"])
    return DotEnvLine(found["quoted"] or found["plain"], value, number, error=False)


def _end_of_line(text: str, position: int) -> int:
    found = LINE_END.search(text, position)
    return found.end() if found else len(text)
