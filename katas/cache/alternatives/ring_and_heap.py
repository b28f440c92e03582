"""A cache of linked nodes: rings of entries on rungs by uses, a heap of deadlines, and a register of who runs which load."""

import asyncio
import hashlib
import heapq
import math
import threading

from interface import SYSTEM, EntryTooLarge, LoadRecursionError


class Link:
    """A member of a ring; alone it is a ring of one."""

    def __init__(self):
        self.before = self.after = self

    def leave(self):
        self.before.after, self.after.before = self.after, self.before
        self.before = self.after = self

    def enter_before(self, other):
        self.before, self.after = other.before, other
        other.before.after = other.before = self


class Entry(Link):
    """A value on a rung."""

    def __init__(self, key, value, deadline, weight):
        super().__init__()
        self.key, self.value, self.deadline, self.weight = key, value, deadline, weight
        self.rung = None


class Rung(Link):
    """The entries with one number of uses; the ring starts at `oldest`."""

    def __init__(self, uses):
        super().__init__()
        self.uses, self.members = uses, Link()


class Ladder:
    """All rungs, the lowest after the foot. With `climbing` False there is one rung, and the order is that of use."""

    def __init__(self, climbing):
        self.climbing, self.foot = climbing, Rung(0)

    def add(self, entry):
        self._stand(entry, self.foot, 1)

    def use(self, entry):
        rung = entry.rung
        entry.leave()
        self._stand(entry, rung if self.climbing else self.foot, rung.uses + 1 if self.climbing else 1)
        self._clear(rung)

    def drop(self, entry):
        entry.leave()
        self._clear(entry.rung)

    def lowest(self):
        return self.foot.after.members.after

    def _stand(self, entry, below, uses):
        rung = below.after
        if rung is self.foot or rung.uses != uses:
            rung = Rung(uses)
            rung.enter_before(below.after)
        entry.enter_before(rung.members)
        entry.rung = rung

    def _clear(self, rung):
        if rung.members.after is rung.members:
            rung.leave()


class Load:
    """A load under way: who waits for it, and for whom it is made."""

    def __init__(self, within):
        self.within = within  # the load whose loader asked, or None
        self.done = threading.Event()
        self.task, self.waiting = None, set()
        self.value = self.error = None


