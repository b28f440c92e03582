"""History: what is recorded, by whom, in which order, and that it survives JSON."""

import asyncio
import contextvars
import json
import sqlite3
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lldkit.interleave import PENDING, History, Keyword, Operation, Raised
from lldkit.interleave.yielding import hammer

if TYPE_CHECKING:
    from collections.abc import Callable


def calls(history: History) -> list[str]:
    return [str(call) for call in history.operations]


class Stock:
    def __init__(self) -> None:
        self.items: dict[str, int] = {}
        self.opened = False

    def put(self, item: str, count: int = 1, *, urgent: bool = False) -> None:
        self.items[item] = count

    def take(self, item: str) -> int:
        return self.items.pop(item)

    async def atake(self, item: str) -> int:
        await asyncio.sleep(0)
        return self.take(item)

    def all(self) -> dict[str, int]:
        return self.items

    def _hidden(self) -> str:
        return "hidden"

    def __enter__(self) -> Self:
        self.opened = True
        return self

    def __exit__(self, *_: object) -> None:
        self.opened = False


class TestByHand:
    def test_calls_are_stamped_by_one_counter(self) -> None:
        history = History()
        first = history.invoke("a", "put", 1)
        second = history.invoke("b", "get")
        history.ok(first, None)
        history.ok(second, 1)
        assert history.operations == (
            Operation("a", "put", (1,), None, 0, 2),
            Operation("b", "get", (), 1, 1, 3),
        )

    def test_a_call_that_failed_is_forgotten_and_an_unknown_one_stays_pending(self) -> None:
        history = History()
        history.fail(history.invoke("a", "put", 1))
        history.unknown(history.invoke("a", "put", 2))
        history.invoke("a", "put", 3)
        assert calls(history) == ["put(2) …", "put(3) …"]
        assert all(call.result is PENDING for call in history.operations)
        assert len(history) == 2

    @pytest.mark.parametrize("again", ["fail", "unknown", "ok"])
    def test_a_call_ends_once(self, again: str) -> None:
        history = History()
        token = history.invoke("a", "put", 1)
        history.ok(token, None)
        with pytest.raises(ValueError, match=r"put\(1,\) of 'a' has ended already, with ok"):
            getattr(history, again)(*[token, None][: 2 if again == "ok" else 1])
        assert calls(history) == ["put(1)"]

    def test_pending_is_no_result(self) -> None:
        history = History()
        token = history.invoke("a", "get")
        with pytest.raises(ValueError, match="unknown"):
            history.ok(token, PENDING)

    def test_new_stamps_follow_the_loaded_ones(self) -> None:
        history = History([Operation("a", "put", (1,), None, 5, 9), Operation("a", "put", (2,), called=11)])
        history.invoke("b", "get")
        assert history.operations[-1].called == 12

    @pytest.mark.parametrize(
        ("result", "returned", "complaint"),
        [(PENDING, 3, "both a result and a time"), (1, None, "both a result and a time"), (1, 1, "made at 2")],
    )
    def test_an_operation_that_contradicts_itself_is_refused(
        self, result: object, returned: int | None, complaint: str
    ) -> None:
        with pytest.raises(ValueError, match=complaint):
            Operation("a", "get", (), result, 2, returned)


