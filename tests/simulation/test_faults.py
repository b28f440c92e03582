"""Faults: the seed decides which call is struck; its effect happens once, twice or not at all."""

import asyncio
import contextlib
import errno
import functools
from collections.abc import Callable
from typing import Any, Self

import pytest

from lldkit.simulation import (
    Crash,
    Crashes,
    Delayed,
    DiskFull,
    Down,
    Duplicated,
    Fails,
    Fault,
    Faults,
    Kill,
    LostReply,
    LostRequest,
    Partition,
    Pause,
    Skew,
    Slow,
    Trace,
    VirtualClock,
    run_virtual,
)


class Ledger:
    """A store with a verb of each kind that notes every effect."""

    def __init__(self) -> None:
        self.effects: list[int] = []

    def add(self, amount: int) -> int:
        self.effects.append(amount)
        return len(self.effects)

    async def aadd(self, amount: int) -> int:
        await asyncio.sleep(0)
        return self.add(amount)

    def later(self, amount: int) -> Any:
        """Like the methods of many clients: not `async def`, and yet to be awaited."""
        return self.aadd(amount)


def always(kind: Callable[[str, float], Fault]) -> Faults:
    return Faults(1, plan=[kind("ledger", 1.0)])


# --- what each kind does to the effect and to the caller -------------------------------------------

KINDS = [
    (None, [7], 1, None),
    (Fails, [], None, ConnectionError),
    (LostRequest, [], None, TimeoutError),
    (LostReply, [7], None, TimeoutError),
    (Duplicated, [7, 7], 1, None),
]


@pytest.mark.parametrize("verb", ["add", "aadd", "later"])
@pytest.mark.parametrize(("kind", "effects", "result", "error"), KINDS)
def test_each_kind_has_its_effect_and_its_answer(
    verb: str, kind: Any, effects: list[int], result: int | None, error: type[Exception] | None
) -> None:
    ledger = Ledger()
    wrapped = (always(kind) if kind else Faults(1)).wrap(ledger, name="ledger")

    async def ask() -> int:
        answer = getattr(wrapped, verb)(7)
        return int(await answer if verb != "add" else answer)

    if error is None:
        assert run_virtual(ask()) == result
    else:
        with pytest.raises(error, match=f"ledger.{verb}"):
            run_virtual(ask())
    assert ledger.effects == effects


def test_a_lost_reply_makes_a_naive_retry_charge_twice() -> None:
    ledger = Ledger()
    gateway = Faults(1, plan=[LostReply("gateway", 1.0)]).wrap(ledger, name="gateway")
    for _ in range(2):
        with pytest.raises(TimeoutError, match="the reply was lost"):
            gateway.add(100)
    assert ledger.effects == [100, 100]


def test_an_error_of_ones_own_may_be_raised() -> None:
    class StoreUnavailableError(Exception):
        pass

    faults = Faults(1, plan=[Down("store", 0, 10, error=lambda message: StoreUnavailableError(f"503 {message}"))])
    with pytest.raises(StoreUnavailableError, match=r"503 store\.add: it is down"):
        faults.wrap(Ledger(), name="store").add(1)


def test_an_outage_begins_and_ends_at_its_times() -> None:
    clock, ledger = VirtualClock(monotonic=50.0), Ledger()
    store = Faults(1, plan=[Down("store", at=10, seconds=5)], clock=clock).wrap(ledger, name="store")
    for at in (0.0, 9.999, 10.0, 14.999, 15.0):
        clock.sleep(50.0 + at - clock.monotonic())
        if 10.0 <= at < 15.0:
            with pytest.raises(ConnectionRefusedError):
                store.add(round(at))
        else:
            store.add(round(at))
    assert ledger.effects == [0, 10, 15]


def test_a_full_disk_stays_full_and_says_so_as_the_system_does() -> None:
    clock = VirtualClock()
    disk = Faults(1, plan=[DiskFull("disk", at=3)], clock=clock).wrap(Ledger(), name="disk", only=["add"])
    assert disk.add(1) == 1
    clock.sleep(100)
    with pytest.raises(OSError, match="no space left") as caught:
        disk.add(2)
    assert caught.value.errno == errno.ENOSPC
    assert disk.effects == [1]


