"""The text formats: worked out by hand, accepted by an independent parser, and parsed back to the same text."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics_parser

from lldkit.metrics import (
    CounterValue,
    Explicit,
    Exponential,
    ExpositionError,
    Family,
    GaugeValue,
    Registry,
    Series,
    Snapshot,
)
from lldkit.metrics.json_text import parse_json, render_json
from lldkit.metrics.openmetrics import render_openmetrics
from lldkit.metrics.parse import parse_openmetrics
from lldkit.metrics.prometheus import render_prometheus
from metrics.helpers import Bench

their_openmetrics: Any = openmetrics_parser.text_string_to_metric_families
their_prometheus: Any = parser.text_string_to_metric_families
HARD = ["a\\b", 'a"b', "a\nb", "a\\nb", "a\rb", "a\x00b", "", "ü☃", "a\u2028b", "\\", '\\"', "x" * 300]


def plain(**options: Any) -> Registry:
    """A registry whose own metrics are not in the way."""
    return Bench(**options).registry


def text_of(registry: Registry) -> str:
    """The OpenMetrics text without the registry's own three metrics."""
    snapshot = registry.snapshot()
    kept = tuple(family for family in snapshot.families if not family.name.startswith("lldkit_metrics_"))
    return render_openmetrics(Snapshot(snapshot.time, kept))


def test_openmetrics_by_hand() -> None:
    registry = plain()
    registry.counter("hits_total", 'What "hits".\nAll \\ of it.', labels=("code",)).labels("2\n0").inc(3)
    latency = registry.histogram("latency", unit="seconds", buckets=Explicit((0.25, 1)))
    latency.observe(0.25)
    latency.observe(9, exemplar={"trace_id": "7"})
    registry.gauge("queue").set(1e16)
    registry.info("build", {"version": "1.0"})
    assert text_of(registry) == (
        "# TYPE build info\n"
        'build_info{version="1.0"} 1\n'
        "# TYPE hits counter\n"
        '# HELP hits What \\"hits\\".\\nAll \\\\ of it.\n'
        'hits_total{code="2\\n0"} 3\n'
        'hits_created{code="2\\n0"} 1767225600.0\n'
        "# TYPE latency_seconds histogram\n"
        "# UNIT latency_seconds seconds\n"
        'latency_seconds_bucket{le="0.25"} 1\n'
        'latency_seconds_bucket{le="1.0"} 1\n'
        'latency_seconds_bucket{le="+Inf"} 2 # {trace_id="7"} 9.0 1767225600.0\n'
        "latency_seconds_count 2\n"
        "latency_seconds_sum 9.25\n"
        "latency_seconds_created 1767225600.0\n"
        "# TYPE queue gauge\n"
        "queue 1e+16\n"
        "# EOF\n"
    )


def test_prometheus_by_hand() -> None:
    registry = plain()
    registry.counter("hits", 'What "hits".\nAll \\ of it.').inc()
    registry.info("build", {"version": '"1"'})
    text = render_prometheus(registry.snapshot())
    assert '# HELP hits_total What "hits".\\nAll \\\\ of it.\n# TYPE hits_total counter\nhits_total 1\n' in text
    assert '# TYPE build_info gauge\nbuild_info{version="\\"1\\""} 1\n' in text
    assert "EOF" not in text
    assert "_created" not in text


@pytest.mark.parametrize(
    ("value", "text", "bound"),
    [
        (0, "0", "0.0"),
        (-7, "-7", "-7.0"),
        (2**60, "1152921504606846976", "1.152921504606847e+18"),
        (1.0, "1.0", "1.0"),
        (-0.5, "-0.5", "-0.5"),
        (0.1, "0.1", "0.1"),
        (123_456_789.0, "123456789.0", "123456789.0"),
        (1e16, "1e+16", "1e+16"),
        (1e-7, "1e-07", "1e-07"),
    ],
)
def test_a_number_and_a_bound_have_one_form_each(value: float, text: str, bound: str) -> None:
    registry = plain()
    registry.gauge("g").set(value)
    registry.histogram("h", buckets=Explicit((value,))).observe(value)
    lines = text_of(registry).splitlines()
    assert f"g {text}" in lines
    assert f'h_bucket{{le="{bound}"}} 1' in lines


def test_an_exponential_histogram_is_shown_at_powers_of_two_that_stay() -> None:
    registry = plain()
    histogram = registry.histogram("h", buckets=Exponential(zero_threshold=0))
    for value in (0.0, 0.3, 1.5, 2.0, 5.0):
        histogram.observe(value)
    shown = [line for line in text_of(registry).splitlines() if "_bucket" in line]
    assert shown == [
        'h_bucket{le="0.0"} 1',
        'h_bucket{le="0.25"} 1',
        'h_bucket{le="0.5"} 2',
        'h_bucket{le="1.0"} 2',
        'h_bucket{le="2.0"} 4',
        'h_bucket{le="4.0"} 4',
        'h_bucket{le="8.0"} 5',
        'h_bucket{le="+Inf"} 5',
    ]
    histogram.observe(100.0)
    assert set(shown[:-1]) <= set(text_of(registry).splitlines())


