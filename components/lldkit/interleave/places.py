"""Whose code is whose: a frame belongs to the program, to the standard library, or to these tools."""

import sys
from pathlib import Path
from types import CodeType, FrameType

__all__ = ["is_user_code", "of_tools", "user_place"]

_TOOLS = str(Path(__file__).parent)
_PROGRAMS = str(Path(__file__).with_name("demo.py"))
_HELPERS = frozenset({"hypothesis", "pytest", "_pytest", "pluggy"})


def of_tools(module: str, code: CodeType) -> bool:
    """Whether `code`, in `module`, is no part of any program: standard library, test tools, or this package."""
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names or top in _HELPERS:
        return True
    return code.co_filename.startswith(_TOOLS) and code.co_filename != _PROGRAMS


def is_user_code(frame: FrameType) -> bool:
    """Whether `frame` runs code of the program."""
    return not of_tools(str(frame.f_globals.get("__name__", "")), frame.f_code)


def user_place(frame: FrameType | None) -> str:
    """Return the innermost `module, file:line` that is neither of these tools nor of the standard library."""
    while frame is not None and not is_user_code(frame):
        frame = frame.f_back
    if frame is None:
        return "unknown place"
    file = frame.f_code.co_filename.rsplit("/", 1)[-1]
    return f"module {frame.f_globals.get('__name__')}, {file}:{frame.f_lineno}"