class TestWrap:
    def test_public_methods_are_recorded_and_all_else_is_handed_through(self) -> None:
        history, stock = History(), Stock()
        recorded = history.wrap(stock)
        recorded.put("nut", 3)
        assert recorded.take("nut") == 3
        recorded.opened = True
        assert stock.opened
        assert recorded._hidden() == "hidden"
        assert calls(history) == ["put('nut', 3)", "take('nut') → 3"]
        assert isinstance(recorded, Stock)
        with pytest.raises(AttributeError, match="missing"):
            recorded.missing  # type: ignore[attr-defined] # noqa: B018 - reading it is the test

    def test_only_the_chosen_names_are_recorded(self) -> None:
        history = History()
        recorded = history.wrap(Stock(), only=["take"])
        recorded.put("nut", 3)
        recorded.take("nut")
        assert calls(history) == ["take('nut') → 3"]

    def test_operators_are_recorded_under_their_special_names(self) -> None:
        history = History()
        recorded: dict[str, int] = history.wrap({})
        recorded["nut"] = 3
        assert recorded["nut"] == 3
        assert "bolt" not in recorded
        assert len(recorded) == 1
        assert next(iter(recorded)) == "nut"
        del recorded["nut"]
        assert [call.name for call in history.operations] == [
            *("__setitem__", "__getitem__", "__contains__", "__len__", "__delitem__"),
        ]

    def test_a_function_is_recorded_as_a_call(self) -> None:
        history = History()

        def double(number: int) -> int:
            return 2 * number

        assert history.wrap(double)(4) == 8
        assert calls(history) == ["__call__(4) → 8"]

    def test_with_hands_out_the_recorder_and_not_the_bare_object(self) -> None:
        history, stock = History(), Stock()
        with history.wrap(stock) as opened:
            opened.put("nut", int(stock.opened))
        assert not stock.opened
        assert calls(history) == ["put('nut', 1)"]

    def test_an_argument_passed_by_name_is_recorded_in_its_place(self) -> None:
        history = History()
        recorded = history.wrap(Stock())
        recorded.put(item="nut", count=3)
        recorded.put("nut", urgent=True)
        assert [call.args for call in history.operations] == [("nut", 3), ("nut", Keyword("urgent", True))]
        assert calls(history)[1] == "put('nut', urgent=True)"

    def test_an_exception_is_a_result(self) -> None:
        history = History()
        with pytest.raises(KeyError):
            history.wrap(Stock()).take("nut")
        assert history.operations[0].result == Raised("KeyError")
        assert calls(history) == ["take('nut') raised KeyError"]

    def test_a_wrong_call_is_a_result_and_raises_as_ever(self) -> None:
        history = History()
        with pytest.raises(TypeError):
            history.wrap(Stock()).take(colour="red")  # type: ignore[call-arg]
        assert calls(history) == ["take(colour='red') raised TypeError"]

    @pytest.mark.parametrize("error", [TimeoutError, ConnectionResetError, KeyboardInterrupt, asyncio.CancelledError])
    def test_after_a_lost_reply_the_call_is_pending_not_absent(self, error: type[BaseException]) -> None:
        history = History()

        def charge() -> None:
            raise error

        with pytest.raises(error):
            history.wrap(charge)()
        assert calls(history) == ["__call__() …"]

    def test_what_counts_as_lost_is_the_callers_choice(self) -> None:
        history, recorded_error = History(), sqlite3.OperationalError

        def charge() -> None:
            raise recorded_error

        for lost in [(), (sqlite3.Error,)]:
            with pytest.raises(recorded_error):
                history.wrap(charge, lost=lost)()
        assert calls(history) == ["__call__() raised OperationalError", "__call__() …"]

    def test_a_later_change_of_an_argument_or_a_result_does_not_change_the_record(self) -> None:
        history, order = History(), ["nut"]
        history.wrap(len)(order)
        order.append("bolt")
        assert calls(history) == ["__call__(['nut']) → 1"]
        recorded = history.wrap(Stock())
        recorded.put("nut", 1)
        everything = recorded.all()
        everything["nut"] = 99
        assert history.operations[-1].result == {"nut": 1}


class TestTasks:
    async def test_a_coroutine_is_recorded_from_its_call_to_its_end_under_the_name_of_the_task(self) -> None:
        history, stock = History(), Stock()
        recorded = history.wrap(stock)
        stock.items = {"nut": 1, "bolt": 2}
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(recorded.atake("nut"), name="customer")
            tasks.create_task(recorded.atake("bolt"))
        first, second = history.operations
        assert (first.process, first.result, first.called, first.returned) == ("customer", 1, 0, 2)
        assert (second.process, second.result, second.called, second.returned) == ("task 1", 2, 1, 3)

    async def test_a_cancelled_call_stays_pending(self) -> None:
        history = History()

        async def charge() -> None:
            await asyncio.Event().wait()

        task = asyncio.create_task(asyncio.wait_for(history.wrap(charge)(), timeout=None))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert calls(history) == ["__call__() …"]

    async def test_a_plain_function_that_returns_an_awaitable_ends_when_that_does(self) -> None:
        history, stock = History(), Stock()
        stock.items = {"nut": 1}
        take: Callable[[str], Any] = lambda item: stock.atake(item)  # noqa: E731, PLW0108 - no coroutine function
        assert await history.wrap(take)("nut") == 1
        assert calls(history) == ["__call__('nut') → 1"]

    async def test_a_wrapped_coroutine_function_still_is_one(self) -> None:
        assert asyncio.iscoroutinefunction(History().wrap(Stock()).atake)


