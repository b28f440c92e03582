"""A cache whose core knows neither clock nor lock nor thread; around it a shell, and a box for each who waits."""

import asyncio
import hashlib
import itertools
import math
import threading
from bisect import insort
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

from interface import SYSTEM, EntryTooLarge, LoadRecursionError


@dataclass(frozen=True)
class Entry:
    """What the core keeps; a use or a change makes a new one."""

    value: Any
    deadline: float
    weight: int
    uses: int = 1


class Core:
    """Entries in the order of their last use, at times that are given. Each change returns who has left."""

    def __init__(self, maxsize, frequent):
        self.maxsize, self.frequent = maxsize, frequent
        self.entries = {}
        self.levels = {}  # uses -> its keys in the order of use; for "lru" all keys are on level 0
        self.order = []  # the levels there are, ascending
        self.weight = 0
        self.soonest = math.inf
        self.tickets = {}  # key -> the ticket of the load that may still hand in
        self.numbers = itertools.count()

    def look(self, key, now):
        self.bury(now)
        return self.entries.get(key)

    def use(self, key, now):
        entry = self.look(key, now)
        if entry is not None:
            self.replace(key, replace(entry, uses=entry.uses + 1))
        return entry

    def keep(self, key, value, now, deadline, weight):
        self.tickets.pop(key, None)
        old = self.look(key, now)
        gone = [] if old is None else [(key, self.drop(key), "replaced")]
        while self.weight + weight > self.maxsize:
            victim = next(iter(self.levels[self.order[0]]))
            gone.append((victim, self.drop(victim), "size"))
        self.enter(key, Entry(value, deadline, weight, 1 if old is None else old.uses + 1))
        self.soonest = min(self.soonest, deadline)
        return gone

    def forget(self, key, now):
        self.tickets.pop(key, None)
        return [] if self.look(key, now) is None else [(key, self.drop(key), "explicit")]

    def issue(self, key):
        """A ticket for a load of `key`; a change of the key makes it worthless."""
        self.tickets[key] = next(self.numbers)
        return self.tickets[key]

    def give_back(self, key, ticket):
        """Whether the ticket was still good."""
        good = self.tickets.get(key) == ticket
        if good:
            del self.tickets[key]
        return good

    def bury(self, now):
        if now >= self.soonest:
            for key in [key for key, entry in self.entries.items() if entry.deadline <= now]:
                self.drop(key)
            self.soonest = min([math.inf, *(entry.deadline for entry in self.entries.values())])

    def replace(self, key, entry):
        self.drop(key)
        self.enter(key, entry)

    def enter(self, key, entry):
        level = self.level(entry)
        if level not in self.levels:
            self.levels[level] = Queue()
            insort(self.order, level)
        self.levels[level].add(key)
        self.entries[key] = entry
        self.weight += entry.weight

    def drop(self, key):
        entry = self.entries.pop(key)
        level = self.level(entry)
        self.levels[level].remove(key)
        if not self.levels[level]:
            del self.levels[level]
            self.order.remove(level)
        self.weight -= entry.weight
        return entry.value

    def level(self, entry):
        return entry.uses if self.frequent else 0


class Queue:
    """Keys first in, first out, of which any may leave early."""

    def __init__(self):
        self._keys, self._tombs = {}, 0

    def add(self, key):
        self._keys[key] = None

    def remove(self, key):
        del self._keys[key]
        self._tombs += 1
        if self._tombs > 8 + len(self._keys):  # a dict walks over what was deleted
            self._keys, self._tombs = dict(self._keys), 0

    def __iter__(self):
        return iter(self._keys)

    def __len__(self):
        return len(self._keys)


@dataclass(eq=False)
class Load:
    """A load under way and the boxes of those who wait for it."""

    ticket: int
    boxes: list = field(default_factory=list)
    task: Any = None
    result: Any = None
    error: Any = None
    over: bool = False


PATH = ContextVar("PATH", default=())