def test_a_delay_lies_half_before_the_effect_and_half_after_it() -> None:
    clock = VirtualClock()
    seen: list[float] = []

    async def read() -> None:
        await asyncio.sleep(0)
        seen.append(clock.monotonic())

    run_virtual(Faults(1, plan=[Delayed("read", 2, 2)], clock=clock).wrap(read, name="read")(), clock=clock)
    assert (seen, clock.monotonic()) == ([1.0], 2.0)


def test_slow_stretches_the_call_and_its_delay() -> None:
    clock = VirtualClock()

    async def query() -> None:
        await clock.asleep(0.5)

    async def main() -> list[float]:
        times = []
        slow = Faults(1, plan=[Delayed("db", 0.1, 0.1), Slow("db", at=10, seconds=5, factor=10)], clock=clock)
        wrapped = slow.wrap(query, name="db")
        for at in (0, 10, 30):
            await clock.asleep(at - clock.monotonic())
            await wrapped()
            times.append(round(clock.monotonic() - at, 9))
        return times

    assert run_virtual(main(), clock=clock) == [0.6, 6.0, 0.6]


def test_a_plain_call_is_slow_too() -> None:
    clock = VirtualClock()
    store = Faults(1, plan=[Delayed("s", 1, 1), Slow("s", 0, 10, 3)], clock=clock).wrap(Ledger(), name="s")
    store.add(1)
    assert clock.monotonic() == 3.0


def test_delays_are_spread_over_their_range() -> None:
    clock = VirtualClock()
    store = Faults(1, plan=[Delayed("s", 1, 3)], clock=clock).wrap(Ledger(), name="s")
    took = []
    for _ in range(2000):
        before = clock.monotonic()
        store.add(1)
        took.append(clock.monotonic() - before)
    assert 1 <= min(took) < 1.01
    assert 2.99 < max(took) <= 3
    assert sum(took) / 2000 == pytest.approx(2.0, abs=0.06)  # the mean of 2,000 has a deviation of .013


# --- who decides -----------------------------------------------------------------------------------


def struck(faults: Faults, name: str, calls: int, between: Callable[[], object] = lambda: None) -> list[int]:
    """Which of so many calls fail."""
    target = faults.wrap(Ledger(), name=name)
    failed = []
    for call in range(1, calls + 1):
        between()
        try:
            target.add(1)
        except (TimeoutError, ConnectionError):
            failed.append(call)
    return failed


def test_the_share_of_struck_calls_is_the_rate() -> None:
    assert len(struck(Faults(5, rates={"lost_reply": 0.05}), "store", 10_000)) == pytest.approx(500, abs=87)  # 4 sigma


def test_the_fate_of_a_call_does_not_depend_on_other_boundaries() -> None:
    alone = struck(Faults(5, rates={"fails": 0.2}), "store", 200)
    faults = Faults(5, rates={"fails": 0.2})
    other = faults.wrap(Faults(0).wrap(Ledger(), name="inner"), name="other")

    def call_other() -> None:
        try:
            other.add(1)
        except ConnectionError:
            other.effects.clear()

    assert struck(faults, "store", 200, call_other) == alone
    assert struck(Faults(6, rates={"fails": 0.2}), "store", 200) != alone


def test_one_more_fault_in_the_plan_leaves_the_others_as_they_were() -> None:
    def replies_lost(*more: Fault) -> set[int]:
        faults = Faults(5, plan=[*more, LostReply("store", 0.2)])
        struck(faults, "store", 200)
        return {fired.call for fired in faults.fired if fired.fault.startswith("LostReply")}

    assert replies_lost() == replies_lost(Duplicated("store", 0.3), Delayed("store", 0, 0)) != set()


def test_a_higher_rate_strikes_the_same_calls_and_more() -> None:
    few, many = (set(struck(Faults(5, plan=[Fails("s", rate)]), "s", 500)) for rate in (0.05, 0.2))
    assert few < many


def test_two_faults_of_one_kind_draw_apart() -> None:
    faults = Faults(5, plan=[Fails("s", 0.5), Fails("s", 0.5)])
    struck(faults, "s", 100)
    first, second = (
        {fired.call for fired in faults.fired if fired.fault == f"Fails(rate=0.5){n}"} for n in ("", " #2")
    )
    assert first != second
    assert len(first) > 20 < len(second)


