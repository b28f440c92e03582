"""Jobs that run later, again, or elsewhere, and are not lost when a process is killed.

    jobs = Queue(store=SQLiteStore("jobs.db"))                 # from lldkit.scheduler.sqlite; by default in memory

    @jobs.task(max_attempts=8, timeout_seconds=30, unique=Unique(within_seconds=60))
    def send(user_id: int, text: str) -> None: ...             # def and async def alike

    job = send.enqueue(42, "hello")                            # typed as send itself
    send.options(delay_seconds=300, key="user-42").enqueue(42, "later")
    graph = Graph(); a = graph.add(extract.call()); graph.add(load.call(), depends_on=[a]); jobs.submit(graph)

    nightly = cron("30 2 * * *", tz="Europe/Berlin")           # also every, once, calendar, any_of
    jobs.schedule(Schedule("report", nightly, build.call(day="yesterday"), misfire="latest"))
    nightly.next_runs(3, after=now); lint(nightly, start=a, end=b)

A job runs at least once; with `Running.settle_with` its effects happen exactly once.
"""

from lldkit.scheduler.calendars import Calendar, calendar
from lldkit.scheduler.cron import Cron, cron
from lldkit.scheduler.dst import DST
from lldkit.scheduler.events import (
    CancelRequested,
    EnqueueRefused,
    JobEnded,
    JobEnqueued,
    JobLost,
    JobReplayed,
    JobStarted,
    QueueEvent,
    ScheduleFired,
    SlotLeaked,
    StoreFailed,
    WorkerEvent,
)
from lldkit.scheduler.interface import (
    ENDED,
    JSON,
    WAITING,
    CronSyntaxError,
    DeadReason,
    Discard,
    DuplicateJob,
    JobCancelled,
    JobFailed,
    JobState,
    JobTimeout,
    Keep,
    LeaseLost,
    Limit,
    NeverFires,
    NotSerialisable,
    PayloadTooLarge,
    QueueFull,
    RetryLater,
    SchedulerError,
    SchemaMismatch,
    Snooze,
    StoreUnavailable,
    Trigger,
    Unique,
    UnknownJob,
    UnknownZone,
)
from lldkit.scheduler.job import Job, JobError, Page
from lldkit.scheduler.lint import Finding, lint
from lldkit.scheduler.machine import JOB, JobEvent
from lldkit.scheduler.memory import MemoryStore
from lldkit.scheduler.queue import Queue, QueueStats
from lldkit.scheduler.running import Running, current_job
from lldkit.scheduler.schedules import Diff, Schedule
from lldkit.scheduler.store import (
    ClaimRequest,
    ControlStore,
    JobStore,
    Lease,
    LeaseRef,
    NewJob,
    Outcome,
    Put,
    Record,
    Renewal,
    ScheduleState,
    Signal,
    Store,
    Tick,
    ViewStore,
)
from lldkit.scheduler.tasks import Call, Graph, Node, Task
from lldkit.scheduler.triggers import Interval, any_of, every, once
from lldkit.scheduler.worker import Worker

__all__ = [
    "DST",
    "ENDED",
    "JOB",
    "JSON",
    "WAITING",
    "Calendar",
    "Call",
    "CancelRequested",
    "ClaimRequest",
    "ControlStore",
    "Cron",
    "CronSyntaxError",
    "DeadReason",
    "Diff",
    "Discard",
    "DuplicateJob",
    "EnqueueRefused",
    "Finding",
    "Graph",
    "Interval",
    "Job",
    "JobCancelled",
    "JobEnded",
    "JobEnqueued",
    "JobError",
    "JobEvent",
    "JobFailed",
    "JobLost",
    "JobReplayed",
    "JobStarted",
    "JobState",
    "JobStore",
    "JobTimeout",
    "Keep",
    "Lease",
    "LeaseLost",
    "LeaseRef",
    "Limit",
    "MemoryStore",
    "NeverFires",
    "NewJob",
    "Node",
    "NotSerialisable",
    "Outcome",
    "Page",
    "PayloadTooLarge",
    "Put",
    "Queue",
    "QueueEvent",
    "QueueFull",
    "QueueStats",
    "Record",
    "Renewal",
    "RetryLater",
    "Running",
    "Schedule",
    "ScheduleFired",
    "ScheduleState",
    "SchedulerError",
    "SchemaMismatch",
    "Signal",
    "SlotLeaked",
    "Snooze",
    "Store",
    "StoreFailed",
    "StoreUnavailable",
    "Task",
    "Tick",
    "Trigger",
    "Unique",
    "UnknownJob",
    "UnknownZone",
    "ViewStore",
    "Worker",
    "WorkerEvent",
    "any_of",
    "calendar",
    "cron",
    "current_job",
    "every",
    "lint",
    "once",
]
