"""Notifications keep their types; checked by mypy, never run."""

from datetime import datetime
from typing import assert_type

from lldkit.notifications import (
    DELIVERY,
    Accepted,
    AsyncChannel,
    Channel,
    Delivery,
    DeliveryEvent,
    Directory,
    Explanation,
    FakeChannel,
    Later,
    Matcher,
    MemoryDirectory,
    MemoryStore,
    Message,
    Notifier,
    Outcome,
    Receipt,
    ReceiptEvent,
    Recipient,
    Recorded,
    Refused,
    Route,
    RunReport,
    SMTPChannel,
    State,
    Store,
    Template,
    Templates,
    Unclear,
    WebhookChannel,
    parse_matchers,
    resolve,
)
from lldkit.notifications.jinja import JinjaTemplate
from lldkit.notifications.postgres import PostgresStore
from lldkit.notifications.sqlite import SQLiteStore

stores: list[Store] = [MemoryStore(), SQLiteStore("outbox.db"), PostgresStore("postgresql://")]
channels: list[Channel] = [
    FakeChannel("sms"),
    SMTPChannel(host="mx", port=25, sender="a@example.com"),
    WebhookChannel(secrets={}),
]
both: AsyncChannel = FakeChannel("sms")
directory: Directory = MemoryDirectory([Recipient("u1", {"email": "u1@example.com"})])
templates = Templates({"news": {"email": Template(text="$a"), "sms": JinjaTemplate(text="{{ a }}")}})


class Pigeons:
    name = "pigeons"

    def send(self, message: Message, /) -> Outcome:
        return Later("rain", 3_600.0) if message.attempt == 1 else Accepted(message.id)


router = Notifier(
    routes=Route(to=("email",)),
    channels={"email": channels[0], "sms": both, "pigeons": Pigeons()},
    templates=templates,
    directory=directory,
    store=stores[0],
)
assert_type(router.notify("u1", "news", {"a": 1}, dedupe_key="k"), Receipt)
assert_type(router.explain("u1", "news", {}), Explanation)
assert_type(router.run_due(limit=10), RunReport)
assert_type(router.next_due(), datetime | None)
assert_type(router.record(ReceiptEvent.READ, provider_id="x"), Recorded)
assert_type(router.deliveries("r"), list[Delivery])
assert_type(router.cancel("r"), int)
assert_type(resolve(Route(), {"a": "b"}), tuple[Route, ...])
assert_type(parse_matchers("a=b"), tuple[Matcher, ...])
assert_type(DELIVERY.next(State.QUEUED, DeliveryEvent.CLAIM), State)


async def tasks() -> None:
    assert_type(await router.anotify("u1", "news", {"a": 1}), Receipt)
    assert_type(await router.arun_due(), RunReport)
    assert_type(await router.areplay("d"), Delivery)
    await router.anotify("u1", 5, {})  # type: ignore[arg-type]


def judged(outcome: Outcome) -> str:
    match outcome:
        case Accepted(provider_id):
            return assert_type(provider_id, str)
        case Later(reason, retry_after):
            assert_type(retry_after, float | None)
            return reason
        case Refused(reason, bad_address):
            assert_type(bad_address, bool)
            return reason
        case Unclear(reason):
            return reason


router.notify("u1", "news", {"a": object()})  # type: ignore[dict-item]
FakeChannel("sms").send("text")  # type: ignore[arg-type]
