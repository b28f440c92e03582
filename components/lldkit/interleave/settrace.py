"""The back end for Python 3.11: `sys.settrace` with an event before every instruction."""

import sys
from types import FrameType
from typing import Any

from lldkit.interleave.tracing import Action, Actions, Scope

__all__ = ["SetTrace"]


class SetTrace:
    """Traces the controlled threads only; the trace functions of all others are never touched."""

    def __init__(self, scope: Scope, actions: Actions) -> None:
        self._scope = scope
        self._actions = actions
        self._tracers: dict[int, Any] = {}
        self._watch = self._call

    def install(self) -> None:
        """Nothing to do: tracing belongs to threads."""

    uninstall = install

    def enter(self) -> None:
        """Trace the calling thread."""
        sys.settrace(self._watch)

    def leave(self) -> None:
        """Stop tracing it."""
        sys.settrace(None)

    def _call(self, frame: FrameType, _event: str, _arg: object) -> Any:
        """A function is entered; return the function that traces its instructions, or `None`."""
        code = frame.f_code
        if not self._scope.covers(frame.f_globals.get("__name__"), code):
            return None
        frame.f_trace_lines = False
        frame.f_trace_opcodes = True
        tracer = self._tracers.get(id(code))
        if tracer is None:
            tracer = self._tracers[id(code)] = _tracer(self._actions.of(code, frame.f_globals))
        jumps = self._actions.if_taken.get(id(code))
        return _with_jumps(tracer, jumps) if jumps else tracer


def _tracer(table: dict[int, Action]) -> Any:
    """Return the function that is called before every instruction of a code object with this table."""

    def trace(frame: FrameType, event: str, _arg: object) -> Any:
        if event == "opcode":
            action = table.get(frame.f_lasti)
            if action is not None:
                action()
        return trace

    return trace


def _with_jumps(tracer: Any, jumps: dict[int, Action]) -> Any:
    """Return `tracer`, for one frame, that also acts on conditional jumps back, once they were taken."""
    last = 0

    def trace(frame: FrameType, event: str, arg: object) -> Any:
        nonlocal last
        if event == "opcode":
            if frame.f_lasti < last and last in jumps:
                jumps[last]()
            last = frame.f_lasti
            tracer(frame, event, arg)
        return trace

    return trace
