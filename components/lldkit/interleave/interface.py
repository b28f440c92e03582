"""The errors of the interleaving tools."""

from lldkit.errors import LldkitError

__all__ = ["InterleaveError"]


class InterleaveError(LldkitError):
    """Base of everything that the interleaving tools raise."""
