"""Who fits where: sizes as an order that is data, reserved tags, height; and plates as they are compared."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from lldkit.arguments import check_count
from lldkit.parking_lot.interface import Space, Vehicle

__all__ = ["DEFAULT_FIT", "Fit", "Group", "group_of", "normal_plate"]

Group: TypeAlias = tuple[str, str, tuple[str, ...], int]
"""Alike spaces: level, size, reserved tags, and height in cm (0: any)."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Sizes from small to large; `runs` are vehicles that need several adjacent spaces: name -> (size, how many).

    A space with a `reserved_tags` tag is for vehicles with the permit; they take it before others of its size.
    """

    order: Sequence[str] = field(kw_only=True)
    runs: Mapping[str, tuple[str, int]] = field(default_factory=dict, kw_only=True)
    reserved_tags: frozenset[str] = field(default=frozenset({"accessible", "ev"}), kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "order", tuple(self.order))
        if not self.order or len(set(self.order)) < len(self.order):
            raise ValueError(f"order must name each size once, got {self.order!r}")
        for name, (size, length) in self.runs.items():
            check_count(f"the run of {name!r}", length, least=2)
            if size not in self.order or name in self.order:
                raise ValueError(f"runs must map a new name to a size of {self.order!r}, got {name!r}: {size!r}")

    def rank(self, size: str) -> int:
        """Where a size stands, small first."""
        return self.order.index(size)

    def needs(self, vehicle: Vehicle) -> tuple[str, int]:
        """The least size, and how many adjacent spaces; a ValueError names an unknown size."""
        if vehicle.size in self.runs:
            return self.runs[vehicle.size]
        if vehicle.size not in self.order:
            raise ValueError(f"size must be one of {[*self.order, *self.runs]}, got {vehicle.size!r}")
        return vehicle.size, 1

    def groups(self, vehicle: Vehicle, groups: Sequence[Group]) -> list[Group]:
        """The groups whose spaces the vehicle may use: small first, then those with more of its permits."""
        size, length = self.needs(vehicle)
        fitting = [
            group
            for group in groups
            if (group[1] == size if length > 1 else self.rank(group[1]) >= self.rank(size))
            and vehicle.permits.issuperset(group[2])
            and (not group[3] or vehicle.height_cm is None or vehicle.height_cm <= group[3])
        ]
        return sorted(fitting, key=lambda group: (self.rank(group[1]), -len(group[2]), group))


DEFAULT_FIT = Fit(order=("motorcycle", "compact", "regular", "large"), runs={"bus": ("large", 5)})
"""A bus is a run of five large spaces."""


def group_of(space: Space, fit: Fit) -> Group:
    """The group of a space; a ValueError names a size that the fit does not know."""
    if space.size not in fit.order:
        raise ValueError(f"the size of {space.id} must be one of {list(fit.order)}, got {space.size!r}")
    return space.level, space.size, tuple(sorted(space.tags & fit.reserved_tags)), space.max_height_cm or 0


def normal_plate(plate: str) -> str:
    """A plate as it is compared: without blanks, hyphens and dots, in capitals, in one Unicode form.

    >>> normal_plate(" ab-123 ")
    'AB123'
    """
    letters = unicodedata.normalize("NFKC", plate).casefold().upper()
    return "".join(filter(str.isalnum, unicodedata.normalize("NFC", letters))) or letters.strip()
