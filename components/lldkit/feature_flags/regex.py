"""Regular expressions of RE2's dialect, matched in linear time.

Python's `re` backtracks, so one pattern such as `(a+)+$` can hold a thread for years. Here a pattern becomes an
automaton that is in all its possible states at once (Thompson 1968): each character is looked at once, and the set of
states it leads to is kept for the next time (Cox, "Regular Expression Matching Can Be Simple And Fast", 2007).
"""

from collections.abc import Callable
from itertools import chain

from lldkit.feature_flags.re2_syntax import (
    Alternatives,
    Assertion,
    Character,
    Node,
    Repetition,
    Sequence,
    parse,
)

__all__ = ["Regex", "compile_re2"]

MOST_STEPS = 5_000
MOST_REMEMBERED = 10_000

Arrow = tuple[Callable[[str, str], bool] | None, int]
"""A way to another state: for free, or where a place between two characters passes a test."""


def compile_re2(pattern: str, *, ignore_case: bool = False) -> "Regex":
    r"""An expression that is searched for in texts.

    \d, \s, \w and \b know ASCII only, $ is the very end, and (?i) may stand anywhere. Raises ValueError, saying why,
    for what RE2 refuses, look-around and back-references included, and for a pattern of more than 5,000 states.

    >>> compile_re2(r"^[[:alpha:]]+\d{2}$").search("route66")
    True
    >>> compile_re2(r"(a)\1")
    Traceback (most recent call last):
    ValueError: '(a)\\1' is no pattern of RE2: there is no escape \1
    """
    return Regex(pattern, parse(pattern, ignore_case=ignore_case))


def _side(char: str) -> str:
    """All that an assertion wants to know of a neighbour: none, a line end, a word character or another."""
    if char in {"", "\n"}:
        return char
    return "w" if char.isascii() and (char.isalnum() or char == "_") else "."


ASSERTIONS: dict[str, Callable[[str, str], bool]] = {
    r"\A": lambda before, _: not before,
    r"\z": lambda _, after: not after,
    "^": lambda before, _: before in {"", "\n"},
    "$": lambda _, after: after in {"", "\n"},
    r"\b": lambda before, after: (before == "w") != (after == "w"),
    r"\B": lambda before, after: (before == "w") == (after == "w"),
}


class _Automaton:
    """Numbered states: `free` leads on without a character, `eats` with one; state 0 has matched."""

    def __init__(self, pattern: str, node: Node) -> None:
        self.pattern = pattern
        self.free: list[list[Arrow]] = []
        self.eats: list[tuple[Callable[[str], bool], int] | None] = []
        self.steps = 0
        self.start = self.build(node, self.state())

    def state(self) -> int:
        self.free.append([])
        self.eats.append(None)
        return len(self.free) - 1

    def build(self, node: Node, then: int) -> int:
        """The state from which `node` leads to `then`. States are made from the end, so `then` is known."""
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise ValueError(f"{self.pattern!r} is too large a pattern: it needs more than {MOST_STEPS} states")
        match node:
            case Character(test):
                begin = self.state()
                self.eats[begin] = (test, then)
            case Assertion(kind):
                begin = self.state()
                self.free[begin].append((ASSERTIONS[kind], then))
            case Sequence(parts):
                begin = then
                for part in reversed(parts):
                    begin = self.build(part, begin)
            case Alternatives(branches):
                entries = [self.build(branch, then) for branch in branches]
                begin = self.state()
                self.free[begin] += [(None, entry) for entry in entries]
            case Repetition(part, least, most):
                begin = self.build_optional(part, None if most is None else most - least, then)
                for _ in range(least):
                    begin = self.build(part, begin)
        return begin

    def build_optional(self, part: Node, times: int | None, then: int) -> int:
        """`part`, up to so many `times`, or without end."""
        if times is None:
            begin = self.state()
            self.free[begin] += [(None, self.build(part, begin)), (None, then)]
            return begin
        begin = then
        for _ in range(times):
            inner = self.build(part, begin)
            begin = self.state()
            self.free[begin] += [(None, inner), (None, then)]
        return begin

    def reachable(self, states: frozenset[int], before: str, after: str) -> set[int]:
        """All states that `states` lead to without a character, at a place between these two neighbours."""
        seen = set(states)
        waiting = list(states)
        while waiting:
            for test, to in self.free[waiting.pop()]:
                if to not in seen and (test is None or test(before, after)):
                    seen.add(to)
                    waiting.append(to)
        return seen


class _Set:
    """A set of states and what stands before it, with the sets that characters lead to; None: matched."""

    __slots__ = ("before", "moves", "states")

    def __init__(self, states: frozenset[int], before: str) -> None:
        self.states = states
        self.before = before
        self.moves: dict[str, _Set] = {}


_MATCHED = _Set(frozenset(), "")


class Regex:
    """A compiled expression. Threads may share it: what it remembers is only ever added to, or dropped as a whole."""

    def __init__(self, pattern: str, node: Node) -> None:
        self.pattern = pattern
        self._automaton = _Automaton(pattern, node)
        self._forget()

    def __repr__(self) -> str:
        return f"<Regex {self.pattern!r}>"

    def search(self, text: str) -> bool:
        """Whether the expression matches somewhere in `text`; linear in its length."""
        current = self._start
        for char in chain(text, ("",)):  # the empty text is the end
            current = current.moves.get(char) or self._move(current, char)
            if current is _MATCHED:
                return True
        return False

    def _forget(self) -> None:
        self._sets: dict[tuple[frozenset[int], str], _Set] = {}
        self._remembered = 0
        self._start = self._set(frozenset([self._automaton.start]), "")

    def _set(self, states: frozenset[int], before: str) -> _Set:
        return self._sets.setdefault((states, before), _Set(states, before))

    def _move(self, current: _Set, char: str) -> _Set:
        """Where `char` leads, which is also remembered. A match may begin after each character."""
        automaton, after = self._automaton, _side(char)
        here = automaton.reachable(current.states, current.before, after)
        if 0 in here:
            following = _MATCHED
        else:
            eats = [arrow for arrow in map(automaton.eats.__getitem__, here) if arrow and char]
            following = self._set(frozenset([automaton.start, *(to for test, to in eats if test(char))]), after)
        self._remembered += 1
        if self._remembered > MOST_REMEMBERED:
            self._forget()
        current.moves[char] = following
        return following
