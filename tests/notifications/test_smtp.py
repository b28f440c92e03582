"""Mails to a real server: what arrives, what is answered, and what becomes of a mail when the server fails."""

import asyncio
import base64
import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from email.headerregistry import AddressHeader, UniqueSingleAddressHeader
from threading import Event, Thread
from typing import Any

import pytest

from lldkit.clock import ManualClock
from lldkit.notifications.addresses import Mailbox
from lldkit.notifications.interface import Accepted, HeaderInjection, Later, Outcome, Refused, Unclear
from lldkit.notifications.mails import compose
from lldkit.notifications.smtp import SMTPChannel
from notifications.channel_servers import PATIENCE, MailServer, heard, listening, message

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def channel(port: int, **options: Any) -> SMTPChannel:
    defaults: dict[str, Any] = {"host": "localhost", "sender": '"Müller, Jörg" <shop@example.com>', "tls": "none"}
    return SMTPChannel(port=port, **(defaults | options))


async def both(mail: SMTPChannel, **fields: Any) -> list[Outcome]:
    """The outcomes for a thread and for a task."""
    return [
        await asyncio.to_thread(mail.send, message(id="d1", **fields)),
        await mail.asend(message(id="d2", idempotency_key="k2", **fields)),
    ]


# --- what arrives ---


async def test_a_mail_arrives_with_names_umlauts_and_both_bodies(mail_server: MailServer) -> None:
    fields: dict[str, Any] = {
        "address": '"Groß, Eve" <eve@Example.com>',
        "subject": "Grüße 😀",
        "text": "Hallo\n.\n..Eve\nzu lang " + "x" * 2_000,
        "html": "<p>Hallo</p>",
        "headers": {"List-Unsubscribe": "<https://shop.example.com/u?t=1>"},
    }
    with channel(mail_server.port, clock=ManualClock(start=NOON)) as mail:
        assert await both(mail, **fields) == [Accepted("<d1@example.com>"), Accepted("<d2@example.com>")]
    assert [recipient for recipient, _ in mail_server.mails] == ["eve@example.com"] * 2
    for index, (_, got) in enumerate(mail_server.mails):
        sender, to = got["From"], got["To"]
        assert isinstance(sender, UniqueSingleAddressHeader | AddressHeader)
        assert (sender.addresses[0].display_name, sender.addresses[0].addr_spec) == ("Müller, Jörg", "shop@example.com")
        assert (to.addresses[0].display_name, to.addresses[0].addr_spec) == ("Groß, Eve", "eve@example.com")
        assert got["Subject"] == "Grüße 😀"
        assert got["Message-ID"] == f"<d{index + 1}@example.com>"
        assert got["Date"].datetime == NOON
        assert got["List-Unsubscribe"] == "<https://shop.example.com/u?t=1>"
        text, html = got.get_body(("plain",)), got.get_body(("html",))
        assert text is not None
        assert html is not None
        assert text.get_content().splitlines() == fields["text"].splitlines()
        assert html.get_content().strip() == "<p>Hallo</p>"


@pytest.mark.parametrize(
    ("text", "html", "kind"), [("a", None, "plain"), (None, "<b>a</b>", "html"), (None, None, "plain")]
)
def test_a_mail_with_one_body_has_one_part(mail_server: MailServer, text: str, html: str, kind: str) -> None:
    with channel(mail_server.port) as mail:
        assert isinstance(mail.send(message(text=text, html=html)), Accepted)
    ((_, got),) = mail_server.mails
    assert got.get_content_type() == f"text/{kind}"
    assert got.get_content().strip() == (text or html or "")


def test_a_body_cannot_end_the_mail_or_smuggle_another(mail_server: MailServer) -> None:
    smuggled = "a\r\n.\r\nMAIL FROM:<x@y.z>\n.\nb\r.\rc"
    with channel(mail_server.port) as mail:
        mail.send(message(text=smuggled))
        mail.send(message(id="d2"))
    assert len(mail_server.mails) == 2
    assert mail_server.mails[0][1].get_content().split() == smuggled.split()


# --- answers ---


