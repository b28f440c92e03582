"""Destination control: people say where to before they board, and ride together with those who go there."""

from lldkit.arguments import check_number
from lldkit.elevator.interface import CarView, GroupView, KioskCall, Phase, Plan

__all__ = ["DestinationDispatch"]


class DestinationDispatch:
    """At the kiosk each person is told a car, at once and for good: the one that the journey delays least.

    The cost is the estimated journey, a `stop_price` for each stop that the car would not make otherwise, and the delay
    of those who are with it already. So people for one floor share a car, cars stop less, and in an up-peak more people
    are carried; at night nobody can take the car that happens to be there first. O(cars x stops).
    """

    needs_destinations = True

    def __init__(self, *, stop_price: float = 10.0) -> None:
        self.stop_price = check_number("stop_price", stop_price)

    def plan(self, view: GroupView) -> Plan:
        """The car for the request of `view.kiosk`; without one there is nothing to say."""
        call = view.kiosk
        if call is None:
            return Plan({})
        building = view.building
        able = [
            car
            for car in view.cars
            if car.in_service and building.serves(car.id, call.floor) and building.serves(car.id, call.destination)
        ]
        if not able:
            return Plan({})
        best = min(able, key=lambda car: (self._cost(view, car, call), car.id))
        return Plan({best.id: (call.call,)})

    def _cost(self, view: GroupView, car: CarView, call: KioskCall) -> float:
        """Seconds until the car has brought this person, and what that costs others."""
        timing = view.building.cars[car.id].timing
        floor_seconds, stop_seconds = timing.commit(1), timing.settle(1) + timing.closing
        way = int(call.direction)
        together = [pair for pair in car.assigned if pair[0] == call.floor and (pair[1] - pair[0]) * way > 0]
        trips = len(together) // car.capacity  # so many are before this person that the car must come again
        stops_there = {goal for _, goal in together[trips * car.capacity :]}
        at = car.next_seconds + self._way_to(car, call, floor_seconds, stop_seconds)
        at += trips * (2 * view.building.floors * floor_seconds + len(stops_there | {call.floor}) * stop_seconds)
        between = sum(1 for goal in stops_there if call.floor * way < goal * way < call.destination * way)
        ride = abs(call.destination - call.floor) * floor_seconds + (between + 1) * stop_seconds
        new_stops = (call.destination not in stops_there) + (not together)
        beyond = sum(1 for _, goal in together if goal * way > call.destination * way)
        others = len(car.assigned) + car.load
        delay = (call.destination not in stops_there) * stop_seconds * beyond + (not together) * others
        return at + ride + new_stops * self.stop_price + delay

    @staticmethod
    def _way_to(car: CarView, call: KioskCall, floor_seconds: float, stop_seconds: float) -> float:
        """Seconds until the car can be at the caller's floor and go the caller's way."""
        stops = set(car.car_calls) | {floor for pair in car.assigned for floor in pair}
        ahead = (call.floor - car.next_floor) * car.direction
        standing = car.phase is Phase.IDLE or not stops
        if standing or (ahead >= 0 and call.direction is car.direction):
            low, high = sorted((car.next_floor, call.floor))
            return (high - low) * floor_seconds + stop_seconds * sum(1 for stop in stops if low < stop < high)
        end = max(stops) if car.direction > 0 else min(stops)
        flown = abs(end - car.next_floor) + abs(end - call.floor)
        if call.direction is car.direction:  # behind: to one end, to the other, and here
            other = min(stops) if car.direction > 0 else max(stops)
            flown = abs(end - car.next_floor) + abs(end - other) + abs(other - call.floor)
        return flown * floor_seconds + len(stops) * stop_seconds
