"""Material that nobody here wrote: bucket indices, quantiles, moving rates, and conformance of the text format."""

import csv
import itertools
import math

import pytest

from conftest import Vectors
from lldkit.metrics.ewma import Ewma
from lldkit.metrics.explicit import ExplicitValue
from lldkit.metrics.exponential import ExponentialSketch
from lldkit.metrics.indexing import bucket_index
from lldkit.metrics.interface import ExpositionError
from lldkit.metrics.openmetrics import render_openmetrics
from lldkit.metrics.parse import parse_openmetrics
from lldkit.metrics.window import Ring, Window


def test_every_value_falls_into_the_bucket_that_opentelemetry_says(vectors: Vectors) -> None:
    rows = list(csv.DictReader((vectors.path("metrics-exponential") / "index.csv").read_text().splitlines()))
    assert len(rows) == 92
    for row in rows:
        assert bucket_index(float.fromhex(row["value_hex"]), int(row["scale"])) == int(row["index"]), row


def explicit(buckets: list[tuple[str, float]]) -> ExplicitValue:
    cumulative = [0, *(int(count) for _, count in buckets)]
    counts = tuple(after - before for before, after in itertools.pairwise(cumulative))
    return ExplicitValue(tuple(float(le) for le, _ in buckets[:-1]), counts, None, cumulative[-1])


def test_explicit_buckets_answer_as_prometheus_does(vectors: Vectors) -> None:
    cases = vectors.json("metrics-quantiles", "explicit.json")
    assert [case["op"] for case in cases].count("quantile") == 16
    assert [case["op"] for case in cases].count("fraction") == 15
    for case in cases:
        value, arguments, expected = explicit(case["buckets"]), map(float, case["args"]), float(case["expected"])
        answer = value.quantile if case["op"] == "quantile" else value.fraction
        if math.isfinite(expected):
            assert answer(*arguments) == pytest.approx(expected, abs=1e-9), case
        elif value.count == 0:
            assert answer(*arguments) is None, case
        else:
            with pytest.raises(ValueError, match="is asked for"):
                answer(*arguments)


def test_a_real_latency_distribution_stays_within_the_promised_error(vectors: Vectors) -> None:
    rows = list(csv.DictReader((vectors.path("metrics-quantiles") / "jhiccup.csv").read_text().splitlines()))
    assert (len(rows), sum(int(row["count"]) for row in rows)) == (764, 48_761)
    single, batched = ExponentialSketch(), ExponentialSketch()
    for row in rows:
        single.add(float(row["value"]), int(row["count"]))
        batched.extend([float(row["value"])] * int(row["count"]))
    assert (single.positive, single.zeros, single.scale) == (batched.positive, batched.zeros, batched.scale)
    exact = {0: 0, 0.5: 327_935, 0.9: 409_855, 0.99: 1_427_111_935, 0.999: 1_745_879_039, 1: 1_796_210_687}
    for q, value in exact.items():
        assert single.quantile(q) == pytest.approx(value, rel=single.relative_error)
    assert single.relative_error < 0.05


def test_moving_rates_are_those_of_dropwizard(vectors: Vectors) -> None:
    series = vectors.json("metrics-windows", "ewma.json")
    assert sum(len(each["rate_after_first_tick_then_each_minute"]) for each in series) == 32
    for each in series:
        average = Ewma(each["tau_seconds"], each["tick_seconds"])
        average.update(each["updates_before_first_tick"])
        average.tick()
        for rate in each["rate_after_first_tick_then_each_minute"]:
            assert average.rate() == pytest.approx(rate, abs=each["tolerance"])
            for _ in range(60 // each["tick_seconds"]):
                average.tick()


@pytest.mark.parametrize(("times", "name"), [((0.0,), "tau_seconds"), ((60.0, 0.0), "tick_seconds")])
def test_a_moving_rate_needs_times_above_0(times: tuple[float, ...], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} "):
        Ewma(*times)


def test_windows_hold_what_dropwizard_says(vectors: Vectors) -> None:
    cases = vectors.json("metrics-windows", "sliding.json")
    assert len(cases) == 12
    for case in cases:
        window = Window(case["window_seconds"], case["slots"])
        ring: Ring[list[int]] = Ring(window.slots, list)
        moments = [(at, 0, n) for at, n in case["events"]] + [(at, 1, n) for at, n in case["queries"]]
        for at, kind, n in sorted(moments):
            if kind == 0:
                ring.cell(window.slot_of(at)).append(n)
            else:
                assert sum(map(sum, ring.live(window.slot_of(at)))) == n, case["name"]


def test_texts_are_accepted_and_refused_as_the_openmetrics_suite_says(vectors: Vectors) -> None:
    cases = vectors.json("metrics-openmetrics", "cases.json")
    assert [case["should_parse"] for case in cases].count(True) == 25
    assert [case["should_parse"] for case in cases].count(False) == 87
    for case in cases:
        if case["should_parse"]:
            parsed = parse_openmetrics(case["text"])
            text = render_openmetrics(parsed)
            assert parse_openmetrics(text) == parsed, case["name"]
            assert render_openmetrics(parse_openmetrics(text)) == text, case["name"]
        else:
            with pytest.raises(ExpositionError):
                parse_openmetrics(case["text"])
