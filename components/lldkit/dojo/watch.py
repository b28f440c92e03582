"""Watch mode: grades when a save has settled, says what changed, and moves on only when it is told to.

It polls, because file notification does not work everywhere, and it reads the whole file at each poll, because neither
time stamp nor size is sure to change with a save.
"""

from __future__ import annotations

import contextlib
import sys

from lldkit.clock import SYSTEM, Clock
from lldkit.dojo.interface import Report, Verdict, WorkspaceError
from lldkit.dojo.render import changes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Protocol

    from lldkit.dojo.practice import Answer, Practice

    class Keys(Protocol):
        """Where key presses come from."""

        def wait(self, seconds: float) -> str | None:
            """The next key, or None when none was pressed within `seconds`."""
            ...


__all__ = ["NoKeys", "Watch", "keyboard"]

POLL = 0.2  # seconds between two looks at the file
MENU = "[h]int [a]ll checks [s]olution [d]iff [l]ist [r]eset [n]ext [q]uit"


class Watch:
    """The loop. `say` shows lines, `listing` makes those of the list; `manual` grades only on Enter."""

    def __init__(
        self,
        practice: Practice,
        *,
        say: Callable[[Sequence[str]], None],
        keys: Keys,
        listing: Callable[[], Answer],
        manual: bool = False,
    ) -> None:
        self.practice, self.say, self.keys, self.listing, self.manual = practice, say, keys, listing, manual
        self.level = practice.level
        self._graded: bytes | None = None
        self._seen: bytes | None = None
        self._last: Report | None = None

    def run(self) -> int:
        """Watch until [q] or Ctrl-C; the exit code is that of the last grade."""
        enter = "Enter grades, " if self.manual else ""
        self.say((f"watching {self.practice.path} at level {self.level}; {enter}Ctrl-C ends", MENU))
        with contextlib.suppress(KeyboardInterrupt):
            self._look()
            while self._press(self.keys.wait(POLL)):
                self._look()
        return self._last.verdict.exit_code if self._last is not None else 0

    def _look(self) -> None:
        """Grade a save once it reads the same at two looks in a row, so that a half-written one is never graded."""
        try:
            data = self.practice.path.read_bytes()
        except OSError:  # between the two steps of an atomic save there may be no file
            return
        settled, self._seen = data == self._seen, data
        if settled and data != self._graded and not self.manual:
            self._grade(data)

    def _grade(self, data: bytes, *, every: bool = False) -> None:
        self._graded = data
        answer = self.practice.check(level=self.level, every=every, data=data, move_on=False)
        before, self._last = self._last, answer.report
        assert answer.report is not None  # noqa: S101  # a check always has one
        self.say(("", *answer.lines, *changes(before, answer.report)))
        if answer.report.verdict is Verdict.GREEN and self.level < self.practice.kata.last:
            self.say((f"  Level {self.level} is green: [n]ext opens level {self.level + 1}.",))

    def _press(self, key: str | None) -> bool:
        """Do what a key asks; False ends the loop."""
        if key == "q":
            return False
        actions: dict[str, Callable[[], Answer]] = {
            "h": self.practice.hint,
            "s": self.practice.solution,
            "d": self.practice.diff,
            "l": self.listing,
            "r": self.practice.reset,
        }
        try:
            if key in actions:
                self.say(("", *actions[key]().lines))
            elif key == "n":
                self._next()
            elif key == "a" or (key in {"\r", "\n"} and self.manual):
                self._grade(self.practice.space.read(self.practice.path), every=key == "a")
            elif key is not None:
                self.say((MENU,))
        except WorkspaceError as error:
            self.say((str(error),))
        return True

    def _next(self) -> None:
        if self.level == self.practice.kata.last or self.practice.level <= self.level:
            self.say(
                (f"level {self.level} is not green yet" if self.practice.level <= self.level else "no more levels",)
            )
            return
        self.level += 1
        self.practice.space.describe(self.practice.kata, self.level)
        self.say((f"level {self.level}: {self.practice.kata.level[self.level - 1].title}; README.md describes it",))
        self._graded = None


class NoKeys:
    """No terminal: nobody presses anything."""

    def __init__(self, clock: Clock = SYSTEM) -> None:
        self._clock = clock

    def wait(self, seconds: float) -> str | None:
        """Let `seconds` pass."""
        self._clock.sleep(seconds)
        return None


@contextlib.contextmanager
def keyboard(clock: Clock = SYSTEM) -> Iterator[Keys]:
    """The keys of the terminal, one press at a time; without a terminal nobody presses any."""
    if sys.stdin is None or not sys.stdin.isatty():
        yield NoKeys(clock)
    elif sys.platform == "win32":
        yield _WindowsKeys(clock)
    else:
        import termios
        import tty

        before = termios.tcgetattr(sys.stdin)
        try:
            tty.setcbreak(sys.stdin)
            yield _UnixKeys()
        finally:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


class _UnixKeys:
    def wait(self, seconds: float) -> str | None:
        import os
        import select

        ready, _, _ = select.select([sys.stdin], [], [], seconds)
        if not ready:
            return None
        return os.read(sys.stdin.fileno(), 1).decode("ascii", "replace") or "q"  # the terminal has gone


class _WindowsKeys:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def wait(self, seconds: float) -> str | None:
        import msvcrt

        self._clock.sleep(seconds)
        pressed: str | None = msvcrt.getwch() if msvcrt.kbhit() else None  # type: ignore[attr-defined,unused-ignore]
        return pressed
