"""A cache whose loads stand where their values will be; a heap says who leaves, and learns of hits late."""

import asyncio
import heapq
import itertools
import math
import threading
import zlib

from interface import SYSTEM, EntryTooLarge, LoadRecursionError


class Entry:
    """A value in its slot. `rank` says when it leaves: the lowest first."""

    def __init__(self, value, deadline, weight, rank):
        self.value, self.deadline, self.weight, self.rank = value, deadline, weight, rank


class Placeholder:
    """A load, in the slot where its value will be."""

    def __init__(self, parent):
        self.parent = parent  # the load whose loader asked for this one
        self.ended, self.value, self.error = False, None, None
        self.task, self.futures = None, []

    def end(self, value=None, error=None):
        self.value, self.error = value, error
        self.ended = True  # last: who sees it takes the result without a lock

    def result(self):
        if self.error is not None:
            raise self.error
        return self.value

    def is_part_of(self, other):
        """Whether `other` waits for this load, at first or at second hand."""
        load = self
        while load is not None:
            if load is other:
                return True
            load = load.parent
        return False


class Cache:
    """Slots: each holds an entry or a placeholder."""

    def __init__(
        self, *, maxsize, ttl=None, clock=SYSTEM, policy="lru", weigher=None, on_removal=None, nodes=None, bus=None
    ):
        if maxsize < 1 or (ttl is not None and not ttl > 0) or policy not in ("lru", "lfu"):
            raise ValueError("maxsize is 1 or more, ttl is above 0, policy is lru or lfu")
        if weigher is not None and policy == "lfu":
            raise ValueError("a weigher goes with lru")
        self._maxsize, self._ttl, self._clock, self._by_uses = maxsize, ttl, clock, policy == "lfu"
        self._weigher, self._on_removal, self._nodes, self._bus = weigher, on_removal, nodes, bus
        self._slots, self._weight, self._count = {}, 0, 0
        self._heap, self._ticks, self._soonest = [], itertools.count(), math.inf
        self._changed = threading.Condition()
        self._running = threading.local()  # .load: the load that this thread runs
        self._tasks = {}  # task -> the load that it runs
        if bus is not None:
            bus.subscribe(self._forget)

    # -- the slots; all of this under the condition ----------------------------------------------------------------

    def _ranked(self, uses):
        return uses if self._by_uses else 0, next(self._ticks)

    def _entry(self, key):
        """The living entry of `key`."""
        now = self._clock.monotonic()
        if now >= self._soonest:
            entries = [(key, slot) for key, slot in self._slots.items() if isinstance(slot, Entry)]
            for name, slot in entries:
                if slot.deadline <= now:
                    self._take(name)
            self._soonest = min((slot.deadline for _, slot in entries if slot.deadline > now), default=math.inf)
        slot = self._slots.get(key)
        return slot if isinstance(slot, Entry) else None

    def _take(self, key):
        entry = self._slots.pop(key)
        self._weight -= entry.weight
        self._count -= 1
        return entry.value

    def _use(self, entry):
        entry.rank = self._ranked(entry.rank[0] + 1)
        return entry.value

    def _victim(self):
        """The key with the lowest rank: an item whose entry has moved on is put back with its rank of today."""
        while True:
            rank, key, entry = self._heap[0]
            if self._slots.get(key) is not entry:
                heapq.heappop(self._heap)
            elif entry.rank != rank:
                heapq.heapreplace(self._heap, (entry.rank, key, entry))
            else:
                return key

    def _keep(self, key, value, ttl, weight):
        old, gone = self._entry(key), []
        if old is not None:
            gone.append((key, self._take(key), "replaced"))
        while self._weight + weight > self._maxsize:
            victim = self._victim()
            gone.append((victim, self._take(victim), "size"))
        now = self._clock.monotonic()
        deadline = math.inf if ttl is None else now + ttl
        entry = Entry(value, deadline, weight, self._ranked(1 if old is None else old.rank[0] + 1))
        self._slots[key] = entry
        self._weight, self._count = self._weight + weight, self._count + 1
        self._soonest = min(self._soonest, deadline)
        heapq.heappush(self._heap, (entry.rank, key, entry))
        if len(self._heap) > 2 * self._count + 8:
            self._heap = [(each.rank, name, each) for name, each in self._slots.items() if isinstance(each, Entry)]
            heapq.heapify(self._heap)
        return gone

    # -- what everybody may call -----------------------------------------------------------------------------------

    def get(self, key, default=None):
        with self._changed:
            entry = self._entry(key)
            return default if entry is None else self._use(entry)

    def put(self, key, value, *, ttl=None):
        if self._nodes is not None:
            self._nodes[self.node_for(key)].write(key, value)
            self._forget(key)
            self._bus.publish(key)
            return
        if ttl is not None and not ttl > 0:
            raise ValueError("ttl is above 0")
        weight = self._weigh(key, value)
        if weight > self._maxsize:
            self._forget(key)
            raise EntryTooLarge(key, weight, self._maxsize)
        with self._changed:
            gone = self._keep(key, value, self._ttl if ttl is None else ttl, weight)
        self._tell(gone)

    def invalidate(self, key):
        if self._nodes is None:
            return self._forget(key)
        there = self._nodes[self.node_for(key)].delete(key)
        self._forget(key)
        self._bus.publish(key)
        return there

    def __contains__(self, key):
        with self._changed:
            return self._entry(key) is not None

    def __len__(self):
        with self._changed:
            self._entry(None)
            return self._count

    def get_or_load(self, key, loader):
        parent = getattr(self._running, "load", None)
        with self._changed:
            entry = self._entry(key)
            if entry is not None:
                return self._use(entry)
            load = self._slots.get(key)
            if load is not None:
                if parent is not None and parent.is_part_of(load):
                    raise LoadRecursionError(key)
                self._changed.wait_for(lambda: load.ended)
                return load.result()
            load = self._slots[key] = Placeholder(parent)
        self._running.load = load
        weight = 0
        try:
            value = loader(key) if self._nodes is None else self._tiered(key, loader)
            weight = self._weigh(key, value)
            load.end(value)
        except BaseException as error:
            load.end(error=error)
            raise
        finally:
            self._running.load = parent
            self._land(key, load, weight)
        return load.value

    async def aget_or_load(self, key, loader):
        parent = self._tasks.get(asyncio.current_task())
        with self._changed:
            entry = self._entry(key)
            if entry is not None:
                return self._use(entry)
            load = self._slots.get(key)
            if load is None:
                load = self._slots[key] = Placeholder(parent)
            elif parent is not None and parent.is_part_of(load):
                raise LoadRecursionError(key)
        if load.task is None:
            load.task = asyncio.ensure_future(self._run(key, loader, load))
            self._tasks[load.task] = load
        mine = asyncio.get_running_loop().create_future()
        load.futures.append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            load.futures.remove(mine)
            if not load.futures:
                load.end(error=asyncio.CancelledError())
                self._land(key, load, 0)
                load.task.cancel()
            raise
        return load.result()

    async def _run(self, key, loader, load):
        weight = 0
        try:
            value = await loader(key)
            weight = self._weigh(key, value)
            load.end(value)
        except BaseException as error:
            load.end(error=error)
        finally:
            del self._tasks[load.task]
            self._land(key, load, weight)
            for future in load.futures:
                if not future.done():
                    future.set_result(None)

    def _land(self, key, load, weight):
        gone = []
        with self._changed:
            if self._slots.get(key) is load:
                del self._slots[key]
                if load.error is None and weight <= self._maxsize:
                    gone = self._keep(key, load.value, self._ttl, weight)
            self._changed.notify_all()
        self._tell(gone)

    # -- the second tier -------------------------------------------------------------------------------------------

    def node_for(self, key):
        return max(sorted(self._nodes), key=lambda name: _mixed(f"{key}\n{name}"))

    def _tiered(self, key, loader):
        node = self._nodes[self.node_for(key)]
        record = node.read(key)
        if not record.found:
            value = loader(key)
            node.fill(key, value, seen=record.generation)
            return value
        return record.value

    def _forget(self, key):
        with self._changed:
            entry = self._entry(key)
            if entry is None:
                self._slots.pop(key, None)  # a placeholder: whoever loads finds that it has gone
                return False
            value = self._take(key)
        self._tell([(key, value, "explicit")])
        return True

    def _weigh(self, key, value):
        weight = self._weigher(key, value) if self._weigher is not None else 1
        if weight < 0:
            raise ValueError("a weight is 0 or more")
        return weight

    def _tell(self, gone):
        if self._on_removal is not None:
            for key, value, cause in gone:
                self._on_removal(key, value, cause)


def _mixed(text):
    """A number from a text; the bits of a CRC must be mixed before numbers are compared."""
    number = zlib.crc32(text.encode())
    for _ in range(2):
        number = ((number ^ (number >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
    return number ^ (number >> 16)
