"""The coordinator of a fleet: transitions and probe leases in Redis, by its clock; calls are never counted there.

    coordinator = RedisCoordinator(client)
    payments = CircuitBreaker("payments", coordinator=coordinator)

All trips to the server are made by one daemon thread. It asks for the known breakers every `poll` seconds, carries out
proposals, and serves leases, for which a caller waits at most `timeout` seconds.
"""

import os
import queue
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from types import TracebackType
from typing import Any, Self

from lldkit.arguments import check_number
from lldkit.circuit_breaker.interface import (
    CircuitBreakerError,
    CoordinatorUnavailable,
    Outcome,
    SharedView,
    State,
    Transition,
)
from lldkit.clock import MICRO, SYSTEM, Clock
from lldkit.engines.redis import UNAVAILABLE, Client, key, load_script

__all__ = ["RedisCoordinator"]

SCRIPT = load_script(__package__, "coordinator.lua")
STATES = {1: State.CLOSED, 2: State.OPEN, 3: State.HALF_OPEN}
NUMBERS = {state: number for number, state in STATES.items()}
KEEP_SECONDS = 7 * 86_400  # a breaker that has not moved for so long is forgotten, and then local state decides
MOST_JOBS = 1_000

Job = tuple["Future[Any]", Callable[[], Any]]


