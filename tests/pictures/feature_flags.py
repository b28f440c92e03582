"""The pictures of feature flags: a ramp beside another flag, well hashed and badly."""

from lldkit.playground.feature_flags import demo


def generated() -> dict[str, str]:
    """A seeded trace, drawn."""
    return {"docs/img/feature_flags-ramp.svg": demo().to_svg()}
