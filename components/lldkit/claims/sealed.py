"""Records as text with a checksum, so that what an engine gives back is what was written, or is known not to be."""

import json
from collections.abc import Iterable, Mapping
from typing import Any
from zlib import crc32

from lldkit.claims.journal import JournalDamaged, Record

__all__ = ["MARGIN", "seal", "unseal", "unseal_all"]

MARGIN = 1_000
"""How many records before a snapshot stay: a writer that is further behind sees the snapshot, and is refused."""


def seal(body: Mapping[str, Any]) -> str:
    """One text: eight digits of CRC-32, and the JSON."""
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=True)
    return f"{crc32(text.encode()):08x}{text}"


def unseal(seq: int, sealed: str) -> Record:
    """What was sealed; else `JournalDamaged`."""
    text = sealed[8:]
    if sealed[:8] != f"{crc32(text.encode()):08x}":
        raise JournalDamaged(seq, "its checksum is another one")
    body: Record = json.loads(text)
    return body


def unseal_all(rows: Iterable[tuple[int, str]]) -> tuple[list[tuple[int, Record]], int | None]:
    """The records, and the number of the last one if it is torn: nobody was told that it is there."""
    records: list[tuple[int, Record]] = []
    damaged: JournalDamaged | None = None
    for seq, sealed in rows:
        if damaged is not None:
            raise damaged
        try:
            records.append((seq, unseal(seq, sealed)))
        except JournalDamaged as error:
            damaged = error
    return records, damaged.seq if damaged else None
