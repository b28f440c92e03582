"""Header fields of mails and requests: what holds a line break could add fields of its own, so it is refused."""

import re
from collections.abc import Collection, Mapping
from typing import Final

from lldkit.notifications.interface import HeaderInjection

__all__ = ["check_header", "check_headers"]

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")  # all that some parser takes for the end of a line
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def check_header(field: str, value: str) -> str:
    """`value`, if it can stand in the header `field`; else HeaderInjection."""
    if _CONTROL.search(value):
        raise HeaderInjection(field)
    return value


def check_headers(headers: Mapping[str, str], *, reserved: Collection[str]) -> Mapping[str, str]:
    """`headers`, if each is one header and none is `reserved` (names in lower case); else HeaderInjection."""
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name) or name.lower() in reserved:
            raise HeaderInjection(name)
        check_header(name, value)
    return headers
