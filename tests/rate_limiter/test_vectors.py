"""Material that nobody here wrote, through the pure core; the contract repeats it on every engine."""

from typing import Any

import pytest

from conftest import Vectors
from lldkit.rate_limiter import Quota, fixed_window, gcra, token_bucket
from rate_limiter.timelines import Timeline

BUCKETS = pytest.mark.parametrize("bucket", [gcra, token_bucket], ids=lambda algorithm: algorithm.name)
TICK = 100_000


def quota_of(case: dict[str, Any]) -> Quota:
    quota = case["quota"]
    return Quota(quota["limit"], quota["period_s"], quota.get("burst", quota["limit"]))


@BUCKETS
def test_the_gcra_table(vectors: Vectors, bucket: Any) -> None:
    table = vectors.json("gcra-table", "rows.json")
    assert len(table["rows"]) == 16
    key = Timeline(bucket, quota_of(table))
    for row in table["rows"]:
        verdict = key.ask(row["now_ms"] * 1_000, row["cost"])
        retry = row["retry_after_ms"]
        assert verdict.allowed == row["allowed"], row
        assert verdict.remaining == row["remaining"], row
        assert verdict.reset_after_us == row["reset_after_ms"] * 1_000, row
        assert verdict.retry_after_us == (None if retry is None else retry * 1_000), row


@BUCKETS
def test_the_bucket_timelines(vectors: Vectors, bucket: Any) -> None:
    cases = vectors.json("bucket-timelines", "cases.json")["cases"]
    assert (len(cases), sum(len(case["steps"]) for case in cases)) == (8, 46)
    for case in cases:
        key, promises = Timeline(bucket, quota_of(case)), dict[str, Any]()
        for step in case["steps"]:
            now, where = step["at"] * TICK, (case["name"], step)
            if "tokens_before" in step:
                assert key.ask(now, cost=0).remaining == max(0, int(step["tokens_before"] // 1)), where
            if step["op"] == "cancel":
                if step["name"] in promises:  # a refused reservation holds nothing that could be given back
                    key.cancel(now, promises[step["name"]])
                continue
            max_delay = step.get("max_delay", 10**9) * TICK if step["op"] == "reserve" else 0
            verdict = key.ask(now, step["cost"], max_delay)
            assert verdict.allowed == step["allowed"], where
            if step["op"] == "reserve" and verdict:
                assert now + verdict.delay_us == step["acts_at"] * TICK, where
                promises[step.get("name", "")] = (key.state, step["cost"])


def test_the_window_reservations(vectors: Vectors) -> None:
    cases = vectors.json("window-reservations", "cases.json")["cases"]
    assert (len(cases), sum(len(case["steps"]) for case in cases)) == (2, 8)
    for case in cases:
        key = Timeline(fixed_window, quota_of(case))
        for step in case["steps"]:
            delays = [key.ask(step["at_ms"] * 1_000, 1, 10**12).delay_us for _ in range(step["units"])]
            assert delays[-1] == step["last_delay_ms"] * 1_000, (case["name"], step)
