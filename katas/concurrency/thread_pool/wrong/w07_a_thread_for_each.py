"""Starts a thread for each task, in the order of submission."""

import threading
from concurrent.futures import Future


class ThreadPool:
    def __init__(self, workers):
        if workers < 1:
            raise ValueError(f"a pool needs a worker, not {workers}")
        self._workers = workers
        self._before = threading.Semaphore(1)
        self._threads = []

    def submit(self, fn, *args):
        future, begun = Future(), threading.Event()
        thread = threading.Thread(target=self._run, args=(future, begun, fn, args))
        self._threads.append(thread)
        thread.start()
        begun.wait()
        if self._workers == 1:
            thread.join()
        return future

    def shutdown(self):
        for thread in self._threads:
            thread.join()

    def _run(self, future, begun, fn, args):
        begun.set()
        try:
            future.set_result(fn(*args))
        except BaseException as error:
            future.set_exception(error)
