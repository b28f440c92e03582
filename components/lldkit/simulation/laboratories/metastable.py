"""The outage that stays when its cause is gone: a short slow-down, and retries that keep the server busy for ever.

Sources: N. Bronson and others, Metastable Failures in Distributed Systems (HotOS 2021); L. Huang and others,
Metastable Failures in the Wild (OSDI 2022).
"""

from collections.abc import Callable

from lldkit.simulation.laboratories.overload import Outage, Server, Trouble, World
from lldkit.simulation.laboratories.policies import ClientPolicy

__all__ = ["metastable"]


def metastable(
    policy: Callable[[], ClientPolicy],
    *,
    load: float,
    slow_factor: float,
    slow_seconds: float,
    timeout: float = 1.0,
    server: Server | None = None,
    seconds: float = 180.0,
    seed: int = 0,
) -> Outage:
    """Slow the server down by `slow_factor` for `slow_seconds` after half a quiet minute, then let it be.

    `load` is the rate of requests as a share of the server's capacity: 10 workers of 100 ms unless given. All clients
    share one `policy()`. A client waits `timeout` seconds for each call.

    >>> from lldkit.simulation.laboratories import Retries
    >>> metastable(lambda: Retries(3), load=0.7, slow_factor=10, slow_seconds=10, seed=1).goodput_after
    0.0
    """
    trouble = Trouble(seconds=slow_seconds, slow_factor=slow_factor)
    return World(
        policy=policy(),
        load=load,
        server=server or Server(),
        time_out=timeout,
        trouble=trouble,
        seconds=seconds,
        seed=seed,
    ).run()
