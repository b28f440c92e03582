"""The dashboard shows what there is, escapes it, keeps secrets, and changes nothing."""

import http.client
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest

from lldkit.__main__ import main
from lldkit.clock import ManualClock
from lldkit.retry import constant
from lldkit.scheduler import MemoryStore, Queue, Schedule, Store, StoreUnavailable, ViewStore, cron, every
from lldkit.scheduler.sqlite import SQLiteStore
from lldkit.scheduler.web import Dashboard
from scheduler.test_cli import app

__all__ = ["app"]

HOSTILE = "<script>document.title='owned'</script>"
SECRET = "hunter2"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


class Reply(NamedTuple):
    """What a browser would be given."""

    status: int
    text: str
    headers: http.client.HTTPMessage


class Site:
    """A dashboard that is being served."""

    def __init__(self, dashboard: Dashboard) -> None:
        self.url = dashboard.url
        self.port = dashboard.port

    def ask(self, path: str = "/", *, method: str = "GET", **headers: str) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return Reply(answer.status, answer.read().decode(), answer.headers)

    def page(self, path: str = "/") -> str:
        reply = self.ask(path)
        assert reply.status == HTTPStatus.OK, reply.text
        return reply.text


Open = Callable[..., Site]


@pytest.fixture
def opened() -> Iterator[Open]:
    """A function that serves a dashboard until the end of the test."""
    with ExitStack() as stack:

        def serve(*queues: Queue, **options: Any) -> Site:
            return stack.enter_context(served(Dashboard(queues, **options)))

        yield serve


@contextmanager
def served(dashboard: Dashboard) -> Iterator[Site]:
    thread = threading.Thread(target=dashboard.serve)
    thread.start()
    try:
        yield Site(dashboard)
    finally:
        dashboard.close()
        thread.join()


def a_queue(store: Store | None = None, name: str = "mail") -> Queue:
    """A queue in which something of everything has happened, and whose arguments, results and errors are secret."""
    jobs = Queue(store=store, name=name, clock=ManualClock())

    @jobs.task(max_attempts=1, backoff=constant(5))
    def send(user: int, text: str) -> str:
        if user == 13:
            raise ConnectionError(f"cannot send {text}")
        return text

    @jobs.task(name=HOSTILE)
    def hostile(text: str) -> None:
        del text

    send.enqueue(1, SECRET)
    send.enqueue(13, SECRET)
    hostile.enqueue(SECRET)
    jobs.run_inline()
    send.options(delay_seconds=60).enqueue(2, SECRET)
    jobs.schedule(Schedule("nightly", cron("30 2 * * *", tz="Europe/Berlin"), send.call(3, SECRET)))
    jobs.schedule(Schedule("often", every(300, start=jobs.clock.now()), send.call(4, SECRET), paused=True))
    return jobs


def test_the_overview_shows_counts_schedules_dead_letters_and_jobs(opened: Open) -> None:
    page = opened(a_queue(), a_queue(name="other")).page()
    assert page.count("Dead letters") == 2
    assert '<a href="/jobs?queue=mail&amp;state=succeeded" class="succeeded"><b>2</b>succeeded</a>' in page
    assert "dead, exhausted" in page
    assert "ConnectionError" in page
    # The clock stands at midnight UTC, which is 01:00 in Berlin.
    when = "2026-01-01T02:30:00+01:00"
    assert f'<time datetime="{when}" title="{when}">2026-01-01 01:30:00</time>' in page
    assert "at 02:30, every day (Europe/Berlin" in page
    assert ">paused<" in page


def test_a_schedule_of_another_process_is_shown_without_its_next_run(opened: Open) -> None:
    store = MemoryStore(clock=ManualClock())
    a_queue(store)
    assert opened(Queue(store=store, name="mail")).page().count("unknown to this process") == 2


def test_jobs_are_chosen_by_queue_state_and_task_and_older_ones_follow(opened: Open) -> None:
    site = opened(a_queue(), a_queue(name="other"))
    assert site.page("/jobs").count("<tr>") == 1 + 4
    assert site.page(f"/jobs?queue=other&state=succeeded&task={quote(HOSTILE)}").count("<tr>") == 1 + 1
    first = site.page("/jobs?queue=mail&limit=3")
    assert first.count("<tr>") == 1 + 3
    older = first.partition('<a href="/jobs?queue=mail&amp;limit=3&amp;cursor=')[2].partition('"')[0]
    assert site.page(f"/jobs?queue=mail&limit=3&cursor={older}").count("<tr>") == 1 + 1
    assert "There are none." in site.page("/jobs?state=running")


def test_the_counts_are_there_as_json(opened: Open) -> None:
    reply = opened(a_queue()).ask("/stats.json")
    assert reply.headers["Content-Type"] == "application/json"
    counts = {"blocked": 0, "scheduled": 1, "ready": 0, "running": 0, "succeeded": 2, "dead": 1, "cancelled": 0}
    assert json.loads(reply.text) == {"queues": {"mail": counts}}


def test_the_names_of_users_are_text_wherever_they_appear(opened: Open) -> None:
    queue = a_queue(name=HOSTILE)
    site = opened(queue)
    for path in ("/", f"/jobs?task={quote(HOSTILE)}", f"/jobs?queue={quote(HOSTILE)}"):
        page = site.page(path)
        assert "<script" not in page
        assert "&lt;script&gt;document.title=&#x27;owned&#x27;&lt;/script&gt;" in page
    assert '"><script' not in site.page(f"/jobs?task={quote(chr(34) + '>' + HOSTILE)}")