def test_a_name_may_be_a_pattern() -> None:
    faults = Faults(5, plan=[Fails("db-*", 1.0)])
    assert struck(faults, "db-1", 2) == struck(faults, "db-2", 2) == [1, 2]
    assert struck(faults, "cache", 2) == []


def test_a_swarm_leaves_out_about_half_of_the_kinds_in_every_combination() -> None:
    rates = {"fails": 0.1, "lost_reply": 0.1, "duplicated": 0.1}
    kept = [
        tuple(sorted(armed.text[:4] for armed in Faults(seed, rates=rates, swarm=True).plan)) for seed in range(200)
    ]
    assert len(set(kept)) == 8
    for kind in ("Fail", "Lost", "Dupl"):
        assert sum(kind in one for one in kept) == pytest.approx(100, abs=28)  # 4 sigma
    assert len(Faults(0, rates=rates).plan) == 3


def test_only_the_faults_that_are_kept_strike() -> None:
    first = Faults(5, rates={"fails": 0.2})
    failed = struck(first, "s", 100)
    assert [fired.call for fired in first.fired] == failed
    kept = Faults(5, rates={"fails": 0.2}, keep=first.fired[1:3])
    assert struck(kept, "s", 100) == failed[1:3]


def test_after_healing_nothing_strikes() -> None:
    faults = Faults(5, rates={"fails": 1.0}, plan=[Down("s", 0, 1000), Duplicated("s", 1.0)])
    assert struck(faults, "s", 3) == [1, 2, 3]
    faults.heal()
    assert struck(faults, "s", 3) == []
    assert not faults.sometimes("rare path", 1.0)


def test_sometimes_is_a_coin_for_each_name() -> None:
    faults = Faults(5)
    heads = [sum(faults.sometimes(name) for _ in range(1000)) for name in ("flush early", "small buffer")]
    assert heads == [pytest.approx(100, abs=38)] * 2  # 4 sigma
    again = Faults(5)
    assert sum(again.sometimes("small buffer") for _ in range(1000)) == heads[1]
    assert {fired.where for fired in faults.fired} == {"flush early", "small buffer"}


def test_what_struck_is_listed_and_traced() -> None:
    clock = VirtualClock()
    trace = Trace(seed=5, now=clock.monotonic)
    faults = Faults(5, plan=[Fails("s", 1.0), Down("s", 0, 9)], clock=clock, trace=trace)
    struck(faults, "s", 2)
    assert [str(fired) for fired in faults.fired] == [
        "0.000000 s: Fails(rate=1.0) (call 1)",
        "0.000000 s: Down(at=0, seconds=9)",
        "0.000000 s: Fails(rate=1.0) (call 2)",
    ]
    assert [line.split(maxsplit=2)[2] for line in trace.lines()] == [
        *("Fails(rate=1.0) at call 1", "Down(at=0, seconds=9)", "add, call 1: ConnectionRefusedError"),
        *("Fails(rate=1.0) at call 2", "add, call 2: ConnectionRefusedError"),
    ]


# --- the death of a caller -------------------------------------------------------------------------


def test_a_crash_strikes_before_or_after_the_effect_and_the_dead_have_no_effect_any_more() -> None:
    seen = set()
    for seed in range(20):
        faults, ledger = Faults(seed, plan=[Crashes("ledger", 1.0)]), Ledger()
        wrapped = faults.wrap(ledger, name="ledger")
        with pytest.raises(Crash) as caught:
            wrapped.add(1)
        with pytest.raises(Crash, match="the dead"):
            wrapped.add(2)  # such as the clean-up of a dead program does
        seen.add((str(caught.value).split()[0], tuple(ledger.effects)))
        faults.revive()
        assert wrapped.effects == ledger.effects
    assert seen == {("before", ()), ("after", (1,))}


def test_no_except_exception_survives_a_crash() -> None:
    wrapped = Faults(1, plan=[Crashes("ledger", 1.0)]).wrap(Ledger(), name="ledger")

    def sloppy() -> None:
        with contextlib.suppress(Exception):
            wrapped.add(1)

    with pytest.raises(Crash):
        sloppy()


# --- the stand-in ----------------------------------------------------------------------------------


