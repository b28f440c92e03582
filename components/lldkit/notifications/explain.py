"""Why: every rule that a notification meets, in order, with the value it saw and what it decided."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lldkit.notifications.decide import Step
from lldkit.notifications.interface import Decision, JsonValue
from lldkit.notifications.matchers import Matcher
from lldkit.notifications.routing import Node, Route, compiled

__all__ = ["Explanation", "routing_steps"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The rules that were asked and the decisions they led to; as text, or as JSON.

    It is made by the functions that decide; so it says what `notify` would do at that moment.
    """

    steps: tuple[Step, ...]
    decisions: tuple[Decision, ...]

    def to_json(self) -> str:
        """One JSON object with `steps` and `decisions`."""
        steps: list[JsonValue] = [dict(step._asdict()) for step in self.steps]
        decisions: list[JsonValue] = [_plain(decision) for decision in self.decisions]
        return json.dumps({"steps": steps, "decisions": decisions}, ensure_ascii=False, indent=2)

    def __str__(self) -> str:
        lines = [f"{_where(step)}: {step.saw}: {step.decided}" for step in self.steps]
        return "\n".join([*lines, *(_line(decision) for decision in self.decisions)])


def routing_steps(tree: Route, labels: Mapping[str, str]) -> list[Step]:
    """Every route that was asked, and what its matchers saw. It walks the tree without its index."""
    return [Step(*each) for each in _walk(compiled(tree), labels)]


def _walk(node: Node, labels: Mapping[str, str]) -> Iterator[tuple[str, str, str, str]]:
    deeper = False
    for child in node.children:
        seen, passed = _seen(child.matchers, labels)
        yield f"route {child.path}", "", seen, "matched" if passed else "no match"
        if passed:
            deeper = True
            yield from _walk(child, labels)
            if not child.route.continues:
                break
    if not deeper:
        to = ", ".join(node.route.to or ()) or "nowhere"
        yield f"route {node.path}", "", f"the last that matched, {node.route.mode}", f"to {to}"


def _seen(matchers: Sequence[Matcher], labels: Mapping[str, str]) -> tuple[str, bool]:
    """The matchers up to the first that fails, with the values they saw."""
    seen: list[str] = []
    for matcher in matchers:
        passed = matcher.matches(labels)
        seen.append(f"{matcher} saw {json.dumps(labels.get(matcher.name, ''), ensure_ascii=False)}")
        if not passed:
            return ", ".join(seen), False
    return ", ".join(seen) or "no matchers", True


def _plain(decision: Decision) -> JsonValue:
    return {
        "channel": decision.channel,
        "verdict": decision.verdict.value,
        "reason": decision.reason.value,
        "until": None if decision.until is None else decision.until.isoformat(),
        "rule": decision.rule,
    }


def _where(step: Step) -> str:
    return f"{step.channel}, {step.rule}" if step.channel else step.rule


def _line(decision: Decision) -> str:
    until = "" if decision.until is None else f" until {decision.until:%Y-%m-%d %H:%M:%S}Z"
    verdict, reason = decision.verdict.value.upper(), decision.reason.value.replace("_", " ")
    return f"{decision.channel} {verdict}{until} ({reason}, {decision.rule})"
