"""check_linearizable against "try every order", and what each verdict tells."""

import copy
import itertools
import math
from collections.abc import Iterator, Sequence
from functools import partial
from random import Random
from typing import Any

import pytest

from interleave.models import append_map, counter, queue, register
from lldkit.clock import ManualClock
from lldkit.errors import LldkitError
from lldkit.interleave import (
    PENDING,
    Check,
    History,
    Keyword,
    Model,
    NotLinearizable,
    Operation,
    Raised,
    check_linearizable,
)


def call(process: object, name: str, *args: object, result: object = PENDING, at: tuple[int, int | None]) -> Operation:
    return Operation(process, name, args, result, *at)


def precedes(one: Operation, other: Operation) -> bool:
    return one.returned is not None and one.returned < other.called


def legal_orders(
    calls: Sequence[Operation], model: Model[Any], *, end: float = math.inf
) -> Iterator[tuple[Operation, ...]]:
    """Try every order of every subset that holds all calls that returned by `end`: the definition, word for word."""
    done = [each for each in calls if each.returned is not None and each.returned <= end]
    guests = [each for each in calls if each not in done and each.called < end]
    for size in range(len(guests) + 1):
        for invited in itertools.combinations(guests, size):
            for order in itertools.permutations([*done, *invited]):
                in_time = not any(precedes(later, earlier) for earlier, later in itertools.combinations(order, 2))
                if in_time and obeys(order, model):
                    yield order


def obeys(order: Sequence[Operation], model: Model[Any]) -> bool:
    states = [model.initial()]
    for each in order:
        states = [
            after
            for state in states
            for after, result in model.outcomes_of(state, each.name, each.args)
            if each.result is PENDING or result == each.result
        ]
    return bool(states)


def is_linearizable(calls: Sequence[Operation], model: Model[Any], *, end: float = math.inf) -> bool:
    return next(legal_orders(calls, model, end=end), None) is not None


def first_wrong_return(calls: Sequence[Operation], model: Model[Any]) -> Operation:
    """The call at whose return no order is left, found by cutting the history off after each return."""
    done = sorted((each for each in calls if each.returned is not None), key=lambda each: each.returned or 0)
    return next(each for each in done if not is_linearizable(calls, model, end=each.returned or 0))


OPERATIONS: dict[str, tuple[Model[Any], dict[str, tuple[int, tuple[object, ...]]]]] = {
    # of each model: its calls, with the number of arguments (below 3 each) and the results to choose from
    "register": (register, {"write": (1, (None,)), "read": (0, (None, 0, 1, 2)), "cas": (2, (True, False))}),
    "queue": (queue, {"put": (1, (None,)), "get": (0, (None, 0, 1, 2))}),
    "counter": (counter, {"add": (1, (0, 1, 2, 3, 4)), "read": (0, (0, 1, 2, 3))}),
}


def random_history(rng: Random, operations: dict[str, tuple[int, tuple[object, ...]]]) -> list[Operation]:
    """Up to six calls with random overlaps, arguments and results, some pending; about half are wrong."""
    size = rng.randint(1, 6)
    stamps = rng.sample(range(30), 2 * size)
    calls = []
    for process in range(size):
        name = rng.choice(list(operations))
        count, results = operations[name]
        called, returned = sorted(stamps[2 * process : 2 * process + 2])
        args = tuple(rng.randrange(3) for _ in range(count))
        if rng.random() < 0.2:
            calls.append(Operation(process, name, args, PENDING, called))
        else:
            calls.append(Operation(process, name, args, rng.choice(results), called, returned))
    return calls


