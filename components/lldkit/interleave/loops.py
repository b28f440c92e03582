"""Which instructions end a turn of a loop: not everything that jumps back does."""

import dis
from collections.abc import Iterator
from types import CodeType

__all__ = ["loop_ends"]


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
    for one in dis.get_instructions(code):
        if "JUMP_BACKWARD" in one.opname and not one.opname.endswith("NO_INTERRUPT"):
            handler = max((at for at in guarded if one.argval < at < one.offset), default=None)
            if handler is None or one.argval <= guarded[handler]:
                yield one.offset
