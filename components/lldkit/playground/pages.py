"""What `lldkit play` answers: the page, its script and style, the list of scenes, and a trace; pure functions."""

import importlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from lldkit.charts import Bars, Panel
from lldkit.charts.svg import STYLE
from lldkit.loopback import HTML, JSON, Answer, hashed, refusal
from lldkit.playground.cli import DEMOS
from lldkit.playground.scene import Scene

__all__ = ["POLICY", "answer", "scenes", "trace"]

POLICY: Final = f"script-src 'self'; style-src 'self' {hashed(STYLE)}; connect-src 'self'; img-src data:"
MORE = ("lldkit.playground.metrics_processes",)  # second scenes of a component
FILES: Final = {
    "/": ("play.html", HTML),
    "/play.css": ("play.css", "text/css; charset=utf-8"),
    "/play.js": ("play.js", "text/javascript; charset=utf-8"),
}


def answer(path: str) -> Answer:
    """The answer to a GET of `path`, which may end in a query; nonsense is answered with 400 and a reason."""
    parts = urlsplit(path)
    if parts.path in FILES:
        name, kind = FILES[parts.path]
        return Answer(HTTPStatus.OK, kind, _file(name))
    try:
        if parts.path == "/scenes":
            return Answer(HTTPStatus.OK, JSON, json.dumps(_controls()))
        if parts.path == "/trace":
            asked = dict(parse_qsl(parts.query, keep_blank_values=True, max_num_fields=50))
            return Answer(HTTPStatus.OK, JSON, json.dumps(trace(asked.pop("component", ""), asked)))
    except ValueError as error:
        return refusal(HTTPStatus.BAD_REQUEST, str(error))
    return refusal(HTTPStatus.NOT_FOUND, f"there are {', '.join(FILES)}, /scenes and /trace?component=NAME")


def trace(component: str, asked: Mapping[str, str]) -> dict[str, Any]:
    """A run of a component with the parameters `asked`, as JSON values and as SVG. ValueError says what is wrong.

    `x` is the span of simulated time (or of what the picture has in its place), `areas` where it lies in the SVG: left,
    top, right and bottom of each panel in pixels. Each panel has its marks as values: lines as points, ticks as times,
    bands as spans, rules as heights.
    """
    known = scenes()
    if component not in known:
        raise ValueError(f"there is no component {component!r}; there are {', '.join(known)}")
    figure = known[component].figure(asked)
    return {
        "component": component,
        "title": figure.title,
        "description": figure.description,
        "x_label": figure.x_label,
        "x": figure.x_range(),
        "areas": figure.plot_areas(),
        "panels": [_panel(panel) for panel in figure.panels],
        "svg": figure.to_svg(),
    }


@cache
def scenes() -> dict[str, Scene[Any]]:
    """Every scene by its name: a component, or `component/what` for a second one."""
    modules = [importlib.import_module(name) for name in (*DEMOS.values(), *MORE)]
    return dict(sorted((name, scene) for module in modules for name, scene in module.SCENES.items()))


def _controls() -> dict[str, list[dict[str, Any]]]:
    return {name: [asdict(control) for control in scene.controls()] for name, scene in scenes().items()}


def _panel(panel: Panel | Bars) -> dict[str, Any]:
    if isinstance(panel, Bars):
        return {"label": panel.label, "bars": [asdict(row) for row in panel.rows], "marks": []}
    marks = [{"kind": type(mark).__name__.lower(), **asdict(mark)} for mark in panel.marks]
    return {"label": panel.label, "marks": marks}


@cache
def _file(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
