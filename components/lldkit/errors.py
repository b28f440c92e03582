"""The root of every error that lldkit raises on purpose.

Each component has one base class below it. Errors carry what a handler needs as attributes; the text is for people.
Wrong arguments are `ValueError` or `TypeError`, raised before anything has changed.
"""

__all__ = ["LldkitError", "in_one_line"]


class LldkitError(Exception):
    """Base of all errors of lldkit; catch it to catch every refusal and fault of every component."""


def in_one_line(error: BaseException) -> str:
    """What went wrong, for a command that refuses: of a file its name and why, else the first line of the text.

    >>> in_one_line(FileNotFoundError(2, "No such file or directory", "flags.json"))
    "cannot open 'flags.json': No such file or directory"
    >>> in_one_line(ValueError("a limit is at least 1, got 0"))
    'a limit is at least 1, got 0'
    """
    if isinstance(error, OSError) and error.filename is not None:
        return f"cannot open {error.filename!r}: {error.strerror}"
    return str(error).partition("\n")[0] or type(error).__name__
