"""What constructors are given, refused by name and value before anything has changed."""

import math

__all__ = ["check_count", "check_number"]


def check_count(what: str, value: object, *, least: int = 0, most: int | None = None) -> int:
    """Return `value` if it is a whole number from `least` to `most`; else a TypeError or ValueError names it.

    >>> check_count("attempts", 0, least=1)
    Traceback (most recent call last):
    ValueError: attempts must be at least 1, got 0
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{what} must be a whole number, got {value!r}")
    if value < least or (most is not None and value > most):
        bounds = f"at least {least}" if most is None else f"from {least} to {most}"
        raise ValueError(f"{what} must be {bounds}, got {value!r}")
    return value


def check_number(
    what: str, value: object, *, above: float | None = None, least: float = 0.0, most: float = math.inf
) -> float:
    """Return `value` if it is a finite number above `above`, or if that is None of at least `least`, and up to `most`.

    >>> check_number("timeout", -1)
    Traceback (most recent call last):
    ValueError: timeout must be a finite number >= 0, got -1
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{what} must be a number, got {value!r}")
    enough = value >= least if above is None else value > above
    if not (enough and value <= most and math.isfinite(value)):
        bound = f">= {least:g}" if above is None else f"> {above:g}"
        bound += "" if most == math.inf else f" and <= {most:g}"
        raise ValueError(f"{what} must be a finite number {bound}, got {value!r}")
    return value
