"""The cache as a mapping: sizes, weights, removals, statistics, and who may call it from where."""

import gc
import math
import os
import signal
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from lldkit.cache import Cache, CacheEvent, CacheStats, EntryTooLarge, ListenerFailed, PolicyName, RemovalCause
from lldkit.clock import ManualClock

POLICIES: list[PolicyName] = ["arc", "fifo", "lfu", "lru", "s3fifo", "sieve", "w-tinylfu"]
EXPLICIT, REPLACED, SIZE, EXPIRED = RemovalCause


def listening(**options: Any) -> tuple[Cache[Any, Any], list[tuple[object, object, RemovalCause]]]:
    heard: list[tuple[object, object, RemovalCause]] = []
    return Cache(on_removal=lambda *removal: heard.append(removal), **options), heard


def finishes(body: Callable[[], object]) -> bool:
    """Whether `body` returns; a deadlock must not hang the tests."""
    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    thread.join(10)
    return not thread.is_alive()


@pytest.mark.parametrize("policy", POLICIES)
def test_it_is_a_mapping_that_holds_at_most_maxsize(policy: PolicyName) -> None:
    cache = Cache[int, str](maxsize=10, policy=policy)
    for number in range(100):
        cache[number] = str(number)
        assert len(cache) == min(number + 1, 10)
        assert cache[number] == str(number)
    assert dict(cache) == {key: str(key) for key in cache}
    assert sorted(cache.values()) == sorted(str(key) for key in cache)
    assert (next(iter(cache.items()))) in cache.items()
    key = next(iter(cache))
    del cache[key]
    assert key not in cache
    with pytest.raises(KeyError):
        del cache[key]
    with pytest.raises(KeyError):
        cache[key]


@pytest.mark.parametrize("policy", POLICIES)
def test_to_overwrite_in_a_full_cache_evicts_nobody(policy: PolicyName) -> None:
    cache, heard = listening(maxsize=3, policy=policy)
    for key in "abc":
        cache[key] = 1
    for key in "abcabc":
        cache[key] = 2
    assert sorted(cache) == ["a", "b", "c"]
    assert {cause for *_, cause in heard} == {REPLACED}


@pytest.mark.parametrize("value", [None, 0, "", [], False])
def test_every_value_is_a_value(value: object) -> None:
    cache = Cache[str, object](maxsize=3)
    calls: list[str] = []

    def load(key: str) -> object:
        calls.append(key)
        return value

    assert [cache.get_or_load("k", load) for _ in range(3)] == [value] * 3
    assert calls == ["k"]
    assert "k" in cache
    assert cache.get("k", "default") == value


