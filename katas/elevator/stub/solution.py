"""An elevator: a car that goes up and down, and opens where somebody pressed a button."""


class Elevator:
    """The cars of a building; there is one until level 3."""

    def __init__(self, floors: int) -> None:
        """Begin at floor 0; the first way is up."""
        # TODO: level 1

    def call(self, floor: int) -> None:
        """Press the button of a floor in the car."""
        raise NotImplementedError  # TODO: level 1

    def step(self) -> list[tuple[int, bool]]:
        """Let a tick pass; of each car its floor, and whether it opened there."""
        raise NotImplementedError  # TODO: level 1
