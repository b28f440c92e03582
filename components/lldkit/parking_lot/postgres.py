"""A lot's log in PostgreSQL, for any number of hosts; the server's time counts."""

from lldkit.claims.postgres import PostgresJournal
from lldkit.engines.postgres import Pool

__all__ = ["PostgresStore"]


class PostgresStore(PostgresJournal):
    """Keeps the log of the lot called `name`; `dsn_or_pool` and `timeout` are those of `Postgres`."""

    def __init__(self, dsn_or_pool: str | Pool, *, name: str = "lot", timeout: float | None = 5.0) -> None:
        super().__init__(dsn_or_pool, namespace=f"lot:{name}", timeout=timeout)
