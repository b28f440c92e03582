"""One controller for a group of elevators, live and in simulation, and a benchmark that can be checked.

    group = GroupController(crites_barto(), dispatcher=LookAhead())     # real buttons and doors
    group.press_hall(5, Direction.DOWN)
    for command in group.commands(): ...                                # Depart, StopAt, Open, Park, Hold

    run = simulate(crites_barto(), Traffic.crites_barto(), LongestQueueFirst(), hours=30, seed=7)    # the same class
    run.wait.mean, run.journey.mean, run.percent_wait_over(60)

    compare(crites_barto(), Traffic.crites_barto(), {"lqf": LongestQueueFirst(), "ahead": LookAhead()}, seeds=range(20),
            hours=10).paired("lqf", "ahead")                            # a mean difference, its interval, significant?
    rtt(floors=9, passengers=20, tv=1.45, ts=7.19, tp=1.0, cars=4).hc5  # persons in 5 minutes, by formula

A dispatcher only says which car is for which call; that nobody is lost, passed or carried back is the core's.
"""

from lldkit.elevator.building import Building, Car, crites_barto
from lldkit.elevator.compare import Comparison, compare
from lldkit.elevator.control import CarCall, Input, step
from lldkit.elevator.controller import GroupController
from lldkit.elevator.destination import DestinationDispatch
from lldkit.elevator.eta import Eta
from lldkit.elevator.fcfs import Fcfs
from lldkit.elevator.huff import HighestFirst
from lldkit.elevator.interface import (
    Approaching,
    Assign,
    BaselineWarning,
    CarView,
    Command,
    CommandOverflow,
    ControllerClosed,
    Depart,
    Direction,
    Dispatcher,
    DispatcherFailed,
    DoorsClosed,
    DoorsHeld,
    ElevatorError,
    ElevatorEvent,
    GroupView,
    HallCall,
    Hold,
    KioskCall,
    Loaded,
    NoCarServes,
    Observation,
    Open,
    OracleView,
    OutOfService,
    Park,
    Phase,
    PickUp,
    Plan,
    PlanInvalid,
    Recall,
    Restored,
    RunFailed,
    SaturatedRun,
    StopAt,
    Stopped,
)
from lldkit.elevator.look import Look
from lldkit.elevator.look_ahead import LookAhead
from lldkit.elevator.lqf import LongestQueueFirst
from lldkit.elevator.motion import Motion, Timing, Transfer
from lldkit.elevator.nearest import NearestCar
from lldkit.elevator.rtt import RoundTrip, rtt
from lldkit.elevator.scan import Scan
from lldkit.elevator.sector import Sector
from lldkit.elevator.simulate import simulate
from lldkit.elevator.statistics import (
    Difference,
    LittlesLaw,
    Passenger,
    Run,
    Summary,
)
from lldkit.elevator.traffic import Arrival, Traffic

__all__ = [
    "Approaching",
    "Arrival",
    "Assign",
    "BaselineWarning",
    "Building",
    "Car",
    "CarCall",
    "CarView",
    "Command",
    "CommandOverflow",
    "Comparison",
    "ControllerClosed",
    "Depart",
    "DestinationDispatch",
    "Difference",
    "Direction",
    "Dispatcher",
    "DispatcherFailed",
    "DoorsClosed",
    "DoorsHeld",
    "ElevatorError",
    "ElevatorEvent",
    "Eta",
    "Fcfs",
    "GroupController",
    "GroupView",
    "HallCall",
    "HighestFirst",
    "Hold",
    "Input",
    "KioskCall",
    "LittlesLaw",
    "Loaded",
    "LongestQueueFirst",
    "Look",
    "LookAhead",
    "Motion",
    "NearestCar",
    "NoCarServes",
    "Observation",
    "Open",
    "OracleView",
    "OutOfService",
    "Park",
    "Passenger",
    "Phase",
    "PickUp",
    "Plan",
    "PlanInvalid",
    "Recall",
    "Restored",
    "RoundTrip",
    "Run",
    "RunFailed",
    "SaturatedRun",
    "Scan",
    "Sector",
    "StopAt",
    "Stopped",
    "Summary",
    "Timing",
    "Traffic",
    "Transfer",
    "compare",
    "crites_barto",
    "rtt",
    "simulate",
    "step",
]
