"""Ready-made lots for examples, tests and katas."""

from collections.abc import Iterator

from lldkit.parking_lot.interface import Space

__all__ = ["garage"]

SIZES = ("motorcycle", "compact", "regular", "regular", "regular", "large", "large", "large", "large", "large")


def garage(name: str) -> list[Space]:
    """The spaces of "two_levels" (40, gates north and south) or "tower" (8 levels of 12, one gate).

    >>> len(garage("two_levels")), len(garage("tower"))
    (40, 96)
    """
    if name == "two_levels":
        return list(_two_levels())
    if name == "tower":
        return [
            Space(
                f"{level}-{n:02}",
                size="regular" if n < 11 else "compact",
                level=str(level),
                distances={"gate": level * 20 + n},
            )
            for level in range(1, 9)
            for n in range(1, 13)
        ]
    raise ValueError(f"name must be 'two_levels' or 'tower', got {name!r}")


def _two_levels() -> Iterator[Space]:
    """Two rows of ten on each level: the large ones stand side by side; the first regular ones are reserved."""
    for level in (1, 2):
        for row in "AB":
            for position, size in enumerate(SIZES, 1):
                tags = {3: {"accessible"}, 4: {"ev"}}.get(position, set())
                far = 10 * level + position
                yield Space(
                    f"{level}{row}{position:02}",
                    size=size,
                    level=str(level),
                    row=row,
                    position=position,
                    tags=frozenset(tags),
                    max_height_cm=200 if size != "large" else None,
                    distances={"north": far, "south": 10 * level + 11 - position},
                )
