"""Looks whether the pool is closed, and then takes the lock."""

import threading
from collections import deque
from concurrent.futures import Future


class ThreadPool:
    def __init__(self, workers):
        if workers < 1:
            raise ValueError(f"a pool needs a worker, not {workers}")
        self._changed = threading.Condition()
        self._tasks = deque()
        self._closed = False
        self._threads = [threading.Thread(target=self._work) for _ in range(workers)]
        for thread in self._threads:
            thread.start()

    def submit(self, fn, *args):
        if self._closed:
            raise RuntimeError("the pool takes no more tasks")
        future = Future()
        with self._changed:
            self._tasks.append((future, fn, args))
            self._changed.notify()
        return future

    def shutdown(self, *, wait=True, cancel_pending=False):
        with self._changed:
            self._closed = True
            pending = list(self._tasks) if cancel_pending else []
            self._changed.notify_all()
        for future, _, _ in pending:
            future.cancel()
        if wait:
            for thread in self._threads:
                if thread is not threading.current_thread():
                    thread.join()

    def _work(self):
        while (task := self._next()) is not None:
            future, fn, args = task
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(fn(*args))
                except BaseException as error:
                    future.set_exception(error)

    def _next(self):
        with self._changed:
            self._changed.wait_for(lambda: self._tasks or self._closed)
            return self._tasks.popleft() if self._tasks else None
