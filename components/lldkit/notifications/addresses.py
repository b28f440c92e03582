"""Mail addresses that a new message may be sent to (RFC 5321 dot-strings), and mailboxes: an address with a name."""

import re
from typing import Final, NamedTuple

from lldkit.notifications.interface import AddressError

__all__ = ["Mailbox", "parse_address", "parse_mailbox"]

_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_LOCAL: Final = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_DOMAIN: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_MOST_LOCAL: Final = 64
_MOST_DOMAIN: Final = 253
_MOST: Final = 254
_NAME: Final = re.compile(r'"((?:[^"\\]|\\.)*)"|([^"\\<>]*)')


class Mailbox(NamedTuple):
    """An address and the name of its owner, which may be empty."""

    name: str
    address: str


def parse_address(text: str) -> str:
    """The address, its domain in lower case; an AddressError says where `text` is no address.

    Narrower than what SMTP allows: no quotes, comments or address literals, a domain of at least two labels, ASCII only
    (international domains in their `xn--` form). DNS is not asked. Linear in the length of `text`.

    >>> parse_address("Joerg.Mueller@Example.COM")
    'Joerg.Mueller@example.com'
    """
    local = _LOCAL.match(text)
    if local is None:
        raise AddressError(
            text, 0, "the part before the @ must begin with a letter, digit or one of !#$%&'*+/=?^_`{|}~-"
        )
    at = local.end()
    if text[at : at + 1] != "@":
        raise AddressError(text, at, "expected @")
    if at > _MOST_LOCAL:
        raise AddressError(text, _MOST_LOCAL, f"the part before the @ has more than {_MOST_LOCAL} characters")
    domain = _DOMAIN.match(text, at + 1)
    end = at + 1 if domain is None else domain.end()
    if domain is None or end < len(text):
        raise AddressError(text, end, "labels of a domain are 1 to 63 letters, digits and inner hyphens")
    if "." not in domain[0]:
        raise AddressError(text, end, "a domain has at least two labels")
    if len(domain[0]) > _MOST_DOMAIN or end > _MOST:
        most = min(at + 1 + _MOST_DOMAIN, _MOST)
        raise AddressError(text, most, f"a domain has at most {_MOST_DOMAIN} characters, an address {_MOST}")
    return f"{local[0]}@{domain[0].lower()}"


def parse_mailbox(text: str) -> Mailbox:
    """An address alone, or behind a name: `Shop <shop@example.com>`, `"Doe, Eve" <eve@example.com>`; else AddressError.

    >>> parse_mailbox('"Doe, Eve" <eve@example.com>')
    Mailbox(name='Doe, Eve', address='eve@example.com')
    """
    if not text.endswith(">"):
        return Mailbox("", parse_address(text))
    before, bracket, inner = text[:-1].rpartition("<")
    name = _NAME.fullmatch(before.strip(" "))
    if not bracket or name is None:
        raise AddressError(text, 0, "a name with special characters stands in double quotes")
    try:
        address = parse_address(inner)
    except AddressError as error:
        raise AddressError(text, len(before) + 1 + error.position, "no address between < and >") from None
    return Mailbox(re.sub(r"\\(.)", r"\1", name[1]) if name[1] is not None else name[2], address)
