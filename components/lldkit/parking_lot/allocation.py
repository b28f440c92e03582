"""Which of the fitting groups of spaces is used; within a group the nearest to the gate comes first, then the id."""

from dataclasses import dataclass

from lldkit.parking_lot.interface import LotView, Request, Space

__all__ = ["BestFit", "LevelBalanced", "NearestToGate"]

FAR = 2**31


@dataclass(frozen=True, slots=True)
class BestFit:
    """The smallest size, then the vehicle's permits, then the nearest to the gate, then the id: large spaces stay."""

    def order(self, space: Space, request: Request, view: LotView) -> tuple[int | float | str, ...]:
        """As `Allocation.order`."""
        permits = len(space.tags & request.vehicle.permits)
        return view.rank_of_size(space.size), -permits, space.distances.get(request.gate, FAR), space.id


@dataclass(frozen=True, slots=True)
class NearestToGate:
    """The nearest to the gate of all that fit, then the smallest, then the id: it starves who needs a large one."""

    def order(self, space: Space, request: Request, view: LotView) -> tuple[int | float | str, ...]:
        """As `Allocation.order`."""
        return space.distances.get(request.gate, FAR), view.rank_of_size(space.size), space.id


@dataclass(frozen=True, slots=True)
class LevelBalanced:
    """The emptiest level, then as `BestFit`: no level is crowded while another is empty."""

    def order(self, space: Space, request: Request, view: LotView) -> tuple[int | float | str, ...]:
        """As `Allocation.order`."""
        return -view.free_share(space.level), *BestFit().order(space, request, view)
