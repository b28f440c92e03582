"""What a type checker must make of every public name of lldkit.elevator; generated, checked, never run."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from lldkit.elevator import Approaching, Arrival, Assign, BaselineWarning, Building, Car, CarCall, CarView, Command, CommandOverflow, Comparison, ControllerClosed, Depart, DestinationDispatch, Difference, Direction, Dispatcher, DispatcherFailed, DoorsClosed, DoorsHeld, ElevatorError, ElevatorEvent, Eta, Fcfs, GroupController, GroupView, HallCall, HighestFirst, Hold, Input, KioskCall, LittlesLaw, Loaded, LongestQueueFirst, Look, LookAhead, Motion, NearestCar, NoCarServes, Observation, Open, OracleView, OutOfService, Park, Passenger, Phase, PickUp, Plan, PlanInvalid, Recall, Restored, RoundTrip, Run, RunFailed, SaturatedRun, Scan, Sector, StopAt, Stopped, Summary, Timing, Traffic, Transfer, compare, crites_barto, rtt, simulate, step
from lldkit.elevator.compare import Figures
from lldkit.elevator.moves import Commands
from lldkit.elevator.state import PlanFor, State
from lldkit.elevator.statistics import Passengers
from lldkit.elevator.traffic import Manners
from typing import assert_type

def n0(x: Approaching) -> None: assert_type(x.car, int); assert_type(x.floor, int)
def n1(x: Arrival) -> None: assert_type(x.at, float); assert_type(x.origin, int); assert_type(x.destination, int)
def n2(x: Assign) -> None: assert_type(x.car, int); assert_type(x.origin, int); assert_type(x.destination, int)
def n3(x: BaselineWarning) -> None: del x
def n4(x: Building) -> None: assert_type(x.floors, int); assert_type(x.cars, Sequence[Car]); assert_type(x.lobby, int)
def n5(x: Car) -> None: assert_type(x.capacity, int); assert_type(x.timing, Timing | Motion); assert_type(x.transfer, Transfer); assert_type(x.serves, frozenset[int] | None); assert_type(x.start, int)
def n6(x: CarCall) -> None: assert_type(x.car, int); assert_type(x.floor, int)
def n7(x: CarView) -> None: assert_type(x.id, int); assert_type(x.floor, int); assert_type(x.direction, Direction); assert_type(x.phase, Phase); assert_type(x.load, int); assert_type(x.capacity, int); assert_type(x.car_calls, frozenset[int]); assert_type(x.next_floor, int); assert_type(x.next_seconds, float); assert_type(x.heading, HallCall | None); assert_type(x.in_service, bool); assert_type(x.assigned, tuple[tuple[int, int], ...])
def n8() -> object: return Command
def n9(x: CommandOverflow) -> None: assert_type(x.limit, int); assert_type(x.retry_after, float)
def n10(x: Comparison) -> None: assert_type(x.seeds, tuple[int, ...]); assert_type(x.hours, float); assert_type(x.figures, Mapping[str, Mapping[int, Figures]]); assert_type(x.partial, bool)
def n11(x: ControllerClosed) -> None: del x
def n12(x: Depart) -> None: assert_type(x.car, int); assert_type(x.direction, Direction)
def n13(x: DestinationDispatch) -> None: del x
def n14(x: Difference) -> None: assert_type(x.mean, float); assert_type(x.low, float); assert_type(x.high, float); assert_type(x.significant, bool); assert_type(x.n, int)
def n15() -> Direction: return Direction.UP
def n16(x: Dispatcher) -> None: del x
def n17(x: DispatcherFailed) -> None: assert_type(x.at, datetime); assert_type(x.reason, str)
def n18(x: DoorsClosed) -> None: assert_type(x.car, int)
def n19(x: DoorsHeld) -> None: assert_type(x.car, int); assert_type(x.seconds, float)
def n20(x: ElevatorError) -> None: del x
def n21(x: ElevatorEvent) -> None: assert_type(x.at, datetime)
def n22(x: Eta) -> None: del x
def n23(x: Fcfs) -> None: del x
def n24(x: GroupController) -> None: assert_type(x.building, Building)
def n25(x: GroupView) -> None: assert_type(x.now, float); assert_type(x.building, Building); assert_type(x.cars, tuple[CarView, ...]); assert_type(x.hall_calls, tuple[HallCall, ...]); assert_type(x.rates, Mapping[tuple[int, Direction], float]); assert_type(x.deciding, int | None); assert_type(x.kiosk, KioskCall | None); assert_type(x.spent, Callable[[], bool])
def n26(x: HallCall) -> None: assert_type(x.floor, int); assert_type(x.direction, Direction); assert_type(x.since, float)
def n27(x: HighestFirst) -> None: del x
def n28(x: Hold) -> None: assert_type(x.car, int)
def n29(x: Input) -> None: assert_type(x.at, float); assert_type(x.what, HallCall | KioskCall | CarCall | Observation)
def n30(x: KioskCall) -> None: assert_type(x.floor, int); assert_type(x.direction, Direction); assert_type(x.since, float); assert_type(x.destination, int); assert_type(x.call, HallCall)
def n31(x: LittlesLaw) -> None: assert_type(x.L, float); assert_type(x.rate, float); assert_type(x.W, float)
def n32(x: Loaded) -> None: assert_type(x.car, int); assert_type(x.persons, int)
def n33(x: LongestQueueFirst) -> None: del x
def n34(x: Look) -> None: del x
def n35(x: LookAhead) -> None: assert_type(x.park, bool)
def n36(x: Motion) -> None: assert_type(x.floor_height_m, float); assert_type(x.speed, float); assert_type(x.acceleration, float); assert_type(x.jerk, float); assert_type(x.open_seconds, float); assert_type(x.close_seconds, float); assert_type(x.start_seconds, float); assert_type(x.turn_seconds, float); assert_type(x.closing, float)
def n37(x: NearestCar) -> None: del x
def n38(x: NoCarServes) -> None: assert_type(x.origin, int); assert_type(x.destination, int)
def n39() -> object: return Observation
def n40(x: Open) -> None: assert_type(x.car, int); assert_type(x.direction, Direction)
def n41(x: OracleView) -> None: assert_type(x.now, float); assert_type(x.building, Building); assert_type(x.cars, tuple[CarView, ...]); assert_type(x.hall_calls, tuple[HallCall, ...]); assert_type(x.rates, Mapping[tuple[int, Direction], float]); assert_type(x.deciding, int | None); assert_type(x.kiosk, KioskCall | None); assert_type(x.spent, Callable[[], bool]); assert_type(x.queues, Mapping[tuple[int, Direction], int])
def n42(x: OutOfService) -> None: assert_type(x.car, int)
def n43(x: Park) -> None: assert_type(x.car, int); assert_type(x.floor, int)
def n44(x: Passenger) -> None: assert_type(x.id, int); assert_type(x.arrived, float); assert_type(x.origin, int); assert_type(x.destination, int); assert_type(x.boarded, float | None); assert_type(x.alighted, float | None); assert_type(x.car, int | None)
def n45() -> Phase: return Phase.IDLE
def n46() -> object: return PickUp
def n47(x: Plan) -> None: assert_type(x.targets, Mapping[int, tuple[HallCall, ...]]); assert_type(x.pick_up, PickUp); assert_type(x.park, Mapping[int, int])
def n48(x: PlanInvalid) -> None: assert_type(x.dispatcher, str); assert_type(x.rule, str); assert_type(x.car, int | None); assert_type(x.call, HallCall | None)
def n49(x: Recall) -> None: assert_type(x.floor, int)
def n50(x: Restored) -> None: assert_type(x.car, int)
def n51(x: RoundTrip) -> None: assert_type(x.stops, float); assert_type(x.reversal, float); assert_type(x.seconds, float); assert_type(x.interval, float); assert_type(x.hc5, float); assert_type(x.percent_population, float | None)
def n52(x: Run) -> None: assert_type(x.seed, int); assert_type(x.seconds, float); assert_type(x.warmup_seconds, float); assert_type(x.passengers, Passengers); assert_type(x.arrived, int); assert_type(x.delivered, int); assert_type(x.abandoned, int); assert_type(x.in_system, int); assert_type(x.stops, int); assert_type(x.floors_travelled, int); assert_type(x.parked, int); assert_type(x.event_count, int); assert_type(x.backlog, tuple[int, ...]); assert_type(x.person_seconds, float); assert_type(x.places, int); assert_type(x.oracle, bool); assert_type(x.log, bytes); assert_type(x.saturated, bool); assert_type(x.handling_capacity, float); assert_type(x.littles_law, LittlesLaw)
def n53(x: RunFailed) -> None: assert_type(x.seed, int); assert_type(x.at, float)
def n54(x: SaturatedRun) -> None: assert_type(x.queue, int); assert_type(x.arrived, int); assert_type(x.delivered, int)
def n55(x: Scan) -> None: del x
def n56(x: Sector) -> None: del x
def n57(x: StopAt) -> None: assert_type(x.car, int); assert_type(x.floor, int); assert_type(x.direction, Direction)
def n58(x: Stopped) -> None: assert_type(x.car, int); assert_type(x.floor, int)
def n59(x: Summary) -> None: assert_type(x.n, int); assert_type(x.mean, float); assert_type(x.mean_square, float); assert_type(x.p50, float); assert_type(x.p95, float); assert_type(x.p99, float); assert_type(x.max, float)
def n60(x: Timing) -> None: assert_type(x.floor_seconds, float); assert_type(x.stop_seconds, float); assert_type(x.before_boarding, float); assert_type(x.turn_seconds, float); assert_type(x.closing, float)
def n61(x: Traffic) -> None: assert_type(x.name, str); assert_type(x.ends, bool); assert_type(x.manners, Manners)
def n62(x: Transfer) -> None: assert_type(x.mean, float); assert_type(x.low, float); assert_type(x.high, float); assert_type(x.shape, int)
def n63(building: Building, traffic: Traffic, dispatchers: Mapping[str, Dispatcher], seeds: Iterable[int], hours: float) -> None: assert_type(compare(building, traffic, dispatchers, seeds=seeds, hours=hours), Comparison)
def n64() -> None: assert_type(crites_barto(), Building)
def n65(floors: int, passengers: float, tv: float, ts: float, tp: float) -> None: assert_type(rtt(floors=floors, passengers=passengers, tv=tv, ts=ts, tp=tp), RoundTrip)
def n66(building: Building, traffic: Traffic, dispatcher: Dispatcher, seed: int) -> None: assert_type(simulate(building, traffic, dispatcher, seed=seed), Run)
def n67(state: State, event: Input, plan_for: PlanFor) -> None: assert_type(step(state, event, plan_for), tuple[State, Commands])
