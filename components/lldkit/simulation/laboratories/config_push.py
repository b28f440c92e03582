"""A configuration that breaks a service although it was rolled back: a time-out set too low, for ten seconds.

Calls that would have been answered in time are given up and made again, which makes the server slow, which makes more
of them late. When the old time-out is back the queue is already longer than it allows.
"""

from collections.abc import Callable

from lldkit.simulation.laboratories.overload import Outage, Server, Trouble, World
from lldkit.simulation.laboratories.policies import ClientPolicy

__all__ = ["config_push"]


def config_push(
    policy: Callable[[], ClientPolicy],
    *,
    load: float,
    timeout: float,
    pushed: float,
    push_seconds: float,
    canary: float = 1.0,
    server: Server | None = None,
    seconds: float = 180.0,
    seed: int = 0,
) -> Outage:
    """Let the clients wait `pushed` in place of `timeout` seconds for `push_seconds`, then roll it back.

    `canary` is the share of the calls that the new value reaches. The rest is as in `metastable`.

    >>> from lldkit.simulation.laboratories import Retries
    >>> push = config_push(lambda: Retries(3), load=0.7, timeout=1.0, pushed=0.15, push_seconds=10, seed=1)
    >>> push.goodput_after
    0.0
    """
    if not pushed > 0:
        raise ValueError(f"pushed is a time-out > 0 in seconds, got {pushed!r}")
    trouble = Trouble(seconds=push_seconds, time_out=pushed, share=canary)
    return World(
        policy=policy(),
        load=load,
        server=server or Server(),
        time_out=timeout,
        trouble=trouble,
        seconds=seconds,
        seed=seed,
    ).run()
