"""Where jobs run: a pool of threads, or the tasks of an event loop."""

import asyncio
import queue
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeAlias

from lldkit.scheduler.running import End, Running, arun_job, run_job

__all__ = ["Begin", "Finish", "Pool", "Runner", "TaskRunner", "ThreadRunner"]

Begin: TypeAlias = Callable[[Running], None]
"""Told before a job runs, in the place where it runs."""
Finish: TypeAlias = Callable[[Running, End], None]
"""Told when it has ended."""


class Runner(Protocol):
    """Runs up to so many jobs at once; others wait in it. All verbs are for the worker's own thread."""

    def start(self) -> None:
        """Get ready."""
        ...

    def give(self, jobs: Iterable[Running]) -> None:
        """Run these, in their order, when there is a place."""
        ...

    @property
    def waiting(self) -> int:
        """How many jobs have not been started."""
        ...

    def take_back(self) -> list[Running]:
        """The jobs that have not been started; they will not be."""
        ...

    def interrupt(self, running: Running) -> bool:
        """Stop a job from outside, if that is possible here; its end is told as any other."""
        ...

    def close(self) -> None:
        """End all that is not busy; what is leaked is left behind."""
        ...


class Pool(ABC):
    """Threads named `name`-1, -2 ... that take jobs out of one inbox: what the runners that have threads share."""

    def __init__(self, concurrency: int, name: str) -> None:
        self._inbox: queue.SimpleQueue[Running | None] = queue.SimpleQueue()
        names = (f"{name}-{number + 1}" for number in range(concurrency))
        self._threads = [threading.Thread(target=self._work, name=name, daemon=True) for name in names]

    @abstractmethod
    def _work(self) -> None:
        """Run what is in the inbox until that is None; in each thread."""

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def give(self, jobs: Iterable[Running]) -> None:
        """Put jobs into the inbox."""
        for running in jobs:
            self._inbox.put(running)

    @property
    def waiting(self) -> int:
        """The length of the inbox."""
        return self._inbox.qsize()

    def take_back(self) -> list[Running]:
        """Empty the inbox."""
        taken = []
        try:
            while (running := self._inbox.get_nowait()) is not None:
                taken.append(running)
        except queue.Empty:
            pass
        return taken

    def close(self) -> None:
        """End the threads when they are idle, and wait for those that are."""
        for _ in self._threads:
            self._inbox.put(None)
        for thread in self._threads:
            if not self._is_leaked(thread):
                thread.join()

    def _is_leaked(self, thread: threading.Thread) -> bool:
        """Whether nobody can say when it ends."""
        del thread
        return False


class ThreadRunner(Pool):
    """A pool of threads. A thread cannot be stopped from outside; its job asks `check_cancelled`."""

    def __init__(self, concurrency: int, begin: Begin, finish: Finish) -> None:
        super().__init__(concurrency, "job")
        self._begin = begin
        self._finish = finish
        self._busy: set[threading.Thread] = set()

    def interrupt(self, running: Running) -> bool:
        """A thread goes on."""
        del running
        return False

    def _is_leaked(self, thread: threading.Thread) -> bool:
        return thread in self._busy

    def _work(self) -> None:
        this = threading.current_thread()
        while (running := self._inbox.get()) is not None:
            self._busy.add(this)
            self._begin(running)
            end = run_job(running)
            self._busy.discard(this)
            self._finish(running, end)


class TaskRunner:
    """Tasks of an event loop, its own or the caller's; `def` functions run in threads beside it."""

    def __init__(
        self, concurrency: int, begin: Begin, finish: Finish, loop: asyncio.AbstractEventLoop | None = None
    ) -> None:
        self._concurrency = concurrency
        self._begin = begin
        self._finish = finish
        self._own = loop is None
        self._loop = asyncio.new_event_loop() if loop is None else loop
        self._thread = threading.Thread(target=self._loop.run_forever, name="jobs", daemon=True)
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix="job")
        self._inbox: deque[Running] = deque()
        self._tasks: dict[Running, asyncio.Task[None]] = {}

    def start(self) -> None:
        """Start the loop, if it is its own."""
        if self._own:
            self._thread.start()

    def give(self, jobs: Iterable[Running]) -> None:
        """Put jobs into the inbox."""
        self._inbox.extend(jobs)
        self._loop.call_soon_threadsafe(self._fill)

    @property
    def waiting(self) -> int:
        """The length of the inbox."""
        return len(self._inbox)

    def take_back(self) -> list[Running]:
        """Empty the inbox."""
        taken = []
        while self._inbox:
            try:
                taken.append(self._inbox.popleft())
            except IndexError:  # the loop was faster
                break
        return taken

    def interrupt(self, running: Running) -> bool:
        """Cancel the task."""

        def cancel() -> None:
            if (task := self._tasks.get(running)) is not None:
                task.cancel()

        self._loop.call_soon_threadsafe(cancel)
        return True

    def close(self) -> None:
        """End the loop, if it is its own, and the idle threads."""
        self._threads.shutdown(wait=False)
        if self._own:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def _fill(self) -> None:
        while self._inbox and len(self._tasks) < self._concurrency:
            try:
                running = self._inbox.popleft()
            except IndexError:  # the worker took it back
                return
            self._tasks[running] = self._loop.create_task(self._work(running))

    async def _work(self, running: Running) -> None:
        try:
            self._begin(running)
            self._finish(running, await arun_job(running, self._threads))
        finally:
            del self._tasks[running]
            self._fill()
