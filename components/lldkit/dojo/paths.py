"""Keeps the machine out of reports: directories of the kit, of Python and of its user are taken off file names."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["machine_folders", "without_folders"]


def machine_folders(*more: Path) -> tuple[str, ...]:
    """Where the kit, its katas, Python and the user's files lie on this machine; a file system's root says nothing."""
    folders = {Path(__file__).parents[2], Path(sys.prefix), Path(sys.base_prefix), Path(os.__file__).parent, *more}
    folders |= set(_user_folders())
    return tuple(sorted({str(folder) for folder in folders if len(folder.parts) > 1}, key=len, reverse=True))


def _user_folders() -> Iterator[Path]:
    for find in (Path.cwd, Path.home):
        try:
            yield find()
        except (OSError, RuntimeError):  # the folder is gone, or nobody knows who the user is
            continue


def without_folders(text: str, folders: Iterable[str]) -> str:
    """`text` in which file names below `folders` have lost the way to them: /usr/lib/python3/abc.py becomes abc.py."""
    for folder in folders:
        if folder in text:
            text = re.sub(re.escape(folder) + r"(?:[\\/](?:[^\s\"':,;()\\/]+[\\/])*)?", "", text)
    return text
