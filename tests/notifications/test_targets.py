"""Where webhooks may not go, however it is written."""

import socket
from collections.abc import Sequence

import pytest

from lldkit.notifications.interface import TargetRefused
from lldkit.notifications.targets import Target, check_target, resolve_host

PUBLIC = "93.184.215.14"


def to(*addresses: str) -> "Resolver":
    return Resolver(addresses)


class Resolver:
    """Resolves every name to the same addresses, and remembers what it was asked."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self.addresses = addresses
        self.asked: list[str] = []

    def __call__(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        return self.addresses


def refusal(url: str, *addresses: str, allow_private: bool = False) -> str:
    with pytest.raises(TargetRefused) as refused:
        check_target(url, resolve=to(*addresses or (PUBLIC,)), allow_private=allow_private, allow_http=True)
    assert refused.value.url == url
    return refused.value.reason


def test_a_public_name_is_a_target_at_the_address_that_was_checked() -> None:
    resolve = to(PUBLIC, "2606:2800:220:1::1")
    expected = Target("https", "hooks.example.com", 443, PUBLIC, "/in?a=1&b=%20")
    assert check_target("https://HOOKS.Example.com./in?a=1&b=%20#part", resolve=resolve) == expected
    assert resolve.asked == ["hooks.example.com"]


@pytest.mark.parametrize("url", ["https://8.8.8.8/", "https://[2606:4700:4700::1111]:8443/x"])
def test_a_public_address_is_a_target_and_no_name_is_resolved(url: str) -> None:
    resolve = to()
    assert check_target(url, resolve=resolve).ip in {"8.8.8.8", "2606:4700:4700::1111"}
    assert resolve.asked == []


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("10.0.0.1", "private"),
        ("172.16.0.1", "private"),
        ("172.31.255.255", "private"),
        ("192.168.1.1", "private"),
        ("169.254.169.254", "link-local"),
        ("100.64.0.1", "CGNAT"),
        ("100.127.255.255", "CGNAT"),
        ("224.0.0.1", "multicast"),
        ("0.0.0.0", "unspecified"),
        ("0.1.2.3", "unspecified"),
        ("192.0.0.8", "reserved"),
        ("192.0.2.1", "examples"),
        ("198.18.0.1", "benchmarks"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"),
        ("::1", "loopback"),
        ("::", "unspecified"),
        ("fc00::1", "private"),
        ("fd12:3456::1", "private"),
        ("fe80::1", "link-local"),
        ("ff02::1", "multicast"),
        ("2001:db8::1", "examples"),
        ("2001::1", "reserved"),  # Teredo
        ("fec0::1", "reserved"),
        ("100::1", "reserved"),
        ("::7f00:1", "reserved"),  # IPv4-compatible
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:a9fe:a9fe", "link-local"),
        ("64:ff9b::7f00:1", "loopback"),  # NAT64
        ("64:ff9b::10.0.0.1", "private"),
        ("64:ff9b:1::1", "reserved"),
        ("2002:7f00:1::1", "loopback"),  # 6to4
    ],
)
def test_an_address_of_our_own_networks_is_refused_by_its_kind_written_or_resolved(address: str, kind: str) -> None:
    literal = f"[{address}]" if ":" in address else address
    assert kind in refusal(f"http://{literal}/")
    assert kind in refusal("http://hooks.example.com/", address)


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "017700000001",
        "0177.0.0.1",
        "127.1",
        "127.0.1",
        "127.0.0.01",
        "0",
        "0x",
        "127.0.0.1.",
        "2130706433.",
        "localhost.0x7f",
        "256.256.256.256",
        "1.2.3.4.5",
        "[::1",
        "[127.0.0.1]",
        "[::ffff:127.0.0.1]",
        "[fe80::1%25eth0]",
        "[fe80::1%eth0]",
        "127.0.0.1%00.example.com",
        "%31%32%37.0.0.1",
        "\uff11\uff12\uff17.0.0.1",
        "\u24dbocalhost",
        "",
        ".",
        "a..b",
        "-",
        "a b",
        "x" * 254,
    ],
)
def test_an_address_in_disguise_or_no_host_at_all_is_refused(host: str) -> None:
    assert refusal(f"http://{host}/")


@pytest.mark.parametrize(
    "url",
    [
        "http://user@hooks.example.com/",
        "http://hooks.example.com@127.0.0.1/",
        "http://:pw@hooks.example.com/",
        "http://hooks.example.com:0/",
        "http://hooks.example.com:65536/",
        "http://hooks.example.com:http/",
        "http://hooks.example.com\\@127.0.0.1/",
        "http:\\\\hooks.example.com/",
        "http://hooks.example.com/\r\nX: y",
        "http://hooks.example.com/\t",
        "http://hooks.example.com/\x00",
        "http://hooks.example.com/ ",
        " http://hooks.example.com/",
        "http://hooks.example.com/ü",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "gopher://hooks.example.com/",
        "//hooks.example.com/",
        "hooks.example.com",
        "http:hooks.example.com",
        "http://hooks.example.com/" + "x" * 8_000,
        "",
    ],
)
def test_a_url_that_two_parsers_could_read_in_two_ways_is_refused(url: str) -> None:
    assert refusal(url)


def test_a_name_with_any_refused_address_is_refused() -> None:
    assert "private" in refusal("https://hooks.example.com/", PUBLIC, "10.0.0.1")


def test_a_name_without_an_address_is_refused() -> None:
    with pytest.raises(TargetRefused, match="no address"):
        check_target("https://hooks.example.com/", resolve=to())


def test_what_a_resolver_returns_is_checked_as_an_address() -> None:
    assert "no address" in refusal("https://hooks.example.com/", "localhost")
    assert "link-local" in refusal("https://hooks.example.com/", "fe80::1%eth0")


def test_http_needs_permission() -> None:
    with pytest.raises(TargetRefused, match="https"):
        check_target("http://hooks.example.com/", resolve=to(PUBLIC))
    assert check_target("http://hooks.example.com/", resolve=to(PUBLIC), allow_http=True).port == 80


def test_private_networks_open_by_permission_and_the_clouds_credentials_never_do() -> None:
    for address in ("127.0.0.1", "10.0.0.1", "100.64.0.1", "::1", "fd00::1"):
        target = check_target("https://intern.example.com/", resolve=to(address), allow_private=True)
        assert target.ip == address
    for address in ("169.254.169.254", "fe80::1", "224.0.0.1", "0.0.0.0", "::ffff:169.254.169.254"):
        assert refusal("https://intern.example.com/", address, allow_private=True)


def test_a_refusal_does_not_show_the_url() -> None:
    with pytest.raises(TargetRefused) as refused:
        check_target("https://127.0.0.1/token=geheim")
    assert "geheim" not in str(refused.value)


def test_a_resolver_that_cannot_tell_is_heard() -> None:
    def broken(host: str) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    with pytest.raises(socket.gaierror):
        check_target("https://hooks.example.com/", resolve=broken)


def test_a_name_that_does_not_exist_has_no_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(code: int) -> None:
        def look_up(*_: object, **__: object) -> Sequence[object]:
            raise socket.gaierror(code, "no")

        monkeypatch.setattr(socket, "getaddrinfo", look_up)

    answer(socket.EAI_NONAME)
    assert resolve_host("nowhere.example.com") == ()
    answer(socket.EAI_AGAIN)
    with pytest.raises(socket.gaierror):
        resolve_host("nowhere.example.com")


def test_the_resolver_of_the_system_knows_this_machine() -> None:
    assert set(resolve_host("localhost")) <= {"127.0.0.1", "::1"}
    assert resolve_host("localhost")