class TestThreads:
    def test_eight_threads_lose_no_call_and_share_no_stamp(self) -> None:
        history = History()
        recorded = history.wrap(Stock())
        hammer(partial(recorded.put, "nut"), rounds=50).assert_ok()
        stamps = [stamp for call in history.operations for stamp in (call.called, call.returned)]
        assert sorted(map(str, stamps)) == sorted(map(str, range(2 * 8 * 50)))
        assert {call.process for call in history.operations} == {f"hammer {number}" for number in range(8)}

    def test_threads_that_nobody_named_are_numbered_from_one_in_each_history(self) -> None:
        history = History()
        recorded = history.wrap(Stock())
        for _ in range(2):
            thread = threading.Thread(target=recorded.put, args=("nut",))
            thread.start()
            thread.join()
        assert [call.process for call in history.operations] == ["thread 1", "thread 2"]

    def test_recording_takes_no_lock_that_an_explorer_could_replace(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def forbidden() -> None:
            raise AssertionError("the recorder took a lock of `threading`")

        for name in ("Lock", "RLock", "Condition"):
            monkeypatch.setattr(threading, name, forbidden)
        history = History()
        history.wrap(Stock()).put("nut")
        assert calls(history) == ["put('nut')"]


class TestJson:
    values = st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text()
        | st.binary(),
        lambda inner: (
            st.lists(inner)
            | st.tuples(inner, inner)
            | st.dictionaries(st.text() | st.integers(), inner)
            | st.frozensets(st.integers() | st.text())
            | st.builds(Raised, st.text(), st.text())
            | st.builds(Keyword, st.text(), inner)
        ),
        max_leaves=5,
    )

    @given(st.lists(st.tuples(st.text(), st.lists(values).map(tuple), values, st.booleans()), max_size=5))
    def test_a_history_comes_back_as_it_was_written(
        self, rows: list[tuple[str, tuple[object, ...], object, bool]]
    ) -> None:
        history = History(
            Operation(f"p{stamp}", name, args, PENDING if lost else result, stamp, None if lost else stamp + 7)
            for stamp, (name, args, result, lost) in enumerate(rows)
        )
        assert History.from_json(history.to_json()).operations == history.operations

    def test_the_document_is_readable(self) -> None:
        text = History(
            [Operation("a", "put", ("nut", b"\x01"), None, 0, 1), Operation("b", "get", (), called=2)]
        ).to_json()
        assert json.loads(text)["operations"] == [
            {
                "process": "a",
                "name": "put",
                "args": {"tuple": ["nut", {"bytes": "01"}]},
                "result": None,
                "called": 0,
                "returned": 1,
            },
            {
                "process": "b",
                "name": "get",
                "args": {"tuple": []},
                "result": {"pending": None},
                "called": 2,
                "returned": None,
            },
        ]

    def test_a_value_that_json_cannot_hold_is_named(self) -> None:
        history = History([Operation("a", "run", (contextvars.copy_context,), None, 0, 1)])
        with pytest.raises(TypeError, match=r"run\(.*cannot be written as JSON.*plain values"):
            history.to_json()

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("[]", "not a history"),
            ("{}", "'operations'"),
            ('{"operations": [{}]}', "'process'"),
            ("nuts", "char 0"),
        ],
    )
    def test_a_document_that_is_no_history_is_refused(self, text: str, complaint: str) -> None:
        with pytest.raises(ValueError, match=complaint):
            History.from_json(text)


def test_the_same_stand_in_records_a_database(tmp_path: Any) -> None:
    history = History()
    with sqlite3.connect(tmp_path / "stock.db", isolation_level=None) as bare:
        database = history.wrap(bare, only=["execute"])
        database.execute("create table stock(item, count)")
        with pytest.raises(sqlite3.OperationalError):
            database.execute("select * from nothing")
    bare.close()
    assert [call.name for call in history.operations] == ["execute", "execute"]
    assert history.operations[1].result == Raised("OperationalError")
