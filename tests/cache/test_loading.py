"""Loading in one thread and in several: one load per key, errors, recursion, deadlocks, and what beats a load."""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from lldkit.cache import Cache, LoadDeadlockError, LoadPolicy, LoadRecursionError
from lldkit.clock import ManualClock


class Slow:
    """A loader that says when it has begun and returns when it may."""

    def __init__(self, result: Any = "loaded") -> None:
        self.result = result
        self.calls: list[object] = []
        self.began, self.may_end = threading.Event(), threading.Event()

    def __call__(self, key: object) -> Any:
        self.calls.append(key)
        self.began.set()
        assert self.may_end.wait(10)
        if isinstance(self.result, BaseException):
            raise self.result
        return self.result


def caught(body: Callable[[], Any]) -> Any:
    try:
        return body()
    except BaseException as error:  # noqa: BLE001 - it is what the test asks for
        return error


class Callers:
    """Threads that call, and what each of them got."""

    def __init__(self) -> None:
        self.got: list[Any] = []
        self._threads: list[threading.Thread] = []

    def start(self, body: Callable[[], Any], count: int = 1) -> None:
        for _ in range(count):
            thread = threading.Thread(target=lambda: self.got.append(caught(body)), daemon=True)
            thread.start()
            self._threads.append(thread)

    def all(self) -> list[Any]:
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive(), "hangs"
        return self.got


def wait_for_waiters(cache: Cache[Any, Any], key: object, count: int) -> None:
    """Until so many callers wait for the load of `key`, the leader not among them."""
    pause = threading.Event()
    for _ in range(2_000):
        flight = cache._flights.get(key)
        if flight is not None and len(flight.turns) > count:
            return
        pause.wait(0.005)
    raise AssertionError("they do not come")


def test_sixteen_threads_and_one_cold_key_make_one_load() -> None:
    cache, load, callers = Cache[str, str](maxsize=9), Slow(), Callers()
    callers.start(lambda: cache.get_or_load("k", load), 16)
    wait_for_waiters(cache, "k", 15)
    load.may_end.set()
    assert callers.all() == ["loaded"] * 16
    assert load.calls == ["k"]


def test_keys_do_not_wait_for_each_other() -> None:
    cache, barrier, callers = Cache[int, int](maxsize=9), threading.Barrier(4, timeout=10), Callers()

    def load(key: int) -> int:
        barrier.wait()  # passes only when all four load at once
        return key

    for key in range(4):
        callers.start(lambda key=key: cache.get_or_load(key, load))  # type: ignore[misc]
    assert sorted(callers.all()) == [0, 1, 2, 3]


def test_an_error_is_shared_by_all_who_wait_and_not_cached() -> None:
    cache, load, callers = Cache[str, str](maxsize=9), Slow(ValueError("down")), Callers()
    callers.start(lambda: cache.get_or_load("k", load), 8)
    wait_for_waiters(cache, "k", 7)
    load.may_end.set()
    assert callers.all() == [load.result] * 8
    assert load.calls == ["k"]
    assert cache.get_or_load("k", lambda _: "up") == "up"


def test_a_loader_that_needs_its_own_key_is_told_so() -> None:
    cache = Cache[str, str](maxsize=9)

    def direct(key: str) -> str:
        return cache.get_or_load(key, direct)

    def detour(key: str) -> str:
        return cache.get_or_load("b" if key == "a" else "a", detour)

    for load in (direct, detour):
        with pytest.raises(LoadRecursionError, match="the load of 'a' asks for 'a' itself") as refused:
            cache.get_or_load("a", load)
        assert refused.value.key == "a"
    assert cache.get_or_load("a", lambda _: "fine") == "fine"


def test_a_detour_through_another_cache_is_seen_too() -> None:
    first, second = Cache[str, str](maxsize=9), Cache[str, str](maxsize=9)
    with pytest.raises(LoadRecursionError):
        first.get_or_load("a", lambda _: second.get_or_load("b", lambda _: first.get_or_load("a", str)))


def test_a_loader_may_load_other_keys() -> None:
    cache = Cache[int, int](maxsize=99)

    def fibonacci(n: int) -> int:
        return n if n < 2 else cache.get_or_load(n - 1, fibonacci) + cache.get_or_load(n - 2, fibonacci)

    assert cache.get_or_load(50, fibonacci) == 12_586_269_025


def test_who_closes_a_circle_of_two_threads_is_told_and_the_other_goes_on() -> None:
    cache, barrier, callers = Cache[str, object](maxsize=9), threading.Barrier(2, timeout=10), Callers()

    def load(key: str) -> object:
        other = "b" if key == "a" else "a"
        barrier.wait()
        return caught(lambda: cache.get_or_load(other, str))

    for key in "ab":
        callers.start(lambda key=key: cache.get_or_load(key, load))  # type: ignore[misc]
    got = callers.all()
    assert sum(isinstance(value, LoadDeadlockError) for value in got) == 2  # who closed it, and who waited for that
    assert len({id(value) for value in got}) == 1


