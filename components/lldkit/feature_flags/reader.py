"""Reading flags: typed getters with one short way for most calls, and one long way that does everything.

The short way is a lookup, the compiled flag, and a look at the type of the value. Whatever is more than that, the
caller's default included, goes the long way: override, defaults, hooks, evaluation, type, staleness, exposure.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final, Literal, TypeAlias, TypeVar, overload

from lldkit.feature_flags.compile import Memo
from lldkit.feature_flags.context import EMPTY, Context, plain
from lldkit.feature_flags.hooks import hooked
from lldkit.feature_flags.interface import (
    ErrorCode,
    Evaluation,
    HookCall,
    JsonValue,
    Reason,
    Step,
    Trace,
    UnknownFlag,
)
from lldkit.feature_flags.interpret import evaluation_of, failed, interpret
from lldkit.feature_flags.model import Decision
from lldkit.feature_flags.serving import MISSING, Served

__all__ = ["Reader", "nearest"]

T = TypeVar("T")
Kind: TypeAlias = Literal["boolean", "string", "integer", "float", "object", "any"]

KINDS: Mapping[type, Kind] = {bool: "boolean", str: "string", int: "integer", float: "float"}
MISFIT: Final = object()


class Reader:
    """The getters of clients and views. Safe for threads and tasks; nothing here raises, but in strict mode."""

    __slots__ = ("__weakref__", "_served")

    def __init__(self, served: Served) -> None:
        self._served = served

    @property
    def version(self) -> int:
        """The version of the document that is served; 0 before there is one."""
        return self._served.compiled.rules.version

    def boolean(self, key: str, default: bool, context: Context = EMPTY) -> bool:
        """The value of a boolean flag, `default` where there is none."""
        try:
            outcome = self._served[key](context)
            value = outcome.value
            if value is True or value is False:
                outcome.seen = True
                return value
        except Exception:  # noqa: BLE001, S110 - the long way tells of it
            pass
        found: bool = self._evaluate(key, default, context, "boolean").value
        return found

    def string(self, key: str, default: str, context: Context = EMPTY) -> str:
        """The value of a string flag, `default` where there is none."""
        try:
            outcome = self._served[key](context)
            value = outcome.value
            if type(value) is str:
                outcome.seen = True
                return value
        except Exception:  # noqa: BLE001, S110
            pass
        found: str = self._evaluate(key, default, context, "string").value
        return found

    def integer(self, key: str, default: int, context: Context = EMPTY) -> int:
        """The value of an integer flag, `default` where there is none."""
        try:
            outcome = self._served[key](context)
            value = outcome.value
            if type(value) is int:
                outcome.seen = True
                return value
        except Exception:  # noqa: BLE001, S110
            pass
        found: int = self._evaluate(key, default, context, "integer").value
        return found

    def float(self, key: str, default: float, context: Context = EMPTY) -> float:
        """The value of a float or an integer flag as a float, `default` where there is none."""
        try:
            outcome = self._served[key](context)
            value = outcome.value
            if type(value) is float:
                outcome.seen = True
                return value
        except Exception:  # noqa: BLE001, S110
            pass
        found: float = self._evaluate(key, default, context, "float").value
        return found

    def object(self, key: str, default: JsonValue, context: Context = EMPTY) -> JsonValue:
        """The value of an object flag, which is the caller's own; `default` where there is none."""
        found: JsonValue = self._evaluate(key, default, context, "object").value
        return found

    @overload
    def details(self, key: str, default: None, context: Context = EMPTY) -> Evaluation[Any]: ...
    @overload
    def details(self, key: str, default: T, context: Context = EMPTY) -> Evaluation[T]: ...
    def details(self, key: str, default: Any, context: Context = EMPTY) -> Evaluation[Any]:
        """The value and why it is that; it must be of the type of `default`, of any type if that is None."""
        try:
            served = self._served
            outcome = served[key](context)
            if type(outcome.value) is type(default) and not served.may_be_stale:
                outcome.seen = True
                return outcome.evaluation
        except Exception:  # noqa: BLE001, S110
            pass
        return self._evaluate(key, default, context, _kind_of(default))

    def all(self, context: Context = EMPTY) -> Mapping[str, Evaluation[Any]]:
        """Every flag that evaluates, by its key, without hooks and exposures."""
        served = self._served
        keys = {**served.compiled.rules.flags, **dict.fromkeys(served.settings.overridden_keys())}
        found = {key: _resolve(served, key, None, context, "any", expose=False) for key in keys}
        return {key: each for key, each in found.items() if each.error_code is None}

    def explain(self, key: str, context: Context = EMPTY) -> Trace:
        """The evaluation, and all that led to it."""
        served = self._served
        evaluation = _resolve(served, key, None, context, "any", expose=False)
        if evaluation.reason is Reason.OVERRIDE:
            return Trace(evaluation, (Step("override", "yes"),))
        if evaluation.error_code is ErrorCode.INVALID_CONTEXT:
            return Trace(evaluation, ())
        _, steps = interpret(served.compiled.rules, key, _with_defaults(served, context), served.settings.runtime)
        return Trace(evaluation, steps)

    def _evaluate(self, key: str, default: Any, context: Any, kind: Kind) -> Evaluation[Any]:
        """The long way."""
        served, settings = self._served, self._served.settings
        if settings.hooks and isinstance(context, Context):
            call = HookCall(key, kind, default, _with_defaults(served, context))
            found = hooked(
                settings.hooks,
                call,
                lambda merged: _resolve(served, key, default, merged, kind),
                lambda error: evaluation_of(served.compiled.rules, key, failed(error), default),
                settings.contain,
            )
        else:
            found = _resolve(served, key, default, context, kind)
        if settings.strict and found.error_code is ErrorCode.FLAG_NOT_FOUND:
            raise UnknownFlag(key, nearest(str(key), served.compiled.rules.flags))
        return found


