"""The asynchronous twins of the notifier's verbs, which write: a cancelled task waits until its verb has ended."""

import asyncio
import functools
from collections.abc import Callable, Iterable
from typing import Concatenate, ParamSpec, TypeVar

from lldkit.twins import Verb, named

__all__ = ["all_of", "in_thread", "twin"]

S = TypeVar("S")
P = ParamSpec("P")
R = TypeVar("R")


async def in_thread(work: Callable[[], R]) -> R:
    """Do `work` in a thread; even when cancelled, do not leave before it has ended, because it writes."""
    doing = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        await asyncio.wait({doing})
        raise


async def all_of(doing: Iterable[asyncio.Future[None]]) -> None:
    """Wait for all, whatever becomes of each; then raise what the first that failed has raised."""
    results = await asyncio.gather(*doing, return_exceptions=True)
    for result in results:
        if result is not None:
            raise result


def twin(verb: Callable[Concatenate[S, P], R]) -> Verb[S, P, R]:
    """The verb for tasks. With a `connection` it runs where it is, because that belongs to the caller's thread."""

    @functools.wraps(verb)
    async def averb(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        if kwargs.get("connection") is not None:
            return verb(self, *args, **kwargs)
        return await in_thread(functools.partial(verb, self, *args, **kwargs))

    return named(verb, averb)
