"""Looks once and waits once."""

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
        future = Future()
        with self._changed:
            self._tasks.append((future, fn, args))
            self._changed.notify()
        return future

    def shutdown(self):
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self):
        while (task := self._next()) is not None:
            future, fn, args = task
            try:
                future.set_result(fn(*args))
            except BaseException as error:
                future.set_exception(error)

    def _next(self):
        with self._changed:
            if not self._tasks and not self._closed:
                self._changed.wait()
            return self._tasks.popleft() if self._tasks else None
