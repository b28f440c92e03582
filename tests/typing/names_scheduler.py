"""What a type checker must make of every public name of lldkit.scheduler; generated, checked, never run."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from lldkit.clock import Clock
from lldkit.scheduler import Calendar, Call, CancelRequested, ClaimRequest, ControlStore, Cron, CronSyntaxError, DST, DeadReason, Diff, Discard, DuplicateJob, ENDED, EnqueueRefused, Finding, Graph, Interval, JOB, JSON, Job, JobCancelled, JobEnded, JobEnqueued, JobError, JobEvent, JobFailed, JobLost, JobReplayed, JobStarted, JobState, JobStore, JobTimeout, Keep, Lease, LeaseLost, LeaseRef, Limit, MemoryStore, NeverFires, NewJob, Node, NotSerialisable, Outcome, Page, PayloadTooLarge, Put, Queue, QueueEvent, QueueFull, QueueStats, Record, Renewal, RetryLater, Running, Schedule, ScheduleFired, ScheduleState, SchedulerError, SchemaMismatch, Signal, SlotLeaked, Snooze, Store, StoreFailed, StoreUnavailable, Task, Tick, Trigger, Unique, UnknownJob, UnknownZone, ViewStore, WAITING, Worker, WorkerEvent, any_of, calendar, cron, current_job, every, lint, once
from lldkit.scheduler.dst import Rule
from lldkit.scheduler.interface import OnConflict, OnParentFailure
from lldkit.scheduler.misfire import Misfire
from lldkit.scheduler.schedules import Overlap
from lldkit.scheduler.store import Conflict
from lldkit.scheduler.triggers import BaseTrigger
from lldkit.scheduler.zoned import Walls
from typing import Any, Literal, assert_type
from zoneinfo import ZoneInfo

def n0(x: DST) -> None: assert_type(x.fixed, Rule); assert_type(x.interval, Rule); assert_type(x.interval_like, Literal['star', 'any'])
def n1() -> object: return ENDED
def n2() -> object: return JOB
def n3() -> object: return JSON
def n4() -> object: return WAITING
def n5(x: Calendar) -> None: assert_type(x.walls, Walls); assert_type(x.zone, ZoneInfo); assert_type(x.rule, Rule)
def n6(x: Call) -> None: assert_type(x.task, Task[Any, Any]); assert_type(x.payload, str); assert_type(x.unique_key, str | None)
def n7(x: CancelRequested) -> None: assert_type(x.at, datetime); assert_type(x.id, str)
def n8(x: ClaimRequest) -> None: assert_type(x.queue, str); assert_type(x.limit, int); assert_type(x.lease, int); assert_type(x.worker, str); assert_type(x.idle, bool); assert_type(x.limits, Mapping[str, Limit]); assert_type(x.group_limit, Limit | None)
def n9(x: ControlStore) -> None: del x
def n10(x: Cron) -> None: assert_type(x.walls, Walls); assert_type(x.zone, ZoneInfo); assert_type(x.rule, Rule)
def n11(x: CronSyntaxError) -> None: assert_type(x.expression, str); assert_type(x.field, str); assert_type(x.position, int); assert_type(x.problem, str)
def n12() -> DeadReason: return DeadReason.EXHAUSTED
def n13(x: Diff) -> None: assert_type(x.added, tuple[str, ...]); assert_type(x.changed, tuple[str, ...]); assert_type(x.removed, tuple[str, ...])
def n14(x: Discard) -> None: assert_type(x.reason, str)
def n15(x: DuplicateJob) -> None: assert_type(x.existing, str)
def n16(x: EnqueueRefused) -> None: assert_type(x.at, datetime); assert_type(x.capacity, int); assert_type(x.size, int); assert_type(x.retry_after, float | None)
def n17(x: Finding) -> None: assert_type(x.code, str); assert_type(x.message, str); assert_type(x.at, datetime | None)
def n18(x: Graph) -> None: del x
def n19(x: Interval) -> None: del x
def n20(x: Job) -> None: assert_type(x.record, Record); assert_type(x.id, str); assert_type(x.task, str); assert_type(x.queue, str); assert_type(x.state, JobState); assert_type(x.args, list[Any]); assert_type(x.kwargs, dict[str, Any]); assert_type(x.priority, int); assert_type(x.key, str | None); assert_type(x.group, str | None); assert_type(x.unique_key, str | None); assert_type(x.parents, tuple[str, ...]); assert_type(x.scheduled_at, datetime); assert_type(x.enqueued_at, datetime); assert_type(x.started_at, datetime | None); assert_type(x.finished_at, datetime | None); assert_type(x.attempts, int); assert_type(x.crashes, int); assert_type(x.max_attempts, int); assert_type(x.fence, int); assert_type(x.progress, Any); assert_type(x.result, Any); assert_type(x.reason, DeadReason | None); assert_type(x.error, JobError | None)
def n21(x: JobCancelled) -> None: del x
def n22(x: JobEnded) -> None: assert_type(x.at, datetime); assert_type(x.id, str); assert_type(x.task, str); assert_type(x.what, str); assert_type(x.error, str | None)
def n23(x: JobEnqueued) -> None: assert_type(x.at, datetime); assert_type(x.id, str); assert_type(x.task, str); assert_type(x.is_new, bool)
def n24(x: JobError) -> None: assert_type(x.type, str); assert_type(x.message, str); assert_type(x.traceback, str)
def n25() -> JobEvent: return JobEvent.UNBLOCK
def n26(x: JobFailed) -> None: assert_type(x.job, Any)
def n27(x: JobLost) -> None: assert_type(x.at, datetime); assert_type(x.id, str); assert_type(x.fence, int)
def n28(x: JobReplayed) -> None: assert_type(x.at, datetime); assert_type(x.id, str); assert_type(x.task, str)
def n29(x: JobStarted) -> None: assert_type(x.at, datetime); assert_type(x.id, str); assert_type(x.task, str); assert_type(x.fence, int)
def n30() -> JobState: return JobState.BLOCKED
def n31(x: JobStore) -> None: del x
def n32(x: JobTimeout) -> None: assert_type(x.seconds, float)
def n33(x: Keep) -> None: assert_type(x.succeeded_rows, int | None); assert_type(x.dead_rows, int | None); assert_type(x.seconds, float | None)
def n34(x: Lease) -> None: assert_type(x.new, NewJob); assert_type(x.seq, int); assert_type(x.state, JobState); assert_type(x.due, int); assert_type(x.rank, int); assert_type(x.enqueued, int); assert_type(x.fence, int); assert_type(x.settled, int); assert_type(x.lease, int); assert_type(x.worker, str | None); assert_type(x.suspect, bool); assert_type(x.beside, bool); assert_type(x.cancelling, bool); assert_type(x.attempts, int); assert_type(x.crashes, int); assert_type(x.backoff, int); assert_type(x.started, int | None); assert_type(x.finished, int | None); assert_type(x.reason, DeadReason | None); assert_type(x.error, str | None); assert_type(x.result, str | None); assert_type(x.progress, str | None)
def n35(x: LeaseLost) -> None: assert_type(x.id, str); assert_type(x.fence, int)
def n36(x: LeaseRef) -> None: assert_type(x.id, str); assert_type(x.fence, int); assert_type(x.progress, str | None)
def n37(x: Limit) -> None: assert_type(x.running, int | None); assert_type(x.per_second, float | None); assert_type(x.burst, int | None)
def n38(x: MemoryStore) -> None: del x
def n39(x: NeverFires) -> None: del x
def n40(x: NewJob) -> None: assert_type(x.id, str); assert_type(x.payload, str); assert_type(x.unique_key, str | None); assert_type(x.parents, tuple[str, ...]); assert_type(x.queue, str); assert_type(x.task, str); assert_type(x.priority, int); assert_type(x.head_start, int); assert_type(x.key, str | None); assert_type(x.group, str | None); assert_type(x.on_parent_failure, OnParentFailure); assert_type(x.max_attempts, int); assert_type(x.max_crashes, int); assert_type(x.expires, int | None); assert_type(x.delay, int); assert_type(x.at, int | None); assert_type(x.conflict, Conflict | None)
def n41(x: Node) -> None: assert_type(x.call, Call); assert_type(x.parents, tuple['Node', ...])
def n42(x: NotSerialisable) -> None: assert_type(x.argument, str); assert_type(x.type, str)
def n43(x: Outcome) -> None: assert_type(x.id, str); assert_type(x.fence, int); assert_type(x.event, JobEvent); assert_type(x.delay, int); assert_type(x.counts, bool); assert_type(x.reason, DeadReason | None); assert_type(x.error, str | None); assert_type(x.result, str | None)
def n44() -> object: return Page
def n45(x: PayloadTooLarge) -> None: assert_type(x.size, int); assert_type(x.limit, int)
def n46(x: Put) -> None: assert_type(x.record, Record); assert_type(x.is_new, bool)
def n47(x: Queue) -> None: assert_type(x.name, str); assert_type(x.capacity, int | None); assert_type(x.aging_seconds, float | None); assert_type(x.group_limit, Limit | None); assert_type(x.keep, Keep); assert_type(x.clock, Clock); assert_type(x.listener_failures, int)
def n48() -> object: return QueueEvent
def n49(x: QueueFull) -> None: assert_type(x.capacity, int); assert_type(x.size, int); assert_type(x.retry_after, float | None)
def n50(x: QueueStats) -> None: assert_type(x.blocked, int); assert_type(x.scheduled, int); assert_type(x.ready, int); assert_type(x.running, int); assert_type(x.succeeded, int); assert_type(x.dead, int); assert_type(x.cancelled, int); assert_type(x.waiting, int)
def n51(x: Record) -> None: assert_type(x.new, NewJob); assert_type(x.seq, int); assert_type(x.state, JobState); assert_type(x.due, int); assert_type(x.rank, int); assert_type(x.enqueued, int); assert_type(x.fence, int); assert_type(x.settled, int); assert_type(x.lease, int); assert_type(x.worker, str | None); assert_type(x.suspect, bool); assert_type(x.beside, bool); assert_type(x.cancelling, bool); assert_type(x.attempts, int); assert_type(x.crashes, int); assert_type(x.backoff, int); assert_type(x.started, int | None); assert_type(x.finished, int | None); assert_type(x.reason, DeadReason | None); assert_type(x.error, str | None); assert_type(x.result, str | None); assert_type(x.progress, str | None)
def n52() -> Renewal: return Renewal.KEPT
def n53(x: RetryLater) -> None: del x
def n54(x: Running) -> None: assert_type(x.queue, Queue); assert_type(x.lease, Lease); assert_type(x.deadline, float); assert_type(x.times_out_at, float); assert_type(x.job, Job); assert_type(x.fence, int); assert_type(x.heartbeat_ok, bool); assert_type(x.cancelled, bool); assert_type(x.parents, dict[str, Any])
def n55(x: Schedule) -> None: assert_type(x.name, str); assert_type(x.trigger, Trigger); assert_type(x.call, Call); assert_type(x.misfire, Misfire); assert_type(x.grace_seconds, float | None); assert_type(x.max_catch_up, int); assert_type(x.overlap, Overlap); assert_type(x.jitter_seconds, float); assert_type(x.paused, bool); assert_type(x.text, str)
def n56(x: ScheduleFired) -> None: assert_type(x.at, datetime); assert_type(x.schedule, str); assert_type(x.id, str); assert_type(x.due, datetime); assert_type(x.missed, int)
def n57(x: ScheduleState) -> None: assert_type(x.text, str); assert_type(x.last, int); assert_type(x.paused, bool)
def n58(x: SchedulerError) -> None: del x
def n59(x: SchemaMismatch) -> None: assert_type(x.found, int); assert_type(x.wanted, int)
def n60(x: Signal) -> None: del x
def n61(x: SlotLeaked) -> None: assert_type(x.at, datetime); assert_type(x.id, str); assert_type(x.task, str); assert_type(x.leaked, int)
def n62(x: Snooze) -> None: del x
def n63(x: Store) -> None: del x
def n64(x: StoreFailed) -> None: assert_type(x.at, datetime); assert_type(x.error, str); assert_type(x.retry_after, float)
def n65(x: StoreUnavailable) -> None: assert_type(x.store, str); assert_type(x.retry_after, float)
def n66() -> object: return Task
def n67(x: Tick) -> None: assert_type(x.job, NewJob); assert_type(x.schedule, str); assert_type(x.due, int); assert_type(x.cancels, bool)
def n68(x: Trigger) -> None: del x
def n69(x: Unique) -> None: assert_type(x.by, Callable[..., JSON] | None); assert_type(x.states, frozenset[JobState]); assert_type(x.within_seconds, float | None); assert_type(x.debounce_seconds, float | None); assert_type(x.max_wait_seconds, float | None); assert_type(x.on_conflict, OnConflict)
def n70(x: UnknownJob) -> None: assert_type(x.id, str)
def n71(x: UnknownZone) -> None: assert_type(x.name, str)
def n72(x: ViewStore) -> None: del x
def n73(x: Worker) -> None: assert_type(x.listener_failures, int)
def n74() -> object: return WorkerEvent
def n75() -> None: assert_type(any_of(), BaseTrigger)
def n76(at: time, tz: str | ZoneInfo, start: date) -> None: assert_type(calendar(at=at, tz=tz, start=start), Calendar)
def n77(expression: str, tz: str | ZoneInfo) -> None: assert_type(cron(expression, tz=tz), Cron)
def n78() -> None: assert_type(current_job(), Running)
def n79(seconds: float, start: datetime) -> None: assert_type(every(seconds, start=start), Interval)
def n80(trigger: BaseTrigger, start: datetime, end: datetime) -> None: assert_type(lint(trigger, start=start, end=end), list[Finding])
def n81(at: datetime) -> None: assert_type(once(at), BaseTrigger)
