"""A life that ends at each of its statements in turn: `python victims_postgres.py DSN`; it reports through stdout."""

import json
import os
import signal
import sys
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from lldkit.clock import ManualClock
from lldkit.scheduler import JobState, Queue, current_job
from lldkit.scheduler.postgres import PostgresStore
from scheduler.helpers import eventually, schema_of


def die_at_every_statement(dsn: str) -> None:
    """Let a life of put, claim, effect and settle die at its first, second ... statement, and look what is left."""
    wrong, deaths, at = [], 0, 0
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE effects (n INTEGER)")
    _stored(dsn, ManualClock()).stats("q")
    while True:
        at += 1
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("TRUNCATE effects, jobs, job_counts")
        acknowledged, tell = os.pipe()
        child = os.fork()
        if child == 0:
            _live(make_conninfo(dsn, application_name=f"victim {at}"), at, tell)
        os.close(tell)
        _, status = os.waitpid(child, 0)
        is_acknowledged = os.read(acknowledged, 1) == b"!"
        os.close(acknowledged)
        states, effects = _what_is_left(dsn, at)
        if not (states == [JobState.SUCCEEDED] * effects and effects in ({1} if is_acknowledged else {0, 1})):
            wrong.append([at, str(states), effects, is_acknowledged])
        if not os.WIFSIGNALED(status):
            break
        deaths += 1
    sys.stdout.write(json.dumps({"deaths": deaths, "wrong": wrong}))


def _what_is_left(dsn: str, at: int) -> tuple[list[JobState], int]:
    """When the server has noticed the death, and an hour has passed, and somebody else has run what there is."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        living = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
        eventually(lambda: connection.execute(living, (f"victim {at}",)).fetchone() == (0,))
        clock = ManualClock()
        clock.advance(3_600)
        queue, _ = _effects(dsn, clock)
        queue.run_inline()
        states = [job.state for job in queue.jobs().items]
        queue.store.close()
        row = connection.execute("SELECT count(*) FROM effects").fetchone()
    assert row is not None
    return states, row[0]


def _stored(dsn: str, clock: ManualClock) -> PostgresStore:
    return PostgresStore(dsn, schema=schema_of(dsn), clock=clock)


def _effects(dsn: str, clock: ManualClock) -> tuple[Queue, Any]:
    queue = Queue(store=_stored(dsn, clock), clock=clock)

    @queue.task()
    def effect() -> None:
        with psycopg.connect(dsn) as connection:
            connection.execute("INSERT INTO effects VALUES (1)")
            current_job().settle_with(connection)

    return queue, effect


def _live(dsn: str, at: int, tell: int) -> None:
    """Enqueue, say so, run; die just before statement number `at`, those that psycopg sends by itself included."""
    wait, count = psycopg.Connection.wait, 0

    def counting(*args: Any, **options: Any) -> Any:
        nonlocal count
        count += 1
        if count == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return wait(*args, **options)

    psycopg.Connection.wait = counting  # type: ignore[method-assign]
    queue, effect = _effects(dsn, ManualClock())
    effect.enqueue()
    os.write(tell, b"!")
    queue.run_inline()
    os._exit(0)


if __name__ == "__main__":
    die_at_every_statement(sys.argv[1])
