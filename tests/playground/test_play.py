"""`lldkit play`: every component as a seeded run, asked for by name, refused in words, seen in a browser."""

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from html import unescape
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest

from lldkit.__main__ import main
from lldkit.charts import Figure, Line, Panel
from lldkit.loopback import LoopbackServer
from lldkit.playground.cli import DEMOS
from lldkit.playground.pages import POLICY, answer, scenes, trace
from lldkit.playground.scene import Control, Scene

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
SLIDERS = [
    (name, control) for name, scene in scenes().items() for control in scene.controls() if control.kind == "slider"
]


def asked(**parameters: str) -> tuple[HTTPStatus, str]:
    """The answer to /trace with a query."""
    reply = answer(f"/trace?{urlencode(parameters)}")
    return reply.status, reply.text


def test_every_component_with_a_demo_has_a_scene() -> None:
    assert {name.partition("/")[0] for name in scenes()} == set(DEMOS)


@pytest.mark.parametrize("name", scenes())
def test_a_trace_is_one_document_whose_defaults_may_be_said_or_left_out(name: str) -> None:
    given = {control.name: control.default for control in scenes()[name].controls()}
    status, text = asked(component=name)
    assert status == HTTPStatus.OK
    document = json.loads(text)
    assert json.loads(asked(component=name, **given)[1]) == document
    assert ET.fromstring(document["svg"]).tag.endswith("svg")
    assert document["component"] == name
    assert document["description"]
    assert document["x"][0] < document["x"][1]
    assert sum("bars" not in panel for panel in document["panels"]) == len(document["areas"]) > 0


@pytest.mark.parametrize("name", scenes())
def test_every_choice_and_both_sides_of_every_switch_can_be_drawn(name: str) -> None:
    controls = scenes()[name].controls()
    least = {control.name: f"{control.bounds[0]:g}" for control in controls if control.step and control.bounds}
    for control in controls:
        for value in control.choices or ({"true", "false"} if control.kind == "switch" else ()):
            assert asked(component=name, **{**least, control.name: value})[0] == HTTPStatus.OK


@pytest.mark.parametrize(("name", "control"), SLIDERS, ids=lambda given: getattr(given, "name", given))
def test_a_slider_stays_within_what_the_component_takes(name: str, control: Control) -> None:
    low, high = control.bounds or (0, 0)
    assert control.step is not None
    for value in (low, float(control.default), high):
        assert (value - low) / control.step == pytest.approx(round((value - low) / control.step), abs=1e-6)
    for outside in (low - control.step, high + control.step):
        status, text = asked(component=name, **{control.name: f"{outside:g}"})
        assert status == HTTPStatus.BAD_REQUEST
        assert f"{control.name} must be " in text


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ({"component": "toaster"}, "there is no component 'toaster'; there are cache, "),
        ({}, "there is no component ''"),
        ({"component": "retry", "client": "9"}, "there is no parameter 'client'; try clients"),
        ({"component": "retry", "clients": "many"}, "clients must be a whole number, got 'many'"),
        ({"component": "retry", "failing": "nan"}, "failing must be from 0 to 1, got nan"),
        ({"component": "retry", "outage": "20,10"}, "outage must be a span"),
        ({"component": "retry", "outage": "1"}, "outage must be 2 numbers with commas between them, got '1'"),
        ({"component": "retry", "jitter": "some"}, "jitter must be one of"),
        ({"component": "retry", "seed": "10000"}, "seed must be from 0 to 9999, got 10000"),
        ({"component": "scheduler", "heartbeat": "yes"}, "heartbeat must be true or false, got 'yes'"),
        ({"component": "scheduler", "kill": "9,30"}, "kill must name a worker from 1 to 3"),
        ({"component": "feature_flags", "units": "9"}, "there is no parameter 'units'"),
    ],
)
def test_nonsense_is_refused_by_name(parameters: dict[str, str], why: str) -> None:
    status, text = asked(**parameters)
    assert status == HTTPStatus.BAD_REQUEST
    assert why in text


