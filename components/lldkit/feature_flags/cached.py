"""The last good document on disk, so that a restart survives a store that is away."""

import hashlib
import json
from datetime import datetime
from pathlib import Path

from lldkit.feature_flags.context import plain
from lldkit.snapshot import Document
from lldkit.snapshot.documents import frozen
from lldkit.snapshot.file import replace_file

__all__ = ["ORIGIN", "read_cache", "write_cache"]

ORIGIN = "cache"
"""The origin of a document from disk: any version of the store follows it."""


def write_cache(path: Path, document: Document) -> None:
    """Keep a document, whole or not at all; readable by its owner only. `OSError`."""
    text = json.dumps(
        {"version": document.version, "at": document.created_at.isoformat(), "body": plain(document.body)},
        ensure_ascii=False,
    )
    replace_file(path, json.dumps({"sha256": _digest(text), "document": text}), mode=0o600)


def read_cache(path: Path) -> Document | None:
    """The document that was kept; None where the file is missing or damaged."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["sha256"] != _digest(record["document"]):
            return None
        kept = json.loads(record["document"])
        at = datetime.fromisoformat(kept["at"])
        return Document(frozen(kept["body"]), kept["version"], ORIGIN, ORIGIN, "", None, at)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
