"""The life of a delivery as a table of moves."""

from enum import StrEnum

from lldkit.machine import Machine
from lldkit.notifications.interface import ReceiptEvent, State

__all__ = ["DELIVERY", "REACHED", "UNSENT", "DeliveryEvent"]


class DeliveryEvent(StrEnum):
    """What can happen to a delivery."""

    WAIT = "wait"
    """Until quiet hours end, a window opens, a limit or a breaker lets it through."""
    COLLECT = "collect"
    STAND_BY = "stand_by"
    START = "start"
    """A standby's turn has come, or a digest has closed."""
    CLAIM = "claim"
    """An attempt begins."""
    ACCEPT = "accept"
    RETRY = "retry"
    REFUSE = "refuse"
    GIVE_UP = "give_up"
    SUPPRESS = "suppress"
    EXPIRE = "expire"
    CANCEL = "cancel"
    SUPERSEDE = "supersede"
    MERGE = "merge"
    DELIVER = "deliver"
    READ = "read"
    ACKNOWLEDGE = "acknowledge"
    BOUNCE = "bounce"

    @classmethod
    def of(cls, event: ReceiptEvent) -> "DeliveryEvent":
        """What a provider's receipt is to a delivery."""
        return RECEIPTS[event]


E, S = DeliveryEvent, State
RECEIPTS = {
    ReceiptEvent.DELIVERED: E.DELIVER,
    ReceiptEvent.READ: E.READ,
    ReceiptEvent.ACKNOWLEDGED: E.ACKNOWLEDGE,
    ReceiptEvent.BOUNCED: E.BOUNCE,
    ReceiptEvent.COMPLAINED: E.DELIVER,  # who complains has got it
}
REACHED = frozenset({S.DELIVERED, S.READ, S.ACKNOWLEDGED})
"""The recipient has it."""
WAITING = (S.QUEUED, S.DEFERRED, S.STANDBY, S.RETRYING)
TAKEN_BACK = (*WAITING, S.DIGESTING)  # a tuple, because the diagram has the order of the table
UNSENT = frozenset(TAKEN_BACK)
"""It can still be taken back."""
OUT = (S.SENDING, S.RETRYING, S.DEFERRED, S.SENT)  # an attempt was made, so receipts may come

DELIVERY: Machine[State, DeliveryEvent] = Machine(
    name="delivery",
    initial=S.QUEUED,
    final=(S.ACKNOWLEDGED, S.BOUNCED, S.SUPPRESSED, S.EXPIRED, S.CANCELLED, S.SUPERSEDED, S.DEAD, S.MERGED),
    table={
        (S.QUEUED, E.COLLECT): S.DIGESTING,
        (S.QUEUED, E.STAND_BY): S.STANDBY,
        **{(state, E.START): S.QUEUED for state in (S.STANDBY, S.DIGESTING)},
        **{(state, E.WAIT): S.DEFERRED for state in WAITING},
        **{(state, E.CLAIM): S.SENDING for state in (*WAITING, S.SENDING)},
        (S.SENDING, E.ACCEPT): S.SENT,
        (S.SENDING, E.RETRY): S.RETRYING,
        (S.SENDING, E.REFUSE): S.DEAD,
        **{(state, E.GIVE_UP): S.DEAD for state in (S.SENDING, *WAITING)},
        **{(state, E.SUPPRESS): S.SUPPRESSED for state in (*TAKEN_BACK, S.SENDING)},
        **{(state, E.EXPIRE): S.EXPIRED for state in (*TAKEN_BACK, S.SENDING)},
        **{(state, E.CANCEL): S.CANCELLED for state in TAKEN_BACK},
        **{(state, E.SUPERSEDE): S.SUPERSEDED for state in WAITING},
        (S.DIGESTING, E.MERGE): S.MERGED,
        **{(state, E.DELIVER): S.DELIVERED for state in OUT},
        **{(state, E.READ): S.READ for state in (*OUT, S.DELIVERED)},
        **{(state, E.ACKNOWLEDGE): S.ACKNOWLEDGED for state in (*OUT, S.DELIVERED, S.READ)},
        **{(state, E.BOUNCE): S.BOUNCED for state in (*OUT, S.DELIVERED)},
    },
)
"""Whatever has no move here is stale: it tells what is known, or what was true before."""
