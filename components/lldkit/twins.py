"""The asynchronous twins of verbs that ask a store: each runs the plain verb in a thread, so that there is one of it.

A thread hop costs tens of microseconds, which is small beside a trip to an engine. A cancelled task stops waiting,
while its verb may still take effect.
"""

import functools
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

__all__ = ["Verb", "in_thread", "named", "twin"]

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


async def in_thread(call: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """What `call` returns, run in a thread of the loop's executor."""
    import asyncio  # costs a third of all that a configuration imports, and who has no tasks needs none of it

    return await asyncio.to_thread(call, *args, **kwargs)


def twin(verb: Callable[Concatenate[S, P], R]) -> Verb[S, P, R]:
    """A verb's twin for tasks; it stands beside the verb in its class, under the same name with an `a` before it."""

    @functools.wraps(verb)
    async def averb(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await in_thread(verb, self, *args, **kwargs)

    return named(verb, averb)


def named(verb: Callable[Concatenate[S, P], R], averb: Callable[..., Coroutine[Any, Any, R]]) -> Verb[S, P, R]:
    """`averb` with the name and the type of a twin of `verb`."""
    averb.__name__ = f"a{verb.__name__}"
    averb.__doc__ = f"`{verb.__name__}` for tasks."
    return cast("Verb[S, P, R]", averb)
