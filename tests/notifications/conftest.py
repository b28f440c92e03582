"""The servers of this room's tests."""

import ssl
from collections.abc import Iterator

import pytest
import trustme

from notifications.channel_servers import MailServer, WebServer


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    """An SMTP server in the clear."""
    server = MailServer()
    yield server
    server.close()


@pytest.fixture
def web_server() -> Iterator[WebServer]:
    """An HTTP server in the clear."""
    server = WebServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Whoever signs the certificates of our servers."""
    return trustme.CA()


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """What a client believes: that authority."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
def certified(authority: trustme.CA) -> ssl.SSLContext:
    """What a server shows: a certificate for localhost and hooks.test."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "hooks.test").configure_cert(context)
    return context
