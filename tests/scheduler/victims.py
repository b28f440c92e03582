"""Processes that tests kill, stop and terminate: `python victims.py MODE PLACE`; they report through stdout."""

import functools
import json
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from redis.connection import Connection

from lldkit.clock import ManualClock
from lldkit.scheduler import JobLost, JobState, Limit, Queue, Store, Worker, current_job
from lldkit.scheduler.postgres import PostgresStore
from lldkit.scheduler.redis import RedisStore
from lldkit.scheduler.sqlite import SQLiteStore
from scheduler.helpers import PATIENCE, eventually, schema_of

LEASE = 2.5  # long enough for a heartbeat on a busy machine
LIMITS = {"capped": Limit(running=3), "rated": Limit(per_second=50, burst=10)}


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def store_at(where: str) -> Store:
    """The store of a URL, in the schema of a DSN, or in a file."""
    if where.startswith("redis:"):
        return RedisStore(where)
    if "search_path" in where:
        return PostgresStore(where, schema=schema_of(where))
    return SQLiteStore(where)


def jobs_of(where: str, go_on: threading.Event) -> Queue:
    """The queue that tests and victims share."""
    queue = Queue(store=store_at(where), limits=LIMITS)

    @queue.task(max_attempts=1)
    def wait(name: str) -> str:
        say("started", name, current_job().fence)
        go_on.wait()
        say("ended", name, current_job().heartbeat_ok)
        return name

    @queue.task(max_attempts=1)
    def good(n: int) -> int:
        return n

    @queue.task(max_attempts=1)
    def poison() -> None:
        os._exit(66)

    @queue.task(group="rated", max_attempts=1)
    def start() -> None: ...

    @queue.task(group="capped", max_attempts=1)
    def visit(place: str) -> None:
        visit_with_two_others(place)

    return queue


