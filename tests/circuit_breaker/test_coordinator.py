"""A fleet over a real Redis: one opening for all, one budget of probes, and a fence against old decisions."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest
from redis import Redis

from circuit_breaker.helpers import NeverRandom
from lldkit.circuit_breaker import (
    CircuitBreaker,
    CircuitOpen,
    CoordinatorUnavailable,
    Outcome,
    State,
    Transition,
    consecutive,
)
from lldkit.circuit_breaker.redis import RedisCoordinator

Node = Callable[..., tuple[CircuitBreaker, RedisCoordinator]]


@pytest.fixture
def node(redis_client: Redis) -> Iterator[Node]:
    """Makes processes of a fleet, each with a coordinator of its own."""
    with ExitStack() as stack:

        def make(**options: Any) -> tuple[CircuitBreaker, RedisCoordinator]:
            coordinator = stack.enter_context(RedisCoordinator(redis_client, poll=30.0, timeout=5.0))
            settings = {"trip": consecutive(1), "open_for": 60.0, "jitter": 0.0, "rng": NeverRandom(), **options}
            return CircuitBreaker("shop", coordinator=coordinator, **settings), coordinator

        yield make


def eventually(condition: Callable[[], object]) -> None:
    """Wait for the servers and threads of a test, under a bounded deadline."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def admitted(breaker: CircuitBreaker) -> bool:
    try:
        breaker.admit().ignore()
    except CircuitOpen:
        return False
    return True


def test_one_nodes_trip_opens_all(node: Node) -> None:
    (first, one), (second, two) = node(), node()
    assert second.call(int) == 0
    first.admit().failure()
    one.refresh()  # the proposal has been carried out
    two.refresh()  # what a poll does
    assert not admitted(second)
    assert second.state is State.OPEN
    assert 59 < (second.stats.retry_after or 0) <= 60


def test_news_arrive_within_a_poll(redis_client: Redis, node: Node) -> None:
    first, _ = node()
    with RedisCoordinator(redis_client, poll=0.02) as coordinator:
        second = CircuitBreaker("shop", coordinator=coordinator)
        assert admitted(second)
        first.trip()
        eventually(lambda: not admitted(second))


def test_two_nodes_that_trip_at_once_make_one_opening(node: Node) -> None:
    (first, one), (second, two) = node(), node()
    permits = [first.admit(), second.admit()]
    for permit in permits:
        permit.failure()
    one.refresh()
    two.refresh()
    view = one.view("shop")
    assert view is not None
    assert (view.state, view.version) == (State.OPEN, 1)


def test_a_close_computed_on_an_older_view_loses(node: Node) -> None:
    (_, one), (_, two) = node(), node()
    one.propose("shop", Transition(State.OPEN, 60.0), seen=0)
    one.refresh()
    two.propose("shop", Transition(State.CLOSED), seen=0)
    two.refresh()
    view = two.view("shop")
    assert view is not None
    assert (view.state, view.version) == (State.OPEN, 1)


def test_moves_of_one_process_are_built_upon_each_other(node: Node) -> None:
    breaker, coordinator = node()
    for move in (breaker.trip, breaker.reset, breaker.trip):
        move()
    coordinator.refresh()
    view = coordinator.view("shop")
    assert view is not None
    assert (view.state, view.version) == (State.OPEN, 3)


def is_half_open(breaker: CircuitBreaker) -> bool:
    return breaker.state is State.HALF_OPEN


def half_open_fleet(node: Node, nodes: int, **options: Any) -> list[tuple[CircuitBreaker, RedisCoordinator]]:
    fleet = [node(open_for=0.02, **options) for _ in range(nodes)]
    fleet[0][0].trip()
    for breaker, coordinator in fleet:
        coordinator.view("shop")
        coordinator.refresh()
        admitted(breaker)  # takes the news over
        eventually(partial(is_half_open, breaker))
    return fleet


def test_the_probes_of_a_fleet_never_exceed_the_budget_and_their_successes_close_it(node: Node) -> None:
    fleet = half_open_fleet(node, 3, probes=3)
    permits = []
    for index, (breaker, _) in enumerate(fleet * 3):
        if index < 3:
            permits.append(breaker.admit())
            continue
        with pytest.raises(CircuitOpen) as refusal:
            breaker.admit()
        assert refusal.value.state is State.HALF_OPEN
        assert 0 < (refusal.value.retry_after or 0) <= 60
    for permit in permits:
        permit.success()
    for _, coordinator in fleet:
        coordinator.refresh()
    for breaker, coordinator in fleet:
        coordinator.refresh()
        assert admitted(breaker)
        assert breaker.state is State.CLOSED


