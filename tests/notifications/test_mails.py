"""Mails as bytes: what the parser of the standard library reads is what was written, whatever it was."""

import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lldkit.notifications.addresses import Mailbox
from lldkit.notifications.interface import Message
from lldkit.notifications.mails import compose
from notifications.channel_servers import message

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHOP = Mailbox("Müller, Jörg", "shop@example.com")

# One line without what the parser takes for a line's end, and without white space that folding may change.
WORDS = st.lists(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1), max_size=8)
LINES = WORDS.map(" ".join)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00")) | st.lists(LINES).map("\r\n".join)


def content(sent: Message) -> bytes:
    return compose(sent, sender=SHOP, at=NOON).content


def read(sent: Message) -> EmailMessage:
    found = message_from_bytes(content(sent), policy=default)
    assert isinstance(found, EmailMessage)
    return found


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return lines(str(part.get_content()))


def lines(text: str) -> str:
    return re.sub(r"\r\n|\r", "\n", text)


@settings(deadline=None)
@given(LINES, LINES)
def test_every_subject_and_name_survives(subject: str, name: str) -> None:
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    mail = read(message(subject=subject, address=f'"{quoted}" <eve@example.com>'))
    assert mail["Subject"] == subject
    assert [(a.display_name, a.addr_spec) for a in mail["To"].addresses] == [(name, "eve@example.com")]
    assert [(a.display_name, a.addr_spec) for a in mail["From"].addresses] == [SHOP]


@settings(deadline=None)
@given(TEXTS, TEXTS)
def test_every_text_survives_in_a_mail_of_short_ascii_lines(text: str, html: str) -> None:
    sent = message(text=text, html=html)
    mail = read(sent)
    assert (body(mail, "plain"), body(mail, "html")) == (lines(text), lines(html))
    written = content(sent)
    assert written.isascii()
    assert b"\n" not in written.replace(b"\r\n", b"")
    assert b"\r" not in written.replace(b"\r\n", b"")
    assert max(map(len, written.split(b"\r\n"))) <= 998


@pytest.mark.parametrize(
    "text", ["a\n--=d1=\nContent-Type: text/html\n\n<b>", "--=d1=--", "a\n.\nb", "x" * 5_000, "\x00"]
)
def test_a_text_cannot_end_its_part_or_the_mail(text: str) -> None:
    mail = read(message(text=text, html="<p>"))
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert body(mail, "plain") == lines(text)


def test_a_long_subject_is_folded_and_a_long_link_is_not() -> None:
    link = "<https://shop.example.com/u?" + "t=1,2;3&" * 40 + ">"
    mail = read(message(subject="ä" * 300, headers={"List-Unsubscribe": link}))
    assert mail["Subject"] == "ä" * 300
    assert mail["List-Unsubscribe"] == link
    assert max(map(len, content(message(subject="ä" * 300)).split(b"\r\n"))) <= 78
