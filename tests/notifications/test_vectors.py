"""Every given case of another router: matchers, routing trees, time windows."""

from datetime import datetime
from typing import Any

import pytest

from conftest import Vectors
from lldkit.notifications import MatcherSyntaxError, Route, Window, parse_matchers, resolve

RANGES = ("times", "weekdays", "days_of_month", "months", "years")


def test_given_matchers(vectors: Vectors) -> None:
    cases = vectors.json("matchers", "matchers.json")
    assert len(cases) == 42
    assert sum("refused" in case for case in cases) == 10
    for case in cases:
        if "refused" in case:
            with pytest.raises(MatcherSyntaxError):
                parse_matchers(case["input"])
        else:
            found = [[each.name, each.operator, each.value] for each in parse_matchers(case["input"])]
            assert found == case["matchers"], case["input"]


def test_given_routing_trees(vectors: Vectors) -> None:
    trees = vectors.json("routing-tree", "routes.json")
    cases = [(route_of(tree["tree"]), case) for tree in trees for case in tree["cases"]]
    assert (len(trees), len(cases)) == (2, 16)
    for tree, case in cases:
        assert [route.to for route in resolve(tree, case["labels"])] == [(to,) for to in case["expect"]], case


def route_of(node: dict[str, Any]) -> Route:
    return Route(
        to=(node["to"],) if "to" in node else None,
        matchers=tuple(node.get("matchers", ())),
        routes=tuple(map(route_of, node.get("routes", ()))),
        continues=node.get("continues", False),
    )


def test_given_time_windows(vectors: Vectors) -> None:
    windows = vectors.json("time-windows", "windows.json")
    assert len(windows) == 8
    assert sum(len(case["inside"]) + len(case["outside"]) for case in windows) == 40
    for case in windows:
        ranges: dict[str, Any] = {name: tuple(map(tuple, case[name])) for name in RANGES if name in case}
        window = Window(**ranges, zone=case.get("zone", "UTC"))
        for inside in case["inside"]:
            assert window.contains(datetime.fromisoformat(inside)), (window, inside)
        for outside in case["outside"]:
            assert not window.contains(datetime.fromisoformat(outside)), (window, outside)
