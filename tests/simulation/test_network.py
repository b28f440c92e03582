"""Network: messages are copies that come late, twice, out of order or never, and each link draws for itself."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from lldkit.simulation import (
    Crash,
    Crashes,
    Delayed,
    Down,
    Duplicated,
    Fails,
    Fault,
    Kill,
    LostReply,
    LostRequest,
    Network,
    Partition,
    Process,
    Simulation,
    Slow,
    Trace,
    simulate,
)

World = Callable[[Simulation], Awaitable[None]]


def run(world: World, *, faults: list[Fault] | None = None, seed: int = 1, until: float = 1000) -> Trace:
    return simulate(world, seed=seed, until=until, faults=faults or []).assert_ok()


def echoing(sim: Simulation, seen: list[Any] | None = None, **link: Any) -> Network:
    """A network between the world and a node that echoes."""
    network = sim.network()
    network.link("world", "echo", **link)

    def echo(request: Any) -> Any:
        if seen is not None:
            seen.append((request, sim.clock.monotonic()))
        return request

    network.serve(echo, name="echo")
    return network


def test_a_call_takes_the_delay_of_the_link_both_ways() -> None:
    async def world(sim: Simulation) -> None:
        seen: list[Any] = []
        network = echoing(sim, seen, delay=(2, 2))
        assert await network.call("echo", "hello", timeout=10) == "hello"
        assert (seen, sim.clock.monotonic()) == ([("hello", 2.0)], 4.0)

    run(world)


def test_delays_are_spread_over_their_range() -> None:
    async def world(sim: Simulation) -> None:
        network, took = echoing(sim, delay=(1, 3)), []
        for _ in range(500):
            before = sim.clock.monotonic()
            await network.call("echo", None, timeout=100)
            took.append(sim.clock.monotonic() - before)
        assert 2 < min(took) < 2.4
        assert 5.6 < max(took) < 6
        assert sum(took) / 500 == pytest.approx(4, abs=0.15)  # 4 sigma: .816 / sqrt(500) each

    run(world, until=10_000)


def test_what_nobody_answers_is_a_time_out_at_its_time() -> None:
    async def world(sim: Simulation) -> None:
        with pytest.raises(TimeoutError, match="nobody did not answer within 3 s"):
            await sim.network().call("nobody", None, timeout=3)
        assert sim.clock.monotonic() == 3.0

    trace = run(world)
    assert "is not there for request 1 of world" in trace.lines()[1]


def test_a_share_of_the_messages_is_lost_each_way() -> None:
    async def world(sim: Simulation) -> None:
        seen: list[Any] = []
        network, answered = echoing(sim, seen, loss=0.2), 0
        for n in range(1000):
            try:
                await network.call("echo", n, timeout=1)
                answered += 1
            except TimeoutError:
                continue
        assert len(seen) == pytest.approx(800, abs=51)  # 4 sigma
        assert answered == pytest.approx(640, abs=61)

    run(world, until=2000)


def test_a_doubled_request_is_handled_twice_and_answered_once() -> None:
    async def world(sim: Simulation) -> None:
        seen: list[Any] = []
        network = echoing(sim, seen, duplicate=1.0)
        assert await network.call("echo", "pay", timeout=1) == "pay"
        await sim.clock.asleep(1)
        assert [request for request, _ in seen] == ["pay", "pay"]

    run(world)


@pytest.mark.parametrize("reorder", [True, False])
def test_messages_overtake_one_another_unless_the_link_keeps_their_order(*, reorder: bool) -> None:
    orders = set()

    async def world(sim: Simulation) -> None:
        seen: list[Any] = []
        network = echoing(sim, seen, reorder=reorder)
        await asyncio.gather(*(network.call("echo", n, timeout=1) for n in range(10)))
        orders.add(tuple(request for request, _ in seen))

    for seed in range(5):
        run(world, seed=seed)
    assert (orders == {tuple(range(10))}) is not reorder
    assert all(sorted(order) == list(range(10)) for order in orders)


def test_what_is_sent_is_a_copy() -> None:
    async def world(sim: Simulation) -> None:
        kept: list[list[int]] = []
        network = sim.network()

        def keep(request: list[int]) -> list[int]:
            kept.append(request)
            return request

        network.serve(keep, name="keeper")
        sent = [1]
        answer = await network.call("keeper", sent, timeout=1)
        sent.append(2)
        answer.append(3)
        assert kept == [[1]]

    run(world)


def test_what_a_handler_raises_is_raised_by_the_call() -> None:
    async def world(sim: Simulation) -> None:
        async def refuse(request: str) -> None:
            raise PermissionError(f"no {request} for you")

        sim.network().serve(refuse, name="shop")
        with pytest.raises(PermissionError, match="no soup for you"):
            await sim.network().call("shop", "soup", timeout=1)

    run(world)


def test_a_handler_that_takes_too_long_has_its_effect_all_the_same() -> None:
    async def world(sim: Simulation) -> None:
        done: list[float] = []

        async def slow(_: object) -> None:
            await sim.clock.asleep(10)
            done.append(sim.clock.monotonic())

        network = sim.network()
        network.link("world", "slow", delay=(1, 1))
        network.serve(slow, name="slow")
        with pytest.raises(TimeoutError):
            await network.call("slow", None, timeout=3)
        await sim.clock.asleep(20)
        assert done == [11.0]

    run(world)


FAULTS = [
    (LostRequest("echo", 1.0), 0, TimeoutError, 5.0),
    (LostReply("echo", 1.0), 1, TimeoutError, 5.0),
    (Partition("world", "echo", 0, 100), 0, TimeoutError, 5.0),
    (Partition("echo", "*", 0, 100), 0, TimeoutError, 5.0),
    (Fails("echo", 1.0), 0, ConnectionError, 0.0),
    (Down("echo", 0, 100), 0, ConnectionRefusedError, 0.0),
    (Duplicated("echo", 1.0), 2, None, 2.0),
    (Delayed("echo", 1, 1), 1, None, 2.5),
    (Slow("echo", 0, 100, 2), 1, None, 4.0),
    (Crashes("echo", 1.0), None, Crash, None),
]


@pytest.mark.parametrize(("fault", "handled", "error", "took"), FAULTS, ids=map(repr, range(len(FAULTS))))
def test_faults_strike_calls_to_the_node_of_their_name(
    fault: Fault, handled: int | None, error: type[BaseException] | None, took: float | None
) -> None:
    async def world(sim: Simulation) -> None:
        seen: list[Any] = []
        network = echoing(sim, seen, delay=(1, 1))
        if error is None:
            await network.call("echo", None, timeout=5)
        else:
            with pytest.raises(error):
                await network.call("echo", None, timeout=5)
        assert took is None or sim.clock.monotonic() == took
        assert handled is None or len(seen) == handled

    run(world, faults=[fault])


def test_a_partition_also_catches_what_is_under_way() -> None:
    async def world(sim: Simulation) -> None:
        seen: list[Any] = []
        network = echoing(sim, seen, delay=(2, 2))
        with pytest.raises(TimeoutError):
            await network.call("echo", None, timeout=5)  # the request arrives at 2, the reply would at 4
        assert len(seen) == 1
        await sim.clock.asleep(100)
        await network.call("echo", None, timeout=5)

    run(world, faults=[Partition("echo", "world", at=3, seconds=10)])


def test_a_link_may_be_a_pattern_and_the_last_one_that_fits_counts() -> None:
    async def world(sim: Simulation) -> None:
        network, took = sim.network(), {}
        network.link("*", "*", delay=(1, 1))
        network.link("world", "east-*", delay=(2, 2))
        network.link("east-2", "world", delay=(3, 3))
        for name in ("west", "east-1", "east-2"):
            network.serve(lambda request: request, name=name)
            before = sim.clock.monotonic()
            await network.call(name, None, timeout=10)
            took[name] = sim.clock.monotonic() - before
        assert took == {"west": 2.0, "east-1": 4.0, "east-2": 6.0}

    run(world)


def test_a_request_under_way_survives_its_sender() -> None:
    async def world(sim: Simulation) -> None:
        seen: list[Any] = []
        network = echoing(sim, seen)
        network.link("client", "echo", delay=(2, 2))

        async def client(_: Process) -> None:
            await network.call("echo", "the last words", timeout=10)
            raise AssertionError("the dead read no replies")

        sim.process("client", client)
        await sim.clock.asleep(5)
        assert seen == [("the last words", 2.0)]

    run(world, faults=[Kill("client", at=1)])


def test_after_healing_nothing_is_lost_or_doubled() -> None:
    async def world(sim: Simulation) -> None:
        seen: list[Any] = []
        network = echoing(sim, seen, loss=1.0, duplicate=1.0)
        with pytest.raises(TimeoutError):
            await network.call("echo", 0, timeout=1)
        sim.faults.heal()
        for n in range(1, 20):
            assert await network.call("echo", n, timeout=1) == n
        await sim.clock.asleep(1)
        assert [request for request, _ in seen] == list(range(1, 20))

    run(world, faults=[LostReply("echo", 1.0)])


def test_one_more_client_leaves_the_messages_of_the_others_as_they_were() -> None:
    def lines_of(*clients: str) -> list[str]:
        async def world(sim: Simulation) -> None:
            network = echoing(sim)

            async def client(process: Process) -> None:
                network.link(process.name, "echo", loss=0.3, duplicate=0.3)
                for n in range(30):
                    try:
                        await network.call("echo", n, timeout=sim.rng(process.name).uniform(0.1, 0.5))
                    except TimeoutError:
                        continue

            for name in clients:
                sim.process(name, client)

        trace = run(world, faults=[LostReply("echo", 0.1), Duplicated("echo", 0.1)])
        return [line for line in trace.lines() if "alice" in line]

    alone = lines_of("alice")
    assert any("lost" in line for line in alone)
    assert any("twice" in line for line in alone)
    assert lines_of("bob", "alice", "carol") == alone


def test_nonsense_is_refused() -> None:
    async def world(sim: Simulation) -> None:
        network = sim.network()
        with pytest.raises(ValueError, match="low <= high"):
            network.link("a", "b", delay=(2, 1))
        with pytest.raises(ValueError, match="shares from 0 to 1"):
            network.link("a", "b", loss=1.5)
        with pytest.raises(ValueError, match="needs the name"):
            network.serve(print)
        with pytest.raises(ValueError, match="seconds > 0"):
            await network.call("a", None, timeout=0)

    run(world)