class TestAgainstEveryOrder:
    def test_two_thousand_random_histories_get_the_same_verdict(self) -> None:
        verdicts = []
        for seed in range(2_000):
            rng = Random(seed)
            model, operations = OPERATIONS[rng.choice(list(OPERATIONS))]
            calls = random_history(rng, operations)
            check = check_linearizable(History(calls), model)
            orders = legal_orders(calls, model)
            assert (check.verdict == "linearizable") == (next(orders, None) is not None), f"seed {seed}: {calls}"
            verdicts.append(check.verdict)
        assert 600 < verdicts.count("violation") < 1_400

    def test_the_order_given_is_legal(self) -> None:
        found = 0
        for seed in range(500):
            rng = Random(seed)
            model, operations = OPERATIONS[rng.choice(list(OPERATIONS))]
            calls = random_history(rng, operations)
            check = check_linearizable(History(calls), model)
            if check.verdict == "linearizable":
                found += 1
                assert obeys(check.order, model)
                assert not any(precedes(b, a) for a, b in itertools.combinations(check.order, 2))
                assert {each.process for each in calls if each.returned is not None} <= {e.process for e in check.order}
        assert found > 100

    def test_the_culprit_is_the_call_at_whose_return_no_order_is_left(self) -> None:
        found = 0
        for seed in range(500):
            rng = Random(seed)
            model, operations = OPERATIONS[rng.choice(list(OPERATIONS))]
            calls = random_history(rng, operations)
            check = check_linearizable(History(calls), model)
            if check.verdict == "violation":
                found += 1
                assert check.culprit == first_wrong_return(calls, model), f"seed {seed}"
                assert obeys(check.longest, model)
                assert check.culprit not in check.longest
        assert found > 100

    def test_partitions_give_the_verdict_and_a_legal_order_of_the_whole(self) -> None:
        def whole_map(state: frozenset[Any], name: str, args: tuple[Any, ...]) -> tuple[frozenset[Any], object]:
            texts = dict(state)
            ((texts[args[0]], result),) = append_map.outcomes_of(texts.get(args[0], ""), name, args)
            return frozenset(texts.items()), result

        whole, verdicts = Model(frozenset, whole_map), []
        for seed in range(300):
            rng, calls = Random(seed), []
            stamps = rng.sample(range(40), 12)
            for process in range(6):
                name, key = rng.choice(["append", "get"]), rng.choice("ab")
                args = (key,) if name == "get" else (key, str(process))
                result = None if name == "append" else "".join(rng.sample(["0", "1", "2"], rng.randrange(3)))
                called, returned = sorted(stamps[2 * process : 2 * process + 2])
                calls.append(Operation(process, name, args, result, called, returned))
            check, expected = check_linearizable(History(calls), append_map), is_linearizable(calls, whole)
            assert (check.verdict == "linearizable") == expected, f"seed {seed}"
            assert not any(precedes(b, a) for a, b in itertools.combinations(check.order, 2))
            assert len(check.order) == (6 if expected else 0)
            assert obeys(check.order, whole)
            verdicts.append(expected)
        assert 30 < sum(verdicts) < 270


class TestPending:
    def test_a_pending_write_may_take_effect_after_everything_else(self) -> None:
        calls = [
            call("a", "write", 1, at=(0, None)),
            call("b", "read", result=None, at=(1, 2)),
            call("b", "read", result=1, at=(3, 4)),
        ]
        assert [each.process for each in check_linearizable(History(calls), register).assert_ok().order] == [
            "b",
            "a",
            "b",
        ]

    def test_or_never(self) -> None:
        calls = [call("a", "write", 1, at=(0, None)), call("b", "read", result=None, at=(1, 2))]
        assert check_linearizable(History(calls), register).assert_ok().order == (calls[1],)

    def test_but_not_before_it_was_made_and_not_twice(self) -> None:
        early = [call("b", "read", result=1, at=(0, 1)), call("a", "write", 1, at=(2, None))]
        twice = [
            call("a", "add", 1, at=(0, None)),
            call("b", "read", result=1, at=(1, 2)),
            call("b", "read", result=2, at=(3, 4)),
        ]
        assert check_linearizable(History(early), register).verdict == "violation"
        assert check_linearizable(History(twice), counter).verdict == "violation"

    def test_a_write_that_raised_a_time_out_is_pending_and_not_absent(self) -> None:
        class Lossy:
            value = 0

            def write(self, value: int) -> None:
                self.value = value
                raise TimeoutError

            def read(self) -> int:
                return self.value

        history = History()
        recorded = history.wrap(Lossy())
        with pytest.raises(TimeoutError):
            recorded.write(1)
        assert recorded.read() == 1
        check_linearizable(history, register).assert_ok()

    def test_a_failed_read_constrains_nothing(self) -> None:
        history = History()
        history.fail(history.invoke("a", "read"))
        history.unknown(history.invoke("a", "read"))
        write = history.invoke("b", "write", 1)
        history.ok(write, None)
        assert [each.name for each in check_linearizable(history, register).assert_ok().order] == ["write"]

    def test_lost_reads_cost_nothing_even_where_no_order_is_right(self) -> None:
        lost = [call(n, "read", at=(n, None)) for n in range(1_000)]
        check = check_linearizable(History([*lost, call("a", "read", result=1, at=(1_000, 1_001))]), register)
        assert (check.verdict, check.states) == ("violation", 1)


