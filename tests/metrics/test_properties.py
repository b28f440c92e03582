"""What holds for all inputs: buckets against exact arithmetic, quantiles against sorted lists, windows against logs."""

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lldkit.metrics.explicit import ExplicitCells, ExplicitValue
from lldkit.metrics.exponential import Exponential, ExponentialSketch
from lldkit.metrics.indexing import bucket_index, upper_bound
from lldkit.metrics.sums import add_exactly
from lldkit.metrics.window import Ring, Window

NORMAL = st.floats(min_value=2.0**-1022, max_value=1.7e308)
VALUES = NORMAL | NORMAL.map(lambda value: -value) | st.just(0.0) | st.floats(0.5, 2.0)
QUANTILES = st.floats(0, 1)
UNHURRIED = settings(deadline=None)


def at_most(value: float, power: int, scale: int) -> bool:
    """Whether value <= 2**(power / 2**scale), in exact arithmetic."""
    exact = Fraction(value) ** (1 << scale)
    return exact <= (Fraction(2) ** power)


@UNHURRIED
@given(st.floats(1e-9, 1e9), st.integers(0, 5))
def test_a_value_is_above_the_lower_and_not_above_the_upper_bound_of_its_bucket(value: float, scale: int) -> None:
    index = bucket_index(value, scale)
    assert at_most(value, index + 1, scale)
    assert not at_most(value, index, scale)


@UNHURRIED
@given(NORMAL, st.integers(-9, 20))
def test_halving_an_index_is_indexing_at_the_next_lower_scale(value: float, scale: int) -> None:
    assert bucket_index(value, scale) >> 1 == bucket_index(value, scale - 1)


@UNHURRIED
@given(NORMAL, st.integers(-10, 20))
def test_the_upper_bound_is_the_last_float_of_its_bucket(value: float, scale: int) -> None:
    index = bucket_index(value, scale)
    bound = upper_bound(index, scale)
    assert value <= bound
    if bound < math.inf:
        assert bucket_index(bound, scale) == index
        assert bucket_index(math.nextafter(bound, math.inf), scale) == index + 1


@pytest.mark.parametrize("scale", range(-10, 21))
def test_every_power_of_two_ends_its_bucket(scale: int) -> None:
    for power in range(-1021, 1024):
        index = bucket_index(2.0**power, scale)
        below, above = math.nextafter(2.0**power, 0), math.nextafter(2.0**power, math.inf)
        if scale >= 0:
            assert index == (power << scale) - 1
            assert bucket_index(above, scale) == index + 1
        else:
            assert index == (power - 1) >> -scale
        assert bucket_index(below, scale) == index


def nearest_rank(values: list[float], q: float) -> float:
    return sorted(values)[max(1, math.ceil(q * len(values))) - 1]


def sketch_of(values: list[float], most: int = 160) -> ExponentialSketch:
    sketch = ExponentialSketch(Exponential(max_buckets=most))
    for value in values:
        sketch.add(value)
    return sketch


@UNHURRIED
@given(st.lists(VALUES, min_size=1, max_size=50), QUANTILES, st.integers(2, 200))
def test_a_quantile_is_within_the_promised_error_and_range(values: list[float], q: float, most: int) -> None:
    sketch = sketch_of(values, most)
    exact, estimate = nearest_rank(values, q), sketch.quantile(q)
    assert estimate is not None
    assert abs(estimate - exact) <= sketch.relative_error * abs(exact) * (1 + 1e-9)
    assert min(values) <= estimate <= max(values)
    assert len(sketch.positive) <= most
    assert len(sketch.negative) <= most


@UNHURRIED
@given(st.lists(VALUES, min_size=1, max_size=200), st.integers(2, 200))
def test_a_batch_counts_like_its_values_one_by_one(values: list[float], most: int) -> None:
    batched = ExponentialSketch(Exponential(max_buckets=most))
    batched.extend(sorted(values))
    single = sketch_of(values, most)
    assert (batched.scale, batched.positive, batched.negative, batched.zeros, batched.count) == (
        *(single.scale, single.positive, single.negative, single.zeros, single.count),
    )


@UNHURRIED
@given(st.lists(VALUES, max_size=30), st.lists(VALUES, max_size=30), st.lists(VALUES, max_size=30), st.integers(2, 99))
def test_merging_is_like_having_seen_all(a: list[float], b: list[float], c: list[float], most: int) -> None:
    one, two, three = sketch_of(a, most).value(), sketch_of(b, most).value(), sketch_of(c, most).value()
    left, right = one.merge(two).merge(three), three.merge(two.merge(one))
    whole = sketch_of(a + b + c, most).value()
    for merged in (left, right):
        assert (merged.scale, merged.positive, merged.negative, merged.zero_count, merged.count) == (
            *(whole.scale, whole.positive, whole.negative, whole.zero_count, whole.count),
        )
        assert (merged.min, merged.max) == (whole.min, whole.max)
        assert all(merged.quantile(q) == whole.quantile(q) for q in (0, 0.25, 0.5, 0.99, 1))


