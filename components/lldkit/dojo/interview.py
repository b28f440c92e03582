"""An interview, wholly offline: clarify, build, change, answer. What happens is decided here; who types is not known.

`Interview.do` takes one action of the candidate and returns what he is told; every action and every grade is an event,
and the scorecard is made of the events alone. Nothing here reads a clock: the minute comes with the action.
"""

from __future__ import annotations

import itertools
import re
import tomllib
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from lldkit.dojo import catalog, hunt, notes, predict
from lldkit.dojo.grader import Options, grade_text
from lldkit.dojo.interface import FollowUp, Question, Verdict
from lldkit.dojo.render import report_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lldkit.dojo.interface import Hint, Manifest, Report, Twist
    from lldkit.dojo.script import Action

__all__ = ["FORMATS", "Format", "Interview", "stems"]

CLARIFY = "clarify"  # the phase in which the statement is vague on purpose
UNKNOWN = "Decide, and write it under Assumptions in NOTES.md."
AT_ONCE = 2  # as many things may be asked in one breath
ANSWER_MINUTES = 2  # for a follow-up


@dataclass(frozen=True, slots=True)
class Format:
    """How an interview goes: so many `levels`, a build until minute `build`, phases that begin at some minutes."""

    levels: int
    build: int
    phases: tuple[tuple[int, str], ...]
    at_once: bool = False  # all levels are asked for from the beginning, and their checks are told at the end
    twist: bool = True  # the requirements change during the build; else every level is such a change


FORMATS = {
    "lld35": Format(2, 30, ((0, CLARIFY), (5, "sketch"), (8, "build"), (20, "change"))),
    "oa90": Format(4, 90, ((0, "build"),), twist=False),
    "machine90": Format(3, 75, ((0, CLARIFY), (10, "build")), at_once=True),
}