def test_a_histogram_of_negative_values_has_no_sum_in_text() -> None:
    registry = plain()
    histogram = registry.histogram("h")
    for value in (-3.0, -1.5, 2.0):
        histogram.observe(value)
    text = text_of(registry)
    assert 'h_bucket{le="-2.0"} 1\nh_bucket{le="-1.0"} 2\n' in text
    assert "h_sum" not in text
    assert render_openmetrics(parse_openmetrics(text)) == text


@pytest.mark.parametrize("value", HARD)
def test_every_label_value_survives_both_parsers(value: str) -> None:
    registry = plain()
    registry.counter("c", value, labels=("a",)).labels(value).inc()
    registry.info("i", {"b": value})
    text = text_of(registry)
    ours = parse_openmetrics(text)
    assert ours.get("c", {"a": value}) == CounterValue(1)
    assert ours.get("i", {"b": value}) == GaugeValue(1)
    assert next(family.help for family in ours.families if family.name == "c") == value
    theirs = {sample.name: sample.labels for family in their_openmetrics(text) for sample in family.samples}
    assert (theirs["c_total"], theirs["i_info"]) == ({"a": value}, {"b": value})
    old = {
        sample.name: sample.labels
        for family in their_prometheus(render_prometheus(registry.snapshot()))
        for sample in family.samples
        if sample.name == "c_total"
    }
    if "\n" not in value and "\r" not in value and "\u2028" not in value:  # their parser splits lines at more than \n
        assert old == {"c_total": {"a": value}}


def test_half_a_surrogate_pair_becomes_a_question_mark() -> None:
    registry = plain()
    registry.counter("c", labels=("a",)).labels("x\ud800").inc()
    assert 'c_total{a="x?"} 1\n' in text_of(registry)
    text_of(registry).encode()


FINITE = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), FINITE), max_size=5),
    st.lists(FINITE, max_size=20),
    st.booleans(),
)
def test_what_is_rendered_parses_back_and_their_parser_agrees(
    gauges: list[tuple[str, float]], observed: list[float], sketched: bool
) -> None:
    registry = plain()
    for label, value in gauges:
        registry.gauge("g", labels=("a",)).labels(label).set(value)
    histogram = registry.histogram("h", buckets=Exponential() if sketched else Explicit((-1.0, 0.0, 1.0)))
    for value in observed:
        histogram.observe(value)
    text = render_openmetrics(registry.snapshot())
    parsed = parse_openmetrics(text)
    assert render_openmetrics(parsed) == text
    assert parse_openmetrics(render_openmetrics(parsed)) == parsed
    for label, value in dict(gauges).items():
        assert parsed.get("g", {"a": label}) == GaugeValue(value)
    theirs = [(s.name, s.labels, s.value) for family in their_openmetrics(text) for s in family.samples]
    assert len(theirs) == sum(not line.startswith("#") for line in text.split("\n") if line)


@settings(max_examples=60, deadline=None)
@given(st.lists(FINITE, max_size=20), st.booleans())
def test_json_keeps_everything(observed: list[float], sketched: bool) -> None:
    registry = plain()
    histogram = registry.histogram("h", buckets=Exponential() if sketched else Explicit((-1.0, 0.0, 1.0)))
    for value in observed:
        histogram.observe(value, exemplar={"trace_id": "x"})
    registry.gauge("last", aggregate="last", labels=("a",)).labels("inf").set(3)
    snapshot = registry.snapshot()
    assert parse_json(render_json(snapshot)) == snapshot
    json.loads(render_json(snapshot))


def test_infinities_of_others_survive_json() -> None:
    series = tuple(Series((("a", str(value)),), GaugeValue(value)) for value in (math.inf, -math.inf))
    snapshot = Snapshot(1.0, (Family("g", "gauge", series=series),))
    assert parse_json(render_json(snapshot)) == snapshot


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"version": 2}', '{"version": 1, "time": 0, "families": [1]}', "{"])
def test_what_is_no_snapshot_is_refused(text: str) -> None:
    with pytest.raises(ExpositionError, match="not a snapshot"):
        parse_json(text)


@pytest.mark.parametrize(
    ("text", "line", "column", "reason"),
    [
        ("a 1\nb{x=1} 2\n# EOF\n", 2, 3, 'name="value" should stand here'),
        ("a 1\n", 2, 1, "does not end with # EOF"),
        ('# TYPE h histogram\nh_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\n# EOF\n', 4, 1, "never fall"),
        ("a 1\na 2\n# EOF\n", 2, 4, "is there twice"),
        ('a 1\nb 1\na{x="1"} 1\n# EOF\n', 4, 1, "belongs to a already"),
        ("# TYPE a counter\na_total -1\n# EOF\n", 2, 11, "cannot be -1"),
    ],
)
def test_an_error_says_where_and_why(text: str, line: int, column: int, reason: str) -> None:
    with pytest.raises(ExpositionError, match=reason) as refused:
        parse_openmetrics(text)
    assert (refused.value.line, refused.value.column) == (line, column)
