"""From bytecode to accesses: which instructions of a function touch what threads can share.

Every code object gets a table, made once: offset of an instruction -> the point it is. Steps are counted by these
points and not by instructions, so that a schedule recorded on one Python replays on another; the oddities of single
versions end here. Nothing but local variables and arithmetic lies between two points.

A call is a point where its name says that it looks into a built-in container (`append`, `len`, `heappush`, ...): such a
call is one step, as it is in C. Calls of functions in Python are none; what they touch is.
"""

import builtins
import dis
import sys
from collections.abc import Iterator, Mapping
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

from lldkit.interleave import cells
from lldkit.interleave.bytecode import instructions, loop_ends
from lldkit.interleave.interface import Access

__all__ = ["CALLS", "NO_INSTRUCTIONS", "Point", "Tables"]

_READING_METHODS = (
    "copy count difference get index intersection isdisjoint issubset issuperset items keys most_common "
    "symmetric_difference union values"
)
_WRITING_METHODS = (
    "add append appendleft clear difference_update discard extend extendleft insert intersection_update move_to_end "
    "pop popitem popleft remove reverse rotate setdefault sort subtract symmetric_difference_update update "
    "__delitem__ __setitem__"
)
_READING_FUNCTIONS = (
    "all any bisect bisect_left bisect_right dict frozenset getattr hasattr len list max min nlargest nsmallest "
    "reversed set sorted sum tuple vars"
)
_WRITING_FUNCTIONS = (
    "delattr heapify heappop heappush heappushpop heapreplace insort insort_left insort_right next setattr"
)
_MAKERS = frozenset({"dict", "frozenset", "list", "set", "tuple"})  # without arguments they look at nothing
_METHOD = "."  # before the name of a method
_CALLED: dict[str | None, bool] = {  # name -> whether it writes
    **{_METHOD + name: False for name in _READING_METHODS.split()},
    **{_METHOD + name: True for name in _WRITING_METHODS.split()},
    **dict.fromkeys(_READING_FUNCTIONS.split(), False),
    **dict.fromkeys(_WRITING_FUNCTIONS.split(), True),
}
_ATTRIBUTES = {"LOAD_ATTR": False, "LOAD_SUPER_ATTR": False, "STORE_ATTR": True, "DELETE_ATTR": True}
_CELLS = {"LOAD_DEREF": False, "STORE_DEREF": True, "DELETE_DEREF": True}
_GLOBALS = {"STORE_GLOBAL": True, "DELETE_GLOBAL": True}
_ITEMS = {
    **dict.fromkeys(("BINARY_SUBSCR", "BINARY_SLICE", "CONTAINS_OP", "FOR_ITER"), False),
    **dict.fromkeys(("STORE_SUBSCR", "STORE_SLICE", "DELETE_SUBSCR"), True),
}
_COMPREHENSIONS = cells.INLINED | {"<genexpr>"}
NO_INSTRUCTIONS = frozenset({"CACHE", "PRECALL"})
_TESTS = ("POP_JUMP", "UNARY_NOT", "TO_BOOL", "JUMP_IF")
_LOADS = frozenset({"LOAD_ATTR", "LOAD_DEREF", "LOAD_FAST", "LOAD_GLOBAL", "BINARY_SUBSCR"})
_CONSTANTS = frozenset({"LOAD_CONST", "LOAD_SMALL_INT"})
_WALKS = frozenset({"CALL_FUNCTION_EX", "DICT_MERGE", "DICT_UPDATE", "LIST_EXTEND", "SET_UPDATE", "UNPACK_SEQUENCE"})
_SPINS = Access("call", "", writes=False, verb="spins")
CALLS = frozenset({"CALL", "CALL_KW", "CALL_FUNCTION_EX"})
_NOT_DATA = (ModuleType, type, FunctionType, BuiltinFunctionType, MethodType)


class Point(NamedTuple):
    """An instruction that touches what threads can share."""

    access: Access
    file: str
    line: int
    silent: bool = False
    """It follows the point that loaded the object, and is one step with it."""


