"""Typed flags, decided locally, explained, and changed safely."""

from lldkit.feature_flags.bucketing import HASHERS

__all__ = ["HASHERS"]
