"""Tasks that run in processes; these import this module."""

import os
import signal
import time
from pathlib import Path

from lldkit.scheduler import Queue, RetryLater, current_job

queue = Queue()


@queue.task()
def double(n: int) -> int:
    return 2 * n


@queue.task()
def whoami() -> int:
    return os.getpid()


@queue.task(max_attempts=1)
def fails() -> None:
    raise ValueError("as planned")


@queue.task(max_attempts=2)
def later() -> None:
    raise RetryLater(60)


@queue.task(max_crashes=2)
def poison(how: str) -> None:
    if how == "exit":
        os._exit(66)
    os.kill(os.getpid(), signal.SIGKILL)


@queue.task(timeout_seconds=0.2, max_attempts=1)
def hangs() -> None:
    time.sleep(600)


@queue.task()
def polite() -> str:
    current_job().report("waiting")
    while True:
        current_job().check_cancelled()
        time.sleep(0.01)


@queue.task()
def patient(path: str) -> None:
    with Path(path).open("a") as file:
        file.write("begun ")
    while not Path(path).with_suffix(".go").exists():
        time.sleep(0.01)
