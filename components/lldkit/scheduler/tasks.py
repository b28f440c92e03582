"""Tasks: functions that can be called here and now, or enqueued; and calls, the values of what to enqueue."""

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, get_args

from lldkit.arguments import check_count, check_number
from lldkit.callables import kind_of
from lldkit.clock import MICRO
from lldkit.retry import Backoff
from lldkit.scheduler.codec import digest, encode
from lldkit.scheduler.interface import MOST_PRIORITY, OnParentFailure, Unique
from lldkit.scheduler.job import Job
from lldkit.scheduler.selection import head_start
from lldkit.scheduler.store import Conflict, NewJob

if TYPE_CHECKING:
    from lldkit.scheduler.queue import Queue

__all__ = ["Call", "Graph", "Node", "Options", "Settings", "Task"]

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How one job is enqueued; see `Task.options`."""

    delay_seconds: float | None = None
    at: datetime | None = None
    priority: int = 0
    key: str | None = None
    group: str | None = None
    unique: Unique | None = None
    depends_on: tuple[str, ...] = ()
    on_parent_failure: OnParentFailure = "cancel"
    expires_seconds: float | None = None
    connection: Any = field(default=None, compare=False)

    def __post_init__(self) -> None:
        check_count("priority", self.priority, least=-MOST_PRIORITY, most=MOST_PRIORITY)
        for name in ("delay_seconds", "expires_seconds"):
            if (value := getattr(self, name)) is not None:
                check_number(name, value)
        if self.at is not None and self.at.tzinfo is None:
            raise ValueError(f"at must be an aware datetime, got {self.at!r}")
        if self.at is not None and self.delay_seconds is not None:
            raise ValueError("give either at or delay_seconds: both say when the job is due")
        if self.on_parent_failure not in get_args(OnParentFailure):
            raise ValueError(f"on_parent_failure must be 'cancel', 'hold' or 'run', got {self.on_parent_failure!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What holds for all jobs of a task."""

    name: str
    max_attempts: int
    max_crashes: int
    backoff: Backoff
    retry_on: tuple[type[Exception], ...]
    timeout_seconds: float | None

    def __post_init__(self) -> None:
        check_count("max_attempts", self.max_attempts, least=1)
        check_count("max_crashes", self.max_crashes, least=1)
        if self.timeout_seconds is not None:
            check_number("timeout_seconds", self.timeout_seconds, above=0.0)
        if not self.name:
            raise ValueError("name must not be empty")


@dataclass(frozen=True, slots=True)
class Call:
    """What to run: a task, a copy of its arguments, and the options of the job. Immutable."""

    task: "Task[Any, Any]"
    payload: str
    unique_key: str | None

    def new_job(self, job_id: str, parents: tuple[str, ...] = ()) -> NewJob:
        """The job that the store is given."""
        task = self.task
        return NewJob(job_id, self.payload, self.unique_key, task.chosen.depends_on + parents, *task.shared)


