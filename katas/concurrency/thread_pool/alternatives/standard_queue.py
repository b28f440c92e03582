"""The standard queue, and one mark for each worker behind the last task."""

import queue
import threading
from concurrent.futures import Future


class ThreadPool:
    def __init__(self, workers):
        if workers < 1:
            raise ValueError("workers must be at least 1")
        self.inbox, self.guard, self.is_over = queue.Queue(), threading.Lock(), False
        self.crew = [threading.Thread(target=self.serve) for _ in range(workers)]
        for member in self.crew:
            member.start()

    def submit(self, fn, *args):
        with self.guard:
            if self.is_over:
                raise RuntimeError("over")
            future = Future()
            self.inbox.put((future, lambda: fn(*args)))
            return future

    def serve(self):
        while (item := self.inbox.get()) is not None:
            future, call = item
            if not future.set_running_or_notify_cancel():
                continue
            try:
                outcome = call()
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(outcome)

    def shutdown(self, *, wait=True, cancel_pending=False):
        unwanted = []
        with self.guard:
            was_over, self.is_over = self.is_over, True
            while cancel_pending:
                try:
                    item = self.inbox.get_nowait()
                except queue.Empty:
                    break
                if item is not None:
                    unwanted.append(item[0])
            if not was_over or cancel_pending:
                for _ in self.crew:
                    self.inbox.put(None)
        for future in unwanted:
            future.cancel()
            future.set_running_or_notify_cancel()
        others = [member for member in self.crew if member is not threading.current_thread()]
        for member in others if wait else ():
            member.join()
