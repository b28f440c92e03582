"""A message as the bytes of a mail (RFC 5322, 2045, 2047), in ASCII, which every server understands. Pure."""

import binascii
import re
from datetime import datetime
from email.header import Header
from email.utils import format_datetime, formataddr
from typing import Final, NamedTuple

from lldkit.notifications.addresses import Mailbox, parse_mailbox
from lldkit.notifications.headers import check_header, check_headers
from lldkit.notifications.interface import HeaderInjection, Message

__all__ = ["Mail", "compose"]

_ID: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+")
_PLAIN: Final = re.compile(r"(?:[\t -~]{0,990}(?:\r\n|\Z))*")
_MOST_LINE: Final = 900  # of the 998 that a line may have
_RESERVED: Final = {
    *("from", "sender", "to", "cc", "bcc", "subject", "date", "message-id"),
    *("mime-version", "content-type", "content-transfer-encoding", "return-path"),
}


class Mail(NamedTuple):
    """Who gets it, its Message-ID (`<id@domain of the sender>`), and all that is sent, in lines that end in CRLF."""

    recipient: str
    message_id: str
    content: bytes


def compose(message: Message, *, sender: Mailbox, at: datetime) -> Mail:
    """The mail; HeaderInjection or AddressError, before anything else happens, when its head would not be ours."""
    recipient = parse_mailbox(check_header("To", message.address))
    if not _ID.fullmatch(message.id):
        raise HeaderInjection("Message-ID")
    message_id = f"<{message.id}@{sender.address.rpartition('@')[2]}>"
    head = {
        "From": formataddr(sender),
        "To": formataddr(recipient),
        "Subject": check_header("Subject", message.subject or ""),
        "Date": format_datetime(at),
        "Message-ID": message_id,
        **check_headers(message.headers, reserved=_RESERVED),
        "MIME-Version": "1.0",
    }
    fields = "".join(f"{name}: {_encoded(name, value)}\r\n" for name, value in head.items())
    return Mail(recipient.address, message_id, (fields + _body(message)).encode("ascii"))


def _encoded(name: str, value: str) -> str:
    """A field as it is if it can stand so, else as encoded words in short lines."""
    if value.isascii() and len(value) <= _MOST_LINE:
        return value
    return Header(value, "us-ascii" if value.isascii() else "utf-8", header_name=name).encode(linesep="\r\n")


def _body(message: Message) -> str:
    if message.html is None:
        return _part("plain", message.text or "")
    if message.text is None:
        return _part("html", message.html)
    boundary = f"={message.id[:40]}="  # which no part can hold, see there
    parts = "".join(
        f"--{boundary}\r\n{_part(kind, text)}" for kind, text in (("plain", message.text), ("html", message.html))
    )
    return f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n{parts}--{boundary}--\r\n'


def _part(kind: str, text: str) -> str:
    """A text of this subtype with the fields that describe it."""
    text = re.sub(r"\r\n|\r|\n", "\r\n", text) + "\r\n"
    plain = _PLAIN.fullmatch(text) is not None and "--=" not in text  # encoded, there is no such thing
    coded = text if plain else binascii.b2a_qp(text.encode()).decode("ascii")
    return (
        f'Content-Type: text/{kind}; charset="utf-8"\r\n'
        f"Content-Transfer-Encoding: {'7bit' if plain else 'quoted-printable'}\r\n\r\n{coded}"
    )
