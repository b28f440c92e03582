"""Which mutants of a right solution a kata's checks let live: many sources examined by one graded process.

A process per mutant would spend most of its time on starting. When a mutant ends its process, or has it ended, the next
process goes on with the mutant after it.
"""

from __future__ import annotations

import ast
import os
from concurrent.futures import ThreadPoolExecutor

from lldkit.dojo import catalog, grader
from lldkit.dojo.examine import FEW
from lldkit.dojo.process import batched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lldkit.dojo.interface import Manifest, Mutant
    from lldkit.dojo.process import GradedProcess

__all__ = ["killers"]

LIMIT = 0.2  # seconds of CPU after which a mutant counts as one that loops
CHUNKS = 6  # processes per worker, so that no worker is idle for long


def killers(kata: Manifest, mutants: Sequence[Mutant], *, workers: int | None = None) -> list[str]:
    """For each mutant the check that kills it, "" if it lives, or "!" and what broke the grader."""
    workers = workers or os.cpu_count() or 1
    size = max(1, -(-len(mutants) // (CHUNKS * workers)))
    chunks = [mutants[start : start + size] for start in range(0, len(mutants), size)]
    texts = {level.n: _unparsed(kata, level.n) for level in kata.level}
    with ThreadPoolExecutor(workers) as pool:
        return [killer for found in pool.map(lambda chunk: _chunk(kata, texts, chunk), chunks) for killer in found]


def _chunk(kata: Manifest, texts: dict[int, str], mutants: Sequence[Mutant]) -> list[str]:
    options = grader.Options(label="solution.py", fail_fast=True, limit=LIMIT, schedules=FEW)
    order = grader.order(kata, catalog.plan(kata, kata.last), "", options) | {"forbid": []}
    items = [{"source": mutant.source, "first": _first_level(texts, mutant)} for mutant in mutants]
    return batched(order, items, "killer", _ended)


def _ended(process: GradedProcess) -> str:
    """What killed the mutant whose process did not go on."""
    at = "preflight-1"
    for frame in process.frames:
        at = frame.get("at", at)
        if "problem" in frame:
            return "!" + str(frame["problem"])
    return at


def _unparsed(kata: Manifest, level: int) -> str:
    return ast.unparse(ast.parse((kata.folder / "solutions" / f"level{level}.py").read_text("utf-8")))


def _first_level(texts: dict[int, str], mutant: Mutant) -> int:
    """The level whose reference is the first to have the changed statement: most mutants die there."""
    return next((level for level, text in texts.items() if mutant.before in text), max(texts))
