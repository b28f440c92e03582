"""What one step touches, and whether two steps depend on each other."""

from lldkit.interleave.interface import CLOCK, Access

__all__ = ["Footprint"]

_GIVES = {"releases", "notifies", "ends"}
_NEEDS = {"acquires", "wakes", "joins"}
_BY_NAME = {"setattr", "delattr", "getattr", "hasattr", "vars"}
_TIME = "time"
_CONTENTS = "contents"  # of lists, dicts and the like: names do not tell one from another
_SOME_WRITTEN = "some attribute is written"
_SOME_READ = "some attribute is read"


class Footprint:
    """The things that one step reads and writes.

    Things are told apart by kind and name; that is coarse, so that more steps seem to depend on each other than do.
    """

    def __init__(self, thread: int, access: Access | None, *, spurious: bool = False) -> None:
        self.reads: set[object] = set()
        self.writes: set[object] = set()
        self.gives: set[object] = set()  # what others may be waiting for
        self.needs: set[object] = set()  # what it cannot happen without
        self.whenever = False  # it may happen as long as others can run: each of their steps may be the last chance
        self._spurious = spurious  # a wait may end without a cause
        if thread == CLOCK:
            self.writes.add(_TIME)
        elif access is not None:
            self.add(access)

    def add(self, access: Access) -> None:
        """The step makes `access`."""
        touched = self.writes if access.writes else self.reads
        if access.kind == "lock":
            self._add_lock(access)
        elif access.kind in {"global", "cell"}:
            touched.add((access.kind, access.name))
        elif access.kind == "attribute":
            touched.add(("attribute", access.name))
            self.reads.add(_SOME_WRITTEN)
            if access.writes:
                self.reads.add(_SOME_READ)
        elif access.name in _BY_NAME:
            self.writes.update((_SOME_WRITTEN, _SOME_READ) if access.writes else (_SOME_READ,))
        elif access.name == "the clock" or access.verb == "sleeps":
            self.reads.add(_TIME)
        else:
            touched.add(_CONTENTS)

    def _add_lock(self, access: Access) -> None:
        key = ("lock", access.name)
        (self.writes if access.writes else self.reads).add(key)
        if access.verb in _GIVES:
            self.gives.add(key)
        elif self._spurious and access.verb.startswith("wakes"):
            self.whenever = True
        elif access.verb in _NEEDS:
            self.needs.add(key)
        if access.verb.endswith(" in time"):
            self.reads.add(_TIME)

    @property
    def reads_time(self) -> bool:
        """Whether it comes out differently when time has passed."""
        return _TIME in self.reads

    def conflicts(self, other: "Footprint") -> bool:
        """Whether the order of the two steps can matter."""
        return (self.whenever or other.whenever) or not (
            self.writes.isdisjoint(other.writes)
            and self.writes.isdisjoint(other.reads)
            and self.reads.isdisjoint(other.writes)
        )

    def enables(self, later: "Footprint") -> bool:
        """Whether `later` could not have happened before this step, because it needs what this step gives."""
        return not self.gives.isdisjoint(later.needs)
