"""Processes: a crash runs nothing, keeps what was acknowledged and forgets the rest; a pause only makes late."""

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from lldkit.simulation import (
    Crashes,
    Delayed,
    Kill,
    Network,
    Pause,
    Process,
    Simulation,
    Skew,
    Trace,
    simulate,
)

Main = Callable[[Process], Awaitable[object]]


def run(main: Main, *, until: float = 100, restart_after: float | None = None, **how: Any) -> Trace:
    """One process named "worker"."""

    async def world(sim: Simulation) -> None:
        sim.process("worker", main, restart_after=restart_after)

    return simulate(world, seed=how.pop("seed", 1), until=until, **how)


class Noisy:
    """A context manager, plain and asynchronous, that notes its exits."""

    def __init__(self, heard: list[str]) -> None:
        self.heard = heard

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None:
        self.heard.append("exit")

    async def __aenter__(self) -> None: ...

    async def __aexit__(self, *_: object) -> None:
        self.heard.append("aexit")


def test_a_crash_runs_no_finally_no_except_and_no_exit_not_even_when_all_is_collected() -> None:
    heard: list[str] = []

    async def numbers(process: Process) -> AsyncIterator[int]:
        try:
            while True:
                await process.clock.asleep(1)
                yield 1
        finally:
            heard.append("generator")

    async def helper(process: Process) -> None:
        try:
            async for _ in numbers(process):
                heard.append("tick")
                await process.clock.asleep(1)  # where the crash finds it, between two items of the generator
        finally:
            heard.append("helper")

    async def main(process: Process) -> None:
        try:
            with Noisy(heard):
                async with Noisy(heard), asyncio.TaskGroup() as group:
                    group.create_task(helper(process))
                    group.create_task(asyncio.to_thread(process.clock.sleep, 50))
                    async with asyncio.timeout(20):
                        await asyncio.Event().wait()
        except BaseException:
            heard.append("except")
            raise
        finally:
            heard.append("finally")

    trace = run(main, faults=[Kill("worker", at=3.5)])
    gc.collect()
    assert heard == ["tick", "tick"]
    assert [str(event).split(maxsplit=2)[2] for event in trace.events] == [
        *("started, incarnation 1", "Kill(at=3.5)", "crashed"),
    ]


def test_after_a_crash_nothing_of_the_process_acts_not_even_what_was_on_its_way() -> None:
    acted: list[str] = []

    async def main(process: Process) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(20, acted.append, "timer")
        asyncio.create_task(process.clock.asleep(20)).add_done_callback(lambda _: acted.append("callback"))
        loop.run_in_executor(None, job, process)
        process.crash()
        loop.call_soon(acted.append, "soon")
        await asyncio.sleep(0)
        acted.append("after the await")

    def job(process: Process) -> None:
        acted.append("thread begins")
        process.clock.sleep(5)
        acted.append("thread goes on")

    run(main)
    assert acted == []


def test_memory_is_gone_and_acknowledged_writes_stay() -> None:
    disk: list[str] = []
    remembered: list[list[str]] = []

    async def main(process: Process) -> None:
        memory: list[str] = []
        remembered.append(memory)
        while True:
            await process.clock.asleep(1)
            memory.append(f"note {process.incarnation}")
            disk.append(f"write {process.incarnation}")

    run(main, until=6.5, restart_after=2, faults=[Kill("worker", at=2.5)])
    assert disk == ["write 1"] * 2 + ["write 2"] * 2  # begins again at 4.5
    assert remembered == [["note 1"] * 2, ["note 2"] * 2]


def test_a_write_that_was_not_acknowledged_may_be_there_or_not() -> None:
    outcomes = set()
    for at in (1.2, 1.8):  # the effect of a call from 1 to 2 takes place at 1.5
        disk: list[str] = []

        async def world(sim: Simulation, disk: list[str] = disk) -> None:
            async def write() -> None:
                disk.append("written")

            boundary = sim.faults.wrap(write, name="disk")

            async def main(process: Process) -> None:
                await process.clock.asleep(1)
                await boundary()
                disk.append("acknowledged")

            sim.process("worker", main)

        simulate(world, seed=1, until=10, faults=[Delayed("disk", 1, 1), Kill("worker", at=at)])
        outcomes.add(tuple(disk))
    assert outcomes == {(), ("written",)}