class Cache:
    """Entries by key on a ladder."""

    def __init__(
        self,
        *,
        maxsize,
        ttl=math.inf,
        clock=SYSTEM,
        policy="lru",
        weigher=None,
        on_removal=lambda key, value, cause: None,
        nodes=None,
        bus=None,
    ):
        if maxsize < 1:
            raise ValueError("maxsize must be 1 or more")
        if policy not in {"lru", "lfu"} or (policy == "lfu" and weigher):
            raise ValueError("policy must be lru, or lfu without a weigher")
        self._room, self._maxsize, self._ttl, self._clock = maxsize, maxsize, positive(ttl), clock
        self._weigher, self._on_removal = weigher or (lambda key, value: 1), on_removal
        self._ladder = Ladder(policy == "lfu")
        self._entries, self._deadlines, self._loads = {}, [], {}
        self._mutex = threading.Lock()
        self._runs = {}  # thread or task -> the load that it runs
        self._puts = 0
        self._nodes, self._bus = nodes, bus
        if bus:
            bus.subscribe(self._overtake)

    def get(self, key, default=None):
        with self._mutex:
            entry = self._find(key)
            return entry.value if entry else default

    def put(self, key, value, *, ttl=None):
        if self._nodes:
            self._at(key).write(key, value)
            self._publish(key)
            return
        lifetime = self._ttl if ttl is None else positive(ttl)
        weight = self._weight(key, value)
        if weight > self._maxsize:
            self._overtake(key)
            raise EntryTooLarge(key, weight, self._maxsize)
        with self._mutex:
            self._loads.pop(key, None)
            leaving = self._keep(key, value, lifetime, weight)
        self._say(leaving)

    def invalidate(self, key):
        if self._nodes:
            there = self._at(key).delete(key)
            self._publish(key)
            return there
        return self._overtake(key)

    def __contains__(self, key):
        with self._mutex:
            self._reap()
            return key in self._entries

    def __len__(self):
        with self._mutex:
            self._reap()
            return len(self._entries)

    def get_or_load(self, key, loader):
        me = threading.get_ident()
        entry, load, mine = self._ask(key, me)
        if entry:
            return entry.value
        if not mine:
            load.done.wait()
            if load.error:
                raise load.error
            return load.value
        self._runs[me] = load
        try:
            load.value = self._fetch(key, loader) if self._nodes else loader(key)
            weight = self._weight(key, load.value)
        except BaseException as error:
            load.error = error
            weight = math.inf
            raise
        finally:
            if load.within:
                self._runs[me] = load.within
            else:
                del self._runs[me]
            self._end(key, load, weight)
        return load.value

    async def aget_or_load(self, key, loader):
        entry, load, mine = self._ask(key, asyncio.current_task())
        if entry:
            return entry.value
        if mine:
            load.task = asyncio.create_task(self._work(key, load, loader))
            self._runs[load.task] = load
        ticket = object()
        load.waiting.add(ticket)
        try:
            await asyncio.wait([load.task])  # unlike an await of the task itself this cancels nobody but us
        finally:
            load.waiting.discard(ticket)
            if not load.waiting and not load.task.done():
                self._end(key, load, math.inf)
                load.task.cancel()
        return load.task.result()

    async def _work(self, key, load, loader):
        weight = math.inf
        try:
            load.value = await loader(key)
            weight = self._weight(key, load.value)
        finally:
            del self._runs[load.task]
            self._end(key, load, weight)
        return load.value

    def node_for(self, key):
        def drawn(name):
            return hashlib.sha256(repr((str(name), key.encode())).encode()).hexdigest()

        return sorted(self._nodes, key=drawn)[0]

    # -- loads -----------------------------------------------------------------------------------------------------

    def _ask(self, key, me):
        """(the entry, the load, whether it is for me to run it)"""
        with self._mutex:
            entry = self._find(key)
            if entry:
                return entry, None, False
            mine = within = self._runs.get(me)
            load = self._loads.get(key)
            if load is None:
                load = self._loads[key] = Load(within)
                return None, load, True
        while mine:
            if mine is load:
                raise LoadRecursionError(key)
            mine = mine.within
        return None, load, False

    def _end(self, key, load, weight):
        leaving = []
        with self._mutex:
            if self._loads.get(key) is load:
                del self._loads[key]
                if weight <= self._maxsize:
                    leaving = self._keep(key, load.value, self._ttl, weight)
        load.done.set()
        self._say(leaving)

    def _fetch(self, key, loader):
        record = self._at(key).read(key)
        if record.found:
            return record.value
        value = loader(key)
        self._at(key).fill(key, value, seen=record.generation)
        return value

    def _at(self, key):
        return self._nodes[self.node_for(key)]

    def _publish(self, key):
        self._overtake(key)
        self._bus.publish(key)

    def _overtake(self, key):
        with self._mutex:
            self._reap()
            self._loads.pop(key, None)
            entry = self._entries.get(key)
            if entry:
                self._remove(entry)
        if entry:
            self._say([(key, entry.value, "explicit")])
        return entry is not None

    # -- entries; with the mutex held ------------------------------------------------------------------------------

    def _find(self, key):
        self._reap()
        entry = self._entries.get(key)
        if entry:
            self._ladder.use(entry)
        return entry

    def _keep(self, key, value, lifetime, weight):
        self._reap()
        leaving = []
        entry = self._entries.get(key)
        if entry:
            leaving.append((key, entry.value, "replaced"))
            self._ladder.use(entry)
            self._room += entry.weight
            entry.weight = 0
        while self._room < weight:
            victim = self._ladder.lowest()
            self._remove(victim)
            leaving.append((victim.key, victim.value, "size"))
        if not entry:
            entry = self._entries[key] = Entry(key, None, None, 0)
            self._ladder.add(entry)
        entry.value, entry.weight, entry.deadline = value, weight, self._clock.monotonic() + lifetime
        self._room -= weight
        if lifetime < math.inf:
            self._puts += 1
            heapq.heappush(self._deadlines, (entry.deadline, self._puts, entry))
            if len(self._deadlines) > 2 * len(self._entries) + 8:
                self._deadlines = [item for item in self._deadlines if self._is_due(item)]
                heapq.heapify(self._deadlines)
        return leaving

    def _is_due(self, item):
        deadline, _, entry = item
        return entry.deadline == deadline and self._entries.get(entry.key) is entry

    def _reap(self):
        now = self._clock.monotonic()
        while self._deadlines and self._deadlines[0][0] <= now:
            item = heapq.heappop(self._deadlines)
            if self._is_due(item):
                self._remove(item[2])

    def _remove(self, entry):
        del self._entries[entry.key]
        self._ladder.drop(entry)
        self._room += entry.weight

    def _weight(self, key, value):
        weight = self._weigher(key, value)
        if weight < 0:
            raise ValueError("a weight must be 0 or more")
        return weight

    def _say(self, leaving):
        for removal in leaving:
            self._on_removal(*removal)


def positive(seconds):
    if not seconds > 0:
        raise ValueError("ttl must be above 0")
    return seconds
