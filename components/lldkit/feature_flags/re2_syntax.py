r"""RE2's syntax of regular expressions, parsed to a tree of what matches.

What RE2 leaves out because it cannot be matched in linear time (look-around, back-references, possessive and atomic
groups) is refused, as is all that RE2 refuses. Left out beside that: `\C`, and Unicode scripts such as `\p{Greek}`.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Alternatives", "Assertion", "Character", "Node", "Repetition", "Sequence", "parse"]


@dataclass(frozen=True, slots=True)
class Character:
    """One character that passes the test."""

    test: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Assertion:
    r"""A place between two characters: \A, \z, ^, $, \b or \B, where ^ and $ are those of lines."""

    kind: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """All parts, one after the other."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """Any one of the branches."""

    branches: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Repetition:
    """`least` to `most` times the same; `most` is None where there is no end."""

    part: "Node"
    least: int
    most: int | None


Node = Character | Assertion | Sequence | Alternatives | Repetition

MOST_NESTED = 100
MOST_REPEATED = 1000  # as RE2 has it

_GROUP = re.compile(r"\(\?(?:P?<(\w+)>|([imsU]*)(?:-([imsU]+))?([:)]))", re.ASCII)
_REPEAT = re.compile(r"(?:([*+?])|\{([0-9]+)(?:(,)([0-9]*))?\})\??")
_TIMES: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_QUOTED = re.compile(r"\\Q(.*?)(?:\\E|\Z)|\\.", re.DOTALL)
_WHOLE = {"^": r"\A", "$": r"\z"}
_CONTROLS = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_CODE = re.compile(r"(0[0-7]{0,2}|[1-7][0-7]{1,2})|x([0-9A-Fa-f]{2})|x\{([0-9A-Fa-f]{1,6})\}")
_PROPERTY = re.compile(r"[pP](?:\{(\^?)(\w+)\}|([A-Z]))")
_NAMED = re.compile(r"\[:(\^?)(\w*):\]")
_CLASSES = {
    "alnum": ("09", "AZ", "az"),
    "alpha": ("AZ", "az"),
    "ascii": ("\0\x7f",),
    "blank": ("\t\t", "  "),
    "cntrl": ("\0\x1f", "\x7f\x7f"),
    "digit": ("09",),
    "graph": ("!~",),
    "lower": ("az",),
    "print": (" ~",),
    "punct": ("!/", ":@", "[`", "{~"),
    "space": ("\t\r", "  "),
    "upper": ("AZ",),
    "word": ("09", "AZ", "__", "az"),
    "xdigit": ("09", "AF", "af"),
}
_PERL = {"d": _CLASSES["digit"], "s": ("\t\n", "\f\r", "  "), "w": _CLASSES["word"]}
_CATEGORIES = {"L", "M", "N", "P", "S", "Z", "C"}

Test = Callable[[str], bool]


def parse(pattern: str, *, ignore_case: bool = False) -> Node:
    """The tree of `pattern`; ValueError, saying what is wrong and where, when it is not RE2's."""
    return _Parser(pattern).whole(frozenset("i") if ignore_case else frozenset())


def _within(ranges: tuple[str, ...], flags: frozenset[str]) -> Test:
    """A test for ranges of two letters each."""
    return _folded(lambda char: any(bounds[0] <= char <= bounds[1] for bounds in ranges), flags)


def _folded(test: Test, flags: frozenset[str]) -> Test:
    """With the flag `i` a character passes when it does in any case."""
    return (lambda char: any(map(test, _cases(char)))) if "i" in flags else test


def _cases(char: str) -> set[str]:
    """`char` in upper and lower case; K and S have a third form each, the Kelvin sign and the long s."""
    lower, upper = char.lower(), char.upper()
    forms = (char, lower, upper, upper.lower(), lower.upper(), {"k": "\u212a", "s": "\u017f"}.get(lower, char))
    return {form for form in forms if len(form) == 1}


def _none_of(test: Test) -> Test:
    return lambda char: not test(char)


def _any_of(tests: list[Test]) -> Test:
    return lambda char: any(test(char) for test in tests)


