"""Fallbacks: of several channels the first that can goes ahead, and the others stand by."""

from collections.abc import Iterable, Sequence

from lldkit.notifications.interface import Decision, Reason, State, Verdict
from lldkit.notifications.rows import DeliveryRow

__all__ = ["in_order", "is_before", "later_ones", "successor"]


def in_order(decided: Sequence[Decision]) -> list[Decision]:
    """What becomes of the channels of a fallback, each judged by itself before.

    The first that is not suppressed and meets no open breaker leads; if breakers are all that is in the way, the first.
    Those after it stand by, those before it are passed over.
    """
    usable = [number for number, each in enumerate(decided) if each.verdict is not Verdict.SUPPRESS]
    closed = [number for number in usable if decided[number].reason is not Reason.BREAKER_OPEN]
    lead = next(iter(closed or usable), 0)
    answer = list(decided)
    for number in usable:
        each = decided[number]
        if number < lead:
            answer[number] = Decision(each.channel, Verdict.SUPPRESS, each.reason, None, each.rule)
        elif number > lead:
            answer[number] = Decision(each.channel, Verdict.STANDBY, Reason.FALLBACK, None, each.rule)
    return answer


def is_before(one: DeliveryRow, other: DeliveryRow) -> bool:
    """Whether a delivery comes before another one of the same fallback."""
    return one.chain == other.chain and one.position < other.position


def later_ones(siblings: Iterable[DeliveryRow], of: DeliveryRow) -> list[DeliveryRow]:
    """The deliveries of the same fallback after this one, in order."""
    return sorted((each for each in siblings if is_before(of, each)), key=lambda each: each.position)


def successor(siblings: Iterable[DeliveryRow], of: DeliveryRow) -> DeliveryRow | None:
    """Whose turn it is when this delivery has failed: the next that stands by; nobody's if a later one has started."""
    after = later_ones(siblings, of)
    started = [each for each in after if each.state in {State.QUEUED, State.SENDING, State.RETRYING, State.DEFERRED}]
    return None if started else next((each for each in after if each.state is State.STANDBY), None)
