"""Follower and AsyncFollower: listen, read, read again; nothing that a store or a build does ends the following."""

import asyncio
import os
import queue
import threading
from collections.abc import Callable, Iterator
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lldkit.clock import EPOCH, ManualClock
from lldkit.snapshot import AsyncFollower, Cell, Follower, MemoryStore, Snapshot, StoreUnavailable
from lldkit.snapshot.follower import Pace

LOST = StoreUnavailable("the script")


class Script:
    """A source whose hints and reads are told by the test; `log` is what the follower did, in order."""

    def __init__(self) -> None:
        self.cell = Cell(Snapshot("v0", 0, "here", EPOCH))
        self.version = 0
        self.hints_to_come: queue.Queue[bool | Exception] = queue.Queue()
        self.answers: dict[int, Exception] = {}
        self.log: queue.Queue[str] = queue.Queue()
        self.reads = 0

    def hints(self, stop: threading.Event) -> Iterator[bool]:
        self.log.put("listens")
        while not stop.is_set():
            try:
                said = self.hints_to_come.get(timeout=0.02)
            except queue.Empty:
                continue
            if isinstance(said, Exception):
                raise said
            yield said
            self.log.put(f"heard {said}")

    def refresh(self) -> int:
        self.reads += 1
        self.log.put("reads")
        if self.reads in self.answers:
            raise self.answers[self.reads]
        self.cell.swap(Snapshot(f"v{self.version}", self.version, "here", EPOCH))
        return self.version

    async def arefresh(self) -> int:
        return self.refresh()

    def say(self, *hints: bool | Exception) -> None:
        for hint in hints:
            self.hints_to_come.put(hint)

    def logged(self, count: int) -> list[str]:
        return [self.log.get(timeout=20) for _ in range(count)]


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def follower(script: Script, clock: ManualClock) -> Follower[str]:
    return Follower(script.cell, script.refresh, script.hints, poll_seconds=10, clock=clock, rng=Random(1))


def test_it_listens_before_it_reads_and_reads_on_every_hint(script: Script, clock: ManualClock) -> None:
    with follower(script, clock):
        script.say(True, True)
        assert script.logged(5) == ["listens", "reads", "heard True", "reads", "heard True"]


def test_without_a_hint_it_reads_when_the_poll_is_due(script: Script, clock: ManualClock) -> None:
    with follower(script, clock):
        script.say(True, False)
        assert script.logged(4) == ["listens", "reads", "heard True", "heard False"]
        clock.advance(7.9)  # the interval of 10 s is jittered by a fifth
        script.say(False)
        assert script.logged(1) == ["heard False"]
        clock.advance(4.2)
        script.say(False)
        assert script.logged(2) == ["reads", "heard False"]


def test_what_cannot_be_built_leaves_the_last_good_version_and_is_counted(script: Script, clock: ManualClock) -> None:
    script.version, script.answers = 1, {2: ValueError("no such key"), 3: ValueError("no such key")}
    with follower(script, clock) as following:
        script.say(True, True, True)
        script.logged(7)
        clock.advance(3)
        status = following.status
        assert (status.version, status.failures, status.last_error, status.connected) == (1, 2, "ValueError", True)
        assert (status.fresh_at, status.stale_seconds) == (EPOCH, 3.0)
        assert script.cell.current.value == "v1"
        script.version = 2
        script.say(True)
        assert script.logged(2) == ["reads", "heard True"]
        assert (following.status.version, following.status.failures) == (2, 0)
        assert script.cell.current.value == "v2"


@pytest.mark.parametrize("where", ["hints", "read"])
def test_after_a_loss_it_pauses_listens_anew_and_reads_again(script: Script, clock: ManualClock, where: str) -> None:
    script.answers = {2: LOST} if where == "read" else {}
    with follower(script, clock) as following:
        script.say(True, LOST if where == "hints" else True)
        assert script.logged(3) == ["listens", "reads", "heard True"]
        clock.wait_for_sleepers(1)
        assert (following.status.connected, following.status.last_error) == (False, "StoreUnavailable")
        clock.advance(0.1)  # the first pause is at most that long
        script.say(True)
        assert [each for each in script.logged(4 if where == "read" else 3) if each != "heard True"][-2:] == [
            "listens",
            "reads",
        ]
    assert following.status.connected


def test_closing_ends_the_thread_also_in_a_pause_and_twice(script: Script, clock: ManualClock) -> None:
    following = follower(script, clock)
    script.say(True, LOST)
    clock.wait_for_sleepers(1)
    following.close()
    following.close()
    assert not following._thread.is_alive()