def test_an_effect_that_has_begun_is_whole_though_its_caller_dies() -> None:
    disk: list[str] = []

    async def world(sim: Simulation) -> None:
        async def write_both() -> None:
            disk.append("first half")
            await sim.clock.asleep(1)
            disk.append("second half")

        boundary = sim.faults.wrap(write_both, name="disk")

        async def main(_: Process) -> None:
            await boundary()
            disk.append("acknowledged")

        sim.process("worker", main)

    simulate(world, seed=1, until=10, faults=[Kill("worker", at=0.5)])
    assert disk == ["first half", "second half"]


def test_a_crash_at_a_boundary_call_happens_before_or_after_its_effect() -> None:
    seen = set()
    for seed in range(12):
        disk: list[str] = []

        async def world(sim: Simulation, disk: list[str] = disk) -> None:
            async def write() -> None:
                disk.append("written")

            boundary = sim.faults.wrap(write, name="disk")

            async def main(_: Process) -> None:
                try:
                    await boundary()
                finally:
                    disk.append("finally")

            sim.process("worker", main)

        trace = simulate(world, seed=seed, until=10, faults=[Crashes("disk", 1.0)])
        assert any(event.text == "crashed" for event in trace.events)
        seen.add(tuple(disk))
    assert seen == {(), ("written",)}


def test_a_process_that_ends_cancels_what_it_has_left_over_as_a_program_does() -> None:
    cleaned: list[float] = []

    async def helper() -> None:
        try:
            await asyncio.sleep(1000)
        finally:
            cleaned.append(asyncio.get_running_loop().time())

    async def main(process: Process) -> None:
        asyncio.create_task(helper())  # noqa: RUF006 - leaving it over is the point
        await process.clock.asleep(1)

    trace = run(main, until=5)
    assert cleaned == [1.0]
    assert trace.lines()[-1].endswith("ended")


def test_an_unhandled_error_is_the_death_of_a_process_and_counts_if_nobody_restarts_it() -> None:
    lives: list[int] = []

    async def main(process: Process) -> None:
        lives.append(process.incarnation)
        await process.clock.asleep(10)
        raise ConnectionError("the store is gone")

    alone = run(main)
    assert [violation.message for violation in alone.violations] == ["died of ConnectionError: the store is gone"]
    assert isinstance(alone.violations[0].error, ConnectionError)
    assert lives == [1]
    supervised = run(main, restart_after=15, until=99)
    assert not supervised.violations
    assert lives == [1, 1, 2, 3, 4]  # each life has 10 seconds, then 15 pass


def test_a_failed_assertion_counts_though_the_process_is_restarted() -> None:
    async def main(_: Process) -> None:
        raise AssertionError("balance is negative")

    trace = run(main, restart_after=50)
    assert [violation.message for violation in trace.violations] == ["died of AssertionError: balance is negative"] * 2


def test_a_pause_loses_nothing_and_makes_late() -> None:
    ticks: list[float] = []

    async def main(process: Process) -> None:
        while True:
            await process.clock.asleep(1)
            ticks.append(process.clock.monotonic())

    run(main, until=9, faults=[Pause("worker", at=2.5, seconds=4)])
    assert ticks == [1.0, 2.0, 6.5, 7.5, 8.5]  # the tick of 3 comes when the pause is over


def test_pauses_that_overlap_end_with_the_last_one() -> None:
    ticks: list[float] = []

    async def main(process: Process) -> None:
        await process.clock.asleep(1)
        ticks.append(process.clock.monotonic())

    run(main, faults=[Pause("worker", at=0.5, seconds=4), Pause("worker", at=2, seconds=5)])
    assert ticks == [7.0]


def test_a_paused_process_can_die_and_what_it_had_before_it_is_lost() -> None:
    ticks: list[float] = []

    async def main(process: Process) -> None:
        await process.clock.asleep(1)
        ticks.append(process.clock.monotonic())

    run(main, faults=[Pause("worker", at=0.5, seconds=4), Kill("worker", at=2)])
    assert ticks == []


