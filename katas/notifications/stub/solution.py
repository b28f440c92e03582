"""A notifier: who gets what, and by which way."""

from collections.abc import Mapping

from interface import SYSTEM, Attempt, Channel, Clock, Decision, Route


class Notifier:
    """Decides by which channels a message goes, and sends it."""

    def __init__(self, *, channels: Mapping[str, Channel], routes: Route, clock: Clock = SYSTEM) -> None:
        """Check the routes, and remember everything."""
        # TODO: level 1

    def notify(
        self, recipient: str, category: str, text: str, *, labels: Mapping[str, str] | None = None
    ) -> list[Decision]:
        """Decide by which ways the text goes, and keep it for `run_due`."""
        raise NotImplementedError  # TODO: level 1

    def run_due(self) -> list[Attempt]:
        """Send what waits; what was tried."""
        raise NotImplementedError  # TODO: level 1
