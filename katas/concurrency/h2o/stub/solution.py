"""Atoms come in any order. When may which three of them go?"""

from collections.abc import Callable


class H2O:
    """Lets atoms go in groups: two hydrogen, one oxygen."""

    def __init__(self) -> None:
        """Begin without atoms."""
        # TODO: level 1

    def hydrogen(self, release: Callable[[], object]) -> None:
        """Wait for a group, and release."""
        raise NotImplementedError  # TODO: level 1

    def oxygen(self, release: Callable[[], object]) -> None:
        """Wait for a group, and release."""
        raise NotImplementedError  # TODO: level 1
