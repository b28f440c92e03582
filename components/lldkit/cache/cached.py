"""The decorator: a function, coroutine function or method with a cache, whose arguments are the key.

Arguments are bound to the signature, so that f(1), f(x=1) and f(1, y=<its default>) are one entry. A call that gives
all parameters by position is bound as it stands.
"""

import functools
import inspect
import itertools
import weakref
from collections.abc import Callable, Hashable
from random import Random
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, cast, overload

from lldkit.cache.cache import Cache
from lldkit.cache.interface import CacheStats, LoadPolicy, PolicyFactory, PolicyName
from lldkit.cache.loading import MISSING
from lldkit.callables import kind_of
from lldkit.clock import SYSTEM, Clock

__all__ = ["CachedFunction", "cached"]

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
S = TypeVar("S")

REST = object()
"""Stands in a key between the parameters with a place and those with a name."""


def cached(
    cache: Cache[Any, Any] | None = None,
    *,
    maxsize: int | None = 128,
    ttl: float | None = None,
    ttl_jitter: float = 0.0,
    idle_ttl: float | None = None,
    policy: PolicyName | PolicyFactory = "s3fifo",
    loading: LoadPolicy = LoadPolicy(),  # noqa: B008 - it is frozen
    key: Callable[..., Hashable] | None = None,
    typed: bool = False,
    record_stats: bool = False,
    clock: Clock = SYSTEM,
    rng: Random | None = None,
) -> "Callable[[Callable[P, R]], CachedFunction[P, R]]":
    """Keep what a function returns, in `cache` or in one of its own made of the other arguments.

    `key` makes the key of the arguments, `typed` tells 1 from 1.0. In a shared `cache`, the keys of each function are
    its own unless `key` makes them. Decorates def, async def and methods; stands below @classmethod and @staticmethod.
    A method has its entries per instance, told apart by identity and not kept alive.

    >>> @cached(maxsize=100)
    ... def double(x: int) -> int:
    ...     return 2 * x
    >>> double(2), double(x=2), len(double.cache), double.invalidate(2)
    (4, 4, 1, True)
    """

    def decorate(function: Callable[P, R]) -> CachedFunction[P, R]:
        kind = kind_of(function)
        if "generator" in kind:
            raise TypeError(f"a generator can be consumed only once, so it cannot be cached: {function!r}")
        own = cache
        if own is None:
            own = Cache(
                maxsize=maxsize,
                policy=policy,
                ttl=ttl,
                ttl_jitter=ttl_jitter,
                idle_ttl=idle_ttl,
                loading=loading,
                record_stats=record_stats,
                clock=clock,
                rng=rng,
            )
        keys = _Keys(inspect.signature(function), key, typed=typed, prefix=None if cache is None else function)
        return (_AsyncCached if kind == "coroutine" else CachedFunction)(function, own, keys)

    return decorate