def test_a_circle_through_two_caches_hangs_nobody() -> None:
    one, two = Cache[str, object](maxsize=9), Cache[str, object](maxsize=9)
    barrier, callers = threading.Barrier(2, timeout=10), Callers()

    def load(other: Cache[str, object]) -> Callable[[str], object]:
        def body(_: str) -> object:
            barrier.wait()
            return caught(lambda: other.get_or_load("k", str))

        return body

    callers.start(lambda: one.get_or_load("k", load(two)))
    callers.start(lambda: two.get_or_load("k", load(one)))
    assert any(isinstance(value, LoadDeadlockError) for value in callers.all())


@pytest.mark.parametrize("kind", ["invalidate", "invalidate_where", "clear", "put"])
def test_what_comes_during_a_load_wins_over_it(kind: str) -> None:
    cache, old, callers = Cache[str, str](maxsize=9), Slow("old"), Callers()
    callers.start(lambda: cache.get_or_load("k", old), 3)
    wait_for_waiters(cache, "k", 2)
    match kind:
        case "invalidate":
            assert cache.invalidate("k") is False
        case "invalidate_where":
            assert cache.invalidate_where(lambda key: key == "k") == 0
        case "clear":
            cache.clear()
        case _:
            cache.put("k", "new")
    assert cache.get_or_load("k", lambda _: "new") == "new"  # a load of its own, while the old one still runs
    old.may_end.set()
    assert callers.all() == ["old"] * 3
    assert cache["k"] == "new"


def test_an_invalidated_load_stores_nothing() -> None:
    cache, load, callers = Cache[str, str](maxsize=9), Slow(), Callers()
    callers.start(lambda: cache.get_or_load("k", load))
    load.began.wait(10)
    cache.invalidate("k")
    load.may_end.set()
    assert callers.all() == ["loaded"]
    assert "k" not in cache


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_a_loader_that_is_killed_leaves_nothing_behind(error: type[BaseException]) -> None:
    cache, load, callers = Cache[str, str](maxsize=9), Slow(error()), Callers()
    callers.start(lambda: cache.get_or_load("k", load))
    load.began.wait(10)
    callers.start(lambda: cache.get_or_load("k", lambda _: "second"), 2)
    wait_for_waiters(cache, "k", 2)
    load.may_end.set()
    got = callers.all()
    assert sum(isinstance(value, error) for value in got) == 1
    assert got.count("second") == 2
    assert not cache._flights.keys()


