"""What the body of a webhook says, in the form that `FakeGateway` sends and that others are mapped to."""

import json
from typing import Any

from lldkit.payments.interface import Fact, FactKind, GatewayEvent

__all__ = ["event_body", "parse_event"]


def parse_event(body: bytes) -> GatewayEvent:
    """Read `{"intent": id, "kind": ..., "key": ..., "amount": ..., "final": ...}`; amounts in minor units.

    A kind that is not known here makes an event without a fact. ValueError for what is no such document.
    """
    try:
        data = json.loads(body)
    except RecursionError:
        raise ValueError(f"a webhook is not nested so deeply, got {body[:200]!r}") from None
    intent_id = data.get("intent") if isinstance(data, dict) else None
    if not intent_id or type(intent_id) is not str:
        raise ValueError(f"a webhook names its intent, got {body[:200]!r}")
    return GatewayEvent(intent_id, _fact(data))


def _fact(data: dict[str, Any]) -> Fact | None:
    kind, key, amount, final = data.get("kind"), data.get("key"), data.get("amount", 0), data.get("final", False)
    if kind not in list(FactKind) or not isinstance(key, str) or type(amount) is not int or amount < 0:
        return None
    return Fact(FactKind(kind), key, amount, final is True)


def event_body(intent_id: str, fact: Fact) -> bytes:
    """The body that `parse_event` reads."""
    document = {"intent": intent_id, "kind": fact.kind, "key": fact.key, "amount": fact.amount, "final": fact.final}
    return json.dumps(document).encode()
