"""A flag is looked up, and what it serves is told apart from serving nothing."""

from interface import Document, User


class Flags:
    """Answers what a document of flags serves."""

    def __init__(self, document: Document) -> None:
        self._flags = document["flags"]

    def enabled(self, key: str, user: User, default: bool) -> bool:
        """What the flag serves to the user, or `default`."""
        flag = self._flags.get(key)
        if flag is None:
            return default
        return flag.get("serve" if flag["enabled"] else "off", default)
