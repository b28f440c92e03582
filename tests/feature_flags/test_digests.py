"""Digests as bytes: in the order of the points that they stand for, at every boundary."""

import math

from hypothesis import example, given
from hypothesis import strategies as st

from feature_flags.helpers import flag, rules_of
from lldkit.feature_flags import Context
from lldkit.feature_flags.digests import digest_of, edge_of, has_digests


def point(digest: int) -> float:
    """As `blake2b/1` makes it of a digest."""
    return min(digest / 2**64, math.nextafter(1.0, 0.0))


@given(st.floats(0, 1))
@example(0.0)
@example(1.0)
@example(0.5)
@example(math.nextafter(1.0, 0.0))
@example(1e-5)
@example(5e-324)
def test_an_edge_parts_the_digests_below_an_end_from_the_others(end: float) -> None:
    edge = edge_of(end)
    least = int.from_bytes(edge, "big") if len(edge) == 8 else 2**64
    assert least == 2**64 or point(least) >= end
    assert least == 0 or point(least - 1) < end


def test_below_a_whole_is_every_digest_and_nobody_without_a_unit() -> None:
    (rule,) = rules_of({"f": flag(rules=[{"id": "r", "rollout": {"percent": 100}, "serve": "on"}])}).flags["f"].rules
    bucket, ranges = rule.gates[0].bucket, rule.gates[0].ranges
    assert has_digests(bucket, ranges)
    digest = digest_of(bucket)
    assert digest(Context("u")) < b"\xff" * 8 < edge_of(1.0) < digest(Context())


def test_ranges_with_gaps_are_left_to_numbers() -> None:
    (rule,) = rules_of({"f": flag(rules=[{"id": "r", "rollout": {"percent": 50}, "serve": "on"}])}).flags["f"].rules
    bucket = rule.gates[0].bucket
    assert not has_digests(bucket, [(0.0, 0.2), (0.3, 1.0)])
    assert not has_digests(bucket, [(0.1, 1.0)])