def test_an_empty_text_means_none_where_none_is_a_value() -> None:
    assert asked(component="scheduler", kill="") != asked(component="scheduler")
    assert "a whole number" in asked(component="retry", clients="")[1]


def test_the_marks_are_values_that_a_page_can_read_at_any_moment() -> None:
    marks = trace("retry", {"clients": "9"})["panels"][0]["marks"]
    assert [mark["kind"] for mark in marks] == ["band", "line", "line", "rule"]
    assert (marks[0]["start"], marks[0]["end"]) == (10.0, 20.0)


def test_a_scene_knows_its_parameters_by_the_signature_alone() -> None:
    def run(kind: str = "a", *, size: float | None = None, hidden: int = 3, seed: int = 1) -> tuple[Any, ...]:
        return kind, size, hidden, seed

    def draw(made: tuple[Any, ...]) -> Figure:
        return Figure(str(made), [Panel([Line([(0, 0), (1, 1)])])])

    scene = Scene(run, draw, {"size": (0.5, 2.0)}, {"kind": ("a", "b")})
    assert [(control.name, control.kind, control.default) for control in scene.controls()] == [
        ("kind", "choice", "a"),
        ("size", "text", ""),
        ("seed", "slider", "1"),
    ]
    assert scene.figure({"kind": "b", "size": "1.5"}).title == "('b', 1.5, 3, 1)"
    with pytest.raises(ValueError, match="there is no parameter 'hidden'; there are kind, size, seed"):
        scene.figure({"hidden": "4"})


def test_the_page_loads_nothing_from_elsewhere() -> None:
    for path in ("/", "/play.css", "/play.js"):
        reply = answer(path)
        assert reply.status == HTTPStatus.OK
        links = re.findall(r"""(?:https?:)?//[^\s"')]+""", re.sub(r"^\s*//.*$", "", reply.text, flags=re.MULTILINE))
        assert set(links) <= {"http://www.w3.org/2000/svg"}
    assert answer("/favicon.ico").status == HTTPStatus.NOT_FOUND


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The address of the page, being served."""
    server = LoopbackServer(answer, policy=POLICY)
    thread = threading.Thread(target=server.serve)
    thread.start()
    yield server.url
    server.close()
    thread.join()


def seen(url: str, profile: Path) -> str:
    """What a browser makes of a page."""
    command = [str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
    command += ["--virtual-time-budget=10000", "--dump-dom", url]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_a_browser_draws_a_component_and_freezes_it_at_the_moment_of_the_address(site: str, tmp_path: Path) -> None:
    dom = seen(f"{site}?component=retry&clients=30#12.5", tmp_path)
    assert re.search(r'<a href="\?component=retry"[^>]*aria-current="page"', dom)
    status = re.search(r'<p id="status" role="status"[^>]*>([^<]*)</p>', dom)
    assert status is not None
    assert status[1].startswith("At 12.5 seconds. full jitter, no budget: outage, attempts ")
    assert dom.count('class="future"') == 2  # one over each panel
    assert 'class="chart"' in dom
    assert re.search(r'name="clients"[^>]*value="30"', dom)


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_a_browser_says_why_a_run_is_refused(site: str, tmp_path: Path) -> None:
    dom = unescape(seen(f"{site}?component=retry&outage=20,10", tmp_path))
    assert re.search(r'<p id="status" role="status" class="refused">outage must be a span', dom)


@pytest.mark.parametrize("port", ["70000", "TAKEN"])
def test_a_port_that_cannot_be_had_is_refused_in_one_line(
    site: str, capsys: pytest.CaptureFixture[str], port: str
) -> None:
    taken = site.rstrip("/").rpartition(":")[2]
    assert main(["play", "--port", port.replace("TAKEN", taken)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("lldkit play: cannot listen on port ")
    assert error.count("\n") == 1


def test_the_command_says_where_the_page_is_until_it_is_interrupted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ThreadingHTTPServer, "serve_forever", interrupted)
    assert main(["play", "--port", "0"]) == 0
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/ shows every component; Ctrl-C ends it\n", capsys.readouterr().out)
