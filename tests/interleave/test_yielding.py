"""Yielding keys, values and numbers show races that plain ones hide; the hammer counts, collects and gives up."""

import sys
import threading
from functools import partial

import pytest

from lldkit.errors import LldkitError
from lldkit.interleave.yielding import HammerFailure, YieldingKey, YieldingNumber, YieldingValue, hammer


class Counter:
    def __init__(self) -> None:
        self.total = 0

    def add(self, amount: int) -> None:
        self.total += amount


def test_an_update_is_lost_with_yielding_numbers() -> None:
    counter = Counter()
    hammer(partial(counter.add, YieldingNumber(1))).assert_ok()
    assert counter.total < 8 * 300


def test_a_locked_update_is_not_lost() -> None:
    counter, lock = Counter(), threading.Lock()

    def add() -> None:
        with lock:
            counter.add(YieldingNumber(1))

    hammer(add, rounds=100).assert_ok()
    assert counter.total == 8 * 100


def test_a_key_is_loaded_twice_with_yielding_keys() -> None:
    def loads_of_one_key() -> int:
        loads, cache = [], dict[str, int]()

        def get() -> None:
            key = YieldingKey("nut")
            if key not in cache:
                loads.append(key)
                cache[key] = 1

        hammer(get, rounds=1).assert_ok()
        return len(loads)

    assert max(loads_of_one_key() for _ in range(50)) > 1


def test_a_check_of_a_yielding_value_lets_others_in_between_the_check_and_the_use() -> None:
    def takers_of_one_item() -> int:
        shelf, took = [YieldingValue(1)], []

        def take() -> None:
            if shelf and shelf[0]:
                took.append(1)
                shelf.clear()

        hammer(take, rounds=1)
        return len(took)

    assert max(takers_of_one_item() for _ in range(50)) > 1


def test_yielding_things_equal_what_they_stand_for() -> None:
    assert {"nut": 1}[YieldingKey("nut")] == 1
    assert dict[str, int]({YieldingKey("nut"): 1})["nut"] == 1
    assert YieldingValue(1) == 1 == YieldingValue(1) != YieldingValue(2)
    assert {YieldingValue(1)} == {1}
    assert not YieldingValue(0)
    assert YieldingValue(1)
    assert repr(YieldingValue(1)) == "YieldingValue(1)"


def test_numbers_keep_yielding_through_sums_and_behave_like_ints() -> None:
    two = YieldingNumber(2)
    for result, value in ((two + 1, 3), (1 + two, 3), (two - 1, 1), (1 - two, -1), (sum([two, two]), 4)):
        assert isinstance(result, YieldingNumber)
        assert result == value
    assert two + 0.5 == 2.5
    assert (two < 3, two <= 1, two > 3, two >= 2) == (True, False, False, True)


def test_each_thread_calls_its_body_once_a_round() -> None:
    odd, even = list[int](), list[int]()
    report = hammer(partial(even.append, 0), partial(odd.append, 1), threads=5, rounds=7).assert_ok()
    assert (len(even), len(odd), report.calls) == (3 * 7, 2 * 7, 5 * 7)
    assert report.lost == ()


def test_what_a_body_raises_is_collected_and_the_rest_goes_on() -> None:
    def fail() -> None:
        raise KeyError("nut")

    good = list[int]()
    report = hammer(fail, partial(good.append, 1), threads=4, rounds=3)
    assert (len(report.errors), len(good)) == (6, 6)
    with pytest.raises(HammerFailure, match="12 calls, 6 errors, the first KeyError") as caught:
        report.assert_ok()
    assert isinstance(caught.value, LldkitError)
    assert isinstance(caught.value, AssertionError)
    assert caught.value.__cause__ is report.errors[0]


def test_a_thread_that_hangs_is_reported_and_keeps_nobody() -> None:
    release = threading.Event()
    report = hammer(lambda: None, release.wait, threads=4, rounds=2, limit_seconds=0.2)
    for thread in threading.enumerate():
        if thread.name in {"hammer 0", "hammer 2"}:
            thread.join(10)
            assert not thread.is_alive(), "it waits for a round that will never begin"
    release.set()
    assert report.lost == ("hammer 1", "hammer 3")
    assert report.calls == 2
    with pytest.raises(HammerFailure, match="lost hammer 1, hammer 3 after"):
        report.assert_ok()


def test_the_switch_interval_is_put_back() -> None:
    usual, seen = sys.getswitchinterval(), list[float]()
    sys.setswitchinterval(2e-3)
    try:
        hammer(lambda: seen.append(sys.getswitchinterval()), threads=1, rounds=1, switch_interval=1e-4)
        assert seen == [pytest.approx(1e-4)]
        assert sys.getswitchinterval() == pytest.approx(2e-3)
    finally:
        sys.setswitchinterval(usual)


@pytest.mark.parametrize(("bodies", "threads", "rounds"), [(0, 8, 1), (3, 2, 1), (1, 8, 0)])
def test_a_hammer_without_work_is_refused(bodies: int, threads: int, rounds: int) -> None:
    with pytest.raises(ValueError, match="bodies"):
        hammer(*[print] * bodies, threads=threads, rounds=rounds)