def lease_world(*, fenced: bool) -> Callable[[Simulation], Awaitable[None]]:
    """Two workers take turns with a lease of ten seconds; who holds it writes. The store may check a fence."""

    async def world(sim: Simulation) -> None:
        lease: dict[str, Any] = {"holder": "", "until": 0.0, "fence": 0}
        writes: list[tuple[str, int]] = []

        async def main(process: Process) -> None:
            while True:
                now = process.clock.now().timestamp()
                if now >= lease["until"]:
                    lease.update(holder=process.name, until=now + 10, fence=lease["fence"] + 1)
                if lease["holder"] == process.name and lease["until"] - now > 4:  # enough for the longest piece of work
                    fence: int = lease["fence"]
                    await process.clock.asleep(sim.rng(process.name).uniform(1, 4))
                    if not fenced or fence == lease["fence"]:
                        writes.append((process.name, fence))
                await process.clock.asleep(sim.rng(process.name).uniform(0, 2))

        def in_order() -> bool:
            return [fence for _, fence in writes] == sorted(fence for _, fence in writes)

        for name in ("a", "b"):
            sim.process(name, main)
        sim.always("no write comes from behind the fence", in_order)

    return world


@pytest.mark.parametrize(
    "faults",
    [[Pause("a", at=at, seconds=30) for at in (20, 80, 140)], [Skew("b", offset=9)]],
    ids=["a pause outlives the lease", "the clocks disagree"],
)
def test_an_unfenced_lease_breaks_within_20_seeds_and_a_fenced_one_does_not(faults: list[Any]) -> None:
    broken = [bool(simulate(lease_world(fenced=False), seed=n, until=200, faults=faults).violations) for n in range(20)]
    assert any(broken)
    for seed in range(20):
        simulate(lease_world(fenced=True), seed=seed, until=200, faults=faults).assert_ok()
        simulate(lease_world(fenced=False), seed=seed, until=200).assert_ok()


def test_the_clock_of_a_skewed_process_is_its_own() -> None:
    seen: dict[str, float] = {}

    async def world(sim: Simulation) -> None:
        async def main(process: Process) -> None:
            await sim.clock.asleep(86_400)
            seen[process.name] = round((process.clock.now() - sim.clock.now()).total_seconds(), 3)

        for name in ("true", "false"):
            sim.process(name, main)

    simulate(world, seed=1, until=86_401, faults=[Skew("false", offset=5, drift=1e-4)])
    assert seen == {"true": 0.0, "false": 13.64}


def test_a_process_may_be_killed_paused_and_restarted_by_hand() -> None:
    async def world(sim: Simulation) -> None:
        async def main(process: Process) -> None:
            await process.clock.asleep(1000)

        process = sim.process("worker", main)
        assert (process.alive, process.incarnation) == (True, 1)
        await sim.clock.asleep(1)
        process.crash()
        process.crash()
        assert not process.alive
        process.pause(5)
        process.restart()
        assert (process.alive, process.incarnation) == (True, 2)
        process.restart()
        assert repr(process) == "<Process 'worker' alive, incarnation 3>"
        with pytest.raises(ValueError, match="seconds > 0, got 0"):
            process.pause(0)

    trace = simulate(world, seed=1, until=10).assert_ok()
    assert [event.text for event in trace.events if event.subject == "worker"] == [
        *("started, incarnation 1", "crashed", "started, incarnation 2", "crashed", "started, incarnation 3"),
    ]


def test_a_restart_by_hand_stands_in_for_the_one_that_was_due() -> None:
    async def world(sim: Simulation) -> None:
        async def main(process: Process) -> None:
            await process.clock.asleep(1000)

        process = sim.process("worker", main, restart_after=10)
        process.crash()
        await sim.clock.asleep(5)
        process.restart()
        await sim.clock.asleep(50)
        assert process.incarnation == 2

    simulate(world, seed=1, until=60).assert_ok()


