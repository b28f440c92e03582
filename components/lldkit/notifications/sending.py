"""The worker: claims what is due, asks everything again, sends, and writes down what came of it."""

import asyncio
import contextlib
import copy
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from random import Random
from typing import Any, NamedTuple, TypeAlias, TypeVar

from lldkit.clock import MICRO, Clock
from lldkit.notifications.attempts import Attempt, Settlement, begin, message_of, postpone, put_back, settle
from lldkit.notifications.decide import Held
from lldkit.notifications.digests import Flush, expire_members, flush
from lldkit.notifications.draft import Draft, change
from lldkit.notifications.events import NotificationEvent
from lldkit.notifications.gates import Gates, Pass
from lldkit.notifications.interface import (
    AsyncChannel,
    Channel,
    Message,
    Outcome,
    State,
    StoreUnavailable,
    Unclear,
    Verdict,
)
from lldkit.notifications.lanes import shares
from lldkit.notifications.planning import Plan, Planner
from lldkit.notifications.preferences import Recipient
from lldkit.notifications.routing import Route
from lldkit.notifications.rows import DIGESTS, RELEASE, DeliveryRow, DigestRow, lane_of, micros
from lldkit.notifications.store import Key, Query, Row, Store
from lldkit.notifications.twins import in_thread
from lldkit.retry import Backoff
from lldkit.steps import Do, Steps

__all__ = ["Claimed", "Sender", "Terms"]

T = TypeVar("T")
RELEASED_AT_ONCE = 10_000
POSTPONED_SECONDS = 60.0
Claimed: TypeAlias = tuple[Key, Row]


class Work(NamedTuple):
    """Something to do with the store."""

    work: Callable[[], Any]


class Send(NamedTuple):
    """A message to a channel."""

    message: Message


Demand: TypeAlias = Work | Send


class Terms(NamedTuple):
    """How often, how long, and by whose chance; times in microseconds but for `spread` in seconds."""

    backoff: Backoff
    max_attempts: int
    lease: int
    spread: float
    rng: Random
    unsubscribe: Callable[[Recipient, str], str] | None


