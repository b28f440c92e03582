"""Where a webhook may go: a URL that users wrote must not make this machine talk to its own network (SSRF)."""

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias
from urllib.parse import urlsplit

from lldkit.notifications.interface import TargetRefused

__all__ = [
    "PORTS",
    "Endpoint",
    "Resolve",
    "Target",
    "check_target",
    "checked_ip",
    "literal",
    "parse_target",
    "resolve_host",
]

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve: TypeAlias = Callable[[str], Sequence[str]]

_MOST_URL: Final = 8_000
_NAME: Final = re.compile(r"(?!.*\.\.)[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
PORTS: Final = {"http": 80, "https": 443}

# The special-purpose registries of IANA (RFC 6890), with what `allow_private` opens.
_PRIVATE: Final = {
    "127.0.0.0/8": "loopback",
    "10.0.0.0/8": "private",
    "172.16.0.0/12": "private",
    "192.168.0.0/16": "private",
    "100.64.0.0/10": "shared by carriers (CGNAT)",
    "::1/128": "loopback",
    "fc00::/7": "private",
}
_NEVER: Final = {
    "0.0.0.0/8": "unspecified",
    "169.254.0.0/16": "link-local",
    "192.0.0.0/24": "reserved",
    "192.0.2.0/24": "reserved for examples",
    "192.88.99.0/24": "reserved",
    "198.18.0.0/15": "reserved for benchmarks",
    "198.51.100.0/24": "reserved for examples",
    "203.0.113.0/24": "reserved for examples",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved",
    "::/128": "unspecified",
    "fe80::/10": "link-local",
    "ff00::/8": "multicast",
    "2001::/23": "reserved",
    "2001:db8::/32": "reserved for examples",
    "3fff::/20": "reserved for examples",
}
_GLOBAL_6: Final = ipaddress.IPv6Network("2000::/3")
_SPECIAL: Final = [
    (ipaddress.ip_network(network), kind, table is _PRIVATE)
    for table in (_PRIVATE, _NEVER)
    for network, kind in table.items()
]
# Networks of IPv6 that carry an IPv4 address, and how many bits stand behind it.
_CARRIERS: Final = {
    ipaddress.IPv6Network("::ffff:0:0/96"): 0,
    ipaddress.IPv6Network("64:ff9b::/96"): 0,
    ipaddress.IPv6Network("2002::/16"): 80,
}


class Endpoint(NamedTuple):
    """What a URL names, before any name was resolved: `host` in lower case, without brackets or final full stop."""

    scheme: Literal["http", "https"]
    host: str
    port: int
    path: str


class Target(NamedTuple):
    """A URL that may be called, at the address that was checked: dial `ip`, not `host`, or the answer may change."""

    scheme: Literal["http", "https"]
    host: str
    port: int
    ip: str
    path: str


def resolve_host(host: str) -> Sequence[str]:
    """The addresses of `host`, none if there is no such name; an OSError when nobody can tell now. Blocks."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno == socket.EAI_NONAME:
            return ()
        raise
    return [str(address[0]) for *_, address in found]


def check_target(
    url: str, *, resolve: Resolve = resolve_host, allow_private: bool = False, allow_http: bool = False
) -> Target:
    """The target of `url`, or TargetRefused; what `resolve` raises passes through.

    `allow_private` opens loopback, private and carrier networks, never link-local ones, where clouds keep their
    credentials. A name is refused if any of its addresses is.

    >>> check_target("https://hooks.example.com/in?x=1", resolve=lambda host: ["93.184.215.14"])
    Target(scheme='https', host='hooks.example.com', port=443, ip='93.184.215.14', path='/in?x=1')
    """
    scheme, host, port, path = parse_target(url, allow_private=allow_private, allow_http=allow_http)
    ip = checked_ip(url, literal(host) or resolve(host), allow_private=allow_private)
    return Target(scheme, host, port, ip, path)


def parse_target(url: str, *, allow_private: bool = False, allow_http: bool = False) -> Endpoint:
    """What `url` names; TargetRefused if it is wrong whatever its name resolves to. Pure."""
    if len(url) > _MOST_URL:
        raise TargetRefused(url, f"a URL has at most {_MOST_URL} characters, this one has {len(url)}")
    if not re.fullmatch(r"[!-~]+", url) or "\\" in url:
        raise TargetRefused(url, "a URL is printable ASCII without spaces and backslashes; write names in xn-- form")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise TargetRefused(url, "not a URL") from None
    scheme: Literal["http", "https"]
    if parts.scheme == "https":
        scheme = "https"
    elif parts.scheme == "http" and allow_http:
        scheme = "http"
    else:
        raise TargetRefused(url, "the scheme must be https" + (" or http" if allow_http else ""))
    if "@" in parts.netloc:
        raise TargetRefused(url, "user info in a URL")
    if port == 0:
        raise TargetRefused(url, "port 0")
    host = _host(url, parts.hostname or "", bracketed="[" in parts.netloc)
    if _might_be_address(host):
        # Some resolvers read 2130706433, 0x7f.1 and 0177.0.0.1 as 127.0.0.1.
        if _address(host) is None:
            raise TargetRefused(url, "an address must be written as 192.0.2.1 or [2001:db8::1]")
        checked_ip(url, [host], allow_private=allow_private)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Endpoint(scheme, host, port or PORTS[scheme], path)


def literal(host: str) -> list[str]:
    """The one address that the host of an endpoint is, if it is one and no name."""
    return [host] if _might_be_address(host) else []


def checked_ip(url: str, addresses: Sequence[str], *, allow_private: bool = False) -> str:
    """The first of `addresses`, if all of them may be called; else TargetRefused. Pure."""
    if not addresses:
        raise TargetRefused(url, "the host has no address")
    for text in addresses:
        address = _address(text)
        kind = "no address" if address is None else _refusal(address, allow_private=allow_private)
        if kind:
            raise TargetRefused(url, f"the host's address is {kind}")
    return addresses[0]


def _host(url: str, host: str, *, bracketed: bool) -> str:
    """The host as it is to be resolved or dialled: an address without brackets, or a name without final full stop."""
    if bracketed != (":" in host):
        raise TargetRefused(url, "only an IPv6 address stands in brackets")
    host = host if bracketed else host.removesuffix(".")
    if not bracketed and not _NAME.fullmatch(host):
        raise TargetRefused(url, "not a host name")
    return host


def _might_be_address(host: str) -> bool:
    """It ends in a number; no name of a public domain does."""
    return ":" in host or _NUMBER.fullmatch(host.rpartition(".")[2]) is not None


def _address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _refusal(address: Address, *, allow_private: bool) -> str:
    """Why `address` must not be called; empty if it may."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return "link-local"
        for network, behind in _CARRIERS.items():
            if address in network:
                return _refusal(ipaddress.IPv4Address(int(address) >> behind & 0xFFFFFFFF), allow_private=allow_private)
    for special, kind, private in _SPECIAL:
        if address.version == special.version and address in special:
            return "" if private and allow_private else kind
    return "reserved" if address.version == 6 and address not in _GLOBAL_6 else ""
