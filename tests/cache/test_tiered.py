"""Two tiers on a real Redis: leases, lifetimes, keys, codecs, and caches of several processes that stay coherent."""

import asyncio
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

import servers
from cache.helpers import Counted, Fleet, lines, never, tier_on
from lldkit.cache import (
    Cache,
    JsonCodec,
    LoadPolicy,
    LoadRecursionError,
    SerializationError,
    TieredCache,
    ValueUnreadable,
    XFetch,
)
from lldkit.cache.redis import RedisStore
from lldkit.cache.store import Loaded


def test_what_one_process_loads_the_others_find(fleet: Fleet) -> None:
    one, other = fleet.tier(), fleet.tier()
    assert one.get("k", "nothing") == "nothing"
    assert one.get_or_load("k", lambda key: [key, None]) == ["k", None]
    assert other.get_or_load("k", never) == other.get("k") == ["k", None]


def test_a_hit_asks_no_server_until_max_staleness_and_then_sees_what_others_did(fleet: Fleet) -> None:
    one, other = fleet.tier(), fleet.tier()
    one.put("k", 1)
    assert one.get("k") == 1
    other.put("k", 2)
    fleet.clock.advance(0.999)
    assert one.get("k") == 1
    fleet.clock.advance(0.001)
    assert one.get("k") == 2


def test_own_writes_are_seen_at_once(fleet: Fleet) -> None:
    tier = fleet.tier()
    value: Any
    for value in (1, None, 0, "", [], {"a": [1.5, True]}):
        tier.put("k", value)
        assert tier.get("k", "missing") == value
    assert tier.invalidate("k")
    assert not tier.invalidate("k")
    assert tier.get("k", "missing") == "missing"


@pytest.mark.parametrize("change", ["invalidate", "put", "clear"])
def test_a_load_that_began_before_a_change_by_another_process_is_kept_nowhere(fleet: Fleet, change: str) -> None:
    one, other = fleet.tier(), fleet.tier()

    def load(key: str) -> str:
        {"invalidate": lambda: other.invalidate(key), "put": lambda: other.put(key, "new"), "clear": other.clear}[
            change
        ]()
        return "old"

    assert one.get_or_load("k", load) == "old"
    expected = "new" if change == "put" else None
    assert [one.get("k"), other.get("k")] == [expected, expected]


def test_a_lease_that_ended_neither_fills_nor_takes_the_next_one(fleet: Fleet) -> None:
    store = fleet.store(lease_seconds=0.001)
    first = store.read(["k"], lease=True)[0].lease
    assert first is not None
    while (second := store.read(["k"], lease=True)[0].lease) is None:
        pass  # the server's clock runs by itself
    assert second != first
    lasting = fleet.store()
    fleet.client.delete(*fleet.client.keys("*"))
    third = lasting.read(["k"], lease=True)[0].lease
    assert third is not None
    assert lasting.fill([Loaded("k", "old", first, math.inf)]) == set()
    lasting.release({"k": first})
    assert lasting.read(["k"], lease=True)[0].lease is None  # it still stands
    assert lasting.fill([Loaded("k", "new", third, math.inf)]) == {"k"}
    assert lasting.read(["k"], lease=False)[0].value == "new"


def test_a_failed_load_gives_the_lease_back(fleet: Fleet) -> None:
    one, other = fleet.tier(), fleet.tier()
    for error in (ZeroDivisionError, KeyboardInterrupt):

        def load(_: object, error: type[BaseException] = error) -> Any:
            raise error

        with pytest.raises(error):
            one.get_or_load("k", load)
    assert other.get_or_load("k", lambda _: 1) == 1


def test_an_entry_leaves_with_the_one_on_the_server(fleet: Fleet) -> None:
    one, other = fleet.tier(ttl=0.5), fleet.tier()
    one.get_or_load("k", lambda _: 1)
    name = b"cache:{t|s1:k}"
    assert 0 < fleet.client.pttl(name) <= 500
    fleet.client.pexpire(name, 400)
    assert other.get("k") == 1
    fleet.client.delete(name)
    fleet.clock.advance(0.4)
    assert other.get("k") is None


def test_lifetimes_of_single_values(fleet: Fleet) -> None:
    tier = fleet.tier(ttl=100)
    name = b"cache:{t|s1:k}"
    tier.put("k", 1)
    assert 90_000 < fleet.client.pttl(name) <= 100_000
    tier.put("k", 1, ttl=5)
    assert 4_000 < fleet.client.pttl(name) <= 5_000
    tier.put("k", 1, ttl=None)
    assert fleet.client.pttl(name) == -1
    with pytest.raises(ValueError, match="ttl"):
        tier.put("k", 2, ttl=0)
    assert tier.get("k") == 1


