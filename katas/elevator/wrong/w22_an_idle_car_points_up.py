"""An elevator: one car that sweeps."""


class _Car:
    """Where a car is, which way it goes, and what it has promised."""

    def __init__(self):
        self.floor, self.direction = 0, 1
        self.buttons = set()

    def stops(self):
        """All floors that the car has to visit."""
        return self.buttons

    def ahead(self, direction):
        """Whether a stop lies that way."""
        return any((stop - self.floor) * direction > 0 for stop in self.stops())

    def move(self):
        """Go on while stops lie ahead; turn, if they lie behind; else wait for the next."""
        if not self.ahead(self.direction) and self.ahead(-self.direction):
            self.direction = -self.direction
        if self.ahead(self.direction):
            self.floor += self.direction
        else:
            self.direction = 1


class Elevator:
    """The cars of a building."""

    def __init__(self, floors):
        self._floors, self._cars = floors, [_Car()]

    # Level 1.

    def call(self, floor):
        """Press the button of a floor in the car."""
        self._check(floor)
        self._cars[0].buttons.add(floor)

    def step(self):
        """Let a tick pass: each car opens, or moves."""
        return [self._tick(car) for car in self._cars]

    def _check(self, floor):
        if not 0 <= floor < self._floors:
            raise ValueError(f"a floor is 0 or more and below {self._floors}, got {floor!r}")

    def _tick(self, car):
        opened = self._open(car)
        if not opened:
            car.move()
        return car.floor, opened

    def _open(self, car):
        if car.floor not in car.buttons:
            return False
        car.buttons.discard(car.floor)
        return True

    def riders(self):
        return [person for person, _ in self._cars[0].riders]
