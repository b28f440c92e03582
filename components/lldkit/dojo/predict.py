"""Predict questions: what does this code do? One right answer each, typed by the learner, proved by the gate.

A kata's own questions stand in `predict.toml`. Every planted bug whose golden report tells calls asks one more: what
comes of the last call, the right answer or the bug's?
"""

from __future__ import annotations

import linecache
import re
import subprocess
import sys
from types import ModuleType
from typing import TYPE_CHECKING

from lldkit import interleave
from lldkit.dojo import manifest
from lldkit.dojo.interface import ManifestError, Question

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from lldkit.dojo.interface import Manifest, Wrong

__all__ = ["FILE", "LONGEST", "from_golden", "lines", "load", "mistakes", "prove", "questions", "right"]

FILE = "predict.toml"
LONGEST = 14  # lines of code that fit into a head
SCHEDULES = 500  # within which the outcomes of a question about threads must be proved
SECONDS = 20  # that a script may take
LABEL = "predict.py"
_RUNS = {"", "program", "schedules"}
_FILLERS = {"and", "or"}


def load(kata: Manifest) -> tuple[Question, ...]:
    """The questions that the kata's author has written."""
    file = kata.folder / FILE
    if not file.is_file():
        return ()
    found: tuple[Question, ...] = manifest.entries(
        Question, file.read_text("utf-8"), "predict", file=f"{kata.name}/{FILE}"
    )
    return found


def questions(kata: Manifest, level: int | None = None) -> tuple[Question, ...]:
    """All questions of a kata up to `level`, the author's own first."""
    upto = kata.last if level is None else level
    golden = (from_golden(kata, wrong) for wrong in kata.wrong)
    return tuple(item for item in (*load(kata), *golden) if item is not None and item.level <= upto)


def from_golden(kata: Manifest, wrong: Wrong) -> Question | None:
    """The question that a planted bug asks: its story, with the right answer and the bug's to choose from."""
    file = kata.folder / "golden" / f"{wrong.id}.txt"
    text = file.read_text("utf-8") if file.is_file() else ""
    story = re.findall(r"^ {6}(\S.*)$", text.partition("\n\n      ")[1] + text.partition("\n\n      ")[2], re.MULTILINE)
    told = [re.search(rf"^ {{4}}{word} +(.*(?:\n {{14}}\S.*)*)", text, re.MULTILINE) for word in ("expected", "got")]
    if "(directed check)" not in text or not story or len(story) > LONGEST or told[0] is None or told[1] is None:
        return None
    expected, actual = (" ".join(found[1].split()) for found in told if found is not None)
    return Question(
        id=wrong.id,
        ask="What comes of the last call?",
        code="\n".join(story),
        level=wrong.dies_at,
        options=tuple(sorted((expected, actual))),
        answer=(expected,),
        why=f"{wrong.violates} With the other answer: {wrong.says}",
    )


def lines(question: Question) -> Iterator[str]:
    """The question as it is shown."""
    if question.code:
        yield from (f"    {line}" for line in question.code.rstrip().splitlines())
        yield ""
    yield question.ask
    yield from (f"  {number}. {option}" for number, option in enumerate(question.options, 1))


def right(question: Question, typed: str) -> bool:
    """Whether an answer is right: by its number or text, else by its words; of schedules all must be named."""
    typed = typed.strip()
    if question.options:
        by_number = typed.rstrip(".)")
        if by_number.isdecimal() and 1 <= int(by_number) <= len(question.options):
            typed = question.options[int(by_number) - 1]
        return _words(typed) == _words(" ".join(question.answer))
    given, wanted = _words(typed), _words(" ".join(question.answer))
    return set(given) == set(wanted) if question.run == "schedules" else given == wanted


def _words(text: str) -> list[str]:
    found = re.findall(r"[^\s,()\[\]{}'\"]+", text.casefold())
    return [word for word in found if word not in _FILLERS]


