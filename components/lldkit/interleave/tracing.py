"""What both back ends share: which modules are watched, and how a point reaches the run."""

import sys
from collections.abc import Iterable
from types import CodeType, ModuleType
from typing import Protocol

from lldkit.interleave import genuine
from lldkit.interleave.interface import Granularity
from lldkit.interleave.places import of_tools
from lldkit.interleave.points import Point, Tables
from lldkit.interleave.run import Run

__all__ = ["BackEnd", "Scope", "at_point", "back_end", "module_of"]

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
    """The calling thread stands before `point`."""
    run = Run.active
    if run is not None and run.ident == genuine.get_ident():
        run.step(point.access, point)


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
    """The back end of `sync`: only primitives are switch points, and they report themselves."""

    def install(self) -> None:
        """Nothing to do."""

    uninstall = enter = leave = install


def back_end(scope: Scope, granularity: Granularity) -> BackEnd:
    """Return the back end that this Python offers."""
    if granularity is Granularity.SYNC:
        return Unwatched()
    if sys.version_info >= (3, 12):
        from lldkit.interleave.monitoring import Monitoring

        return Monitoring(scope, Tables())
    from lldkit.interleave.settrace import SetTrace

    return SetTrace(scope, Tables())