def test_of_three_recipients_each_has_an_outcome_of_its_own_and_a_retry_goes_to_that_one_alone(
    mail_server: MailServer,
) -> None:
    mail_server.refusals = {
        "gone@a.de": "550 5.1.1 <gone@a.de> unknown",
        "full@a.de": "451 4.2.2 <full@a.de> try later",
    }
    with channel(mail_server.port) as mail:
        outcomes = {name: mail.send(message(id=name, address=f"{name}@a.de")) for name in ("eve", "gone", "full")}
        assert outcomes == {
            "eve": Accepted("<eve@example.com>"),
            "gone": Refused("550 5.1.1", bad_address=True),
            "full": Later("451 4.2.2"),
        }
        mail_server.refusals.clear()
        again = [
            mail.send(message(id=name, address=f"{name}@a.de"))
            for name, o in outcomes.items()
            if o == Later("451 4.2.2")
        ]
    assert again == [Accepted("<full@example.com>")]
    assert [recipient for recipient, _ in mail_server.mails] == ["eve@a.de", "full@a.de"]
    assert mail_server.connections == 1  # a refusal ends the transaction, not the connection


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        ("550 No such user", Refused("550")),
        ("550 5.1.2 no such host", Refused("550 5.1.2", bad_address=True)),
        ("550 5.1.8 sender unknown", Refused("550 5.1.8")),
        ("554 5.7.1 spam", Refused("554 5.7.1")),
        ("552 5.2.2 full", Refused("552 5.2.2")),
        ("450 busy", Later("450")),
        ("452 4.3.1 disk", Later("452 4.3.1")),
    ],
)
def test_4yz_is_later_and_5yz_is_refused_for_good_where_the_address_is_to_blame(
    mail_server: MailServer, reply: str, outcome: Outcome
) -> None:
    mail_server.refusals = {"eve@example.com": reply}
    with channel(mail_server.port) as mail:
        assert mail.send(message()) == outcome


@pytest.mark.parametrize(
    ("reply", "outcome"), [("554 5.6.0 no", Refused("554 5.6.0")), ("451 4.0.0 no", Later("451 4.0.0"))]
)
def test_the_answer_to_the_whole_mail_counts(mail_server: MailServer, reply: str, outcome: Outcome) -> None:
    mail_server.mail_refusal = reply
    with channel(mail_server.port) as mail:
        assert [mail.send(message()), mail.send(message())] == [outcome, outcome]
    assert mail_server.connections == 1


def test_what_is_no_address_is_refused_without_a_connection() -> None:
    with channel(1) as mail:
        assert mail.send(message(address="eve@")) == Refused("not an address", bad_address=True)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"subject": "a\r\nBcc: x@y.z"}, "Subject"),
        ({"subject": "a\nb"}, "Subject"),
        ({"subject": "a\x85b"}, "Subject"),
        ({"address": "eve@example.com\r\nBcc: x@y.z"}, "To"),
        ({"address": '"Eve\r\nBcc: x@y.z" <eve@example.com>'}, "To"),
        ({"headers": {"Reply-To": "a@b.c\r\nBcc: x@y.z"}}, "Reply-To"),
        ({"headers": {"X: y\r\nBcc": "x@y.z"}}, "X: y\r\nBcc"),
        ({"headers": {"BCC": "x@y.z"}}, "BCC"),
        ({"headers": {"Message-Id": "<1@x>"}}, "Message-Id"),
        ({"id": "1@x>\r\nBcc: x@y.z"}, "Message-ID"),
    ],
)
def test_a_header_that_would_be_two_is_refused(fields: dict[str, Any], field: str) -> None:
    with channel(1) as mail:
        outcome = mail.send(message(**fields))
    assert outcome == Refused(str(HeaderInjection(field)), bad_address=field == "To")
    with pytest.raises(HeaderInjection) as refused:
        compose(message(**fields), sender=Mailbox("", "shop@example.com"), at=NOON)
    assert refused.value.field == field


# --- sessions ---


async def test_a_connection_that_the_server_closed_while_idle_is_replaced_in_silence(mail_server: MailServer) -> None:
    with channel(mail_server.port) as mail:
        for _ in range(3):
            assert [type(outcome) for outcome in await both(mail)] == [Accepted, Accepted]
            mail_server.hang_up()
    assert (len(mail_server.mails), mail_server.connections) == (6, 3)


def test_a_connection_that_dies_as_it_is_used_again_is_replaced_in_silence() -> None:
    first, again = Event(), Event()

    def session(connection: socket.socket) -> None:
        polite(connection)
        first.set()
        heard(connection, b"\r\n")  # MAIL FROM, and the line goes dead
        again.set()

    def polite(connection: socket.socket) -> None:
        connection.sendall(b"220 mx\r\n")
        for end, reply in (
            [(b"\r\n", b"250 mx")] + [(b"\r\n", b"250 ok")] * 2 + [(b"\r\n", b"354 go"), (b"\r\n.\r\n", b"250 ok")]
        ):
            heard(connection, end)
            connection.sendall(reply + b"\r\n")

    with listening(session, polite) as port, channel(port) as mail:
        assert [mail.send(message()), mail.send(message())] == [Accepted("<d1@example.com>")] * 2
        assert first.is_set()
        assert again.is_set()


