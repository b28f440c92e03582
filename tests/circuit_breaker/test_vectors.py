"""Sequences that nobody here wrote: the windows alone, and whole breakers."""

from typing import Any

import pytest

from circuit_breaker.helpers import NeverRandom
from conftest import Vectors
from lldkit.circuit_breaker import CircuitBreaker, CircuitOpen, Permit, consecutive, last, rate, within
from lldkit.circuit_breaker.windows import FAILURE, SLOW, SUCCESS, Counts, Window
from lldkit.clock import ManualClock

KINDS = {"success": SUCCESS, "error": FAILURE, "slow_success": SLOW, "slow_error": SLOW | FAILURE}


def window_of(spec: dict[str, Any]) -> Window:
    if spec["kind"] == "last":
        return last(spec["size"])
    return within(spec["seconds"], buckets=spec["buckets"])


def aggregates(counts: Counts) -> dict[str, float]:
    calls = counts.calls
    return {
        "calls": calls,
        "successes": calls - counts.failures,
        "failures": counts.failures,
        "slow": counts.slow,
        "slow_successes": counts.slow - counts.slow_failures,
        "slow_failures": counts.slow_failures,
        "total_ms": counts.total_seconds() * 1_000,
        "failure_rate": counts.failures / calls if calls else 0.0,
        "slow_rate": counts.slow / calls if calls else 0.0,
    }


def test_the_windows(vectors: Vectors) -> None:
    cases = vectors.json("breaker-windows", "cases.json")["cases"]
    expected = sum("expect" in step for case in cases for step in case["steps"])
    assert (len(cases), expected) == (14, 37)
    for case in cases:
        counts, now = window_of(case["window"]).open(), 0.0
        for step in case["steps"]:
            if step["op"] == "record":
                counts.add(KINDS[step["outcome"]], step["duration_ms"] / 1_000, now)
            elif step["op"] == "advance":
                now += step["ms"] / 1_000
            counts.roll(now)
            found = aggregates(counts)
            for what, value in step.get("expect", {}).items():
                assert found[what] == pytest.approx(value, abs=1e-6), (case["name"], step, what)


def breaker_of(spec: dict[str, Any], clock: ManualClock) -> CircuitBreaker:
    trip = spec["trip"]
    rule = (
        consecutive(trip["failures"])
        if trip["kind"] == "consecutive"
        else rate(failures=trip["failures"], min_calls=trip["min_calls"])
    )
    return CircuitBreaker(
        "vector",
        window=window_of(spec["window"]),
        trip=rule,
        open_for=spec["open_for_s"],
        jitter=0,
        probes=spec["probes"],
        clock=clock,
        rng=NeverRandom(),
    )


def report(permit: Permit, outcome: str) -> None:
    {"succeed": permit.success, "fail": permit.failure, "ignore": permit.ignore}[outcome]()


def test_the_scenarios(vectors: Vectors) -> None:
    cases = vectors.json("breaker-scenarios", "cases.json")["cases"]
    operations = sum(step.get("times", 1) for case in cases for step in case["steps"])
    assert (len(cases), operations) == (5, 120)
    for case in cases:
        clock, started = ManualClock(), dict[str, Permit]()
        breaker = breaker_of(case["breaker"], clock)
        for step in case["steps"]:
            for _ in range(step.get("times", 1)):
                take(breaker, clock, started, step)
            expect = dict(step.get("expect", {}))
            if "state" in expect:
                assert breaker.state.value == expect.pop("state"), (case["name"], step)
            for what, value in expect.items():
                assert getattr(breaker.stats, what) == value, (case["name"], step, what)


def take(breaker: CircuitBreaker, clock: ManualClock, started: dict[str, Permit], step: dict[str, Any]) -> None:
    match step["op"]:
        case "succeed" | "fail" | "ignore" as outcome:
            report(breaker.admit(), outcome)
        case "rejected":
            with pytest.raises(CircuitOpen):
                breaker.admit()
        case "start":
            started[step["name"]] = breaker.admit()
        case "finish":
            report(started.pop(step["name"]), step["outcome"])
        case "advance":
            clock.advance(step["ms"] / 1_000)
        case operation:
            assert operation == "look"