class TestLimits:
    # Twelve concurrent appends and a read that no order explains: 12! orders, 4,096 sets.
    hopeless = (*(call(n, "append", "k", str(n), result=None, at=(0, 90)) for n in range(12)),)
    unexplained = call("reader", "get", "k", result="?", at=(91, 92))

    def test_the_states_are_bounded_and_undecided_is_not_ok(self) -> None:
        check = check_linearizable(History([*self.hopeless, self.unexplained]), append_map, max_states=5_000)
        assert check.verdict == "undecided"
        assert 5_000 <= check.states <= 5_001
        with pytest.raises(NotLinearizable, match="undecided after 5,00"):
            check.assert_ok()

    def test_the_time_is_bounded(self) -> None:
        class Ticking(ManualClock):
            def monotonic(self) -> float:
                self.advance(1.0)
                return super().monotonic()

        check = check_linearizable(
            History([*self.hopeless, self.unexplained]), append_map, limit_seconds=5, max_states=None, clock=Ticking()
        )
        assert check.verdict == "undecided"

    def test_one_wrong_key_is_found_beside_one_that_takes_for_ever(self) -> None:
        wrong = call("reader", "get", "easy", result="?", at=(93, 94))
        check = check_linearizable(History([*self.hopeless, self.unexplained, wrong]), append_map, max_states=5_000)
        assert (check.verdict, check.partition, check.culprit) == ("violation", "easy", wrong)

    def test_the_same_set_and_state_is_visited_once(self) -> None:
        # n concurrent adds of 1: the sum tells how many were placed, so there are 2^n sets, against n! orders.
        calls = [*(call(n, "add", 1, at=(0, None)) for n in range(10)), call("r", "read", result=99, at=(1, 2))]
        assert check_linearizable(History(calls), counter).states == 2**10


class TestModels:
    def test_several_outcomes_are_tried(self) -> None:
        def pop_any(bag: frozenset[int], name: str, args: tuple[int, ...]) -> list[tuple[frozenset[int], object]]:
            return [(bag | set(args), None)] if name == "put" else [(bag - {each}, each) for each in bag]

        bag = Model.outcomes(frozenset, pop_any)
        puts = [call("a", "put", n, result=None, at=(n, n)) for n in range(4)]
        gets = [call("b", "get", result=n, at=(9 - n, 9 - n)) for n in range(4)]
        check_linearizable(History([*puts, *gets]), bag).assert_ok()
        twice = [call("b", "get", result=2, at=(n, n)) for n in (10, 11)]
        check = check_linearizable(History([*puts, *twice]), bag)
        assert check.culprit == twice[1]
        assert sorted(map(str, check.expected)) == ["0", "1", "3"]

    def test_a_plain_class_is_a_specification(self) -> None:
        class Shelf:
            def __init__(self) -> None:
                self.items: list[str] = []

            def put(self, item: str, *, front: bool = False) -> None:
                self.items.insert(0 if front else len(self.items), item)

            def take(self) -> str:
                return self.items.pop(0)

        history = History()
        shelf = history.wrap(Shelf())
        shelf.put("nut")
        shelf.put("bolt", front=True)
        assert (shelf.take(), shelf.take()) == ("bolt", "nut")
        with pytest.raises(IndexError):
            shelf.take()
        check_linearizable(history, Model.of(Shelf)).assert_ok()
        assert history.operations[1].args == ("bolt", Keyword("front", True))
        assert history.operations[-1].result == Raised("IndexError")

    def test_a_reference_is_told_apart_by_everything_it_holds(self) -> None:
        for one, other in (
            ({"a": 1}, {"a": 2}),
            ([1, 2], [2, 1]),
            (Random(1), Random(2)),
            ({1: [2]}, {1: (2,)}),
        ):
            first, second, third = (Model.of(partial(copy.copy, each)).initial() for each in (one, other, one))
            assert first != second
            assert first == third

    def test_the_state_of_a_reference_can_be_given(self) -> None:
        model = Model.of(dict[str, int], state=len)
        assert model.initial() == Model.of(dict, state=len).initial()
        assert model.initial().key == 0

    def test_partitions_of_a_reference(self) -> None:
        history = History()
        prices: dict[str, int] = history.wrap({})
        prices["nut"] = 1
        prices["bolt"] = 2
        assert prices["nut"] == 1
        check = check_linearizable(history, Model.of(dict, partition=lambda _, args: args[0])).assert_ok()
        assert check.order == history.operations

    def test_results_are_compared_by_matches(self) -> None:
        calls = [call("a", "add", 1, result=1.0000001, at=(0, 1))]
        assert check_linearizable(History(calls), counter).verdict == "violation"
        near = Model(
            int, lambda total, _, args: (total + args[0],) * 2, matches=lambda want, got: abs(want - got) < 0.001
        )
        check_linearizable(History(calls), near).assert_ok()

    def test_unhashable_states_are_refused_with_their_type_before_any_search(self) -> None:
        def never(*_: object) -> tuple[list[int], object]:
            raise AssertionError("the search began")

        with pytest.raises(TypeError, match="hashable values, such as tuples; a list came"):
            check_linearizable(History([call("a", "put", 1, result=None, at=(0, 1))]), Model(list[int], never))

    def test_a_reference_that_cannot_be_copied_is_refused_with_its_type(self) -> None:
        class Locked:
            def __init__(self) -> None:
                self.lines = (line for line in "ab")

            def put(self) -> None: ...

        with pytest.raises(TypeError, match="which Locked does not allow"):
            check_linearizable(History([call("a", "put", result=None, at=(0, 1))]), Model.of(Locked))

    @pytest.mark.parametrize("name", ["initial", "apply", "matches"])
    def test_a_model_is_made_of_functions(self, name: str) -> None:
        parts: dict[str, Any] = {"initial": int, "apply": divmod} | {name: 7}
        with pytest.raises(TypeError, match=f"{name} must be callable, got 7"):
            Model(**parts)


