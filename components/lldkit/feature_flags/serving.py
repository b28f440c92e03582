"""What readers share: the settings of a client, and the flags of one version as its readers look them up."""

import math
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Final
from weakref import WeakValueDictionary

from lldkit.clock import Clock
from lldkit.feature_flags.compile import Compiled, Decide, Outcome
from lldkit.feature_flags.context import Context
from lldkit.feature_flags.exposures import Exposures
from lldkit.feature_flags.interface import Evaluation, Failed, FlagEvent, Hook, Reason, StickyStore
from lldkit.feature_flags.model import Decision

__all__ = ["MISSING", "Served", "Settings"]

MISSING: Final = object()

_NOWHERE = Decision(None, Reason.ERROR)
_DETOUR = Outcome(Evaluation("", None, None, Reason.ERROR), _NOWHERE)
_NONE: Mapping[tuple[int, str], object] = {}
_HERE: ContextVar[Mapping[tuple[int, str], object]] = ContextVar("lldkit.feature_flags.overrides")


def detour(_context: Context, _memo: object = None, /) -> Outcome:
    """In the place of a flag for which more is to be done than to decide: its value is of no type that is asked for."""
    return _DETOUR


class Settings:
    """What holds for all versions of one client: who listens, what is overridden, and how failures are counted."""

    def __init__(
        self,
        clock: Clock,
        defaults: Context,
        hooks: Sequence[Hook],
        exposures: Exposures | None,
        sticky: StickyStore | None,
        stale_after_seconds: float | None,
        tell: Callable[[FlagEvent], object],
        *,
        strict: bool,
    ) -> None:
        self.clock = clock
        self.defaults = defaults
        self.hooks = tuple(hooks)
        self.exposures = exposures
        self.sticky = None if sticky is None else _Contained(sticky, self.contain)
        self.strict = strict
        self.failures = 0
        self.is_plain = not (hooks or exposures or strict or defaults.fields)
        self._stale_after = stale_after_seconds
        self._fresh_at = -math.inf
        self._tell = tell
        self._overridden: dict[str, int] = {}  # how many override a key, in all threads and tasks
        self._served: WeakValueDictionary[int, Served] = WeakValueDictionary()
        self.renew_lock()
