"""What the tests of metrics share."""

from typing import Any

from lldkit.clock import ManualClock
from lldkit.metrics import Registry, Snapshot


class Bench:
    """A registry on a clock that stands still."""

    def __init__(self, **options: Any) -> None:
        self.clock = ManualClock(auto_advance=True)
        self.events: list[Any] = []
        self.registry = Registry(clock=self.clock, on_event=self.events.append, **options)

    def read(self, name: str, **labels: str) -> Any:
        """The plain value of a counter or gauge, None where there is none."""
        return number(self.registry.snapshot(), name, **labels)

    def series(self, name: str) -> list[Any]:
        family = self.registry.snapshot().family(name)
        assert family is not None
        return list(family.series)


def number(snapshot: Snapshot, name: str, **labels: str) -> Any:
    found: Any = snapshot.get(name, labels)
    return None if found is None else found.value
