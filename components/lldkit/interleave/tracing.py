"""What both back ends share: which modules are watched, and how a point reaches the run."""

import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import CodeType, ModuleType
from typing import Any, Protocol, TypeAlias

from lldkit.interleave import genuine
from lldkit.interleave.checks import Check, checks
from lldkit.interleave.interface import Access, Granularity
from lldkit.interleave.places import of_tools
from lldkit.interleave.points import Point, Tables
from lldkit.interleave.run import Run, current

__all__ = ["Action", "Actions", "BackEnd", "Scope", "back_end"]

Action: TypeAlias = Callable[[], None]

_GENERATED = "<string>"  # methods of dataclasses and named tuples


class Scope:
    """The code whose accesses are switch points: modules, by name, with what lies below a dotted prefix."""

    def __init__(self, include: Iterable[object]) -> None:
        self.names: list[str] = []
        for item in include:
            name = module_of(item)
            if name not in self.names:
                self.names.append(name)
        self._known: dict[object, bool] = {}

    def add(self, item: object) -> None:
        """Take in the module that `item` comes from."""
        name = module_of(item)
        if name not in self.names:
            self.names.append(name)
            self._known.clear()

    def covers(self, module: object, code: CodeType) -> bool:
        """Whether `code`, whose globals call themselves `module`, is watched."""
        known = self._known.get(module)
        if known is None:
            known = self._known[module] = any(_is_below(str(module), name) for name in self.names)
        return known and code.co_filename != _GENERATED and not of_tools(str(module), code)


def _is_below(module: str, prefix: str) -> bool:
    return module == prefix or module.startswith(prefix + ".")


def module_of(item: object) -> str:
    """Return the name of the module that `item`, a module, a dotted name or something callable, stands for."""
    if isinstance(item, str):
        return item
    if isinstance(item, ModuleType):
        return item.__name__
    while hasattr(item, "func"):  # functools.partial
        item = item.func
    name = getattr(item, "__module__", None) or type(item).__module__
    if not isinstance(name, str):
        raise TypeError(f"include takes modules, dotted names and callables, got {item!r}")
    return name


def at_point(point: Point) -> None:
    """The calling thread stands before an access that is a switch point."""
    run = Run.active
    if run is not None and run.ident == genuine.get_ident():
        run.step(point.access, point)


def at_note(access: Access) -> None:
    """The calling thread is about to make an access that is no switch point."""
    run = current()
    if run is not None:
        run.note(access)


def at_check(check: Check) -> None:
    """The calling thread stands where the interpreter may look for a switch."""
    run = current()
    if run is None or run.current.muted:
        return
    task = run.current
    if check.looks is not None and not (check.after_call and task.returned):
        task.returned = False
        run.step(check.looks.access, check.looks)
    task.returned = check.returns


class Actions:
    """What is to be done before which instruction of which code: an offset -> callable table for each code object."""

    def __init__(self, granularity: Granularity, *, noting: bool) -> None:
        self._granularity = granularity
        self._noting = noting  # the strategy wants to know of accesses that are no switch points, too
        self._tables = Tables()
        self.if_taken: dict[int, dict[int, Action]] = {}  # by `id` of the code: what to do when a jump was taken

    @property
    def any(self) -> bool:
        """Whether there is anything to do at all."""
        return self._granularity is not Granularity.SYNC or self._noting

    @staticmethod
    def _of_point(point: Point) -> Action:
        return partial(at_note, point.access) if point.silent else partial(at_point, point)

    def of(self, code: CodeType, globals_: Mapping[str, Any]) -> dict[int, Action]:
        """Return the table of `code`, whose functions look up `globals_`."""
        points = self._tables.make(code, globals_)
        if self._granularity is Granularity.FREE:
            return {
                offset: self._of_point(point) for offset, point in points.items() if self._noting or not point.silent
            }
        notes = {offset: partial(at_note, point.access) for offset, point in points.items()} if self._noting else {}
        if self._granularity is Granularity.SYNC:
            return dict(notes)
        found = checks(code)
        actions: dict[int, Action] = {at: partial(at_check, check) for at, check in found if not check.if_taken}
        self.if_taken[id(code)] = {at: partial(at_check, check) for at, check in found if check.if_taken}
        for offset, note in notes.items():
            actions[offset] = partial(_both, actions[offset], note) if offset in actions else note
        return actions


def _both(first: Action, second: Action) -> None:
    first()
    second()


class BackEnd(Protocol):
    """Watches the threads of a run and calls `at_point` before every access of code in its scope."""

    def install(self) -> None:
        """Begin; `uninstall` must follow."""
        ...

    def uninstall(self) -> None:
        """Leave the interpreter as it was."""
        ...

    def enter(self) -> None:
        """The calling thread begins a job."""
        ...

    def leave(self) -> None:
        """The calling thread has ended its job."""
        ...


class Unwatched:
    """The back end where only primitives are switch points, and they report themselves."""

    def install(self) -> None:
        """Nothing to do."""

    uninstall = enter = leave = install


def back_end(scope: Scope, actions: Actions) -> BackEnd:
    """Return the back end that this Python offers."""
    if not actions.any:
        return Unwatched()
    if sys.version_info >= (3, 12):
        from lldkit.interleave.monitoring import Monitoring

        return Monitoring(scope, actions)
    from lldkit.interleave.settrace import SetTrace

    return SetTrace(scope, actions)
