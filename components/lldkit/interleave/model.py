"""What should have happened: the sequential specification that a concurrent history is held against."""

import copy
import functools
import operator
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

from lldkit.interleave.operation import Keyword, Raised

__all__ = ["Model", "Reference"]

S = TypeVar("S")

_REMEMBERED = 4_096

Outcomes = Iterable[tuple[S, object]]
Partition = Callable[[str, tuple[Any, ...]], Hashable]


class Model(Generic[S]):
    """A sequential object: an initial state, and what one call does to a state when nobody else is there.

    `apply(state, name, args)` returns the new state and the result; states are hashable values and are never changed
    in place. `partition(name, args)` names the independent object that a call touches (a key of a map): histories of
    different keys are judged apart, which turns an exponential search into many small ones. `matches(expected, actual)`
    compares the model's result with the recorded one.

    >>> counter = Model(lambda: 0, lambda total, name, args: (total + args[0], total + args[0]))
    >>> counter.outcomes_of(2, "add", (3,))
    ((5, 5),)
    """

    def __init__(
        self,
        initial: Callable[[], S],
        apply: Callable[[S, str, tuple[Any, ...]], tuple[S, object]],
        *,
        partition: Partition | None = None,
        matches: Callable[[Any, Any], bool] = operator.eq,
    ) -> None:
        for name, value in (("initial", initial), ("apply", apply), ("matches", matches)):
            if not callable(value):
                raise TypeError(f"{name} must be callable, got {value!r}")
        self.initial = initial
        self.partition = partition
        self.matches = matches
        self.outcomes_of: Callable[[S, str, tuple[Any, ...]], Outcomes[S]] = lambda *call: (apply(*call),)

    @classmethod
    def outcomes(
        cls,
        initial: Callable[[], S],
        outcomes: Callable[[S, str, tuple[Any, ...]], Outcomes[S]],
        *,
        partition: Partition | None = None,
        matches: Callable[[Any, Any], bool] = operator.eq,
    ) -> "Model[S]":
        """Return a model whose calls may end in any of several `(state, result)` pairs; none at all forbids the call.

        >>> bag = Model.outcomes(frozenset, lambda bag, name, args: [(bag - {each}, each) for each in bag])
        """
        model = cls(initial, lambda *call: next(iter(outcomes(*call))), partition=partition, matches=matches)
        model.outcomes_of = outcomes
        return model

    @classmethod
    def of(
        cls,
        factory: Callable[[], Any],
        *,
        state: Callable[[Any], Hashable] | None = None,
        partition: Partition | None = None,
        matches: Callable[[Any, Any], bool] = operator.eq,
    ) -> "Model[Reference]":
        """Return a plain reference class as the specification: each call runs on a deep copy of the object.

        `state(object)` is a hashable value that tells any two objects apart whose future differs; by default it is
        built from the attributes and the contents. What a call of the reference raises is its result.

        >>> model = Model.of(list)
        >>> model.outcomes_of(model.initial(), "append", ("nut",))
        ((['nut'], None),)
        """
        view = state or frozen

        def initial() -> Reference:
            fresh = factory()
            return Reference(view(fresh), fresh)

        @functools.lru_cache(_REMEMBERED, typed=True)  # histories of one program ask the same again and again
        def called(before: Reference, name: str, *args: Any) -> tuple[Reference, object]:
            after = _copy(before.value)
            result = _call(getattr(after, name), args)
            return Reference(view(after), after), result

        def apply(before: Reference, name: str, args: tuple[Any, ...]) -> tuple[Reference, object]:
            return (called if _hashable(args) else called.__wrapped__)(before, name, *args)

        return Model(initial, apply, partition=partition, matches=matches)


@dataclass(frozen=True, slots=True)
class Reference:
    """A state of `Model.of`: an object of the reference class, equal to others by its `key`."""

    key: Hashable
    value: Any = field(compare=False)

    def __repr__(self) -> str:
        text = repr(self.value)
        if not text.startswith("<"):
            return text
        attributes = ", ".join(f"{name}={value!r}" for name, value in getattr(self.value, "__dict__", {}).items())
        return f"{type(self.value).__name__}({attributes})"


def _hashable(args: tuple[Any, ...]) -> bool:
    try:
        hash(args)
    except TypeError:
        return False
    return True


def _copy(value: Any) -> Any:
    try:
        return copy.deepcopy(value)
    except TypeError as error:
        kind = type(value).__name__
        raise TypeError(f"a reference is copied for every step, which {kind} does not allow: {error}") from error


def _call(method: Callable[..., Any], args: tuple[Any, ...]) -> object:
    positional = [arg for arg in args if not isinstance(arg, Keyword)]
    named = {arg.name: arg.value for arg in args if isinstance(arg, Keyword)}
    try:
        return method(*positional, **named)
    except Exception as error:  # noqa: BLE001 - whatever a specification raises is what the caller must see
        return Raised.of(error)


def frozen(value: Any) -> Hashable:
    """Return a hashable picture of `value`, read through the protocol by which objects are copied."""
    kind = type(value)
    if value is None or isinstance(value, bool | int | float | str | bytes | type):
        return cast("Hashable", value)
    if kind in {list, tuple}:
        return (kind, *map(frozen, value))
    if kind is dict:
        return (kind, *((frozen(key), frozen(each)) for key, each in value.items()))
    if kind in {set, frozenset}:
        return (kind, frozenset(map(frozen, value)))
    try:
        parts = value.__reduce_ex__(4)
    except TypeError:
        parts = ""
    if isinstance(parts, str):  # a function or another thing that copies as itself
        return cast("Hashable", value)
    return (kind, *map(frozen, parts[1:]))