class Tables:
    """The tables of all code objects seen so far, by `id`: two functions of one source are equal, but not the same."""

    def __init__(self) -> None:
        self._tables: dict[int, dict[int, Point]] = {}
        self._keep: list[CodeType] = []  # so that no id is used twice

    def get(self, code: CodeType) -> dict[int, Point] | None:
        """Return the table of `code` if it was made."""
        return self._tables.get(id(code))

    def make(self, code: CodeType, globals_: Mapping[str, Any]) -> dict[int, Point]:
        """Return the table of `code`, whose functions look up `globals_`."""
        found = self._tables.get(id(code))
        return self._make(code, globals_, frozenset(), counted=False) if found is None else found

    def _make(
        self, code: CodeType, globals_: Mapping[str, Any], plain: frozenset[str], *, counted: bool
    ) -> dict[int, Point]:
        """`plain`: cells whose uses are no accesses; `counted`: its argument is a `range`."""
        plain |= cells.local(code) | cells.constant(code, globals_)
        reader = _Reader(code, globals_, plain | {"__class__"}, counted=counted)
        table = dict(reader.points())
        self._keep.append(code)
        self._tables[id(code)] = table
        for nested, over_range in reader.comprehensions:
            inlined = nested.co_name in cells.INLINED
            self._make(nested, globals_, plain if inlined else frozenset(), counted=over_range)
        return table


