"""Every claim of safety for threads: under the deterministic scheduler, and with real threads whose keys yield."""

import threading
from collections.abc import Callable
from functools import partial

import pytest

from lldkit import interleave
from lldkit.cache import Cache, LoadDeadlockError, PolicyName
from lldkit.interleave import YieldingKey, hammer

INCLUDE = ["lldkit.cache"]
Program = tuple[dict[str, Callable[[], object]], Callable[[], object]]
POLICIES: list[PolicyName] = ["arc", "fifo", "lfu", "lru", "s3fifo", "sieve", "w-tinylfu"]


def prove(program: Callable[[], Program], *, schedules: int = 40) -> None:
    interleave.explore(program, schedules=schedules, include=INCLUDE).assert_ok()


def test_callers_of_one_key_make_one_load() -> None:
    def program() -> Program:
        cache, loads, got = Cache[str, int](maxsize=9), list[str](), list[int]()

        def load(key: str) -> int:
            loads.append(key)
            return 1

        def body() -> None:
            got.append(cache.get_or_load("k", load))

        return {"a": body, "b": body, "c": body}, lambda: (loads, got) == (["k"], [1, 1, 1])

    prove(program)


def test_a_call_after_an_invalidation_never_sees_what_was_loaded_before() -> None:
    def program() -> Program:
        origin, cache, seen = ["old"], Cache[str, str](maxsize=9), list[str]()

        def load(_: str) -> str:
            return origin[0]

        def write() -> None:
            origin[0] = "new"
            cache.invalidate("k")
            seen.append(cache.get_or_load("k", load))

        def read() -> None:
            cache.get_or_load("k", load)

        return {"writer": write, "reader": read}, lambda: seen == ["new"] and cache.get("k") == "new"

    prove(program, schedules=80)


def test_a_put_is_never_overwritten_by_a_load_that_began_before_it() -> None:
    def program() -> Program:
        cache = Cache[str, str](maxsize=9)

        def load() -> None:
            cache.get_or_load("k", lambda _: "loaded")

        return {"load": load, "put": lambda: cache.put("k", "put")}, lambda: cache.get("k") == "put"

    prove(program)


def test_two_loads_that_need_each_other_end() -> None:
    def program() -> Program:
        cache, errors = Cache[str, str](maxsize=9), list[object]()

        def life(key: str, other: str) -> Callable[[], None]:
            def body() -> None:
                try:
                    cache.get_or_load(key, lambda _: cache.get_or_load(other, lambda _: "leaf"))
                except LoadDeadlockError as error:
                    errors.append(error)

            return body

        return {"a": life("a", "b"), "b": life("b", "a")}, lambda: cache._flights.keys() == []

    prove(program)


@pytest.mark.parametrize("policy", POLICIES)
def test_the_bounds_hold_whoever_comes_first(policy: PolicyName) -> None:
    def program() -> Program:
        cache = Cache[int, int](maxsize=2, policy=policy)

        def body(start: int) -> Callable[[], None]:
            def run() -> None:
                for key in (start, start + 1, 1):
                    cache.put(key, key)
                    cache.get(key)
                cache.invalidate(start)

            return run

        def invariant() -> bool:
            return len(cache) == cache.weight <= 2 and all(cache.get(key) == key for key in cache)

        return {"a": body(0), "b": body(1)}, invariant

    prove(program, schedules=25)


def test_counts_are_not_lost() -> None:
    def program() -> Program:
        cache = Cache[int, int](maxsize=4, record_stats=True)
        cache.put(1, 1)

        def body() -> None:
            cache.get(1)
            cache.get(2)
            cache.get_or_load(1, int)

        def invariant() -> bool:
            return (cache.stats.hits, cache.stats.misses) == (6, 3)

        return {"a": body, "b": body, "c": body}, invariant

    prove(program)


def test_removals_of_a_key_are_told_in_their_order() -> None:
    def program() -> Program:
        told: list[int] = []
        cache = Cache[str, int](maxsize=4, on_removal=lambda _key, value, _cause: told.append(value))

        def body() -> None:
            for _ in range(2):
                with lock:
                    cache.put("k", next(numbers))

        numbers, lock = iter(range(10)), threading.Lock()
        return {"a": body, "b": body}, lambda: told == [0, 1, 2]

    prove(program)


@pytest.mark.parametrize("policy", POLICIES)
def test_real_threads_whose_keys_yield_break_nothing(policy: PolicyName) -> None:
    cache = Cache[YieldingKey, int](maxsize=4, policy=policy)
    keys = [YieldingKey(number) for number in range(9)]

    def body(number: int) -> None:
        for step in range(60):
            key = keys[(step * 7 + number) % 9]
            cache.put(key, step)
            cache.get(key)
            cache.get_or_load(keys[step % 9], lambda _: 0)
            if step % 5 == 0:
                cache.invalidate(key)

    report = hammer(*[partial(body, number) for number in range(8)], rounds=2)
    assert (report.errors, report.lost) == ((), ())
    assert len(cache) == cache.weight <= 4
    for key in list(cache):
        assert cache.invalidate(key)
    assert cache._table.cells == {}
