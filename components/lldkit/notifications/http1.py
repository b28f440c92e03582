"""One HTTP/1.1 exchange: a request goes out, the head of the answer comes back, and the body is read and dropped."""

import re
from typing import Final, NamedTuple

from lldkit.notifications.wires import ProtocolError, Wire, Work

__all__ = ["Response", "exchange"]

_MOST_HEAD: Final = 16_384
_STATUS: Final = re.compile(r"HTTP/1\.([0-9]) ([1-9][0-9]{2})(?: .*)?")
_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;.*)?")


class Response(NamedTuple):
    """The status and the fields of an answer, names in lower case; of a repeated field the last one."""

    status: int
    headers: dict[str, str]


def exchange(wire: Wire, request: bytes, *, most: int) -> Work[Response]:
    """Send `request` and wait for its answer, of whose body at most `most` bytes are read.

    The connection may be kept if the body's end was seen within that.
    """
    yield from wire.write(request)
    wire.committed = True
    buffer = b""
    while True:
        head, buffer = yield from _until(wire, buffer, b"\r\n\r\n", _MOST_HEAD)
        persistent, response = _parsed(head)
        if response.status == 101:
            raise ProtocolError("no HTTP")
        if response.status >= 200:
            break
    try:
        behind = yield from _skip_body(wire, response, buffer, most)
    except OSError:  # the status is known, whatever becomes of the rest
        return response
    wire.keep = persistent and behind == b""
    return response


def _until(wire: Wire, buffer: bytes, end: bytes, most: int) -> Work[tuple[bytes, bytes]]:
    """What stands before `end`, and what came behind it."""
    while (at := buffer.find(end)) < 0:
        if len(buffer) > most:
            raise ProtocolError("no HTTP")
        buffer += yield from wire.read()
    return buffer[:at], buffer[at + len(end) :]


def _parsed(head: bytes) -> tuple[bool, Response]:
    """Whether another exchange may follow, and the answer."""
    status, *fields = head.decode("latin-1").split("\r\n")
    found = _STATUS.fullmatch(status)
    if found is None:
        raise ProtocolError("no HTTP")
    headers = {}
    for field in fields:
        name, _, value = field.partition(":")
        headers[name.lower()] = value.strip(" \t")
    wish = headers.get("connection", "").lower()
    return ("close" not in wish if found[1] != "0" else "keep-alive" in wish), Response(int(found[2]), headers)


def _skip_body(wire: Wire, response: Response, buffer: bytes, most: int) -> Work[bytes | None]:
    """What came behind the body, or None if its end was not seen."""
    if response.status in {204, 304}:
        return buffer
    if "transfer-encoding" in response.headers:
        chunked = response.headers["transfer-encoding"].lower() == "chunked"
        return (yield from _skip_chunks(wire, buffer, most)) if chunked else None
    length = response.headers.get("content-length", "")
    if not re.fullmatch(r"[0-9]{1,18}", length):
        return None  # it ends with the connection
    size = int(length)
    while len(buffer) < min(size, most):
        buffer += yield from wire.read()
    return buffer[size:] if size <= most else None


def _skip_chunks(wire: Wire, buffer: bytes, most: int) -> Work[bytes | None]:
    while True:
        line, buffer = yield from _until(wire, buffer, b"\r\n", most)
        found = _SIZE.fullmatch(line)
        if found is None:
            return None
        size = int(found[1], 16)
        most -= size
        if most < 0:
            return None
        if size == 0:
            break
        while len(buffer) < size + 2:
            buffer += yield from wire.read()
        buffer = buffer[size + 2 :]
    while line:  # fields behind the body, up to an empty line
        line, buffer = yield from _until(wire, buffer, b"\r\n", most)
        most -= len(line)
        if most < 0:
            return None
    return buffer
