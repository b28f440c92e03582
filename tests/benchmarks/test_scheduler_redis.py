"""Jobs that do nothing, on Redis: what a queue costs there, beside its peers.

Ours is always at least once, with leases and heartbeats. huey takes a job out before it runs it, so a crash loses it;
dramatiq, rq and saq keep it until it has ended. All run one worker in this process, without results; they enqueue one
by one where they have no bulk. arq does not go together with this redis-py.
"""

import asyncio
import itertools
import logging
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import dramatiq
import pytest
import rq
import saq
from dramatiq.brokers.redis import RedisBroker
from huey import RedisHuey
from pytest_benchmark.fixture import BenchmarkFixture
from redis import Redis

from benchmarks.beside import beside
from benchmarks.test_scheduler import enqueueing, huey_enqueueing, huey_run, ours
from lldkit.scheduler import Queue
from lldkit.scheduler.redis import RedisStore
from servers import GivenRedis, RedisServer

FEW = 50
"""Jobs of the slow peers."""
names = (f"run-{number}" for number in itertools.count())


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def url(redis_server: RedisServer | GivenRedis) -> str:
    redis_server.flush()
    return redis_server.url


def on_redis(url: str) -> Callable[[], RedisStore]:
    """A store of its own, on a connection of its own."""
    return lambda: RedisStore(url, namespace=next(names))


def huey_on_redis(url: str) -> Callable[[], RedisHuey]:
    return lambda: RedisHuey(next(names), url=url, results=False)


def test_enqueue_and_run_on_redis(benchmark: BenchmarkFixture, url: str) -> None:
    beside(
        benchmark,
        {"lldkit": ours(on_redis(url)), "huey": huey_run(huey_on_redis(url))},
        row="enqueue and run, Redis",
        target="3 x huey",
        number=1,
        rounds=15,
        per=500,
    )


def dramatiq_run(url: str) -> Callable[[], None]:
    def run() -> None:
        name = next(names)
        broker = RedisBroker(url=url, namespace=name)
        work = dramatiq.actor(lambda n: None, actor_name=name, queue_name=name, broker=broker)
        for n in range(FEW):
            work.send(n)
        worker = dramatiq.Worker(broker, worker_threads=1, worker_timeout=10)
        worker.start()
        broker.join(name, interval=1)
        worker.stop()
        broker.close()

    return run


def rq_run(url: str) -> Callable[[], None]:
    """In this process, which is quicker than the process of its own that rq gives each job by default."""

    def run() -> None:
        with Redis.from_url(url) as client:
            queue = rq.Queue(next(names), connection=client)
            for n in range(FEW):
                queue.enqueue("builtins.abs", n, result_ttl=0)
            rq.SimpleWorker([queue], connection=client).work(burst=True)

    return run


async def saq_work(context: Any, *, n: int) -> None: ...


def saq_run(url: str) -> Callable[[], None]:
    async def life() -> None:
        queue = saq.Queue.from_url(url, name=next(names))
        await queue.connect()
        for n in range(FEW):
            await queue.enqueue("saq_work", n=n)
        await saq.Worker(queue, functions=[saq_work], burst=True, dequeue_timeout=0.01).start()
        await queue.disconnect()

    return lambda: asyncio.run(life())


def test_enqueue_and_run_few_on_redis(benchmark: BenchmarkFixture, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.test_scheduler.JOBS", FEW)
    beside(
        benchmark,
        {
            "lldkit": ours(on_redis(url)),
            "huey": huey_run(huey_on_redis(url)),
            "dramatiq": dramatiq_run(url),
            "rq": rq_run(url),
            "saq": saq_run(url),
        },
        row="enqueue and run fifty, Redis",
        target="10 x saq",
        number=1,
        rounds=7,
        per=FEW,
    )


def test_enqueue_one_on_redis(benchmark: BenchmarkFixture, url: str) -> None:
    beside(
        benchmark,
        {
            "lldkit": enqueueing(on_redis(url)()),
            "huey": huey_enqueueing(huey_on_redis(url)()),
        },
        row="enqueue one, Redis",
        target="as huey",
        number=1,
        rounds=15,
        per=200,
    )


def test_enqueue_in_bulk_on_redis(benchmark: BenchmarkFixture, url: str) -> None:
    queue = Queue(store=on_redis(url)(), capacity=None)
    work = queue.task(name="work")(lambda n: None)
    beside(
        benchmark,
        {
            "lldkit": lambda: queue.submit([work.call(n) for n in range(200)]),
            "lldkit one by one": enqueueing(on_redis(url)()),
        },
        row="enqueue in bulk, Redis",
        target="4 x its own single",
        number=1,
        rounds=15,
        per=200,
    )
