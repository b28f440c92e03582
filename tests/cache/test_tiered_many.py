"""Many keys at once over two tiers: how often the store is asked, who waits for whom, and a store that goes away."""

import asyncio
import threading
from typing import Any

import pytest
from redis.asyncio import Redis as AsyncRedis

import servers
from cache.helpers import Counted, Fleet, Keys, MakeTier, Silent, Squares, never, tier_on
from cache.test_loading import Callers, wait_for_waiters
from lldkit.cache import Cache, LoadPolicy, SerializationError, StoreUnavailable, TieredCache, ValueUnreadable
from lldkit.cache.redis import RedisStore


def test_many_keys_are_one_trip_to_read_and_one_to_fill(fleet: Fleet) -> None:
    client, load = Counted(fleet.client), Squares()
    tier = tier_on(RedisStore(client, namespace="t", clock=fleet.clock), fleet.clock)
    fleet.tier().put(1, "there")
    assert tier.get_many([1, 2, 3, 2], load) == {1: "there", 2: 4, 3: 9}
    assert (load.asked, client.trips) == ([[2, 3]], 2)
    assert tier.get_many(range(4)) == {1: "there", 2: 4, 3: 9}  # 0 is the one that is asked for
    assert client.trips == 3
    assert fleet.tier().get_many([1, 2, 3], never) == {1: "there", 2: 4, 3: 9}
    assert tier.get_many([], load) == {}


def test_a_key_that_the_loader_leaves_out_is_absent_and_free_to_be_loaded(fleet: Fleet) -> None:
    one, other = fleet.tier(), fleet.tier()
    assert one.get_many([-1, 2], Squares()) == {2: 4}
    assert other.get_or_load(-1, lambda _: "other") == "other"
    assert one.get_many([-1, 2]) == {-1: "other", 2: 4}


def test_a_loader_of_many_that_fails_gives_all_leases_back(fleet: Fleet) -> None:
    one, other = fleet.tier(), fleet.tier()
    one.put(1, 1)
    for error in (ZeroDivisionError, KeyboardInterrupt):

        def fail(_: Keys, error: type[BaseException] = error) -> Any:
            raise error

        with pytest.raises(error):
            one.get_many([1, 2, 3], fail)
    with pytest.raises(SerializationError):
        one.get_many([2, 3], lambda _: {2: 4, 3: object()})
    assert fleet.client.keys("cache-lease*") == []
    assert other.get_many([1, 2, 3], Squares()) == {1: 1, 2: 4, 3: 9}


@pytest.mark.parametrize("change", ["invalidate", "put", "clear"])
def test_of_many_keys_those_that_another_process_changed_are_kept_nowhere(fleet: Fleet, change: str) -> None:
    one, other = fleet.tier(), fleet.tier()
    changes = {"invalidate": lambda: other.invalidate(2), "put": lambda: other.put(2, "new"), "clear": other.clear}
    assert one.get_many([2, 3], Squares(changes[change])) == {2: 4, 3: 9}
    kept: dict[int, object] = {} if change == "clear" else {3: 9}
    if change == "put":
        kept[2] = "new"
    assert [one.get_many([2, 3]), other.get_many([2, 3])] == [kept, kept]


def test_two_processes_with_common_keys_wait_for_each_other_and_load_each_once(fleet: Fleet) -> None:
    one, other, callers = fleet.tier(), fleet.tier(), Callers()
    first_loads, second_loads = threading.Event(), threading.Event()

    def first_wait() -> None:
        first_loads.set()
        assert second_loads.wait(20)

    first, second = Squares(first_wait), Squares(second_loads.set)
    callers.start(lambda: one.get_many([1, 2], first))
    assert first_loads.wait(20)
    callers.start(lambda: other.get_many([3, 2], second))  # has to wait for 2, and does so when 3 is loaded
    got = callers.all()
    assert {1: 1, 2: 4} in got
    assert {2: 4, 3: 9} in got
    assert (first.asked, second.asked) == ([[1, 2]], [[3]])


def test_what_another_process_gave_up_is_loaded_in_a_second_call(fleet: Fleet) -> None:
    store, load = fleet.store(), Squares()
    lease = store.claim(2)
    load.meanwhile = lambda: store.release({2: lease})
    assert fleet.tier().get_many([1, 2], load) == {1: 1, 2: 4}
    assert load.asked == [[1], [2]]


def test_who_loads_many_and_joins_a_look_loads_what_that_did_not_find(fleet: Fleet) -> None:
    tier, callers = fleet.tier(), Callers()
    read, looking, joined = tier._l2.read, threading.Event(), threading.Event()

    def slow(keys: Keys, *, lease: bool) -> Any:
        readings = read(keys, lease=lease)
        if not lease:
            looking.set()
            assert joined.wait(20)
        return readings

    tier._l2.read = slow  # type: ignore[method-assign]
    callers.start(lambda: tier.get(1, "nothing"))
    assert looking.wait(20)
    callers.start(lambda: tier.get_many([1, 2], Squares()))
    wait_for_waiters(tier._l1, 1, 1)
    joined.set()
    got = callers.all()
    assert "nothing" in got
    assert {1: 1, 2: 4} in got


