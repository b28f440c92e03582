"""The channel cut, the server frozen, killed, restarted and emptied: nothing older than `max_staleness` is served."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from itertools import count
from typing import Any

import pytest
from redis import BlockingConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

import servers
from lldkit.cache import Cache, CacheEvent, StoreUnavailable, TierDown, TieredCache, TierFlushed, TierUp
from lldkit.cache.redis import RedisStore
from lldkit.cache.tracking import Tracking
from lldkit.clock import ManualClock

LONG = 60.0  # a `max_staleness` that does not pass during a test


class Site:
    """Processes, as it were, each with its own client, tier and channel."""

    def __init__(self, url: str, stack: ExitStack) -> None:
        self.url, self.stack = url, stack
        self.events: list[CacheEvent] = []

    def client(self, timeout: float = 10.0) -> Any:
        made: Any = Redis.from_url(self.url, retry=Retry(NoBackoff(), 0), socket_timeout=timeout)
        return self.stack.enter_context(made)

    def tier(self, max_staleness: float = LONG, *, timeout: float = 10.0) -> TieredCache[Any, Any]:
        store = RedisStore(self.client(timeout), namespace="t", down_seconds=0.01)
        tier: TieredCache[Any, Any] = TieredCache(
            Cache(maxsize=100),
            store,
            invalidation=Tracking(),
            max_staleness=max_staleness,
            on_event=self.events.append,
        )
        self.stack.enter_context(tier)
        eventually(lambda: is_proven(tier))
        return tier

    def told(self, event: type[CacheEvent], part: str) -> int:
        return sum(isinstance(told, event) and getattr(told, "part", part) == part for told in list(self.events))


@pytest.fixture
def site(breakable_redis: servers.RedisServer) -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(breakable_redis.url, stack)
        breakable_redis.resume()


def eventually(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def is_proven(tier: TieredCache[Any, Any]) -> bool:
    return time.monotonic() < tier._invalidation.proven_until


def keep(tier: TieredCache[Any, Any], key: object, value: object) -> None:
    """Read `key` until its value lies in the first tier, where the news of the last change may still throw it out."""
    eventually(lambda: tier.get(key) == value and key in tier._l1)
    time.sleep(0.05)
    eventually(lambda: tier.get(key) == value and key in tier._l1)


@pytest.mark.parametrize("change", ["put", "invalidate", "clear"])
def test_the_channel_tells_what_another_process_has_changed(site: Site, change: str) -> None:
    one, other = site.tier(), site.tier()
    other.put(("k", 7), 1)
    keep(one, ("k", 7), 1)
    if change == "put":
        other.put(("k", 7), 2)
    else:
        other.clear() if change == "clear" else other.invalidate(("k", 7))
    eventually(lambda: one.get(("k", 7)) == (2 if change == "put" else None))


def test_the_channel_beats_a_load_that_it_overtakes(site: Site) -> None:
    one, other = site.tier(), site.tier()
    other.put("k", 1)
    keep(one, "k", 1)
    one._l1.clear()
    read = one._l2.read

    def overtaken(keys: Sequence[str], *, lease: bool) -> Any:
        reading = read(keys, lease=lease)
        before = one._l1._flights.get("k")
        other.put("k", 2)
        eventually(lambda: one._l1._flights.get("k") is not before)
        return reading

    one._l2.read = overtaken  # type: ignore[method-assign]
    assert one.get("k") == 1  # it was asked before the change
    one._l2.read = read  # type: ignore[method-assign]
    assert one.get("k") == 2


def test_a_flushed_server_empties_all_caches(site: Site, breakable_redis: servers.RedisServer) -> None:
    one = site.tier()
    one.put("k", 1)
    keep(one, "k", 1)
    breakable_redis.flush()
    eventually(lambda: one.get("k") is None)
    assert site.told(TierFlushed, "")


def test_a_cut_channel_is_replaced_and_what_it_missed_is_forgotten(site: Site) -> None:
    one, other, admin = site.tier(), site.tier(), site.client()
    for number in range(5):
        other.put("k", number)
        keep(one, "k", number)
        admin.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        other.put("k", -number)
        eventually(lambda number=number: one.get("k") == -number)  # type: ignore[misc]
    eventually(lambda: site.told(TierDown, "channel") == site.told(TierUp, "channel") > 0)


def test_while_the_channel_is_cut_the_first_tier_answers_nothing(site: Site) -> None:
    one, other, admin = site.tier(), site.tier(), site.client()
    other.put("k", 1)
    keep(one, "k", 1)
    admin.execute_command("ACL", "SETUSER", "default", "-client|tracking")
    admin.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    try:
        eventually(lambda: site.told(TierDown, "channel"))
        eventually(lambda: not is_proven(one))
        for value in range(100):
            other.put("k", value)
            assert one.get("k") == value
    finally:
        admin.execute_command("ACL", "SETUSER", "default", "+client|tracking")
    eventually(lambda: is_proven(one))
    keep(one, "k", 99)


def test_a_frozen_server_silences_the_first_tier_after_max_staleness(
    site: Site, breakable_redis: servers.RedisServer
) -> None:
    one = site.tier(max_staleness=0.3, timeout=0.5)
    one.put("k", "old")
    keep(one, "k", "old")
    assert one._invalidation.proven_until <= time.monotonic() + 0.3
    breakable_redis.pause()
    eventually(lambda: not is_proven(one))
    assert one.get_or_load("k", lambda _: "of the origin") == "of the origin"
    breakable_redis.resume()
    eventually(lambda: is_proven(one) and one.get("k") == "old")
    assert site.told(TierDown, "store")


def test_a_killed_server_is_done_without_and_found_again_empty_or_not(
    site: Site, breakable_redis: servers.RedisServer
) -> None:
    one, other = site.tier(), site.tier()
    other.put("k", "old")
    keep(one, "k", "old")
    breakable_redis.stop()
    eventually(lambda: one.get_or_load("k", lambda _: "of the origin") == "of the origin")
    for change in (lambda: one.put("k", 1), lambda: one.invalidate("k"), one.clear):
        with pytest.raises(StoreUnavailable):
            change()
    breakable_redis.start()
    breakable_redis.flush()
    eventually(lambda: is_proven(one) and is_proven(other))
    time.sleep(0.02)  # so long is the store held to be down
    other.put("k", "new")
    eventually(lambda: one.get("k") == "new")
    assert site.told(TierDown, "store") == site.told(TierUp, "store") > 0


def test_no_value_is_older_than_max_staleness_whatever_happens_to_the_channel(site: Site) -> None:
    bound = 0.3
    one, other, admin = site.tier(max_staleness=bound), site.tier(max_staleness=bound), site.client()
    acknowledged: list[tuple[float, int]] = [(-1.0, 0)]
    other.put("k", 0)
    stop = threading.Event()

    def write() -> None:
        for version in count(1):
            if stop.wait(0.001):
                return
            other.put("k", version)
            acknowledged.append((time.monotonic(), version))

    def cut() -> None:
        while not stop.wait(0.1):
            admin.execute_command("CLIENT", "KILL", "TYPE", "pubsub")

    threads = [threading.Thread(target=work) for work in (write, cut)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(3_000):
            asked = time.monotonic()
            value = one.get("k")
            past = max(version for at, version in acknowledged[-2_000:] + acknowledged[:1] if at <= asked - bound)
            assert value is not None
            assert value >= past
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)


def test_two_processes_that_change_and_load_a_thousand_times_agree_in_the_end(site: Site) -> None:
    fleet = [site.tier(), site.tier()]
    origin = {"k": 0}

    def work(tier: TieredCache[Any, Any]) -> None:
        for number in range(1_000):
            if number % 3 == 0:
                origin["k"] += 1
                tier.invalidate("k")
            tier.get_or_load("k", origin.__getitem__)

    threads = [threading.Thread(target=work, args=(tier,)) for tier in fleet]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert fleet[0]._l2.read(["k"], lease=False)[0].value in (None, origin["k"])
    eventually(lambda: [tier.get_or_load("k", origin.__getitem__) for tier in fleet] == [origin["k"]] * 2)


class Counted:
    """A client whose server does not answer, and which counts how often it was asked."""

    def __init__(self) -> None:
        self.calls = 0

    def execute_command(self, *_: object, **__: object) -> Any:
        self.calls += 1
        raise ConnectionRefusedError

    def pipeline(self, transaction: object = None) -> Any:
        raise NotImplementedError(transaction)


@pytest.mark.parametrize("fail_open", [True, False])
def test_a_store_that_is_down_is_asked_once_per_period(fail_open: bool) -> None:
    client, clock = Counted(), ManualClock()
    store = RedisStore(client, namespace="t", down_seconds=2.0, clock=clock)
    l1 = Cache[int, int](maxsize=0, clock=clock)
    tier = TieredCache(l1, store, invalidation=None, fail_open=fail_open)
    for period in range(1, 4):
        for number in range(50):
            if fail_open:
                assert tier.get_or_load(number, lambda key: key) == number
                continue
            with pytest.raises(StoreUnavailable) as caught:
                tier.get_or_load(number, lambda key: key)
            assert caught.value.retry_after == 2.0
        assert client.calls == period
        clock.advance(2.0)


def test_while_one_caller_asks_a_store_that_was_down_the_others_do_not_wait() -> None:
    class Slow(Counted):
        def execute_command(self, *_: object, **__: object) -> Any:
            if self.calls:
                with pytest.raises(StoreUnavailable):  # as another caller would, meanwhile
                    store.invalidate("k")
            return super().execute_command()

    client, clock = Slow(), ManualClock()
    store = RedisStore(client, namespace="t", clock=clock)
    for calls in (1, 2):
        with pytest.raises(StoreUnavailable):
            store.invalidate("k")
        assert client.calls == calls
        clock.advance(1.0)


def test_what_was_loaded_without_the_store_is_kept_for_max_staleness() -> None:
    clock, loads = ManualClock(), count(1)
    store = RedisStore(Counted(), namespace="t", clock=clock)
    tier = TieredCache(Cache[str, int](maxsize=9, clock=clock), store, invalidation=None, max_staleness=5)
    assert [tier.get_or_load("k", lambda _: next(loads)) for _ in range(3)] == [1, 1, 1]
    clock.advance(5)
    assert tier.get_or_load("k", lambda _: next(loads)) == 2


def test_a_pool_without_a_free_connection_is_a_store_that_is_down(breakable_redis: servers.RedisServer) -> None:
    pool: Any = BlockingConnectionPool.from_url(breakable_redis.url, max_connections=1, timeout=0.01)
    with Redis(connection_pool=pool) as client:
        tier = TieredCache(Cache[str, int](maxsize=9), RedisStore(client, namespace="t"), invalidation=None)
        taken = pool.get_connection()
        assert tier.get_or_load("k", lambda _: 1) == 1
        with pytest.raises(StoreUnavailable):
            tier.put("k", 2)
        pool.release(taken)
    pool.disconnect()


def test_closed_it_reads_from_the_store_and_its_thread_is_gone(site: Site) -> None:
    before = {thread for thread in threading.enumerate() if thread.name == "lldkit-tracking"}
    one, other = site.tier(), site.tier()
    one.close()
    one.close()
    for value in range(10):
        other.put("k", value)
        assert one.get("k") == value
    other.close()
    assert {thread for thread in threading.enumerate() if thread.name == "lldkit-tracking"} <= before


def test_a_channel_serves_one_cache_and_no_cluster(site: Site) -> None:
    tracking = Tracking()
    store = RedisStore(site.client(), namespace="t")
    with TieredCache(Cache[str, int](maxsize=1), store, invalidation=tracking):
        with pytest.raises(ValueError, match="one for each"):
            TieredCache(Cache[str, int](maxsize=1), store, invalidation=tracking)
        lone = RedisStore(Counted(), namespace="t")
        with pytest.raises(TypeError, match="connection pool"):
            TieredCache(Cache[str, int](maxsize=1), lone, invalidation=Tracking())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_has_a_channel_of_its_own(site: Site) -> None:
    one, other = site.tier(), site.tier()
    other.put("k", 1)
    keep(one, "k", 1)
    heard, told = os.pipe()
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            assert not is_proven(one)
            one.get("k")
            eventually(lambda: is_proven(one))
            keep(one, "k", 1)
            os.write(told, b"ready")
            eventually(lambda: one.get("k") == 2)
            os.write(told, b"heard")
        os._exit(0)
    os.close(told)
    assert os.read(heard, 5) == b"ready"
    other.put("k", 2)
    assert os.read(heard, 5) == b"heard"
    os.waitpid(child, 0)
    os.close(heard)
