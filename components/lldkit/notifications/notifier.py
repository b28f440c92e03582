"""The notifier: takes notifications, stores them, and sends what is due."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from random import Random, SystemRandom
from typing import Any, Self

from lldkit.arguments import check_count, check_number
from lldkit.circuit_breaker import Breakers
from lldkit.clock import MICRO, SYSTEM, Clock
from lldkit.events import Emitter
from lldkit.notifications import receipts, upkeep
from lldkit.notifications.calls import Call, Ids, asked_of, labels_of
from lldkit.notifications.decide import Step
from lldkit.notifications.draft import Draft, change
from lldkit.notifications.events import Dead, Decided, Deferred, NotificationEvent, Retried, Sent, Suppressed
from lldkit.notifications.explain import Explanation, routing_steps
from lldkit.notifications.gates import Gates, Limit
from lldkit.notifications.interface import (
    AsyncChannel,
    Channel,
    Delivery,
    JsonValue,
    NotificationError,
    Priority,
    Receipt,
    ReceiptEvent,
    Recorded,
    RunReport,
    UnknownDelivery,
)
from lldkit.notifications.lanes import DEFAULT_LANES, checked_lanes
from lldkit.notifications.lint import lint
from lldkit.notifications.loop import loop, subscribe
from lldkit.notifications.moves import DEAD
from lldkit.notifications.planning import Planner
from lldkit.notifications.preferences import Directory, Recipient
from lldkit.notifications.routing import Route
from lldkit.notifications.rows import DIGESTS, RELEASE, lane_of, micros, moment, seen, suppression
from lldkit.notifications.sending import Claimed, Sender, Terms
from lldkit.notifications.store import Query, Store
from lldkit.notifications.templates import Templates
from lldkit.notifications.twins import all_of, in_thread, twin
from lldkit.retry import Backoff, exponential
from lldkit.steps import arun, run
from lldkit.turns import TaskTurn, ThreadTurn

__all__ = ["Notifier"]


class Notifier:
    """Routes, decides, stores, sends and accounts for notifications.

    `notify` stores; `run_due`, here or in any other process with the same store, sends. Nothing is sent that is not
    stored, everything stored is sent at least once, and each attempt has the same id and idempotency key.

    A failed attempt is followed by another after `backoff`, up to `max_attempts`. Who has claimed a delivery has it for
    `lease_seconds`. A dedupe key holds for `dedupe_seconds`. What a time of day lets go is spread over
    `spread_seconds`. `lanes` weighs the priorities. `breakers` are asked by the channel's name. `unsubscribe` makes the
    URL by which a recipient leaves a category, for the headers of what is not mandatory.

    Safe for threads. Each verb that works with the store has a twin for tasks, whose name begins with `a`. ValueError
    for routes in which `lint` finds an error.
    """

    def __init__(
        self,
        *,
        routes: Route,
        channels: Mapping[str, Channel | AsyncChannel],
        templates: Templates,
        directory: Directory,
        store: Store,
        limits: Sequence[Limit] = (),
        backoff: Backoff = exponential(base=5.0, cap=3_600.0),  # noqa: B008 - immutable
        max_attempts: int = 8,
        breakers: Breakers | None = None,
        lease_seconds: float = 60,
        dedupe_seconds: float = 86_400,
        spread_seconds: float = 60,
        lanes: Mapping[Priority, int] = DEFAULT_LANES,
        unsubscribe: Callable[[Recipient, str], str] | None = None,
        clock: Clock = SYSTEM,
        rng: Random | None = None,
        on_event: Callable[[NotificationEvent], object] | None = None,
    ) -> None:
        found = [str(each) for each in lint(routes, channels=channels, templates=templates) if each.is_error]
        if found:
            raise ValueError("; ".join(found))
        self._dedupe = round(check_number("dedupe_seconds", dedupe_seconds, above=0) * MICRO)
        self._lanes = checked_lanes(lanes)
        self._clock = clock
        self._store = store
        self._channels = dict(channels)
        self._ids = Ids(rng)
        self._emit = Emitter(on_event)
        self._gates = Gates(limits, breakers)
        self._planner = Planner(routes, templates, directory, self._gates)
        terms = Terms(
            backoff,
            check_count("max_attempts", max_attempts, least=1),
            round(check_number("lease_seconds", lease_seconds, above=0) * MICRO),
            check_number("spread_seconds", spread_seconds),
            SystemRandom() if rng is None else rng,
            unsubscribe,
        )
        self._sender = Sender(
            store=store,
            planner=self._planner,
            channels=self._channels,
            gates=self._gates,
            terms=terms,
            clock=clock,
            tell=self._tell,
        )
        self._turn = 0

    # --- taking notifications ---

    def notify(
        self,
        recipient_id: str,
        category: str,
        data: Mapping[str, JsonValue],
        *,
        priority: Priority = Priority.NORMAL,
        labels: Mapping[str, str] | None = None,
        dedupe_key: str | None = None,
        expires_seconds: float | None = None,
        connection: Any = None,
    ) -> Receipt:
        """Decide about a notification and store it, in the transaction of `connection` if one is given; send nothing.

        A repetition of a dedupe key (of this recipient and category) is not stored. UnknownTemplate, MissingVariable,
        HeaderInjection and StoreUnavailable: then nothing was stored.
        """
        call = Call(
            recipient_id,
            category,
            data,
            priority=priority,
            labels=labels or {},
            dedupe_key=dedupe_key,
            expires_seconds=expires_seconds,
        )
        return self.notify_many([call], connection=connection)[0]

    def notify_many(self, calls: Iterable[Call], *, connection: Any = None) -> list[Receipt]:
        """`notify` for each call, in one transaction: all are stored, or none."""
        now = self._sender.now()
        plans = [self._planner.plan(asked_of(call, self._ids.next(now), now)) for call in calls]

        def work(draft: Draft) -> list[Receipt]:
            draft.load([key for plan in plans for key in self._planner.keys(plan)])
            return [self._planner.store(draft, plan, self._dedupe) for plan in plans]

        stored, _ = change(self._store, work, now=now, lease=0, connection=connection)
        if self._emit:
            for plan, receipt in zip(plans, stored, strict=True):
                asked = plan.asked
                decided = (receipt.id, asked.recipient_id, asked.category, receipt.decisions, receipt.duplicate_of)
                self._emit(Decided(moment(now), *decided))
        return stored

    def explain(
        self,
        recipient_id: str,
        category: str,
        data: Mapping[str, JsonValue],
        *,
        priority: Priority = Priority.NORMAL,
        labels: Mapping[str, str] | None = None,
        dedupe_key: str | None = None,
        at: datetime | None = None,
    ) -> Explanation:
        """What `notify` would decide now, or at a moment, and which rule saw what; nothing is stored or consumed.

        Limits and breakers are seen as they are now.
        """
        call = Call(recipient_id, category, data, priority=priority, labels=labels or {}, dedupe_key=dedupe_key)
        now = self._sender.now() if at is None else micros(at)
        plan = self._planner.plan(asked_of(call, "", now))
        steps = routing_steps(self._planner.routes, labels_of(plan.asked))
        draft = Draft(self._store.find, now=now)
        draft.load(self._planner.keys(plan))
        choices = self._planner.decide(draft, plan, steps)
        try:
            self._planner.render(plan, choices)
        except NotificationError as error:
            steps.append(Step("templates", "", str(error), "refused"))
        return Explanation(tuple(steps), tuple(choice.decision for choice in choices))

    # --- sending ---

    def run_due(self, *, limit: int = 100, channels: Collection[str] | None = None) -> RunReport:
        """Send what is due, up to `limit` on each channel, one channel after the other.

        Give a slow channel a worker of its own: `channels` are those that this one serves (None: all). A channel is
        claimed when its turn has come; so while one is slow another worker serves the rest.
        """
        check_count("limit", limit, least=1)
        heard: list[NotificationEvent] = []
        sender = self._listening(heard)
        sender.prepare(limit)
        for channel in self._in_turn(channels):
            claimed = sender.claim(self._lanes, channel, limit)
            try:
                for each in claimed:
                    if (begun := sender.begin(*each)) is not None:
                        run(sender.deliver(*begun), sender.do, self._clock)
            except BaseException:
                sender.let_go(claimed)
                raise
        return _report(heard)

    async def arun_due(self, *, limit: int = 100, channels: Collection[str] | None = None) -> RunReport:
        """`run_due` for tasks: on all channels at once, and on each up to `limit` messages at once."""
        check_count("limit", limit, least=1)
        heard: list[NotificationEvent] = []
        sender = self._listening(heard)
        await in_thread(lambda: sender.prepare(limit))
        await all_of([asyncio.ensure_future(self._adrain(sender, each, limit)) for each in self._in_turn(channels)])
        return _report(heard)

    async def _adrain(self, sender: Sender, channel: str, limit: int) -> None:
        claimed: list[Claimed] = []
        under_way: list[asyncio.Future[None]] = []
        try:
            await in_thread(lambda: claimed.extend(sender.claim(self._lanes, channel, limit)))
            for each in claimed:
                if (begun := await in_thread(partial(sender.begin, *each))) is not None:
                    sending = asyncio.ensure_future(arun(sender.deliver(*begun), sender.ado, self._clock))
                    under_way.append(sending)  # at once, so that it can be cancelled
            await all_of(under_way)
        except BaseException:
            for each_one in under_way:
                each_one.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)
            await in_thread(lambda: sender.let_go(claimed))
            raise

    def _listening(self, heard: list[NotificationEvent]) -> Sender:
        def tell(events: Sequence[NotificationEvent]) -> None:
            heard.extend(events)
            self._tell(events)

        return self._sender.heard_by(tell)

    def _in_turn(self, channels: Collection[str] | None) -> list[str]:
        """The channels, each time beginning with another one."""
        served = list(self._channels) if channels is None else [each for each in self._channels if each in channels]
        if channels is not None and len(served) < len(set(channels)):
            raise ValueError(f"channels must be among {sorted(self._channels)}, got {sorted(channels)}")
        self._turn += 1
        first = self._turn % max(1, len(served))
        return [*served[first:], *served[:first]]

    def next_due(self) -> datetime | None:
        """When there is something to do, as far as is known now; None if nothing waits."""
        lanes = [lane_of(channel, priority) for channel in self._channels for priority in Priority]
        found = [self._store.find(Query(lane=lane, limit=1)) for lane in (RELEASE, DIGESTS, *lanes)]
        times = [row.due for rows in found for row in rows.values() if row.due is not None]
        return moment(min(times)) if times else None

    anext_due = twin(next_due)

    def run(self, stop: threading.Event) -> None:
        """Send what is due, on this thread, until `stop` is set; a store that does not answer is asked again.

        In between it sleeps, up to a second at a time, or until its store says that something is due.
        """
        turn = ThreadTurn()
        with ExitStack() as stack:
            stack.callback(subscribe(self._store, turn))
            run(loop(stop, turn, self._clock), lambda verb: getattr(self, verb)(), self._clock)

    async def arun(self, stop: asyncio.Event) -> None:
        """`run` for tasks."""
        turn, stack = TaskTurn(), ExitStack()
        try:
            await in_thread(lambda: stack.callback(subscribe(self._store, turn)))
            await arun(loop(stop, turn, self._clock), lambda verb: getattr(self, f"a{verb}")(), self._clock)
        finally:
            await in_thread(stack.close)

    def _tell(self, events: Sequence[NotificationEvent]) -> None:
        if self._emit:
            for event in events:
                self._emit(event)

    # --- accounting ---

    def record(
        self,
        event: ReceiptEvent,
        *,
        provider_id: str | None = None,
        message_id: str | None = None,
        at: datetime | None = None,
    ) -> Recorded:
        """What a provider tells about a message, by its own name for it or by ours, in any order and however often.

        What comes before we know the provider's name is held. UnknownDelivery for a `message_id` that is none.
        """
        if (provider_id is None) is (message_id is None):
            raise ValueError(f"give provider_id or message_id, got {provider_id!r} and {message_id!r}")
        when = self._sender.now() if at is None else micros(at)

        def work(draft: Draft) -> Recorded:
            if provider_id is not None:
                return receipts.record(draft, provider_id, event, when)
            row = draft.delivery(message_id or "")
            if row is None:
                raise UnknownDelivery(message_id or "")
            return receipts.receive(draft, row, event, when)

        return self._sender.change(work)

    def deliveries(self, receipt_id: str) -> list[Delivery]:
        """What has become of a notification, channel by channel; nothing if it is not known."""
        draft = Draft(self._store.find, now=0)
        receipt = draft.receipt(receipt_id)
        if receipt is None:
            return []
        draft.load([("delivery", each) for each in receipt.deliveries])
        return [seen(row) for each in receipt.deliveries if (row := draft.delivery(each)) is not None]

    def dead_letters(self, *, limit: int = 100) -> list[Delivery]:
        """What was given up, the oldest first; `reason` is what the last attempt came to."""
        found = self._store.find(Query("delivery", group=DEAD, limit=check_count("limit", limit, least=1)))
        return [seen(row.value) for row in found.values()]

    def replay(self, delivery_id: str) -> Delivery:
        """Send a dead letter again, as a new delivery of the same message under the same idempotency key.

        It is no dead letter any more; asked again the same delivery is returned. UnknownDelivery; ValueError if it is
        not dead.
        """
        return seen(self._sender.change(lambda draft: receipts.replay(draft, delivery_id)))

    def cancel(self, receipt_id: str) -> int:
        """Take back what has not been sent; how many deliveries that were."""
        return self._sender.change(lambda draft: receipts.cancel(draft, receipt_id))

    def unsuppress(self, channel: str, address: str) -> bool:
        """Take an address off the suppression list; False if it was not on it."""
        key = suppression(channel, address)

        def work(draft: Draft) -> bool:
            if draft.get(key) is None:
                return False
            draft.drop(key)
            return True

        return self._sender.change(work)

    def prune(self, *, before: datetime) -> int:
        """Forget notifications from before of which nothing is under way; how many they were."""
        return upkeep.prune(self._store, self._sender, micros(before))

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    anotify = twin(notify)
    anotify_many = twin(notify_many)
    aexplain = twin(explain)
    arecord = twin(record)
    adeliveries = twin(deliveries)
    adead_letters = twin(dead_letters)
    areplay = twin(replay)
    acancel = twin(cancel)
    aunsuppress = twin(unsuppress)
    aprune = twin(prune)
    aclose = twin(close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _report(heard: Sequence[NotificationEvent]) -> RunReport:
    kinds = Counter(type(event) for event in heard)
    return RunReport(kinds[Sent], kinds[Retried], kinds[Deferred], kinds[Suppressed], kinds[Dead])