@UNHURRIED
@given(st.lists(VALUES, min_size=1, max_size=40), st.lists(QUANTILES, min_size=2, max_size=5))
def test_quantiles_rise_with_their_share(values: list[float], shares: list[float]) -> None:
    cells = ExplicitCells((-1.0, 0.0, 0.7, 1.0, 1.5, 100.0))
    cells.extend(sorted(values))
    for value in (cells.value(), sketch_of(values).value()):
        answers = [value.quantile(q) or 0.0 for q in sorted(shares)]
        assert answers == sorted(answers)
        assert min(values) <= answers[0] <= answers[-1] <= max(values)


@UNHURRIED
@given(st.lists(st.floats(-10, 10), max_size=40), st.lists(st.floats(-9, 9), min_size=1, max_size=9, unique=True))
def test_explicit_buckets_hold_what_a_plain_search_says(values: list[float], bounds: list[float]) -> None:
    bounds.sort()
    cells = ExplicitCells(tuple(bounds))
    if values:
        cells.extend(sorted(values))
    naive = [0] * (len(bounds) + 1)
    for value in values:
        naive[next((place for place, bound in enumerate(bounds) if value <= bound), len(bounds))] += 1
    assert cells.value().counts == tuple(naive)
    total = cells.value().sum
    assert total is not None
    assert Fraction(total) == pytest.approx(sum(map(Fraction, values)))


@UNHURRIED
@given(st.lists(st.floats(-10, 10), min_size=1, max_size=30), st.floats(-12, 12), st.floats(-12, 12))
def test_fractions_are_shares_and_add_up(values: list[float], x: float, y: float) -> None:
    cells = ExplicitCells((-5.0, -1.0, 0.0, 1.0, 5.0))
    cells.extend(sorted(values))
    low, high = sorted((x, y))
    for value in (cells.value(), sketch_of(values).value()):
        part, below, up_to = value.fraction(low, high), value.fraction(-math.inf, low), value.fraction(-math.inf, high)
        assert part is not None
        assert below is not None
        assert up_to is not None
        assert 0 <= below <= up_to <= 1 + 1e-12
        assert value.fraction(-math.inf, math.inf) == 1
        assert value.fraction(min(values), max(values)) == 1


@UNHURRIED
@given(st.lists(st.floats(-1e300, 1e300), max_size=60))
def test_a_compensated_sum_is_the_exact_one_rounded_once(values: list[float]) -> None:
    total = lost = 0.0
    for value in values:
        total, lost = add_exactly(total, lost, [value])
    exact = float(sum(map(Fraction, values)))
    assert abs(total - exact) <= math.ulp(exact) + math.ulp(max(map(abs, values), default=0.0)) * 2.0**-40


STEPS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3)), max_size=40)


@UNHURRIED
@given(STEPS, st.integers(1, 6), st.sampled_from([1.0, 6.0, 7.0, 0.25]))
def test_a_window_is_a_log_of_the_slots_it_covers(steps: list[tuple[int, int]], slots: int, seconds: float) -> None:
    window, log, now = Window(seconds, slots), list[tuple[int, int]](), 0.0
    ring: Ring[list[int]] = Ring(slots, list)
    for tenths, n in steps:
        now += tenths / 10
        slot = window.slot_of(now)
        ring.cell(slot).append(n)
        log.append((slot, n))
        for ahead in (0, 1, slots, 3 * slots):
            expected = sum(n for at, n in log if slot + ahead - slots < at <= slot + ahead)
            assert sum(map(sum, ring.live(slot + ahead))) == expected
        assert window.slot_of(now + seconds) == slot + slots
        assert seconds * (1 - 1 / slots) - 1e-5 <= window.covered(-1e9, now) <= seconds + 1e-5


@UNHURRIED
@given(st.lists(st.lists(st.floats(-9, 9), max_size=20), min_size=1, max_size=6))
def test_deltas_of_a_growing_histogram_add_up_to_it(batches: list[list[float]]) -> None:
    cells, sketch = ExplicitCells((-1.0, 1.0)), ExponentialSketch(Exponential(max_buckets=8))
    explicit = total = cells.value()
    exponential = whole = sketch.value()
    for batch in batches:
        if batch:
            cells.extend(sorted(batch))
            sketch.extend(sorted(batch))
        gained, more = cells.value().since(explicit), sketch.value().since(exponential)
        assert isinstance(gained, ExplicitValue)
        assert more is not None
        assert (gained.count, more.count) == (len(batch), len(batch))
        explicit, exponential = cells.value(), sketch.value()
        total, whole = total.merge(gained), whole.merge(more)
    assert total.counts == explicit.counts
    assert (whole.positive, whole.negative) == (exponential.positive, exponential.negative)
