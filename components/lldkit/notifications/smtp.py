"""Mails over SMTP (RFC 5321): one transaction for each message, over connections that are kept open."""

import base64
import re
import ssl
from functools import cached_property, partial
from typing import Final, Literal, NamedTuple

from lldkit.arguments import check_count, check_number
from lldkit.clock import SYSTEM, Clock
from lldkit.notifications.addresses import parse_mailbox
from lldkit.notifications.headers import check_header
from lldkit.notifications.interface import (
    Accepted,
    AddressError,
    HeaderInjection,
    Later,
    Message,
    Outcome,
    Refused,
    Unclear,
)
from lldkit.notifications.mails import Mail, compose
from lldkit.notifications.pool import ConnectionFailed, Pool, Visit
from lldkit.notifications.pooled import Pooled
from lldkit.notifications.wires import ProtocolError, Wire, Work, opened

__all__ = ["SMTPChannel"]

_MOST_REPLY: Final = 16_384
_LAST_LINE: Final = re.compile(rb"(?m)^[2-5][0-9]{2}(?: [^\n]*)?\r?\n")
_STATUS: Final = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}\b")  # enhanced status codes, RFC 3463
_BAD_SENDER: Final = {"5.1.7", "5.1.8"}
_HOST: Final = re.compile(r"[!-~]+")


class Reply(NamedTuple):
    """A code and the lines of text behind it."""

    code: int
    lines: list[str]

    @property
    def reason(self) -> str:
        """The code and the enhanced status; never the text, which often holds the address."""
        return f"{self.code} {self.status}".rstrip()

    @property
    def status(self) -> str:
        """The enhanced status, such as 5.1.1, or nothing."""
        found = _STATUS.match(self.lines[-1])
        return found[0] if found else ""


class SMTPChannel(Pooled):
    """Hands mails to the SMTP server at `host` and `port`, from `sender`: an address, or `Name <address>`.

    The Message-ID is `<id of the message@domain of the sender>`, and it is the `provider_id` of what was Accepted. 4yz
    is Later, 5yz Refused, for good where the status about the recipient is 5.1.x. What fails before the mail was
    offered is Later, also a refused log-in, because the mail is not to blame; no answer to a whole mail is Unclear. A
    connection that the server closed while it was idle is replaced in silence.

    `tls` is "starttls" (port 587), "tls" (465) or "none", with which no password is sent. `tls_context` is believed
    instead of the system's authorities. `timeout_seconds` bounds a whole send, except a name server that is slow to a
    thread. Our own name is never asked for; the server is told `local_hostname`.

    Safe for threads and tasks at once; cancelling gives the connection back. Close it, or use `with`.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        sender: str,
        name: str = "email",
        username: str | None = None,
        password: str | None = None,
        tls: Literal["starttls", "tls", "none"] = "starttls",
        local_hostname: str = "localhost",
        max_connections: int = 4,
        timeout_seconds: float = 30,
        tls_context: ssl.SSLContext | None = None,
        clock: Clock = SYSTEM,
    ) -> None:
        if tls not in {"starttls", "tls", "none"}:
            raise ValueError(f"tls must be 'starttls', 'tls' or 'none', got {tls!r}")
        if (username is None) != (password is None):
            raise ValueError("username and password are given together, or neither is")
        if username is not None and tls == "none":
            raise ValueError("tls='none' would send the password in the clear; use 'starttls' or 'tls'")
        for what, text in (("host", host), ("local_hostname", local_hostname)):
            if not _HOST.fullmatch(text):
                raise ValueError(f"{what} must be a name without spaces, got {text!r}")
        self.name = name
        self._sender = parse_mailbox(check_header("sender", sender))
        self._where = (host, check_count("port", port, least=1, most=65_535))
        self._login = None if username is None or password is None else (username, password)
        self._tls = tls
        self._given_context = tls_context
        self._hello = f"EHLO {local_hostname}"
        self._clock = clock
        super().__init__(
            Pool(
                most=check_count("max_connections", max_connections, least=1),
                timeout_seconds=check_number("timeout_seconds", timeout_seconds, above=0),
                clock=clock,
            )
        )

    def __repr__(self) -> str:
        return f"SMTPChannel(name={self.name!r}, host={self._where[0]!r}, port={self._where[1]}, tls={self._tls!r})"

    def _delivery(self, message: Message, visit: Visit) -> Work[Outcome]:
        try:
            mail = compose(message, sender=self._sender, at=self._clock.now())
        except AddressError:
            return Refused("not an address", bad_address=True)
        except HeaderInjection as error:
            return Refused(str(error), bad_address=error.field == "To")
        try:
            return (yield from self._pool.converse(visit, None, self._dial, partial(self._transaction, mail)))
        except ConnectionFailed as failed:
            return Unclear(failed.reason) if failed.committed else Later(failed.reason)

    def _dial(self) -> Work[Wire]:
        host, port = self._where
        wire = yield from opened(host, port, self._context if self._tls == "tls" else None, host)
        try:
            yield from _expect(wire, 220, "greeting")
            offers = yield from _asked(wire, self._hello, 250, "EHLO")
            if self._tls == "starttls":
                yield from _asked(wire, "STARTTLS", 220, "STARTTLS")
                yield from wire.start_tls(self._context, host)
                offers = yield from _asked(wire, self._hello, 250, "EHLO")
            if self._login is not None:
                yield from _log_in(wire, *self._login, plain=_offers_plain(offers))
        except BaseException:
            wire.close()
            raise
        return wire

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return self._given_context or ssl.create_default_context()

    def _transaction(self, mail: Mail, wire: Wire) -> Work[Outcome]:
        for command, right in (
            (f"MAIL FROM:<{self._sender.address}>", {250}),
            (f"RCPT TO:<{mail.recipient}>", {250, 251}),
            ("DATA", {354}),
        ):
            reply = yield from _ask(wire, command)
            if reply.code not in right:
                outcome = _judged(reply, of_recipient=command.startswith("RCPT"))
                wire.keep = yield from _reset(wire, reply)
                return outcome
        wire.committed = True
        yield from wire.write(re.sub(rb"(?m)^\.", b"..", mail.content) + b".\r\n")
        reply = yield from _reply(wire)
        wire.keep = reply.code != 421
        return Accepted(mail.message_id) if reply.code == 250 else _judged(reply, of_recipient=True)


def _judged(reply: Reply, *, of_recipient: bool) -> Outcome:
    if 400 <= reply.code < 500:
        return Later(reply.reason)
    if reply.code >= 500:
        bad = of_recipient and reply.status.startswith("5.1.") and reply.status not in _BAD_SENDER
        return Refused(reply.reason, bad_address=bad)
    raise ProtocolError(f"unexpected {reply.code}")


def _reply(wire: Wire) -> Work[Reply]:
    """A whole answer; more than that would be somebody else's words (CVE-2011-0411)."""
    data = b""
    while (last := _LAST_LINE.search(data)) is None:
        if len(data) > _MOST_REPLY:
            raise ProtocolError("an endless answer")
        data += yield from wire.read()
    if last.end() != len(data):
        raise ProtocolError("more than one answer")
    lines = data.decode("utf-8", "replace").splitlines()
    return Reply(int(lines[-1][:3]), [line[4:] for line in lines])


