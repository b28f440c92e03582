"""Redis killed, frozen and emptied: calls go on by local state, and nobody hears of the store but the listener."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

import servers
from circuit_breaker.helpers import NeverRandom
from lldkit.circuit_breaker import (
    CircuitBreaker,
    CircuitBreakerEvent,
    CircuitOpen,
    CoordinatorFound,
    CoordinatorLost,
    Permit,
    State,
    consecutive,
)
from lldkit.circuit_breaker.redis import RedisCoordinator


class Fleet:
    def __init__(self, url: str) -> None:
        self.events: list[CircuitBreakerEvent] = []
        self.client = Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_timeout=5)
        self.coordinator = RedisCoordinator(self.client, poll=0.02, timeout=0.25)
        self.breaker = CircuitBreaker(
            "shop",
            trip=consecutive(1),
            open_for=0.05,
            jitter=0,
            probes=1,
            rng=NeverRandom(),
            coordinator=self.coordinator,
            on_event=self.events.append,
        )

    def told(self, kind: type[CircuitBreakerEvent]) -> int:
        return sum(isinstance(event, kind) for event in self.events)

    def calls(self) -> bool:
        """Whether a call passes; the only error there may be is a refusal."""
        try:
            return self.breaker.call(int) == 0
        except CircuitOpen:
            return False


@pytest.fixture
def fleet(breakable_redis: servers.RedisServer) -> Iterator[Fleet]:
    made = Fleet(breakable_redis.url)
    yield made
    breakable_redis.resume()
    made.coordinator.close()
    made.client.close()


def eventually(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_a_killed_store_is_lost_and_found_and_local_state_goes_on(
    fleet: Fleet, breakable_redis: servers.RedisServer
) -> None:
    assert fleet.calls()
    breakable_redis.stop()
    eventually(lambda: fleet.calls() and fleet.told(CoordinatorLost))
    fleet.breaker.admit().failure()
    assert fleet.breaker.state is State.OPEN
    eventually(fleet.calls)  # a local probe has closed it
    assert fleet.told(CoordinatorLost) == 1
    breakable_redis.start()
    eventually(lambda: fleet.calls() and fleet.told(CoordinatorFound))
    fleet.breaker.trip()
    fleet.coordinator.refresh()
    view = fleet.coordinator.view("shop")
    assert view is not None
    assert view.state is State.OPEN


def test_a_frozen_store_slows_no_closed_call_and_a_probe_by_its_timeout(
    fleet: Fleet, breakable_redis: servers.RedisServer
) -> None:
    assert fleet.calls()
    fleet.breaker.trip()
    fleet.coordinator.refresh()
    eventually(fleet.calls)
    breakable_redis.pause()
    started = time.monotonic()
    assert all(fleet.calls() for _ in range(50))
    fleet.breaker.trip()
    assert time.monotonic() - started < 1  # the store would have held each call for 5 s
    eventually(fleet.calls)
    assert time.monotonic() - started < 5


def test_a_flushed_store_is_where_everybody_begins_anew(fleet: Fleet, breakable_redis: servers.RedisServer) -> None:
    fleet.calls()
    fleet.breaker.trip()
    fleet.coordinator.refresh()
    breakable_redis.flush()
    fleet.coordinator.refresh()
    assert fleet.coordinator.view("shop") is None
    eventually(fleet.calls)
    fleet.breaker.trip()
    fleet.coordinator.refresh()
    view = fleet.coordinator.view("shop")
    assert view is not None
    assert view.state is State.OPEN
    assert view.version <= 2  # the close of the local probe may have come before


def test_a_probe_whose_store_dies_before_its_report_is_judged_locally(
    fleet: Fleet, breakable_redis: servers.RedisServer
) -> None:
    fleet.calls()
    fleet.breaker.trip()
    fleet.coordinator.refresh()
    probes: list[Permit] = []

    def take() -> list[Permit]:
        with suppress(CircuitOpen):
            probes.append(fleet.breaker.admit())
        return probes

    eventually(take)
    breakable_redis.stop()
    probes[0].success()
    assert fleet.breaker.state is State.CLOSED


def test_the_thread_survives_whatever_a_client_raises(breakable_redis: servers.RedisServer) -> None:
    class Broken:
        def execute_command(self, *_: object, **__: object) -> object:
            raise ZeroDivisionError

        def pipeline(self, transaction: object = None) -> object:
            raise NotImplementedError(transaction)

    del breakable_redis
    events: list[CircuitBreakerEvent] = []
    with RedisCoordinator(Broken(), poll=0.01) as coordinator:
        breaker = CircuitBreaker("b", trip=consecutive(1), coordinator=coordinator, on_event=events.append)
        for _ in range(20):
            assert breaker.call(int) == 0
        breaker.trip()
        assert breaker.state is State.OPEN
        assert any(thread.name == "lldkit-coordinator" for thread in threading.enumerate())
