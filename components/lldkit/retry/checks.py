"""What a policy is made of, refused by name and value before anything has changed."""

import math

__all__ = ["check_attempts", "check_count", "check_number"]


def check_number(what: str, value: object, *, most: float = math.inf) -> None:
    """Refuse what is no finite number from 0 to `most`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf or value > most:
        bound = "" if most == math.inf else f" and <= {most:g}"
        raise ValueError(f"{what} must be a finite number >= 0{bound}, got {value!r}")


def check_attempts(attempts: object) -> None:
    """Refuse what is no number of calls."""
    if attempts is None:
        return
    if isinstance(attempts, bool) or not isinstance(attempts, int) or attempts < 1:
        raise ValueError(
            f"attempts counts all calls, the first one too: 1 or more, or None for any number, got {attempts!r}"
        )


def check_count(what: str, value: object) -> None:
    """Refuse what is no whole number of 0 or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{what} must be a whole number of 0 or more, got {value!r}")