def test_to_invalidate_is_one_trip_and_costs_the_same_however_much_is_inside(fleet: Fleet) -> None:
    client = Counted(fleet.client)
    tier = tier_on(RedisStore(client, namespace="t", clock=fleet.clock), fleet.clock)
    costs: list[tuple[int, int]] = []
    for size in (1, 10, 100):
        tier.get_many(range(size), lambda keys: dict.fromkeys(keys, 0))
        before = client.trips
        cost = lines(lambda: tier.invalidate(0))
        costs.append((cost, client.trips - before))
    assert costs == [(costs[0][0], 1)] * 3


KEYS: list[Any] = [
    "a",
    b"a",
    7,
    "7",
    ("a:b", "c"),
    ("a", "b:c"),
    ("a", ("b", 1)),
    "}",
    "%7D",
    "%",
    b"}%\xff",
    "ü\ud800",
    -3,
    (),
    "",
]


def test_keys_are_told_apart_and_read_back_from_their_names(fleet: Fleet) -> None:
    tier, store = fleet.tier(), fleet.store()
    for number, key in enumerate(KEYS):
        tier.put(key, number)
    assert [tier.get(key) for key in KEYS] == list(range(len(KEYS)))
    names: list[Any] = list(fleet.client.scan_iter(store.prefix + b"*"))
    assert {store.key_of(name) for name in names} == set(KEYS)
    assert len(names) == len(KEYS)
    with pytest.raises(TypeError, match=r"1\.5"):
        tier.put(1.5, 1)


def test_namespaces_do_not_touch_each_other(fleet: Fleet) -> None:
    other = RedisStore(fleet.client, namespace="t2")
    other.put("k", "theirs", math.inf)
    tier = fleet.tier()
    for number in range(1_200):
        tier.put(number, number)
    tier.clear()
    assert [tier.get(number) for number in range(1_200)] == [None] * 1_200
    assert other.read(["k"], lease=False)[0].value == "theirs"


@pytest.mark.parametrize("stored", [b"2:{}", b"1:{", b"", b"\xff\x00", b"1:"])
def test_bytes_that_cannot_be_read_are_a_miss_and_an_event(fleet: Fleet, stored: bytes) -> None:
    fleet.client.set(b"cache:{t|s1:k}", stored)
    tier = fleet.tier()
    assert tier.get_or_load("k", lambda _: "loaded") == "loaded"
    (event,) = fleet.events
    assert isinstance(event, ValueUnreadable)
    assert (event.key, event.error.key, event.error.codec) == ("k", "k", "json")
    assert fleet.tier().get("k") == "loaded"


@pytest.mark.parametrize("value", [(1,), {1: 2}, math.nan, math.inf, {1}, object(), [b"x"], {"a": (1,)}])
def test_what_json_would_change_is_refused_before_anything_is(fleet: Fleet, value: object) -> None:
    tier = fleet.tier()
    tier.put("k", "old")
    with pytest.raises(SerializationError, match=r"'json'.*'k'"):
        tier.put("k", value)
    assert tier.get("k") == "old"
    with pytest.raises(SerializationError):
        tier.get_or_load("new", lambda _: value)
    assert tier.get_or_load("new", lambda _: 1) == 1  # the lease was given back


def test_json_gives_back_what_it_got() -> None:
    value = {"a": [1, 1.0, True, None, "ü\ud800", {}, []], "": -0.0, "big": 10**30}
    again = JsonCodec().decode(JsonCodec().encode(value))
    assert repr(again) == repr(value)


def test_a_server_that_forgot_its_scripts_learns_them_again(fleet: Fleet) -> None:
    tier = fleet.tier()
    tier.put("k", 1)
    fleet.client.script_flush()
    assert tier.get("k") == 1


def test_a_cache_that_would_serve_stale_values_is_refused(fleet: Fleet) -> None:
    for loading in (
        LoadPolicy(stale_on_error=1),
        LoadPolicy(stale_while_revalidate=1),
        LoadPolicy(refresh_ahead=XFetch()),
        LoadPolicy(negative_ttl={KeyError: 1.5}),
    ):
        with pytest.raises(ValueError, match="l1"):
            TieredCache(Cache[str, int](maxsize=1, loading=loading), fleet.store(), invalidation=None)
    for name in ("lease_seconds", "down_seconds"):
        with pytest.raises(ValueError, match=name):
            fleet.store(**{name: 0})
    with pytest.raises(ValueError, match="max_staleness"):
        TieredCache(Cache[str, int](maxsize=1), fleet.store(), invalidation=None, max_staleness=0)
    with pytest.raises(ValueError, match="namespace"):
        RedisStore(fleet.client, namespace="a b")


def test_errors_may_be_remembered_for_as_long_as_values_may_be_stale(fleet: Fleet) -> None:
    l1 = Cache[str, int](maxsize=9, loading=LoadPolicy(negative_ttl={KeyError: 1}), clock=fleet.clock)
    tier = TieredCache(l1, fleet.store(), invalidation=None)
    loads: list[str] = []

    def load(key: str) -> int:
        loads.append(key)
        raise KeyError(key)

    for _ in range(3):
        with pytest.raises(KeyError):
            tier.get_or_load("k", load)
    assert loads == ["k"]


