"""Routing: a tree of matchers that says over which channels a notification goes, and under which terms."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from lldkit.arguments import check_number
from lldkit.notifications.digest import Digest
from lldkit.notifications.interface import Mode
from lldkit.notifications.matchers import Matcher, parse_matchers
from lldkit.notifications.windows import Window

__all__ = ["Node", "Route", "compiled", "matched", "resolve"]

INHERITED = ("to", "mode", "ack_timeout_seconds", "digest", "mandatory", "ignore_quiet_hours")
MOST_KNOWN = 1_024


@dataclass(frozen=True, slots=True)
class Route:
    """A node of the tree: who matches all `matchers` goes `to` these channels, unless a child matches too.

    Of the children the first that matches is taken, and further ones while those taken say `continues`. Fields that are
    None have the parent's value; the root's own default is no channel, `Mode.ALL`, no digest, False. Outside `active`
    (if there is any) and inside `mute` a message waits for the next opening. MatcherSyntaxError for faulty matchers.

    `Mode.FALLBACK` takes the channels in order, the next when one has failed, bounced, met an open breaker, or has not
    been acknowledged (delivered, read or acknowledged) within `ack_timeout_seconds` after it was sent.
    """

    to: tuple[str, ...] | None = None
    matchers: tuple[str, ...] = ()
    routes: tuple["Route", ...] = ()
    continues: bool = False
    name: str = ""
    mode: Mode | None = None
    ack_timeout_seconds: float | None = None
    digest: Digest | None = None
    mandatory: bool | None = None
    ignore_quiet_hours: bool | None = None
    active: tuple[Window, ...] = ()
    mute: tuple[Window, ...] = ()
    _tree: "Node | None" = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("to", "matchers", "routes", "active", "mute"):
            if isinstance(getattr(self, name), str):
                raise TypeError(f"{name} must be a tuple, got one text: {getattr(self, name)!r}")
        if self.ack_timeout_seconds is not None:
            check_number("ack_timeout_seconds", self.ack_timeout_seconds, above=0)
        for text in self.matchers:
            parse_matchers(text)


class Node(NamedTuple):
    """A route with its inherited fields, where it stands, and its children by the label that they look at first."""

    route: Route
    path: str
    matchers: tuple[Matcher, ...]
    children: "tuple[Node, ...]"
    always: tuple[int, ...]
    """Children without matchers."""
    groups: tuple[tuple[str, tuple[tuple[int, Matcher], ...]], ...]
    """By label: the children that look at it first, with the matcher that does."""
    known: dict[tuple[str, str], tuple[int, ...]]
    """Which of them pass, by label and value, for the values that were seen lately."""


def resolve(tree: Route, labels: Mapping[str, str]) -> tuple[Route, ...]:
    """The matched nodes, in order, each with the fields that it inherits; the root if no other matches.

    Linear in the routes for values of labels that were not seen lately, else in those that pass. Safe for threads.

    >>> tree = Route(to=("mail",), routes=(Route(matchers=('severity="page"',), to=("sms",)), Route(name="rest")))
    >>> [route.to for route in resolve(tree, {"severity": "page"})], [route.to for route in resolve(tree, {})]
    ([('sms',)], [('mail',)])
    """
    return tuple([node.route for node in matched(tree, labels)])


def matched(tree: Route, labels: Mapping[str, str]) -> list[Node]:
    """The matched nodes, as `resolve`, with their paths."""
    found: list[Node] = []
    _walk(compiled(tree), labels, found)
    return found


def _walk(node: Node, labels: Mapping[str, str], found: list[Node]) -> None:
    before = len(found)
    passed = list(node.always)
    for label, group in node.groups:
        key = (label, labels.get(label, ""))
        numbers = node.known.get(key)
        passed += _learned(node, key, group) if numbers is None else numbers
    passed.sort()
    for number in passed:
        child = node.children[number]
        for matcher in child.matchers[1:]:
            if not matcher.matches(labels):
                break
        else:
            _walk(child, labels, found)
            if not child.route.continues:
                break
    if len(found) == before:
        found.append(node)


def _learned(node: Node, key: tuple[str, str], group: tuple[tuple[int, Matcher], ...]) -> tuple[int, ...]:
    """Ask the children that look at a label first, and keep the answer; of too many values all are forgotten."""
    label, value = key
    numbers = tuple([number for number, matcher in group if matcher.matches({label: value})])
    if len(node.known) >= MOST_KNOWN:
        node.known.clear()
    node.known[key] = numbers
    return numbers


def compiled(tree: Route) -> Node:
    """The root of a tree, ready to be walked; made once for each tree."""
    node = tree._tree  # noqa: SLF001 - kept on the route, because hashing a whole tree costs more than walking it
    if node is None:
        root = replace(
            tree,
            to=tree.to or (),
            mode=tree.mode or Mode.ALL,
            mandatory=bool(tree.mandatory),
            ignore_quiet_hours=bool(tree.ignore_quiet_hours),
        )
        node = _node(root, tree.name or "root")
        object.__setattr__(tree, "_tree", node)
    return node


def _node(route: Route, path: str) -> Node:
    below = tuple(
        _node(_inheriting(child, route), f"{path}/{child.name or number}")
        for number, child in enumerate(route.routes, start=1)
    )
    always: list[int] = []
    groups: defaultdict[str, list[tuple[int, Matcher]]] = defaultdict(list)
    for number, child in enumerate(below):
        if child.matchers:
            groups[child.matchers[0].name].append((number, child.matchers[0]))
        else:
            always.append(number)
    matchers = tuple(matcher for text in route.matchers for matcher in parse_matchers(text))
    by_label = tuple((label, tuple(group)) for label, group in groups.items())
    return Node(route, path, matchers, below, tuple(always), by_label, {})


def _inheriting(child: Route, parent: Route) -> Route:
    own = {name: getattr(parent, name) for name in INHERITED if getattr(child, name) is None}
    return replace(child, **own)
