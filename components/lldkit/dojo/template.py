"""`lldkit kata dev new NAME`: the smallest kata that can be graded, for its author to replace piece by piece.

It is a toy of one level: something that may be fired once in so many seconds. `$name`, `$entry` and `$title` are
filled in.
"""

from __future__ import annotations

import builtins
import keyword
import re
from string import Template

from lldkit.dojo import catalog, gate
from lldkit.dojo.interface import DojoError, WorkspaceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["entry_of", "new"]

# What means something else in the files below, and the folder of the katas of another kind.
_TAKEN = {*dir(builtins), *keyword.kwlist, "Clock", "ManualClock", "Protocol", "clock", "concurrency"}


def entry_of(name: str) -> str:
    """The class that the kata `name` asks for; a DojoError if no kata can be called so.

    >>> entry_of("bounded_queue")
    'BoundedQueue'
    """
    entry = "".join(part.capitalize() for part in name.split("_"))
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or len(name) > 40:
        raise DojoError(f"a kata's name is words in small letters, joined by _ (bounded_queue), got {name!r}")
    if {name, entry} & _TAKEN:
        raise DojoError(f"a kata cannot be called {name!r}: {name} or {entry} has another meaning in its files")
    return entry


def new(name: str, *, katas: Path | None = None) -> list[str]:
    """Write the kata `name` into the checkout and grade its planted bug; say what its author has to do.

    Nothing is written over: a WorkspaceError if there is such a kata or folder, or no checkout to write into.
    """
    entry, root = entry_of(name), katas or _checkout()
    folder = root / name
    if folder.exists() or name in catalog.names(root):
        raise WorkspaceError(f"katas/{name}", "is there already; choose another name, or delete it first")
    try:
        folder.mkdir()
        for file, text in _FILES.items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(Template(text).substitute(name=name, entry=entry, title=name.replace("_", " ")), "utf-8")
        gate.renew(catalog.load_kata(name, katas=root))
    except OSError as error:
        raise WorkspaceError(f"katas/{name}", f"cannot be written: {error.strerror}") from None
    return [line.replace("NAME", name) for line in _NEXT]


def _checkout() -> Path:
    root = catalog.root()
    if not (root.parent / "pyproject.toml").is_file():
        raise WorkspaceError(root, "is inside an installed lldkit; katas are written in a checkout")
    return root


_NEXT = [
    "katas/NAME is a toy of one level, complete but for what nobody can write for you:",
    "  alternatives/    three right solutions of other structure",
    "  followups.toml   five more questions, each with 3 to 5 points, one of them with a number",
    "Put your own in the toy's place, the wrong solutions first (docs/katas.md, Write a kata), and ask often:",
    "  lldkit kata dev check NAME --fast",
    "Then tell of it: a line in katas/README.md, library.py if a component stands behind it, and make docs.",
]

_SOLUTION = """\
class $entry:
    def __init__(self, *, pause, clock):
        if not pause > 0:
            raise ValueError(f"pause must be above 0, got {pause}")
        self._pause, self._clock, self._ready = pause, clock, clock.monotonic()

    def fire(self):
        if self.left() > 0:
            return False
        self._ready = self._clock.monotonic() + self._pause
        return True

    def left(self):
        return max(0.0, self._ready - self._clock.monotonic())
"""

