"""A semaphore counts what there is to do; a worker that finds nothing to do leaves."""

import threading
from concurrent.futures import Future


class ThreadPool:
    def __init__(self, workers):
        if workers < 1:
            raise ValueError("workers must be at least 1")
        self.guard, self.work = threading.Lock(), threading.Semaphore(0)
        self.line, self.open = [], True
        self.gone = [threading.Event() for _ in range(workers)]
        self.names = {}
        for event in self.gone:
            threading.Thread(target=self.live, args=(event,)).start()

    def submit(self, fn, *args):
        future = Future()
        with self.guard:
            if not self.open:
                raise RuntimeError("closed")
            self.line.append((future, fn, args))
        self.work.release()
        return future

    def live(self, event):
        self.names[threading.get_ident()] = event
        while True:
            self.work.acquire()
            with self.guard:
                task = self.line.pop(0) if self.line else None
            if task is None:
                break
            self.run(*task)
        event.set()

    def run(self, future, fn, args):
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(fn(*args))
            except BaseException as error:
                future.set_exception(error)

    def shutdown(self, *, wait=True, cancel_pending=False):
        with self.guard:
            is_first, self.open = self.open, False
            pending = [task[0] for task in self.line] if cancel_pending else []
        for future in pending:
            future.cancel()
        if is_first:
            self.work.release(len(self.gone))
        if wait:
            mine = self.names.get(threading.get_ident())
            for event in self.gone:
                if event is not mine:
                    event.wait()
