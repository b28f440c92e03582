"""The configuration's picture: a fleet that follows one document."""

from lldkit.playground.config import demo


def generated() -> dict[str, str]:
    """A seeded trace, drawn."""
    return {"docs/img/config-fleet.svg": demo().to_svg()}