def test_functions_items_and_calls_are_boundaries_too() -> None:
    faults = Faults(1, rates={"lost_reply": 1.0})

    def double(number: int) -> int:
        """Twice as much."""
        return 2 * number

    class Doubler:
        def __call__(self, number: int) -> int:
            return double(number)

    table: dict[str, int] = {}
    wrapped = faults.wrap(double, name="double")
    assert (wrapped.__name__, wrapped.__doc__) == ("double", "Twice as much.")
    stand_in = faults.wrap(table, name="table")
    for call in (
        functools.partial(wrapped, 2),
        functools.partial(faults.wrap(Doubler(), name="object"), 2),
        functools.partial(stand_in.__setitem__, "a", 1),
        lambda: stand_in["a"],
        lambda: "a" in stand_in,
    ):
        with pytest.raises(TimeoutError):
            call()
    assert table == {"a": 1}
    assert len(stand_in) == 1
    assert list(stand_in) == ["a"]


def test_all_else_is_the_objects_own() -> None:
    class Store:
        Missing = KeyError
        size = 3

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            self.size = 0

        def _private(self) -> str:
            return "untouched"

        def read(self) -> str:
            return "read"

        def write(self) -> str:
            return "written"

    store = Store()
    faults = Faults(1, rates={"fails": 1.0})
    with faults.wrap(store, name="store", only=["write"]) as wrapped:
        wrapped.size = 5
        assert (store.size, wrapped.size, wrapped.Missing, wrapped._private()) == (5, 5, KeyError, "untouched")
        assert wrapped.read() == "read"
        with pytest.raises(ConnectionError):  # `with` has not led past the boundary
            wrapped.write()
    assert store.size == 0
    with pytest.raises(AttributeError, match="nothing"):
        wrapped.nothing  # type: ignore[attr-defined]  # noqa: B018 - reading it is the test


def test_faults_of_async_calls_are_raised_where_they_are_awaited() -> None:
    ledger = Ledger()
    wrapped = Faults(3, rates={"fails": 0.5}).wrap(ledger, name="ledger")

    async def main() -> list[Any]:
        return list(await asyncio.gather(*(wrapped.aadd(n) for n in range(20)), return_exceptions=True))

    results = run_virtual(main())
    failed = [n for n, result in enumerate(results) if isinstance(result, ConnectionError)]
    assert 3 < len(failed) < 17
    assert ledger.effects == [n for n in range(20) if n not in failed]


def test_cancellation_passes_through_to_the_effect() -> None:
    clock = VirtualClock()
    seen: list[str] = []

    async def slow() -> None:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    wrapped = Faults(1, plan=[LostReply("slow", 1.0)], clock=clock).wrap(slow, name="slow")
    with pytest.raises(TimeoutError):
        run_virtual(asyncio.wait_for(wrapped(), 3), clock=clock)
    assert seen == ["cancelled"]
    assert clock.monotonic() == 3.0


def test_an_error_of_the_object_itself_passes_through() -> None:
    wrapped = Faults(1, plan=[Duplicated("d", 1.0), LostReply("d", 1.0)]).wrap({"a": 1}, name="d")
    with pytest.raises(KeyError):
        wrapped["b"]


# --- refusals --------------------------------------------------------------------------------------


def test_an_unknown_rate_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ValueError, match=r"\['lost_replies'\].*'lost_reply'"):
        Faults(1, rates={"lost_replies": 0.1})


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: LostReply("a", 1.1), "LostReply: rate is a share from 0 to 1, got 1.1"),
        (lambda: Fails("a", float("nan")), "got nan"),
        (lambda: Down("a", -1, 5), "Down: at is seconds since the start, >= 0, got -1"),
        (lambda: Pause("a", 0, -5), "Pause: seconds"),
        (lambda: Slow("a", 0, 5, 0.5), "Slow: factor is a number >= 1"),
        (lambda: Kill("a", float("nan")), "Kill: at"),
        (lambda: Partition("a", "b", 1, -1), "Partition: seconds"),
        (lambda: Delayed("a", 3, 1), "Delayed: low is at most high"),
        (lambda: Skew("a", drift=-1), "Skew: drift"),
        (lambda: Faults(1, rates={"fails": 7}), "Fails: rate"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(make: Callable[[], object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()