def test_the_server_is_told_the_given_name_and_nobody_is_asked_for_ours(
    mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*_: object) -> str:
        raise AssertionError("the name server was asked for our own name")

    monkeypatch.setattr(socket, "getfqdn", asked)
    monkeypatch.setattr(socket, "gethostname", asked)
    with channel(mail_server.port, local_hostname="shop.example.com") as mail:
        mail.send(message())
    assert mail_server.helo == ["shop.example.com"]


async def test_starttls_and_a_login_for_threads_and_tasks(trusting: ssl.SSLContext, certified: ssl.SSLContext) -> None:
    server = MailServer(tls=certified, login=("shop", "geheim"))
    options: dict[str, Any] = {"tls": "starttls", "tls_context": trusting, "username": "shop"}
    try:
        with channel(server.port, password="geheim", **options) as mail:
            assert [type(outcome) for outcome in await both(mail)] == [Accepted, Accepted]
        with channel(server.port, password="falsch", **options) as mail:
            assert await both(mail) == [Later("AUTH: 535 5.7.8")] * 2  # the mail is not to blame
            assert "falsch" not in repr(mail)
    finally:
        server.close()
    assert len(server.mails) == 2


async def test_tls_from_the_first_byte(trusting: ssl.SSLContext, certified: ssl.SSLContext) -> None:
    server = MailServer(tls=certified, implicit=True)
    try:
        with channel(server.port, tls="tls", tls_context=trusting) as mail:
            assert [type(outcome) for outcome in await both(mail)] == [Accepted, Accepted]
    finally:
        server.close()
    assert server.connections == 1


async def test_a_long_mail_under_tls_arrives_whole(trusting: ssl.SSLContext, certified: ssl.SSLContext) -> None:
    server, text = MailServer(tls=certified, implicit=True), "".join(f"{number:09}\n" for number in range(20_000))
    try:
        with channel(server.port, tls="tls", tls_context=trusting) as mail:
            assert [type(outcome) for outcome in await both(mail, text=text)] == [Accepted, Accepted]
    finally:
        server.close()
    for _, got in server.mails:
        assert got.get_content().split() == text.split()


async def test_a_server_that_cannot_prove_its_name_gets_nothing(certified: ssl.SSLContext) -> None:
    server = MailServer(tls=certified)
    try:
        with channel(server.port, tls="starttls") as mail:
            assert await both(mail) == [Later("SSLCertVerificationError")] * 2
    finally:
        server.close()
    assert server.mails == []


def test_a_server_without_starttls_gets_nothing(mail_server: MailServer) -> None:
    with channel(mail_server.port, tls="starttls") as mail:
        assert mail.send(message()) == Later("STARTTLS: 454")
    assert mail_server.mails == []


def test_words_that_came_before_tls_are_not_believed_behind_it() -> None:
    def injecting(connection: socket.socket) -> None:
        connection.sendall(b"220 mx\r\n")
        heard(connection, b"\r\n")
        connection.sendall(b"250-mx\r\n250 STARTTLS\r\n")
        heard(connection, b"\r\n")
        connection.sendall(b"220 go\r\n250 injected\r\n")
        heard(connection, b"never")

    with listening(injecting) as port, channel(port, tls="starttls") as mail:
        assert mail.send(message()) == Later("more than one answer")


def test_a_login_is_spelled_in_the_way_that_the_server_offers(
    trusting: ssl.SSLContext, certified: ssl.SSLContext
) -> None:
    said: list[bytes] = []

    def only_login(connection: socket.socket) -> None:
        with certified.wrap_socket(connection, server_side=True) as secure:
            secure.sendall(b"220 mx\r\n")
            for reply in (b"250-mx\r\n250 AUTH LOGIN", b"334 VXNlcg==", b"334 UGFzcw==", b"235 ok"):
                said.append(heard(secure, b"\r\n"))
                secure.sendall(reply + b"\r\n")
            heard(secure, b"\r\n")

    options: dict[str, Any] = {"tls": "tls", "tls_context": trusting, "username": "shöp", "password": "p"}
    with listening(only_login) as port, channel(port, **options) as mail:
        mail.send(message())
    encoded = [base64.b64encode(text.encode()) + b"\r\n" for text in ("shöp", "p")]
    assert said == [b"EHLO localhost\r\n", b"AUTH LOGIN\r\n", *encoded]


# --- faults ---


Stage = Callable[[socket.socket], object]


def until(*replies: bytes) -> Stage:
    """A session that answers so often and then not again."""

    def session(connection: socket.socket) -> None:
        connection.sendall(b"220 mx\r\n")
        for reply in replies:
            heard(connection, b"\r\n.\r\n" if reply.startswith(b"250 taken") else b"\r\n")
            connection.sendall(reply + b"\r\n")
        heard(connection, b"\r\n.\r\n")

    return session


