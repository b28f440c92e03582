"""The command `lldkit scheduler`: run workers, look at jobs and repair them; and ask cron expressions."""

import argparse
import contextlib
import importlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Final

from lldkit.errors import in_one_line
from lldkit.machine import InvalidTransition
from lldkit.scheduler.cron_cli import COMMANDS as CRON
from lldkit.scheduler.cron_cli import add_commands
from lldkit.scheduler.interface import JobState, SchedulerError
from lldkit.scheduler.job import Job
from lldkit.scheduler.queue import Queue
from lldkit.scheduler.web import Dashboard
from lldkit.scheduler.worker import Worker

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `lldkit scheduler`."""
    commands = parser.add_subparsers(dest="scheduler_command", metavar="COMMAND", required=True)
    add_commands(commands)
    worker = commands.add_parser("worker", help="run jobs until SIGTERM or SIGINT")
    worker.add_argument("--concurrency", type=int, default=8, help="jobs at once (default: %(default)s)")
    worker.add_argument("--runner", choices=["threads", "asyncio"], default="threads", help="(default: %(default)s)")
    worker.add_argument("--until-idle", action="store_true", help="end when there is nothing left to do")
    stats = commands.add_parser("stats", help="how many jobs are in each state")
    jobs = commands.add_parser("jobs", help="the newest jobs")
    jobs.add_argument("--state", choices=[state.value for state in JobState], help="only those in this one")
    jobs.add_argument("--task", help="only those of this one")
    jobs.add_argument("--limit", type=int, default=20, help="at most so many (default: %(default)s)")
    show = commands.add_parser("show", help="one job, with its last error")
    show.add_argument("--show-args", action="store_true", help="also its arguments and its result, which may be secret")
    retry = commands.add_parser("retry", help="replay a dead or cancelled job")
    cancel = commands.add_parser("cancel", help="cancel a job; 1 if it has ended")
    prune = commands.add_parser("prune", help="forget ended jobs, as the queue's `keep` says")
    web = commands.add_parser("web", help="a page to look at, for browsers of this machine, until SIGINT")
    web.add_argument("--port", type=int, default=8765, help="0: any that is free (default: %(default)s)")
    web.add_argument("--show-args", action="store_true", help="also arguments and errors, which may be secret")
    for command in (worker, stats, jobs, show, retry, cancel, prune, web):
        command.add_argument("queue", metavar="APP:QUEUE", help="where it is: a module and a name in it, as app:jobs")
    for command in (show, retry, cancel):
        command.add_argument("id", metavar="ID", help="the job")


def run(arguments: argparse.Namespace) -> int:
    """Do it; nonsense is refused in one line with 2."""
    try:
        if arguments.scheduler_command in CRON:
            lines = CRON[arguments.scheduler_command](arguments)
            status = int(arguments.scheduler_command == "lint" and bool(lines))
        elif arguments.scheduler_command == "worker":
            worker = Worker(_queue(arguments), concurrency=arguments.concurrency, runner=arguments.runner)
            return worker.run(until_idle=arguments.until_idle)
        elif arguments.scheduler_command == "web":
            return _web(_queue(arguments), arguments)
        else:
            lines = list(COMMANDS[arguments.scheduler_command](_queue(arguments), arguments))
            status = int(lines == [ENDED])
    except (ValueError, SchedulerError, InvalidTransition) as error:
        print(f"lldkit scheduler: {in_one_line(error)}", file=sys.stderr)
        return 2
    print("\n".join(lines) or "nothing")
    return status


def _queue(arguments: argparse.Namespace) -> Queue:
    """The queue that APP:QUEUE names."""
    module, _, name = arguments.queue.partition(":")
    if not module or not name:
        raise ValueError(f"APP:QUEUE takes a module and a name in it, as app:jobs, got {arguments.queue!r}")
    if os.getcwd() not in sys.path:  # noqa: PTH109 - as text, which is what the path holds
        sys.path.insert(0, os.getcwd())  # noqa: PTH109
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError as error:
        raise ValueError(f"there is no module {error.name!r} here") from None
    if not isinstance(found, Queue):
        raise ValueError(f"{name!r} in {module!r} is no Queue, got {found!r}")  # noqa: TRY004 - wrong input, not a wrong type
    return found


def _web(queue: Queue, arguments: argparse.Namespace) -> int:
    try:
        dashboard = Dashboard(queue, port=arguments.port, show_args=arguments.show_args)
    except (OSError, OverflowError) as error:
        raise ValueError(f"cannot listen on port {arguments.port}: {error}") from None
    print(f"{dashboard.url} shows queue {queue.name!r}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        dashboard.serve()
    return 0


def _stats(queue: Queue, _: argparse.Namespace) -> Iterator[str]:
    yield from (f"{state:<10} {count:>9,}" for state, count in asdict(queue.stats()).items())


def _jobs(queue: Queue, arguments: argparse.Namespace) -> Iterator[str]:
    state = None if arguments.state is None else JobState(arguments.state)
    for job in queue.jobs(state=state, task=arguments.task, limit=arguments.limit).items:
        yield f"{job.id}  {job.state.value:<9}  {job.enqueued_at:%Y-%m-%d %H:%M:%S}  {job.task}"


def _show(queue: Queue, arguments: argparse.Namespace) -> Iterator[str]:
    job = queue.get(arguments.id)
    yield from _facts(job)
    if arguments.show_args:
        yield f"args         {job.args} {job.kwargs}"
        yield f"result       {job.result}"
    if job.error is not None:
        yield f"error        {job.error.type}: {job.error.message}"


def _facts(job: Job) -> Iterator[str]:
    facts = {
        "task": job.task,
        "state": job.state.value + ("" if job.reason is None else f", {job.reason.value}"),
        "attempts": f"{job.attempts} of {job.max_attempts}, {job.crashes} crashes",
        "enqueued": job.enqueued_at.isoformat(timespec="seconds"),
        "scheduled": job.scheduled_at.isoformat(timespec="seconds"),
        "progress": job.progress,
        "key": job.key,
        "group": job.group,
        "parents": ", ".join(job.parents) or None,
    }
    yield from (f"{name:<12} {fact}" for name, fact in facts.items() if fact is not None)


ENDED = "it has ended already"


def _cancel(queue: Queue, arguments: argparse.Namespace) -> Iterator[str]:
    yield "cancelled" if queue.cancel(arguments.id) else ENDED


def _retry(queue: Queue, arguments: argparse.Namespace) -> Iterator[str]:
    yield queue.retry(arguments.id).state.value


def _prune(queue: Queue, _: argparse.Namespace) -> Iterator[str]:
    yield f"{queue.prune():,} forgotten"


COMMANDS: Final[dict[str, Callable[[Queue, argparse.Namespace], Iterator[str]]]] = {
    "stats": _stats,
    "jobs": _jobs,
    "show": _show,
    "cancel": _cancel,
    "retry": _retry,
    "prune": _prune,
}