class RedisCoordinator:
    """Shares what breakers of one name decide, between any number of processes.

    `client` is a redis-py client; it stays open and belongs to its maker. `namespace` keeps fleets apart, `poll` is how
    long news may take, `timeout` how long a probe may wait for its lease, all in seconds. Where the store does not
    answer, calls raise `CoordinatorUnavailable`, which a breaker answers with its local state.

    Safe for threads. Holds one daemon thread from the first use until `close()`; after a fork the child starts its own.
    """

    def __init__(
        self,
        client: Client,
        *,
        namespace: str = "lldkit",
        poll: float = 1.0,
        timeout: float = 0.25,
        clock: Clock = SYSTEM,
    ) -> None:
        key(namespace)  # refuses a bad one
        for what, value in (("poll", poll), ("timeout", timeout)):
            check_number(what, value, above=0)
        self._client = client
        self._namespace = namespace
        self._poll = poll
        self._timeout = timeout
        self._clock = clock
        self._closed = False
        self._start_over()

    def _start_over(self) -> None:
        """Forget what belongs to another process: its thread, its locks, what it was about to do."""
        self._pid = os.getpid()
        self._lock = threading.Lock()  # guards the starting of the thread
        self._thread: threading.Thread | None = None
        self._jobs: queue.Queue[Job | None] = queue.Queue(MOST_JOBS)
        self._views: dict[str, SharedView | None] = {}
        self._won: dict[str, tuple[int, int]] = {}  # the last proposal that won: the version seen, and made of it
        self._reachable = True

    def view(self, name: str) -> SharedView | None:
        """The last known view, without a trip; a new name is asked for in the background."""
        self._running()
        if not self._reachable:
            raise CoordinatorUnavailable("redis did not answer")
        if name not in self._views:
            self._views[name] = None
            self._enqueue(lambda: self._run(name, "view"))
        return self._views[name]

    def propose(self, name: str, transition: Transition, *, seen: int) -> SharedView | None:
        """Have the move proposed in the background; the next view tells who has won."""
        state, opening = NUMBERS[transition.state], round(transition.seconds * MICRO)
        keep = round((KEEP_SECONDS + transition.seconds) * 1_000)
        self._enqueue(lambda: self._propose(name, seen, state, opening, transition.round, keep))
        return self._views.get(name)

    def _propose(self, name: str, seen: int, *move: int) -> None:
        """One proposal, on the thread; it is built upon the one before it from the same view, if that has won."""
        base, version = self._won.get(name, (seen, seen))
        won, view = self._run(name, "propose", version if seen == base else seen, *move)
        if won and view is not None:
            self._won[name] = (seen, view.version)

    def lease(self, name: str, *, limit: int, seconds: float) -> str | None:
        """A token for a probe, or None; waits for at most `timeout`."""
        token = secrets.token_hex(8)
        granted, _ = self._wait_for(lambda: self._run(name, "lease", limit, round(seconds * MICRO), token))
        return token if granted else None

    def release(self, name: str, token: str, outcome: Outcome) -> SharedView | None:
        """Give a lease back; the view with its outcome counted, or None when it had expired."""
        counted, view = self._wait_for(lambda: self._run(name, "release", token, outcome.value))
        return view if counted else None

    def refresh(self) -> None:
        """Ask for all known breakers now, and wait for the answers for at most `timeout`."""
        self._wait_for(self._ask_for_all)

    def close(self) -> None:
        """End the thread; what waits in line is dropped. Idempotent. The client stays open."""
        with self._lock:
            self._closed = True
            thread, self._thread = self._thread, None
        if thread is not None and thread.is_alive() and self._pid == os.getpid():
            self._jobs.put(None)
            thread.join(self._timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _running(self) -> None:
        """Start the thread, unless it runs in this process."""
        if self._closed:
            raise CoordinatorUnavailable("the coordinator is closed")
        if self._pid != os.getpid():
            self._start_over()
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._serve, name="lldkit-coordinator", daemon=True)
                    self._thread.start()

    def _enqueue(self, job: Callable[[], Any]) -> "Future[Any]":
        self._running()
        future: Future[Any] = Future()
        try:
            self._jobs.put_nowait((future, job))
        except queue.Full:
            raise CoordinatorUnavailable(f"{MOST_JOBS} jobs wait for redis already") from None
        return future

    def _wait_for(self, job: Callable[[], Any]) -> Any:
        """Run `job` on the thread; `CoordinatorUnavailable` when it is not done in time, and then not begun later."""
        self._running()
        if not self._reachable:
            raise CoordinatorUnavailable("redis did not answer")
        future = self._enqueue(job)
        try:
            return future.result(self._timeout)
        except TimeoutError:
            future.cancel()
            self._reachable = False  # until the thread has had an answer; the next caller does not wait
            raise CoordinatorUnavailable(f"redis did not answer within {self._timeout} s") from None

    def _serve(self) -> None:
        """The thread: jobs as they come, and a look at all breakers whenever `poll` seconds bring none."""
        jobs, deadline = self._jobs, self._clock.monotonic()
        while True:
            try:
                job = jobs.get(timeout=max(0.0, deadline - self._clock.monotonic()))
            except queue.Empty:
                job = (Future(), self._ask_for_all)
                deadline = self._clock.monotonic() + self._poll
            if job is None:
                return
            self._carry_out(*job)

    def _carry_out(self, future: "Future[Any]", job: Callable[[], Any]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            answer = job()
        except Exception as error:  # noqa: BLE001 - the thread outlives whatever a client raises; the waiter hears of it
            failed = error if isinstance(error, CircuitBreakerError) else CoordinatorUnavailable(type(error).__name__)
            self._settle(future.set_exception, failed)
        else:
            self._settle(future.set_result, answer)

    @staticmethod
    def _settle(settle: Callable[[Any], None], value: object) -> None:
        try:
            settle(value)
        except InvalidStateError:  # nobody waits any more
            return

    def _ask_for_all(self) -> None:
        for name in list(self._views):
            self._run(name, "view")

    def _run(self, name: str, *arguments: str | int) -> tuple[bool, SharedView | None]:
        """One trip, on the thread."""
        keys = [key(self._namespace, "breaker", what, tag=name) for what in ("state", "leases")]
        try:
            answer = SCRIPT.run(self._client, keys, arguments)
        except UNAVAILABLE as error:
            self._reachable = False
            raise CoordinatorUnavailable("redis did not answer") from error
        done, state, version, left, rounds, successes, failures, free = answer
        view = None
        if state:
            until = self._clock.monotonic() + left / MICRO
            free_after = None if free < 0 else free / MICRO
            view = SharedView(STATES[state], version, until, rounds, successes, failures, free_after)
        if version < self._won.get(name, (0, 0))[1]:
            del self._won[name]  # the store was emptied
        self._views[name] = view
        self._reachable = True
        return bool(done), view

    def __repr__(self) -> str:
        return f"RedisCoordinator(namespace={self._namespace!r}, poll={self._poll!r}, timeout={self._timeout!r})"
