"""Feature flags: typed, decided locally, explained, and changed safely.

    flags = FlagClient(FileStore("flags.json"))               # or any store of lldkit.snapshot, or a document
    user = Context("user-42", country="SE", build=12)
    if flags.boolean("checkout-v2", False, user): ...         # never raises, never waits
    flags.details("checkout-v2", False, user).reason          # and why
    print(flags.explain("price-test", user))                  # rule by rule, with the values seen and the bucket

    view = flags.view()                                       # the whole request sees one version
    with flags.follow(): serve()                              # live changes
    with flags.override({"checkout-v2": True}): test()
    FlagAdmin(store).commit([SetRollout("checkout-v2", "eu", 25)], author="ana", reason="ramp")

`interpret` is the engine to read, `compile` the one that runs; both work from the frozen form in `model`, in which the
native format and those of three vendors end.
"""

from lldkit.feature_flags.admin import Commit, Entry, FlagAdmin
from lldkit.feature_flags.client import FlagClient
from lldkit.feature_flags.context import EMPTY, Context
from lldkit.feature_flags.edits import (
    Edit,
    PutFlag,
    PutSegment,
    RemoveFlag,
    RemoveSegment,
    Replace,
    SetRollout,
    SetState,
)
from lldkit.feature_flags.formats import FLAGD, GROWTHBOOK, UNLEASH
from lldkit.feature_flags.interface import (
    CycleError,
    ErrorCode,
    Evaluation,
    Exposure,
    Failed,
    FlagError,
    FlagEvent,
    FlagProblem,
    FlagReader,
    FlagsChanged,
    FlagsRejected,
    FlagSyntaxError,
    Format,
    Hook,
    HookCall,
    JsonValue,
    Reason,
    RefreshResult,
    SourceBack,
    SourceLost,
    Step,
    StickyStore,
    Trace,
    UnknownFlag,
)
from lldkit.feature_flags.lint import Finding, lint
from lldkit.feature_flags.parse import NATIVE
from lldkit.feature_flags.preview import Impact, Move
from lldkit.feature_flags.stale import StaleFlag
from lldkit.feature_flags.sticky import MemoryStickyStore
from lldkit.feature_flags.view import FlagView

__all__ = [
    "EMPTY",
    "FLAGD",
    "GROWTHBOOK",
    "NATIVE",
    "UNLEASH",
    "Commit",
    "Context",
    "CycleError",
    "Edit",
    "Entry",
    "ErrorCode",
    "Evaluation",
    "Exposure",
    "Failed",
    "Finding",
    "FlagAdmin",
    "FlagClient",
    "FlagError",
    "FlagEvent",
    "FlagProblem",
    "FlagReader",
    "FlagSyntaxError",
    "FlagView",
    "FlagsChanged",
    "FlagsRejected",
    "Format",
    "Hook",
    "HookCall",
    "Impact",
    "JsonValue",
    "MemoryStickyStore",
    "Move",
    "PutFlag",
    "PutSegment",
    "Reason",
    "RefreshResult",
    "RemoveFlag",
    "RemoveSegment",
    "Replace",
    "SetRollout",
    "SetState",
    "SourceBack",
    "SourceLost",
    "StaleFlag",
    "Step",
    "StickyStore",
    "Trace",
    "UnknownFlag",
    "lint",
]
