"""Trace: the same run is the same text, on every Python, and two runs can be told apart by a line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from interpreters import interpreters
from lldkit.simulation import InvariantBroken, Series, Trace

COMPONENTS = Path(__file__).parent.parent.parent / "components"

PROGRAM = """
import asyncio
from lldkit.simulation import *

async def world(sim):
    network = sim.network()
    network.link("*", "bank", loss=0.05)
    balances = {"a": 100, "b": 100}
    store = sim.faults.wrap(balances, name="store")

    async def bank(process):
        async def move(request):
            source, target, amount = request
            await asyncio.to_thread(process.clock.sleep, 0.01)
            store[source] = store[source] - amount
            store[target] = store[target] + amount
            return dict(balances)
        network.serve(move)
        await process.clock.asleep(1e9)

    async def client(process):
        rng = sim.rng(process.name)
        while True:
            async with asyncio.TaskGroup() as group:
                group.create_task(process.clock.asleep(rng.expovariate(2)))
                group.create_task(asyncio.sleep(rng.uniform(0, 1)))
            names = sorted({"a", "b"})
            try:
                answer = await asyncio.wait_for(
                    network.call("bank", (*rng.sample(names, 2), rng.randint(1, 5)), timeout=2), rng.gauss(1.5, 0.1))
                sim.trace.measure("a", answer["a"])
            except (TimeoutError, ConnectionError) as error:
                sim.trace.record(process.name, f"gave up: {type(error).__name__}")

    async def ticker(process):
        while True:
            await process.clock.asleep(1)
            sim.trace.record(process.name, "tick")

    sim.process("tick", ticker)
    sim.process("tack", ticker)
    sim.process("bank", bank, restart_after=3)
    for name in ("alice", "bob"):
        sim.process(name, client)
    sim.always("nothing is lost", lambda: sum(balances.values()) == 200)

faults = [Kill("bank", 20), Pause("alice", 30, 5), Skew("bob", 1, 0.01), LostReply("store", 0.02), Fails("store", 0.02),
          Delayed("bank", 0, 0.1), Slow("bank", 40, 5, 10), Partition("bob", "bank", 50, 5), Crashes("bank", 0.01)]
for order in ("fifo", "random"):
    trace = simulate(world, seed=11, until=100, faults=faults, order=order)
    print(order, len(trace.events), trace.digest, trace.to_json())
    if order == "fifo":
        print(*trace.lines(), sep="\\n")
"""


def output(command: str, hash_seed: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(COMPONENTS), "PYTHONHASHSEED": hash_seed}
    ran = subprocess.run([command, "-c", PROGRAM], capture_output=True, text=True, env=environment, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_a_seed_gives_the_same_bytes_on_every_python_and_under_every_hash_seed() -> None:
    first = output(sys.executable, "0")
    fifo, random = (line.split()[2] for line in first.splitlines() if line.startswith(("fifo", "random")))
    assert fifo != random
    assert output(sys.executable, "1") == first
    for version, command in interpreters().items():
        other = output(command, "2")
        # The random order draws one callback at a time, and asyncio's own callbacks differ between its versions.
        assert other.splitlines()[0] == first.splitlines()[0], version


def make(*texts: str, seed: int = 7) -> Trace:
    time = iter(range(100))
    trace = Trace(seed=seed, now=lambda: float(next(time)))
    for text in texts:
        trace.record("worker", text)
    return trace


def test_lines_are_aligned_and_one_for_each_event() -> None:
    assert make("begins", "says\nhello").lines() == [
        "      0.000000  worker           begins",
        "      1.000000  worker           says\\nhello",
    ]


def test_a_diff_shows_the_first_difference_with_what_came_before() -> None:
    ours, theirs = make(*"abcdefgh"), make(*"abcdXfgh")
    assert ours.diff(make(*"abcdefgh")) == ""
    assert [line.split()[0] + line.split()[-1] for line in ours.diff(theirs).splitlines()] == [
        *("line5:", "1.000000b", "2.000000c", "3.000000d"),
        *("-e", "-f", "-g"),
        *("+X", "+f", "+g"),
    ]
    assert make("a").diff(make("a", "b")).splitlines()[-1] == "+       1.000000  worker           b"


def test_the_digest_tells_runs_apart() -> None:
    assert make("a", "b").digest == make("a", "b", seed=8).digest != make("a", "c").digest
    # sha256 of the two aligned lines, computed with sha256sum.
    assert make("a", "b").digest == "e405927d86287ba9107d939e33e2bd90a1d9281729afb66b373748443e4484fc"


def test_measurements_are_series_over_time() -> None:
    trace = make()
    trace.measure("queue", 3)
    trace.measure("queue", 5)
    assert trace.metrics == {"queue": Series(times=(0.0, 1.0), values=(3.0, 5.0))}
    with pytest.raises(TypeError):
        trace.metrics["queue"] = Series((), ())  # type: ignore[index]


def test_the_document_holds_everything() -> None:
    trace = make("begins")
    trace.violate("no debt", "it is False", ValueError("x"))
    trace.measure("queue", 3)
    document = json.loads(trace.to_json())
    assert document["seed"] == 7
    assert document["digest"] == trace.digest
    assert document["events"][0] == {"at": 0.0, "subject": "worker", "text": "begins"}
    assert document["violations"] == [{"name": "no debt", "at": 2.0, "message": "it is False"}]
    assert document["metrics"] == {"queue": {"times": [3.0], "values": [3.0]}}
    assert document["faults"] == []


def test_a_broken_promise_is_raised_with_its_cause() -> None:
    trace = make("begins")
    assert trace.assert_ok() is trace
    cause = ValueError("balance is -3")
    trace.violate("no debt", "ValueError: balance is -3", cause)
    with pytest.raises(
        InvariantBroken, match=r"no debt was broken at 2 s with seed 7: ValueError: balance is -3"
    ) as got:
        trace.assert_ok()
    assert isinstance(got.value, AssertionError)
    assert (got.value.name, got.value.time, got.value.seed, got.value.trace) == ("no debt", 2.0, 7, trace)
    assert got.value.__cause__ is cause


def test_what_happens_after_the_end_is_not_part_of_it() -> None:
    trace = make("a")
    trace.close()
    trace.record("worker", "cleans up")
    trace.measure("queue", 1)
    trace.violate("no debt", "too late")
    assert (len(trace.events), trace.violations, dict(trace.metrics)) == (1, (), {})
