"""Lifetimes by hand, under a clock that stands still."""

from random import Random

import pytest

from lldkit.cache import Cache, CacheEvent, LoadFailed, LoadPolicy, RefreshStarted, RemovalCause, StaleServed, XFetch
from lldkit.cache.timers import Timers
from lldkit.clock import ManualClock


def test_an_entry_is_dead_at_its_deadline_in_every_verb() -> None:
    clock = ManualClock()
    cache = Cache[str, int](maxsize=9, ttl=10, clock=clock, record_stats=True)
    cache["a"] = 1
    clock.advance(9.999)
    assert (cache.get("a"), "a" in cache, len(cache), list(cache), dict(cache)) == (1, True, 1, ["a"], {"a": 1})
    clock.advance(0.001)
    assert (cache.get("a"), "a" in cache, len(cache), list(cache), dict(cache)) == (None, False, 0, [], {})
    assert (cache.weight, cache.stats.expirations, cache.invalidate("a")) == (0, 1, False)


def test_an_entry_may_have_a_lifetime_of_its_own_or_none() -> None:
    clock = ManualClock()
    cache = Cache[str, int](maxsize=9, ttl=10, clock=clock)
    cache.put("short", 1, ttl=5)
    cache.put("usual", 2)
    cache.put("ever", 3, ttl=None)
    clock.advance(5)
    assert sorted(cache) == ["ever", "usual"]
    clock.advance(1e9)
    assert list(cache) == ["ever"]


def test_a_write_starts_a_new_lifetime_and_a_read_does_not() -> None:
    clock = ManualClock()
    cache = Cache[str, int](maxsize=9, ttl=10, clock=clock)
    cache["read"] = cache["written"] = 1
    clock.advance(6)
    cache.get("read")
    cache["written"] = 2
    clock.advance(4)
    assert dict(cache) == {"written": 2}
    assert cache.expire() == 1
    clock.advance(6)
    assert len(cache) == 0


def test_an_idle_time_is_pushed_back_by_hits_up_to_the_lifetime() -> None:
    clock = ManualClock()
    cache = Cache[str, int](maxsize=9, ttl=25, idle_ttl=10, clock=clock)
    cache["used"] = cache["idle"] = 1
    for _ in range(2):
        clock.advance(9)
        assert cache.get("used") == 1
        assert cache.peek("idle") == (1 if clock.monotonic() < 10 else None)
    clock.advance(6.999)
    assert cache.get("used") == 1
    clock.advance(0.001)
    assert cache.get("used") is None


def test_jitter_spreads_lifetimes_below_the_full_one() -> None:
    clock = ManualClock()
    cache = Cache[int, int](maxsize=2_000, ttl=100, ttl_jitter=0.2, clock=clock, rng=Random(1))
    for number in range(1_000):
        cache[number] = number
    clock.advance(80)
    assert len(cache) == 1_000
    clock.advance(10)
    assert 450 < len(cache) < 550
    clock.advance(10)
    assert len(cache) == 0


def test_the_expired_leave_before_the_living() -> None:
    clock = ManualClock()
    cache = Cache[int, int](maxsize=4, policy="lru", clock=clock)
    for number in range(2):
        cache.put(number, number)
    for number in (2, 3):
        cache.put(number, number, ttl=1)
    clock.advance(1)
    cache.update({4: 4, 5: 5})
    assert sorted(cache) == [0, 1, 4, 5]


def test_expiry_is_bounded_and_puts_do_their_part() -> None:
    clock = ManualClock()
    cache = Cache[int, int](maxsize=1_000, clock=clock)
    for number in range(100):
        cache.put(number, number, ttl=1)
    clock.advance(1)
    assert cache.expire(limit=30) == 30
    assert len(cache._table.cells) == 70
    for number in range(1_000, 1_010):
        cache.put(number, number)
    assert len(cache._table.cells) == 70 - 20 + 10
    assert cache.expire() == 50
    assert cache.expire() == 0


def test_cancelled_timers_are_swept_and_hold_nothing() -> None:
    timers = Timers[str]()
    for number in range(10_000):
        timers.cancel(timers.set("x", float(number)))
    assert len(timers) <= 130
    timers.set("late", 20_000.0)
    timers.set("soon", 10_000.0)
    assert [timers.pop_due(9_999.0), timers.pop_due(20_000.0), timers.pop_due(20_000.0), timers.pop_due(1e9)] == [
        None,
        "soon",
        "late",
        None,
    ]


@pytest.mark.parametrize(("gap", "share"), [(2.0, 0.0067), (0.4, 0.368), (0.1, 0.779)])
def test_refresh_ahead_is_drawn_with_the_probability_of_the_paper(gap: float, share: float) -> None:
    rng, ahead = Random(7), XFetch(beta=1.0)
    due = sum(ahead.is_due(gap, 0.4, rng.random()) for _ in range(20_000))
    assert abs(due / 20_000 - share) <= 0.015
    assert not ahead.is_due(gap, 0.4, 0.0)


class Drawn(Random):
    """Draws what it is told."""

    value = 0.0

    def random(self) -> float:
        return self.value


