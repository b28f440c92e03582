"""Hooks in OpenFeature's order: `before` forwards; `after` or `error`, and then `finally_`, backwards."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from lldkit.feature_flags.context import Context
from lldkit.feature_flags.interface import Evaluation, Hook, HookCall

__all__ = ["hooked"]


def hooked(
    hooks: Sequence[Hook],
    call: HookCall,
    evaluate: Callable[[Context], Evaluation[Any]],
    aborted: Callable[[Exception], Evaluation[Any]],
    contain: Callable[[str, Exception], object],
) -> Evaluation[Any]:
    """Evaluate between hooks.

    A `before` that raises ends the evaluation: `aborted` says with what. An `after` that raises changes nothing of the
    result. In both cases, and where the result is an error, the `error` hooks run, each of them.
    """
    error: Exception | None = None
    try:
        for hook in hooks:
            more = hook.before(call)
            if more is not None:
                call = replace(call, context=call.context.merged(more))
        found = evaluate(call.context)
    except Exception as raised:  # noqa: BLE001 - a hook is not to break an evaluation
        contain("a hook", raised)
        found, error = aborted(raised), raised
    else:
        if found.error_code is not None:
            error = LookupError(found.error_message or found.error_code)
        else:
            error = _after(hooks, call, found, contain)
    for hook in reversed(hooks):
        if error is not None:
            _guarded(lambda hook=hook: hook.error(call, error), contain)  # type: ignore[misc]
    for hook in reversed(hooks):
        _guarded(lambda hook=hook: hook.finally_(call), contain)  # type: ignore[misc]
    return found


def _after(
    hooks: Sequence[Hook], call: HookCall, found: Evaluation[Any], contain: Callable[[str, Exception], object]
) -> Exception | None:
    try:
        for hook in reversed(hooks):
            hook.after(call, found)
    except Exception as raised:  # noqa: BLE001
        contain("a hook", raised)
        return raised
    return None


def _guarded(work: Callable[[], object], contain: Callable[[str, Exception], object]) -> None:
    try:
        work()
    except Exception as raised:  # noqa: BLE001
        contain("a hook", raised)
