"""How callables are told apart, whatever stands around the function."""

import functools
from collections.abc import AsyncIterator, Iterator

import pytest

from lldkit.callables import kind_of


def plain() -> int:
    return 1


async def coroutine() -> int:
    return 1


def generator() -> Iterator[int]:
    yield 1


async def async_generator() -> AsyncIterator[int]:
    yield 1


class Callable:
    def __call__(self) -> int:
        return 1

    async def method(self) -> int:
        return 1


class AsyncCallable:
    async def __call__(self) -> int:
        return 1


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        *[(plain, "function"), (len, "function"), (int, "function"), (lambda: 1, "function"), (Callable(), "function")],
        *[(coroutine, "coroutine"), (Callable().method, "coroutine"), (AsyncCallable(), "coroutine")],
        (functools.partial(functools.partial(coroutine)), "coroutine"),
        (functools.partial(AsyncCallable()), "coroutine"),
        *[(generator, "generator"), (functools.partial(generator), "generator")],
        *[(async_generator, "async generator"), (functools.partial(async_generator), "async generator")],
    ],
)
def test_a_callable_is_known_behind_what_wraps_it(function: object, kind: str) -> None:
    assert kind_of(function) == kind


@pytest.mark.parametrize("wrapper", [staticmethod, classmethod])
def test_a_decorator_above_staticmethod_is_told_where_it_belongs(wrapper: type) -> None:
    with pytest.raises(TypeError, match="below @staticmethod or @classmethod"):
        kind_of(wrapper(plain))


def test_what_cannot_be_called_is_refused() -> None:
    with pytest.raises(TypeError, match="only what can be called can be decorated, got 3"):
        kind_of(3)