class _Parser:
    """A cursor in a pattern. Flags are those that hold at the cursor: i, m and s; U changes no answer."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.text = _QUOTED.sub(lambda found: found[0] if found[1] is None else re.escape(found[1]), pattern)
        self.at = 0
        self.depth = 0
        self.names: set[str] = set()

    def refused(self, why: str) -> ValueError:
        return ValueError(f"{self.pattern!r} is no pattern of RE2: {why}")

    def rest(self) -> str:
        return repr(self.text[self.at : self.at + 10])

    def take(self, literal: str) -> bool:
        found = self.text.startswith(literal, self.at)
        self.at += found * len(literal)
        return found

    def match(self, expression: re.Pattern[str]) -> re.Match[str] | None:
        found = expression.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return found

    def whole(self, flags: frozenset[str]) -> Node:
        node = self.alternatives(flags)
        if self.at < len(self.text):
            raise self.refused("a ) closes nothing")
        return node

    def alternatives(self, flags: frozenset[str]) -> Node:
        """Up to the closing parenthesis; flags that are set on the way hold from there on."""
        branches: list[list[Node]] = [[]]
        while self.at < len(self.text) and self.text[self.at] != ")":
            if self.take("|"):
                branches.append([])
            elif self.text.startswith("(?", self.at):
                flags, inner = self.special_group(flags)
                branches[-1] += [self.repeated(inner)] if inner else []
            else:
                branches[-1].append(self.repeated(self.atom(flags)))
        return Alternatives(tuple(Sequence(tuple(branch)) for branch in branches))

    def special_group(self, flags: frozenset[str]) -> tuple[frozenset[str], Node | None]:
        """The flags that hold afterwards and the group, or None for `(?flags)`."""
        found = self.match(_GROUP)
        if found is None or found[0] == "(?)":
            raise self.refused(f"there is no group {self.rest()}")
        name, turned_on, turned_off, end = found.groups("")
        if name in self.names:
            raise self.refused(f"two groups are called {name!r}")
        self.names |= {name} - {""}
        changed = (flags | frozenset(turned_on)) - frozenset(turned_off)
        return (changed, None) if end == ")" else (flags, self.group(changed))

    def group(self, flags: frozenset[str]) -> Node:
        self.depth += 1
        if self.depth > MOST_NESTED:
            raise self.refused(f"groups are nested deeper than {MOST_NESTED}")
        node = self.alternatives(flags)
        if not self.take(")"):
            raise self.refused("a ( is not closed")
        self.depth -= 1
        return node

    def repeated(self, node: Node) -> Node:
        found = self.match(_REPEAT)
        if found is None:
            return node
        if _REPEAT.match(self.text, self.at):
            raise self.refused(f"{self.rest()} repeats a repetition")
        sign, low, comma, high = found.groups("")
        if sign:
            return Repetition(node, *_TIMES[sign])
        least = self.count(low)
        most = self.count(high) if high else None if comma else least
        if most is not None and most < least:
            raise self.refused(f"{found[0]} counts backwards")
        return Repetition(node, least, most)

    def count(self, digits: str) -> int:
        if len(digits) > 4 or int(digits) > MOST_REPEATED:
            raise self.refused(f"nothing is repeated more than {MOST_REPEATED} times")
        return int(digits)

    def atom(self, flags: frozenset[str]) -> Node:
        if _REPEAT.match(self.text, self.at):
            raise self.refused(f"{self.rest()} repeats nothing")
        char = self.text[self.at]
        self.at += 1
        match char:
            case "(":
                return self.group(flags)
            case "^" | "$":
                return Assertion(char if "m" in flags else _WHOLE[char])
            case "\\":
                return self.escape(flags)
            case "[":
                test = self.character_class(flags)
            case ".":
                test = (lambda _: True) if "s" in flags else (lambda char: char != "\n")
            case _:
                test = self.literal(char, flags)
        return Character(test)

    def escape(self, flags: frozenset[str]) -> Node:
        letter = self.text[self.at : self.at + 1]
        if letter and letter in "AzbB":
            self.at += 1
            return Assertion("\\" + letter)
        return Character(self.escaped_class(flags) or self.literal(self.escaped(), flags))

    @staticmethod
    def literal(char: str, flags: frozenset[str]) -> Test:
        return _within((char * 2,), flags)

    def escaped_class(self, flags: frozenset[str]) -> Test | None:
        r"""What \d and \pL stand for; None when something else follows the backslash."""
        letter = self.text[self.at : self.at + 1]
        if letter.lower() in _PERL:
            self.at += 1
            test = _within(_PERL[letter.lower()], flags)
            return test if letter.islower() else _none_of(test)
        found = self.match(_PROPERTY)
        if found is None:
            return None
        category = found[2] or found[3]
        if category[0] not in _CATEGORIES or len(category) > 2:
            raise self.refused(f"{category} is not known as a category of characters")
        test = _folded(lambda char: unicodedata.category(char).startswith(category), flags)
        return _none_of(test) if (letter == "P") != bool(found[1]) else test

    def escaped(self) -> str:
        """The character that an escape stands for."""
        found = self.match(_CODE)
        if found:
            octal, *hexadecimal = found.groups("")
            code = int(octal, 8) if octal else int("".join(hexadecimal), 16)
            if code > 0x10FFFF:
                raise self.refused(f"there is no character \\{found[0]}")
            return chr(code)
        char = self.text[self.at : self.at + 1]
        if char in _CONTROLS or (char and char.isascii() and not char.isalnum()):
            self.at += 1
            return _CONTROLS.get(char, char)
        raise self.refused(f"there is no escape \\{char}")

    def character_class(self, flags: frozenset[str]) -> Test:
        inverted = self.take("^")
        tests = [self.class_item(flags)]  # so a ] that would close nothing yet stands for itself
        while not self.take("]"):
            tests.append(self.class_item(flags))
        return _none_of(_any_of(tests)) if inverted else _any_of(tests)

    def class_item(self, flags: frozenset[str]) -> Test:
        named = self.match(_NAMED)
        if named:
            if named[2] not in _CLASSES:
                raise self.refused(f"there is no class {named[0]}")
            test = _within(_CLASSES[named[2]], flags)
            return _none_of(test) if named[1] else test
        if self.take("\\"):
            escaped = self.escaped_class(flags)
            if escaped is not None:
                return escaped
            self.at -= 1
        low = self.class_character()
        high = low
        if self.text.startswith("-", self.at) and not self.text.startswith("-]", self.at):
            self.at += 1
            high = self.class_character()
        if high < low:
            raise self.refused(f"the range {low}-{high} is backwards")
        return _within((low + high,), flags)

    def class_character(self) -> str:
        if self.at >= len(self.text):
            raise self.refused("a [ is not closed")
        if self.take("\\"):
            return self.escaped()
        self.at += 1
        return self.text[self.at - 1]
