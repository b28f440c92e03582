"""`lldkit metrics top`, over files and over a real loopback server."""

import argparse
import threading
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from lldkit.__main__ import main
from lldkit.clock import ManualClock
from lldkit.metrics import Explicit, Registry, render_json, render_openmetrics, wsgi_app
from lldkit.metrics.cli import configure, run


def registry() -> Registry:
    """Counts in a way that two looks differ."""
    made = Registry(clock=ManualClock())
    made.gauge("depth").set(7)
    made.counter("hits", labels=("code",)).labels("200")
    made.histogram("latency", unit="seconds", buckets=Explicit((0.25, 0.5, 1.0)))
    return made


def count(made: Registry, hits: int) -> None:
    made.counter("hits", labels=("code",)).labels("200").inc(hits)
    for _ in range(hits):
        made.histogram("latency", unit="seconds", buckets=Explicit((0.25, 0.5, 1.0))).observe(0.5)


def test_top_shows_rates_and_quantiles_between_two_scrapes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made, before, after = registry(), tmp_path / "before", tmp_path / "after"
    count(made, 100)
    before.write_text(render_openmetrics(made.snapshot()))
    count(made, 20)
    after.write_text(render_openmetrics(made.snapshot()))
    assert main(["metrics", "top", str(after), "--since", str(before), "--seconds", "10"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "  per second         p50         p99       gauge  series",
        '        2.00                                      hits{code="200"}',
        "        2.00       0.375      0.4975              latency_seconds",
        "                                               7  depth",
    ]


def test_processes_are_merged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b", "zero"):
        made = registry()
        if name != "zero":
            count(made, 30)
        (tmp_path / name).write_text(render_json(made.snapshot()))
    sources = [str(tmp_path / name) for name in ("a", "b")]
    assert main(["metrics", "top", *sources, "--since", str(tmp_path / "zero"), "--seconds", "10", "--top", "1"]) == 0
    out = capsys.readouterr().out
    assert '6.00                                      hits{code="200"}' in out
    assert "and 2 more (--top)" in out


def test_a_loopback_server_is_asked_twice(capsys: pytest.CaptureFixture[str]) -> None:
    made = registry()

    class Quiet(WSGIRequestHandler):
        def log_message(self, *args: Any) -> None:
            pass

    class Working(ManualClock):
        def sleep(self, seconds: float, /) -> None:
            count(made, int(seconds) * 3)

    with make_server("127.0.0.1", 0, wsgi_app(made), handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        parser = argparse.ArgumentParser()
        configure(parser)
        arguments = parser.parse_args(["top", f"http://localhost:{server.server_port}/metrics"])
        assert run(arguments, clock=Working()) == 0
        server.shutdown()
        thread.join(10)
    assert '3.00                                      hits{code="200"}' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing"], "No such file"),
        (["http://192.0.2.1/metrics"], "only this machine is asked"),
        (["torn"], "does not end with # EOF"),
        (["torn", "--seconds", "0"], "a number of seconds above 0 is wanted"),
        (["torn", "--top", "none"], "a whole number of at least 1"),
        ([], "required"),
    ],
)
def test_nonsense_is_refused_in_one_line(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("torn").write_text("a 1\n")
    try:
        code = main(["metrics", "top", *arguments])
    except SystemExit as left:
        code = left.code  # type: ignore[assignment]  # argparse leaves with a number
    assert code == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1


def test_metrics_that_do_not_go_together_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, kind in (("a", "counter"), ("b", "gauge")):
        made = Registry(clock=ManualClock())
        getattr(made, kind)("m")
        (tmp_path / name).write_text(render_json(made.snapshot()))
    assert main(["metrics", "top", str(tmp_path / "a"), str(tmp_path / "b")]) == 2
    assert "do not go together: m cannot be merged: its type" in capsys.readouterr().err