def test_a_hit_near_expiry_refreshes_and_the_failure_of_that_hurts_nobody() -> None:
    clock, rng, events = ManualClock(), Drawn(), list[CacheEvent]()
    policy = LoadPolicy(refresh_ahead=XFetch())
    cache = Cache[str, int](maxsize=9, ttl=10, clock=clock, rng=rng, loading=policy, on_event=events.append)
    values = iter([1, 2])

    def load(_: str) -> int:
        clock.advance(2)  # the load takes two seconds
        return next(values)

    assert cache.get_or_load("k", load) == 1  # expires at 12
    clock.advance(9)  # one second left: due with probability exp(-1/2), from a draw of 0.394 on
    rng.value = 0.39
    assert cache.get_or_load("k", load) == 1
    rng.value = 0.40
    assert cache.get_or_load("k", load) == 2
    clock.advance(9.9)
    assert cache.get_or_load("k", lambda _: 1 // 0) == 2
    assert [type(event) for event in events] == [RefreshStarted, RefreshStarted, LoadFailed]


def test_while_stale_one_refreshes_and_after_that_everybody_waits() -> None:
    clock, events = ManualClock(), list[CacheEvent]()
    policy = LoadPolicy(stale_while_revalidate=5)
    cache = Cache[str, int](maxsize=9, ttl=10, clock=clock, loading=policy, on_event=events.append, record_stats=True)
    cache["k"] = 1
    clock.advance(14.9)
    assert (cache.get("k"), len(cache), "k" in cache) == (None, 0, False)
    seen: list[int] = []

    def load(_: str) -> int:
        seen.append(cache.get_or_load("k", load))  # another caller, in the middle of the refresh
        return 2

    assert cache.get_or_load("k", load) == 2
    assert seen == [1]
    assert cache.stats.stale_served == 1
    assert [type(event) for event in events] == [RefreshStarted, StaleServed]
    clock.advance(15)
    assert cache.get_or_load("k", lambda _: 3) == 3


def test_a_failed_load_answers_with_the_old_value_for_a_while() -> None:
    clock = ManualClock()
    cache = Cache[str, int](maxsize=9, ttl=10, clock=clock, loading=LoadPolicy(stale_on_error=60), record_stats=True)
    cache["k"] = 1
    clock.advance(69.9)
    assert [cache.get_or_load("k", lambda _: 1 // 0) for _ in range(3)] == [1, 1, 1]
    assert (cache.stats.load_failures, cache.stats.stale_served) == (3, 3)
    clock.advance(0.1)
    with pytest.raises(ZeroDivisionError):
        cache.get_or_load("k", lambda _: 1 // 0)


def test_stale_values_go_before_living_ones_and_are_reported_then() -> None:
    clock, heard = ManualClock(), list[tuple[str, int, RemovalCause]]()
    cache = Cache[str, int](
        maxsize=2,
        clock=clock,
        loading=LoadPolicy(stale_on_error=60),
        on_removal=lambda *removal: heard.append(removal),
    )
    cache.put("old", 1, ttl=1)
    cache.put("ever", 2)
    clock.advance(1)
    assert cache.get("old") is None
    assert heard == []
    cache.put("new", 3)
    assert sorted(cache) == ["ever", "new"]
    assert heard == [("old", 1, RemovalCause.EXPIRED)]


def test_an_invalidated_value_is_never_served_stale() -> None:
    clock = ManualClock()
    policy = LoadPolicy(stale_on_error=60, stale_while_revalidate=60)
    cache = Cache[str, int](maxsize=9, ttl=10, clock=clock, loading=policy)
    cache["k"] = 1
    clock.advance(11)
    cache.invalidate("k")
    assert cache.get_or_load("k", lambda _: 2) == 2


class Down(LookupError):
    pass


def test_an_error_is_cached_by_the_class_nearest_to_its_own() -> None:
    clock, calls = ManualClock(), list[str]()
    policy = LoadPolicy(negative_ttl={LookupError: 5, Down: 2})
    cache = Cache[str, int](maxsize=9, clock=clock, loading=policy)

    def failing(error: Exception) -> int:
        def load(key: str) -> int:
            calls.append(key)
            raise error

        with pytest.raises(type(error)) as raised:
            cache.get_or_load(type(error).__name__, load)
        assert raised.value is error
        depth, traceback = 0, raised.value.__traceback__
        while traceback is not None:
            depth, traceback = depth + 1, traceback.tb_next
        return depth

    key, value, down = KeyError("gone"), ValueError("bad"), Down("for now")
    depths = [failing(key) for _ in range(5)]
    assert len(set(depths[1:])) == 1  # the traceback does not grow
    assert [failing(value), failing(value), failing(down), failing(down)]
    assert calls == ["KeyError", "ValueError", "ValueError", "Down"]
    assert ("KeyError" in cache, len(cache), cache.get("KeyError", 7)) == (False, 0, 7)
    clock.advance(2)
    failing(down)
    clock.advance(3)
    failing(key)
    assert calls == ["KeyError", "ValueError", "ValueError", "Down", "Down", "KeyError"]
    cache.put("KeyError", 1)
    assert cache.get_or_load("KeyError", len) == 1


def test_errors_of_many_keys_push_out_one_living_entry_at_most() -> None:
    cache = Cache[int, int](maxsize=10, loading=LoadPolicy(negative_ttl={KeyError: 60}), clock=ManualClock())
    cache.update((number, number) for number in range(10))
    for number in range(100, 200):
        with pytest.raises(KeyError):
            cache.get_or_load(number, dict[int, int]().__getitem__)
    assert len(cache) == 9


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"stale_on_error": -1}, ValueError, "stale_on_error must be a finite number >= 0, got -1"),
        ({"negative_ttl": {KeyError: 0}}, ValueError, r"negative_ttl\[KeyError\] must be a finite number > 0, got 0"),
        ({"negative_ttl": {KeyboardInterrupt: 1}}, TypeError, "negative_ttl maps classes of Exception to seconds"),
    ],
)
def test_wrong_load_policies_are_refused(options: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        LoadPolicy(**options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="beta must be a finite number > 0, got 0"):
        XFetch(beta=0)
