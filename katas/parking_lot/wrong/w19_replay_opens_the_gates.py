"""A parking lot: counters, spaces, prices, gates, runs and reservations, a log."""

import threading
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

from interface import EPOCH, Busy, Full, Still, Tariff, Unknown, nothing

DAY = timedelta(days=1)


class Lot:
    """Who stands where, since when, and what it costs. What happens is applied, after it was logged."""

    def __init__(self, *, capacity=None, spaces=(), sizes=("bike", "car", "truck"), tariff=Tariff(), clock=Still(),
                 epoch=EPOCH, cashier=nothing, reservable=0, log=None, gates=nothing):  # fmt: skip
        capacity = dict(capacity or {})
        if any(most < 0 for most in capacity.values()):
            raise ValueError(f"a capacity is 0 or more, got {capacity}")
        self._most, self._taken = capacity, dict.fromkeys(capacity, 0)
        self._spaces = {space.id: space for space in spaces}
        self._rank = {size: rank for rank, size in enumerate(sizes)}
        if any(space.size not in self._rank for space in spaces):
            raise ValueError(f"the size of a space is one of {sizes}")
        self._used, self._out = set(), set()
        self._tariff, self._clock, self._epoch, self._cashier = tariff, clock, epoch, cashier
        self._lock = threading.Lock()
        self._inside, self._tickets, self._leaving, self._answers = {}, 0, set(), {}
        self._reservable, self._windows = reservable, []
        self._held, self._tokens = {}, 0
        self._log, self._gates = log, gates
        for record in log.records() if log else ():
            self._apply(*record)

    # Level 1.

    def take(self, size):
        """Count a vehicle in, if there is room."""
        with self._lock:
            if self.free(size) == 0:
                return False
            self._taken[size] += 1
            return True

    def give(self, size):
        """Count a vehicle out."""
        with self._lock:
            if self.free(size) == self._most[size]:
                raise ValueError(f"no {size} is inside")
            self._taken[size] -= 1

    def free(self, size):
        """How many more could come."""
        if size not in self._most:
            raise ValueError(f"a size is one of {list(self._most)}, got {size!r}")
        return self._most[size] - self._taken[size]

    # Level 2.

    def park(self, size, gate):
        """Take the best free space."""
        with self._lock:
            space = self._best(size, gate)
            if space is not None:
                self._used.add(space)
            return space

    def _best(self, size, gate):
        if size not in self._rank:
            raise ValueError(f"a size is one of {list(self._rank)}, got {size!r}")
        fitting = [space for space in self._spaces.values() if self._rank[space.size] >= self._rank[size]]
        best = [(self._rank[space.size], space.distances[gate], space.id) for space in fitting if self._is_free(space.id)]
        return min(best)[2] if best else None

    def _is_free(self, space):
        held = self._held.get(space)
        ended = held is None or held[0] <= self._clock.monotonic()
        return ended and space not in self._used and space not in self._out

    def unpark(self, space):
        """Give a space back; whether it was taken."""
        with self._lock:
            taken = space in self._used
            self._used.discard(space)
            return taken

    def out(self, space):
        """Hand a space out no more."""
        with self._lock:
            self._out.add(self._spaces[space].id)

    def back(self, space):
        """Hand a space out again."""
        with self._lock:
            self._out.discard(space)

    # Level 3.

    def price(self, start, end):
        """What a stay costs, in cents."""
        return _price(self._tariff, start, end)

    # Level 4.

    def enter(self, size, gate, event):
        """Let a vehicle in; the number of its ticket."""
        with self._lock:
            if event not in self._answers:
                space = self._best(size, gate)
                if space is None:
                    raise Full(size)
                self._happens("entered", event, self._tickets + 1, space, self._clock.monotonic(), self._tariff)
            return self._answers[event]

    def exit(self, ticket, event):
        """Let a vehicle out; the cents that it paid."""
        with self._lock:
            if event in self._answers:
                return self._answers[event]
            if ticket not in self._inside:
                raise Unknown(ticket)
            if ticket in self._leaving:
                raise Busy(ticket)
            self._leaving.add(ticket)
            _, since, tariff = self._inside[ticket]
        try:
            start, end = (self._epoch + timedelta(seconds=at) for at in (since, self._clock.monotonic()))
            cents = _price(tariff, start, end)
            self._cashier(ticket, cents)
            with self._lock:
                self._happens("left", event, ticket, cents)
        finally:
            self._leaving.discard(ticket)
        return cents

    # Level 5.

    def run(self, length):
        """Adjacent free spaces for a bus: of the shortest stretch that is long enough, then of the first."""
        with self._lock:
            found = [stretch for stretch in self._stretches() if len(stretch) >= length]
            return tuple(space.id for space in min(found, key=len)[:length]) if found else ()

    def _stretches(self):
        stretch = []
        for space in sorted(self._spaces.values(), key=lambda space: (space.row, space.position)):
            if not self._is_free(space.id):
                continue
            if stretch and (stretch[-1].row, stretch[-1].position + 1) != (space.row, space.position):
                yield stretch
                stretch = []
            stretch.append(space)
        yield stretch

    def reserve(self, start, end):
        """Promise one of the reservable spaces for a window."""
        if start >= end:
            raise ValueError(f"a window ends after its start, got {start} to {end}")
        with self._lock:
            instants = [start] + [begin for begin, _ in self._windows if start < begin < end]
            if any(sum(begin <= at < stop for begin, stop in self._windows) >= self._reservable for at in instants):
                return False
            self._windows.append((start, end))
            return True

    # Level 6.

    def hold(self, space, seconds):
        """Keep a free space for some seconds; a token."""
        with self._lock:
            if not self._is_free(self._spaces[space].id):
                return None
            self._happens("held", space, self._clock.monotonic() + seconds, self._tokens + 1)
            return self._tokens

    def confirm(self, token):
        """Keep a held space for good; whether the hold still was."""
        with self._lock:
            for space, (until, held) in self._held.items():
                if held == token and until > self._clock.monotonic():
                    self._happens("confirmed", space)
                    return True
            return False

    def set_tariff(self, tariff):
        """The price of who enters from now on."""
        with self._lock:
            self._happens("tariff", tariff)

    def _happens(self, *record):
        if self._log is not None:
            self._log.append(record)
        self._apply(*record)

    def _apply(self, what, *told):
        getattr(self, f"_apply_{what}")(*told)

    def _apply_entered(self, event, ticket, space, at, tariff):
        self._tickets = ticket
        self._answers[event] = ticket
        self._inside[ticket] = space, at, tariff
        self._used.add(space)

    def _apply_left(self, event, ticket, cents):
        self._answers[event] = cents
        space, _, _ = self._inside.pop(ticket)
        self._used.discard(space)
        self._gates(ticket)

    def _apply_held(self, space, until, token):
        self._held[space] = until, token
        self._tokens = token

    def _apply_confirmed(self, space):
        del self._held[space]
        self._used.add(space)

    def _apply_tariff(self, tariff):
        self._tariff = tariff


def _price(tariff, start, end):
    """Days by the clock on the wall, time as it passes."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    if end - start <= timedelta(seconds=tariff.free):
        return 0
    total = 0
    while start < end:
        stop = min(end, _next_reset(tariff, start))
        cost = -((start - stop) // timedelta(seconds=tariff.seconds)) * tariff.cents
        total += cost if tariff.cap is None else min(cost, tariff.cap)
        start = stop
    return total


def _next_reset(tariff, at):
    """The first instant later than `at` at which the wall shows the hour of the reset."""
    day = at.astimezone(ZoneInfo(tariff.zone)).replace(hour=tariff.reset, minute=0, second=0, microsecond=0)
    reset = day.astimezone(UTC)
    return reset if reset > at else (day + DAY).astimezone(UTC)
