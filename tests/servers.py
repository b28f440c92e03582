"""Real servers for tests: Redis and PostgreSQL on loopback, which a test may kill, freeze and start again.

A server given by LLDKIT_TEST_REDIS_URL or LLDKIT_TEST_POSTGRES_URL is used as it is and cannot be killed; otherwise the
executable is searched on PATH and in Debian's versioned folder and runs with a data folder of its own.
"""

import contextlib
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar
from urllib.parse import urlsplit

import psycopg
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

DEADLINE = 30.0  # seconds that a server may take to start or to end


class MissingError(Exception):
    """No such engine on this machine; the text is the reason to skip."""


class Server:
    """One server process on a free loopback port, with a temporary data folder that outlives restarts, not `close`."""

    def __init__(self) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix=f"lldkit-{type(self).__name__}-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper: subprocess.Popen[bytes] | None = None
        try:
            self.prepare()
            self.start()
        except BaseException:
            self.close()
            raise

    def prepare(self) -> None:
        """Fill the data folder before the first start."""

    def command(self) -> Sequence[str]:
        raise NotImplementedError

    def is_ready(self) -> bool:
        raise NotImplementedError

    def flush(self) -> None:
        """Remove all that was stored."""
        raise NotImplementedError

    def user(self) -> str | None:
        """Whom to run as."""
        return None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start on the same port and data and return when it serves; does nothing while it is running."""
        if self.is_running:
            return
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                user=self.user(),
            )
        self._keeper = keeper(self._process.pid, self.folder)
        self._wait_until_ready(self._process)

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + DEADLINE
        while not self.is_ready():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.01)
            if process.returncode is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.command()[0]} does not serve:\n{(self.folder / 'log').read_text()[-2000:]}")

    def stop(self) -> None:
        """Kill all its processes at once (SIGKILL); what it has acknowledged is in its data folder."""
        if self._process is None:
            return
        if self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGSTOP)  # so that it starts no more children
            children = children_of(self._process.pid)
            signal_all([self._process.pid, *children], signal.SIGKILL)
            self._process.wait(DEADLINE)
            wait_until_gone(children)
        self._dismiss_keeper()
        self._process = None

    def pause(self) -> None:
        """Freeze all its processes: connections stay open, nothing answers."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)
        signal_all(children_of(self._process.pid), signal.SIGSTOP)

    def resume(self) -> None:
        """Let frozen processes go on; harmless when none is."""
        if self._process is not None and self._process.poll() is None:
            signal_all([*children_of(self._process.pid), self._process.pid], signal.SIGCONT)

    def restore(self) -> None:
        """Make it serve, empty, whatever was done to it."""
        self.resume()
        self.start()
        self.flush()

    def close(self) -> None:
        """End the server and remove its data."""
        if self._process is not None and self._process.poll() is None:
            self.resume()
            self._process.send_signal(signal.SIGQUIT)  # PostgreSQL releases its shared memory
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _dismiss_keeper(self) -> None:
        if self._keeper is not None:
            self._keeper.kill()
            self._keeper.communicate()
            self._keeper = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class RedisServer(Server):
    """A Redis that writes every command to its append-only file, so that a killed one loses nothing acknowledged."""

    def __init__(self, *options: str) -> None:
        self._executable = executable("redis-server")
        self._options = options
        super().__init__()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> Sequence[str]:
        place = ("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder))
        durability = ("--save", "", "--appendonly", "yes", "--appendfsync", "no")
        return (self._executable, *place, *durability, *self._options)

    def is_ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")  # while it loads its data it says -LOADING
        except OSError:
            return False

    def flush(self) -> None:
        """Remove all keys and scripts."""
        flush_redis(self.url)


class GivenRedis:
    """A Redis that somebody else runs; each pytest-xdist worker takes a database of its own."""

    def __init__(self, url: str) -> None:
        worker = os.environ.get("PYTEST_XDIST_WORKER")
        self.url = url if worker is None else urlsplit(url)._replace(path=worker.replace("gw", "/")).geturl()

    def flush(self) -> None:
        """Remove all keys of this database and all scripts."""
        flush_redis(self.url)


@dataclass(frozen=True)
class GivenPostgres:
    """A PostgreSQL that somebody else runs."""

    dsn: str


class PostgresServer(Server):
    """A PostgreSQL without fsync: safe against its own death, not against that of the machine."""

    def __init__(self) -> None:
        self._postgres, self._initdb = executable("postgres"), executable("initdb")
        super().__init__()

    @property
    def dsn(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def user(self) -> str | None:
        """PostgreSQL refuses to run as root."""
        if os.geteuid() != 0:
            return None
        names = {entry.pw_name for entry in pwd.getpwall()}
        return "postgres" if "postgres" in names else "nobody"

    def prepare(self) -> None:
        if user := self.user():
            shutil.chown(self.folder, user)
        subprocess.run(
            [self._initdb, "-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            cwd=self.folder,
            user=self.user(),
            check=True,
            capture_output=True,
        )

    def command(self) -> Sequence[str]:
        options = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",
            "full_page_writes": "off",
            "shared_buffers": "16MB",
            "dynamic_shared_memory_type": "mmap",  # in its folder, so that a killed one leaves nothing behind
        }
        return (self._postgres, "-D", "data", *(f"--{name}={value}" for name, value in options.items()))

    def is_ready(self) -> bool:
        try:
            psycopg.connect(self.dsn, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def flush(self) -> None:
        """Remove everything from the schema `public`."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute("DROP SCHEMA IF EXISTS public CASCADE")
            connection.execute("CREATE SCHEMA public")


@contextlib.contextmanager
def shared_redis() -> Iterator[RedisServer | GivenRedis]:
    """The Redis for tests that break nothing."""
    if url := os.environ.get("LLDKIT_TEST_REDIS_URL"):
        yield GivenRedis(url)
        return
    with RedisServer() as server:
        yield server


@contextlib.contextmanager
def shared_postgres() -> Iterator[PostgresServer | GivenPostgres]:
    """The PostgreSQL for tests that break nothing."""
    if dsn := os.environ.get("LLDKIT_TEST_POSTGRES_URL"):
        yield GivenPostgres(dsn)
        return
    with PostgresServer() as server:
        yield server


T = TypeVar("T", bound=Server)


@contextlib.contextmanager
def breakable(kind: type[T]) -> Iterator[T]:
    """A server that tests may break; never a given one."""
    with kind() as server:
        yield server


def flush_redis(url: str) -> None:
    with Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_timeout=DEADLINE) as client:
        client.flushdb()
        client.script_flush()


def executable(name: str) -> str:
    """The path of a server's executable, from PATH or else the newest in Debian's versioned folders."""
    if found := shutil.which(name):
        return found
    versions = Path("/usr/lib/postgresql").glob(f"*/bin/{name}")
    if newest := max(versions, key=lambda path: int(path.parts[4]), default=None):
        return str(newest)
    raise MissingError(f"{name} is not installed: neither on PATH nor in Debian's versioned folders")


def free_port() -> int:
    """A free port below those that the system gives to clients, so that no client takes it during a restart."""
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no free port between 20000 and 32000")


def keeper(pid: int, folder: Path) -> subprocess.Popen[bytes]:
    """A process that ends `pid` when this process is gone, however it died: its standard input then closes."""
    script = 'read -r _; kill -QUIT "$0"; kill -CONT "$0"; sleep 10; kill -KILL "$0"; rm -rf "$1"'
    return subprocess.Popen(
        ["sh", "-c", script, str(pid), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def children_of(pid: int) -> list[int]:
    """The direct children of `pid`; PostgreSQL's backends are that, each in a process group of its own."""
    if not Path("/proc/self/stat").exists():
        listing = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], check=True, capture_output=True).stdout
        pairs = [tuple(map(int, line.split())) for line in listing.splitlines()]
        return [child for child, parent in pairs if parent == pid]
    children = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid:
                children.append(int(entry.name))
    return children


def signal_all(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def wait_until_gone(pids: Sequence[int]) -> None:
    """Wait for the death of processes that are not our children."""
    deadline = time.monotonic() + DEADLINE
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            while not is_zombie(pid):
                os.kill(pid, 0)
                if time.monotonic() > deadline:
                    raise RuntimeError(f"process {pid} does not die")
                time.sleep(0.002)


def is_zombie(pid: int) -> bool:
    """Whether nobody has collected `pid` yet; where orphans have no parent that does, they stay so for ever."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False
