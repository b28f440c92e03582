"""Interleavings: read them."""

from collections.abc import Sequence
from itertools import pairwise


class Lab:
    """Everything about interleavings."""

    def preemptions(self, timeline: Sequence[str]) -> list[int]:
        """The steps after which a thread was interrupted."""
        threads = [line.split()[0] for line in timeline]
        return [step for step, (one, other) in enumerate(pairwise(threads)) if one != other]

    def fatal(self, timeline: Sequence[str]) -> int | None:
        """The preemption that lost an update."""
        steps = [line.split() for line in timeline]
        for write, (thread, verb, name) in enumerate(steps):
            mine = [step for step in range(write) if steps[step][0] == thread and steps[step][2] == name]
            if verb == "writes" and mine and steps[mine[-1]][1] == "reads":
                between = [step for step in range(mine[-1], write) if steps[step][1:] == ["writes", name]]
                if between:
                    return max(step for step in range(between[0]) if steps[step][0] == thread)
        return None