def visit_with_two_others(place: str) -> None:
    """Enter, say who else is inside, and leave when as many have entered as fill the room each time."""
    connection = sqlite3.connect(place, isolation_level=None, timeout=PATIENCE)
    enter = "INSERT INTO visits VALUES (NULL, 1 + (SELECT count(*) FROM visits WHERE is_inside), TRUE) RETURNING id"
    ((number,),) = connection.execute(enter).fetchall()
    entered = "SELECT max(id) FROM visits"
    eventually(lambda: connection.execute(entered).fetchone()[0] >= (number + 2) // 3 * 3)
    connection.execute("UPDATE visits SET is_inside = FALSE WHERE id = ?", (number,))
    connection.close()


def work(where: str, **settings: Any) -> int:
    """A worker whose waiting jobs go on when a line comes in."""
    go_on = threading.Event()

    def listen() -> None:
        if sys.stdin.readline():
            go_on.set()

    threading.Thread(target=listen, daemon=True).start()

    def tell(event: object) -> None:
        if isinstance(event, JobLost):
            say("lost", event.fence)

    queue = jobs_of(where, go_on)
    worker = Worker(queue, lease_seconds=LEASE, poll_seconds=0.05, on_event=tell, **settings)
    say("ready")
    return worker.run(until_idle="--idle" in sys.argv)


def die_at_every_statement(folder: Path) -> None:
    """Let a life of put, claim, effect and settle die at its first, second ... statement, and look what is left."""
    wrong, deaths, at = [], 0, 0
    while True:
        at += 1
        path = folder / f"{at}.db"
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE effects (n INTEGER)")
        connection.close()
        SQLiteStore(path).close()
        is_acknowledged, status = _in_a_child(functools.partial(_live, path, at))
        clock = ManualClock()
        clock.advance(3_600)
        queue, _ = _effects(path, clock)
        queue.run_inline()
        states = [job.state for job in queue.jobs().items]
        with sqlite3.connect(path) as connection:
            (effects,) = connection.execute("SELECT count(*) FROM effects").fetchone()
        connection.close()
        if not (states == [JobState.SUCCEEDED] * effects and effects in ({1} if is_acknowledged else {0, 1})):
            wrong.append([at, str(states), effects, is_acknowledged])
        queue.store.close()
        if not os.WIFSIGNALED(status):
            break
        deaths += 1
    say(json.dumps({"deaths": deaths, "wrong": wrong}))


def _in_a_child(live: Callable[[int], object]) -> tuple[bool, int]:
    """Whether a process that is likely to die has said that its job was enqueued, and how it ended."""
    acknowledged, tell = os.pipe()
    child = os.fork()
    if child == 0:
        live(tell)
        os._exit(0)
    os.close(tell)
    _, status = os.waitpid(child, 0)
    is_acknowledged = os.read(acknowledged, 1) == b"!"
    os.close(acknowledged)
    return is_acknowledged, status


def die_at_every_command(url: str) -> None:
    """The same with commands to Redis; in every second life the last command is still sent."""
    wrong, deaths, at = [], 0, 0
    while True:
        at += 1
        is_acknowledged, status = _in_a_child(functools.partial(_live_on_redis, url, at))
        clock = ManualClock()
        clock.advance(3_600)
        queue = Queue(store=RedisStore(url, namespace=f"life-{at}", clock=clock), clock=clock)
        queue.task(name="work")(lambda: None)
        queue.run_inline()
        states = [job.state for job in queue.jobs().items]
        if states not in ([[JobState.SUCCEEDED]] if is_acknowledged else [[], [JobState.SUCCEEDED]]):
            wrong.append([at, str(states), is_acknowledged])
        queue.store.close()
        if not os.WIFSIGNALED(status):
            break
        deaths += 1
    say(json.dumps({"deaths": deaths, "wrong": wrong}))


def _live_on_redis(url: str, at: int, tell: int) -> None:
    """Enqueue, say so, run; die before or after sending command number `(at + 1) // 2`."""
    send: Callable[..., object] = Connection.send_packed_command
    count = 0

    def sending(self: Connection, *args: Any, **options: Any) -> None:
        nonlocal count
        count += 1
        is_last = count == (at + 1) // 2
        if not is_last or at % 2 == 0:
            send(self, *args, **options)
        if is_last:
            os.kill(os.getpid(), signal.SIGKILL)

    Connection.send_packed_command = sending  # type: ignore[assignment]
    clock = ManualClock()
    queue = Queue(store=RedisStore(url, namespace=f"life-{at}", clock=clock), clock=clock)
    work = queue.task(name="work")(lambda: None)
    work.enqueue()
    os.write(tell, b"!")
    queue.run_inline()


def _effects(path: Path, clock: ManualClock) -> tuple[Queue, Any]:
    queue = Queue(store=SQLiteStore(path, clock=clock), clock=clock)

    @queue.task()
    def effect() -> None:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO effects VALUES (1)")
        current_job().settle_with(connection)
        connection.execute("COMMIT")
        connection.close()

    return queue, effect


def _live(path: Path, at: int, tell: int) -> None:
    """Enqueue, say so, run; die just before statement number `at`."""
    connect, count = sqlite3.connect, 0

    def traced(statement: str) -> None:
        nonlocal count
        count += 1
        if count == at:
            os.kill(os.getpid(), signal.SIGKILL)

    def connecting(*args: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **options)
        connection.set_trace_callback(traced)
        return connection

    sqlite3.connect = connecting  # type: ignore[assignment]
    queue, effect = _effects(path, ManualClock())
    effect.enqueue()
    os.write(tell, b"!")
    queue.run_inline()


if __name__ == "__main__":
    mode, where = sys.argv[1:3]
    if mode == "statements":
        die_at_every_statement(Path(where))
    elif mode == "commands":
        die_at_every_command(where)
    else:
        settings: dict[str, Any] = json.loads(sys.argv[3])
        raise SystemExit(work(where, **settings))
