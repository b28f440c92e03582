"""The side-by-side timing, driven by a fake timer and a machine that becomes noisy when it is told to."""

import gc
from collections.abc import Callable
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.beside import MOST_REPEATS, abeside, beside, code, value_row


class Fake:
    """A carrier, a timer, and subjects that cost what they say; `noise` multiplies the cost of every run."""

    def __init__(self, *, disabled: bool = False) -> None:
        self.disabled = disabled
        self.group: str | None = None
        self.extra_info: dict[str, Any] = {}
        self.now = 0.0
        self.ran: list[str] = []
        self.noise: Callable[[int], float] = lambda _: 1.0
        self.rounds = 0

    def pedantic(self, target: Callable[[], object], *, rounds: int) -> object:
        self.rounds += rounds
        return target()

    def subject(self, name: str, cost: float) -> Callable[[], None]:
        def run() -> None:
            assert not gc.isenabled()
            self.now += cost * self.noise(len(self.ran))
            self.ran.append(name)

        return run

    def asubject(self, name: str, cost: float) -> Any:
        run = self.subject(name, cost)

        async def arun() -> None:
            run()

        return arun

    def timer(self) -> float:
        return self.now

    @property
    def values(self) -> dict[str, float]:
        return dict(self.extra_info["values"])


def test_each_round_runs_every_subject_and_begins_with_another_one() -> None:
    fake = Fake()
    beside(
        fake,
        {name: fake.subject(name, 1.0) for name in ("lldkit", "b", "c")},
        row="r",
        number=1,
        rounds=3,
        timer=fake.timer,
    )
    warm_up, rounds = fake.ran[:3], fake.ran[3:]
    assert warm_up == ["lldkit", "b", "c"]
    assert rounds == ["lldkit", "b", "c", "b", "c", "lldkit", "c", "lldkit", "b"]


def test_a_noisy_second_does_not_change_the_ratio() -> None:
    fake = Fake()
    fake.noise = lambda run: 10.0 if run < 40 else 1.0  # the first rounds, of both, are slow
    subjects = {"lldkit": fake.subject("lldkit", 0.001), "peer": fake.subject("peer", 0.003)}
    beside(fake, subjects, row="r", number=4, rounds=10, timer=fake.timer)
    assert fake.values == pytest.approx({"lldkit": 0.001, "peer": 0.003})


def test_the_least_round_counts_and_the_warm_up_does_not() -> None:
    fake = Fake()
    fake.noise = lambda run: 0.1 if run < 2 else 5.0 if run < 4 or run >= 6 else 1.0
    subjects = {"lldkit": fake.subject("lldkit", 1.0), "peer": fake.subject("peer", 2.0)}
    beside(fake, subjects, row="r", number=1, rounds=3, timer=fake.timer)
    assert fake.values == {"lldkit": 1.0, "peer": 2.0}


def test_repeats_double_until_a_round_is_long_enough_for_each_subject() -> None:
    fake = Fake()
    subjects = {"lldkit": fake.subject("lldkit", 0.001), "slow": fake.subject("slow", 1.0)}
    beside(fake, subjects, row="r", rounds=1, timer=fake.timer)
    # 1 + 2 + 4 to warm up and 4 in the round; the slow one fills a round alone: 1 + 1.
    assert (fake.ran.count("lldkit"), fake.ran.count("slow")) == (11, 2)
    assert fake.values == pytest.approx({"lldkit": 0.001, "slow": 1.0})


def test_a_subject_that_costs_nothing_ends_too() -> None:
    fake = Fake()
    beside(fake, {"lldkit": code("pass")}, row="r", rounds=1, timer=fake.timer)
    assert fake.values == {"lldkit": 0.0}
    assert MOST_REPEATS > 1_000_000


def test_disabled_every_subject_runs_once_and_nothing_is_timed() -> None:
    fake = Fake(disabled=True)
    beside(fake, {name: fake.subject(name, 1.0) for name in ("lldkit", "b")}, row="r", timer=fake.timer)
    assert (fake.ran, fake.values, fake.rounds) == (["lldkit", "b"], {}, 1)


def test_disabled_a_broken_subject_still_fails() -> None:
    def broken() -> None:
        raise RuntimeError("peer")

    with pytest.raises(RuntimeError, match="peer"):
        beside(Fake(disabled=True), {"lldkit": broken}, row="r")
    assert gc.isenabled()


async def test_awaited_subjects_are_timed_alike() -> None:
    fake = Fake()
    subjects = {
        "lldkit": fake.asubject("lldkit", 1.0),
        "peer": code("await run()", run=fake.asubject("peer", 3.0)),
    }
    await abeside(fake, subjects, row="r", number=2, rounds=2, per=4, timer=fake.timer)
    assert fake.values == {"lldkit": 0.25, "peer": 0.75}
    assert fake.ran == [*["lldkit"] * 2, *["peer"] * 2, *["lldkit"] * 2, *["peer"] * 4, *["lldkit"] * 2]


def test_the_record_says_what_the_report_needs() -> None:
    fake = Fake()
    value_row(
        fake, {"lldkit": lambda: 120.0, "dict": lambda: 100.0}, row="bytes per key", floor="dict", target="<= 1.2 x"
    )
    assert fake.group == "bytes per key"
    assert fake.extra_info == {
        "row": "bytes per key",
        "unit": "B",
        "target": "<= 1.2 x",
        "ours": "lldkit",
        "floor": "dict",
        "values": {"lldkit": 120.0, "dict": 100.0},
    }


@pytest.mark.parametrize(("ours", "floor"), [("lldkti", None), ("lldkit", "loor")])
def test_a_name_that_is_no_subject_is_refused(ours: str, floor: str | None) -> None:
    with pytest.raises(ValueError, match=r"none of the subjects \['lldkit'\]"):
        value_row(Fake(), {"lldkit": lambda: 1.0}, row="r", ours=ours, floor=floor)


def test_code_is_timed_in_place_with_its_names_as_locals() -> None:
    fake, seen = Fake(), list[int]()
    beside(fake, {"lldkit": code("add(n)", add=seen.append, n=7)}, row="r", number=3, rounds=2, timer=fake.timer)
    assert seen == [7] * 9


def test_the_real_fixture_carries_a_row(benchmark: BenchmarkFixture) -> None:
    beside(benchmark, {"lldkit": lambda: None}, row="an empty call", rounds=2)
    assert benchmark.extra_info["row"] == "an empty call"
