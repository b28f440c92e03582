"""The pages of the dashboard: HTML of what queues answer. Nothing here changes anything."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from html import escape
from importlib import resources
from typing import Final
from urllib.parse import urlencode

from lldkit.charts.svg import plain_text
from lldkit.scheduler.interface import JobState, Trigger
from lldkit.scheduler.job import Job, instant
from lldkit.scheduler.queue import Queue
from lldkit.scheduler.store import ScheduleState
from lldkit.scheduler.triggers import BaseTrigger

__all__ = ["STYLE", "Html", "jobs_page", "overview"]

STYLE = resources.files("lldkit.scheduler").joinpath("dashboard.css").read_text(encoding="utf-8")
SHORT = 10  # jobs in a table of the overview
ALONE = {"input", "meta"}  # elements without content


class Html(str):
    """Markup that was made by `tag`; all other text is escaped."""

    __slots__ = ()


def tag(name: str, /, *content: str, **attributes: str) -> Html:
    """One element. Text is escaped, and what cannot be printed is replaced."""
    pairs = "".join(f' {key.rstrip("_")}="{_text(value)}"' for key, value in attributes.items())
    inside = "".join(part if isinstance(part, Html) else _text(part) for part in content)
    return Html(f"<{name}{pairs}>" if name in ALONE else f"<{name}{pairs}>{inside}</{name}>")


def _text(text: str) -> str:
    return escape(plain_text(text))


def overview(queues: Sequence[Queue], *, show_args: bool) -> Html:
    """Every queue: its counts, schedules, dead letters and newest jobs."""
    return _document("Jobs", queues, [_queue(queue, show_args=show_args) for queue in queues], show_args=show_args)


def _queue(queue: Queue, *, show_args: bool) -> Html:
    parts = [tag("h2", f"Queue {queue.name}"), _counts(queue)]
    if states := queue.store.schedules(queue.name):
        parts += [tag("h3", "Schedules"), _schedules(queue, states)]
    if dead := queue.dead_letters(limit=SHORT).items:
        parts += [tag("h3", "Dead letters"), _table(dead, show_args=show_args)]
    if newest := queue.jobs(limit=SHORT).items:
        parts += [tag("h3", "Newest jobs"), _table(newest, show_args=show_args)]
    return tag("section", *parts)


def _counts(queue: Queue) -> Html:
    counts = asdict(queue.stats())
    tiles = [
        tag("a", tag("b", f"{count:,}"), state, href=_link(queue, state=state), class_=state if count else "none")
        for state, count in counts.items()
    ]
    return tag("div", *tiles, class_="counts")


def _schedules(queue: Queue, states: Mapping[str, ScheduleState]) -> Html:
    now = instant(queue.store.now())
    rows = []
    for name, state in sorted(states.items()):
        schedule = queue.ticker.known.get(name)
        last = instant(state.last)
        if schedule is None:
            due, when = "unknown to this process", ""
        else:
            following = schedule.trigger.next(max(now, last))
            due = "paused" if state.paused else "never" if following is None else _time(following)
            when = _in_words(schedule.trigger)
        rows.append((name, due, _time(last), when))
    return _rows(("name", "next run", "last, or since", "when"), rows)


def _in_words(trigger: Trigger) -> str:
    return trigger.explain() if isinstance(trigger, BaseTrigger) else repr(trigger)


def jobs_page(
    queue: Queue, *, state: JobState | None, task: str | None, limit: int, cursor: int | None, show_args: bool
) -> Html:
    """Some jobs of a queue, the newest first, and the way to older ones."""
    page = queue.jobs(state=state, task=task, limit=limit, cursor=cursor)
    chosen = "" if state is None else state.value
    parts = [tag("h2", f"Jobs of queue {queue.name}"), _filter(queue, chosen, task or "", limit)]
    parts.append(_table(page.items, show_args=show_args) if page.items else tag("p", "There are none."))
    if page.next is not None:
        older = _link(queue, state=chosen, task=task or "", limit=str(limit), cursor=str(page.next))
        parts.append(tag("p", tag("a", "older", href=older)))
    return _document(f"Jobs of {queue.name}", [queue], parts, show_args=show_args)


def _filter(queue: Queue, state: str, task: str, limit: int) -> Html:
    choices = [tag("option", "any state", value="")]
    for each in JobState:
        chosen = {"selected": "selected"} if each.value == state else {}
        choices.append(tag("option", each.value, value=each.value, **chosen))
    return tag(
        "form",
        tag("input", type="hidden", name="queue", value=queue.name),
        tag("select", *choices, name="state"),
        tag("input", name="task", value=task, placeholder="task"),
        tag("input", type="hidden", name="limit", value=str(limit)),
        tag("button", "show"),
        action="/jobs",
    )


Column = Callable[[Job], str]

COLUMNS: Final[dict[str, Column]] = {
    "task": lambda job: job.task,
    "state": lambda job: tag("span", _state(job), class_=job.state.value),
    "attempts": lambda job: f"{job.attempts} of {job.max_attempts}" + (f", {job.crashes} lost" if job.crashes else ""),
    "last error": lambda job: "" if job.error is None else job.error.type,
    "enqueued": lambda job: _time(job.enqueued_at),
    "due": lambda job: _time(job.scheduled_at),
    "ended": lambda job: "" if job.finished_at is None else _time(job.finished_at),
    "id": lambda job: tag("code", job.id),
}
SECRETS: Final[dict[str, Column]] = {  # what may hold what users have typed
    "last error": lambda job: "" if job.error is None else f"{job.error.type}: {job.error.message}",
    "arguments": lambda job: tag("code", f"{job.args} {job.kwargs}"),
}


def _state(job: Job) -> str:
    return job.state.value if job.reason is None else f"{job.state.value}, {job.reason.value}"


def _table(jobs: Iterable[Job], *, show_args: bool) -> Html:
    columns = {**COLUMNS, **SECRETS} if show_args else COLUMNS
    return _rows(columns, [[cell(job) for cell in columns.values()] for job in jobs])


def _rows(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Html:
    lines = [tag("tr", *(tag("td", cell) for cell in row)) for row in rows]
    heading = tag("thead", tag("tr", *(tag("th", name, scope="col") for name in head)))
    return tag("div", tag("table", heading, tag("tbody", *lines)), class_="scroll")


def _time(at: datetime) -> Html:
    return tag("time", f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}", datetime=at.isoformat(), title=at.isoformat())


def _link(queue: Queue, **asked: str) -> str:
    return "/jobs?" + urlencode({"queue": queue.name, **{name: value for name, value in asked.items() if value}})


def _document(title: str, queues: Sequence[Queue], content: Sequence[Html], *, show_args: bool) -> Html:
    now = instant(queues[0].store.now())
    hidden = "" if show_args else " Arguments, results and the messages of errors are not shown."
    body = (
        tag("header", tag("h1", tag("a", "Jobs", href="/")), tag("p", "as of ", _time(now), " by the store, UTC")),
        tag("main", *content),
        tag("footer", "This page only looks: nothing can be changed here.", hidden),
    )
    head = (
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title),
        Html(f"<style>{STYLE}</style>"),
    )
    return Html(f"<!doctype html>\n{tag('html', tag('head', *head), tag('body', *body), lang='en')}\n")
