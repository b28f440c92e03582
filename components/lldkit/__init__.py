"""The building blocks of a backend, one subpackage each: `from lldkit.rate_limiter import RateLimiter`."""

__all__ = ["__version__"]

__version__ = "0.1.0"
