"""Tasks, calls and options: arguments are copies, options are apart from them, nonsense is refused."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lldkit.clock import ManualClock
from lldkit.scheduler import (
    DuplicateJob,
    Graph,
    JobState,
    Keep,
    Limit,
    NotSerialisable,
    PayloadTooLarge,
    Queue,
    QueueFull,
    Unique,
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def queue(clock: ManualClock) -> Queue:
    return Queue(clock=clock)


def test_a_task_is_still_callable(queue: Queue) -> None:
    @queue.task()
    def double(x: int) -> int:
        """Twice."""
        return 2 * x

    assert double(21) == 42
    assert double.__doc__ == "Twice."
    assert queue.stats().waiting == 0


def test_parameters_that_are_named_like_options_get_their_own_values(queue: Queue) -> None:
    seen: list[tuple[int, str, str]] = []

    @queue.task()
    def work(delay_seconds: int, key: str, *, priority: str) -> None:
        seen.append((delay_seconds, key, priority))

    job = work.options(priority=3, key="k").enqueue(7, "mine", priority="urgent")
    assert (job.priority, job.key) == (3, "k")
    assert (job.args, job.kwargs) == ([7, "mine"], {"priority": "urgent"})
    queue.run_inline()
    assert seen == [(7, "mine", "urgent")]


def test_arguments_are_a_copy_and_so_is_what_is_looked_at(queue: Queue) -> None:
    seen: list[list[str]] = []
    work = queue.task(name="work")(seen.append)
    names = ["a"]
    job = work.enqueue(names)
    names.append("b")
    job.args[0].append("c")
    queue.run_inline()
    assert seen == [["a"]]
    assert queue.get(job.id).args == [["a"]]


@pytest.mark.parametrize("value", [(1,), {1}, b"x", float("nan"), datetime.now(UTC)])
def test_arguments_that_json_would_alter_are_refused_before_anything_changed(queue: Queue, value: Any) -> None:
    work = queue.task(name="work")(print)
    with pytest.raises(NotSerialisable, match=r"arguments\[0\]\[1\] is a"):
        work.enqueue("fine", value)
    assert queue.stats().waiting == 0


def test_arguments_that_do_not_fit_the_function_are_refused_at_once(queue: Queue) -> None:
    @queue.task()
    def work(a: int, b: int = 2, /, *, c: int = 3) -> None: ...

    @queue.task()
    def simple(a: int, b: int = 2) -> None: ...

    wrong: list[tuple[Any, list[int], dict[str, int]]] = [
        *((work, [], {}), (work, [1, 2, 3], {}), (work, [1], {"a": 1})),
        *((simple, [], {}), (simple, [1, 2, 3], {}), (simple, [1], {"c": 1})),
    ]
    for task, args, kwargs in wrong:
        with pytest.raises(TypeError):
            task.enqueue(*args, **kwargs)
    work.enqueue(1, c=5)
    simple.enqueue(1)
    simple.enqueue(a=1)
    assert queue.stats().ready == 3


def test_a_payload_that_is_too_large_is_refused() -> None:
    work = Queue(max_payload_bytes=100).task(name="work")(print)
    with pytest.raises(PayloadTooLarge):
        work.enqueue("x" * 100)


def test_the_same_arguments_make_the_same_unique_key_however_they_are_written(queue: Queue) -> None:
    @queue.task(unique=Unique())
    def work(a: int, b: int = 2, *, c: dict[str, int] | None = None) -> None: ...

    first = work.enqueue(1, c={"x": 1, "y": 2})
    assert work.enqueue(a=1, b=2, c={"y": 2, "x": 1}).id == first.id
    assert work.enqueue(1).id != first.id
    assert queue.stats().ready == 2


def test_a_unique_key_may_look_at_chosen_arguments(queue: Queue) -> None:
    @queue.task(unique=Unique(by=lambda user, text: user, on_conflict="raise"))
    def send(user: int, text: str) -> None: ...

    first = send.enqueue(1, "a")
    with pytest.raises(DuplicateJob) as caught:
        send.enqueue(1, "b")
    assert caught.value.existing == first.id
    send.enqueue(2, "a")


def test_delay_at_and_expiry_are_from_the_stores_now(queue: Queue, clock: ManualClock) -> None:
    work = queue.task(name="work")(print)
    start = clock.now()
    assert work.options(delay_seconds=5).enqueue().scheduled_at == start + timedelta(seconds=5)
    assert work.options(at=start + timedelta(hours=1)).enqueue().scheduled_at == start + timedelta(hours=1)
    assert work.options(at=start - timedelta(hours=1)).enqueue().state is JobState.READY
    assert work.enqueue().enqueued_at == start


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"priority": 10}, "priority must be from -9 to 9, got 10"),
        ({"delay_seconds": -1}, "delay_seconds must be a finite number >= 0, got -1"),
        ({"at": datetime(2026, 1, 1)}, "at must be an aware datetime"),  # noqa: DTZ001
        ({"at": datetime(2026, 1, 1, tzinfo=UTC), "delay_seconds": 1}, "either at or delay_seconds"),
        ({"on_parent_failure": "ignore"}, "on_parent_failure must be"),
    ],
)
def test_options_that_make_no_sense_are_refused(queue: Queue, options: dict[str, Any], message: str) -> None:
    work = queue.task(name="work")(print)
    with pytest.raises(ValueError, match=message):
        work.options(**options)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Queue(capacity=0), "capacity must be at least 1"),
        (
            lambda: Queue(when_full="drop"),  # type: ignore[arg-type]
            "when_full must be 'raise' or 'block'",
        ),
        (lambda: Queue(aging_seconds=-1), "aging_seconds must be"),
        (lambda: Queue().task(max_attempts=0)(print), "max_attempts must be at least 1"),
        (lambda: Queue().task(timeout_seconds=0)(print), "timeout_seconds must be a finite number > 0"),
        (lambda: Limit(running=0), "running must be at least 1"),
        (lambda: Limit(burst=3), "burst belongs to a rate"),
        (lambda: Keep(dead_rows=-1), "dead_rows must be at least 0"),
        (lambda: Unique(max_wait_seconds=3), "max_wait_seconds bounds debounce_seconds"),
        (
            lambda: Unique(on_conflict="ignore"),  # type: ignore[arg-type]
            "on_conflict must be",
        ),
    ],
)
def test_settings_that_make_no_sense_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_a_name_is_taken_once_and_generators_are_no_tasks(queue: Queue) -> None:
    queue.task(name="work")(print)
    with pytest.raises(ValueError, match="has a task 'work' already"):
        queue.task(name="work")(len)

    def generate() -> Any:
        yield 1

    with pytest.raises(TypeError, match="got the generator"):
        queue.task()(generate)


def test_a_graph_is_put_as_a_whole_and_runs_in_its_order(queue: Queue) -> None:
    order: list[str] = []
    work = queue.task(name="work")(order.append)
    graph = Graph()
    a = graph.add(work.call("a"))
    b, c = (graph.add(work.call(name), depends_on=[a]) for name in "bc")
    graph.add(work.call("d"), depends_on=[b, c])
    jobs = queue.submit(graph)
    assert [job.state.value for job in jobs] == ["ready", "blocked", "blocked", "blocked"]
    assert jobs[3].parents == (jobs[1].id, jobs[2].id)
    assert queue.run_inline() == 4
    assert order == ["a", "b", "c", "d"]


def test_a_node_of_another_graph_is_refused(queue: Queue) -> None:
    work = queue.task(name="work")(print)
    stranger = Graph().add(work.call())
    with pytest.raises(ValueError, match="not added to this graph"):
        Graph().add(work.call(), depends_on=[stranger])


def test_a_call_of_another_queue_is_refused(queue: Queue) -> None:
    other = Queue(name="other").task(name="work")(print)
    with pytest.raises(ValueError, match="belongs to queue 'other', not to 'default'"):
        queue.submit([other.call()])


def test_a_full_queue_says_when_there_may_be_room(clock: ManualClock) -> None:
    queue = Queue(capacity=4, clock=clock)
    work = queue.task(name="work")(print)
    queue.submit([work.call()] * 4)
    with pytest.raises(QueueFull) as caught:
        work.enqueue()
    assert caught.value.retry_after is None
    clock.advance(6)
    assert queue.run_inline() == 4
    queue.submit([work.call()] * 4)
    with pytest.raises(QueueFull, match=r"4 of 4 jobs wait; try again in 1\.5 s") as caught:
        work.enqueue()
    assert caught.value.retry_after == 1.5
