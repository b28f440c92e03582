"""The dispatchers by the names that the command line uses."""

from collections.abc import Callable, Mapping
from typing import Final

from lldkit.elevator.destination import DestinationDispatch
from lldkit.elevator.eta import Eta
from lldkit.elevator.fcfs import Fcfs
from lldkit.elevator.huff import HighestFirst
from lldkit.elevator.interface import Dispatcher
from lldkit.elevator.look import Look
from lldkit.elevator.look_ahead import LookAhead
from lldkit.elevator.lqf import LongestQueueFirst
from lldkit.elevator.nearest import NearestCar
from lldkit.elevator.scan import Scan
from lldkit.elevator.sector import Sector

__all__ = ["DISPATCHERS"]


def _look_ahead_without_parking() -> LookAhead:
    return LookAhead(park=False)


DISPATCHERS: Final[Mapping[str, Callable[[], Dispatcher]]] = {
    "fcfs": Fcfs,
    "nearest": NearestCar,
    "scan": Scan,
    "look": Look,
    "sector": Sector,
    "huff": HighestFirst,
    "lqf": LongestQueueFirst,
    "eta": Eta,
    "look-ahead": LookAhead,
    "look-ahead-no-parking": _look_ahead_without_parking,
    "destination": DestinationDispatch,
}
