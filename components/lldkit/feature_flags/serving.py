"""What readers share: the settings of a client, and the flags of one version as its readers look them up."""

import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final
from weakref import WeakValueDictionary

from lldkit.clock import Clock
from lldkit.feature_flags.compile import Compiled, Decide, Outcome
from lldkit.feature_flags.context import Context
from lldkit.feature_flags.exposures import Exposures
from lldkit.feature_flags.interface import Evaluation, Failed, FlagEvent, Hook, Reason, StickyStore
from lldkit.feature_flags.model import Decision, RuleSet, Runtime

__all__ = ["MISSING", "Served", "Settings"]

MISSING: Final = object()

_NONE: Mapping[tuple[int, str], object] = {}
_HERE: ContextVar[Mapping[tuple[int, str], object]] = ContextVar("lldkit.feature_flags.overrides")
_DETOUR = Outcome(Evaluation("", MISSING, None, Reason.ERROR), Decision(None, Reason.ERROR))


class Settings:
    """What holds for all versions of one client: who listens, what is overridden, and what failed. Safe for threads."""

    def __init__(
        self,
        clock: Clock,
        draw: Callable[[], float],
        tell: Callable[[FlagEvent], object],
        *,
        defaults: Context,
        strict: bool,
        sticky: StickyStore | None,
        hooks: Sequence[Hook],
        exposures: Exposures | None,
        stale_after_seconds: float | None,
    ) -> None:
        self.clock = clock
        self.defaults = defaults
        self.strict = strict
        self.hooks = tuple(hooks)
        self.exposures = exposures
        self.runtime = Runtime(clock.now, draw, None if sticky is None else _Contained(sticky, self.contain))
        self.is_plain = not (hooks or exposures or defaults.fields)  # there is nothing to do but to decide
        self.failures = 0  # of user code during evaluations
        self.stale_after = stale_after_seconds
        self._fresh_at = -math.inf
        self._tell = tell
        self._overridden: dict[str, int] = {}  # how many override a key, in all threads and tasks
        self._served: WeakValueDictionary[int, Served] = WeakValueDictionary()
        self.renew_lock()

    def renew_lock(self) -> None:
        """Make the lock, in a forked child anew."""
        self._lock = threading.Lock()  # guards what is counted; no evaluation takes it, unless something fails

    def contain(self, what: str, error: Exception) -> None:
        """Count and tell that user code has raised."""
        with self._lock:
            self.failures += 1
        try:
            at = self.clock.now()
        except Exception:  # noqa: BLE001 - it may have been the clock
            return
        self._tell(Failed(at, what, type(error).__name__))

    # --- staleness ---

    def is_fresh(self) -> None:
        """The newest version was seen."""
        self._fresh_at = self.clock.monotonic()

    def is_stale(self) -> bool:
        """Whether it was seen too long ago."""
        if self.stale_after is None:
            return False
        try:
            return self.clock.monotonic() - self._fresh_at > self.stale_after
        except Exception as error:  # noqa: BLE001 - evaluation goes on without a clock
            self.contain("the clock", error)
            return False

    # --- overrides ---

    def is_overridden(self, key: str) -> bool:
        """Whether anybody, anywhere, overrides a flag."""
        return key in self._overridden

    def override(self, key: str) -> object:
        """The value that whoever asks has put in the place of a flag, or `MISSING`."""
        return _HERE.get(_NONE).get((id(self), key), MISSING)

    def overridden_keys(self) -> list[str]:
        """The keys that whoever asks has overridden."""
        return [key for owner, key in _HERE.get(_NONE) if owner == id(self)]

    @contextmanager
    def overriding(self, values: Mapping[str, object]) -> Iterator[None]:
        """Within the block the flags have these values, for this thread or task and the tasks that it starts."""
        token = _HERE.set({**_HERE.get(_NONE), **{(id(self), key): value for key, value in values.items()}})
        with self._lock:
            for key in values:
                self._overridden[key] = self._overridden.get(key, 0) + 1
            for served in list(self._served.values()):
                for key in values:
                    served.pop(key, None)
        try:
            yield
        finally:
            with self._lock:
                for key in values:
                    self._overridden[key] -= 1
                    if not self._overridden[key]:
                        del self._overridden[key]
            _HERE.reset(token)

    def serve(self, rules: RuleSet) -> "Served":
        """The flags of a version, for readers."""
        served = Served(Compiled(rules, self.runtime), self)
        with self._lock:
            self._served[id(served)] = served
        return served


class Served(dict[str, Decide]):
    """The flags of one version as the typed getters look them up.

    A flag for which more is to be done than to decide (it is overridden, unknown, somebody listens ...) is a detour,
    which comes to a value of no type that is asked for; so the getters need not ask whether there is more to do.
    """

    def __init__(self, compiled: Compiled, settings: Settings) -> None:
        super().__init__()
        self.compiled = compiled
        self.settings = settings
        self.may_be_stale = settings.stale_after is not None

    def __missing__(self, key: str) -> Decide:
        settings = self.settings
        if not settings.is_plain or settings.is_overridden(key) or key not in self.compiled.rules.flags:
            return _detour
        decide = self[key] = self.compiled[key]
        if settings.is_overridden(key):  # since a moment ago: whoever did it may have looked before we put it there
            self.pop(key, None)
            return _detour
        return decide


def _detour(_context: Context, _memo: object = None, /) -> Outcome:
    return _DETOUR


class _Contained:
    """A sticky store whose failures are counted; then nobody is known to be assigned."""

    def __init__(self, store: StickyStore, contain: Callable[[str, Exception], object]) -> None:
        self._store = store
        self._contain = contain

    def get(self, attribute: str, unit: str) -> Mapping[str, str]:
        try:
            return dict(self._store.get(attribute, unit))
        except Exception as error:  # noqa: BLE001
            self._contain("the sticky store", error)
            return {}

    def put(self, attribute: str, unit: str, assignments: Mapping[str, str]) -> None:
        try:
            self._store.put(attribute, unit, assignments)
        except Exception as error:  # noqa: BLE001
            self._contain("the sticky store", error)