def test_a_thread_of_a_dead_process_is_unwound_and_its_boundary_calls_have_no_effect() -> None:
    disk: list[str] = []

    async def world(sim: Simulation) -> None:
        table: dict[str, int] = {}
        store = sim.faults.wrap(table, name="store")

        def job(process: Process) -> None:
            store["begun"] = 1
            try:
                process.clock.sleep(10)
            finally:
                disk.append("unwound")
                store["cleaned up"] = 1

        async def main(process: Process) -> None:
            await asyncio.to_thread(job, process)

        sim.process("worker", main)
        await sim.clock.asleep(50)
        assert table == {"begun": 1}
        assert disk == []

    simulate(world, seed=1, until=60, faults=[Kill("worker", at=5)]).assert_ok()
    assert disk == ["unwound"]


def test_a_waiting_thread_of_a_paused_process_is_late_and_one_of_a_dead_process_never_wakes() -> None:
    woken: list[tuple[str, float]] = []

    async def world(sim: Simulation) -> None:
        changed, ready = threading.Condition(), list[bool]()

        def job(process: Process) -> None:
            with changed:
                process.clock.wait_for(changed, lambda: bool(ready), None)
            woken.append((process.name, sim.clock.monotonic()))

        async def main(process: Process) -> None:
            await asyncio.to_thread(job, process)

        for name in ("well", "paused", "dead"):
            sim.process(name, main)
        await sim.clock.asleep(10)
        ready.append(True)

    simulate(world, seed=1, until=60, faults=[Pause("paused", at=5, seconds=20), Kill("dead", at=5)]).assert_ok()
    assert woken == [("well", 10.0), ("paused", 25.0)]


def test_a_world_that_blocks_the_loop_wakes_no_thread_of_the_dead() -> None:
    woken: list[tuple[str, float]] = []

    async def world(sim: Simulation) -> None:
        def job(process: Process) -> None:
            sim.clock.sleep(5)
            woken.append((process.name, sim.clock.monotonic()))

        async def main(process: Process) -> None:
            await asyncio.to_thread(job, process)

        for name in ("well", "dead"):
            sim.process(name, main)
        await sim.clock.asleep(2)
        sim.clock.sleep(8)  # a plain call, in the thread of the loop

    simulate(world, seed=1, until=60, faults=[Kill("dead", at=1)]).assert_ok()
    assert woken == [("well", 5.0)]


def test_jobs_of_the_dead_that_wait_for_a_worker_never_begin_and_those_of_the_living_do() -> None:
    begun: list[str] = []

    async def world(sim: Simulation) -> None:
        def job(process: Process) -> None:
            begun.append(process.name)
            sim.clock.sleep(10)

        async def main(process: Process) -> None:
            await asyncio.gather(*(asyncio.to_thread(job, process) for _ in range(40)))

        async def late(process: Process) -> None:
            await sim.clock.asleep(1)
            await asyncio.to_thread(job, process)

        sim.process("first", main)
        sim.process("second", late)
        sim.process("third", late)

    simulate(world, seed=1, until=60, faults=[Kill("second", at=5)]).assert_ok()
    # 32 workers: 8 jobs of the first wait, then one each of the second and the third. All 32 end at 10.
    assert begun == ["first"] * 40 + ["third"]


def test_a_network_of_the_dead_delivers_nothing_and_the_living_are_served_by_the_next_incarnation() -> None:
    answers: list[tuple[float, str]] = []

    async def world(sim: Simulation) -> None:
        network: Network = sim.network()

        async def server(process: Process) -> None:
            network.serve(lambda request: f"{request} from {process.incarnation}")
            await process.clock.asleep(1000)

        sim.process("server", server, restart_after=5)
        for _ in range(4):
            await sim.clock.asleep(2 - sim.clock.monotonic() % 2)
            try:
                answers.append((sim.clock.monotonic(), await network.call("server", "hello", timeout=1)))
            except TimeoutError:
                answers.append((sim.clock.monotonic() - 1, "time-out"))

    simulate(world, seed=1, until=60, faults=[Kill("server", at=3)]).assert_ok()
    assert answers == [(2, "hello from 1"), (4, "time-out"), (6, "time-out"), (8, "hello from 2")]
