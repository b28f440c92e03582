"""The decorator: what one entry is, what a method keeps, and what stays of the function."""

import asyncio
import gc
import inspect
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from lldkit.cache import Cache, LoadPolicy, XFetch, cached


class Counting:
    """A function body that counts its calls."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def __call__(self, *args: Any) -> tuple[Any, ...]:
        self.calls.append(args)
        return args


def test_arguments_are_one_entry_however_they_are_given() -> None:
    body = Counting()

    @cached()
    def f(a: int, b: int = 2, *rest: int, c: int = 3, d: int = 4, **others: int) -> Any:
        return body(a, b, rest, c, d, others)

    @cached()
    def g(a: int, b: int = 2) -> Any:
        return body(a, b)

    for call in (f, g):
        body.calls.clear()
        assert call(1) == call(a=1) == call(1, 2) == call(1, b=2) == call(b=2, a=1)
        assert len(body.calls) == 1
    f(1, c=3)
    f(1, d=4, c=3)
    assert len(body.calls) == 1  # that of g: f(1) is kept
    assert f(1, x=1, y=2) == f(1, y=2, x=1)
    assert f(1, 2, 3) != f(1, 2, 3, 4)
    assert f(1, x=1) != f(1)


def test_neighbouring_keys_are_told_apart() -> None:
    @cached()
    def f(*args: object, **kwargs: object) -> object:
        return args, kwargs

    @cached()
    def g(a: object) -> object:
        return a

    assert (g(-1), g(-2), g(None), g((1,))) == (-1, -2, None, (1,))
    assert f("a:b", "c") != f("a", "b:c")
    assert f("x", 1) != f(x=1)
    assert f() == f()


def test_equal_arguments_share_an_entry_unless_typed() -> None:
    @cached()
    def f(a: float) -> str:
        return repr(a)

    @cached(typed=True)
    def typed(a: float) -> str:
        return repr(a)

    assert (f(1), f(1.0), f(True)) == ("1", "1", "1")
    assert (typed(1), typed(1.0), typed(True), typed(a=1)) == ("1", "1.0", "True", "1")


def test_the_function_keeps_its_face() -> None:
    @cached()
    def f(a: int) -> int:
        """Doc."""
        return a

    @cached()
    async def g(a: int) -> int:
        return a

    assert (f.__name__, f.__doc__, str(inspect.signature(f))) == ("f", "Doc.", "(a: int) -> int")
    assert (inspect.iscoroutinefunction(f), inspect.iscoroutinefunction(g)) == (False, True)
    assert asyncio.iscoroutinefunction(g)


async def test_a_coroutine_function_caches_results() -> None:
    body = Counting()

    @cached(maxsize=10)
    async def f(a: int) -> Any:
        await asyncio.sleep(0)
        return body(a)

    assert list(await asyncio.gather(f(1), f(a=1), f(1))) == [(1,)] * 3
    assert await f(1) == (1,)
    assert body.calls == [(1,)]
    assert await f.refresh(1) == (1,)
    assert len(body.calls) == 2
    assert f.invalidate(1)
    assert not f.invalidate(1)


def test_results_are_refreshed_invalidated_and_counted() -> None:
    body = Counting()

    @cached(maxsize=10, record_stats=True)
    def f(a: int) -> Any:
        return body(a)

    f(1)
    f(1)
    f.refresh(1)
    assert len(body.calls) == 2
    assert f.invalidate(a=1)
    f(1)
    info = f.cache_info()
    assert (info.hits, info.misses, info.loads, info.size) == (1, 2, 3, 1)
    f.cache_clear()
    assert len(f.cache) == 0


def test_a_method_has_entries_per_instance_and_keeps_none_alive() -> None:
    class Shop:
        def __init__(self, name: str) -> None:
            self.name = name

        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 1

        @cached()
        def price(self, sku: str, tax: int = 0) -> str:
            return f"{self.name} {sku} {tax}"

        @cached()
        async def aprice(self, sku: str) -> str:
            return f"{self.name} {sku}"

        @classmethod
        @cached()
        def kind(cls, word: str) -> str:
            return f"{cls.__name__} {word}"

        @staticmethod
        @cached()
        def twice(a: int) -> int:
            return 2 * a

    one, two = Shop("one"), Shop("two")
    assert (one.price("x"), two.price("x"), one.price(sku="x", tax=0)) == ("one x 0", "two x 0", "one x 0")
    assert len(Shop.price.cache) == 2
    assert asyncio.run(one.aprice("x")) == "one x"
    assert inspect.iscoroutinefunction(one.aprice)
    shop: Any = Shop  # mypy sees no descriptor within a classmethod or staticmethod
    assert (shop.kind("a"), shop("x").kind("a"), shop.twice(2), shop("x").twice(2)) == ("Shop a", "Shop a", 4, 4)
    assert one.price.invalidate("x")
    assert len(Shop.price.cache) == 1
    gone = weakref.ref(one)
    del one
    gc.collect()
    assert gone() is None
    assert len(Shop.price._owners._known) == 1


def test_functions_that_share_a_cache_do_not_mix_up_their_keys() -> None:
    cache = Cache[Any, Any](maxsize=10)

    @cached(cache)
    def f(a: int) -> str:
        return f"f{a}"

    @cached(cache)
    def g(a: int) -> str:
        return f"g{a}"

    @cached(cache, key=lambda a: a)
    def h(a: int) -> str:
        return f"h{a}"

    assert (f(1), g(1), h(1), f(1), g(1), h(1)) == ("f1", "g1", "h1") * 2
    assert cache[1] == "h1"
    assert len(cache) == 3


def test_closures_of_one_name_do_not_share_results() -> None:
    cache = Cache[Any, Any](maxsize=10)

    def make(factor: int) -> Callable[[int], int]:
        @cached(cache)
        def times(a: int) -> int:
            return a * factor

        return times

    assert (make(2)(5), make(3)(5)) == (10, 15)


def test_a_method_may_make_its_own_keys() -> None:
    class Shop:
        @cached(key=lambda user, /: user["id"])
        def greeting(self, user: dict[str, Any]) -> str:
            return f"hello {user['name']}"

    shop = Shop()
    assert shop.greeting({"id": 1, "name": "Ann"}) == shop.greeting({"id": 1, "name": "Bob"}) == "hello Ann"
    assert Shop().greeting({"id": 1, "name": "Bob"}) == "hello Bob"


def test_a_refresh_ahead_works_through_the_decorator() -> None:
    class Always(XFetch):
        __slots__ = ()

        def is_due(self, gap: float, delta: float, draw: float) -> bool:
            return True

    body = Counting()

    @cached(ttl=100, loading=LoadPolicy(refresh_ahead=Always()))
    def f(a: int) -> Any:
        return body(a)

    f(1)
    f(1)
    assert len(body.calls) == 2


@pytest.mark.parametrize("what", [staticmethod(len), classmethod(repr)])
def test_what_cannot_be_cached_is_refused(what: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="put the decorator below"):
        cached()(what)

    def generator() -> Any:
        yield 1

    with pytest.raises(TypeError, match="a generator can be consumed only once"):
        cached()(generator)


def test_unhashable_arguments_are_refused_by_python() -> None:
    @cached()
    def f(a: list[int]) -> int:
        return len(a)

    with pytest.raises(TypeError, match="unhashable type: 'list'"):
        f([1])