class Task(Generic[P, R]):
    """A function of a queue: called, it runs here and now; `enqueue` has a worker run it. Safe for threads."""

    def __init__(self, queue: "Queue", function: Callable[P, R], settings: Settings, chosen: Options) -> None:
        self.queue = queue
        self.function = function
        self.settings = settings
        self.chosen = chosen
        self.signature = inspect.signature(function)
        self.is_async = kind_of(function) == "coroutine"
        self.shared = _shared(queue, settings, chosen)
        self._fits = _positional(self.signature)
        self.__doc__ = function.__doc__

    @property
    def name(self) -> str:
        """What the store calls it."""
        return self.settings.name

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the function here and now."""
        return self.function(*args, **kwargs)

    def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> Job:
        """Have a worker run it; `QueueFull`, `DuplicateJob`, `NotSerialisable`, `PayloadTooLarge`.

        Arguments that the function would refuse are a TypeError at once.
        """
        return self.queue.submit([self.call(*args, **kwargs)], connection=self.chosen.connection)[0]

    async def aenqueue(self, *args: P.args, **kwargs: P.kwargs) -> Job:
        """`enqueue` for tasks of an event loop."""
        return (await self.queue.asubmit([self.call(*args, **kwargs)], connection=self.chosen.connection))[0]

    def call(self, *args: P.args, **kwargs: P.kwargs) -> Call:
        """The call as a value, for `Queue.submit`, graphs and schedules."""
        if kwargs or len(args) not in self._fits:
            self.signature.bind(*args, **kwargs)
        payload = encode([list(args), kwargs], what="arguments", limit=self.queue.max_payload_bytes)
        unique_key = None if self.chosen.unique is None else self._unique_key(self.chosen.unique, args, kwargs)
        return Call(self, payload, unique_key)

    def options(
        self,
        *,
        delay_seconds: float | None = None,
        at: datetime | None = None,
        priority: int | None = None,
        key: str | None = None,
        group: str | None = None,
        unique: Unique | None = None,
        depends_on: Sequence[str] = (),
        on_parent_failure: OnParentFailure = "cancel",
        expires_seconds: float | None = None,
        connection: Any = None,
    ) -> "Task[P, R]":
        """The same task, whose jobs are enqueued in another way; None leaves what the task says.

        `delay_seconds`, `at`: when it is due. `key`: jobs of a key run one at a time, in the order of arrival. `group`:
        whose limits hold. `depends_on`: ids of jobs that must succeed first; when one does not, `on_parent_failure`.
        `expires_seconds`: how long after it was enqueued it may still start. `connection`: enqueue in the transaction
        of that connection to the store's database, so that both are committed or neither.
        """
        before = self.chosen
        chosen = Options(
            delay_seconds=delay_seconds,
            at=at,
            priority=before.priority if priority is None else priority,
            key=key,
            group=group or before.group,
            unique=unique or before.unique,
            depends_on=tuple(depends_on),
            on_parent_failure=on_parent_failure,
            expires_seconds=before.expires_seconds if expires_seconds is None else expires_seconds,
            connection=connection,
        )
        return Task(self.queue, self.function, self.settings, chosen)

    def _unique_key(self, unique: Unique, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        if unique.by is not None:
            what = unique.by(*args, **kwargs)
        else:
            bound = self.signature.bind(*args, **kwargs)
            bound.apply_defaults()
            what = [list(bound.args), bound.kwargs]
        encode(what, what="the unique key", limit=self.queue.max_payload_bytes)
        return f"{self.name}:{digest(what)}"

    def __repr__(self) -> str:
        return f"<Task {self.name} of queue {self.queue.name!r}>"


def _positional(signature: inspect.Signature) -> range:
    """With how many positional arguments and no others the function can be called: known without binding them."""
    kinds = [parameter.kind for parameter in signature.parameters.values()]
    if set(kinds) - {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}:
        return range(0)
    needed = [each for each in signature.parameters.values() if each.default is inspect.Parameter.empty]
    return range(len(needed), len(kinds) + 1)


def _shared(queue: "Queue", settings: Settings, options: Options) -> tuple[Any, ...]:
    """What all jobs of these options have in common: the fields of `NewJob` from `queue` on."""
    return (
        queue.name,
        settings.name,
        options.priority,
        head_start(options.priority, queue.aging_seconds),
        options.key,
        options.group,
        options.on_parent_failure,
        settings.max_attempts,
        settings.max_crashes,
        _micros(options.expires_seconds),
        _micros(options.delay_seconds) or 0,
        None if options.at is None else round(options.at.timestamp() * MICRO),
        None if options.unique is None else _conflict(options.unique),
    )


def _micros(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * MICRO)


def _conflict(unique: Unique) -> Conflict:
    return Conflict(
        unique.states,
        _micros(unique.within_seconds),
        _micros(unique.debounce_seconds),
        _micros(unique.max_wait_seconds),
        unique.on_conflict,
    )


@dataclass(frozen=True, slots=True)
class Node:
    """A call in a graph, and the calls before it."""

    call: Call
    parents: tuple["Node", ...]


class Graph:
    """Calls that depend on each other. A node is added after its parents, so no cycle can be written down.

    >>> from lldkit.scheduler import Graph, Queue
    >>> queue = Queue()
    >>> work = queue.task(name="work")(print)
    >>> graph = Graph()
    >>> first = graph.add(work.call("extract"))
    >>> graph.add(work.call("load"), depends_on=[first]).parents == (first,)
    True
    """

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._known: set[int] = set()

    def add(self, call: Call, *, depends_on: Iterable[Node] = ()) -> Node:
        """Add a call that waits for the nodes `depends_on` of this graph."""
        parents = tuple(depends_on)
        if not self._known.issuperset(map(id, parents)):
            raise ValueError("depends_on names a node that was not added to this graph")
        node = Node(call, parents)
        self.nodes.append(node)
        self._known.add(id(node))
        return node
