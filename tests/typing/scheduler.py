"""Tasks keep the types of their functions; checked, never run."""

from typing import assert_type

from lldkit.scheduler import Call, Job, Queue, Store, Task
from lldkit.scheduler.memory import MemoryStore
from lldkit.scheduler.sqlite import SQLiteStore

queue = Queue()


@queue.task(max_attempts=3)
def send(user_id: int, text: str, *, urgent: bool = False) -> str:
    return text * user_id if urgent else text


@queue.task()
async def fetch(url: str) -> bytes:
    return url.encode()


async def use() -> None:
    assert_type(send(1, "a"), str)
    assert_type(await fetch("/"), bytes)
    assert_type(send.enqueue(1, "a", urgent=True), Job)
    assert_type(await send.aenqueue(1, "a"), Job)
    assert_type(send.call(1, text="a"), Call)
    later: Task[[str], object] = fetch.options(delay_seconds=3)  # type: ignore[assignment]
    del later
    assert_type(send.options(key="k").enqueue(1, "a"), Job)
    send.enqueue("1", "a")  # type: ignore[arg-type]
    send.options(priority=3).enqueue(1)  # type: ignore[call-arg]
    stores: list[Store] = [MemoryStore(), SQLiteStore("jobs.db")]
    del stores
