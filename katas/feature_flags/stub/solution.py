"""Feature flags: what does this user see?"""

from interface import Document, User


class Flags:
    """Answers what a document of flags serves."""

    def __init__(self, document: Document) -> None:
        """Remember the document."""
        # TODO: level 1

    def enabled(self, key: str, user: User, default: bool) -> bool:
        """What the flag serves to the user, or `default`."""
        raise NotImplementedError  # TODO: level 1