def test_refresh_loads_now_and_others_get_the_old_value_meanwhile() -> None:
    cache, load, callers = Cache[str, str](maxsize=9), Slow("new"), Callers()
    cache["k"] = "old"
    callers.start(lambda: cache.refresh("k", load))
    load.began.wait(10)
    assert (cache.get("k"), cache.get_or_load("k", str)) == ("old", "old")
    load.may_end.set()
    assert callers.all() == ["new"]
    assert cache["k"] == "new"
    with pytest.raises(ZeroDivisionError):
        cache.refresh("k", lambda _: str(1 // 0))
    assert cache["k"] == "new"


def test_with_an_executor_nobody_waits_for_a_refresh() -> None:
    clock, load = ManualClock(), Slow("new")
    with ThreadPoolExecutor(1) as executor:
        cache = Cache[str, str](
            maxsize=9, ttl=10, clock=clock, executor=executor, loading=LoadPolicy(stale_while_revalidate=10)
        )
        cache["k"] = "old"
        clock.advance(11)
        assert [cache.get_or_load("k", load) for _ in range(5)] == ["old"] * 5
        assert load.began.wait(10)
        load.may_end.set()
    assert (cache["k"], load.calls) == ("new", ["k"])
    clock.advance(11)
    assert cache.get_or_load("k", lambda _: "here") == "new"  # the executor is shut down: it is done here
    assert cache["k"] == "here"


def test_an_executor_that_drops_a_refresh_leaves_no_load_behind() -> None:
    clock, busy = ManualClock(), Slow()
    executor = ThreadPoolExecutor(1)
    cache = Cache[str, str](
        maxsize=9, ttl=10, clock=clock, executor=executor, loading=LoadPolicy(stale_while_revalidate=10)
    )
    cache["k"] = "old"
    clock.advance(11)
    executor.submit(busy, 0)
    assert cache.get_or_load("k", lambda _: "never") == "old"
    executor.shutdown(wait=False, cancel_futures=True)
    busy.may_end.set()
    assert cache._flights.keys() == []


def test_who_has_begun_a_refresh_elsewhere_may_wait_for_it() -> None:
    clock, busy, callers = ManualClock(), Slow(), Callers()
    with ThreadPoolExecutor(1) as executor:
        executor.submit(busy, 0)
        cache = Cache[str, str](
            maxsize=9, ttl=10, clock=clock, executor=executor, loading=LoadPolicy(stale_while_revalidate=10)
        )
        cache["k"] = "old"

        def life() -> str:
            clock.advance(11)
            assert cache.get_or_load("k", lambda _: "new") == "old"  # waits in the executor
            clock.advance(10)  # too stale to be served
            return cache.get_or_load("k", lambda _: "never")

        callers.start(life)
        wait_for_waiters(cache, "k", 0)
        busy.may_end.set()
        assert callers.all() == ["new"]


def test_a_removal_is_told_also_when_the_call_is_refused() -> None:
    clock, heard = ManualClock(), list[object]()
    cache = Cache[str, int](maxsize=9, clock=clock, on_removal=lambda key, *_: heard.append(key))

    def load(key: str) -> int:
        cache.put("old", 1, ttl=1)
        clock.advance(1)
        with pytest.raises(LoadRecursionError):
            cache.get_many(["old", key], lambda _: {})
        return len(heard)

    assert cache.get_or_load("k", load) == 1
    assert heard == ["old"]


def test_many_keys_are_refreshed_in_one_call_and_what_that_leaves_out_stays() -> None:
    cache = Cache[int, str](maxsize=9)
    for key in (1, 2):
        cache[key] = "old"

    def load(keys: Sequence[int]) -> Mapping[int, str]:
        assert (keys, cache.get_many([1, 2, 3])) == ([1, 2, 3], {1: "old", 2: "old"})
        return {1: "new", 3: "new"}

    assert cache.refresh_many([1, 2, 3, 1], load) == {1: "new", 3: "new"}
    assert dict(cache.items()) == {1: "new", 2: "old", 3: "new"}


def test_many_keys_are_one_call_for_what_nobody_loads() -> None:
    cache, calls = Cache[int, int](maxsize=99), list[Sequence[int]]()
    cache[1] = 10

    def load(keys: Sequence[int]) -> Mapping[int, int]:
        calls.append(keys)
        return {key: key * 10 for key in keys if key != 4}

    assert cache.get_many([1, 2, 3, 4, 2], load) == {1: 10, 2: 20, 3: 30}
    assert calls == [[2, 3, 4]]
    assert cache.get_many([1, 2, 4]) == {1: 10, 2: 20}
    assert cache.get_many([1, 2], load) == {1: 10, 2: 20}
    assert len(calls) == 1
    with pytest.raises(ZeroDivisionError):
        cache.get_many([7, 8], lambda _: {7: 1 // 0})
    assert cache._flights.keys() == []


def test_many_keys_join_the_loads_of_others() -> None:
    cache, load, callers = Cache[int, object](maxsize=9), Slow("by one"), Callers()
    callers.start(lambda: cache.get_or_load(1, load))
    load.began.wait(10)
    asked: list[Sequence[int]] = []

    def load_many(keys: Sequence[int]) -> dict[int, object]:
        asked.append(keys)
        return dict.fromkeys(keys, "by many")

    callers.start(lambda: cache.get_many([1, 2], load_many))
    wait_for_waiters(cache, 1, 1)
    load.may_end.set()
    assert "by one" in callers.all()
    assert {1: "by one", 2: "by many"} in callers.all()
    assert asked == [[2]]


def test_many_keys_load_anew_what_a_killed_loader_left() -> None:
    cache, load, callers = Cache[int, str](maxsize=9), Slow(KeyboardInterrupt()), Callers()
    callers.start(lambda: cache.get_or_load(1, load))
    load.began.wait(10)
    callers.start(lambda: cache.get_many([1, 2], lambda keys: dict.fromkeys(keys, "by many")))
    wait_for_waiters(cache, 1, 1)
    load.may_end.set()
    assert {1: "by many", 2: "by many"} in callers.all()


def test_one_key_joins_a_load_of_many_and_loads_what_that_leaves_out() -> None:
    cache, callers, load = Cache[int, str](maxsize=9), Callers(), Slow({1: "by many"})
    callers.start(lambda: cache.get_many([1, 2], load))
    load.began.wait(10)
    callers.start(lambda: cache.get_or_load(1, lambda _: "by one"))
    callers.start(lambda: cache.get_or_load(2, lambda _: "by one"))
    wait_for_waiters(cache, 1, 2)
    load.may_end.set()
    got = callers.all()
    assert {1: "by many"} in got
    assert sorted(value for value in got if isinstance(value, str)) == ["by many", "by one"]


def test_many_keys_within_their_own_load_are_a_recursion() -> None:
    cache = Cache[int, int](maxsize=9)
    with pytest.raises(LoadRecursionError):
        cache.get_or_load(1, lambda _: cache.get_many([1, 2], lambda keys: dict.fromkeys(keys, 0))[1])
    assert cache._flights.keys() == []


def test_a_load_from_within_a_finalizer_is_not_kept() -> None:
    """In the middle of a change of this very thread there is nothing to wait on and no place to store."""

    class Key(str):
        __slots__ = ()

        def __hash__(self) -> int:
            if not seen:
                seen.append(0)
                seen.extend(cache.get_many([5], lambda keys: dict.fromkeys(keys, 6)).values())
                seen.append(cache.get_or_load("inner", lambda _: 7))
            return str.__hash__(self)

        def __eq__(self, other: object) -> bool:
            return str.__eq__(self, other)

    seen: list[object] = [0]
    cache = Cache[Any, Any](maxsize=9)
    key = Key("outer")
    seen.clear()
    cache.put(key, 1)
    assert seen == [0, 6, 7]
    assert (len(cache), cache._flights.keys()) == (1, [])
