"""What happens to payments without a verb: webhooks come, questions stay open for too long, time is over."""

from collections.abc import Sequence
from functools import partial

from lldkit.payments.asking import Asking, Begun, Call, Demand, Done
from lldkit.payments.errors import GatewayTimeout, GatewayUnavailable, OutcomeUnknown
from lldkit.payments.interface import Intent, Received
from lldkit.payments.journal import EXPIRE, RECOVER, Journal, Step
from lldkit.payments.payment import EXPIRY, Payment
from lldkit.payments.receiving import Delivery, Receiving
from lldkit.payments.telling import Telling
from lldkit.steps import Do, Steps

__all__ = ["Upkeep"]


class Upkeep:
    """The procedures, for threads and tasks alike. With `asks=False` what only a gateway can answer waits."""

    def __init__(self, journal: Journal, asking: Asking, receiving: Receiving, telling: Telling) -> None:
        self._journal = journal
        self._asking = asking
        self._receiving = receiving
        self._telling = telling

    def receive(self, deliveries: Sequence[Delivery], *, asks: bool) -> Steps[Demand, list[Received]]:
        """Apply webhooks, and ask what follows from them."""
        received, payments = yield Do(Call(lambda: self._receiving.receive(deliveries)))
        for payment in payments if asks else ():
            yield from self._close(payment, Begun(payment.open.key, may_wait=True))
        return list(received)

    def recover(self, limit: int) -> Steps[Demand, list[Intent]]:
        """Close questions that are open for too long."""
        closed: list[Intent] = []
        for intent_id in (yield Do(Call(lambda: self._journal.due(RECOVER, limit)))):
            payment: Payment = yield Do(Call(partial(self._journal.load, intent_id)))
            if payment.open is None:  # somebody else was faster
                continue
            key = payment.open.key
            done = yield from self._close(payment, Begun(key, asked_before=True))
            payment = yield Do(Call(partial(self._journal.load, intent_id)))
            if done is not None and (payment.open is None or payment.open.key != key):
                self._telling.recovered(done)
                closed.append(done.intent)
        return closed

    def expire(self, limit: int, *, asks: bool) -> Steps[Demand, list[Intent]]:
        """End what is held, and challenges, whose time is over."""
        ended: list[Intent] = []
        for intent_id in (yield Do(Call(lambda: self._journal.due(EXPIRE, limit)))):
            step: Step = yield Do(Call(partial(self._journal.change, intent_id, self._receiving.expiry)))
            self._telling.step(step)
            question = step.after.open
            if asks and question is not None and question.cause == EXPIRY:
                yield from self._close(step.after, Begun(question.key, may_wait=True))
            payment: Payment = yield Do(Call(partial(self._journal.load, intent_id)))
            ended.append(payment.intent)
        return ended

    def _close(self, payment: Payment, begun: Begun) -> Steps[Demand, Done | None]:
        """Close a question that nobody waits for; what cannot be closed now stays for `recover`."""
        try:
            return (yield from self._asking.close(payment, begun, None, None))
        except (GatewayUnavailable, GatewayTimeout, OutcomeUnknown):
            return None
