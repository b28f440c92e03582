"""One `Ask` over the states of all its quotas, purely: what engines that run the Python core do."""

from collections.abc import Sequence
from typing import Any

from lldkit.rate_limiter.decision import Promised, Verdict
from lldkit.rate_limiter.interface import Ask

__all__ = ["carry_out"]


def carry_out(ask: Ask, states: Sequence[Any], now: int) -> tuple[list[Any], list[Verdict]]:
    """The states after `ask` and a verdict per quota; all quotas grant, or every state stays as it was."""
    decide, undo = ask.algorithm.decide, ask.algorithm.undo
    rows = list(zip(ask.quotas, states, strict=True))
    if ask.mode == "reset":
        return [None] * len(rows), []
    if ask.mode == "cancel":
        undone = zip(rows, ask.promises, strict=True)
        # A promise of nothing may have been made to a key without a state.
        return [undo(quota, state, now, made) if state and made[1] else state for (quota, state), made in undone], []

    answers = [decide(quota, state, now, ask.cost, ask.max_delay) for quota, state in rows]
    if ask.mode == "peek" or not all(verdict for _, verdict in answers):
        # A quota that would have granted says how it stands, since nothing was spent.
        looks = (decide(quota, state, now, 0)[1] for quota, state in rows)
        unspent = [look if verdict else verdict for look, (_, verdict) in zip(looks, answers, strict=True)]
        return list(states), unspent
    verdicts = [verdict for _, verdict in answers]
    if ask.mode == "reserve":
        verdicts = [Promised(verdict, (after, ask.cost)) for after, verdict in answers]
    return [after for after, _ in answers], verdicts