class _Keys:
    """Makes the key of a call; in a shared cache the function stands before its arguments."""

    def __init__(
        self,
        signature: inspect.Signature,
        key: Callable[..., Hashable] | None,
        *,
        typed: bool,
        prefix: Hashable | None,
    ) -> None:
        self._signature = signature
        self._key = key
        self._typed = typed
        self._prefix = prefix
        kinds = {parameter.kind for parameter in signature.parameters.values()}
        is_plain = kinds <= {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
        self.arity = len(signature.parameters) if is_plain and key is None and not typed and prefix is None else -1
        """With so many positional arguments and no others, they are the key; -1: never."""

    def of(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Hashable:
        """The key of a call."""
        if self._key is not None:
            return self._key(*args, **kwargs)
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        values = bound.args
        if bound.kwargs:
            values = (*values, REST, *itertools.chain.from_iterable(sorted(bound.kwargs.items())))
        if self._typed:
            values = (*values, REST, *map(type, values))
        return values if self._prefix is None else (self._prefix, values)

    @functools.cached_property
    def of_method(self) -> "_Keys":
        """The same without the first parameter."""
        without = self._signature.replace(parameters=list(self._signature.parameters.values())[1:])
        return _Keys(without, self._key, typed=self._typed, prefix=self._prefix)


class _Owners:
    """A number for each instance, by identity, without keeping it alive. Safe for threads."""

    def __init__(self) -> None:
        self._count = itertools.count()
        self._known: dict[int, tuple[int, weakref.ref[Any]]] = {}

    def number(self, instance: Any) -> int:
        """The number of `instance`, which no other one ever has. A TypeError if it cannot be weakly referenced."""
        known = self._known.get(id(instance))
        if known is None:
            place = id(instance)
            reference = weakref.ref(instance, lambda _: self._known.pop(place, None))
            known = self._known.setdefault(place, (next(self._count), reference))
        return known[0]


class CachedFunction(Generic[P, R]):
    """A function with its `cache`. Safe for threads and tasks, as the cache is."""

    __slots__ = ("__dict__", "_aload", "_arity", "_function", "_get", "_keys", "_load", "_number", "_owners", "cache")

    def __init__(self, function: Callable[P, R], cache: Cache[Any, Any], keys: _Keys) -> None:
        functools.update_wrapper(self, function)
        for name in ("__code__", "__defaults__", "__kwdefaults__"):  # by these a function is known, and its kind
            if hasattr(function, name):
                setattr(self, name, getattr(function, name))
        self.cache = cache
        self._function = function
        self._keys = keys
        self._arity = keys.arity  # with so many arguments they are the key themselves; -1: never
        ahead = cache.loads_ahead  # then also a hit has to be looked at
        self._get: Callable[[Hashable, Any], Any] = _nothing if ahead else cache.get
        self._load = cache.get_or_load if ahead else cache.load_missing
        self._aload = cache.aget_or_load if ahead else cache.aload_missing
        self._owners = _Owners()
        self._number: int | None = None  # of the instance, in a method

    __name__: str

    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return what is kept for these arguments, or call the function."""
        key = args if len(args) == self._arity and not kwargs else self._key(args, kwargs)
        value = self._get(key, MISSING)
        return self._missed(key, args, kwargs) if value is MISSING else value  # type: ignore[no-any-return]

    def refresh(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function now, and keep what it returns."""
        return cast("R", self.cache.refresh(self._key(args, kwargs), lambda _: self._function(*args, **kwargs)))

    def invalidate(self, /, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Forget the result for these arguments; whether there was one."""
        return self.cache.invalidate(self._key(args, kwargs))

    def cache_info(self) -> CacheStats:
        """The statistics of the cache."""
        return self.cache.stats

    def cache_clear(self) -> None:
        """Forget all results; in a shared cache those of the others too."""
        self.cache.clear()

    @overload
    def __get__(self, instance: None, owner: type) -> "CachedFunction[P, R]": ...
    @overload
    def __get__(
        self: Callable[Concatenate[S, Q], R], instance: S, owner: type | None = None
    ) -> "CachedFunction[Q, R]": ...
    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """The method of an instance: the same cache, keys of its own."""
        if instance is None:
            return self
        method: Any = object.__new__(type(self))  # copy.copy takes as long as ten calls
        method.__dict__ = self.__dict__
        for name in ("cache", "_get", "_load", "_aload", "_owners"):
            setattr(method, name, getattr(self, name))
        method._function = cast("Any", self._function).__get__(instance)  # noqa: SLF001 - it is another self
        method._keys = self._keys.of_method  # noqa: SLF001
        method._arity = -1  # noqa: SLF001
        method._number = self._owners.number(instance)  # noqa: SLF001
        return method

    def _key(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Hashable:
        key = args if len(args) == self._keys.arity and not kwargs else self._keys.of(args, kwargs)
        return key if self._number is None else (self._number, key)

    def _missed(self, key: Hashable, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Load; a method of its own, so that hits need not put their arguments where a lambda finds them."""
        return self._load(key, lambda _: self._function(*args, **kwargs))


def _nothing(_: Hashable, default: Any) -> Any:
    return default


class _AsyncCached(CachedFunction[P, R]):
    """As `CachedFunction`, for a coroutine function: results are kept, not coroutines."""

    async def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> Any:  # type: ignore[override]
        """Return what is kept for these arguments, or await the function."""
        key = args if len(args) == self._arity and not kwargs else self._key(args, kwargs)
        value = self._get(key, MISSING)
        return await self._missed(key, args, kwargs) if value is MISSING else value

    def _missed(self, key: Hashable, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return self._aload(key, lambda _: cast("Any", self._function(*args, **kwargs)))

    async def refresh(self, /, *args: P.args, **kwargs: P.kwargs) -> Any:  # type: ignore[override]
        """Await the function now, and keep what it returns."""
        key = self._key(args, kwargs)
        return await self.cache.arefresh(key, lambda _: cast("Any", self._function(*args, **kwargs)))
