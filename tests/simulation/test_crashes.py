"""every_crash: each boundary call is a place to die before and after, and what is left must be right."""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

import pytest

from lldkit.simulation import CrashPoint, CrashReport, Faults, LostReply, every_crash


class Gateway:
    """Somebody else's money: charges by key, and what cannot be undone is noted."""

    def __init__(self) -> None:
        self.charges: list[str] = []
        self.by_key: dict[str, str] = {}

    def charge(self, order: str, key: str | None = None) -> str:
        if key is not None and key in self.by_key:
            return self.by_key[key]
        self.charges.append(order)
        receipt = f"receipt {len(self.charges)}"
        if key is not None:
            self.by_key[key] = receipt
        return receipt

    def shipped(self) -> None: ...


class World:
    """What survives a crash: a gateway and a store."""

    def __init__(self) -> None:
        self.gateway = Gateway()
        self.store: dict[str, str] = {}


class Store(Protocol):
    def __getitem__(self, key: str, /) -> str: ...


def naive(world: World, faults: Faults) -> None:
    gateway, store = faults.wrap(world.gateway, name="gateway"), faults.wrap(world.store, name="store")
    if "order" not in store:
        store["order"] = gateway.charge("order")


def keyed(world: World, faults: Faults) -> None:
    gateway, store = faults.wrap(world.gateway, name="gateway"), faults.wrap(world.store, name="store")
    if "order" not in store:
        store["order"] = gateway.charge("order", key="order")


def charged_once(world: World) -> None:
    assert world.gateway.charges == ["order"]
    assert world.store == {"order": "receipt 1"}


def test_a_naive_payment_is_charged_twice_and_the_report_names_the_calls() -> None:
    report = every_crash(World, naive, check=charged_once)
    # Three calls, look, charge and write: six points. Two of them lie between charge and write.
    assert (report.points, report.runs) == (6, 7)
    assert [violation.crashes for violation in report.violations] == [
        (CrashPoint("after", "gateway", "charge", 2),),
        (CrashPoint("before", "store", "__setitem__", 3),),
    ]
    assert str(report.violations[0]).startswith("crash after call 2, gateway.charge: AssertionError: ")
    with pytest.raises(AssertionError, match=r"2 of 7 runs ended wrong:\n  crash after call 2, gateway\.charge"):
        report.assert_ok()


def test_a_payment_with_a_key_comes_out_right_wherever_it_dies() -> None:
    report = every_crash(World, keyed, check=charged_once, crashes=2)
    assert report.assert_ok() is report
    assert report.points == 6
    # One crash at point p leaves q points of the recovery: 6 if nothing is stored yet, 2 (the look) if all is. So the
    # second crash has 6 places after points 0-4, and 2 after point 5.
    assert report.runs == 1 + 6 + 5 * 6 + 2


def test_of_many_pairs_of_crashes_a_seeded_sample_is_tried() -> None:
    seen = [every_crash(World, naive, check=charged_once, crashes=2, sample=5, seed=seed) for seed in (1, 1, 2)]
    assert [report.runs for report in seen] == [1 + 6 + 5] * 3
    assert seen[0] == seen[1] != seen[2]
    whole = every_crash(World, naive, check=charged_once, crashes=2)
    assert whole == every_crash(World, naive, check=charged_once, crashes=2, sample=1_000)
    for report in seen:
        assert set(report.violations) < set(whole.violations)
    with pytest.raises(ValueError, match="sample is a number >= 1"):
        every_crash(World, keyed, check=charged_once, sample=0)


def twice_in_a_row(world: World, faults: Faults) -> None:
    """Recovers from one crash, for it counts its attempts; not from a crash within the recovery."""
    store = faults.wrap(world.store, name="store")
    attempt = int(store.get("attempt", "0"))
    if attempt == 2:
        raise RuntimeError("too many attempts")
    store["attempt"] = str(attempt + 1)
    store["order"] = "done"
    store["attempt"] = "0"


def test_a_bug_of_the_recovery_is_found_by_a_second_crash() -> None:
    def check(world: World) -> bool:
        return world.store["order"] == "done"

    assert every_crash(World, twice_in_a_row, check=check).violations == ()
    found = every_crash(World, twice_in_a_row, check=check, crashes=2).violations
    assert found
    assert {violation.message for violation in found} == {"RuntimeError: too many attempts"}
    assert {len(violation.crashes) for violation in found} == {2}


def test_what_a_dying_run_does_in_its_clean_up_has_no_effect() -> None:
    def tidy(world: World, faults: Faults) -> None:
        store = faults.wrap(world.store, name="store")
        try:
            store["a"] = "1"
        finally:
            store["cleaned"] = "by the dead" if "cleaned" not in world.store and "a" not in world.store else "alive"

    report = every_crash(World, tidy, check=lambda world: world.store["cleaned"] == "alive")
    assert report.assert_ok().points == 4


def test_a_run_that_swallows_its_own_death_starts_again_all_the_same() -> None:
    def stubborn(world: World, faults: Faults) -> None:
        store = faults.wrap(world.store, name="store")
        try:
            store["a"] = "1"
        except BaseException:  # noqa: BLE001 - as wrong as it looks
            return

    every_crash(World, stubborn, check=lambda world: world.store == {"a": "1"}).assert_ok()


def test_an_async_run_dies_too_and_has_virtual_time() -> None:
    async def run(world: World, faults: Faults) -> None:
        async def put(key: str) -> None:
            await asyncio.sleep(3600)
            world.store[key] = "there"

        wrapped = faults.wrap(put, name="store")
        async with asyncio.TaskGroup() as group:
            for key in "ab":
                group.create_task(wrapped(key))

    report = every_crash(World, run, check=lambda world: sorted(world.store) == ["a", "b"])
    assert report.assert_ok().points == 4


@pytest.mark.parametrize(
    "check", [lambda _: False, lambda _: 0, lambda world: world.nothing], ids=["False", "zero", "an error"]
)
def test_a_run_that_is_wrong_without_a_crash_is_reported_as_such(check: Callable[[Any], object]) -> None:
    report = every_crash(World, keyed, check=check, crashes=0)
    assert [str(violation).split(":")[0] for violation in report.violations] == ["crash nowhere"]


def test_what_a_run_raises_without_a_crash_is_raised() -> None:
    def broken(world: World, _: Faults) -> None:
        world.store["nothing"]

    with pytest.raises(KeyError):
        every_crash(World, broken, check=charged_once)


def test_a_run_without_boundary_calls_has_no_points() -> None:
    assert every_crash(World, lambda *_: None, check=lambda _: True) == CrashReport(points=0, runs=1, violations=())


def test_a_negative_number_of_crashes_is_refused() -> None:
    with pytest.raises(ValueError, match="crashes is a number >= 0, got -1"):
        every_crash(World, keyed, check=charged_once, crashes=-1)


def test_a_lost_reply_and_a_crash_after_the_call_are_the_same_to_the_store() -> None:
    world = World()
    store = Faults(1, plan=[LostReply("gateway", 1.0)]).wrap(world.gateway, name="gateway")
    with pytest.raises(TimeoutError):
        store.charge("order")
    assert world.gateway.charges == ["order"]
