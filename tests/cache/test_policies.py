"""The policies by hand: small cases whose victims can be told from the definition."""

from collections.abc import Sequence

import pytest

from cache.helpers import lines
from lldkit.cache import (
    Arc,
    Cache,
    Entry,
    Fifo,
    Lfu,
    Lru,
    PolicyFactory,
    PolicyName,
    S3Fifo,
    Sieve,
    TinyLfu,
    belady,
    simulate,
)
from lldkit.cache.chain import Chain
from lldkit.cache.sketch import FrequencySketch

FACTORIES: list[PolicyFactory] = [Arc, Fifo, Lfu, Lru, S3Fifo, Sieve, TinyLfu]
NAMES: list[PolicyName] = ["arc", "fifo", "lfu", "lru", "s3fifo", "sieve", "w-tinylfu"]


def entries(keys: str) -> dict[str, Entry[str]]:
    return {key: Entry(key) for key in keys}


def test_fifo_ignores_hits_and_lru_does_not() -> None:
    assert simulate("abacab", policy="fifo", maxsize=2).hits == 1  # a | b | A | c for a | a for b | b for c
    assert simulate("abacab", policy="lru", maxsize=2).hits == 2  # a | b | A | c for b | A | b for c


def test_lfu_evicts_the_least_used_and_among_equals_the_oldest() -> None:
    policy, known = Lfu[str](10), entries("abc")
    for key in "abc":
        policy.add(known[key])
    policy.hit(known["a"])
    assert [policy.evict().key for _ in range(3)] == ["b", "c", "a"]


def test_lfu_finds_the_lowest_count_again_after_a_removal() -> None:
    policy, known = Lfu[str](10), entries("abc")
    for key in "abc":
        policy.add(known[key])
    for key in "bcc":
        policy.hit(known[key])
    policy.remove(known["a"])
    assert [policy.evict().key for _ in range(2)] == ["b", "c"]
    assert policy._buckets == {}  # counts that nobody has take no memory


def test_who_leaves_a_chain_closes_the_gap_and_holds_nobody_there() -> None:
    chain, known = Chain[str](), entries("abcd")
    for entry in known.values():
        chain.push(entry)
    chain.remove(known["b"])
    assert chain.pop() is known["a"]
    assert [(known[key].older, known[key].newer) for key in "ab"] == [(None, None)] * 2
    assert (chain.weight, chain.pop(), chain.pop(), chain.pop()) == (2, known["c"], known["d"], None)


def shift(policy: PolicyName | PolicyFactory) -> tuple[int, int]:
    """Hits on the new favourites of an old cache, over the 20 x maxsize accesses after the change."""
    size = 50
    old = list(range(size)) * 100
    new = list(range(1000, 1000 + size)) * 20
    before = simulate(old, policy=policy, maxsize=size).hits
    return simulate(old + new, policy=policy, maxsize=size).hits - before, len(new)


def test_lfu_that_ages_forgets_what_was_popular() -> None:
    aging, requests = shift("lfu")
    never, _ = shift(lambda maxsize: Lfu(maxsize, halve_every=None))
    assert never == 0  # one of the old goes, and then the newcomers push each other out
    assert aging > requests // 4


def test_sieve_spares_what_was_used_and_its_hand_stays_in_place() -> None:
    policy, known = Sieve[str](10), entries("abcdefgh")
    for key in "abcdefg":
        policy.add(known[key])
    for key in "abg":
        policy.hit(known[key])
    assert policy.evict().key == "c"  # a and b lose their marks, the hand rests behind c
    policy.add(known["h"])
    policy.hit(known["a"])
    assert [policy.evict().key for _ in range(5)] == ["d", "e", "f", "h", "b"]


def test_the_hand_of_sieve_survives_the_removal_of_the_entry_it_rests_on() -> None:
    policy, known = Sieve[str](10), entries("abcd")
    for key in "abcd":
        policy.add(known[key])
    policy.hit(known["a"])
    assert policy.evict().key == "b"
    policy.remove(known["c"])  # the hand rests here
    assert [policy.evict().key for _ in range(2)] == ["d", "a"]


@pytest.mark.parametrize("make", FACTORIES)
def test_eviction_ends_when_every_entry_is_used(make: PolicyFactory) -> None:
    policy, known = make(100), [Entry(number) for number in range(100)]
    for entry in known:
        policy.add(entry)
    for _ in range(5):
        for entry in known:
            policy.hit(entry)
    assert {policy.evict() for _ in range(100)} == set(known)


@pytest.mark.parametrize("make", [Fifo, Lfu, Lru, S3Fifo, Sieve])
def test_where_nobody_is_nobody_is_evicted(make: PolicyFactory) -> None:
    policy = make(10)
    policy.add(entry := Entry("a"))
    policy.remove(entry)
    with pytest.raises(KeyError):
        policy.evict()


