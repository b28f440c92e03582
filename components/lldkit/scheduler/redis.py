"""The engine of many hosts: jobs in Redis or Valkey, each verb one Lua script.

The script decides what `ledger` decides elsewhere, because a verb that asks and then writes would need a round trip for
each question, and would begin anew whenever somebody else was faster. The contract and the rule machine of the tests
hold both to the same answers.
"""

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError
from redis.retry import Retry

from lldkit.arguments import check_count
from lldkit.clock import MICRO, Clock
from lldkit.engines.redis import UNAVAILABLE, Script, key, load_script
from lldkit.scheduler.interface import (
    DeadReason,
    DuplicateJob,
    JobState,
    Keep,
    Limit,
    QueueFull,
    SchemaMismatch,
    StoreUnavailable,
    UnknownJob,
)
from lldkit.scheduler.machine import JOB, JobEvent
from lldkit.scheduler.redis_changes import Changes
from lldkit.scheduler.selection import quota_of
from lldkit.scheduler.store import (
    ClaimRequest,
    Lease,
    LeaseRef,
    NewJob,
    Outcome,
    Put,
    Record,
    Renewal,
    ScheduleState,
    Tick,
)

__all__ = ["RedisStore"]

PARTS = ("redis_table.lua", "redis_ledger.lua", "redis_verbs.lua")
SCRIPT = Script("".join(load_script(__package__, part).source for part in PARTS))
VERSION = 1
"""Of the layout of the keys."""
AT_ONCE = 1_000
"""How many jobs a call of the script settles, renews or forgets."""
MOST_PUT = 10_000
"""How many jobs are put at once, all or none; a server does nothing else meanwhile."""
TIMEOUT = 5.0  # seconds; of clients that are made here
REPLICAS_MS = 1_000
ACKNOWLEDGED = {"put", "settle", "cancel", "retry", "fire"}
"""The verbs whose answer promises that something will not be lost."""

dumps = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
STATES = {state.value: state for state in JobState}
REASONS = {reason.value: reason for reason in DeadReason}


