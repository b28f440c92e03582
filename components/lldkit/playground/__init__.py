"""Components made visible: seeded traces of their pure cores, drawn as SVG and as terminal lines."""

from lldkit.playground.rate_limiter import RateLimiterTrace, compare, picture, trace

__all__ = ["RateLimiterTrace", "compare", "picture", "trace"]