def mistakes(kata: Manifest) -> Iterator[tuple[str, str]]:
    """What is wrong with a kata's own questions, each with its remedy; what they claim is run."""
    own = load(kata)
    ids = [question.id for question in own]
    for twice in sorted({name for name in ids if ids.count(name) > 1}):
        yield f"two questions are called {twice}", "give each an id of its own"
    if kata.folder.parent.name == "concurrency" and not any(question.run for question in own):
        yield f"{FILE} has no question that is run", 'write one with run = "schedules" or "program"'
    for question in own:
        unfit = _unfit(question, kata.last)
        if unfit:
            yield f"{question.id}: {unfit}", "see docs/katas.md, predict questions"
        elif question.run:
            try:
                found = prove(question, kata.folder)
            except Exception as error:  # noqa: BLE001  # code of an author may raise anything
                yield f"{question.id} cannot be run: {type(error).__name__}: {error}", "mend its code"
                continue
            wanted = question.answer if question.run == "schedules" else tuple(_words(" ".join(question.answer)))
            if _words(" ".join(found)) != _words(" ".join(sorted(wanted) if question.run == "schedules" else wanted)):
                yield (
                    f"{question.id}: its answer is {list(question.answer)}, its code says {list(found)}",
                    "mend either",
                )


def _unfit(question: Question, last: int) -> str:
    """What can be seen without running the code."""
    answer = " ".join(question.answer)
    complaints = {
        f"run must be program, schedules or absent, got {question.run!r}": question.run not in _RUNS,
        f"level must be 1 to {last}, got {question.level}": not 1 <= question.level <= last,
        "ask, why and answer must not be empty": not (question.ask and question.why and answer),
        f"code has more than {LONGEST} lines": len(question.code.strip().splitlines()) > LONGEST,
        "a fact that is not run needs options": not question.run and not question.options,
        "what is run needs code": bool(question.run) and not question.code.strip(),
        "one answer must be among two or more options": bool(question.options)
        and (len(question.options) < 2 or [*map(_words, question.options)].count(_words(answer)) != 1),
    }
    return next((text for text, wrong in complaints.items() if wrong), "")


def prove(question: Question, folder: Path) -> tuple[str, ...]:
    """What the code of a question does: the words that a script prints, or the outcomes of all schedules, sorted.

    Raises `ManifestError` where the schedules cannot all be tried. The code is the author's; it runs in this process.
    """
    return _printed(question, folder) if question.run == "program" else _outcomes(question)


def _printed(question: Question, folder: Path) -> tuple[str, ...]:
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); exec(compile({question.code!r}, {LABEL!r}, 'exec'))"
    done = subprocess.run(  # noqa: S603  # this interpreter and the author's code
        [sys.executable, "-s", "-B", "-c", code],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        raise ManifestError(FILE, question.id, f"ends with {done.returncode}: {done.stderr[-300:]}")
    return tuple(_words(done.stdout))


def _outcomes(question: Question) -> tuple[str, ...]:
    """All outcomes; the one word `deadlock`, or an exception's name, where a schedule can end so."""
    linecache.cache[LABEL] = (len(question.code), None, question.code.splitlines(keepends=True), LABEL)
    module = ModuleType("predict")
    module.__file__ = LABEL
    with interleave.controlled():
        exec(compile(question.code, LABEL, "exec"), vars(module))  # noqa: S102
    found: set[str] = set()

    def program() -> Any:
        bodies, outcome = vars(module)["program"]()

        def judged() -> bool:
            found.add(str(outcome()))
            return True

        return bodies, judged

    report = interleave.explore(program, schedules=SCHEDULES, strategy=interleave.Dpor(), include=(module,))
    if (failure := report.failure) is not None:
        threads = failure.kind is interleave.Kind.EXCEPTION and failure.error is not None
        return (type(failure.error).__name__ if threads else failure.kind.value,)
    if report.verdict is not interleave.Verdict.PROVED:
        raise ManifestError(FILE, question.id, f"has more than {SCHEDULES} schedules: make it smaller")
    return tuple(sorted(found))
