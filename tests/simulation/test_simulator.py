"""simulate and search: promises after every event and after healing, one stream per name, faults shrunk."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lldkit.simulation import (
    Delayed,
    Down,
    Fails,
    Fault,
    FaultFired,
    InvariantBroken,
    Kill,
    LostReply,
    Pause,
    Process,
    Simulation,
    Skew,
    Slow,
    search,
    simulate,
)
from lldkit.simulation.search import smallest

World = Callable[[Simulation], Awaitable[None]]


async def sleeper(process: Process) -> None:
    await process.clock.asleep(1e9)


# --- promises ------------------------------------------------------------------------------------------------------


def test_what_holds_always_is_looked_at_after_every_event_and_broken_once() -> None:
    async def world(sim: Simulation) -> None:
        balance = [0]
        sim.always("no debt", lambda: balance[0] >= 0)
        sim.always("a check may assert", lambda: check(balance[0]))
        await sim.clock.asleep(3)
        balance[0] = -5
        await asyncio.sleep(0)  # the next event; a moment later nothing is wrong any more
        balance[0] = 0
        await sim.clock.asleep(3)
        balance[0] = -7

    def check(balance: int) -> None:
        assert balance > -6

    trace = simulate(world, seed=1, until=10)
    assert [(one.name, one.at, one.message.splitlines()[0]) for one in trace.violations] == [
        ("no debt", 3.0, "it is False"),
        ("a check may assert", 6.0, "AssertionError: assert -7 > -6"),
    ]


def test_what_is_false_or_raises_is_broken_and_what_returns_nothing_holds() -> None:
    async def world(sim: Simulation) -> None:
        for name, predicate in {
            "none": lambda: None,
            "true": lambda: True,
            "text": lambda: "yes",
            "false": lambda: False,
            "zero": lambda: 0,
            "error": lambda: 1 // 0,
        }.items():
            sim.always(name, predicate)

    assert [violation.name for violation in simulate(world, seed=1, until=1).violations] == ["false", "zero", "error"]


def test_an_error_of_the_world_is_a_violation_with_its_cause() -> None:
    async def world(sim: Simulation) -> None:
        await sim.clock.asleep(2)
        raise LookupError("no such account")

    trace = simulate(world, seed=4, until=10)
    with pytest.raises(InvariantBroken, match="world was broken at 2 s with seed 4: LookupError: no such") as caught:
        trace.assert_ok()
    assert isinstance(caught.value.__cause__, LookupError)


def test_a_failed_test_inside_the_world_or_a_process_fails_the_test() -> None:
    async def world(_: Simulation) -> None:
        pytest.fail("in the world")

    async def another(sim: Simulation) -> None:
        async def main(_: Process) -> None:
            with pytest.raises(ValueError, match="never"):
                await sim.clock.asleep(1)

        sim.process("worker", main, restart_after=1)

    with pytest.raises(pytest.fail.Exception, match="in the world"):
        simulate(world, seed=1, until=10)
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        simulate(another, seed=1, until=10)


class Service:
    """Seven requests a second to a server for ten, each tried four times with a time-out of a second.

    A slow spell fills the queue with requests that nobody waits for any more, and the retries keep it full. `budget` is
    the number of retries that a successful request earns; None: as many as anybody likes.
    """

    def __init__(self, budget: float | None) -> None:
        self.budget, self.tokens = budget, 10.0
        self.queue: deque[asyncio.Future[None]] = deque()
        self.recent: deque[bool] = deque([True] * 50, maxlen=50)

    async def world(self, sim: Simulation) -> None:
        async def work() -> None:
            await sim.clock.asleep(0.1)

        backend, self.arrived = sim.faults.wrap(work, name="backend"), asyncio.Event()

        async def server(_: Process) -> None:
            while True:
                await self.arrived.wait()
                request = self.queue.popleft()
                if not self.queue:
                    self.arrived.clear()
                await backend()
                if not request.done():
                    request.set_result(None)

        sim.process("server", server)
        sim.eventually("most requests succeed again", lambda: sum(self.recent) > 45, within=60)
        async with asyncio.TaskGroup() as group:
            while True:
                group.create_task(self.client())
                await sim.clock.asleep(1 / 7)

    async def one_try(self) -> bool:
        request: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.queue.append(request)
        self.arrived.set()
        await asyncio.wait([request], timeout=1)
        return request.done()

    async def client(self) -> None:
        answered = await self.one_try()
        for _ in range(3):
            if answered or (self.budget is not None and self.tokens < 1):
                break
            self.tokens -= 1
            answered = await self.one_try()
        if answered:
            self.tokens = min(10.0, self.tokens + (self.budget or 0.0))
        self.recent.append(answered)


def test_a_healed_system_that_its_retries_keep_down_breaks_its_promise_and_one_with_a_budget_keeps_it() -> None:
    spell: list[Fault] = [Slow("backend", at=20, seconds=15, factor=10)]
    stuck = simulate(Service(None).world, seed=1, until=60, faults=spell)
    assert [violation.name for violation in stuck.violations] == ["most requests succeed again"]
    assert stuck.violations[0].at == 120.0  # healed at 60, and 60 seconds later it is still down
    simulate(Service(0.1).world, seed=1, until=60, faults=spell).assert_ok()
    simulate(Service(None).world, seed=1, until=60).assert_ok()


def test_no_fault_strikes_after_healing() -> None:
    async def world(sim: Simulation) -> None:
        failed: list[float] = []
        store = sim.faults.wrap({"a": 1}, name="store")
        worker = sim.process("worker", sleeper)
        await sim.clock.asleep(10)
        sim.faults.heal()
        for _ in range(10):
            await sim.clock.asleep(1)
            try:
                store["a"]
            except ConnectionError:
                failed.append(sim.clock.monotonic())
        assert failed == []
        assert worker.incarnation == 1

    faults = [Down("store", 0, 100), Fails("store", 1.0), Kill("worker", 15), Pause("worker", 15, 5)]
    trace = simulate(world, seed=1, until=50, faults=faults).assert_ok()
    assert trace.faults == ()


def test_a_promise_may_be_made_after_healing_and_counts_from_then_on() -> None:
    async def world(sim: Simulation) -> None:
        sim.faults.heal()
        await sim.clock.asleep(10)
        sim.eventually("never", lambda: False, within=5)
        sim.eventually("at last", lambda: sim.clock.monotonic() >= 14, within=5)

    trace = simulate(world, seed=1, until=100)
    assert [(violation.name, violation.at) for violation in trace.violations] == [("never", 15.0)]


# --- one seed, one run ---------------------------------------------------------------------------------------------


def market(*clients: str) -> World:
    async def world(sim: Simulation) -> None:
        store = sim.faults.wrap({"stock": 1000}, name="store")

        async def client(process: Process) -> None:
            rng = sim.rng(process.name)
            while True:
                await process.clock.asleep(rng.uniform(0.5, 1.5))
                try:
                    store["stock"] = store["stock"] - rng.randint(1, 3)
                except TimeoutError:
                    sim.trace.record(process.name, "gave up")

        for name in clients:
            sim.process(name, client)

    return world


MARKET_FAULTS = [LostReply("store", 0.1), Delayed("store", 0, 0), Skew("ann", 0, 0.01)]


def test_a_seed_is_a_trace_and_seeds_differ() -> None:
    first, again, other = (simulate(market("ann", "bob"), seed=n, until=50, faults=MARKET_FAULTS) for n in (3, 3, 4))
    assert first.diff(again) == ""
    assert first.to_json() == again.to_json()
    assert first.digest != other.digest


def test_one_more_client_leaves_the_draws_of_the_others_as_they_were() -> None:
    def lines_of_ann(*clients: str) -> list[str]:
        trace = simulate(market(*clients), seed=3, until=50, faults=MARKET_FAULTS)
        return [line for line in trace.lines() if "ann" in line]

    alone = lines_of_ann("ann")
    assert any("TimeoutError" in line for line in alone)
    assert lines_of_ann("zoe", "ann", "bob") == alone


def test_a_stream_of_a_name_goes_on_where_it_was() -> None:
    drawn: list[float] = []

    async def world(sim: Simulation) -> None:
        drawn.extend([sim.rng("a").random(), sim.rng("b").random(), sim.rng("a").random()])

    simulate(world, seed=1, until=1)
    simulate(world, seed=1, until=1)
    assert drawn[:3] == drawn[3:]
    assert len(set(drawn)) == 3


def test_a_plan_may_be_drawn_from_the_seed() -> None:
    async def world(sim: Simulation) -> None:
        sim.process("worker", sleeper, restart_after=1)

    killed = [
        simulate(world, seed=seed, until=100, faults=lambda rng: [Kill("worker", at=rng.uniform(0, 100))]).faults[0].at
        for seed in (1, 2, 1)
    ]
    assert killed[0] == killed[2] != killed[1]


def test_a_random_order_is_a_different_run_for_each_seed() -> None:
    def order(seed: int) -> str:
        seen: list[str] = []

        async def world(sim: Simulation) -> None:
            async def main(process: Process) -> None:
                await process.clock.asleep(1)
                seen.append(process.name)

            for name in "abcdef":
                sim.process(name, main)

        simulate(world, seed=seed, until=2, order="random")
        return "".join(seen)

    assert len({order(seed) for seed in range(20)}) > 10
    assert [order(seed) for seed in range(5)] == [order(seed) for seed in range(5)]


# --- search --------------------------------------------------------------------------------------------------------


async def fragile(sim: Simulation) -> None:
    """Loses a note if a write fails while the standby is dead; every other fault is harmless."""
    notes, lost = {"n": 0}, [0]
    store = sim.faults.wrap(notes, name="store")
    standby = sim.process("standby", sleeper, restart_after=10)
    sim.process("bystander", sleeper, restart_after=1)
    sim.always("no note is lost", lambda: lost[0] == 0)
    while True:
        await sim.clock.asleep(1)
        try:
            store["n"] = int(sim.clock.monotonic())
        except ConnectionError:
            lost[0] += not standby.alive


NOISE = [
    *(Kill("bystander", at) for at in (3, 13, 23, 33)),
    *(Pause("bystander", at, 2) for at in (5, 25)),
    LostReply("bystander-*", 0.5),
    Fails("store", 0.3),
    *(Kill("standby", at) for at in (20.5, 50.5)),
]


def test_the_faults_of_a_failing_seed_are_shrunk_to_those_that_matter() -> None:
    async def world(sim: Simulation) -> None:
        sim.faults.wrap({}, name="bystander-store")
        await fragile(sim)

    full = simulate(world, seed=1, until=70, faults=NOISE)
    assert len(full.faults) > 20
    shrunk = search(world, seeds=[1], until=70, faults=NOISE)
    assert shrunk is not None
    assert shrunk.violations[0].name == "no note is lost"
    assert sorted(fired.where for fired in shrunk.faults) == ["standby", "store"]
    again = simulate(world, seed=1, until=70, faults=NOISE, keep=shrunk.faults)
    assert again.digest == shrunk.digest
    for fired in shrunk.faults:
        rest = [one for one in shrunk.faults if one != fired]
        simulate(world, seed=1, until=70, faults=NOISE, keep=rest).assert_ok()


def test_a_search_returns_the_first_failing_seed_and_tells_how_far_it_is() -> None:
    heard: list[tuple[int, int]] = []
    faults: list[Fault] = [Fails("store", 0.05), Kill("standby", 20.5)]
    found = search(fragile, seeds=range(100, 200), until=40, faults=faults, progress=lambda *args: heard.append(args))
    assert found is not None
    assert heard == [(n, 99 + n) for n in range(1, found.seed - 98)]
    for seed in range(100, found.seed):
        simulate(fragile, seed=seed, until=40, faults=faults).assert_ok()


def test_a_search_without_a_find_returns_nothing() -> None:
    assert search(fragile, seeds=range(5), until=40, faults=[Fails("store", 0.5)]) is None


def test_a_swarm_finds_what_needs_a_fault_to_be_absent() -> None:
    async def world(sim: Simulation) -> None:
        store = sim.faults.wrap({"n": 0}, name="store")
        writes = [0]
        sim.always("fewer than 30 writes in a row", lambda: writes[0] < 30)
        while True:
            await sim.clock.asleep(1)
            try:
                store["n"] = 1
                writes[0] += 1
            except ConnectionError:
                writes[0] = 0

    faults: list[Fault] = [Fails("store", 0.5)]
    assert search(world, seeds=range(10), until=60, faults=faults) is None
    assert search(world, seeds=range(10), until=60, faults=faults, swarm=True) is not None


@given(st.sets(st.integers(0, 40), max_size=5), st.integers(0, 40))
def test_what_shrinking_leaves_is_exactly_what_is_needed(needed: set[int], size: int) -> None:
    items = list(range(max([size, *needed]) + 1))
    assert set(smallest(items, lambda some: needed <= set(some))) == needed


def test_what_can_be_left_out_only_when_another_has_gone_goes_too() -> None:
    def fails(some: Sequence[int]) -> bool:
        return 3 in some and (2 not in some or 1 in some)  # 1 is needed as long as 2 is there

    assert list(smallest([1, 2, 3], fails)) == [3]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=20), st.integers(1, 30))
def test_nothing_more_can_be_left_out(items: list[int], enough: int) -> None:
    if sum(items) >= enough:
        left = smallest(items, lambda some: sum(some) >= enough)
        assert sum(left) >= enough
        assert all(sum(left) - one < enough for one in left)


# --- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault", [Kill("worker-9", 1), LostReply("stoer", 0.1), Skew("worker-9", 1), Down("db-*", 0, 1)], ids=repr
)
def test_a_fault_that_names_nobody_is_refused_for_it_would_let_every_test_pass(fault: Fault) -> None:
    async def world(sim: Simulation) -> None:
        sim.process("worker-1", sleeper)
        sim.faults.wrap({}, name="store")

    with pytest.raises(ValueError, match=r"which does not exist; there are \['store', 'worker-1', 'world'\]"):
        simulate(world, seed=1, until=1, faults=[fault])


def test_two_processes_of_one_name_are_refused() -> None:
    async def world(sim: Simulation) -> None:
        sim.process("worker", sleeper)
        with pytest.raises(ValueError, match="there is a process 'worker' already"):
            sim.process("worker", sleeper)

    simulate(world, seed=1, until=1).assert_ok()


def test_a_simulation_has_an_end() -> None:
    async def world(_: Simulation) -> None: ...

    with pytest.raises(ValueError, match="until is a number of seconds > 0, got 0"):
        simulate(world, seed=1, until=0)


def test_what_struck_has_a_key_that_another_run_of_the_seed_knows() -> None:
    fired = FaultFired(1.5, "Fails(rate=0.1)", "store", "ann", 3)
    assert fired.key == ("Fails(rate=0.1)", "store", "ann", 3)
    assert str(fired) == "1.500000 store: Fails(rate=0.1) (call 3 by ann)"


def test_a_trace_is_what_was_measured_too() -> None:
    async def world(sim: Simulation) -> None:
        for queue in (3, 5):
            await sim.clock.asleep(2)
            sim.trace.measure("queue", queue)

    series: Any = simulate(world, seed=1, until=10).metrics["queue"]
    assert (series.times, series.values) == ((2.0, 4.0), (3.0, 5.0))
