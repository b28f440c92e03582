"""The root of every error that lldkit raises on purpose.

Each component has one base class below it. Errors carry what a handler needs as attributes; the text is for people.
Wrong arguments are `ValueError` or `TypeError`, raised before anything has changed.
"""

__all__ = ["LldkitError"]


class LldkitError(Exception):
    """Base of all errors of lldkit; catch it to catch every refusal and fault of every component."""