class Cache:
    """The shell."""

    def __init__(
        self,
        *,
        maxsize,
        ttl=math.inf,
        clock=SYSTEM,
        policy="lru",
        weigher=None,
        on_removal=None,
        nodes=None,
        bus=None,
    ):
        if maxsize < 1 or not ttl > 0:
            raise ValueError("maxsize must be at least 1 and ttl above 0")
        if policy not in ("lru", "lfu") or (weigher is not None and policy != "lru"):
            raise ValueError(f"no such policy, or none with a weigher: {policy!r}")
        self._core, self._lock, self._loads = Core(maxsize, policy == "lfu"), threading.RLock(), {}
        self._ttl, self._clock, self._weigher, self._on_removal = ttl, clock, weigher, on_removal
        self._nodes, self._bus = nodes, bus
        if bus is not None:
            bus.subscribe(self._drop)

    def get(self, key, default=None):
        with self._lock:
            entry = self._core.use(key, self._clock.monotonic())
        return default if entry is None else entry.value

    def put(self, key, value, *, ttl=None):
        if self._nodes is not None:
            return self._change(key, lambda node: node.write(key, value))
        lifetime = self._ttl if ttl is None else ttl
        if not lifetime > 0:
            raise ValueError("ttl must be above 0")
        weight = self._weigh(key, value)
        if weight > self._core.maxsize:
            self._drop(key)
            raise EntryTooLarge(key, weight, self._core.maxsize)
        with self._lock:
            self._loads.pop(key, None)
            now = self._clock.monotonic()
            gone = self._core.keep(key, value, now, now + lifetime, weight)
        self._report(gone)
        return None

    def invalidate(self, key):
        if self._nodes is not None:
            return self._change(key, lambda node: node.delete(key))
        return self._drop(key)

    def __contains__(self, key):
        with self._lock:
            return self._core.look(key, self._clock.monotonic()) is not None

    def __len__(self):
        with self._lock:
            self._core.bury(self._clock.monotonic())
            return len(self._core.entries)

    def get_or_load(self, key, loader):
        entry, load, box = self._join(key, threading.Event)
        if entry is not None:
            return entry.value
        if box is None:
            path = PATH.set((*PATH.get(), load))
            try:
                result = loader(key) if self._nodes is None else self._two_tiers(key, loader)
                weight = self._weigh(key, result)
            except BaseException as error:
                PATH.reset(path)
                self._over(key, load, error=error)
                raise
            PATH.reset(path)
            self._over(key, load, result, weight)
            return result
        box.wait()
        if load.error is not None:
            raise load.error
        return load.result

    async def aget_or_load(self, key, loader):
        entry, load, box = self._join(key, asyncio.get_running_loop().create_future)
        if entry is not None:
            return entry.value
        if box is None:
            load.task = asyncio.create_task(self._loading(key, loader, load))
            box = asyncio.get_running_loop().create_future()
            load.boxes.append(box)
        try:
            await box
        finally:
            load.boxes.remove(box)
            if not load.boxes and not load.over:
                self._over(key, load, error=asyncio.CancelledError())
                load.task.cancel()
        if load.error is not None:
            raise load.error
        return load.result

    async def _loading(self, key, loader, load):
        PATH.set((*PATH.get(), load))
        try:
            result = await loader(key)
            weight = self._weigh(key, result)
        except Exception as error:
            self._over(key, load, error=error)
        else:
            self._over(key, load, result, weight)

    def _join(self, key, new_box):
        """(entry, load, box): a box to wait at, or None for who is to load."""
        with self._lock:
            entry = self._core.use(key, self._clock.monotonic())
            if entry is not None:
                return entry, None, None
            load = self._loads.get(key)
            if load is None:
                load = self._loads[key] = Load(self._core.issue(key))
                return None, load, None
            if any(load is each for each in PATH.get()):
                raise LoadRecursionError(key)
            box = new_box()
            load.boxes.append(box)
            return None, load, box

    def _over(self, key, load, result=None, weight=None, error=None):
        gone = []
        with self._lock:
            if load.over:
                return
            load.result, load.error, load.over = result, error, True
            if self._core.give_back(key, load.ticket):
                del self._loads[key]
                if error is None and weight <= self._core.maxsize:
                    now = self._clock.monotonic()
                    gone = self._core.keep(key, result, now, now + self._ttl, weight)
            boxes = list(load.boxes)
        for box in boxes:
            if isinstance(box, threading.Event):
                box.set()
            elif not box.done():
                box.set_result(None)
        self._report(gone)

    def _drop(self, key):
        with self._lock:
            self._loads.pop(key, None)
            gone = self._core.forget(key, self._clock.monotonic())
        self._report(gone)
        return len(gone) == 1

    def node_for(self, key):
        scores = {
            int.from_bytes(hashlib.md5(b"%s|%s" % (name.encode(), key.encode())).digest()): name for name in self._nodes
        }
        return scores[max(scores)]

    def _change(self, key, change):
        answer = change(self._nodes[self.node_for(key)])
        self._drop(key)
        self._bus.publish(key)
        return answer

    def _two_tiers(self, key, loader):
        node = self._nodes[self.node_for(key)]
        record = node.read(key)
        if record.found:
            return record.value
        value = loader(key)
        node.fill(key, value, seen=record.generation)
        return value

    def _weigh(self, key, value):
        weight = 1 if self._weigher is None else self._weigher(key, value)
        if weight < 0:
            raise ValueError(f"negative weight {weight}")
        return weight

    def _report(self, gone):
        for removal in gone if self._on_removal is not None else ():
            self._on_removal(*removal)
