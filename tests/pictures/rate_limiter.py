"""The rate limiter's pictures: one run closely, and the same calls under four algorithms."""

from lldkit.playground import compare, picture, trace


def generated() -> dict[str, str]:
    """Seeded traces, drawn."""
    runs = [trace(algorithm) for algorithm in ("gcra", "sliding_log", "sliding_counter", "fixed_window")]
    return {
        "docs/img/rate_limiter-burst.svg": picture(runs[0]).to_svg(),
        "docs/img/rate_limiter-algorithms.svg": compare(runs).to_svg(),
    }
