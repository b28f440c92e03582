"""Processes that tests kill, stop and terminate: `python victims.py MODE FILE`; they report through stdout."""

import json
import os
import signal
import sqlite3
import sys
import threading
from pathlib import Path
from typing import Any

from lldkit.clock import ManualClock
from lldkit.scheduler import JobLost, JobState, Queue, Store, Worker, current_job
from lldkit.scheduler.postgres import PostgresStore
from lldkit.scheduler.sqlite import SQLiteStore
from scheduler.helpers import schema_of

LEASE = 2.5  # long enough for a heartbeat on a busy machine


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def store_at(address: str) -> Store:
    """The store in a file, or in the schema of a DSN."""
    if "search_path" in address:
        return PostgresStore(address, schema=schema_of(address))
    return SQLiteStore(address)


def jobs_of(address: str, go_on: threading.Event) -> Queue:
    """The queue that tests and victims share."""
    queue = Queue(store=store_at(address))

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

    return queue


def work(path: str, **settings: Any) -> int:
    """A worker whose waiting jobs go on when a line comes in."""
    go_on = threading.Event()

    def listen() -> None:
        if sys.stdin.readline():
            go_on.set()

    threading.Thread(target=listen, daemon=True).start()

    def tell(event: object) -> None:
        if isinstance(event, JobLost):
            say("lost", event.fence)

    queue = jobs_of(path, go_on)
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
        acknowledged, tell = os.pipe()
        child = os.fork()
        if child == 0:
            _live(path, at, tell)
        os.close(tell)
        _, status = os.waitpid(child, 0)
        is_acknowledged = os.read(acknowledged, 1) == b"!"
        os.close(acknowledged)
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
    os._exit(0)


if __name__ == "__main__":
    mode, where = sys.argv[1:3]
    if mode == "statements":
        die_at_every_statement(Path(where))
    else:
        settings: dict[str, Any] = json.loads(sys.argv[3])
        raise SystemExit(work(where, **settings))
