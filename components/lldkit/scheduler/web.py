"""The dashboard: queues, schedules, jobs and dead letters in a browser of this machine. It only looks."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from lldkit.loopback import HTML, JSON, Answer, LoopbackServer, hashed, refusal
from lldkit.scheduler.interface import JobState, StoreUnavailable
from lldkit.scheduler.pages import STYLE, jobs_page, overview
from lldkit.scheduler.queue import Queue

__all__ = ["Dashboard"]


class Dashboard(LoopbackServer):
    """A web page about queues, for browsers of this machine.

    `/` shows counts, schedules with their next runs, dead letters and the newest jobs; `/jobs` all jobs, by `queue`,
    `state` and `task`, up to 1,000 at once; `/stats.json` the counts. The stores are asked by the verbs of `ViewStore`
    alone. Arguments and the messages of errors, which may be secret, need `show_args=True`; everybody who can log in to
    this machine can read what is shown.
    """

    def __init__(self, queues: Queue | Sequence[Queue], *, port: int = 0, show_args: bool = False) -> None:
        chosen = [queues] if isinstance(queues, Queue) else list(queues)
        self._queues = {queue.name: queue for queue in chosen}
        if not chosen or len(self._queues) < len(chosen):
            raise ValueError(f"a dashboard shows queues of different names, got {[queue.name for queue in chosen]}")
        self._show_args = show_args
        super().__init__(self._answer, port=port, policy=f"style-src {hashed(STYLE)}")

    def _answer(self, path: str) -> Answer:
        """The page at `path`, which may end in a query."""
        parts = urlsplit(path)
        page = PAGES.get(parts.path)
        if page is None:
            return refusal(HTTPStatus.NOT_FOUND, f"there are {', '.join(PAGES)}")
        try:
            return page(self, dict(parse_qsl(parts.query, max_num_fields=10)))
        except ValueError as error:
            return refusal(HTTPStatus.BAD_REQUEST, str(error))
        except StoreUnavailable as error:
            return refusal(HTTPStatus.SERVICE_UNAVAILABLE, str(error))

    def _overview(self, asked: Mapping[str, str]) -> Answer:
        del asked
        page = overview(list(self._queues.values()), show_args=self._show_args)
        return Answer(HTTPStatus.OK, HTML, page)

    def _jobs(self, asked: Mapping[str, str]) -> Answer:
        name = asked.get("queue", next(iter(self._queues)))
        if name not in self._queues:
            raise ValueError(f"there is no queue {name!r} here; there are {sorted(self._queues)}")
        page = jobs_page(
            self._queues[name],
            state=JobState(asked["state"]) if "state" in asked else None,
            task=asked.get("task"),
            limit=int(asked.get("limit", "100")),
            cursor=int(asked["cursor"]) if "cursor" in asked else None,
            show_args=self._show_args,
        )
        return Answer(HTTPStatus.OK, HTML, page)

    def _stats(self, asked: Mapping[str, str]) -> Answer:
        del asked
        counts = {name: asdict(queue.stats()) for name, queue in self._queues.items()}
        return Answer(HTTPStatus.OK, JSON, json.dumps({"queues": counts}))


PAGES: Final[dict[str, Callable[[Dashboard, Mapping[str, str]], Answer]]] = {
    "/": Dashboard._overview,  # noqa: SLF001 - its own table
    "/jobs": Dashboard._jobs,  # noqa: SLF001
    "/stats.json": Dashboard._stats,  # noqa: SLF001
}
