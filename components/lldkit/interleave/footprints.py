"""What one step touches, and whether two steps depend on each other."""

from typing import TYPE_CHECKING

from lldkit.interleave.interface import Access

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["TIME", "Footprint", "Things"]

_GIVES = {"releases", "notifies", "ends"}
_NEEDS = {"acquires", "wakes", "joins"}
_BY_NAME = {"setattr", "delattr", "getattr", "hasattr", "vars"}
_CONTENTS = "contents"  # of lists, dicts and the like: names do not tell one from another
_SOME_WRITTEN = "some attribute is written"
_SOME_READ = "some attribute is read"
TIME = 1
"""The set that holds nothing but the time."""


class Footprint:
    """The things that one step reads and writes: sets, of which each thing is a bit."""

    __slots__ = ("gives", "needs", "reads", "whenever", "writes")

    def __init__(self, *, reads: int = 0, writes: int = 0) -> None:
        self.reads = reads
        self.writes = writes
        self.gives = 0  # what others may be waiting for
        self.needs = 0  # what it cannot happen without
        self.whenever = False  # it may happen as long as others can run: each of their steps may be the last chance

    def add(self, other: "Footprint") -> None:
        """The step also does what `other` does."""
        self.reads |= other.reads
        self.writes |= other.writes
        self.gives |= other.gives
        self.needs |= other.needs
        self.whenever |= other.whenever

    @property
    def reads_time(self) -> bool:
        """Whether it comes out differently when time has passed."""
        return bool(self.reads & TIME)

    def conflicts(self, other: "Footprint") -> bool:
        """Whether the order of the two steps can matter."""
        if self.writes & (other.reads | other.writes) or self.reads & other.writes:
            return True
        return self.whenever or other.whenever

    def conflicting(self, others: "Sequence[Footprint]") -> list[int]:
        """Return which of `others`, by place, this one conflicts with: the heart of the reduction."""
        if self.whenever:
            return list(range(len(others)))
        touched, writes = self.reads | self.writes, self.writes
        return [at for at, one in enumerate(others) if one.writes & touched or one.reads & writes or one.whenever]

    def enables(self, later: "Footprint") -> bool:
        """Whether `later` could not have happened before this step, because it needs what this step gives."""
        return bool(self.gives & later.needs)


class Things:
    """Knows the footprint of every access, and which bit stands for which thing.

    Things are told apart by kind and name; that is coarse, so that more steps seem to depend on each other than do.
    """

    def __init__(self) -> None:
        self.spurious = False  # a wait may end without a cause
        self._bits: dict[object, int] = {"time": TIME}
        self._known: dict[Access, Footprint] = {}

    def touched_by(self, access: Access) -> Footprint:
        """Return the footprint of `access`, which is not to be changed."""
        known = self._known.get(access)
        if known is None:
            known = self._known[access] = self._touched_by(access)
        return known

    def _bit(self, thing: object) -> int:
        return self._bits.setdefault(thing, 1 << len(self._bits))

    def _touched_by(self, access: Access) -> Footprint:
        if access.kind == "lock":
            return self._of_lock(access)
        if access.kind in {"global", "cell"}:
            return self._of(access, (access.kind, access.name))
        if access.kind == "attribute":
            found = self._of(access, ("attribute", access.name))
            found.reads |= self._bit(_SOME_WRITTEN) | (self._bit(_SOME_READ) if access.writes else 0)
            return found
        if access.name in _BY_NAME:
            return Footprint(writes=self._bit(_SOME_READ) | (self._bit(_SOME_WRITTEN) if access.writes else 0))
        if access.name == "the clock" or access.verb == "sleeps":
            return Footprint(reads=TIME)
        return self._of(access, _CONTENTS)

    def _of(self, access: Access, thing: object) -> Footprint:
        bit = self._bit(thing)
        return Footprint(writes=bit) if access.writes else Footprint(reads=bit)

    def _of_lock(self, access: Access) -> Footprint:
        found, lock = self._of(access, ("lock", access.name)), self._bit(("lock", access.name))
        if access.verb in _GIVES:
            found.gives = lock
        elif self.spurious and access.verb.startswith("wakes"):
            found.whenever = True
        elif access.verb in _NEEDS:
            found.needs = lock
        if access.verb.endswith(" in time"):
            found.reads |= TIME
        return found