def test_no_secret_is_shown_unless_it_is_asked_for(opened: Open) -> None:
    site = opened(a_queue())
    assert [path for path in ("/", "/jobs", "/stats.json") if SECRET in site.page(path)] == []
    telling = opened(a_queue(), show_args=True).page()
    assert f"[13, &#x27;{SECRET}&#x27;]" in telling
    assert f"ConnectionError: cannot send {SECRET}" in telling


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "BREW"])
def test_whatever_would_change_something_is_refused(opened: Open, method: str) -> None:
    reply = opened(a_queue()).ask("/", method=method)
    assert (reply.status, reply.headers["Allow"]) == (HTTPStatus.METHOD_NOT_ALLOWED, "GET")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", ""])
def test_a_foreign_name_is_refused_before_anything_is_looked_up(opened: Open, host: str) -> None:
    site = opened(a_queue())
    reply = site.ask(Host=host.format(port=site.port))
    assert reply.status == HTTPStatus.MISDIRECTED_REQUEST
    assert "mail" not in reply.text
    assert site.ask(Host=f"LOCALHOST:{site.port}").status == HTTPStatus.OK


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/secret", HTTPStatus.NOT_FOUND, "there are /, /jobs, /stats.json"),
        ("/jobs?state=lost", HTTPStatus.BAD_REQUEST, "'lost' is not a valid JobState"),
        ("/jobs?limit=0", HTTPStatus.BAD_REQUEST, "limit must be at least 1"),
        ("/jobs?limit=ten", HTTPStatus.BAD_REQUEST, "'ten'"),
        ("/jobs?queue=nobody", HTTPStatus.BAD_REQUEST, "there is no queue 'nobody' here; there are ['mail']"),
        ("/jobs?" + "a=1&" * 20, HTTPStatus.BAD_REQUEST, "Max number of fields"),
    ],
)
def test_nonsense_is_refused_as_plain_text(opened: Open, path: str, status: HTTPStatus, says: str) -> None:
    reply = opened(a_queue()).ask(path)
    assert reply.status == status
    assert says in reply.text
    assert reply.headers["Content-Type"].startswith("text/plain")


def test_a_page_has_at_most_a_thousand_jobs(opened: Open) -> None:
    queue = Queue(name="mail")
    task = queue.task(name="t")(lambda: None)
    queue.submit([task.call() for _ in range(1_100)])
    page = opened(queue).page("/jobs?limit=1000000000")
    assert page.count("<tr>") == 1 + 1_000
    assert "cursor=101" in page


class OnlyLooks:
    """A store of which nothing can be asked but what is only looked at."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.asked: list[str] = []

    def __getattr__(self, verb: str) -> Any:
        self.asked.append(verb)
        assert verb in {*vars(ViewStore), "now"}, f"the dashboard has called {verb}()"
        return getattr(self._store, verb)


def test_the_store_is_only_looked_at_and_its_file_stays_as_it_is(opened: Open, tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    queue = a_queue(SQLiteStore(path, clock=ManualClock()))
    queue.store = looking = OnlyLooks(queue.store)
    before = path.read_bytes(), path.with_name("jobs.db-wal").read_bytes()
    site = opened(queue)
    for page in ("/", "/jobs?state=dead", "/stats.json"):
        site.page(page)
    assert {"stats", "schedules", "jobs"} <= set(looking.asked)
    assert (path.read_bytes(), path.with_name("jobs.db-wal").read_bytes()) == before


def test_a_store_that_does_not_answer_is_said_to_be_so(opened: Open) -> None:
    class Down(MemoryStore):
        def stats(self, queue: str) -> Any:
            raise StoreUnavailable(f"the store of {queue}")

    reply = opened(Queue(store=Down(), name="mail")).ask()
    assert reply.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert "the store of mail does not answer" in reply.text


def test_it_listens_on_the_loopback_address_only_and_runs_no_scripts(opened: Open) -> None:
    site = opened(a_queue())
    assert site.url.startswith("http://127.0.0.1:")
    headers = site.ask().headers
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy


def test_queues_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="queues of different names"):
        Dashboard([Queue(), Queue()])


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_a_browser_shows_the_page_with_its_style_and_runs_nothing(opened: Open, tmp_path: Path) -> None:
    site = opened(a_queue())
    command = [
        str(CHROMIUM),
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path / 'profile'}",
    ]
    picture = tmp_path / "page.png"
    seen = subprocess.run(
        [*command, "--dump-dom", site.url], capture_output=True, text=True, timeout=120, check=True
    ).stdout
    assert "<title>Jobs</title>" in seen
    assert "owned" in seen
    assert "dead, exhausted" in seen
    subprocess.run([*command, f"--screenshot={picture}", site.url], capture_output=True, timeout=120, check=True)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_command_says_where_it_is_until_it_is_interrupted(
    app: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ThreadingHTTPServer, "serve_forever", interrupted)
    assert main(["scheduler", "web", app, "--port", "0"]) == 0
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/ shows queue 'default'\n", capsys.readouterr().out)


@pytest.mark.parametrize("port", ["70000", "TAKEN"])
def test_a_port_that_cannot_be_had_is_refused_in_one_line(
    app: str, opened: Open, capsys: pytest.CaptureFixture[str], port: str
) -> None:
    taken = str(opened(Queue()).port)
    assert main(["scheduler", "web", app, "--port", port.replace("TAKEN", taken)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("lldkit scheduler: cannot listen on port ")
    assert error.count("\n") == 1
