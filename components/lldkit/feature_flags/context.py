"""Whom a flag is evaluated for: a targeting key and attributes, copied once and never changed."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NoReturn

from lldkit.feature_flags.interface import JsonValue

__all__ = ["EMPTY", "LISTS", "MAPPINGS", "SCALARS", "Context", "plain"]

DEEPEST = 64

MAPPINGS, LISTS, SCALARS = (dict, MappingProxyType), (list, tuple), (str, int, float)
"""What documents and contexts are made of; to ask for these is much faster than for a `Mapping` or a union."""


class Context:
    """A targeting key and attributes, both optional. Safe for threads, because it cannot change.

    `fields` has the attributes and, as `targeting_key`, the targeting key: what clauses look at. Values are JSON,
    copied deep: mappings become read-only, lists become tuples. TypeError for anything else, ValueError below 64
    levels.

    >>> Context("user-42", country="SE").merged(Context(country="FI"))
    Context('user-42', country='FI')
    """

    __slots__ = ("__weakref__", "attributes", "fields", "targeting_key")

    targeting_key: str | None
    attributes: Mapping[str, Any]
    fields: Mapping[str, Any]

    def __init__(
        self, targeting_key: str | None = None, /, attributes: Mapping[str, JsonValue] | None = None, **more: JsonValue
    ) -> None:
        if targeting_key is not None and not isinstance(targeting_key, str):
            raise TypeError(f"targeting_key must be a str or None, got {targeting_key!r}")
        given: Mapping[str, object] = more if attributes is None else {**attributes, **more}
        _fill(self, targeting_key, {name: _copied(value, name) for name, value in given.items()})

    def merged(self, other: "Context") -> "Context":
        """Both together; where both say something `other` wins."""
        both = Context.__new__(Context)
        key = self.targeting_key if other.targeting_key is None else other.targeting_key
        _fill(both, key, {**self.attributes, **other.attributes})
        return both

    def find(self, path: tuple[str, ...]) -> Any:
        """The value at a path into nested attributes; None where there is none, or null."""
        value: Any = self.fields
        for name in path:
            if not isinstance(value, MAPPINGS):
                return None
            value = value.get(name)
        return value

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a Context cannot change; merge it with Context({name}=...) instead")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a Context cannot change; {name} stays")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Context):
            return NotImplemented
        return (self.targeting_key, self.attributes) == (other.targeting_key, other.attributes)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[object, ...]:
        return Context, (self.targeting_key, plain(self.attributes))

    def __repr__(self) -> str:
        key = [] if self.targeting_key is None else [repr(self.targeting_key)]
        return f"Context({', '.join([*key, *(f'{name}={plain(value)!r}' for name, value in self.attributes.items())])})"


def _fill(context: Context, targeting_key: str | None, attributes: dict[str, Any]) -> None:
    put = object.__setattr__
    put(context, "targeting_key", targeting_key)
    put(context, "attributes", MappingProxyType(attributes))
    put(context, "fields", attributes if targeting_key is None else {**attributes, "targeting_key": targeting_key})


def _copied(value: object, name: str, depth: int = 0) -> Any:
    kind = type(value)
    if value is None or kind is str or kind is int or kind is bool or kind is float:
        return value
    if depth > DEEPEST:
        raise ValueError(f"attribute {name!r} is nested deeper than {DEEPEST} levels")
    if isinstance(value, Mapping):
        return MappingProxyType({_text(key, name): _copied(each, name, depth + 1) for key, each in value.items()})
    if isinstance(value, LISTS):
        return tuple(_copied(each, name, depth + 1) for each in value)
    for plain_kind in (str, int, float):  # an enumeration's member, say, is served as what it is made of
        if isinstance(value, plain_kind):
            return plain_kind.__add__(value, plain_kind())  # type: ignore[operator]
    raise TypeError(f"attribute {name!r} must be a JSON value, got a {kind.__name__}")


def _text(key: object, name: str) -> str:
    if not isinstance(key, str):
        raise TypeError(f"attribute {name!r} has the key {key!r}; keys are texts")
    return key


def plain(value: Any) -> Any:
    """A JSON value as dicts and lists that are the caller's own."""
    if isinstance(value, MAPPINGS):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, LISTS) else value


EMPTY = Context()
"""Nobody in particular: the default of every evaluation."""
