"""The servers of this room's tests."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from lldkit.notifications.memory import MemoryStore
from lldkit.notifications.postgres import PostgresStore
from lldkit.notifications.sqlite import SQLiteStore
from lldkit.notifications.store import Store
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


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Each of the stores, empty; the caller's time counts."""
    found: Store
    if request.param == "memory":
        found = MemoryStore()
    elif request.param == "sqlite":
        found = SQLiteStore(tmp_path / "outbox.db")
    else:
        found = PostgresStore(request.getfixturevalue("postgres_dsn"), server_time=False)
    yield found
    found.close()
