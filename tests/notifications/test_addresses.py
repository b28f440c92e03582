"""Which texts are mail addresses, and where the others stop being one."""

import pytest

from lldkit.notifications.addresses import Mailbox, parse_address, parse_mailbox
from lldkit.notifications.interface import AddressError


def test_the_domain_is_lowered_and_the_local_part_is_not() -> None:
    assert parse_address("Eve.O'Hara+x@Example.COM") == "Eve.O'Hara+x@example.com"


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 0),
        (".a@b.c", 0),
        ("a..b@c.d", 1),
        ("a b@c.d", 1),
        ("eve", 3),
        ("eve@", 4),
        ("eve@-a.b", 4),
        ("eve@a_b.c", 5),
        ("eve@a.b\n", 7),
        ("eve@gmail", 9),
        ("x" * 65 + "@a.b", 64),
        ("eve@" + "x" * 64 + ".de", 67),
        ("eve@müller.de", 5),
        ("jörg@a.de", 1),
    ],
)
def test_an_error_says_where_the_text_stops_being_an_address(text: str, position: int) -> None:
    with pytest.raises(AddressError) as refused:
        parse_address(text)
    assert refused.value.position == position


def test_an_address_has_at_most_254_characters() -> None:
    labels = ".".join(["x" * 61] * 4)  # 247 characters
    assert parse_address(f"abcdef@{labels}") == f"abcdef@{labels}"
    with pytest.raises(AddressError) as refused:
        parse_address(f"abcdefg@{labels}")
    assert refused.value.position == 254


def test_an_error_does_not_quote_the_address() -> None:
    with pytest.raises(AddressError) as refused:
        parse_address("secret.person@")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("eve@a.de", "", "eve@a.de"),
        ("<eve@a.de>", "", "eve@a.de"),
        ("Eve <eve@A.de>", "Eve", "eve@a.de"),
        ('"Müller, Jörg" <j@a.de>', "Müller, Jörg", "j@a.de"),
        (r'"a \"b\" c" <j@a.de>', 'a "b" c', "j@a.de"),
    ],
)
def test_a_mailbox_is_an_address_with_or_without_a_name(text: str, name: str, address: str) -> None:
    assert parse_mailbox(text) == Mailbox(name, address)


@pytest.mark.parametrize(
    ("text", "position"),
    [("Eve eve@a.de>", 0), ('"Eve <eve@a.de>', 0), ("Eve <x> <eve@a.de>", 0), ("Eve <eve@a_b.de>", 10)],
)
def test_what_is_no_mailbox_is_refused_where_it_stops_being_one(text: str, position: int) -> None:
    with pytest.raises(AddressError) as refused:
        parse_mailbox(text)
    assert refused.value.position == position


def test_a_text_as_long_as_a_book_is_judged_at_once() -> None:
    for text in ("a." * 500_000, "a@" + "a-" * 500_000):
        with pytest.raises(AddressError):
            parse_address(text)