class RedisStore:
    """Keeps the jobs of all queues of `namespace` in one slot of Redis, for any number of hosts.

    `client_or_url` is a redis-py client, which stays its maker's, or a URL. Time is the server's; with `clock` it is
    that, for tests. A job that was acknowledged survives as Redis is set to: with `appendfsync everysec` a second of it
    may be lost when the server's machine dies, and a failover loses what had not been copied. With `wait_replicas` a
    put, an end or a cancel is acknowledged by so many replicas, or `StoreUnavailable`; that narrows the gap and does
    not close it, as a fence that was not copied is given out again.

    Safe for threads and forks. `StoreUnavailable` where the server does not answer or has no memory left: then jobs are
    refused, and ends and renewals still accepted. `SchemaMismatch` for keys of a newer version. Warns when the server
    may evict keys. A put costs O(log n), a claim O(groups + jobs log n), of n waiting jobs.
    """

    def __init__(
        self,
        client_or_url: "Redis | str",
        *,
        namespace: str = "lldkit",
        wait_replicas: int = 0,
        clock: Clock | None = None,
    ) -> None:
        self._prefix = key(namespace, "scheduler") + b":"
        self._wait_replicas = check_count("wait_replicas", wait_replicas)
        self._clock = clock
        self._owned = isinstance(client_or_url, str)
        self._client: Any = (
            Redis.from_url(client_or_url, retry=Retry(NoBackoff(), 0), socket_timeout=TIMEOUT)
            if isinstance(client_or_url, str)
            else client_or_url
        )
        self._changes = Changes(self._client, self._prefix + b"changes")
        self.notify = self._changes.tell
        self._check_server()

    def _check_server(self) -> None:
        try:
            self._client.set(self._prefix + b"version", VERSION, nx=True)
            found = int(self._client.get(self._prefix + b"version"))
            policy = self._client.info("memory").get("maxmemory_policy", "noeviction")
        except UNAVAILABLE as error:
            raise StoreUnavailable("Redis") from error
        if found > VERSION:
            raise SchemaMismatch(found, VERSION)
        if policy != "noeviction":
            told = f"Redis may evict jobs: its maxmemory-policy is {policy!r}; set it to 'noeviction'"
            warnings.warn(told, RuntimeWarning, stacklevel=3)

    def put(self, jobs: Sequence[NewJob], *, capacity: int | None = None, connection: Any = None) -> list[Put]:
        """Add jobs, at most 10,000 at once."""
        _refuse_connection(connection)
        if len(jobs) > MOST_PUT:
            raise ValueError(f"Redis takes at most {MOST_PUT} jobs at once, got {len(jobs)}; put them in parts")
        texts = [text for job in jobs for text in _texts_of(job)]
        answers = self._ask("put", "" if capacity is None else capacity, *texts)
        self.notify()
        return [Put(_record_from(row), is_new) for row, is_new in answers]

    def claim(self, want: ClaimRequest) -> list[Lease]:
        """Lease jobs."""
        limits = {group: _limit(limit) for group, limit in want.limits.items()}
        group_limit = want.group_limit and _limit(want.group_limit)
        rows = self._ask("claim", dumps({**want._asdict(), "limits": limits, "group_limit": group_limit}))
        if rows:
            self.notify()
        return list(map(_record_from, rows))

    def renew(self, leases: Sequence[LeaseRef], *, seconds: float) -> list[Renewal]:
        """Move deadlines."""
        length = round(seconds * MICRO)
        parts = [self._ask("renew", length, dumps(part)) for part in _parts(leases)]
        return [Renewal(answer) for part in parts for answer in part]

    def settle(self, outcomes: Sequence[Outcome], *, connection: Any = None) -> list[bool]:
        """End runs."""
        _refuse_connection(connection)
        told = [_told(outcome) for outcome in outcomes]
        answers = [answer for part in _parts(told) for answer in self._ask("settle", dumps(part))]
        self.notify()
        return answers

    def cancel(self, job_id: str, /) -> bool:
        """Cancel a job."""
        is_stopped: bool = self._ask("cancel", job_id)
        self.notify()
        return is_stopped

    def retry(self, job_id: str, /) -> Record:
        """Replay a job."""
        record = _record_from(self._ask("retry", job_id))
        self.notify()
        return record

    def fire(self, ticks: Sequence[Tick]) -> list[bool]:
        """Enqueue what is due."""
        texts = [text for tick in ticks for text in (_tick(tick), *_texts_of(tick.job))]
        fired: list[bool] = self._ask("fire", *texts)
        self.notify()
        return fired

    def set_schedules(self, queue: str, states: Mapping[str, ScheduleState | None]) -> None:
        """Keep schedules."""
        self._ask("set_schedules", queue, dumps(states))

    def schedules(self, queue: str) -> Mapping[str, ScheduleState]:
        """The schedules that are known."""
        told = self._ask("schedules", queue)
        return {name: ScheduleState(*json.loads(text)) for name, text in _pairs(told)}

    def prune(self, queue: str, keep: Keep) -> int:
        """Forget ended jobs, the oldest first."""
        age = None if keep.seconds is None else round(keep.seconds * MICRO)
        text = dumps({"succeeded": keep.succeeded_rows, "dead": keep.dead_rows, "age": age})
        pruned = count = self._ask("prune", queue, text)
        while count >= AT_ONCE:
            count = self._ask("prune", queue, text)
            pruned += count
        return int(pruned)

    def get(self, job_id: str, /) -> Record:
        """Look a job up."""
        return _record_from(self._ask("get", job_id))

    def jobs(
        self, queue: str, *, state: JobState | None, task: str | None, limit: int, before: int | None
    ) -> Sequence[Record]:
        """List jobs; looks at all of them, a thousand at once."""
        found: list[Record] = []
        start = "+inf" if before is None else f"({before}"
        while len(found) < limit:
            wanted = {"state": state and state.value, "task": task, "limit": limit - len(found)}
            rows, next_before = self._ask("jobs", queue, start, dumps(wanted))
            found += map(_record_from, rows)
            if next_before is None:
                break
            start = f"({next_before}"
        return found

    def stats(self, queue: str) -> Mapping[JobState, int]:
        """Count jobs; O(1)."""
        counts = _pairs(self._ask("stats", queue))
        return {STATES[what]: int(count) for what, count in counts if what in STATES}

    def claims(self, queue: str) -> int:
        """Count claims; O(1)."""
        return int(dict(_pairs(self._ask("stats", queue))).get("claims", 0))

    def now(self) -> int:
        """The server's wall clock."""
        return int(self._ask("now"))

    def next_due(self, queue: str) -> int | None:
        """When the first SCHEDULED job is due or the first lease ends."""
        at: int | None = self._ask("next_due", queue)
        return at

    def subscribe(self, give: Callable[[], object]) -> Callable[[], None]:
        """Call `give` after each change by this process or another."""
        return self._changes.subscribe(give)

    def close(self) -> None:
        """Close the client, if it was made here. Idempotent."""
        if self._owned:
            self._client.close()

    def _ask(self, verb: str, *args: str | int) -> Any:
        """Run a verb and return its answer; refusals are raised."""
        now = "" if self._clock is None else round(self._clock.now().timestamp() * MICRO)
        try:
            told = self._send(verb, (verb, now, self._changes.name, *args))
        except UNAVAILABLE as error:
            raise StoreUnavailable("Redis") from error
        answer = json.loads(told)
        if isinstance(answer, dict):
            _raise(*answer["refused"])
        return answer

    def _send(self, verb: str, args: Sequence[str | int]) -> Any:
        if not self._wait_replicas or verb not in ACKNOWLEDGED:
            return SCRIPT.run(self._client, [self._prefix], args)
        told, copies = self._send_and_wait("EVALSHA", SCRIPT.sha1, args)
        if isinstance(told, NoScriptError):
            told, copies = self._send_and_wait("EVAL", SCRIPT.source, args)
        if isinstance(told, Exception):
            raise told
        if copies < self._wait_replicas:
            raise StoreUnavailable(f"Redis with {self._wait_replicas} replicas, of which {copies} have it,")
        return told

    def _send_and_wait(self, command: str, script: str, args: Sequence[str | int]) -> Any:
        """Run the script and wait for replicas on the same connection, which is what WAIT looks at."""
        with self._client.pipeline(transaction=False) as pipeline:
            pipeline.execute_command(command, script, 1, self._prefix, *args)
            pipeline.execute_command("WAIT", self._wait_replicas, REPLICAS_MS)
            return pipeline.execute(raise_on_error=False)

    def __repr__(self) -> str:
        return f"RedisStore({self._prefix.decode()!r})"