def hang(connection: socket.socket) -> None:
    heard(connection, b"never")


def stalling(*replies: bytes) -> Stage:
    """A session that answers so often, then never again, and does not hang up."""

    def session(connection: socket.socket) -> None:
        until(*replies)(connection)
        hang(connection)

    return session


GO = (b"250 mx", b"250 ok", b"250 ok", b"354 go")


@pytest.mark.parametrize(
    ("session", "outcome"),
    [
        (lambda connection: None, Later("ConnectionResetError")),
        (lambda connection: connection.sendall(b"554 go away\r\n"), Later("greeting: 554")),
        (lambda connection: connection.sendall(b"hello\r\n" + b"x" * 20_000), Later("an endless answer")),
        (until(b"250 mx", b"421 4.3.2 going down"), Later("421 4.3.2")),
        (until(b"250 mx", b"250 ok", b"299 what"), Later("unexpected 299")),
        (until(*GO), Unclear("ConnectionResetError")),
    ],
)
async def test_a_server_that_goes_away_leaves_a_mail_later_or_unclear_once_it_was_whole(
    session: Stage, outcome: Outcome
) -> None:
    with listening(session, session) as port, channel(port) as mail:
        assert await both(mail) == [outcome, outcome]


@pytest.mark.parametrize(
    ("session", "outcome"),
    [
        (hang, Later("TimeoutError")),
        (stalling(b"250 mx"), Later("TimeoutError")),
        (stalling(*GO), Unclear("TimeoutError")),
    ],
)
async def test_a_server_that_stalls_costs_the_timeout_and_no_more(session: Stage, outcome: Outcome) -> None:
    with listening(session, session) as port, channel(port, timeout_seconds=0.3) as mail:
        assert await both(mail) == [outcome, outcome]


async def test_a_server_that_is_not_there_is_later_and_a_killed_one_comes_back(mail_server: MailServer) -> None:
    dead = MailServer()
    dead.close()
    with channel(dead.port) as mail:
        assert await both(mail) == [Later("ConnectionRefusedError")] * 2


# --- bounds ---


def test_never_more_connections_than_allowed_and_who_waits_gets_one(mail_server: MailServer) -> None:
    outcomes: list[Outcome] = []
    with channel(mail_server.port, max_connections=2) as mail:
        threads = [Thread(target=lambda i=i: outcomes.append(mail.send(message(id=f"d{i}")))) for i in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
    assert [type(outcome) for outcome in outcomes] == [Accepted] * 12
    assert len(mail_server.mails) == 12
    assert mail_server.connections <= 2


async def test_who_waits_too_long_for_a_connection_is_told_so() -> None:
    with listening(hang) as port, channel(port, max_connections=1, timeout_seconds=0.3) as mail:
        outcomes = await asyncio.gather(mail.asend(message(id="a")), mail.asend(message(id="b")))
    assert set(outcomes) <= {Later("TimeoutError"), Later("AllConnectionsBusy")}


async def test_a_cancelled_send_gives_its_connection_back(mail_server: MailServer) -> None:
    reached = Event()

    def stall(connection: socket.socket) -> None:
        reached.set()
        hang(connection)

    with listening(stall, until(*GO, b"250 taken")) as port, channel(port, max_connections=1) as mail:
        stuck = asyncio.create_task(mail.asend(message(id="a")))
        waiting = asyncio.create_task(mail.asend(message(id="b")))
        await asyncio.to_thread(reached.wait, PATIENCE)
        waiting.cancel()  # one that waits for a connection
        stuck.cancel()  # one that has it
        with pytest.raises(asyncio.CancelledError):
            await waiting
        with pytest.raises(asyncio.CancelledError):
            await stuck
        assert await mail.asend(message(id="c")) == Accepted("<c@example.com>")


def test_a_closed_channel_says_so(mail_server: MailServer) -> None:
    mail = channel(mail_server.port)
    mail.send(message())
    mail.close()
    with pytest.raises(RuntimeError, match="closed"):
        mail.send(message())


# --- arguments ---


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"tls": "ssl"}, "starttls"),
        ({"username": "a"}, "together"),
        ({"username": "a", "password": "b"}, "in the clear"),
        ({"port": 0}, "port"),
        ({"host": ""}, "host"),
        ({"local_hostname": "a b"}, "local_hostname"),
        ({"max_connections": 0}, "max_connections"),
        ({"timeout_seconds": 0}, "timeout_seconds"),
        ({"sender": "nobody"}, "character 6"),
        ({"sender": "a@b.c\n"}, "sender"),
    ],
)
def test_nonsense_is_refused_at_construction(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        channel(**{"port": 25} | options)
