"""Decide: what becomes of a notification on each channel, as a list of rules that are asked in order. Pure.

The same function serves `notify`, `explain` and each attempt, so that none can say what another does not do.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, TypeAlias

from lldkit.notifications.digest import closes_at
from lldkit.notifications.fallback import in_order
from lldkit.notifications.interface import Decision, Mode, Reason, Verdict
from lldkit.notifications.preferences import Recipient
from lldkit.notifications.routing import Node, Route, compiled
from lldkit.notifications.rows import ReceiptRow, micros, moment
from lldkit.notifications.windows import opening

__all__ = ["Choice", "Facts", "Held", "Question", "Step", "decide", "node_for", "reconsider"]


class Held(NamedTuple):
    """A limit or a breaker that lets nothing through for so many seconds."""

    reason: Reason
    seconds: float
    rule: str


class Facts(NamedTuple):
    """What the rules cannot know by themselves.

    Who holds the dedupe key, and by channel: why its address is suppressed, what holds it up, and when a digest was
    opened (microseconds since 1970) that still collects.
    """

    duplicate_of: str | None = None
    suppressed: Mapping[str, str] = {}
    held: Mapping[str, Held] = {}
    opened: Mapping[str, int] = {}


class Step(NamedTuple):
    """A rule that was asked: about which channel, what it saw, and what it decided."""

    rule: str
    channel: str
    saw: str
    decided: str


class Choice(NamedTuple):
    """A decision, the node of the tree that led to it, and its place in a fallback."""

    decision: Decision
    node: Node
    position: int


class Question(NamedTuple):
    """What was asked for, for whom, what is known, and when; `collects` says whether digests still count."""

    asked: ReceiptRow
    recipient: Recipient | None
    facts: Facts
    now: datetime
    collects: bool = True


class Case(NamedTuple):
    """What the rules look at: a question, on one channel."""

    asked: ReceiptRow
    recipient: Recipient
    facts: Facts
    now: datetime
    collects: bool
    channel: str
    route: Route


class Ruling(NamedTuple):
    """What a rule decides."""

    verdict: Verdict
    reason: Reason
    until: datetime | None = None


Rule: TypeAlias = Callable[[Case], tuple[object, Ruling | None]]
"""What the rule saw, and its ruling, or None to let the next rule be asked."""

PASS = Ruling(Verdict.SEND, Reason.ROUTED)
EXPIRED = Ruling(Verdict.SUPPRESS, Reason.EXPIRED)
UNKNOWN = Ruling(Verdict.SUPPRESS, Reason.UNKNOWN_RECIPIENT)
DUPLICATE = Ruling(Verdict.SUPPRESS, Reason.DUPLICATE)
OPTED_OUT = Ruling(Verdict.SUPPRESS, Reason.OPTED_OUT)
NO_ADDRESS = Ruling(Verdict.SUPPRESS, Reason.NO_ADDRESS)
BAD_ADDRESS = Ruling(Verdict.SUPPRESS, Reason.BAD_ADDRESS)
SUPPRESSED_ADDRESS = Ruling(Verdict.SUPPRESS, Reason.SUPPRESSED_ADDRESS)


def expiry(case: Case) -> tuple[object, Ruling | None]:
    """Nothing is sent after its time."""
    expires = case.asked.expires_at
    if expires is None:
        return "never", None
    return moment(expires), EXPIRED if expires <= micros(case.now) else None


def duplicate(case: Case) -> tuple[object, Ruling | None]:
    """One dedupe key, one message."""
    holder = case.facts.duplicate_of
    return holder or "no holder", None if holder is None else DUPLICATE


def preferences(case: Case) -> tuple[object, Ruling | None]:
    """What the recipient wants, unless the route is mandatory."""
    wanted, because = case.recipient.preferences.allowed(case.asked.category, case.channel)
    if wanted:
        return because, None
    return (f"{because}, but mandatory", None) if case.route.mandatory else (because, OPTED_OUT)


def address(case: Case) -> tuple[object, Ruling | None]:
    """There must be an address, and nothing against it; a complaint is not against what is mandatory."""
    if not case.recipient.addresses.get(case.channel):
        return "no address", NO_ADDRESS
    cause = case.facts.suppressed.get(case.channel)
    if cause is None or (cause == "complained" and case.route.mandatory):
        return cause or "an address", None
    return cause, BAD_ADDRESS if cause == "refused" else SUPPRESSED_ADDRESS


def digest(case: Case) -> tuple[object, Ruling | None]:
    """Events are collected, but not by a fallback, which is for what cannot wait."""
    terms = case.route.digest
    if terms is None or not case.collects or case.route.mode is Mode.FALLBACK:
        return terms or "none", None
    now = micros(case.now)
    closes = closes_at(terms, case.facts.opened.get(case.channel, now), now)
    return terms, Ruling(Verdict.DIGEST, Reason.IN_DIGEST, moment(closes))


def windows(case: Case) -> tuple[object, Ruling | None]:
    """The windows of the route; one that never opens again lets nothing through for ever."""
    active, mute = case.route.active, case.route.mute
    if not active and not mute:
        return "always open", None
    opens = opening(active, mute, case.now)
    if opens is None:
        return "never open", Ruling(Verdict.SUPPRESS, Reason.OUTSIDE_WINDOW)
    return ("open", None) if opens <= case.now else (opens, Ruling(Verdict.DEFER, Reason.OUTSIDE_WINDOW, opens))


def quiet_hours(case: Case) -> tuple[object, Ruling | None]:
    """The recipient's quiet hours, in their zone."""
    quiet = case.recipient.preferences.quiet
    if quiet is None:
        return "no quiet hours", None
    until = quiet.until(case.now, case.recipient.zone)
    if until is None:
        return f"{case.recipient.zone}, not quiet", None
    if case.route.ignore_quiet_hours:
        return f"{case.recipient.zone}, ignored", None
    return f"{case.recipient.zone}, quiet", Ruling(Verdict.DEFER, Reason.QUIET_HOURS, until)