def test_torn_values_among_many_are_loaded_anew(fleet: Fleet) -> None:
    tier = fleet.tier()
    tier.put(1, "whole")
    for key in (2, 3):
        fleet.client.set(b"cache:{t|i%d:}" % key, b"torn")
    assert tier.get_many([1, 2, 3, 4], Squares()) == {1: "whole", 2: 4, 3: 9, 4: 16}
    assert [event.key for event in fleet.events if isinstance(event, ValueUnreadable)] == [2, 3]
    assert fleet.tier().get_many([1, 2, 3, 4], never) == {1: "whole", 2: 4, 3: 9, 4: 16}


def test_while_nothing_is_proven_many_keys_are_read_from_the_store(fleet: Fleet) -> None:
    one, other = tier_on(fleet.store(), fleet.clock, invalidation=Silent()), fleet.tier()
    load = Squares()
    assert one.get_many([1, 2], load) == {1: 1, 2: 4}
    other.put(1, "new")
    assert one.get_many([1, 2], load) == one.get_many([1, 2]) == {1: "new", 2: 4}
    assert load.asked == [[1, 2]]


def test_errors_that_are_remembered_make_keys_absent(fleet: Fleet) -> None:
    l1 = Cache[int, int](maxsize=9, loading=LoadPolicy(negative_ttl={KeyError: 1}), clock=fleet.clock)
    tier = TieredCache(l1, fleet.store(), invalidation=None)
    with pytest.raises(KeyError):
        tier.get_or_load(1, dict[int, int]().__getitem__)
    assert tier.get_many([1, 2], Squares()) == {2: 4}


def test_tasks_read_many(redis_server: servers.RedisServer, fleet: Fleet) -> None:
    async def main() -> None:
        async with AsyncRedis.from_url(redis_server.url) as aclient:
            tier, load = fleet.tier(aclient=aclient), Squares()
            assert await tier.aget_many([1]) == {}
            both = asyncio.gather(tier.aget_many([1, 2, -1], load.later), tier.aget_many([2, 3], load.later))
            one, other = await both
            assert (one, other) == ({1: 1, 2: 4}, {2: 4, 3: 9})
            assert load.asked == [[1, 2, -1], [3]]
            assert fleet.client.keys("cache-lease*") == []
            fleet.client.set(b"cache:{t|i7:}", b"torn")
            assert await fleet.tier(aclient=aclient).aget_many([1, 2, 7], load.later) == {1: 1, 2: 4, 7: 49}

            silent = tier_on(fleet.store(aclient=aclient), fleet.clock, invalidation=Silent())
            await fleet.tier(aclient=aclient).aput(1, "new")
            assert await silent.aget_many([1, 2], load.later) == {1: "new", 2: 4}

    asyncio.run(main())


def test_cancelled_tasks_that_load_many_give_all_leases_back(redis_server: servers.RedisServer, fleet: Fleet) -> None:
    async def main() -> None:
        async with AsyncRedis.from_url(redis_server.url) as aclient:
            tier, loading = fleet.tier(aclient=aclient), asyncio.Event()

            async def load(_: object) -> Any:
                loading.set()
                await asyncio.Event().wait()

            task = asyncio.create_task(tier.aget_many([1, 2], load))
            await loading.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            others = [other for other in asyncio.all_tasks() if other is not asyncio.current_task()]
            await asyncio.gather(*others, return_exceptions=True)

    asyncio.run(main())
    assert fleet.client.keys("cache-lease*") == []


# the server goes away in the middle -----------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["before", "during"])
def test_many_keys_are_loaded_without_a_store_that_is_down(
    breakable_redis: servers.RedisServer, lone: MakeTier, moment: str
) -> None:
    tier, load = lone(), Squares()
    tier.put(1, "there")
    if moment == "before":
        breakable_redis.stop()
    else:  # it is gone when the tier looks again for 3, which another process loads
        tier._l2.claim(3)
        load.meanwhile = breakable_redis.stop
    answer = tier.get_many([1, 2, 3], load)
    assert answer == ({1: 1, 2: 4, 3: 9} if moment == "before" else {1: "there", 2: 4, 3: 9})
    assert load.asked == ([[1, 2, 3]] if moment == "before" else [[2], [3]])
    assert tier.get_many([3, 4]) == {3: 9}  # what was loaded without it is kept for `max_staleness`
    with pytest.raises(StoreUnavailable):
        lone(fail_open=False).get_many([1, 2, 3], load)
    breakable_redis.start()
    tier._clock.sleep(1)
    assert tier.get_many([4], Squares()) == {4: 16}
    assert lone().get_many([4], never) == {4: 16}


@pytest.mark.parametrize("fail_open", [True, False])
def test_a_server_that_dies_during_the_load_of_many_has_none_of_them(
    breakable_redis: servers.RedisServer, lone: MakeTier, fail_open: bool
) -> None:
    tier = lone(fail_open=fail_open)
    if fail_open:
        assert tier.get_many([1, 2], Squares(breakable_redis.stop)) == {1: 1, 2: 4}
    else:
        with pytest.raises(StoreUnavailable):
            tier.get_many([1, 2], Squares(breakable_redis.stop))
    assert list(tier._l1) == []  # what the store may or may not have is not kept
    breakable_redis.start()
    breakable_redis.flush()
    tier._clock.sleep(1)
    assert tier.get_many([1, 2], Squares()) == {1: 1, 2: 4}