class _Reader:
    """Reads one code object from its first instruction to its last."""

    def __init__(self, code: CodeType, globals_: Mapping[str, Any], plain: frozenset[str], *, counted: bool) -> None:
        self.comprehensions: list[tuple[CodeType, bool]] = []  # and generator expressions; True: over a range
        self._code = code
        self._globals = globals_
        self._plain = plain
        self._counted = counted  # the next loop counts: nobody can change a range
        self._called: list[str | None] = []  # names of the calls whose arguments are being evaluated
        self._waiting: list[CodeType] = []  # comprehensions whose first iterable is being evaluated
        self._range = False  # `range` was loaded
        self._before = self._last_global = ""
        self._next: list[str] = []
        self._of_module: str | None = None  # the function that was last looked up in a module

    def points(self) -> Iterator[tuple[int, Point]]:
        """Yield the offset and the point of every instruction that is one."""
        found: set[int] = set()
        read = [one for one in instructions(self._code) if one.opname not in NO_INSTRUCTIONS]
        start: int | None = None
        for index, instruction in enumerate(read):
            if instruction.opname == "EXTENDED_ARG":  # the back ends stop at the first prefix of an instruction
                start = instruction.offset if start is None else start
                continue
            self._next = [one.opname for one in read[index + 1 : index + 3]]
            access = self._access(instruction)
            silent = None if access is not None else self._silent(instruction)
            offset = instruction.offset if start is None else start
            if access is not None:
                found.add(offset)
                yield offset, self._point(access, instruction)
            elif silent is not None:
                yield offset, self._point(silent, instruction)._replace(silent=True)
            start, self._before = None, instruction.opname
        yield from self._idle_loops(read, found)

    def _idle_loops(self, read: list[dis.Instruction], points: set[int]) -> Iterator[tuple[int, Point]]:
        """Yield a point at the head of each `while` without points and calls: it may spin until another thread acts."""
        ops, ends = {one.offset: one.opname for one in read}, loop_ends(self._code)
        for jump in read:
            if jump.offset not in ends:
                continue
            inside = [ops[offset] for offset in ops if jump.argval <= offset <= jump.offset]
            if inside[0] == "FOR_ITER" or not CALLS.isdisjoint(inside):
                continue
            if not any(jump.argval <= offset <= jump.offset for offset in points):
                yield jump.argval, self._point(_SPINS, jump)

    def _point(self, access: Access, instruction: dis.Instruction) -> Point:
        positions = instruction.positions
        line = (positions.lineno if positions is not None else None) or self._code.co_firstlineno
        return Point(access, self._code.co_filename, line)

    def _access(self, one: dis.Instruction) -> Access | None:
        name, op, arg = str(one.argval), one.opname, one.arg or 0
        access = None
        if op in _ATTRIBUTES:
            access = self._attribute(op, name, arg)
        elif op in _CELLS:
            access = self._cell(op, name)
        elif op in _GLOBALS:
            access = Access("global", name, _GLOBALS[op])
        elif op in _ITEMS or (op == "BINARY_OP" and one.argrepr == "[]"):
            access = self._item(op)
        elif op in CALLS:
            access = self._call(arg)
        elif op == "LOAD_GLOBAL":
            access = self._global(name, arg)
        else:
            self._note(one)
        return access

    def _note(self, instruction: dis.Instruction) -> None:
        """Keep in mind what the next access will need to know."""
        op = instruction.opname
        if op == "LOAD_METHOD":
            self._called.append(_METHOD + str(instruction.argval))
        elif op == "PUSH_NULL":  # before the function up to 3.12, after it from 3.13 on
            self._called.append(self._of_module if self._before == "LOAD_ATTR" else None)
        elif op == "GET_ITER":
            self._counted = self._range and self._before in CALLS
            self._range = False
            if self._waiting:
                self.comprehensions.append((self._waiting.pop(), self._counted))
                self._counted = False
        elif op == "LOAD_CONST" and getattr(instruction.argval, "co_name", None) in _COMPREHENSIONS:
            self._waiting.append(instruction.argval)

    def _silent(self, one: dis.Instruction) -> Access | None:
        """Return how an instruction looks into the containers that were just loaded, where no switch lies between."""
        op = one.opname
        if op == "BINARY_OP" and one.argrepr.endswith("=") and self._before not in _CONSTANTS:
            return Access("item", "", writes=True)  # `+=` may extend a list
        compares = op == "COMPARE_OP" and self._before not in _CONSTANTS
        tests = op.startswith(_TESTS) and self._before in _LOADS
        return Access("item", "", writes=False) if compares or tests or op in _WALKS else None

    def _attribute(self, op: str, name: str, arg: int) -> Access | None:
        if arg & 1 and (op == "LOAD_SUPER_ATTR" or (op == "LOAD_ATTR" and _METHODS_ARE_ATTRIBUTES)):
            self._called.append(_METHOD + name)  # what the method does counts, not that it is looked up
            return None
        module = self._globals.get(self._last_global) if self._before == "LOAD_GLOBAL" else None
        self._of_module = None
        if isinstance(module, ModuleType) and isinstance(getattr(module, name, None), _NOT_DATA):
            self._of_module = name
            if self._called and self._called[-1] in {None, self._last_global}:
                self._called[-1] = name
            return None
        return Access("attribute", name, _ATTRIBUTES[op])

    def _cell(self, op: str, name: str) -> Access | None:
        if name not in self._plain:
            return Access("cell", name, _CELLS[op])
        following = [one for one in self._next if one != "COPY"][:1]
        tested = op == "LOAD_DEREF" and any(one.startswith(_TESTS) for one in following)  # `if items:` looks into it
        return Access("item", "", writes=False) if tested else None

    def _global(self, name: str, arg: int) -> Access | None:
        self._last_global = name
        self._range = self._range or name == "range"
        if arg & 1:
            self._called.append(name)
        value = self._globals.get(name, getattr(builtins, name, self))
        return None if isinstance(value, _NOT_DATA) else Access("global", name, writes=False)

    def _item(self, op: str) -> Access | None:
        if op == "FOR_ITER" and self._counted:
            self._counted = False
            return None
        return Access("item", "", _ITEMS.get(op, False))

    def _call(self, arguments: int) -> Access | None:
        if self._before == "GET_ITER" or not self._called:  # a comprehension, a decorator, the end of a `with`
            return None
        name = self._called.pop()
        if name not in _CALLED or (name in _MAKERS and arguments == 0):
            return None
        return Access("call", str(name).removeprefix(_METHOD), _CALLED[name], "calls")


_METHODS_ARE_ATTRIBUTES = sys.version_info >= (3, 12)