_FILES = {
    "kata.toml": """\
format = 1
name = "$name"
title = "$title: what it is for, in a line"
entry = "$entry"
concepts = ["cooldown"]
time = { lld35 = 35 }
hint = [
  { level = 1, step = 1, file = "hints/1-1.md" },
  { level = 1, step = 2, file = "hints/1-2.md" },
  { level = 1, step = 3, file = "hints/1-3.md" },
]

# With a component behind it, write library.py and say so:
# [library]
# adapter = "library:$entry"
# levels = [1]

# Each level adds one idea; from the second on `adds` names the methods and parameters (put.ttl) that it asks for first.
[[level]]
n = 1
title = "Once in a while"
minutes = 10
programs = 200

# What an interviewee should ask before writing, known by a word of the question.
[[clarify]]
keys = ["thread", "concurren"]
must = true
answer = "One thread."

# The planted wrong solutions: each differs from the reference by one idea, and violates a sentence of the statement.
[[wrong]]
id = "w01"
file = "wrong/w01_refusal_counts.py"
dies_at = 1
killed_by = "a_refusal_does_not_begin_the_pause_anew"
says = "Begins the pause anew at every call: only a call that fires begins it."
violates = "A refused call changes nothing."
why = "The time is noted at the top of the method, where it is needed first."
seen_in = "the library and version, or the issue, where you saw it"
""",
    "levels/1.md": """\
# Level 1: once in a while

Say what is wanted to a colleague, in the words of the field.

`$entry(*, pause, clock)`, with `fire()` and `left()`. The time in seconds is `clock.monotonic()`.

- `fire` says whether it fires: at once the first time, and then only `pause` seconds or more after it last did.
- A refused call changes nothing.
- `left` is the seconds until `fire` would fire, 0.0 if it would fire now.
- A `pause` of 0 or less is refused: `ValueError`.

```pycon
>>> clock = ManualClock()
>>> $name = $entry(pause=10, clock=clock)
>>> $name.fire()
True
>>> clock.advance(4)
>>> $name.left()
6.0
```
""",
    "interface.py": '''\
"""What every solution of this kata gets and gives."""

from typing import Protocol


class Clock(Protocol):
    """Time as it is given."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary origin."""


class $entry(Protocol):
    """The class that you write."""

    def __init__(self, *, pause: float, clock: Clock) -> None: ...

    def fire(self) -> bool:
        """Fire, unless that was less than `pause` seconds ago; say whether it fired."""

    def left(self) -> float:
        """Seconds until it would fire; 0.0 if it would fire now."""
''',
    "checks.py": '''\
"""The directed checks: each a story with a reason."""

from lldkit.dojo.author import Desk, check


@check(level=1)
def a_pause_of_nothing_is_refused(desk: Desk) -> None:
    """A pause of 0 that is taken quietly is no pause, from the day of the typing error on."""
    desk.raises(ValueError, desk.make, pause=0, clock=desk.clock())


@check(level=1, kills=["w01"])
def a_refusal_does_not_begin_the_pause_anew(desk: Desk) -> None:
    """Whoever asks more often than the pause is long would never get anything again."""
    clock = desk.clock()
    made = desk.make(pause=2, clock=clock)
    desk.expect(made.fire(), True)
    clock.advance(1)
    desk.expect(made.fire(), False)
    clock.advance(1)
    desk.expect(made.fire(), True)
''',
    "model.py": '''\
"""The model, as naive as can be, and the programs that are played on it and on a solution."""

from lldkit.dojo.author import Advance, Op, Program


class Model:
    """All times at which it fired, in a list. Times are multiples of 1/4, so that all arithmetic agrees."""

    def __init__(self, *, pause, clock):
        if not pause > 0:
            raise ValueError
        self.pause, self.clock, self.fired = pause, clock, []

    def fire(self):
        if self.left() > 0:
            return False
        self.fired.append(self.clock.monotonic())
        return True

    def left(self):
        now = self.clock.monotonic()
        return max([0.0, *(then + self.pause - now for then in self.fired)])


def pick(rng, things):
    return things[int(rng.random() * len(things))]


def often(rng):
    """Calls that come faster than the pause."""
    setup = {"pause": pick(rng, (-1, 1, 2, 2.5))}
    return Program(setup, [pick(rng, (Op("fire"), Op("left"), Advance(0.25), Advance(1.0))) for _ in range(12)])


def edge(rng):
    """Calls just before, at and just after the end of a pause."""
    steps = [Op("fire"), Advance(2 + pick(rng, (-0.25, 0.0, 0.25))), Op("fire")]
    return Program({"pause": 2}, steps * 2, start=pick(rng, (0.0, 100.0)))


GENERATORS = {1: [often, edge]}

BUDGETS = {}


def audit(program):
    """The steps that read everything back."""
    return [Op("left"), Op("fire")]
''',
    "stub/solution.py": '''\
"""What is it, and which question does it answer?"""

from interface import Clock


class $entry:
    """May be fired once in `pause` seconds."""

    def __init__(self, *, pause: float, clock: Clock) -> None:
        """Remember the pause; refuse one that makes no sense."""
        # TODO: level 1

    def fire(self) -> bool:
        """Fire, unless that was less than `pause` seconds ago; say whether it fired."""
        raise NotImplementedError  # TODO: level 1

    def left(self) -> float:
        """Seconds until it would fire; 0.0 if it would fire now."""
        raise NotImplementedError  # TODO: level 1
''',
    "stub/demo.py": '''\
"""Play with it: `python demo.py`. The clock moves only when you move it."""

from lldkit.clock import ManualClock

from solution import $entry

clock = ManualClock()
$name = $entry(pause=3, clock=clock)
for _ in range(8):
    print(f"{clock.monotonic():4.0f} s  {$name.fire()}")
    clock.advance(1)
''',
    "stub/tests.py": '''\
"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from lldkit.clock import ManualClock

from solution import $entry


def test_the_first_call_fires():
    assert $entry(pause=3, clock=ManualClock()).fire()
''',
    "stub/NOTES.md": """\
# Notes

## Assumptions

## Decisions, and what each of them costs

## What would break first in production
""",
    "solutions/level1.py": f'"""The reference: as short as it can be read."""\n\n\n{_SOLUTION}',
    "wrong/w01_refusal_counts.py": '"""A refused call begins the pause anew."""\n\n\n'
    + _SOLUTION.replace(
        """\
        if self.left() > 0:
            return False
        self._ready = self._clock.monotonic() + self._pause
        return True
""",
        """\
        fires = self.left() == 0
        self._ready = self._clock.monotonic() + self._pause
        return fires
""",
    ),
    "hints/1-1.md": """\
It fired at 10 and the pause is 3. What does the clock read when it may fire again, and who has to remember that?
""",
    "hints/1-2.md": """\
Remember the time from which on it may fire. Compare the clock with it, and move it only when you fire.
""",
    "hints/1-3.md": """\
```python
def fire(self):
    if ...:
        return False
    self._ready = ...
    return True
```
""",
    "equivalents.toml": """\
# Mutants of the last reference that no check can kill, because they change nothing that was promised.

[[equivalent]]
kind = "swapped"
before = "if not pause > 0:"
after = "self._pause, self._clock, self._ready = (pause, clock, clock.monotonic())"
reason = "An object that is refused is seen by nobody."
""",
    "followups.toml": """\
# What interviewers ask next. `points` are what a good answer contains; at least one of them has a number.

[[followup]]
ask = "Two threads fire at the same moment. What can happen?"
answer = "Both find nothing left to wait for, and both fire: looking and noting are two steps. One lock around both."
points = [
  "both may fire: looking and noting are 2 steps",
  "one lock around both steps",
  "no lock while the caller's code runs",
]
""",
    "design.md": """\
# Design: the $title kata

Written for who has solved the kata, and for who wants to change it.

## The ladder

| level | adds | the idea that it teaches |
|---|---|---|
| 1 | `fire`, `left` | remember when, not how often |

## The reference

One time, from which on it may fire.

## The alternatives

Three right solutions of other structure: what each of them keeps instead.

## The checks

What makes all right arithmetics agree here, and what is not asked.

## What the kata simplifies

What the component does that is not asked here.
""",
}