def test_a_failed_probe_of_one_node_opens_all_for_longer(node: Node) -> None:
    (first, one), (second, two) = half_open_fleet(node, 2, probes=2)
    probe = first.admit()
    probe.failure()
    one.refresh()
    two.refresh()
    view = two.view("shop")
    assert view is not None
    assert (view.round, first.stats.generation >= 3) == (1, True)
    admitted(second)
    assert second.state in {State.OPEN, State.HALF_OPEN}


def test_a_released_lease_counts_once_and_an_expired_one_never(node: Node) -> None:
    _, coordinator = node()
    coordinator.propose("shop", Transition(State.OPEN, 0.001), seen=0)
    coordinator.refresh()
    taken: list[str] = []

    def take() -> bool:
        token = coordinator.lease("shop", limit=1, seconds=0.02)
        taken.extend([] if token is None else [token])
        return bool(taken)

    eventually(take)
    eventually(lambda: coordinator.lease("shop", limit=1, seconds=60))  # the first one has run out
    assert coordinator.release("shop", taken[-1], Outcome.SUCCESS) is None
    coordinator.refresh()
    view = coordinator.view("shop")
    assert view is not None
    assert (view.successes, view.failures) == (0, 0)


CHILD = """
import sys, os, signal
from redis import Redis
from lldkit.circuit_breaker.redis import RedisCoordinator
coordinator = RedisCoordinator(Redis.from_url(sys.argv[1]), timeout=10)
print(coordinator.lease("shop", limit=1, seconds=0.3), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_node_killed_while_probing_frees_its_lease_after_the_timeout(node: Node, redis_server: Any) -> None:
    _, coordinator = node()
    coordinator.propose("shop", Transition(State.OPEN, 0.001), seen=0)
    coordinator.refresh()
    command = [sys.executable, "-c", CHILD, redis_server.url]
    child = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)  # it ends by SIGKILL
    assert len(child.stdout.strip()) == 16, child.stderr
    eventually(lambda: coordinator.lease("shop", limit=1, seconds=60))


def test_a_forked_child_starts_its_own_thread(node: Node) -> None:
    _, coordinator = node()
    coordinator.refresh()
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            coordinator.refresh()
            os.write(writer, b"ok")
        finally:
            os._exit(0)
    os.close(writer)
    assert os.read(reader, 2) == b"ok"
    os.close(reader)
    os.waitpid(pid, 0)
    coordinator.refresh()


def test_one_thread_from_the_first_use_until_it_is_closed(node: Node) -> None:
    before = threading.active_count()
    _, coordinator = node()
    assert threading.active_count() == before
    for name in ("a", "b"):
        coordinator.view(name)
    coordinator.refresh()
    assert threading.active_count() == before + 1
    coordinator.close()
    coordinator.close()
    eventually(lambda: threading.active_count() == before)
    with pytest.raises(CoordinatorUnavailable, match="the coordinator is closed"):
        coordinator.view("a")


def test_names_and_namespaces_do_not_meet(redis_client: Redis, node: Node) -> None:
    first, one = node()
    first.trip()
    one.refresh()
    with RedisCoordinator(redis_client, namespace="other", timeout=5.0) as other:
        other.view("shop")
        other.refresh()
        assert other.view("shop") is None
        one.view("shop2")
        one.refresh()
        assert one.view("shop2") is None


def test_what_is_set_by_hand_stays_with_its_process(node: Node) -> None:
    (first, one), (second, two) = node(), node()
    second.disable()
    first.trip()
    one.refresh()
    two.refresh()
    assert admitted(second)
    assert second.state is State.DISABLED


def test_a_ramp_is_climbed_by_every_node(node: Node) -> None:
    (first, one), (second, two) = half_open_fleet(node, 2, probes=1, ramp_up=1_000.0)
    first.admit().success()
    one.refresh()
    two.refresh()
    second.admit().ignore()  # chance 0 is always admitted
    assert (first.state, second.state) == (State.RAMPING, State.RAMPING)


def test_bounds_are_checked(redis_client: Redis) -> None:
    with pytest.raises(ValueError, match="poll must be a finite number > 0, got 0"):
        RedisCoordinator(redis_client, poll=0)
    with pytest.raises(ValueError, match="namespace must be"):
        RedisCoordinator(redis_client, namespace="{x}")
