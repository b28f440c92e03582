"""`simulate`: a world of processes, network, faults and promises, run from one seed to one trace."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from random import Random

from lldkit.clock import Clock
from lldkit.simulation.clock import VirtualClock
from lldkit.simulation.faults import Armed, Faults, stream
from lldkit.simulation.interface import Crash, FaultFired, Order
from lldkit.simulation.kinds import Fault, Kill, Pause, Skew
from lldkit.simulation.loop import VirtualLoop, run_on
from lldkit.simulation.network import Network
from lldkit.simulation.process import Process, gate, outside
from lldkit.simulation.trace import Trace, judge

__all__ = ["FaultPlan", "Simulation", "World", "simulate"]

Predicate = Callable[[], object]
FaultPlan = Sequence[Fault] | Callable[[Random], Sequence[Fault]]

MAX_STEPS = 10_000_000


@dataclass(slots=True)
class _Promise:
    name: str
    predicate: Predicate
    within: float = math.inf


class Simulation:
    """What a world is made with: a clock, seeded faults and random streams, processes, a network, and promises.

    `simulate` hands it to the world. For tasks of this simulation only.
    """

    def __init__(self, seed: int, plan: Sequence[Fault], *, swarm: bool, keep: Iterable[FaultFired] | None) -> None:
        self.seed = seed
        self.clock = VirtualClock()
        self.trace = Trace(seed=seed, now=self.clock.monotonic)
        self.faults = Faults(seed, plan=plan, swarm=swarm, clock=self.clock, trace=self.trace, keep=keep)
        self._streams: dict[str, Random] = {}
        self._processes: dict[str, Process] = {}
        self._network: Network | None = None
        self._always: list[_Promise] = []
        self._eventually: list[_Promise] = []
        self._is_healing = False
        self._fatal: BaseException | None = None

    def rng(self, name: str) -> Random:
        """The random stream of that name; asking again continues it, and no other stream notices."""
        return self._streams.setdefault(name, stream(self.seed, "rng", name))

    def process(
        self, name: str, main: Callable[[Process], Awaitable[object]], *, restart_after: float | None = None
    ) -> Process:
        """Start `main(process)` on a node of its own. After its death it begins anew `restart_after` seconds later.

        An error that `main` does not handle is its death too, and breaks a promise if nobody restarts it, or if it is
        an `AssertionError`.
        """
        if name in self._processes:
            raise ValueError(f"there is a process {name!r} already; choose another name")
        process = self._processes[name] = Process(
            name,
            main,
            clock=self._clock_of(name),
            trace=self.trace,
            loop=_loop(),
            restart_after=restart_after,
            failed=partial(self._process_failed, restarted=restart_after is not None),
        )
        return process

    def network(self) -> Network:
        """The network of this simulation."""
        if self._network is None:
            self._network = Network(seed=self.seed, faults=self.faults, trace=self.trace, loop=_loop())
        return self._network

    def always(self, name: str, predicate: Predicate) -> None:
        """Promise that `predicate` holds after every event; anything false but None breaks it, and any error."""
        self._always.append(_Promise(name, predicate))

    def eventually(self, name: str, predicate: Predicate, *, within: float) -> None:
        """Promise that `predicate` holds at some moment of the `within` seconds after the faults have healed.

        If the world does not call `faults.heal()`, that is done at the end of the simulation, which then goes on for as
        long as it takes.
        """
        promise = _Promise(name, predicate, within)
        self._eventually.append(promise)
        if self._is_healing:
            self._set_deadline(promise)

    # How it runs.

    async def run(self, world: Callable[["Simulation"], Awaitable[None]], until: float) -> None:
        """Let the world go on until then, heal, wait for what was promised to come, and close the trace."""
        loop = _loop()
        loop.gate, loop.watch = gate, self._look
        for armed in self.faults.plan:
            if isinstance(armed.fault, Kill | Pause):
                loop.call_at(loop.time() + armed.fault.at, self._strike, armed, armed.fault)
        task = loop.create_task(self._begin(world), name="world")
        await self.clock.asleep(until)
        if self._eventually:
            self.faults.heal()
            self._look()
            while self._eventually:
                await self.clock.asleep(max(promise.within for promise in self._eventually))
        self.trace.close()
        loop.watch = None
        if not self.trace.violations:
            self._refuse_unknown_names()
        task.cancel()

    async def _begin(self, world: Callable[["Simulation"], Awaitable[None]]) -> None:
        try:
            await world(self)
        except (asyncio.CancelledError, GeneratorExit):  # the simulation is over
            raise
        except BaseException as error:  # noqa: BLE001 - a check of the world's own, or a mistake; both are shown
            self._fail("world", f"{type(error).__name__}: {error}", error)

    def _look(self) -> None:
        """Check the promises; called after every event."""
        if self._fatal is not None:
            fatal, self._fatal = self._fatal, None
            raise fatal
        self._always = [promise for promise in self._always if self._holds(promise)]
        if self.faults.healed:
            if not self._is_healing:
                self._is_healing = True
                for promise in self._eventually:
                    self._set_deadline(promise)
            self._eventually = [promise for promise in self._eventually if judge(promise.predicate)]

    def _holds(self, promise: _Promise) -> bool:
        broken = judge(promise.predicate)
        if broken is not None:
            self.trace.violate(promise.name, *broken)
        return broken is None

    def _set_deadline(self, promise: _Promise) -> None:
        _loop().call_later(promise.within, self._expire, promise, context=outside())

    def _expire(self, promise: _Promise) -> None:
        if promise in self._eventually:
            self._eventually.remove(promise)
            if (broken := judge(promise.predicate)) is not None:
                why, error = broken
                self.trace.violate(promise.name, f"not within {promise.within:g} s after healing: {why}", error)

    def _strike(self, armed: Armed, fault: Kill | Pause) -> None:
        for process in list(self._processes.values()):
            if not fnmatchcase(process.name, fault.process) or not process.alive:
                continue
            if self.faults.strike(armed.text, process.name):
                process.crash() if isinstance(fault, Kill) else process.pause(fault.seconds)

    def _clock_of(self, name: str) -> Clock:
        for armed in self.faults.plan:
            fault = armed.fault
            if isinstance(fault, Skew) and fnmatchcase(name, fault.process) and self.faults.strike(armed.text, name):
                return self.clock.skewed(offset=fault.offset, drift=fault.drift)
        return self.clock

    def _process_failed(self, process: Process, error: BaseException, *, restarted: bool) -> None:
        if not restarted or isinstance(error, AssertionError) or not isinstance(error, Exception):
            self._fail(process.name, f"died of {type(error).__name__}: {error}", error)

    def _fail(self, name: str, message: str, error: BaseException) -> None:
        """Write a violation down; what is no `Exception`, such as `pytest.fail`, also ends the simulation."""
        self.trace.violate(name, message, error)
        if not isinstance(error, Exception | Crash):
            self._fatal = error

    def _refuse_unknown_names(self) -> None:
        """A fault that names nobody would let every test pass."""
        servers = self._network.servers if self._network else ()
        known = {"world", *self._processes, *self.faults.boundaries, *servers}
        for armed in self.faults.plan:
            for name in armed.names:
                if not any(fnmatchcase(one, name) for one in known):
                    raise ValueError(f"{armed.fault} names {name!r}, which does not exist; there are {sorted(known)}")


World = Callable[[Simulation], Awaitable[None]]


def simulate(
    world: World,
    *,
    seed: int,
    until: float,
    faults: FaultPlan = (),
    swarm: bool = False,
    order: Order | str = Order.FIFO,
    keep: Iterable[FaultFired] | None = None,
) -> Trace:
    """Run `world(simulation)` and what it starts for `until` virtual seconds, and return the trace.

    `faults` is a plan, or a function that draws one from a `Random` of the seed. Broken promises are in
    `trace.violations`; `trace.assert_ok()` raises them. `keep=trace.faults` repeats a run with only those faults. The
    same arguments give the same trace, byte for byte. Raises `ValueError` for a fault that names nobody.
    """
    if not until > 0:
        raise ValueError(f"until is a number of seconds > 0, got {until!r}")
    plan = faults(stream(seed, "plan")) if callable(faults) else faults
    simulation = Simulation(seed, plan, swarm=swarm, keep=keep)
    rng = stream(seed, "order") if Order(order) is Order.RANDOM else None
    loop = VirtualLoop(simulation.clock, rng=rng, limit=math.inf, max_steps=MAX_STEPS)
    run_on(loop, simulation.run(world, until))
    return simulation.trace


def _loop() -> VirtualLoop:
    loop = asyncio.get_running_loop()
    if not isinstance(loop, VirtualLoop):
        raise TypeError("a simulation lives under simulate()")
    return loop
