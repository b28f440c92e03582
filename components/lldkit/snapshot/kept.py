"""A text on disk with its checksum: the last good document, for a restart while its store is away."""

import hashlib
import json
from pathlib import Path

from lldkit.snapshot.file import replace_file

__all__ = ["keep_text", "kept_text"]


def keep_text(path: Path, text: str) -> None:
    """Keep a text, whole or not at all; readable by its owner only. `OSError`."""
    replace_file(path, json.dumps({"sha256": _digest(text), "text": text}), mode=0o600)


def kept_text(path: Path) -> str | None:
    """The text that was kept; None where the file is missing or damaged."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        text = record["text"]
        return text if record["sha256"] == _digest(text) else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
