"""When each variant was served last, at no cost for who serves: results are marked, and now and then collected."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from lldkit.feature_flags.compile import Outcome
from lldkit.feature_flags.model import RuleSet

__all__ = ["FlagUse", "Usage"]


@dataclass(slots=True)
class FlagUse:
    """What is known of the use of one flag: since when, when it changed last, and when each variant was last served."""

    since: datetime
    changed_at: datetime
    served: dict[str, datetime] = field(default_factory=dict)


class Usage:
    """The uses of all flags of a client. Belongs to who has the turn to refresh.

    A time is that of the collection, so it may be later than the evaluation, and never earlier.
    """

    def __init__(self) -> None:
        self.flags: dict[str, FlagUse] = {}

    def collect(self, outcomes: Iterable[Outcome], now: datetime) -> None:
        """Take up the marks that evaluations have left."""
        for outcome in outcomes:
            if outcome.seen:
                outcome.seen = False
                use = self.flags.get(outcome.evaluation.key)
                if use is not None:
                    use.served[outcome.variant or ""] = now

    def swap(self, rules: RuleSet, changed: Iterable[str], now: datetime) -> None:
        """Another version is served; flags that are new to us are known from now on."""
        known: Mapping[str, FlagUse] = self.flags
        self.flags = {key: known.get(key) or FlagUse(now, now) for key in rules.flags}
        for key in changed:
            if key in self.flags:
                self.flags[key].changed_at = now

    def copy(self) -> Mapping[str, FlagUse]:
        """The uses as they are now."""
        return {key: replace(use, served=dict(use.served)) for key, use in self.flags.items()}