def test_a_refresh_may_close_its_follower(clock: ManualClock) -> None:
    store, closed = MemoryStore({"n": 1}), threading.Event()
    cell = Cell(Snapshot(0, 0, "", EPOCH))

    def refresh() -> int:
        holder[0].close()
        closed.set()
        return 1

    holder: list[Follower[int]] = []
    ready = threading.Event()

    def hints(stop: threading.Event) -> Iterator[bool]:
        assert ready.wait(10)
        yield from store.hints(stop)

    holder.append(Follower(cell, refresh, hints, clock=clock))
    ready.set()
    assert closed.wait(10)
    holder[0]._thread.join(10)
    assert not holder[0]._thread.is_alive()


def test_a_change_between_the_first_read_and_the_listening_is_not_missed() -> None:
    store = MemoryStore({"n": 1})
    cell = Cell(Snapshot(store.read().body["n"], 1, store.read().origin, EPOCH))
    store.publish({"n": 2}, expected=1, author="ana")  # nobody listens yet
    arrived = threading.Event()

    def refresh() -> int:
        head = store.read()
        cell.swap(Snapshot(head.body["n"], head.version, head.origin, EPOCH))
        arrived.set()
        return head.version

    with Follower(cell, refresh, store.hints):
        assert arrived.wait(10)
        assert cell.current.value == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_in_a_forked_child_it_follows_on() -> None:
    parent = os.getpid()
    reader, writer = os.pipe()

    def hints(stop: threading.Event) -> Iterator[bool]:
        if os.getpid() != parent:
            os.write(writer, b"the child listens")
            os._exit(0)
        while not stop.wait(0.02):
            yield False

    with Follower(Cell(Snapshot(0, 0, "", EPOCH)), lambda: 0, hints):
        child = os.fork()
        if child == 0:
            threading.Event().wait(20)
            os._exit(1)
        try:
            assert os.waitpid(child, 0)[1] == 0
            assert os.read(reader, 100) == b"the child listens"
        finally:
            os.close(reader)
            os.close(writer)


def arun(script: Script, body: Callable[[AsyncFollower[str]], None], clock: ManualClock) -> None:
    async def main() -> None:
        following = AsyncFollower(
            script.cell, script.arefresh, script.hints, poll_seconds=10, clock=clock, rng=Random(1)
        )
        async with following:
            await asyncio.to_thread(body, following)

    asyncio.run(main())


def test_a_task_listens_reads_and_survives_what_cannot_be_built(script: Script, clock: ManualClock) -> None:
    script.version, script.answers = 1, {2: ValueError("no such key")}

    def body(following: AsyncFollower[str]) -> None:
        script.say(True, True, False)
        assert script.logged(6) == ["listens", "reads", "heard True", "reads", "heard True", "heard False"]
        assert (following.status.version, following.status.failures) == (1, 1)
        clock.advance(12.1)
        script.say(False)
        assert script.logged(2) == ["reads", "heard False"]

    arun(script, body, clock)


def test_a_task_pauses_after_a_loss_and_listens_anew(script: Script, clock: ManualClock) -> None:
    def body(following: AsyncFollower[str]) -> None:
        script.say(True, LOST)
        assert script.logged(3) == ["listens", "reads", "heard True"]
        clock.wait_for_sleepers(1)
        assert not following.status.connected
        clock.advance(0.1)
        script.say(True)
        assert script.logged(2) == ["listens", "reads"]

    arun(script, body, clock)


@given(st.integers(0, 2**32), st.floats(0.5, 600), st.integers(1, 40))
def test_pauses_grow_from_a_tenth_to_the_poll_interval_and_begin_anew_after_an_answer(
    seed: int, poll: float, losses: int
) -> None:
    pace = Pace(poll, Random(seed))
    for loss in range(losses):
        assert 0 <= pace.pause() <= min(0.1 * 2**loss, 30.0, poll)
    pace.has_answered()
    assert pace.pause() <= 0.1


@given(st.integers(0, 2**32), st.floats(0.01, 600))
def test_polls_come_within_a_fifth_of_their_interval(seed: int, poll: float) -> None:
    pace = Pace(poll, Random(seed))
    assert pace.wants_to_read(moved=False, now=0.0), "the first look is due at once"
    pace.has_read(100.0)
    assert not pace.wants_to_read(moved=False, now=100.0 + 0.799 * poll)
    assert pace.wants_to_read(moved=False, now=100.0 + 1.201 * poll)
    assert pace.wants_to_read(moved=True, now=100.0)


def test_a_poll_interval_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="poll_seconds must be a finite number > 0, got 0"):
        Follower(Cell(Snapshot(0, 0, "", EPOCH)), lambda: 0, MemoryStore().hints, poll_seconds=0)


class LateHint(threading.Event):
    """An event that is set just after somebody has waited for it in vain."""

    def wait(self, timeout: float | None = None) -> bool:
        """Return whether it was set, and be set."""
        assert timeout is not None
        was_set = self.is_set()
        self.set()
        return was_set


def test_a_hint_that_comes_as_the_wait_ends_is_heard_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = MemoryStore().hints(threading.Event())
    monkeypatch.setattr(threading, "Event", LateHint)
    assert [next(heard) for _ in range(4)] == [True, False, True, False]
