"""Each key has a line of semaphores: who leaves wakes the next one, and the line is gone with its last one."""

import threading
from collections import deque
from concurrent.futures import Future
from contextlib import contextmanager


class KeyedLock:
    def __init__(self):
        self.guard = threading.Semaphore(1)
        self.lines = {}
        self.calls = {}

    @contextmanager
    def hold(self, key):
        turn = threading.Semaphore(0)
        with self.guard:
            line = self.lines.setdefault(key, deque())
            line.append(turn)
            if len(line) == 1:
                turn.release()
        turn.acquire()
        try:
            yield
        finally:
            with self.guard:
                line.popleft()
                if line:
                    line[0].release()
                else:
                    del self.lines[key]

    def __len__(self):
        return len(self.lines)

    def single_flight(self, key, fn):
        with self.guard:
            call, is_mine = self.calls.get(key), key not in self.calls
            if is_mine:
                call = self.calls[key] = Future()
        if is_mine:
            try:
                result, error = fn(), None
            except BaseException as raised:
                result, error = None, raised
            with self.guard:
                del self.calls[key]
            call.set_result(result) if error is None else call.set_exception(error)
        return call.result()
