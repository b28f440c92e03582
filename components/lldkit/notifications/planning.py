"""What the rules need before they can be asked: the matched routes, the recipient, and the facts."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from lldkit.notifications.admission import Admission, admit, digest_key
from lldkit.notifications.calls import labels_of
from lldkit.notifications.decide import Choice, Facts, Held, Question, Step, decide, node_for, reconsider
from lldkit.notifications.draft import Draft
from lldkit.notifications.gates import Gates
from lldkit.notifications.interface import Decision, JsonValue, Receipt, Verdict
from lldkit.notifications.preferences import Directory, Recipient
from lldkit.notifications.routing import Node, Route, matched
from lldkit.notifications.rows import DedupeRow, DigestRow, ReceiptRow, suppression
from lldkit.notifications.store import Key
from lldkit.notifications.templates import Rendered, Templates, digest_data

__all__ = ["Plan", "Planner"]


class Plan(NamedTuple):
    """A notification before it is decided: what was asked of users' code, which is asked once."""

    asked: ReceiptRow
    recipient: Recipient | None
    nodes: list[Node]
    held: Mapping[str, Held]
    digest_values: Mapping[str, str]
    """By channel with a digest: the value by which its events are brought together."""
    suppressions: Mapping[str, Key]
    """By channel with an address: where it is kept if nothing goes there."""


class Planner:
    """Decides about notifications by one set of routes, templates and recipients. Safe for threads."""

    def __init__(self, routes: Route, templates: Templates, directory: Directory, gates: Gates) -> None:
        self.routes = routes
        self.templates = templates
        self._directory = directory
        self._gates = gates

    def plan(self, asked: ReceiptRow) -> Plan:
        """Find the routes and the recipient, and look at the gates."""
        nodes = matched(self.routes, labels_of(asked))
        recipient = self._directory.get(asked.recipient_id)
        values = _digest_values(nodes, asked) if any(node.route.digest for node in nodes) else {}
        channels = list(dict.fromkeys([channel for node in nodes for channel in node.route.to or ()]))
        held = self._gates.peek_all(asked, channels) if self._gates else {}
        return Plan(asked, recipient, nodes, held, values, _suppressions(recipient, channels))

    def plan_again(self, asked: ReceiptRow) -> Plan:
        """Find the routes and the recipient as they are now."""
        nodes = matched(self.routes, labels_of(asked))
        return Plan(asked, self._directory.get(asked.recipient_id), nodes, {}, {}, {})

    def keys(self, plan: Plan) -> list[Key]:
        """The rows that its decision looks at."""
        asked = plan.asked
        keys = [] if asked.dedupe_key is None else [_dedupe(asked, asked.dedupe_key)]
        keys += plan.suppressions.values()
        return keys + [digest_key(asked, channel, value) for channel, value in plan.digest_values.items()]

    def decide(self, draft: Draft, plan: Plan, steps: list[Step] | None = None) -> list[Choice]:
        """What becomes of it as of now."""
        facts = self._facts(draft, plan)
        question = Question(plan.asked, plan.recipient, facts, draft.at)
        return decide(plan.nodes, question, steps)

    def look_again(self, draft: Draft, plan: Plan, channel: str, held: Mapping[str, Held]) -> tuple[Node, Decision]:
        """What becomes of one delivery as of now, and under which route."""
        node = node_for(self.routes, plan.nodes, channel)
        suppressed = _suppressed(draft, _suppressions(plan.recipient, [channel]))
        facts = Facts(_holder(draft, plan.asked), suppressed, held)
        return node, reconsider(node, channel, Question(plan.asked, plan.recipient, facts, draft.at))

    def store(self, draft: Draft, plan: Plan, dedupe: int) -> Receipt:
        """Decide, render and store; what cannot be rendered is raised, and nothing is stored.

        Its dedupe key is held for so many microseconds.
        """
        choices = self.decide(draft, plan)
        decisions = tuple([choice.decision for choice in choices])
        holder = _holder(draft, plan.asked)
        if holder is not None:
            return Receipt(plan.asked.id, decisions, holder)
        rendered = self.render(plan, choices)
        admit(draft, Admission(plan.asked, choices, rendered, draft.now + dedupe), plan.digest_values)
        return Receipt(plan.asked.id, decisions)

    def render(self, plan: Plan, choices: Sequence[Choice]) -> dict[str, Rendered]:
        """How it reads on every channel that may send it."""
        asked, recipient = plan.asked, plan.recipient
        texts: dict[str, Rendered] = {}
        data: dict[str, JsonValue] = json.loads(asked.data)
        for choice in choices:
            channel, verdict = choice.decision.channel, choice.decision.verdict
            if verdict is Verdict.SUPPRESS or recipient is None:
                continue
            texts[channel] = self.templates.render(asked.category, channel, recipient.locale, data)
            if verdict is Verdict.DIGEST and choice.node.route.digest is not None:  # now, when somebody can be told
                told = digest_data([data], [""], 0, choice.node.route.digest.key)
                self.templates.render_digest(asked.category, channel, recipient.locale, told)
        return texts

    def _facts(self, draft: Draft, plan: Plan) -> Facts:
        asked = plan.asked
        heads: dict[str, DigestRow | None] = {
            channel: draft.get(digest_key(asked, channel, value)) for channel, value in plan.digest_values.items()
        }
        opened = {channel: head.opened for channel, head in heads.items() if head is not None}
        return Facts(_holder(draft, asked), _suppressed(draft, plan.suppressions), plan.held, opened)


def _digest_values(nodes: Sequence[Node], asked: ReceiptRow) -> dict[str, str]:
    """By channel with a digest, that of the first node: what the data have under its key."""
    data: dict[str, JsonValue] = json.loads(asked.data)
    return {
        channel: "" if digest.key is None else json.dumps(data.get(digest.key), sort_keys=True)
        for node in reversed(nodes)
        if (digest := node.route.digest) is not None
        for channel in node.route.to or ()
    }


def _dedupe(asked: ReceiptRow, dedupe_key: str) -> Key:
    return DedupeRow.at(asked.category, asked.recipient_id, dedupe_key)


def _holder(draft: Draft, asked: ReceiptRow) -> str | None:
    """The receipt that has this one's dedupe key."""
    if asked.dedupe_key is None:
        return None
    row: DedupeRow | None = draft.get(_dedupe(asked, asked.dedupe_key))
    if row is None or row.due <= draft.now or row.receipt_id == asked.id:
        return None
    return row.receipt_id


def _suppressions(recipient: Recipient | None, channels: Iterable[str]) -> dict[str, Key]:
    """Where it is kept that an address of these channels is suppressed, should it be."""
    addresses = {} if recipient is None else recipient.addresses
    return {channel: suppression(channel, addresses[channel]) for channel in channels if addresses.get(channel)}


def _suppressed(draft: Draft, keys: Mapping[str, Key]) -> dict[str, str]:
    """Why the addresses on these channels are suppressed, as far as they are."""
    return {channel: cause for channel, key in keys.items() if (cause := draft.get(key)) is not None}