@dataclass(slots=True)
class Interview:
    """One candidate's interview about `kata`; `events` is the log. `grade` and `demo` may be replaced by tests."""

    kata: Manifest
    name: str
    seed: int = 0
    grade: Callable[..., Report] = grade_text
    demo: Callable[[str], str] = lambda _: ""  # what is wrong when the demo is run on a text
    tests: Callable[[], str] = lambda: ""  # the candidate's own tests
    events: list[dict[str, Any]] = field(default_factory=list)
    open_level: int = 1
    part: str = "build"  # then questions, then over
    asked: list[FollowUp | Question] = field(default_factory=list)
    _phase: str = ""
    _report: Report | None = None  # of the last save
    _vague: bool = False  # whether the promises of the statement have still to be asked for
    _twisted: bool = False
    _answering: int = -1  # the question under way
    _since: float = 0.0  # when it was asked
    _hints: dict[int, int] = field(default_factory=dict)

    @property
    def format(self) -> Format:
        """The rules."""
        return FORMATS[self.name]

    @property
    def last(self) -> int:
        """The last level that is asked for."""
        return min(self.format.levels, self.kata.last)

    def begin(self) -> list[str]:
        """What the candidate sees first."""
        self._vague = self.format.phases[0][1] == CLARIFY
        self._note(0.0, "begin", format=self.name, seed=self.seed)
        listing = "Ask what is unclear; `list` shows what others ask, by number."
        return [*self._statements(), "", listing, *self._phases(0.0)]

    def do(self, action: Action) -> list[str]:
        """Let the candidate do something; what he is told."""
        said = self.pass_time(action.at)
        does: dict[str, Callable[[Action], list[str]]] = {
            "say": self._say,
            "save": self._save,
            "hint": self._hint,
            "choose": self._choose,
            "tick": self._tick,
            "finish": self._finish,
        }
        return said if self.part == "over" else said + does[action.kind](action)

    def pass_time(self, at: float) -> list[str]:
        """Tell what minute `at` brings: another phase, or the end of the build."""
        said = self._phases(at)
        return said + (self._questions(at) if self.part == "build" and at > self.format.build else [])

    # -- clarify ---------------------------------------------------------------------------------------------------

    def _say(self, action: Action) -> list[str]:
        if self.part == "questions":
            return self._answer(action.at, action.value)
        if action.value.strip().casefold() in {"list", "?"}:
            self._note(action.at, "list")
            return [f"  {n}. about {', '.join(item.keys)}" for n, item in enumerate(self.kata.clarify, 1)]
        matched = [n for n, item in enumerate(self.kata.clarify, 1) if stems(item.keys, action.value)]
        return self._clarified(action.at, matched[:AT_ONCE], action.value)

    def _clarified(self, at: float, which: list[int], text: str) -> list[str]:
        self._note(at, "ask", text=text, matched=which)
        return [self.kata.clarify[n - 1].answer for n in which] or [UNKNOWN]

    def _choose(self, action: Action) -> list[str]:
        if self.part == "questions":
            return self._answer(action.at, str(action.value))
        if not 1 <= action.value <= len(self.kata.clarify):
            return [f"there are {len(self.kata.clarify)} in the list"]
        return self._clarified(action.at, [action.value], "from the list")

    # -- build -----------------------------------------------------------------------------------------------------

    def _save(self, action: Action) -> list[str]:
        """Grade a save against all levels that may open: it stops at the first that is not green."""
        if self.part != "build":
            self._note(action.at, "late")
            return ["The time to build is over; this save does not count."]
        text: str = action.value
        report = self.grade(self.kata, text.encode(), level=self.last, options=Options(label="solution.py"))
        opened = range(self.open_level, report.reached + 1)
        regressed = report.reached + 1 if report.reached < self.open_level - 1 else None
        self._note(
            action.at, "save", **_graded(self.kata, report, text), opened=list(opened), regressed=regressed, source=text
        )
        self.open_level = max(self.open_level, report.reached + 1)
        self._report = report
        said = self._whole() + self._told(report, text)
        for level in opened:
            said += [f"Level {level} is green."]
            if level < self.last and not self.format.at_once:
                said += ["", *self._statement(level + 1)]
        said += self._twist(action.at, green=report.reached) if opened else []
        return said + (self._questions(action.at) if report.reached == self.last and not self._may_change() else [])

    def _told(self, report: Report, text: str) -> list[str]:
        if report.verdict is Verdict.GREEN:
            return []
        if not self.format.at_once or report.verdict is Verdict.AMBER:
            return list(report_lines(report, self.kata))
        broken = self.demo(text)
        return [f"The demo fails: {broken}" if broken else "The demo runs. The edge cases are told at the end."]

    def _may_change(self) -> bool:
        """Whether the requirements can still change, so that green is not the end."""
        return self._chosen_twist() is not None

    def _twist(self, at: float, *, green: int = 0) -> list[str]:
        """Change the requirements, once: when the level is green that the change asks for, or when it is time."""
        chosen = self._chosen_twist()
        if self._twisted or chosen is None or (green and green < min(chosen.after, self.last)):
            return []
        self._twisted = True
        self._note(at, "change", file=chosen.file)
        text = (self.kata.folder / chosen.file).read_text("utf-8")
        return ["", "The requirements change:", "", *text.strip().splitlines()]

    def _chosen_twist(self) -> Twist | None:
        twists = [twist for twist in self.kata.twist if twist.after <= self.last]
        return self._rng("twist").choice(twists) if twists and self.format.twist else None

    def _hint(self, action: Action) -> list[str]:
        hints: list[Hint] = sorted(
            (hint for hint in self.kata.hint if hint.level == self.open_level), key=lambda hint: hint.step
        )
        if self.part != "build" or not hints:
            return ["there is no hint now"]
        step = min(self._hints.get(self.open_level, 0), len(hints) - 1)
        self._hints[self.open_level] = step + 1
        self._note(action.at, "hint", level=self.open_level, step=hints[step].step)
        return (self.kata.folder / hints[step].file).read_text("utf-8").strip().splitlines()

    # -- questions -------------------------------------------------------------------------------------------------

    def _questions(self, at: float) -> list[str]:
        """Begin to ask: follow-ups, one question of prediction, one of review."""
        self.part = "questions"
        self._note(at, "phase", phase="questions")
        if tests := self.tests():
            found = hunt.hunt(self.kata, tests, max(1, min(self.open_level - 1, self.last)))
            self._note(at, "hunt", killed=len(found.killed), wanted=found.wanted, alarms=len(found.alarms))
        self.asked = [*self._follow_ups(), *self._quiz()]
        edges = report_lines(self._report, self.kata) if self._report is not None and self.format.at_once else ()
        return [*edges, *self._next(at)]

    def _follow_ups(self) -> list[FollowUp]:
        file = self.kata.folder / "followups.toml"
        rows = tomllib.loads(file.read_text("utf-8")).get("followup", []) if file.is_file() else []
        known = [FollowUp(row["ask"], row["answer"], tuple(row["points"])) for row in rows]
        rng = self._rng("follow-ups")
        return rng.sample(known, min(len(known), rng.choice((3, 4, 5))))

    def _quiz(self) -> Iterator[Question]:
        reached = max(1, min(self.open_level, self.last))
        known = predict.questions(self.kata, reached)
        if known:
            yield self._rng("predict").choice(known)
        bugs = [wrong for wrong in self.kata.wrong if wrong.dies_at <= reached]
        promises = list(dict.fromkeys(wrong.violates for wrong in bugs))
        told = [wrong for wrong in bugs if predict.from_golden(self.kata, wrong) is not None]
        if told and len(promises) > 1:
            yield self._review(self._rng("review"), told, promises)

    def _review(self, rng: Random, bugs: list[Any], promises: list[str]) -> Question:
        """Ask which promise a change breaks that answers wrongly."""
        wrong = rng.choice(bugs)
        shown = predict.from_golden(self.kata, wrong)
        assert shown is not None  # noqa: S101  # only such bugs are among the choice
        others = [promise for promise in promises if promise != wrong.violates]
        options = sorted([wrong.violates, *rng.sample(others, min(3, len(others)))])
        got = next(option for option in shown.options if option not in shown.answer)
        ask = f"A pull request answers {got} to the last call. Which promise does it break?"
        return Question(
            f"review-{wrong.id}", ask, (wrong.violates,), wrong.says, shown.code, wrong.dies_at, tuple(options)
        )

    def _next(self, at: float) -> list[str]:
        self._answering += 1
        self._since = at
        if self._answering >= len(self.asked):
            self.part = "over"
            return ["That was all."]
        question = self.asked[self._answering]
        shown = [question.ask] if isinstance(question, FollowUp) else list(predict.lines(question))
        return ["", f"Question {self._answering + 1} of {len(self.asked)}", "", *shown]

    def _answer(self, at: float, text: str) -> list[str]:
        question = self.asked[self._answering]
        late = at - self._since > ANSWER_MINUTES
        if isinstance(question, Question):
            good = predict.right(question, text)
            kind = "review" if question.id.startswith("review-") else "predict"
            self._note(at, kind, id=question.id, right=good, late=late)
            return ["Right." if good else f"No: {', '.join(question.answer)}", question.why, *self._next(at)]
        ticks = [n for n, point in enumerate(question.points, 1) if _mentions(text, point)]
        self._note(at, "answer", ask=question.ask, points=len(question.points), ticked=ticks, by="suggested", late=late)
        points = [f"  {n}. {point}{'  (yes?)' if n in ticks else ''}" for n, point in enumerate(question.points, 1)]
        good_one = ["A good answer:", question.answer, "", *points, "Tick what you said, by number."]
        return good_one + self._next(at)

    def _tick(self, action: Action) -> list[str]:
        """Correct the suggested ticks of the answer before."""
        answers = [event for event in self.events if event["event"] == "answer"]
        if not answers:
            return ["there is nothing to tick"]
        ticked = sorted({n for n in action.value if 1 <= n <= answers[-1]["points"]})
        self._note(action.at, "tick", answer=answers[-1]["n"], ticked=ticked, by="candidate")
        return [f"{len(ticked)} of {answers[-1]['points']} points"]

    def _finish(self, action: Action) -> list[str]:
        """End the part that is under way."""
        self._note(action.at, "finish", part=self.part)
        if self.part == "build":
            return self._questions(action.at)
        self.part = "over"
        return []

    # -- what all parts need ---------------------------------------------------------------------------------------

    def _phases(self, at: float) -> list[str]:
        """Tell which phase has begun; the requirements change in one of them."""
        current = [name for minute, name in self.format.phases if minute <= at][-1]
        if current == self._phase or self.part != "build":
            return []
        self._phase = current
        self._note(at, "phase", phase=current)
        told = [] if current == CLARIFY else self._whole()
        return [f"[{at:g} min] {current}", *told, *(self._twist(at) if current == "change" else [])]

    def _whole(self) -> list[str]:
        """The statement with its promises, once: what was not asked for is told all the same."""
        was, self._vague = self._vague, False
        return ["", *self._statements()] if was else []

    def _statements(self) -> list[str]:
        """The statements that are open; before the promises have been asked for, their first words."""
        shown = range(1, self.last + 1) if self.format.at_once else [1]
        lines = (
            itertools.takewhile(_is_open, self._statement(n)) if self._vague else self._statement(n) for n in shown
        )
        return [line for text in lines for line in text]

    def _statement(self, level: int) -> list[str]:
        return (self.kata.folder / "levels" / f"{level}.md").read_text("utf-8").strip().splitlines()

    def _rng(self, what: str) -> Random:
        """Chances of its own for each draw, so that one more draw changes no other."""
        return Random(f"{self.kata.name} {self.seed} {what}")

    def _note(self, at: float, event: str, **more: Any) -> None:
        self.events.append({"n": len(self.events) + 1, "minute": at, "event": event, **more})


