"""Which errors are retried: `on=` in its four forms, made into one question."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, cast

from lldkit.retry.backoff import exponential
from lldkit.retry.interface import ErrorClass, On

__all__ = ["THROTTLED", "TRANSIENT", "Classify", "classifier"]

TRANSIENT = ErrorClass("transient")
"""Errors that pass by themselves; at the policy's own backoff and the budget's own cost."""

THROTTLED = ErrorClass("throttled", exponential(base=1.0))
"""Errors by which the server asks for less; waits from a second on."""

Classify: TypeAlias = Callable[[Exception], ErrorClass | None]


def classifier(on: On) -> Classify:
    """The question behind `on`: the class of an error, None when it is not to be retried.

    Refuses with a ValueError what reaches beyond `Exception`: cancellation and the like are never retried.
    """
    if isinstance(on, Mapping):
        return _of_mapping([(_checked(classes), kind) for classes, kind in on.items()])
    if isinstance(on, type | tuple):
        return _of_mapping([(_checked(on), TRANSIENT)])
    if not callable(on):
        raise TypeError(f"on must be exception classes, a predicate, or a mapping of classes, got {on!r}")
    return _of_predicate(on)


def _of_mapping(pairs: list[tuple[tuple[type[Exception], ...], ErrorClass]]) -> Classify:
    for classes, kind in pairs:
        if not isinstance(kind, ErrorClass):
            raise TypeError(f"on must map classes to an ErrorClass, such as TRANSIENT; {classes!r} has {kind!r}")

    def classify(error: Exception) -> ErrorClass | None:
        for classes, kind in pairs:
            if isinstance(error, classes):
                return kind
        return None

    return classify


def _of_predicate(predicate: Callable[[Exception], Any]) -> Classify:
    def classify(error: Exception) -> ErrorClass | None:
        answer = predicate(error)
        if isinstance(answer, ErrorClass):
            return answer
        return TRANSIENT if answer else None

    return classify


def _checked(classes: object) -> tuple[type[Exception], ...]:
    """`classes` as a tuple of exception classes."""
    several = classes if isinstance(classes, tuple) else (classes,)
    for each in several:
        if not isinstance(each, type) or not issubclass(each, BaseException):
            raise TypeError(f"on names what is no exception class: {each!r}")
        if not issubclass(each, Exception):
            raise ValueError(  # noqa: TRY004 - it is a class of errors, but too wide a one
                f"on={each.__name__} would swallow cancellation; name subclasses of Exception"
            )
    if not several:
        raise ValueError("on names no exception class, so that nothing would ever be retried")
    return cast("tuple[type[Exception], ...]", several)
