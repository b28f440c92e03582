"""The genuine primitives of this process, taken before anything is patched.

The tools themselves run on these, and so does every thread that is not under control.
"""

import _thread
import os
import queue
import threading
import time

__all__ = [
    "Condition",
    "Lock",
    "RLock",
    "SimpleQueue",
    "Thread",
    "current_thread",
    "fork",
    "get_ident",
    "local",
    "monotonic",
    "sleep",
    "start_new_thread",
    "thread_is_alive",
    "thread_join",
    "thread_start",
    "wait",
]

Lock = _thread.allocate_lock
RLock = threading.RLock
Condition = threading.Condition
Thread = threading.Thread
SimpleQueue = queue.SimpleQueue
local = threading.local
current_thread = threading.current_thread
get_ident = threading.get_ident
start_new_thread = _thread.start_new_thread
wait = threading.Condition.wait
thread_start = threading.Thread.start
thread_join = threading.Thread.join
thread_is_alive = threading.Thread.is_alive
monotonic = time.monotonic
sleep = time.sleep
fork = getattr(os, "fork", None)
