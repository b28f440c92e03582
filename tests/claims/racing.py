"""A process that claims a hundred times: `racing.py ENGINE ADDRESS`; it prints what it got, or null, as JSON."""

import json
import sys
from typing import Any

from redis import Redis

from lldkit.claims import AnyOf, ClaimRefused
from lldkit.claims.postgres import PostgresClaims
from lldkit.claims.redis import RedisClaims
from lldkit.claims.sqlite import SQLiteClaims

CALLS = 100


def opened(engine: str, address: str) -> Any:
    """The claims of an engine."""
    if engine == "sqlite":
        return SQLiteClaims(address, busy_timeout=60.0)
    if engine == "postgres":
        return PostgresClaims(address, timeout=60.0)
    return RedisClaims(Redis.from_url(address, socket_timeout=60))


def main(engine: str, address: str) -> None:
    got: list[str | None] = []
    with opened(engine, address) as claims:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        for _ in range(CALLS):
            try:
                got += claims.claim(AnyOf("seats"), owner="racer", ttl_seconds=3_600).units
            except ClaimRefused:
                got.append(None)
    sys.stdout.write(json.dumps(got))


if __name__ == "__main__":
    main(*sys.argv[1:])
