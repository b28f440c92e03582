"""One request, one version: a reader that stays at the version that was newest when it was made."""

from lldkit.feature_flags.reader import Reader

__all__ = ["FlagView"]


class FlagView(Reader):
    """The flags of one version, prerequisites and segments included; take one per request. Costs one small object."""

    __slots__ = ()
