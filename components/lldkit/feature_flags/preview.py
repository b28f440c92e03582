"""Who would move: every context evaluated before and after, counted exactly."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lldkit.feature_flags.compile import Compiled
from lldkit.feature_flags.context import Context
from lldkit.feature_flags.link import changed_keys
from lldkit.feature_flags.model import RuleSet, Runtime

__all__ = ["Impact", "Move", "impact_of"]

DEFAULT = "the caller's default"


@dataclass(frozen=True, slots=True)
class Move:
    """From a variant to a variant of one flag; both are the same where the variant has got another value."""

    key: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Impact:
    """How many of `contexts` make which move; flags of which nothing changed are not there."""

    contexts: int
    keys: frozenset[str]
    moves: Mapping[Move, int]

    def share(self, move: Move) -> float:
        """The part of the contexts that makes a move, from 0 to 1."""
        return self.moves.get(move, 0) / self.contexts if self.contexts else 0.0

    def __str__(self) -> str:
        if not self.moves:
            return f"nobody of {self.contexts} moves"
        lines = []
        for key in sorted({move.key for move in self.moves}):
            mine = [move for move in self.moves if move.key == key]
            told = [f"{self.share(move):.1%} move {move.before} -> {move.after}" for move in mine]
            back = [move for move in mine if Move(key, move.after, move.before) not in self.moves]
            told += [f"nobody moves {move.after} -> {move.before}" for move in back if move.after != move.before]
            lines.append(f"{key}: {'; '.join(told)}")
        return "\n".join(lines)


def impact_of(before: RuleSet, after: RuleSet, contexts: Iterable[Context], runtime: Runtime) -> Impact:
    """Compare two versions over contexts. O(contexts x changed flags)."""
    keys = changed_keys(before, after)
    old, new = Compiled(before, runtime), Compiled(after, runtime)
    moves: Counter[Move] = Counter()
    count = 0
    for context in contexts:
        count += 1
        for key in sorted(keys):
            one, other = old[key](context), new[key](context)
            if one.variant != other.variant or repr(one.value) != repr(other.value):
                moves[Move(key, one.variant or DEFAULT, other.variant or DEFAULT)] += 1
    return Impact(count, keys, dict(moves))
