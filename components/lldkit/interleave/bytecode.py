"""What the instructions of a code object are, and which of them end a turn of a loop: not all that jump back do."""

import dis
from collections.abc import Callable, Iterator
from types import CodeType
from typing import TypeVar

__all__ = ["instructions", "loop_ends", "once_per_code"]

T = TypeVar("T")

_MOST = 2_000


def once_per_code(read: Callable[[CodeType], T]) -> Callable[[CodeType], T]:
    """Let `read` look at each code object once, since reading bytecode takes longer than a run.

    The objects are told apart by `id`: two functions of one source are equal, but hold different functions inside.
    """
    known: dict[int, tuple[CodeType, T]] = {}

    def reads(code: CodeType) -> T:
        found = known.get(id(code))
        if found is None:
            if len(known) >= _MOST:
                known.clear()
            found = known[id(code)] = code, read(code)
        return found[1]

    return reads


@once_per_code
def instructions(code: CodeType) -> tuple[dis.Instruction, ...]:
    """Return the instructions of `code` in their order."""
    return tuple(dis.get_instructions(code))


@once_per_code
def loop_ends(code: CodeType) -> frozenset[int]:
    """Return the offsets of the jumps that lead back to the head of a loop, in `code`.

    Handlers of exceptions lie behind everything else, and Python 3.12 leaves them, for what follows the `try`, by the
    same instruction that ends a turn of a loop; other versions have instructions of their own for that.
    """
    return frozenset(_loop_ends(code))


def _loop_ends(code: CodeType) -> Iterator[int]:
    guarded: dict[int, int] = {}  # handler -> where the code begins that it is for
    for entry in dis.Bytecode(code).exception_entries:  # type: ignore[attr-defined]  # its type knows nothing of it
        guarded[entry.target] = min(entry.start, guarded.get(entry.target, entry.start))
    for one in instructions(code):
        if "JUMP_BACKWARD" in one.opname and not one.opname.endswith("NO_INTERRUPT"):
            handler = max((at for at in guarded if one.argval < at < one.offset), default=None)
            if handler is None or one.argval <= guarded[handler]:
                yield one.offset
