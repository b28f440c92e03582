"""The last good document on disk, so that a restart survives a store that is away."""

import json
from datetime import datetime
from pathlib import Path

from lldkit.feature_flags.context import plain
from lldkit.snapshot import Document
from lldkit.snapshot.documents import frozen
from lldkit.snapshot.kept import keep_text, kept_text

__all__ = ["ORIGIN", "read_cache", "write_cache"]

ORIGIN = "cache"
"""The origin of a document from disk: any version of the store follows it."""


def write_cache(path: Path, document: Document) -> None:
    """Keep a document, whole or not at all; readable by its owner only. `OSError`."""
    kept = {"version": document.version, "at": document.created_at.isoformat(), "body": plain(document.body)}
    keep_text(path, json.dumps(kept, ensure_ascii=False))


def read_cache(path: Path) -> Document | None:
    """The document that was kept; None where the file is missing or damaged."""
    text = kept_text(path)
    if text is None:
        return None
    kept = json.loads(text)
    return Document(frozen(kept["body"]), kept["version"], ORIGIN, ORIGIN, "", None, datetime.fromisoformat(kept["at"]))
