"""Virtual time beside its peers: how long one timer event takes, with few and with many tasks asleep.

A run makes a loop, lets tasks sleep in turns, no two for the same time, and closes the loop; the figure is that of one
sleep. simloop and simloom, which also draw the order of callbacks, and keep a log, stand beside `order="random"`.
"""

import asyncio
import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from benchmarks.beside import Carrier, beside
from lldkit.simulation import run_virtual


@dataclass(frozen=True)
class Load:
    """So many tasks, each of which sleeps so often."""

    tasks: int
    sleeps: int

    @property
    def pauses(self) -> list[float]:
        return [1 + number / 7 for number in range(self.tasks)]

    async def main(self) -> None:
        async def one(pause: float) -> None:
            for _ in range(self.sleeps):
                await asyncio.sleep(pause)

        await asyncio.gather(*map(one, self.pauses))


def of_aiotools(module: Any, load: Load) -> None:
    async def main() -> None:
        with module.VirtualClock().patch_loop():
            await load.main()

    asyncio.run(main())


def of_looptime(module: Any, load: Load) -> None:
    with asyncio.Runner(loop_factory=module.new_event_loop) as runner:
        runner.run(load.main())


def of_trio(module: Any, load: Load) -> None:
    async def one(pause: float) -> None:
        for _ in range(load.sleeps):
            await module.sleep(pause)

    async def main() -> None:
        async with module.open_nursery() as nursery:
            for pause in load.pauses:
                nursery.start_soon(one, pause)

    module.run(main, clock=importlib.import_module("trio.testing").MockClock(autojump_threshold=0))


def of_simloop(module: Any, load: Load) -> None:
    loop = module.SimLoop(seed=1)
    try:
        loop.run_until_complete(load.main())
    finally:
        loop.close()


def of_simloom(module: Any, load: Load) -> None:
    module.run(load.main, seed=1)


PEERS = {
    "aiotools": of_aiotools,
    "looptime": of_looptime,
    "trio": of_trio,
    "simloop": of_simloop,  # these two need Python 3.12
    "simloom": of_simloom,
}


@pytest.mark.parametrize("tasks", [10, 1_000])
def test_timer_events(benchmark: Carrier, tasks: int) -> None:
    load = Load(tasks, 1 if benchmark.disabled else 10_000 // tasks)
    subjects: dict[str, Callable[[], object]] = {
        "lldkit": lambda: run_virtual(load.main()),
        "lldkit random": lambda: run_virtual(load.main(), seed=1, order="random"),
    }
    for name, run in PEERS.items():
        if importlib.util.find_spec(name) is not None:
            module = importlib.import_module(name)
            subjects[name] = lambda run=run, module=module: run(module, load)  # type: ignore[misc]
    beside(
        benchmark,
        subjects,
        row=f"one virtual timer event, {tasks:,} tasks",
        target="at least 1.1 x as fast as aiotools, 4 x trio, 10 x looptime, 8 x simloom",
        number=1,
        rounds=8,
        per=load.tasks * load.sleeps,
    )
