"""A dataclass as a plan of how to build it, made once: fields, their kinds, checks and defaults. Pure."""

import dataclasses
import types
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from lldkit.config.checks import Between, Check, Length, Matches, NonFinite, OneOf
from lldkit.config.coerce import Reader, literal_reader, reader_of
from lldkit.config.interface import MISSING, KeyPath
from lldkit.config.secret import Secret

__all__ = [
    "Field",
    "Free",
    "Hidden",
    "Many",
    "Options",
    "Plan",
    "Scalar",
    "Section",
    "Table",
    "hides",
    "leaves",
    "plan_at",
    "section_of",
]

CHECKS = (Between, Length, Matches, NonFinite, OneOf)


@dataclass(frozen=True, slots=True, eq=False)
class Scalar:
    """One value; `keeps_blanks` where they mean something."""

    read: Reader
    keeps_blanks: bool = False
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Many:
    """A list, a set or a tuple; `items` has one plan for all, or with `fixed` one for each place."""

    items: tuple["Plan", ...]
    make: type
    fixed: bool = False
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A dict from text to what `item` says."""

    item: "Plan"
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Options:
    """The first of `options` that fits; with `optional` also None."""

    options: tuple["Plan", ...]
    optional: bool
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Hidden:
    """A secret."""

    inner: "Plan"
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Free:
    """Anything: the document as it is, for who builds and checks it elsewhere."""

    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """A field of a section."""

    plan: "Plan"
    default: object = MISSING
    factory: Any = None

    def fallback(self) -> object:
        """Its default, or `MISSING`."""
        return frozen_default(self.default if self.factory is None else self.factory())


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """A dataclass."""

    make: Any
    fields: Mapping[str, Field]
    checks: tuple[Check, ...] = ()


Plan: TypeAlias = Scalar | Many | Table | Options | Hidden | Free | Section


def section_of(schema: Any) -> Section:
    """The plan of a frozen dataclass; `TypeError` names the field that cannot be configured."""
    if not (isinstance(schema, type) and dataclasses.is_dataclass(schema)):
        raise TypeError(f"schema must be a frozen dataclass, got {schema!r}")
    try:
        return _section(schema)
    except RecursionError:
        raise TypeError(f"{schema.__qualname__} contains itself; a section must have an end") from None


@lru_cache(maxsize=256)
def _section(schema: Any) -> Section:
    if not schema.__dataclass_params__.frozen:
        raise TypeError(f"{schema.__qualname__} must be frozen: @dataclass(frozen=True)")
    hints = get_type_hints(schema, include_extras=True)
    fields = {}
    for field in dataclasses.fields(schema):
        if field.init:
            default = MISSING if field.default is dataclasses.MISSING else field.default
            factory = None if field.default_factory is dataclasses.MISSING else field.default_factory
            plan = plan_of(hints[field.name], f"{schema.__qualname__}.{field.name}")
            fields[field.name] = Field(plan, default, factory)
    return Section(schema, MappingProxyType(fields))


def plan_of(hint: Any, where: str) -> Plan:  # noqa: PLR0911 - a case for each kind of annotation
    """The plan of an annotation; `where` names the field in a `TypeError`."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        checks = tuple(each for each in arguments[1:] if isinstance(each, CHECKS))
        plan = plan_of(arguments[0], where)
        return dataclasses.replace(plan, checks=(*plan.checks, *checks)) if checks else plan
    if origin is Literal:
        return Scalar(literal_reader(arguments))
    if origin is Secret:
        return Hidden(plan_of(arguments[0], where))
    if origin in (Union, types.UnionType):
        kinds = [each for each in arguments if each is not types.NoneType]
        options = tuple(plan_of(each, where) for each in kinds)
        if len(options) > 1 and any(isinstance(each, Section | Table) for each in options):
            raise TypeError(f"{where}: a union of sections cannot be told apart; give it one section, or None")
        return Options(options, optional=len(kinds) < len(arguments))
    if origin in (list, set, frozenset, tuple) or (origin is dict and arguments[:1] == (str,)):
        return _collection(origin, arguments, where)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _section(hint)
    reader = reader_of(hint)
    if reader is None:
        raise TypeError(f"{where} has the type {hint!r}, which cannot be configured; see the list in the document")
    return Scalar(reader, keeps_blanks=hint in (str, bytes))


def _collection(origin: Any, arguments: tuple[Any, ...], where: str) -> Plan:
    if origin is dict:
        return Table(plan_of(arguments[1], where))
    make = frozenset if origin in (set, frozenset) else tuple
    if origin is tuple and arguments[-1:] != (...,):
        return Many(tuple(plan_of(each, where) for each in arguments), tuple, fixed=True)
    return Many((plan_of(arguments[0], where),), make)


def frozen_default(value: Any) -> Any:
    """A default that nobody can change: lists as tuples, sets as frozensets, dicts read-only."""
    if isinstance(value, list):
        return tuple(map(frozen_default, value))
    if isinstance(value, set):
        return frozenset(value)
    if isinstance(value, dict):
        return MappingProxyType({key: frozen_default(each) for key, each in value.items()})
    return value


def plan_at(plan: Plan | None, path: KeyPath) -> Plan | None:
    """The plan of what is at `path`; None where there can be nothing."""
    for key in path:
        plan = _step(plan, key)
    return plan


def _step(plan: Plan | None, key: str | int) -> Plan | None:
    if isinstance(plan, Options) and plan.options:
        return _step(plan.options[0], key)
    if isinstance(plan, Section):
        field = plan.fields.get(str(key))
        return field.plan if field else None
    if isinstance(plan, Table):
        return plan.item
    return plan if isinstance(plan, Free) else None


def leaves(plan: Plan, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The paths of all keys that a schema names; a dict counts as one."""
    if isinstance(plan, Options) and len(plan.options) == 1:
        plan = plan.options[0]
    if not isinstance(plan, Section):
        return [path]
    return [leaf for name, field in plan.fields.items() for leaf in leaves(field.plan, (*path, name))]


def hides(plan: Plan | None) -> bool:
    """Whether there is a secret in what a plan builds, so that the raw value must not be shown."""
    if isinstance(plan, Hidden):
        return True
    if isinstance(plan, Many):
        return any(map(hides, plan.items))
    if isinstance(plan, Options):
        return any(map(hides, plan.options))
    if isinstance(plan, Section):
        return any(hides(field.plan) for field in plan.fields.values())
    return isinstance(plan, Table) and hides(plan.item)