def _ask(wire: Wire, command: str) -> Work[Reply]:
    yield from wire.write(command.encode("utf-8") + b"\r\n")
    return (yield from _reply(wire))


def _expect(wire: Wire, code: int, what: str) -> Work[Reply]:
    reply = yield from _reply(wire)
    if reply.code != code:
        raise ProtocolError(f"{what}: {reply.reason}")
    return reply


def _asked(wire: Wire, command: str, code: int, what: str) -> Work[Reply]:
    yield from wire.write(command.encode("utf-8") + b"\r\n")
    return (yield from _expect(wire, code, what))


def _offers_plain(hello: Reply) -> bool:
    mechanisms = [line.upper().split()[1:] for line in hello.lines if line.upper().startswith(("AUTH ", "AUTH="))]
    return any("PLAIN" in offered for offered in mechanisms)


def _log_in(wire: Wire, username: str, password: str, *, plain: bool) -> Work[None]:
    """AUTH PLAIN (RFC 4616) where it is offered, else LOGIN."""

    def encoded(text: str) -> str:
        return base64.b64encode(text.encode()).decode()

    if plain:
        yield from _asked(wire, "AUTH PLAIN " + encoded(f"\0{username}\0{password}"), 235, "AUTH")
    else:
        yield from _asked(wire, "AUTH LOGIN", 334, "AUTH")
        yield from _asked(wire, encoded(username), 334, "AUTH")
        yield from _asked(wire, encoded(password), 235, "AUTH")


def _reset(wire: Wire, reply: Reply) -> Work[bool]:
    """End a transaction that was refused; whether another may follow."""
    if reply.code == 421:
        return False
    try:
        return (yield from _ask(wire, "RSET")).code == 250
    except OSError:  # the answer to the mail is known
        return False
