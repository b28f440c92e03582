"""The documents keep their word: examples run, commands print what is shown, links lead somewhere, nothing is stale."""

import ast
import asyncio
import contextlib
import difflib
import inspect
import io
import re
import shlex
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import generate_docs
from lldkit.__main__ import main

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
GENERATED_PICTURES = sorted((ROOT / "docs").rglob("*.svg"))
MACHINE_PATH = re.compile(r"(?<![\w.])(?:/root|/home/\w|/Users/\w|/work\b|/tmp/|[A-Z]:\\)")
NOT_RUN = re.compile(r"<!-- not run: \S.* -->")
FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[\w+-]*).*\n(?P<text>(?:.*\n)*?)(?P=indent)``` *$", re.MULTILINE)
SPANS = re.compile(r"`+[^`\n]+`+")
LINK = re.compile(
    r"""!?\[[^\]]*\]\((?P<inline>[^)\s]+)[^)]*\)|^\[[^\]]+\]: *(?P<named>\S+)|(?:src|href)="(?P<html>[^"]+)\"""",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    """A fenced block of a document; `line` is that of its first line of text."""

    language: str
    text: str
    line: int
    is_run: bool


def blocks(document: str) -> Iterator[Block]:
    """The fenced blocks; one is not run when the line of text before it is `<!-- not run: reason -->`."""
    for match in FENCE.finditer(document):
        before = document[: match.start()].rstrip().rpartition("\n")[2].strip()
        line = document[: match.start("text")].count("\n") + 1
        yield Block(match["language"], textwrap.dedent(match["text"]), line, not NOT_RUN.fullmatch(before))


def run_python(block: Block, path: Path, names: dict[str, Any], runner: asyncio.Runner) -> None:
    """Run the block in the names of its document; it may await. A traceback shows the document's own lines."""
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    code = compile("\n" * (block.line - 1) + block.text, str(path), "exec", flags=flags, dont_inherit=True)
    if not block.is_run:
        return
    if code.co_flags & inspect.CO_COROUTINE:
        runner.run(awaited(code, names))
    else:
        exec(code, names)


async def awaited(code: Any, names: dict[str, Any]) -> None:
    """Run code whose top level awaits."""
    await eval(code, names)


def sessions(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each `$ command` of a console block, continued lines joined, with the lines shown below it."""
    for part in re.split(r"^\$ ", text.replace("\\\n", " "), flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        yield command.strip(), shown.rstrip().splitlines()


def printed(command: str) -> list[str]:
    """What `lldkit ...` prints, to either stream, when run in this process."""
    stream = io.StringIO()
    with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream), contextlib.suppress(SystemExit):
        main(shlex.split(command)[1:])
    return [line.rstrip() for line in stream.getvalue().rstrip().splitlines()]


def matches(shown: list[str], real: list[str]) -> bool:
    """Whether the lines are the same, where a line `...` stands for any number of lines."""
    pattern = "".join(r"(?:.*\n)*" if line.strip() == "..." else re.escape(line.rstrip()) + "\n" for line in shown)
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in real)) is not None


def run_console(block: Block, path: Path) -> None:
    """Compare what each of our commands prints with what the document shows; other commands are left alone."""
    for command, shown in sessions(block.text):
        if not block.is_run or not command.startswith("lldkit"):
            continue
        real = printed(command)
        if not matches(shown, real):
            difference = "\n".join(difflib.unified_diff(shown, real, "shown", "printed", lineterm=""))
            pytest.fail(f"{path.name}:{block.line}: `{command}` prints something else\n{difference}", pytrace=False)


def run_document(path: Path) -> None:
    """Run all blocks of a document in order; they share names, one event loop, and the current folder."""
    names: dict[str, Any] = {"__name__": "__main__"}
    with asyncio.Runner() as runner:
        for block in blocks(path.read_text(encoding="utf-8")):
            if block.language == "python":
                run_python(block, path, names, runner)
            elif block.language == "console":
                run_console(block, path)


def prose(document: str) -> str:
    """The document without code, in which nothing is a heading or a link."""
    return SPANS.sub("", FENCE.sub("", document))


def anchors(document: str) -> set[str]:
    """The anchors of the headings, as GitHub makes them."""
    found: list[str] = []
    for heading in re.findall(r"^#+ +(.*?) *#*$", FENCE.sub("", document), re.MULTILINE):
        text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        repeats = sum(re.fullmatch(rf"{re.escape(slug)}(?:-\d+)?", other) is not None for other in found)
        found.append(f"{slug}-{repeats}" if repeats else slug)
    return set(found)


def dead_links(path: Path) -> list[str]:
    """The relative links and anchors of a document that lead nowhere."""
    dead = []
    for match in LINK.finditer(prose(path.read_text(encoding="utf-8"))):
        target = match["inline"] or match["named"] or match["html"]
        if re.match(r"[a-z][a-z+.-]*:", target):
            continue
        name, _, anchor = target.partition("#")
        other = path.parent / name if name else path
        if not other.exists() or (anchor and anchor not in anchors(other.read_text(encoding="utf-8"))):
            dead.append(target)
    return dead


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home and current folder, and a plain terminal of 100 columns."""
    monkeypatch.chdir(tmp_path)
    for name, value in {"HOME": str(tmp_path), "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    return tmp_path


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
@pytest.mark.usefixtures("elsewhere")
def test_examples_run_and_commands_print_what_is_shown(path: Path) -> None:
    run_document(path)


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(path: Path) -> None:
    assert dead_links(path) == []


NAMED_TEST = re.compile(r"`(?P<file>[\w/]*(?:test_|contract)\w*\.py)(?:::(?P<test>\w+))?`")


def missing_tests(document: Path, tests: Path = ROOT / "tests") -> list[str]:
    """The tests that a document names, as `file.py` or `file.py::test`, and that do not exist.

    A file named without its folder is one of the document's own room, where the room has tests.
    """
    room = tests / document.stem if (tests / document.stem).is_dir() else tests
    missing = []
    for named in NAMED_TEST.finditer(document.read_text(encoding="utf-8")):
        files = [path for path in room.rglob(Path(named["file"]).name) if path.as_posix().endswith("/" + named["file"])]
        files = files or [path for path in [tests / named["file"]] if path.exists()]
        wanted = f"def {named['test']}(" if named["test"] else ""
        if not any(wanted in path.read_text(encoding="utf-8") for path in files):
            missing.append(named[0])
    return missing


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_test_that_is_named_exists(path: Path) -> None:
    assert missing_tests(path) == []


def test_the_readme_is_a_readme() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120


@pytest.mark.parametrize("path", [*DOCUMENTS, *GENERATED_PICTURES], ids=name_of)
def test_no_document_knows_the_machine_it_was_written_on(path: Path) -> None:
    assert MACHINE_PATH.findall(path.read_text(encoding="utf-8")) == []


def test_nothing_generated_is_stale() -> None:
    assert generate_docs.stale(generate_docs.discovered()) == [], "run `make docs`"


def test_every_document_stands_on_the_map() -> None:
    docs = ROOT / "docs"
    linked = {match["inline"] for match in LINK.finditer(prose((docs / "README.md").read_text(encoding="utf-8")))}
    assert {path.name for path in docs.glob("*.md")} - {"README.md"} <= linked


# That the checks above can fail ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "```python\nassert 1 == 2\n```\n",
        "```python\nx = 1\n```\n\n```python\nassert x == 2\n```\n",
        "```python\nimport asyncio\nawait asyncio.sleep(0)\nassert 1 == 2\n```\n",
        "- an item\n\n  ```python\n  assert 1 == 2\n  ```\n",
        "<!-- a remark -->\n```python\nassert 1 == 2\n```\n",
    ],
)
@pytest.mark.usefixtures("elsewhere")
def test_a_false_example_is_found(tmp_path: Path, text: str) -> None:
    (tmp_path / "doc.md").write_text(text, encoding="utf-8")
    with pytest.raises(AssertionError):
        run_document(tmp_path / "doc.md")


@pytest.mark.usefixtures("elsewhere")
def test_an_example_that_is_not_run_is_compiled_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "doc.md"
    path.write_text("<!-- not run: needs a server -->\n\n```python\nraise OSError\n```\n", encoding="utf-8")
    run_document(path)
    path.write_text("<!-- not run: needs a server -->\n```python\nreturn = 1\n```\n", encoding="utf-8")
    with pytest.raises(SyntaxError, match=r"doc.md, line 3"):
        run_document(path)


@pytest.mark.usefixtures("elsewhere")
def test_examples_share_names_and_one_loop(tmp_path: Path) -> None:
    first = "```python\nimport asyncio\nloop = asyncio.get_running_loop()\nawait asyncio.sleep(0)\n```\n"
    second = "```python\nassert await asyncio.sleep(0, loop) is asyncio.get_running_loop()\n```\n"
    (tmp_path / "doc.md").write_text(f"{first}\n{second}", encoding="utf-8")
    run_document(tmp_path / "doc.md")


@pytest.mark.usefixtures("elsewhere")
def test_a_false_output_is_found(tmp_path: Path) -> None:
    path = tmp_path / "doc.md"
    path.write_text("```console\n$ ls\nanything\n$ lldkit --version\nlldkit 0.1.0\n```\n", encoding="utf-8")
    run_document(path)
    path.write_text("```console\n$ lldkit --version\nlldkit 9.9.9\n```\n", encoding="utf-8")
    with pytest.raises(pytest.fail.Exception, match=r"(?s)doc.md:2.*-lldkit 9.9.9.*\+lldkit 0.1.0"):
        run_document(path)


@pytest.mark.parametrize(
    ("shown", "same"),
    [
        (["a", "b", "c"], True),
        (["a", "..."], True),
        (["...", "c"], True),
        (["a", "...", "b", "c"], True),
        (["a", "c"], False),
        (["a", "b"], False),
        (["...", "b"], False),
        (["a.*"], False),
        ([], False),
    ],
)
def test_three_dots_stand_for_any_lines_and_nothing_else_does(shown: list[str], same: bool) -> None:
    assert matches(shown, ["a", "b", "c"]) is same


def test_dead_links_and_anchors_are_found(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text(
        "# The *one* `Name`, twice!\n## Two\n## Two\n```\n# no heading\n```\n", encoding="utf-8"
    )
    alive = ["other.md", "other.md#the-one-name-twice", "other.md#two-1", "#here", "https://example.com/x#y"]
    dead = ["gone.md", "other.md#two-2", "other.md#no-heading", "#there"]
    text = "# Here\n" + "\n".join(f"[text]({target})" for target in [*alive, *dead])
    (tmp_path / "doc.md").write_text(f'{text}\n`[code](no.md)`\n<img src="no.svg">\n', encoding="utf-8")
    assert dead_links(tmp_path / "doc.md") == [*dead, "no.svg"]


@pytest.mark.parametrize("folder", ["home/ann", "Users/ann", "root", "work", "tmp"])
def test_machine_paths_are_found(folder: str) -> None:
    assert MACHINE_PATH.search(f"see /{folder}/x")
    assert MACHINE_PATH.search(f"(/{folder}/x)")
    assert not MACHINE_PATH.search(f"https://example.com/{folder}/x ./{folder} a/{folder}/b")


def test_a_drive_is_a_machine_path_and_a_root_alone_is_none() -> None:
    assert MACHINE_PATH.search("see C:" + "\\x")
    assert not MACHINE_PATH.search("the folders /home and /workers")


def test_a_test_that_does_not_exist_is_missed(tmp_path: Path) -> None:
    named = ["test_docs.py::test_nothing_at_all", "test_no_such_file.py", "dojo/test_no_such_file.py::test_x"]
    existing = ["test_docs.py::test_the_readme_is_a_readme", "test_docs.py", "docs.py"]
    (tmp_path / "doc.md").write_text(" ".join(f"`{name}`" for name in [*named, *existing]), encoding="utf-8")
    assert missing_tests(tmp_path / "doc.md") == [f"`{name}`" for name in named]