def test_a_loader_that_needs_its_own_key_is_told_so(fleet: Fleet) -> None:
    tier = fleet.tier()
    with pytest.raises(LoadRecursionError):
        tier.get_or_load("k", lambda key: tier.get_or_load(key, never))


def test_a_look_that_finds_nothing_spoils_no_load_that_joins_it_and_is_not_weighed(fleet: Fleet) -> None:
    def weigh(_: str, value: str) -> int:
        return len(value)

    tier = TieredCache(Cache[str, str](maxsize=100, weigher=weigh, clock=fleet.clock), fleet.store(), invalidation=None)
    assert tier.get("k") is None
    looking, seen = threading.Event(), threading.Event()
    store_read = tier._l2.read

    def slow_read(keys: Sequence[str], *, lease: bool) -> Any:
        reading = store_read(keys, lease=lease)
        if not lease:
            looking.set()
            seen.wait(20)
        return reading

    tier._l2.read = slow_read  # type: ignore[method-assign]
    answers: list[Any] = []
    look = threading.Thread(target=lambda: answers.append(tier.get("k", "nothing")))
    look.start()
    assert looking.wait(20)
    load = threading.Thread(target=lambda: answers.append(tier.get_or_load("k", lambda _: "loaded")))
    load.start()
    seen.set()
    look.join(20)
    load.join(20)
    assert sorted(answers) == ["loaded", "nothing"]


@pytest.fixture
def tiers(redis_server: servers.RedisServer, redis_client: Redis) -> Iterator[Callable[[], TieredCache[str, int]]]:
    del redis_client  # it has emptied the server
    with ExitStack() as stack:

        def make() -> TieredCache[str, int]:
            client = stack.enter_context(Redis.from_url(redis_server.url))
            return TieredCache(Cache[str, int](maxsize=100), RedisStore(client, namespace="t"), invalidation=None)

        yield make


def test_sixteen_threads_of_four_processes_and_one_cold_key_make_one_load(
    tiers: Callable[[], TieredCache[str, int]],
) -> None:
    fleet = [tiers() for _ in range(4)]
    loads: list[str] = []
    answers: list[int] = []
    held, barrier = threading.Event(), threading.Barrier(16)

    def load(key: str) -> int:
        loads.append(key)
        held.wait(0.05)  # nobody sets it: so long do the others come
        return 7

    def ask(number: int) -> None:
        barrier.wait(20)
        answers.append(fleet[number % 4].get_or_load("k", load))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (loads, answers) == (["k"], [7] * 16)


def test_tasks_and_threads_share_tiers_and_loads(redis_server: servers.RedisServer, fleet: Fleet) -> None:
    async def main() -> None:
        async with AsyncRedis.from_url(redis_server.url) as aclient:
            tier = fleet.tier(aclient=aclient)
            loads: list[str] = []

            async def load(key: str) -> int:
                loads.append(key)
                await asyncio.sleep(0)
                return 7

            assert await tier.aget("k", "nothing") == "nothing"
            assert await asyncio.gather(*(tier.aget_or_load("k", load) for _ in range(20))) == [7] * 20
            assert loads == ["k"]
            assert await tier.aget("k") == tier.get("k") == fleet.tier().get("k") == 7
            await tier.aput("k", 8)
            assert tier.get("k") == 8
            assert await tier.ainvalidate("k")
            assert await tier.aget("k") is None
            await tier.aput("k", 9)
            await tier.aclear()
            assert await tier.aget("k") is None
            fleet.client.set(b"cache:{t|s1:k}", b"?")
            with pytest.raises(SerializationError):
                await tier.aget_or_load("k", lambda _: asyncio.sleep(0, (1,)))
            with pytest.raises(ZeroDivisionError):
                await tier.aget_or_load("k", fails)
            assert await tier.aget_or_load("k", load) == 7

    async def fails(_: object) -> int:
        raise ZeroDivisionError

    asyncio.run(main())


def test_a_cancelled_load_gives_the_lease_back(redis_server: servers.RedisServer, fleet: Fleet) -> None:
    async def main() -> None:
        async with AsyncRedis.from_url(redis_server.url) as aclient:
            tier, loading = fleet.tier(aclient=aclient), asyncio.Event()

            async def load(_: str) -> int:
                loading.set()
                await asyncio.Event().wait()
                return 0

            task = asyncio.create_task(tier.aget_or_load("k", load))
            await loading.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            others = [other for other in asyncio.all_tasks() if other is not asyncio.current_task()]
            await asyncio.gather(*others, return_exceptions=True)

    asyncio.run(main())
    assert fleet.store().read(["k"], lease=True)[0].lease is not None


def test_the_async_verbs_say_which_client_they_miss(fleet: Fleet) -> None:
    with pytest.raises(TypeError, match="aclient"):
        asyncio.run(fleet.tier().aget("k"))
