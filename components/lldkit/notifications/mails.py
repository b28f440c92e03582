"""A message as the bytes of a mail (RFC 5322, MIME). Pure."""

import re
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final, NamedTuple

from lldkit.notifications.addresses import Mailbox, parse_mailbox
from lldkit.notifications.headers import check_header, check_headers
from lldkit.notifications.interface import HeaderInjection, Message

__all__ = ["Mail", "compose"]

_POLICY: Final = SMTP.clone(cte_type="7bit")  # which every server understands
_ID: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+")
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
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = Address(sender.name, addr_spec=sender.address)
    mail["To"] = Address(recipient.name, addr_spec=recipient.address)
    mail["Subject"] = check_header("Subject", message.subject or "")
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = message_id
    for name, value in check_headers(message.headers, reserved=_RESERVED).items():
        mail[name] = value
    if message.html is None or message.text is not None:
        mail.set_content(message.text or "")
        if message.html is not None:
            mail.add_alternative(message.html, subtype="html")
    else:
        mail.set_content(message.html, subtype="html")
    return Mail(recipient.address, message_id, mail.as_bytes())
