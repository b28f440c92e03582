"""Where an interpreter with a GIL looks whether another thread wants to run: the switch points of `gil`.

It looks when a function is entered, when a loop jumps back, and when a call of something written in C has returned;
never between two other instructions. So `c.v += 1` is one step, and `c.v = f(c.v)` is not.
"""

import dis
from collections.abc import Iterator
from types import CodeType
from typing import NamedTuple

from lldkit.interleave.bytecode import instructions, loop_ends, once_per_code
from lldkit.interleave.cells import INLINED
from lldkit.interleave.interface import Access
from lldkit.interleave.points import CALLS, NO_INSTRUCTIONS, Point

__all__ = ["Check", "checks"]

_RETURNS = frozenset({"RETURN_VALUE", "RETURN_CONST"})
_NO_CALL = {"GET_ITER", "super"}  # what follows is a comprehension, or has no call of its own from 3.12 on
_AFTER_YIELD = 1  # a RESUME with a larger argument follows `yield from` or `await`, and looks for nothing


class Check(NamedTuple):
    """What happens at an instruction."""

    looks: Point | None
    """The interpreter looks before it..."""
    after_call: bool
    """...if the call that just ended was none of a watched function, for which it looked at the entry already."""
    returns: bool
    """It ends the function."""
    if_taken: bool
    """It is a conditional jump back (3.11), and the interpreter looks only if it jumps."""


@once_per_code
def checks(code: CodeType) -> tuple[tuple[int, Check], ...]:
    """Return what happens at which offset of `code`; a conditional jump back may be two things."""
    return tuple(_checks(code))


def _checks(code: CodeType) -> Iterator[tuple[int, Check]]:
    inlined = code.co_name in INLINED
    ends = loop_ends(code)
    before, called, start = "", False, None
    for one in instructions(code):
        if one.opname in NO_INSTRUCTIONS:
            continue
        if one.opname == "EXTENDED_ARG":
            start = one.offset if start is None else start
            continue
        at = one.offset if start is None else start
        entered = before == "RESUME" and not inlined
        returns = one.opname in _RETURNS and not inlined
        verb = "is back from a call" if called else "enters" if entered else ""
        if verb or returns:
            name = code.co_qualname.rsplit(">.", 1)[-1] if entered else ""
            yield at, Check(_point(code, one, name, verb) if verb else None, called, returns, if_taken=False)
        if one.offset in ends:
            yield (
                at,
                Check(_point(code, one, "", "loops"), after_call=False, returns=False, if_taken="_IF_" in one.opname),
            )
        if one.opname == "RESUME" and (one.arg or 0) & 3 > _AFTER_YIELD:
            continue
        called = one.opname in CALLS and before not in _NO_CALL
        before, start = "super" if one.argval == "super" else one.opname, None


def _point(code: CodeType, one: dis.Instruction, name: str, verb: str) -> Point:
    line = (one.positions.lineno if one.positions else None) or code.co_firstlineno
    return Point(Access("call", name, writes=True, verb=verb), code.co_filename, line)
