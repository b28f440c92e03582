"""The back end for Python 3.12 and newer: `sys.monitoring` with an event before every access.

The interpreter asks once per instruction and code object; an instruction that is no point is disabled there and then,
so that only accesses cost anything. What is disabled stays so until events are restarted, as every installation does.
"""

import sys
from types import CodeType
from typing import Any

from lldkit.interleave.interface import Uncontrolled
from lldkit.interleave.tracing import Action, Actions, Scope

__all__ = ["Monitoring"]

_TOOL_IDS = (4, 3, 2, 5)  # those that debuggers and coverage leave alone come first


class Monitoring:
    """Watches all threads of the process while installed; the run ignores those that are not its own."""

    def __init__(self, scope: Scope, actions: Actions) -> None:
        self._scope = scope
        self._actions = actions
        self._by_id: dict[int, dict[int, Action]] = {}
        self._watched: list[CodeType] = []  # not a set: two functions of one source have equal code objects
        self._tool = -1

    def install(self) -> None:
        """Take a tool id and watch functions begin."""
        monitoring: Any = sys.monitoring  # type: ignore[attr-defined]
        free = [tool for tool in _TOOL_IDS if monitoring.get_tool(tool) is None]
        if not free:
            raise Uncontrolled("no tool id of sys.monitoring is free", "this process", "end a profiler or debugger")
        self._tool = free[0]
        monitoring.use_tool_id(self._tool, "lldkit.interleave")
        events = monitoring.events
        monitoring.register_callback(self._tool, events.PY_START, self._start)
        monitoring.register_callback(self._tool, events.INSTRUCTION, self._instruction_callback())
        monitoring.restart_events()
        monitoring.set_events(self._tool, events.PY_START)

    def uninstall(self) -> None:
        """Give everything back."""
        monitoring: Any = sys.monitoring  # type: ignore[attr-defined]
        monitoring.set_events(self._tool, 0)
        for code in self._watched:
            monitoring.set_local_events(self._tool, code, 0)
        monitoring.register_callback(self._tool, monitoring.events.PY_START, None)
        monitoring.register_callback(self._tool, monitoring.events.INSTRUCTION, None)
        monitoring.free_tool_id(self._tool)

    def enter(self) -> None:
        """Nothing to do: events come from all threads."""

    leave = enter

    def _start(self, code: CodeType, _offset: int) -> Any:
        """A function is entered for the first time: watch it, or never look at it again."""
        monitoring: Any = sys.monitoring  # type: ignore[attr-defined]
        globals_ = sys._getframe(1).f_globals  # noqa: SLF001 - the frame that the event is about
        if id(code) not in self._by_id and self._scope.covers(globals_.get("__name__"), code):
            self._by_id[id(code)] = self._actions.of(code, globals_)
            self._watched.append(code)
            monitoring.set_local_events(self._tool, code, monitoring.events.INSTRUCTION)
        return monitoring.DISABLE

    def _instruction_callback(self) -> Any:
        by_id = self._by_id
        disable = sys.monitoring.DISABLE  # type: ignore[attr-defined]

        def instruction(code: CodeType, offset: int) -> Any:
            action = by_id[id(code)].get(offset)
            if action is None:
                return disable
            action()
            return None

        return instruction
