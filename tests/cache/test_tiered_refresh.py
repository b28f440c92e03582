"""Reloads over two tiers: who gets the old value meanwhile, what they beat and what beats them."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from redis.asyncio import Redis as AsyncRedis

import servers
from cache.helpers import Fleet, MakeTier, never
from cache.test_loading import Callers, Slow, wait_for_waiters
from lldkit.cache import LoadRecursionError, SerializationError, StoreUnavailable


def test_a_reload_replaces_the_value_everywhere_and_others_get_the_old_one_meanwhile(fleet: Fleet) -> None:
    one, other = fleet.tier(), fleet.tier()
    one.put("k", "old")
    assert one.get("k") == "old"

    def load(key: str) -> str:
        assert (one.get(key), other.get(key), fleet.tier().get_or_load(key, never)) == ("old",) * 3
        return "new"

    assert one.refresh("k", load) == "new"
    assert (one.get("k"), fleet.tier().get("k")) == ("new", "new")
    assert one.refresh("cold", lambda _: 1) == fleet.tier().get("cold") == 1


def test_a_reload_that_fails_leaves_the_old_value_and_no_lease(fleet: Fleet) -> None:
    tier = fleet.tier()
    tier.put("k", "old")
    with pytest.raises(ZeroDivisionError):
        tier.refresh("k", lambda _: 1 // 0)
    with pytest.raises(SerializationError):
        tier.refresh("k", lambda _: object())
    assert (tier.get("k"), fleet.client.keys("cache-lease*")) == ("old", [])


@pytest.mark.parametrize("change", ["invalidate", "put", "clear"])
def test_a_change_by_another_process_beats_a_reload(fleet: Fleet, change: str) -> None:
    one, other = fleet.tier(), fleet.tier()
    one.put("k", "old")
    assert one.get("k") == "old"
    changes = {
        "invalidate": lambda: other.invalidate("k"),
        "put": lambda: other.put("k", "newest"),
        "clear": other.clear,
    }

    def load(_: str) -> str:
        changes[change]()
        return "new"

    assert one.refresh("k", load) == "new"
    expected = "newest" if change == "put" else None
    assert [one.get("k"), other.get("k")] == [expected, expected]


def test_a_reload_beats_a_load_that_began_before_it_elsewhere(fleet: Fleet) -> None:
    one, other = fleet.tier(), fleet.tier()

    def load(key: str) -> str:
        assert other.refresh(key, lambda _: "new") == "new"
        return "old"

    assert one.get_or_load("k", load) == "old"
    assert [one.get("k"), other.get("k")] == ["new", "new"]


def test_threads_that_reload_at_once_share_one_load_but_join_no_look(fleet: Fleet) -> None:
    tier, callers, load = fleet.tier(), Callers(), Slow("new")
    tier.put("k", "old")
    read, looking, may_end = tier._l2.read, threading.Event(), threading.Event()

    def slow(keys: Sequence[str], *, lease: bool) -> Any:
        readings = read(keys, lease=lease)
        looking.set()
        assert may_end.wait(20)
        return readings

    tier._l2.read = slow  # type: ignore[method-assign]
    callers.start(lambda: tier.get("k"))
    assert looking.wait(20)
    callers.start(lambda: tier.refresh("k", load), 8)
    assert load.began.wait(20)
    wait_for_waiters(tier._l1, "k", 7)
    may_end.set()
    load.may_end.set()
    got = callers.all()
    assert (got.count("new"), got.count("old"), load.calls) == (8, 1, ["k"])
    tier._l2.read = read  # type: ignore[method-assign]
    assert tier.get("k") == "new"  # the look that ended behind the reload stored nothing


def test_a_reload_within_the_load_of_its_key_and_the_other_way_round_hang_nobody(fleet: Fleet) -> None:
    tier = fleet.tier()
    assert tier.get_or_load("k", lambda key: tier.refresh(key, lambda _: "inner")) == "inner"
    assert tier.get("k") == "inner"
    with pytest.raises(LoadRecursionError):
        tier.refresh("cold", lambda key: tier.get_or_load(key, never))
    with pytest.raises(LoadRecursionError):
        tier.refresh("cold", lambda key: tier.refresh(key, never))


def test_tasks_reload(redis_server: servers.RedisServer, fleet: Fleet) -> None:
    async def main() -> None:
        async with AsyncRedis.from_url(redis_server.url) as aclient:
            tier, loads = fleet.tier(aclient=aclient), list[str]()
            await tier.aput("k", "old")

            async def load(key: str) -> str:
                loads.append(key)
                await asyncio.sleep(0)
                assert fleet.tier().get(key) == "old"
                return "new"

            assert await asyncio.gather(*(tier.arefresh("k", load) for _ in range(3))) == ["new"] * 3
            assert await tier.aget("k") == fleet.tier().get("k") == "new"
            assert loads == ["k"]
            with pytest.raises(LoadRecursionError):
                await tier.arefresh("k", lambda key: tier.arefresh(key, load))

    asyncio.run(main())
    assert fleet.client.keys("cache-lease*") == []


def test_a_reload_that_the_store_does_not_take_is_refused_and_the_old_value_stays(
    breakable_redis: servers.RedisServer, lone: MakeTier
) -> None:
    tier = lone()
    tier.put("k", "old")
    assert tier.get("k") == "old"

    def load(_: object) -> str:
        breakable_redis.stop()
        return "new"

    with pytest.raises(StoreUnavailable):
        tier.refresh("k", load)
    with pytest.raises(StoreUnavailable):
        tier.refresh("k", never)
    assert tier.get("k") == "old"
    breakable_redis.start()
    tier._clock.sleep(1)
    assert tier.refresh("k", lambda _: "new") == tier.get("k") == "new"