class TestCheck:
    # A read that goes back in time: B sees the old value after A has seen the new one, while the write is under way.
    stale = (
        call("writer", "write", 1, result=None, at=(0, 1)),
        call("writer", "write", 2, result=None, at=(2, 7)),
        call("reader A", "read", result=2, at=(3, 4)),
        call("reader B", "read", result=1, at=(5, 6)),
        call("reader B", "read", result=2, at=(8, 9)),
    )

    def test_a_violation_names_the_culprit_the_longest_order_and_what_was_right(self) -> None:
        check = check_linearizable(History(self.stale), register)
        assert check.verdict == "violation"
        assert check.culprit == self.stale[3]
        assert check.longest == self.stale[:3]
        assert (check.state, check.expected) == (2, (2,))

    def test_the_longest_order_holds_what_returned_and_no_pending_call_that_it_can_do_without(self) -> None:
        before = call("a", "write", 1, result=None, at=(0, 1))
        beside = call("b", "write", 2, result=None, at=(3, 6))
        wrong = call("c", "read", result=9, at=(2, 5))
        check = check_linearizable(History([before, beside, wrong, call("d", "write", 3, at=(2, None))]), register)
        assert (check.culprit, check.longest) == (wrong, (before, beside))

    def test_the_timeline_draws_it(self) -> None:
        assert check_linearizable(History(self.stale), register).timeline().splitlines() == [
            "not linearizable: no order allows read() → 1",
            "after the longest one, numbered here, the state is 2 and the model allows 2",
            "(1 of 5 calls are not drawn)",
            "writer    ├ 1 write(1) ┤ ├ 2 write(2) ───────────────────────┤",
            "reader A                   ├ 3 read() → 2 ┤",
            "reader B                                    ├ ✗ read() → 1 ┤",
        ]

    def test_a_long_history_is_cut_to_the_neighbourhood_of_the_culprit(self) -> None:
        calls = [call("a", "write", n, result=None, at=(2 * n, 2 * n + 1)) for n in range(200)]
        calls.append(call("b", "read", result=7, at=(500, 501)))
        lines = check_linearizable(History(calls), register).timeline().splitlines()
        assert "200 write(199)" in lines[3]
        assert "✗ read() → 7" in lines[4]
        assert max(map(len, lines)) <= 124

    def test_overlapping_calls_of_one_process_get_lanes_of_their_own(self) -> None:
        calls = [call("a", "write", 1, at=(0, None)), call("a", "read", result=None, at=(1, 2))]
        assert check_linearizable(History(calls), register).timeline().splitlines()[1:] == [
            "a  ├ · write(1) … ┄",
            "a    ├ 1 read() ┤",
        ]

    def test_not_linearizable_is_ours_and_an_assertion(self) -> None:
        check = check_linearizable(History(self.stale), register)
        with pytest.raises(NotLinearizable, match="no order allows read") as caught:
            check.assert_ok()
        assert isinstance(caught.value, LldkitError)
        assert isinstance(caught.value, AssertionError)
        assert caught.value.check is check

    def test_an_empty_history_is_linearizable(self) -> None:
        assert check_linearizable(History(), register) == Check("linearizable", states=1)

    def test_calls_that_touch_in_one_instant_are_concurrent(self) -> None:
        calls = [call("a", "read", result=1, at=(0, 5)), call("b", "write", 1, result=None, at=(5, 6))]
        check_linearizable(History(calls), register).assert_ok()
