"""`lldkit scheduler`: workers and jobs from the command line."""

import sys
from pathlib import Path

import pytest

from lldkit.__main__ import main

APP = """
from lldkit.scheduler import Queue
from lldkit.scheduler.sqlite import SQLiteStore

jobs = Queue(store=SQLiteStore({path!r}))
number = 7

@jobs.task(max_attempts=1)
def send(user, secret):
    if user == 13:
        raise ValueError("no such user")
    return user
"""


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"app_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(APP.format(path=str(tmp_path / "jobs.db")))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return f"{name}:jobs"


def said(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> str:
    assert main(["scheduler", *words]) == status
    captured = capsys.readouterr()
    return captured.err if status == 2 else captured.out


def enqueue(app: str, user: int) -> str:
    module = __import__(app.partition(":")[0])
    job: str = module.send.enqueue(user, "hunter2").id
    return job


def test_jobs_are_run_and_shown_without_their_arguments(app: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "ready              0" in said(capsys, "stats", app)
    good, bad = enqueue(app, 1), enqueue(app, 13)
    assert said(capsys, "worker", app, "--until-idle", "--concurrency", "2") == ""
    listed = said(capsys, "jobs", app).splitlines()
    assert [line.split()[:2] for line in listed] == [[bad, "dead"], [good, "succeeded"]]
    assert bad in said(capsys, "jobs", app, "--state", "dead", "--task", "send", "--limit", "1")
    shown = said(capsys, "show", app, bad)
    assert "state        dead, exhausted" in shown
    assert "error        ValueError: no such user" in shown
    assert "hunter2" not in shown
    assert "hunter2" in said(capsys, "show", app, bad, "--show-args")


def test_jobs_are_repaired(app: str, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "stats", app)
    bad = enqueue(app, 13)
    assert said(capsys, "cancel", app, bad) == "cancelled\n"
    assert said(capsys, "cancel", app, bad, status=1) == "it has ended already\n"
    assert said(capsys, "retry", app, bad) == "ready\n"
    assert said(capsys, "prune", app) == "0 forgotten\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["stats", "nothing"], "APP:QUEUE takes a module and a name in it"),
        (["stats", "no_such_module:jobs"], "there is no module 'no_such_module' here"),
        (["stats", "APP:number"], "is no Queue, got 7"),
        (["show", "APP:jobs", "nobody"], "there is no job 'nobody'"),
        (["jobs", "APP:jobs", "--limit", "0"], "limit must be at least 1"),
        (["worker", "APP:jobs", "--concurrency", "0"], "concurrency must be at least 1"),
        (["next", "60 * * * *"], "60"),
    ],
)
def test_nonsense_is_refused_in_one_line(
    app: str, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    module = app.partition(":")[0]
    error = said(capsys, *(word.replace("APP", module) for word in words), status=2)
    assert message in error
    assert error.count("\n") == 1


def test_cron_expressions_are_asked_here_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "next", "0 0 1 1 *", "-n", "1", "--after", "2026-03-01") == "Fri 2027-01-01T00:00:00+00:00\n"
    assert "UNEVEN" in said(capsys, "lint", "*/7 * * * *", status=1)
