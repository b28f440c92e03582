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


Rule: TypeAlias = Callable[[Case], Ruling | None]
"""A ruling, or None to let the next rule be asked."""

PASS = Ruling(Verdict.SEND, Reason.ROUTED)
EXPIRED = Ruling(Verdict.SUPPRESS, Reason.EXPIRED)
UNKNOWN = Ruling(Verdict.SUPPRESS, Reason.UNKNOWN_RECIPIENT)
DUPLICATE = Ruling(Verdict.SUPPRESS, Reason.DUPLICATE)
OPTED_OUT = Ruling(Verdict.SUPPRESS, Reason.OPTED_OUT)
NO_ADDRESS = Ruling(Verdict.SUPPRESS, Reason.NO_ADDRESS)
BAD_ADDRESS = Ruling(Verdict.SUPPRESS, Reason.BAD_ADDRESS)
SUPPRESSED_ADDRESS = Ruling(Verdict.SUPPRESS, Reason.SUPPRESSED_ADDRESS)
NEVER_OPEN = Ruling(Verdict.SUPPRESS, Reason.OUTSIDE_WINDOW)


def expiry(case: Case) -> Ruling | None:
    """Nothing is sent after its time."""
    expires = case.asked.expires_at
    return EXPIRED if expires is not None and expires <= micros(case.now) else None


def duplicate(case: Case) -> Ruling | None:
    """One dedupe key, one message."""
    return None if case.facts.duplicate_of is None else DUPLICATE


def preferences(case: Case) -> Ruling | None:
    """What the recipient wants, unless the route is mandatory."""
    wanted = case.recipient.preferences.allowed(case.asked.category, case.channel)
    return None if wanted or case.route.mandatory else OPTED_OUT


def address(case: Case) -> Ruling | None:
    """There must be an address, and nothing against it; a complaint is not against what is mandatory."""
    if not case.recipient.addresses.get(case.channel):
        return NO_ADDRESS
    cause = case.facts.suppressed.get(case.channel)
    if cause is None or (cause == "complained" and case.route.mandatory):
        return None
    return BAD_ADDRESS if cause == "refused" else SUPPRESSED_ADDRESS


def digest(case: Case) -> Ruling | None:
    """Events are collected, but not by a fallback, which is for what cannot wait."""
    terms = case.route.digest
    if terms is None or not case.collects or case.route.mode is Mode.FALLBACK:
        return None
    now = micros(case.now)
    closes = closes_at(terms, case.facts.opened.get(case.channel, now), now)
    return Ruling(Verdict.DIGEST, Reason.IN_DIGEST, moment(closes))


def windows(case: Case) -> Ruling | None:
    """The windows of the route; one that never opens again lets nothing through for ever."""
    route = case.route
    if not route.active and not route.mute:
        return None
    opens = opening(route.active, route.mute, case.now)
    if opens is None:
        return NEVER_OPEN
    return None if opens <= case.now else Ruling(Verdict.DEFER, Reason.OUTSIDE_WINDOW, opens)


def quiet_hours(case: Case) -> Ruling | None:
    """The recipient's quiet hours, in their zone."""
    quiet = case.recipient.preferences.quiet
    if quiet is None or case.route.ignore_quiet_hours:
        return None
    until = quiet.until(case.now, case.recipient.zone)
    return None if until is None else Ruling(Verdict.DEFER, Reason.QUIET_HOURS, until)


def held(case: Case) -> Ruling | None:
    """Limits and breakers."""
    found = case.facts.held.get(case.channel)
    if found is None:
        return None
    return Ruling(Verdict.DEFER, found.reason, case.now + timedelta(seconds=found.seconds))


def _preference(case: Case) -> str:
    preferences = case.recipient.preferences
    because = preferences.because(case.asked.category, case.channel)
    wanted = preferences.allowed(case.asked.category, case.channel)
    return f"{because}, but mandatory" if case.route.mandatory and not wanted else because


def _address(case: Case) -> str:
    if not case.recipient.addresses.get(case.channel):
        return "no address"
    return case.facts.suppressed.get(case.channel, "an address")


def _windows(case: Case) -> str:
    active, mute = len(case.route.active), len(case.route.mute)
    return f"{active} active, {mute} mute" if active or mute else "always open"


def _quiet_hours(case: Case) -> str:
    quiet, zone = case.recipient.preferences.quiet, case.recipient.zone
    if quiet is None:
        return "no quiet hours"
    is_quiet = "not quiet" if quiet.until(case.now, zone) is None else "quiet"
    return f"{quiet.start} to {quiet.end} {zone}, {is_quiet}{', ignored' * bool(case.route.ignore_quiet_hours)}"


def _held(case: Case) -> str:
    found = case.facts.held.get(case.channel)
    return "free" if found is None else found.rule


RULES: tuple[tuple[str, Rule, Callable[[Case], str]], ...] = (
    ("expiry", expiry, lambda case: "never" if case.asked.expires_at is None else str(moment(case.asked.expires_at))),
    ("duplicate", duplicate, lambda case: case.facts.duplicate_of or "no holder"),
    ("preferences", preferences, _preference),
    ("address", address, _address),
    ("digest", digest, lambda case: str(case.route.digest or "none")),
    ("windows", windows, _windows),
    ("quiet hours", quiet_hours, _quiet_hours),
    ("limits and breakers", held, _held),
)
"""The rules in the order in which they are asked, and what each looks at, in words."""


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
    for name, rule, saw in RULES:
        ruling = rule(case)
        if steps is not None:
            decided = "pass" if ruling is None else f"{ruling.verdict} {ruling.reason}"
            steps.append(Step(name, channel, saw(case), decided))
        if ruling is not None:
            return Decision(channel, *ruling, name)
    return Decision(channel, *PASS, node.path)