def _resolve(
    served: Served, key: str, default: Any, context: Any, kind: Kind, *, expose: bool = True
) -> Evaluation[Any]:
    """The evaluation, without hooks; whatever goes wrong becomes one that says so."""
    settings, rules = served.settings, served.compiled.rules
    memo: Memo = {}
    try:
        if not isinstance(context, Context):
            message = f"the context must be a Context, got a {type(context).__name__}"
            return evaluation_of(rules, key, _error(ErrorCode.INVALID_CONTEXT, message), default)
        overridden = settings.override(key)
        if overridden is not MISSING:
            found = replace(evaluation_of(rules, key, Decision(None, Reason.OVERRIDE)), value=overridden)
            return _fitted(served, found, default, kind, is_default=False)
        context = _with_defaults(served, context)
        outcome = memo[key] = served.compiled[key](context, memo)
        outcome.seen = True
    except Exception as error:  # noqa: BLE001 - an expression, an attribute beyond all limits, or the clock
        settings.contain("an evaluation", error)
        return evaluation_of(rules, str(key), failed(error), default)
    found = _fitted(served, outcome.evaluation, default, kind, is_default=outcome.variant is None)
    if found.error_code is None:
        if expose:
            _expose(served, memo, context)
        if settings.is_stale():
            found = replace(found, reason=Reason.STALE)
    return found


def _expose(served: Served, memo: Memo, context: Context) -> None:
    """Tell of the flag and of those that it needed."""
    exposures = served.settings.exposures
    if exposures is None:
        return
    try:
        exposures.note([outcome for name, outcome in memo.items() if isinstance(name, str)], context)
    except Exception as error:  # noqa: BLE001 - a sink is not to break an evaluation
        served.settings.contain("on_exposure", error)


def _with_defaults(served: Served, context: Context) -> Context:
    defaults = served.settings.defaults
    return defaults.merged(context) if defaults.fields else context


def _fitted(served: Served, found: Evaluation[Any], default: Any, kind: Kind, *, is_default: bool) -> Evaluation[Any]:
    """The evaluation with a value of the asked type: the flag's, or the caller's default."""
    if is_default:
        return replace(found, value=default)
    value = FITTING[kind](found.value)
    if value is MISFIT:
        message = f"the flag is no {kind}, its value is {plain(found.value)!r:.100}"
        error = _error(ErrorCode.TYPE_MISMATCH, message)
        return evaluation_of(served.compiled.rules, found.key, error, default)
    return found if value is found.value else replace(found, value=value)


def _as_float(value: Any) -> Any:
    if type(value) is int:
        try:
            return float(value)
        except OverflowError:
            return MISFIT
    return value if type(value) is float else MISFIT


FITTING: Mapping[str, Callable[[Any], Any]] = {
    "boolean": lambda value: value if type(value) is bool else MISFIT,
    "string": lambda value: value if type(value) is str else MISFIT,
    "integer": lambda value: value if type(value) is int else MISFIT,
    "float": _as_float,
    "object": lambda value: plain(value) if isinstance(value, Mapping | list | tuple) else MISFIT,
    "any": plain,
}


def _kind_of(default: object) -> Kind:
    if default is None:
        return "any"
    return next((kind for base, kind in KINDS.items() if isinstance(default, base)), "object")


def nearest(key: str, known: Iterable[str]) -> str:
    """A question that names the most similar of the known keys; empty if none is similar."""
    from difflib import get_close_matches  # wanted only when something is wrong

    near = get_close_matches(key, known, n=1)
    return f"did you mean {near[0]}?" if near else ""


def _error(code: ErrorCode, message: str) -> Decision:
    return Decision(None, Reason.ERROR, None, code, message)
