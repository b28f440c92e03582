"""What a type checker must make of every public name of lldkit.scheduler; generated, checked, never run."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from lldkit.clock import Clock
from lldkit.scheduler import Calendar, Call, ClaimRequest, ControlStore, Cron, CronSyntaxError, DST, DeadReason, Diff, Discard, DuplicateJob, ENDED, Finding, Graph, Interval, JOB, JSON, Job, JobCancelled, JobEnded, JobError, JobEvent, JobFailed, JobLost, JobStarted, JobState, JobStore, JobTimeout, Keep, Lease, LeaseLost, LeaseRef, Limit, MemoryStore, NeverFires, NewJob, Node, NotSerialisable, Outcome, Page, PayloadTooLarge, Put, Queue, QueueFull, QueueStats, Record, Renewal, RetryLater, Running, Schedule, ScheduleState, SchedulerError, SchemaMismatch, Signal, SlotLeaked, Snooze, Store, StoreFailed, StoreUnavailable, Task, Tick, Trigger, Unique, UnknownJob, UnknownZone, ViewStore, WAITING, Worker, WorkerEvent, any_of, calendar, cron, current_job, every, lint, once
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
def n7(x: ClaimRequest) -> None: assert_type(x.queue, str); assert_type(x.limit, int); assert_type(x.lease, int); assert_type(x.worker, str); assert_type(x.idle, bool); assert_type(x.limits, Mapping[str, Limit]); assert_type(x.group_limit, Limit | None)
def n8(x: ControlStore) -> None: del x
def n9(x: Cron) -> None: assert_type(x.walls, Walls); assert_type(x.zone, ZoneInfo); assert_type(x.rule, Rule)
def n10(x: CronSyntaxError) -> None: assert_type(x.expression, str); assert_type(x.field, str); assert_type(x.position, int); assert_type(x.problem, str)
def n11() -> DeadReason: return DeadReason.EXHAUSTED
def n12(x: Diff) -> None: assert_type(x.added, tuple[str, ...]); assert_type(x.changed, tuple[str, ...]); assert_type(x.removed, tuple[str, ...])
def n13(x: Discard) -> None: assert_type(x.reason, str)
def n14(x: DuplicateJob) -> None: assert_type(x.existing, str)
def n15(x: Finding) -> None: assert_type(x.code, str); assert_type(x.message, str); assert_type(x.at, datetime | None)
def n16(x: Graph) -> None: del x
def n17(x: Interval) -> None: del x
def n18(x: Job) -> None: assert_type(x.record, Record); assert_type(x.id, str); assert_type(x.task, str); assert_type(x.queue, str); assert_type(x.state, JobState); assert_type(x.args, list[Any]); assert_type(x.kwargs, dict[str, Any]); assert_type(x.priority, int); assert_type(x.key, str | None); assert_type(x.group, str | None); assert_type(x.unique_key, str | None); assert_type(x.parents, tuple[str, ...]); assert_type(x.scheduled_at, datetime); assert_type(x.enqueued_at, datetime); assert_type(x.started_at, datetime | None); assert_type(x.finished_at, datetime | None); assert_type(x.attempts, int); assert_type(x.crashes, int); assert_type(x.max_attempts, int); assert_type(x.fence, int); assert_type(x.progress, Any); assert_type(x.result, Any); assert_type(x.reason, DeadReason | None); assert_type(x.error, JobError | None)
def n19(x: JobCancelled) -> None: del x
def n20(x: JobEnded) -> None: assert_type(x.at, datetime); assert_type(x.id, str); assert_type(x.task, str); assert_type(x.what, str); assert_type(x.error, str | None)
def n21(x: JobError) -> None: assert_type(x.type, str); assert_type(x.message, str); assert_type(x.traceback, str)
def n22() -> JobEvent: return JobEvent.UNBLOCK
def n23(x: JobFailed) -> None: assert_type(x.job, Any)
def n24(x: JobLost) -> None: assert_type(x.at, datetime); assert_type(x.id, str); assert_type(x.fence, int)
def n25(x: JobStarted) -> None: assert_type(x.at, datetime); assert_type(x.id, str); assert_type(x.task, str); assert_type(x.fence, int)
def n26() -> JobState: return JobState.BLOCKED
def n27(x: JobStore) -> None: del x
def n28(x: JobTimeout) -> None: assert_type(x.seconds, float)
def n29(x: Keep) -> None: assert_type(x.succeeded_rows, int | None); assert_type(x.dead_rows, int | None); assert_type(x.seconds, float | None)
def n30(x: Lease) -> None: assert_type(x.new, NewJob); assert_type(x.seq, int); assert_type(x.state, JobState); assert_type(x.due, int); assert_type(x.rank, int); assert_type(x.enqueued, int); assert_type(x.fence, int); assert_type(x.settled, int); assert_type(x.lease, int); assert_type(x.worker, str | None); assert_type(x.suspect, bool); assert_type(x.beside, bool); assert_type(x.cancelling, bool); assert_type(x.attempts, int); assert_type(x.crashes, int); assert_type(x.backoff, int); assert_type(x.started, int | None); assert_type(x.finished, int | None); assert_type(x.reason, DeadReason | None); assert_type(x.error, str | None); assert_type(x.result, str | None); assert_type(x.progress, str | None)
def n31(x: LeaseLost) -> None: assert_type(x.id, str); assert_type(x.fence, int)
def n32(x: LeaseRef) -> None: assert_type(x.id, str); assert_type(x.fence, int); assert_type(x.progress, str | None)
def n33(x: Limit) -> None: assert_type(x.running, int | None); assert_type(x.per_second, float | None); assert_type(x.burst, int | None)
def n34(x: MemoryStore) -> None: del x
def n35(x: NeverFires) -> None: del x
def n36(x: NewJob) -> None: assert_type(x.id, str); assert_type(x.payload, str); assert_type(x.unique_key, str | None); assert_type(x.parents, tuple[str, ...]); assert_type(x.queue, str); assert_type(x.task, str); assert_type(x.priority, int); assert_type(x.head_start, int); assert_type(x.key, str | None); assert_type(x.group, str | None); assert_type(x.on_parent_failure, OnParentFailure); assert_type(x.max_attempts, int); assert_type(x.max_crashes, int); assert_type(x.expires, int | None); assert_type(x.delay, int); assert_type(x.at, int | None); assert_type(x.conflict, Conflict | None)
def n37(x: Node) -> None: assert_type(x.call, Call); assert_type(x.parents, tuple['Node', ...])
def n38(x: NotSerialisable) -> None: assert_type(x.argument, str); assert_type(x.type, str)
def n39(x: Outcome) -> None: assert_type(x.id, str); assert_type(x.fence, int); assert_type(x.event, JobEvent); assert_type(x.delay, int); assert_type(x.counts, bool); assert_type(x.reason, DeadReason | None); assert_type(x.error, str | None); assert_type(x.result, str | None)
def n40() -> object: return Page
def n41(x: PayloadTooLarge) -> None: assert_type(x.size, int); assert_type(x.limit, int)
def n42(x: Put) -> None: assert_type(x.record, Record); assert_type(x.is_new, bool)
def n43(x: Queue) -> None: assert_type(x.name, str); assert_type(x.capacity, int | None); assert_type(x.aging_seconds, float | None); assert_type(x.group_limit, Limit | None); assert_type(x.keep, Keep); assert_type(x.clock, Clock)
def n44(x: QueueFull) -> None: assert_type(x.capacity, int); assert_type(x.size, int); assert_type(x.retry_after, float | None)
def n45(x: QueueStats) -> None: assert_type(x.blocked, int); assert_type(x.scheduled, int); assert_type(x.ready, int); assert_type(x.running, int); assert_type(x.succeeded, int); assert_type(x.dead, int); assert_type(x.cancelled, int); assert_type(x.waiting, int)
def n46(x: Record) -> None: assert_type(x.new, NewJob); assert_type(x.seq, int); assert_type(x.state, JobState); assert_type(x.due, int); assert_type(x.rank, int); assert_type(x.enqueued, int); assert_type(x.fence, int); assert_type(x.settled, int); assert_type(x.lease, int); assert_type(x.worker, str | None); assert_type(x.suspect, bool); assert_type(x.beside, bool); assert_type(x.cancelling, bool); assert_type(x.attempts, int); assert_type(x.crashes, int); assert_type(x.backoff, int); assert_type(x.started, int | None); assert_type(x.finished, int | None); assert_type(x.reason, DeadReason | None); assert_type(x.error, str | None); assert_type(x.result, str | None); assert_type(x.progress, str | None)
def n47() -> Renewal: return Renewal.KEPT
def n48(x: RetryLater) -> None: del x
def n49(x: Running) -> None: assert_type(x.queue, Queue); assert_type(x.lease, Lease); assert_type(x.deadline, float); assert_type(x.times_out_at, float); assert_type(x.job, Job); assert_type(x.fence, int); assert_type(x.heartbeat_ok, bool); assert_type(x.cancelled, bool); assert_type(x.parents, dict[str, Any])
def n50(x: Schedule) -> None: assert_type(x.name, str); assert_type(x.trigger, Trigger); assert_type(x.call, Call); assert_type(x.misfire, Misfire); assert_type(x.grace_seconds, float | None); assert_type(x.max_catch_up, int); assert_type(x.overlap, Overlap); assert_type(x.jitter_seconds, float); assert_type(x.paused, bool); assert_type(x.text, str)
def n51(x: ScheduleState) -> None: assert_type(x.text, str); assert_type(x.last, int); assert_type(x.paused, bool)
def n52(x: SchedulerError) -> None: del x
def n53(x: SchemaMismatch) -> None: assert_type(x.found, int); assert_type(x.wanted, int)
def n54(x: Signal) -> None: del x
def n55(x: SlotLeaked) -> None: assert_type(x.at, datetime); assert_type(x.id, str); assert_type(x.task, str); assert_type(x.leaked, int)
def n56(x: Snooze) -> None: del x
def n57(x: Store) -> None: del x
def n58(x: StoreFailed) -> None: assert_type(x.at, datetime); assert_type(x.error, str); assert_type(x.retry_after, float)
def n59(x: StoreUnavailable) -> None: assert_type(x.store, str); assert_type(x.retry_after, float)
def n60() -> object: return Task
def n61(x: Tick) -> None: assert_type(x.job, NewJob); assert_type(x.schedule, str); assert_type(x.due, int); assert_type(x.cancels, bool)
def n62(x: Trigger) -> None: del x
def n63(x: Unique) -> None: assert_type(x.by, Callable[..., JSON] | None); assert_type(x.states, frozenset[JobState]); assert_type(x.within_seconds, float | None); assert_type(x.debounce_seconds, float | None); assert_type(x.max_wait_seconds, float | None); assert_type(x.on_conflict, OnConflict)
def n64(x: UnknownJob) -> None: assert_type(x.id, str)
def n65(x: UnknownZone) -> None: assert_type(x.name, str)
def n66(x: ViewStore) -> None: del x
def n67(x: Worker) -> None: assert_type(x.listener_failures, int)
def n68() -> object: return WorkerEvent
def n69() -> None: assert_type(any_of(), BaseTrigger)
def n70(at: time, tz: str | ZoneInfo, start: date) -> None: assert_type(calendar(at=at, tz=tz, start=start), Calendar)
def n71(expression: str, tz: str | ZoneInfo) -> None: assert_type(cron(expression, tz=tz), Cron)
def n72() -> None: assert_type(current_job(), Running)
def n73(seconds: float, start: datetime) -> None: assert_type(every(seconds, start=start), Interval)
def n74(trigger: BaseTrigger, start: datetime, end: datetime) -> None: assert_type(lint(trigger, start=start, end=end), list[Finding])
def n75(at: datetime) -> None: assert_type(once(at), BaseTrigger)