def _refuse_connection(connection: Any) -> None:
    if connection is not None:
        raise ValueError("a RedisStore has no transactions to join; give a connection only to a store on a database")


def _raise(what: str, *about: Any) -> None:
    if what == "full":
        raise QueueFull(*about)
    if what == "duplicate":
        raise DuplicateJob(*about)
    if what == "state":
        JOB.next(STATES[about[0]], JobEvent.REPLAY)  # raises InvalidTransition, as the table says
    raise UnknownJob(*about)


def _parts(items: Sequence[Any]) -> list[Sequence[Any]]:
    return [items[start : start + AT_ONCE] for start in range(0, len(items), AT_ONCE)]


def _pairs(flat: Sequence[str]) -> list[tuple[str, str]]:
    return list(zip(flat[::2], flat[1::2], strict=True))


def _texts_of(job: NewJob) -> tuple[str, str, str, str]:
    """What the script wants to know of a new job; the payload is a JSON literal, which it only copies."""
    conflict = job.conflict and {
        **job.conflict._asdict(),
        "states": {state.value: True for state in job.conflict.states},
    }
    more = {"delay": job.delay, "at": job.at, "conflict": conflict}
    return job.id, dumps([job.id, *job[2:14]]), dumps(job.payload), dumps(more)


def _tick(tick: Tick) -> str:
    queue, job_key = tick.job.queue, tick.job.key
    return dumps({"queue": queue, "key": job_key, "schedule": tick.schedule, "due": tick.due, "cancels": tick.cancels})


def _told(outcome: Outcome) -> dict[str, Any]:
    """An outcome, and what the table of states makes of it."""
    return {
        **outcome._asdict(),
        "event": outcome.event.value,
        "state": JOB.next(JobState.RUNNING, outcome.event).value,
        "reason": outcome.reason and outcome.reason.value,
    }


def _limit(limit: Limit) -> dict[str, Any]:
    if limit.per_second is None:
        return {"running": limit.running, "rate": None}
    quota = quota_of(limit)
    scale, unit = quota.rate
    return {"running": limit.running, "rate": {"scale": scale, "unit": unit, "capacity": quota.capacity}}


def _record_from(row: Sequence[Any]) -> Record:
    """The record of `[fixed, run, payload, error, result, progress]`, as the script writes it."""
    fixed, run, payload, *texts = row
    new = NewJob(fixed[0], payload, fixed[1], tuple(fixed[2]), *fixed[3:])
    reason = None if run[17] is None else REASONS[run[17]]
    return Record._make((new, run[0], STATES[run[1]], *run[2:17], reason, *texts))
