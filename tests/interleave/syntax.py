"""Bodies that use much of the language, to count their steps on one Python and on another."""

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

__all__ = ["BODIES"]


@dataclasses.dataclass
class Box:
    value: int = 0
    items: list[int] = dataclasses.field(default_factory=lambda: [1, 2, 3])
    table: dict[str, int] = dataclasses.field(default_factory=lambda: {"a": 1})

    @property
    def double(self) -> int:
        return self.value * 2

    def add(self, *amounts: int, scale: int = 1) -> "Box":
        for amount in amounts:
            self.value += amount * scale
        return self


class Child(Box):
    def add(self, *amounts: int, scale: int = 1) -> Box:
        return super().add(*amounts, scale=scale)


LOCK = threading.Lock()
total = 0


def attributes(box: Box) -> None:
    box.value += 1
    box.value, box.items = box.double, [*box.items, box.value]
    del box.table["a"]
    box.table["b"] = box.items[0]
    box.items[1:2] = [box.value]
    box.add(1, 2).add(3, scale=2)
    more = {"scale": 2}
    Child(7).add(*box.items, **more)


def comprehensions(box: Box) -> None:
    box.items = [each + box.value for each in box.items if each in box.items]
    box.table = {str(each): box.value for each in box.items}
    box.value = sum(each * box.value for each in box.items)
    pairs = {(each, other) for each in box.items for other in range(2)}
    box.value = max(pairs)[0] + min(len(pair) for pair in pairs)
    late = [lambda each=each: each + box.value for each in box.items]
    box.value = late[0]()


def loops(box: Box) -> None:
    for index, each in enumerate(box.items):
        if each == 2:
            continue
        box.value += index
    while box.value:
        box.value -= 1
        if box.value < 2:
            break
    else:
        box.value = 9
    for _ in range(2):
        for each in box.items:
            box.value += each
    while True:
        try:
            box.items.pop()
        except IndexError:
            break


def failures(box: Box) -> None:
    for key in ("a", "x", "y"):
        try:
            box.table[key] += 1
        except KeyError as error:
            box.table[str(error)] = 1
            continue
        else:
            box.value += 1
        finally:
            box.value += 2
    with contextlib.suppress(ZeroDivisionError):
        box.value = box.value // (box.value - box.value)
    try:
        box.items[9]
    except (KeyError, IndexError):
        box.items.clear()
    box.value = 0


def locks(box: Box) -> int:
    lock = threading.RLock()
    with lock, lock:
        box.value += 1
        for each in box.items:
            with lock:
                box.value += each
                if each == 2:
                    return box.value
    return 0


@contextlib.contextmanager
def doubled(box: Box) -> Iterator[Box]:
    box.value *= 2
    try:
        yield box
    finally:
        box.value //= 2


def counted(box: Box) -> Iterator[int]:
    while box.value < 4:
        box.value += 1
        yield box.value
    yield from box.items


def generators(box: Box) -> None:
    with doubled(box) as same:
        same.value += 1
    box.items = list(counted(box))
    first, *_, last = counted(box)
    box.value = first + last if box.items and not box.table else next(counted(box))


def names(box: Box) -> None:
    global total  # noqa: PLW0603 - it is one of the things to be counted
    total = total + box.value
    count = 0

    def step() -> Callable[[], int]:
        nonlocal count
        count += 1
        return lambda: count + box.value

    box.value = step()() + step()()


@lru_cache
def cached(number: int) -> int:
    return number + 1


def calls(box: Box) -> None:
    box.value = cached(box.value) + cached(box.value)
    box.value = max(box.items, key=lambda each: -each)
    box.items.sort(key=cached)
    text = f"{box.value:>{box.items[0]}} {box!r:.3} {', '.join(map(str, box.items))}"
    match box:
        case Child():
            box.value = len(text)
        case Box(value=0):
            box.value = 1
        case Box(items=[first, *_]) if first == box.value:
            box.value = 2
    if (size := len(box.items)) and 0 < size < 9 and (box.value or box.table):
        box.value = size
    assert box.value is not None, "never"


BODIES: tuple[Callable[[Box], Any], ...] = (
    *(attributes, comprehensions, loops, failures, locks, generators, names, calls),
)
