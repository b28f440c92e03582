"""The cache's pictures: policies under a scan and a shift, and a hot key that expires."""

from typing import get_args

from lldkit.playground.cache import Protection, hit_picture, hit_ratio, stampede, stampede_picture


def generated() -> dict[str, str]:
    """Seeded traces, drawn."""
    return {
        "docs/img/cache-hit-ratio.svg": hit_picture(hit_ratio()).to_svg(),
        "docs/img/cache-stampede.svg": stampede_picture([stampede(kind) for kind in get_args(Protection)]).to_svg(),
    }