def _is_open(line: str) -> bool:
    """Whether a line of a statement stands before its promises and examples."""
    return not line.startswith(("- ", "```"))


def _graded(kata: Manifest, report: Report, text: str) -> dict[str, Any]:
    """What an event keeps of a grade: the verdict, how far, and of each kind of check how many there are and passed."""
    level = min(report.asked, report.reached + 1)
    own = [check for check in report.checks if check.level == level]
    among = [check for check in report.checks if check.kind == "schedule" and check.status != "skipped"]
    counted = {"passed": own, "threads": among}
    counts = {name: [sum(check.status == "pass" for check in some), len(some)] for name, some in counted.items()}
    told = {"verdict": report.verdict.value, "reached": report.reached, "failure": report.failure}
    return {**told, **counts, "notes": [note.kind for note in notes.notes(text, clock=catalog.gives_clock(kata))]}


def stems(keys: tuple[str, ...], text: str) -> bool:
    """Whether a word of `text` begins with one of the stems."""
    words = re.findall(r"\w+", text.casefold())
    return any(word.startswith(key.casefold()) for word in words for key in keys)


def _mentions(answer: str, point: str) -> bool:
    """Whether an answer has a number of two digits or more, or two of the telling words, of a point."""
    said = set(re.findall(r"\w+", answer.casefold()))
    telling = {word for word in re.findall(r"\w+", point.casefold()) if len(word) > (1 if word.isdigit() else 4)}
    found = telling & said
    return len(found) >= 2 or any(word.isdigit() for word in found)
