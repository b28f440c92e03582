"""Which outcomes count: the default, and a builder for lists of exception types."""

from lldkit.circuit_breaker.interface import Outcome

__all__ = ["ByException", "classify_exceptions", "exceptions"]

Types = type[BaseException] | tuple[type[BaseException], ...]


class ByException:
    """Judges by the exception alone: a call that returns has succeeded. Immutable, safe for threads."""

    __slots__ = ("_fail", "_ignore")

    def __init__(self, fail: tuple[type[BaseException], ...], ignore: tuple[type[BaseException], ...]) -> None:
        self._fail = fail
        self._ignore = ignore

    def __call__(self, error: BaseException | None, result: object) -> Outcome:
        """Judge; what is neither to fail nor to be ignored has reached the dependency, and so succeeds."""
        del result
        if error is None:
            return Outcome.SUCCESS
        if isinstance(error, self._ignore) or not isinstance(error, Exception):
            return Outcome.IGNORED
        return Outcome.FAILURE if isinstance(error, self._fail) else Outcome.SUCCESS

    def __repr__(self) -> str:
        names = [", ".join(each.__name__ for each in types) for types in (self._fail, self._ignore)]
        return f"exceptions(fail=({names[0]}), ignore=({names[1]}))"


def exceptions(*, fail: Types = Exception, ignore: Types = ()) -> ByException:
    """Fail on `fail`, ignore `ignore` (which wins); any other `Exception` counts as a success: it was an answer.

    Cancellation, `KeyboardInterrupt` and whatever else is no `Exception` are always ignored.

    >>> judge = exceptions(fail=(ConnectionError, TimeoutError))
    >>> judge(TimeoutError(), None), judge(KeyError("no such user"), None)
    (<Outcome.FAILURE: 'failure'>, <Outcome.SUCCESS: 'success'>)
    """
    return ByException(_types("fail", fail), _types("ignore", ignore))


def _types(what: str, given: Types) -> tuple[type[BaseException], ...]:
    types = given if isinstance(given, tuple) else (given,)
    as_given: tuple[object, ...] = types
    for each in as_given:
        if not (isinstance(each, type) and issubclass(each, BaseException)):
            raise TypeError(f"{what} must be exception types, got {each!r}")
    return types


classify_exceptions = exceptions()
"""The default: every `Exception` fails."""