def held(case: Case) -> tuple[object, Ruling | None]:
    """Limits and breakers."""
    found = case.facts.held.get(case.channel)
    if found is None:
        return "free", None
    return found.rule, Ruling(Verdict.DEFER, found.reason, case.now + timedelta(seconds=found.seconds))


RULES: tuple[tuple[str, Rule], ...] = (
    ("expiry", expiry),
    ("duplicate", duplicate),
    ("preferences", preferences),
    ("address", address),
    ("digest", digest),
    ("windows", windows),
    ("quiet hours", quiet_hours),
    ("limits and breakers", held),
)


def decide(nodes: Sequence[Node], question: Question, steps: list[Step] | None = None) -> list[Choice]:
    """What becomes of it on each channel of the matched nodes, in order; a channel is used once, by the first node.

    Linear in the channels. `steps` gets every rule that was asked.
    """
    choices: list[Choice] = []
    taken: set[str] = set()
    for node in nodes:
        route = node.route
        channels = [channel for channel in route.to or () if channel not in taken]
        taken.update(channels)
        decided = [_judge(node, channel, question, steps) for channel in channels]
        if route.mode is Mode.FALLBACK:
            decided = in_order(decided)
        choices += [Choice(decision, node, number) for number, decision in enumerate(decided)]
    return choices


def reconsider(node: Node, channel: str, question: Question) -> Decision:
    """What becomes, as of now, of a delivery that was decided before: everything is asked again, but for the digest."""
    return _judge(node, channel, question._replace(collects=False), None)


def node_for(tree: Route, nodes: Sequence[Node], channel: str) -> Node:
    """The first matched node that leads to a channel; where the tree no longer does, a plain route under its root."""
    found = next((node for node in nodes if channel in (node.route.to or ())), None)
    return found or compiled(tree)._replace(route=Route((channel,)), path="no route")


def _judge(node: Node, channel: str, question: Question, steps: list[Step] | None) -> Decision:
    """Ask one rule after the other; the first that rules decides."""
    asked, recipient, facts, now, collects = question
    if recipient is None:
        if steps is not None:
            steps.append(Step("recipient", channel, asked.recipient_id, f"{UNKNOWN.verdict} {UNKNOWN.reason}"))
        return Decision(channel, *UNKNOWN, rule="recipient")
    case = Case(asked, recipient, facts, now, collects, channel, node.route)
    for name, rule in RULES:
        saw, ruling = rule(case)
        if steps is not None:
            decided = "pass" if ruling is None else f"{ruling.verdict} {ruling.reason}"
            steps.append(Step(name, channel, str(saw), decided))
        if ruling is not None:
            return Decision(channel, *ruling, rule=name)
    return Decision(channel, *PASS, rule=node.path)
