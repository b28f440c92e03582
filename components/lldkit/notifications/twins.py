"""The asynchronous twins of verbs that ask a store: each runs the plain verb in a thread, so there is only one."""

import asyncio
import functools
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

__all__ = ["all_of", "in_thread", "twin"]

S = TypeVar("S")
P = ParamSpec("P")
R = TypeVar("R")
S_contra = TypeVar("S_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)


class Verb(Protocol[S_contra, P, R_co]):
    """A coroutine function in a class, as instances have it; a plain Callable there binds for some checkers only."""

    def __get__(self, instance: S_contra, owner: type | None = None, /) -> Callable[P, Coroutine[Any, Any, R_co]]:
        """The bound verb."""
        ...


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

    averb.__name__ = f"a{verb.__name__}"
    averb.__doc__ = f"`{verb.__name__}` for tasks."
    return cast("Verb[S, P, R]", averb)