def test_keys_are_the_same_when_a_dict_holds_them_for_the_same() -> None:
    cache = Cache[Any, str](maxsize=9)
    cache[-1], cache[-2] = "minus one", "minus two"
    cache["a:b", "c"], cache["a", "b:c"] = "left", "right"
    assert (cache[-1], cache[-2], cache["a:b", "c"], cache["a", "b:c"]) == ("minus one", "minus two", "left", "right")
    with pytest.raises(TypeError, match="unhashable"):
        cache.get([])
    with pytest.raises(TypeError, match="unhashable"):
        cache.put([], "x")
    assert len(cache) == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"maxsize": -1}, "maxsize must be at least 0, got -1"),
        ({"maxsize": 1, "ttl": 0}, "ttl must be a finite number > 0, got 0"),
        ({"maxsize": 1, "ttl": math.nan}, "ttl must be a finite number > 0, got nan"),
        ({"maxsize": 1, "idle_ttl": -1}, "idle_ttl must be a finite number > 0, got -1"),
        ({"maxsize": 1, "ttl_jitter": 1.5}, "ttl_jitter must be a finite number >= 0 and <= 1, got 1.5"),
    ],
)
def test_bad_arguments_are_refused_by_name_and_value(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        Cache(**options)


def test_a_bad_put_changes_nothing() -> None:
    cache = Cache[str, int](maxsize=3, weigher=lambda _, value: value)
    cache.put("a", 2)
    with pytest.raises(ValueError, match="ttl must be a finite number > 0, got nan"):
        cache.put("a", 3, ttl=math.nan)
    with pytest.raises(ValueError, match="the weight of 'a' must be at least 0, got -1"):
        cache.put("a", -1)
    with pytest.raises(ValueError, match="maxsize must be at least 0, got -1"):
        cache.resize(-1)
    assert (dict(cache), cache.weight, cache.maxsize) == ({"a": 2}, 2, 3)


def test_a_cache_of_size_0_stores_nothing_and_loads() -> None:
    cache = Cache[str, int](maxsize=0)
    cache.put("a", 1)
    assert len(cache) == 0
    assert [cache.get_or_load("a", len) for _ in range(2)] == [1, 1]
    assert "a" not in cache


def test_without_a_maxsize_nothing_is_evicted() -> None:
    cache = Cache[int, int](maxsize=None)
    cache.update((number, number) for number in range(5_000))
    assert len(cache) == cache.weight == 5_000


@pytest.mark.parametrize("policy", POLICIES)
def test_weights_are_bounded_and_summed(policy: PolicyName) -> None:
    cache = Cache[int, int](maxsize=100, policy=policy, weigher=lambda _, value: value)
    for number in range(300):
        cache[number % 40] = number * 7 % 30
        assert cache.weight == sum(cache.values()) <= 100
    cache.put(1, 0)
    assert cache[1] == 0


def test_what_is_too_heavy_is_refused_and_its_old_value_is_gone() -> None:
    cache, heard = listening(maxsize=10, weigher=lambda _, value: value)
    cache["a"] = 5
    with pytest.raises(EntryTooLarge, match="the value of 'a' weighs 11, and the cache holds 10") as refused:
        cache["a"] = 11
    assert (refused.value.key, refused.value.weight, refused.value.maxsize) == ("a", 11, 10)
    assert "a" not in cache
    assert heard == [("a", 5, SIZE)]
    assert cache.get_or_load("a", lambda _: 12) == 12
    assert cache.weight == 0


@pytest.mark.parametrize("policy", POLICIES)
def test_resize_evicts_down_at_once_and_keeps_what_fits(policy: PolicyName) -> None:
    cache = Cache[int, int](maxsize=100, policy=policy)
    cache.update((number, number) for number in range(100))
    cache.resize(10)
    assert (len(cache), cache.maxsize) == (10, 10)
    before = set(cache)
    cache.resize(50)
    cache.update((number, number) for number in range(1_000, 1_040))
    assert len(cache) == 50
    assert before <= set(cache)


def test_every_removal_is_reported_once_with_its_cause() -> None:
    clock = ManualClock()
    cache, heard = listening(maxsize=2, policy="lru", clock=clock)
    value = object()
    cache.put("a", value)
    cache.put("a", value)
    cache.put("b", 2, ttl=5)
    cache.put("c", 3)
    cache.invalidate("c")
    clock.advance(5)
    cache.expire()
    cache.put("d", 4)
    cache.clear()
    assert heard == [
        ("a", value, REPLACED),
        ("a", value, SIZE),
        ("c", 3, EXPLICIT),
        ("b", 2, EXPIRED),
        ("d", 4, EXPLICIT),
    ]


def test_a_listener_that_raises_misses_nothing_and_is_told() -> None:
    events: list[CacheEvent] = []
    heard: list[object] = []

    def listener(key: object, value: object, cause: object) -> None:
        heard.append(key)
        raise ZeroDivisionError

    cache = Cache[str, int](maxsize=9, on_removal=listener, on_event=events.append, clock=ManualClock())
    cache.update(a=1, b=2)
    cache.clear()
    assert heard == ["a", "b"]
    assert [type(event) for event in events] == [ListenerFailed] * 2


def test_looking_leaves_no_trace() -> None:
    cache = Cache[str, int](maxsize=3, policy="lru", record_stats=True)
    cache.update(a=1, b=2, c=3)
    assert "a" in cache
    assert (cache.peek("a"), cache.peek("x", 7)) == (1, 7)
    assert [*cache, *cache.items(), *cache.values()]
    assert repr(cache) == "Cache(maxsize=3, 3 entries)"
    assert cache.stats == CacheStats(size=3, weight=3)
    cache["d"] = 4
    assert "a" not in cache


def test_statistics_add_up() -> None:
    cache = Cache[str, int](maxsize=2, policy="lru", record_stats=True, clock=ManualClock())
    cache.update(a=1, b=2, c=3)
    assert [cache.get(key) for key in "aabbc"] == [None, None, 2, 2, 3]
    cache.get_or_load("d", len)
    with pytest.raises(ZeroDivisionError):
        cache.get_or_load("e", lambda _: 1 // 0)
    assert cache.stats == CacheStats(
        hits=3, misses=4, loads=2, load_failures=1, evictions=2, evicted_weight=2, size=2, weight=2
    )
    assert cache.stats.hit_ratio == 3 / 7
    assert Cache[str, int](maxsize=2).stats.hit_ratio == 0.0


class Nosy:
    """Calls the cache whenever it is asked for its hash, compared, or finalised."""

    cache: Cache[Any, Any] | None = None

    def __init__(self, name: str) -> None:
        self.name = name

    def ask(self) -> None:
        cache, Nosy.cache = Nosy.cache, None
        if cache is not None:
            cache.put("nosy", 1)
            cache.get("nosy")
            cache.invalidate("other")
            cache.get_or_load("nosy too", len)
            Nosy.cache = cache

    def __hash__(self) -> int:
        self.ask()
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        self.ask()
        return isinstance(other, Nosy) and self.name == other.name

    def __del__(self) -> None:
        self.ask()


@pytest.mark.parametrize("policy", POLICIES)
def test_keys_and_finalizers_that_call_the_cache_do_not_deadlock(policy: PolicyName) -> None:
    cache = Cache[Any, Any](maxsize=4, policy=policy)
    Nosy.cache = cache

    def life() -> None:
        for number in range(200):
            cache.put(Nosy(str(number % 9)), Nosy("value"))
            cache.invalidate(Nosy(str(number % 5)))
        cache.clear()

    try:
        assert finishes(life)
    finally:
        Nosy.cache = None
    assert len(cache) <= 4


def test_listeners_weighers_and_weak_references_may_call_the_cache() -> None:
    class Value:
        pass

    def listener(key: int, _value: object, _cause: object) -> None:
        assert finishes(lambda: cache.get(key))  # from another thread: no lock is held
        if key > 0:
            cache.put(-key, Value())

    def weigher(key: int, _: object) -> int:
        assert finishes(lambda: cache.peek(key))
        return 1

    cache = Cache[int, Value](maxsize=3, on_removal=listener, weigher=weigher)
    kept: list[weakref.ref[Value]] = []

    def life() -> None:
        for number in range(1, 8):
            value = Value()
            kept.append(weakref.ref(value, lambda _: cache.peek(1)))
            cache.put(number, value)
        del value
        gc.collect()

    cache.resize(6)
    assert finishes(life)
    assert len(cache) <= 6


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_after_a_fork_no_lock_is_held_and_no_load_is_awaited() -> None:
    cache = Cache[str, int](maxsize=9)
    cache["a"] = 1
    inside, leave = threading.Event(), threading.Event()

    def slow(_: str) -> int:
        inside.set()
        leave.wait(10)
        return 2

    def change() -> None:
        with cache._lock:  # as in the middle of a change
            held.set()
            leave.wait(10)

    held = threading.Event()
    others = [threading.Thread(target=cache.get_or_load, args=("b", slow)), threading.Thread(target=change)]
    for thread, is_there in zip(others, (inside, held), strict=True):
        thread.start()
        is_there.wait(10)
    child = os.fork()
    if child == 0:
        signal.alarm(10)  # it would hang for ever
        is_right = cache.get_or_load("b", lambda _: 3) == 3 and cache.get("a") == 1
        os._exit(0 if is_right else 1)
    _, status = os.waitpid(child, 0)
    leave.set()
    for thread in others:
        thread.join()
    assert os.waitstatus_to_exitcode(status) == 0
    assert cache["b"] == 2


def test_it_is_one_thing_and_not_its_contents() -> None:
    assert Cache[int, int](maxsize=1) != Cache[int, int](maxsize=1)
    assert len({Cache[int, int](maxsize=1), Cache[int, int](maxsize=1)}) == 2
    assert sys.getrefcount(Cache[int, int](maxsize=1)) <= 2
