"""Real channels under the notifier: a retry goes to whom it is about, and a bad address is never tried again."""

import asyncio
from collections.abc import Iterator

import pytest

from lldkit.clock import ManualClock
from lldkit.notifications import (
    MemoryDirectory,
    MemoryStore,
    Notifier,
    Reason,
    Recipient,
    Route,
    SMTPChannel,
    State,
    Template,
    Templates,
    Verdict,
    WebhookChannel,
)
from lldkit.retry import constant
from notifications.channel_servers import SECRET, MailServer, WebServer

NAMES = ("eve", "gone", "full")
BOTH = Template(subject="Grüße an $name 😀", text="Hallo <$name>", html="<p>Hallo $name</p>")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def router(mail_server: MailServer, web_server: WebServer, clock: ManualClock) -> Iterator[Notifier]:
    """Three people, each with a mail address and an endpoint."""
    mail = SMTPChannel(host="localhost", port=mail_server.port, sender="shop@example.com", tls="none")
    hook = WebhookChannel(secrets={"127.0.0.1": [SECRET]}, allow_private=True, allow_http=True, clock=clock)
    people = [Recipient(name, {"email": f"{name}@a.de", "webhook": web_server.url(f"/{name}")}) for name in NAMES]
    with mail, hook:
        yield Notifier(
            routes=Route(to=("email", "webhook")),
            channels={"email": mail, "webhook": hook},
            templates=Templates({"order": {"email": BOTH, "webhook": BOTH}}),
            directory=MemoryDirectory(people),
            store=MemoryStore(),
            backoff=constant(10),
            clock=clock,
        )


def test_a_retry_goes_to_that_one_alone_and_a_bad_address_to_nobody(
    mail_server: MailServer, web_server: WebServer, clock: ManualClock, router: Notifier
) -> None:
    mail_server.refusals = {"gone@a.de": "550 5.1.1 unknown", "full@a.de": "451 4.2.2 later"}
    web_server.answers = {"/gone": (410, {}, b""), "/full": (503, {"Retry-After": "60"}, b"")}
    receipts = {name: router.notify(name, "order", {"name": "<b>Jörg</b>"}) for name in NAMES}
    router.run_due()
    first = {name: [delivery.state for delivery in router.deliveries(receipts[name].id)] for name in NAMES}
    assert first["eve"] == [State.SENT, State.SENT]
    assert first["full"] == [State.RETRYING, State.RETRYING]
    assert first["gone"][0] == first["gone"][1] in {State.DEAD, State.BOUNCED}

    mail_server.refusals, web_server.answers = {}, {}
    clock.advance(10)
    router.run_due()
    assert [recipient for recipient, _ in mail_server.mails] == ["eve@a.de", "full@a.de"]
    assert [request.path for request in web_server.requests] == ["/eve", "/gone", "/full"]  # which asked for a minute
    clock.advance(50)
    router.run_due()
    assert [request.path for request in web_server.requests[3:]] == ["/full"]
    tried = [request.headers["webhook-id"] for request in web_server.requests[2:]]
    assert tried[0] == tried[1]

    again = router.notify("gone", "order", {"name": "Jörg"})
    said = [(decision.verdict, decision.reason) for decision in again.decisions]
    assert said == [(Verdict.SUPPRESS, Reason.BAD_ADDRESS)] * 2


def test_what_is_markup_in_one_part_is_text_in_the_other(
    mail_server: MailServer, web_server: WebServer, router: Notifier
) -> None:
    router.notify("eve", "order", {"name": "<b>Jörg</b>"})
    asyncio.run(router.arun_due())
    ((_, mail),) = mail_server.mails
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert mail["Subject"] == "Grüße an <b>Jörg</b> 😀"
    assert text.get_content().strip() == "Hallo <<b>Jörg</b>>"
    assert html.get_content().strip() == "<p>Hallo &lt;b&gt;Jörg&lt;/b&gt;</p>"
    assert web_server.requests[0].json["text"] == "Hallo <<b>Jörg</b>>"