class Sender:
    """One notifier's worker. Safe for threads: what two of them do at once is kept apart by leases and fences."""

    def __init__(
        self,
        *,
        store: Store,
        planner: Planner,
        channels: Mapping[str, Channel | AsyncChannel],
        gates: Gates,
        terms: Terms,
        clock: Clock,
        tell: Callable[[Sequence[NotificationEvent]], object],
    ) -> None:
        self._store = store
        self._planner = planner
        self._channels = channels
        self._gates = gates
        self._terms = terms
        self._clock = clock
        self._tell = tell

    def heard_by(self, tell: Callable[[Sequence[NotificationEvent]], object]) -> "Sender":
        """The same worker, whose events are told to somebody else."""
        other = copy.copy(self)
        other._tell = tell  # noqa: SLF001 - ours
        return other

    def change(self, work: Callable[[Draft], T], first: Mapping[Key, Row | None] | None = None) -> T:
        """Do `work` on a draft, commit it, and tell what has happened."""
        result, events = change(self._store, work, now=self.now(), lease=self._terms.lease, first=first)
        if events:
            self._tell(events)
        return result

    def now(self) -> int:
        """Microseconds since 1970."""
        return micros(self._clock.now())

    def claim(self, weights: Mapping[Any, int], channel: str, size: int) -> list[Claimed]:
        """Lease what is due on a channel, each lane its share; what one leaves the others get, the urgent first."""
        lanes = [(lane_of(channel, priority), most) for priority, most in shares(weights, size).items()]
        claimed = list(self._store.claim(lanes, now=self.now(), lease=self._terms.lease))
        left = size - len(claimed)
        if left > 0 and any(_count(claimed, lane) == most for lane, most in lanes):
            for lane, _ in lanes:
                more = self._store.claim([(lane, left)], now=self.now(), lease=self._terms.lease) if left > 0 else []
                claimed += more
                left -= len(more)
        return claimed

    def let_go(self, claimed: Sequence[Claimed]) -> None:
        """End the leases of what was claimed and is not settled; where the store cannot, they run out."""
        with contextlib.suppress(StoreUnavailable):
            for key, row in claimed:
                self.change(partial(put_back, delivery_id=key[1], fence=row.version))

    # --- what a time of day lets go ---

    def prepare(self, limit: int) -> None:
        """Bring what is due on no channel yet to where it is: what was deferred until now, and digests."""
        self.release()
        self.flush(limit)

    def release(self) -> int:
        """Spread what was deferred until a time of day, in its order, evenly over some seconds, the first at once."""
        claimed = self._store.claim([(RELEASE, RELEASED_AT_ONCE)], now=self.now(), lease=self._terms.lease)
        if claimed:
            slot = self._terms.spread * MICRO / len(claimed)
            offsets = [round(max(0.0, number - self._terms.rng.random()) * slot) for number in range(len(claimed))]
            self.change(lambda draft: _spread(draft, claimed, offsets), dict(claimed))
        return len(claimed)

    def flush(self, limit: int) -> int:
        """Close the digests whose time has come."""
        claimed = self._store.claim([(DIGESTS, limit)], now=self.now(), lease=self._terms.lease)
        for key, row in claimed:
            self.change(partial(self._flush, key, row.version), {key: row})
        return len(claimed)

    def _flush(self, key: Key, version: int, draft: Draft) -> None:
        head: DigestRow | None = draft.get(key)
        if head is None or draft.version(key) != version:
            return  # an event has come in between; the digest is due again
        found = self._store.find(Query("delivery", head.members, limit=head.kept + 1))
        draft.assume(found)
        members = expire_members(draft, [row.value for row in found.values()])
        asked = draft.receipt(members[0].receipt_id) if members else None
        if asked is None:
            draft.drop(key)
            return
        plan = self._plan(asked._replace(dedupe_key=None))
        if isinstance(plan, str):
            draft.put(head._replace(due=draft.now + round(POSTPONED_SECONDS * MICRO)))
            return
        _, decision = self._planner.look_again(draft, plan, members[0].channel, {})
        locale = "" if plan.recipient is None else plan.recipient.locale
        flush(draft, Flush(head, members, decision), self._planner.templates, locale)

    # --- one delivery ---

    def begin(self, key: Key, row: Row) -> tuple[Attempt, Pass] | None:
        """Ask everything again, and write down what follows; an attempt if there is one to make."""
        gate: Pass | Held | None = None

        def work(draft: Draft) -> Attempt | None:
            nonlocal gate
            delivery = draft.delivery(key[1])
            if delivery is None or draft.version(key) != row.version:
                return None  # somebody has changed it, and thereby ended the lease
            asked = draft.receipt(delivery.receipt_id)
            if asked is None:
                return None
            plan = self._plan(asked)
            if isinstance(plan, str):
                postpone(draft, delivery, plan, POSTPONED_SECONDS)
                return None
            node, decision = self._planner.look_again(draft, plan, delivery.channel, {})
            headers: dict[str, str] = {}
            if decision.verdict is Verdict.SEND and delivery.attempts < self._terms.max_attempts:
                found = self._headers(plan.recipient, asked.category, node.route)
                if isinstance(found, str):
                    postpone(draft, delivery, found, POSTPONED_SECONDS)
                    return None
                headers = found
                gate = gate or self._gates.enter(asked, delivery.channel)
                if isinstance(gate, Held):
                    node, decision = self._planner.look_again(draft, plan, delivery.channel, {delivery.channel: gate})
            address = None if plan.recipient is None else plan.recipient.addresses.get(delivery.channel)
            begun = begin(draft, delivery, decision, address, self._terms.max_attempts)
            if begun.state is not State.SENDING or address is None or plan.recipient is None:
                return None
            return Attempt(begun.id, begun.fence, message_of(begun, asked, address, headers))

        attempt: Attempt | None = None
        try:
            attempt = self.change(work, {key: row})
        finally:
            if attempt is None and isinstance(gate, Pass):
                gate.report(None)
        return None if attempt is None or not isinstance(gate, Pass) else (attempt, gate)

    def _plan(self, asked: Any) -> Plan | str:
        """The plan, or why there is none: what others' code raises costs this delivery some time, and no other."""
        try:
            return self._planner.plan_again(asked)
        except Exception as error:  # noqa: BLE001 - a directory may raise anything
            return f"directory: {type(error).__name__}"

    def _headers(self, recipient: Recipient | None, category: str, route: Route) -> dict[str, str] | str:
        """How to unsubscribe in one click, after RFC 8058, from what is not mandatory; or why nobody can say."""
        if recipient is None or self._terms.unsubscribe is None or route.mandatory:
            return {}
        try:
            url = self._terms.unsubscribe(recipient, category)
        except Exception as error:  # noqa: BLE001 - others' code, as a directory
            return f"unsubscribe: {type(error).__name__}"
        return {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}

    def deliver(self, attempt: Attempt, gate: Pass) -> Steps[Demand, None]:
        """Send, and write down what came of it."""
        try:
            answer: object = yield Do(Send(attempt.message))
            outcome = answer if isinstance(answer, Outcome) else Unclear(f"answered with a {type(answer).__name__}")
        except Exception as error:  # noqa: BLE001 - whatever a channel raises, it may have sent before
            outcome = Unclear(type(error).__name__)
        except BaseException:
            gate.report(None)
            raise
        gate.report(outcome)
        yield Do(Work(partial(self._settle, attempt, outcome)))

    def _settle(self, attempt: Attempt, outcome: Outcome) -> None:
        def work(draft: Draft) -> bool:
            row = draft.delivery(attempt.delivery_id)
            retry, previous = (1, 0.0) if row is None else (row.attempts, row.delay)
            delay = self._terms.backoff.delay(retry, previous, self._terms.rng)
            return settle(
                draft, attempt.delivery_id, attempt.fence, Settlement(outcome, delay, self._terms.max_attempts)
            )

        self.change(work)

    def do(self, demand: Demand) -> object:
        """Carry a step out in this thread."""
        if isinstance(demand, Work):
            return demand.work()
        channel: Any = self._channels[demand.message.channel]
        if hasattr(channel, "send"):
            return channel.send(demand.message)
        return asyncio.run(channel.asend(demand.message))

    async def ado(self, demand: Demand) -> object:
        """Carry a step out in this task."""
        if isinstance(demand, Work):
            return await in_thread(demand.work)
        channel: Any = self._channels[demand.message.channel]
        if hasattr(channel, "asend"):
            return await channel.asend(demand.message)
        return await asyncio.to_thread(channel.send, demand.message)


def _count(claimed: Sequence[Claimed], lane: str) -> int:
    return sum(row.value.channel_lane == lane for _, row in claimed)


def _spread(draft: Draft, claimed: Sequence[Claimed], offsets: Sequence[int]) -> None:
    for (key, row), offset in zip(claimed, offsets, strict=True):
        value: DeliveryRow | DigestRow | None = draft.get(key)
        if value is not None and draft.version(key) == row.version:
            lane = value.channel_lane if isinstance(value, DeliveryRow) else DIGESTS
            draft.put(value._replace(lane=lane, due=draft.now + offset))
