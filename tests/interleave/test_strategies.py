"""The strategies: what each of them draws, and that priorities keep their promise."""

import statistics
from random import Random
from typing import Any

import pytest

from interleave.planted import Box, counting, depth_three
from lldkit.interleave import CLOCK, Alternate, Choice, Pct, Portfolio, Preempt, RandomWalk, Sticky, Strategy, explore


def choice(*runnable: int, current: int | None = None, step: int = 0) -> Choice:
    return Choice(runnable, current, step, dict.fromkeys(runnable))


class SortedPct(Pct):
    """The mistake: the change points in the order of time, so that a later drop ends above an earlier one."""

    def begin(self, run: int, rng: Random, /) -> None:
        super().begin(run, rng)
        self._drops = {step: float(index) for index, step in enumerate(sorted(self._drops))}


def handed_back() -> Any:
    """The first thread is interrupted by the second, and the second by the rest of the first."""
    x, y, bad = Box(), Box(), list[int]()

    def write() -> None:
        x.value = 1
        y.value = 1

    def look() -> None:
        between = x.value == 1 and y.value == 0
        if between and y.value == 1:
            bad.append(1)

    return [write, look], lambda: not bad


def runs_to_find(program: Any, strategy: Strategy, seed: int, most: int) -> int:
    report = explore(program, strategy=strategy, seed=seed, schedules=most, shrink=False)
    return report.schedules if report.failure else most + 1


def test_priorities_drop_at_random_steps_that_are_not_sorted_in_time() -> None:
    assert max(runs_to_find(handed_back, Pct(3), seed, 200) for seed in range(20)) <= 200
    assert min(runs_to_find(handed_back, SortedPct(3), seed, 200) for seed in range(20)) > 200


def test_a_bug_of_depth_three_is_found_with_the_probability_that_was_proved() -> None:
    """1/(n k^(d-1)) for n = 3 threads and k steps, so that the median is below ln 2 times as many runs."""
    steps = explore(depth_three(locked=False), strategy=Preempt(()), schedules=1).steps
    median = statistics.median(runs_to_find(depth_three(locked=False), Pct(3), seed, 4_000) for seed in range(21))
    assert median <= 0.69 * 3 * steps**2


def test_the_length_of_a_run_is_learnt_and_forgotten_with_the_next_exploration() -> None:
    pct = Pct(3, length=50)
    first = explore(counting(2, 3, locked=True), strategy=pct, schedules=20, seed=1)
    assert pct.longest == first.steps // 20  # all runs of this program are of one length
    again = explore(counting(2, 3, locked=False), strategy=pct, seed=1)
    assert str(again) == str(explore(counting(2, 3, locked=False), strategy=Pct(3, length=50), seed=1))


def test_a_walk_takes_everybody_alike_and_the_clock_now_and_then() -> None:
    walk = RandomWalk()
    walk.begin(0, Random(1))
    taken = [walk.pick(choice(0, 1, 2, CLOCK)) for _ in range(6_000)]
    assert all(1_700 < taken.count(thread) < 2_050 for thread in range(3))
    assert 300 < taken.count(CLOCK) < 450
    assert {walk.pick(choice(CLOCK)) for _ in range(3)} == {CLOCK}


@pytest.mark.parametrize("switch", [0.02, 0.1, 0.3])
def test_a_sticky_walk_stays(switch: float) -> None:
    sticky = Sticky(switch)
    sticky.begin(0, Random(1))
    stayed = sum(sticky.pick(choice(0, 1, current=1)) == 1 for _ in range(10_000))
    assert stayed / 10_000 == pytest.approx(1 - switch / 2, abs=0.01)
    assert sticky.pick(choice(0, current=1)) == 0


def test_threads_alternate_after_a_head_start() -> None:
    alternate = Alternate()
    for seed in range(20):
        alternate.begin(0, Random(seed))
        current, taken = None, list[int]()
        for step in range(60):
            current = alternate.pick(choice(0, 1, 2, CLOCK, current=current, step=step))
            taken.append(current)
        assert CLOCK not in taken
        assert {taken.count(thread) // 10 for thread in range(3)} <= {1, 2}


def test_a_portfolio_gives_each_of_its_strategies_a_run_in_turn() -> None:
    begun: list[str] = []

    class Named(RandomWalk):
        def __init__(self, name: str) -> None:
            self.name = name

        def begin(self, run: int, rng: Random, /) -> None:
            begun.append(f"{self.name}{run}")
            super().begin(run, rng)

    explore(counting(2, 1, locked=True), strategy=Portfolio([Named("a"), Named("b")]), schedules=5)
    assert begun == ["a0", "b1", "a2", "b3", "a4"]
    assert {type(one) for one in Portfolio().strategies} == {RandomWalk, Sticky, Pct, Alternate}


def test_a_preemption_for_somebody_who_cannot_run_goes_to_somebody_who_can() -> None:
    preempt = Preempt({3: 7})
    assert preempt.pick(choice(0, 1, current=1, step=2)) == 1
    assert preempt.pick(choice(0, 1, 2, current=0, step=3)) == 1
    assert (preempt.advance(), preempt.bound) == (False, "one schedule")


@pytest.mark.parametrize(("granularity", "steps"), [("free", 6), ("gil", 13), ("sync", 1)])
def test_a_strategy_is_no_switch_point_even_where_it_stands_beside_the_program(granularity: str, steps: int) -> None:
    """A thread begins and writes five times; or is entered, back from `range`, and each turn enters and jumps back."""

    class Same(RandomWalk):
        def pick(self, choice: Choice, /) -> int:
            self.seen = [*getattr(self, "seen", ()), choice.step]
            return super().pick(choice)

    def program() -> Any:
        box = Box()

        def count() -> None:
            for number in range(5):
                box.value = plus_one(number)

        return [count, count], None

    theirs, ours = (
        explore(program, strategy=strategy, granularity=granularity, schedules=20)
        for strategy in (Same(), RandomWalk())
    )
    assert theirs.steps == ours.steps == 20 * 2 * steps


def plus_one(number: int) -> int:
    return number + 1


def test_numbers_that_make_no_sense_are_refused() -> None:
    for make, told in (
        (lambda: Sticky(0), "switch is a probability"),
        (lambda: Sticky(1.5), "got 1.5"),
        (lambda: Pct(0), "depth counts ordering constraints, at least 1, got 0"),
        (lambda: Pct(length=0), "length is a number of steps"),
    ):
        with pytest.raises(ValueError, match=told):
            make()


def test_a_strategy_that_picks_somebody_who_cannot_run_is_told_so() -> None:
    class Wrong(RandomWalk):
        def pick(self, _: Choice, /) -> int:
            return 9

    with pytest.raises(ValueError, match="picked 9, which is not among the runnable"):
        explore(counting(2, 1, locked=True), strategy=Wrong())
