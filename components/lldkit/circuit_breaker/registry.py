"""One breaker per host, shard or tenant, made when it is first asked for; bounded."""

import threading
from collections import OrderedDict
from collections.abc import Callable

from lldkit.arguments import check_count
from lldkit.circuit_breaker.breaker import CircuitBreaker
from lldkit.circuit_breaker.interface import State

__all__ = ["Breakers"]


class Breakers:
    """Breakers by name. At `max_breakers` the closed one used longest ago leaves; another only if none is closed.

    `make(name)` builds one. It runs outside the lock, so that two threads that ask for a new name at once may both
    build one; both get the same. A breaker that has left lives on with those who hold it. Safe for threads; O(1), and
    O(n) for a new name when full.

    >>> breakers = Breakers(CircuitBreaker, max_breakers=100)
    >>> breakers["host-1"] is breakers["host-1"]
    True
    """

    def __init__(self, make: Callable[[str], CircuitBreaker], *, max_breakers: int = 1_000) -> None:
        if not callable(make):
            raise TypeError(f"make must be callable with a name, got {make!r}")
        self._make = make
        self._most = check_count("max_breakers", max_breakers, least=1)
        self._lock = threading.Lock()
        self._by_name: OrderedDict[str, CircuitBreaker] = OrderedDict()

    def __getitem__(self, name: str) -> CircuitBreaker:
        """The breaker of `name`."""
        if not isinstance(name, str):
            raise TypeError(f"a breaker's name is a str, got {name!r}")
        with self._lock:
            if (found := self._by_name.get(name)) is not None:
                self._by_name.move_to_end(name)
                return found
        made = self._make(name)
        leaves = self._longest_idle()
        with self._lock:
            found = self._by_name.setdefault(name, made)
            self._by_name.move_to_end(name)
            if len(self._by_name) > self._most:
                oldest = next(each for each in self._by_name if each != name)
                self._by_name.pop(oldest if leaves is None or leaves not in self._by_name else leaves)
        return found

    def _longest_idle(self) -> str | None:
        """Who would leave next; read outside the lock, because a breaker asks its clock for its state."""
        with self._lock:
            if len(self._by_name) < self._most:
                return None
            held = list(self._by_name.items())
        return next((name for name, breaker in held if breaker.state is State.CLOSED), held[0][0])

    def __len__(self) -> int:
        return len(self._by_name)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name
