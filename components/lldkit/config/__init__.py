"""Settings from files, environment, mounts and stores: typed, checked all at once, explainable, and swapped whole.

    @dataclass(frozen=True)
    class App:
        name: str
        retries: Annotated[int, Between(0, 9)] = 3

    config = Config(App, layers=[File("app.toml"), Env("APP_")])    # ConfigError with everything that is wrong
    config.current.retries                                          # an int; one attribute load
    config.explain("retries")                                       # who set it, and who was overruled
    with config.follow(): serve()                                   # reloads; a broken edit changes nothing
    config.watch("retries", lambda change: print(change.new))
    config.rollback(to=1, author="ana", reason="p99 doubled")

Layers are given weakest first: `Values File DotEnv Env Directory Store Args`, or anything that is a `Layer`.
"""

from lldkit.config.checks import Between, Length, Matches, NonFinite, OneOf
from lldkit.config.dotenv import DotEnvLine, parse_dotenv
from lldkit.config.interface import (
    MISSING,
    Candidate,
    Change,
    Changed,
    ConfigError,
    ConfigEvent,
    ConfigLoaded,
    Entry,
    Explanation,
    Held,
    KeyPath,
    Kind,
    Layer,
    ListenerFailed,
    Loaded,
    Missing,
    Problem,
    Rejected,
    Released,
    Reloaded,
    ReloadResult,
    RolledBack,
    SourceBack,
    SourceLost,
    UnusedKey,
)
from lldkit.config.layers import Args, Directory, DotEnv, Env, File, Store, Values
from lldkit.config.manager import Config
from lldkit.config.merge import apply_changes, diff_documents, merge_patch
from lldkit.config.secret import Secret

__all__ = [
    "MISSING",
    "Args",
    "Between",
    "Candidate",
    "Change",
    "Changed",
    "Config",
    "ConfigError",
    "ConfigEvent",
    "ConfigLoaded",
    "Directory",
    "DotEnv",
    "DotEnvLine",
    "Entry",
    "Env",
    "Explanation",
    "File",
    "Held",
    "KeyPath",
    "Kind",
    "Layer",
    "Length",
    "ListenerFailed",
    "Loaded",
    "Matches",
    "Missing",
    "NonFinite",
    "OneOf",
    "Problem",
    "Rejected",
    "Released",
    "ReloadResult",
    "Reloaded",
    "RolledBack",
    "Secret",
    "SourceBack",
    "SourceLost",
    "Store",
    "UnusedKey",
    "Values",
    "apply_changes",
    "diff_documents",
    "merge_patch",
    "parse_dotenv",
]