def test_s3fifo_moves_to_main_what_was_used_twice_and_remembers_the_others() -> None:
    policy, known = S3Fifo[str](20), entries("abcd")
    for key in "ab":
        policy.add(known[key])
    policy.hit(known["a"])
    policy.hit(known["a"])
    assert policy.evict().key == "b"
    assert policy.evict().key == "a"  # from main, where it came with its counter reset
    policy.add(known["b"])
    policy.add(known["c"])
    assert policy.evict().key == "c"  # b was remembered and is in main


def test_s3fifo_lets_one_loop_fill_main_until_the_first_eviction() -> None:
    assert simulate(list(range(1011)) * 10, policy="s3fifo", maxsize=256).hits > 0
    assert simulate(list(range(1011)) * 10, policy="lru", maxsize=256).hits == 0


@pytest.mark.parametrize("make", [S3Fifo, Arc])
def test_ghosts_are_bounded_and_hold_keys_only(make: type[S3Fifo[int]] | type[Arc[int]]) -> None:
    policy = make(100)
    for number in range(5_000):
        if number >= 100:
            policy.evict()
        policy.add(entry := Entry(number))
        if number % 2:
            policy.hit(entry)
    ghosts: Sequence[object]
    if isinstance(policy, S3Fifo):
        ghosts = [*policy._ghosts]
    else:
        ghosts = [*policy._once_ghosts.order, *policy._again_ghosts.order]
    assert 0 < len(ghosts) <= 101
    assert all(isinstance(ghost, int) for ghost in ghosts)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 10, 50, 100])
def test_tinylfu_works_at_every_small_size(size: int) -> None:
    favourites = [key for number in range(2_000) for key in (number % max(1, size // 2), 10_000 + number)]
    hits = simulate(favourites, policy="w-tinylfu", maxsize=size).hits
    assert hits >= (0 if size == 1 else 1_500)


def test_tinylfu_finds_a_window_for_recency_and_one_for_frequency() -> None:
    recency = [key for start in range(0, 20_000, 50) for key in [*range(start, start + 100)] * 2]
    loop = list(range(600)) * 40
    for trace in (recency, loop):
        best = belady(trace, maxsize=200).hits
        assert simulate(trace, policy="w-tinylfu", maxsize=200).hits > 0.8 * best
    assert simulate(loop, policy="lru", maxsize=200).hits == 0


def test_the_sketch_never_estimates_too_low_and_forgets_by_half() -> None:
    sketch = FrequencySketch(100)
    for _ in range(12):
        sketch.add("often")
    for number in range(300):
        sketch.add(number)
    assert sketch.estimate("often") >= 12
    for number in range(700):
        sketch.add(number)
    assert 6 <= sketch.estimate("often") < 12
    for _ in range(99):
        sketch.add("much")
    assert sketch.estimate("much") == 15


@pytest.mark.parametrize("policy", NAMES)
def test_ten_times_the_evictions_cost_ten_times_the_work(policy: PolicyName) -> None:

    def cost(count: int) -> int:
        """Of so many evictions in a cache half as big."""
        return lines(lambda: simulate(range(count), policy=policy, maxsize=count // 2))

    assert cost(20_000) <= 13 * cost(2_000)


@pytest.mark.parametrize("policy", NAMES)
def test_to_invalidate_costs_the_same_however_much_is_inside(policy: PolicyName) -> None:
    def cost(size: int) -> int:
        """The dearest of a hundred, where each key was used another number of times."""
        cache = Cache[int, int](maxsize=size, policy=policy, ttl=100)
        for key in range(size):
            cache.put(key, key)
            for _ in range(key % 100):
                cache.get(key)
        return max(lines(lambda key=key: cache.invalidate(key)) for key in range(0, size, size // 100))  # type: ignore[misc]

    assert cost(5_000) <= cost(500)


def test_belady_keeps_what_comes_soonest() -> None:
    assert belady("abcab", maxsize=2).hits == 1  # c takes the place of b: a | b | c | A | b
    assert belady("abcabc", maxsize=0).hits == 0
    assert belady("aabbccaabbcc", maxsize=3).hits == 9


def test_weights_count_in_the_simulator() -> None:
    result = simulate("aabb", policy="lru", maxsize=10, weights=[6, 6, 5, 5])
    assert (result.hits, result.evictions, result.hit_ratio, result.byte_hit_ratio) == (2, 1, 0.5, 0.5)
    assert simulate("aaa", policy="lru", maxsize=10, weights=[11, 11, 11]).hits == 0
    with pytest.raises(ValueError, match="shorter"):
        simulate("aaa", policy="lru", maxsize=10, weights=[1])


def test_a_wrong_policy_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"arc, fifo, lfu, lru, s3fifo, sieve, w-tinylfu or a callable.* got 'mru'"):
        simulate("a", policy="mru", maxsize=1)  # type: ignore[arg-type]
