"""A lot's log in an SQLite file, for the processes of one host; what was answered survives a power cut."""

import os
from typing import Literal

from lldkit.claims.sqlite import SQLiteJournal

__all__ = ["SQLiteStore"]


class SQLiteStore(SQLiteJournal):
    """Keeps the log of the lot called `name` in the file `path`."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        name: str = "lot",
        busy_timeout: float = 5.0,
        synchronous: Literal["NORMAL", "FULL"] = "FULL",
    ) -> None:
        super().__init__(path, namespace=f"lot:{name}", busy_timeout=busy_timeout, synchronous=synchronous)
