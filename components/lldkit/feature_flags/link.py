"""From what was loaded to one version: last good flags, references that lead nowhere, and circles."""

from collections.abc import Iterable, Iterator, Mapping

from lldkit.feature_flags.interface import FlagProblem
from lldkit.feature_flags.model import All, AnyOf, Condition, Flag, FlagIs, InSegment, Loaded, Node, Not, RuleSet

__all__ = ["EMPTY_RULES", "changed_keys", "circle", "dependents", "link", "needs_of"]

HIGHEST = 150
"""How many conditions, segments and flags may stand upon each other: an evaluation needs a few frames for each."""

SEGMENTS = "segments."


Graph = Mapping[Node, tuple[Node, ...]]

EMPTY_RULES = RuleSet({}, {}, {}, {}, (), {}, {}, 0)
"""What is known before anything was loaded."""


def link(loaded: Loaded, version: int, previous: RuleSet = EMPTY_RULES) -> RuleSet:
    """The version that `loaded` makes after `previous`.

    A malformed flag or segment keeps its last good version, or is broken when it is new. A flag on a circle is broken;
    so is one that uses a segment on a circle, and one that stands upon too many others. O(flags) plus O(what changed).
    """
    fatal = {problem.key: problem for problem in loaded.problems if problem.fatal}
    if "" in fatal:
        return previous
    flags, segments, sources = dict(loaded.flags), dict(loaded.segments), dict(loaded.sources)
    broken: dict[str, str] = {}
    for key, problem in fatal.items():
        name = key.removeprefix(SEGMENTS)
        if key in previous.flags:
            flags[key] = previous.flags[key]
        elif key.startswith(SEGMENTS) and name in previous.segments:
            segments[name], sources[name] = previous.segments[name], previous.sources.get(name, "")
        elif not key.startswith(SEGMENTS):
            broken[key] = str(problem)
    graph = _graph(flags, segments, previous)
    problems = [*loaded.problems, *_undefined(graph, flags, segments)]
    for node, why in _entangled(graph).items():
        if node.kind == "flag":
            broken[node.name] = why
        problems.append(FlagProblem(_problem_key(node), _problem_key(node), why, fatal=False))
    return RuleSet(flags, segments, sources, loaded.metadata, tuple(problems), broken, graph, version)


def _problem_key(node: Node) -> str:
    return node.name if node.kind == "flag" else SEGMENTS + node.name


# --- who needs whom --------------------------------------------------------------------------------------------------


def needs_of(conditions: Iterable[Condition]) -> tuple[Node, ...]:
    """The flags and segments that conditions name, each once."""
    found: dict[Node, None] = {}
    waiting = list(conditions)
    while waiting:
        match waiting.pop():
            case All(of) | AnyOf(of):
                waiting.extend(of)
            case Not(of):
                waiting.append(of)
            case InSegment(name):
                found[Node("segment", name)] = None
            case FlagIs(flag=key):
                found[Node("flag", key)] = None
            case _:
                pass
    return tuple(found)


def _graph(
    flags: Mapping[str, Flag], segments: Mapping[str, Condition], previous: RuleSet
) -> dict[Node, tuple[Node, ...]]:
    """The needs of those that have any; a flag that is the same as before is not looked at again."""
    graph: dict[Node, tuple[Node, ...]] = {}
    for key, flag in flags.items():
        node = Node("flag", key)
        if previous.flags.get(key) is flag:
            needs = previous.graph.get(node, ())
        else:
            needs = needs_of([*flag.prerequisites, *(rule.when for rule in flag.rules)])
        if needs:
            graph[node] = needs
    for name, condition in segments.items():
        graph[Node("segment", name)] = needs_of([condition])
    return graph


def _undefined(graph: Graph, flags: Mapping[str, Flag], segments: Mapping[str, Condition]) -> Iterator[FlagProblem]:
    for node, needs in graph.items():
        for need in needs:
            if need.name not in (flags if need.kind == "flag" else segments):
                message = f"there is no {need.kind} {need.name!r}"
                yield FlagProblem(_problem_key(node), _problem_key(node), message, fatal=False)


def _entangled(graph: Graph) -> dict[Node, str]:
    """Those on circles, those that use segments on circles, and those that stand too high, each with the reason."""
    found: dict[Node, str] = {}
    heights: dict[Node, int] = {}
    for knot in _knots(graph):
        node = knot[0]
        needs = graph.get(node, ())
        heights[node] = 2 + max((heights.get(need, 0) for need in needs), default=0)
        if len(knot) > 1 or node in needs:
            for each in knot:
                path = _circle(graph, each, set(knot))
                found[each] = f"cycle: {' -> '.join(map(str, path))}"
        elif bad := next((need for need in needs if need.kind == "segment" and need in found), None):
            found[node] = found[bad]
        elif heights[node] > HIGHEST:
            found[node] = f"more than {HIGHEST // 2} flags and segments stand upon each other"
    return found


def _knots(graph: Graph) -> Iterator[list[Node]]:
    """The strongly connected components, those first that others need (Tarjan 1972, without recursion)."""
    index: dict[Node, int] = {}
    low: dict[Node, int] = {}
    stack: list[Node] = []
    on_stack: set[Node] = set()
    for root in graph:
        if root in index:
            continue
        path = [(root, iter(graph.get(root, ())))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while path:
            node, needs = path[-1]
            for need in needs:
                if need not in index:
                    index[need] = low[need] = len(index)
                    stack.append(need)
                    on_stack.add(need)
                    path.append((need, iter(graph.get(need, ()))))
                    break
                if need in on_stack:
                    low[node] = min(low[node], index[need])
            else:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[node])
                if low[node] == index[node]:
                    at = stack.index(node)
                    knot = stack[at:]
                    del stack[at:]
                    on_stack.difference_update(knot)
                    yield knot


def _circle(graph: Graph, start: Node, among: set[Node]) -> list[Node]:
    """A shortest way from a node back to itself."""
    came: dict[Node, Node] = {}
    queue = [start]
    for node in queue:
        for need in graph.get(node, ()):
            if need == start:
                way = [start, node]
                while way[-1] != start:
                    way.append(came[way[-1]])
                return way[::-1] if len(way) > 2 or node != start else [start, start]
            if need in among and need not in came:
                came[need] = node
                queue.append(need)
    return [start]


def circle(rules: RuleSet, key: str) -> list[str]:
    """The way from a flag, or a segment as `segments.name`, back to itself; empty where there is none."""
    name = key.removeprefix(SEGMENTS)
    node = Node("flag", key) if key in rules.flags else Node("segment", name)
    way = _circle(rules.graph, node, set(rules.graph))
    return [str(each) for each in way] if len(way) > 1 else []


# --- what changed ----------------------------------------------------------------------------------------------------


def changed_keys(before: RuleSet, after: RuleSet) -> frozenset[str]:
    """The keys of the flags that mean something else, also through the segments and flags that they need."""
    moved = {Node("flag", key) for key in before.flags.keys() ^ after.flags.keys()}
    moved |= {
        Node("flag", key)
        for key, flag in after.flags.items()
        if (old := before.flags.get(key)) is not flag and old is not None and old.source != flag.source
    }
    names = before.sources.keys() | after.sources.keys()
    moved |= {Node("segment", name) for name in names if before.sources.get(name) != after.sources.get(name)}
    moved = dependents(before.graph, moved) | dependents(after.graph, moved)
    return frozenset(node.name for node in moved if node.kind == "flag")


def dependents(graph: Graph, nodes: Iterable[Node]) -> set[Node]:
    """The nodes and all that need them."""
    needed_by: dict[Node, list[Node]] = {}
    for node, needs in graph.items():
        for need in needs:
            needed_by.setdefault(need, []).append(node)
    found, waiting = set(nodes), list(nodes)
    while waiting:
        for node in needed_by.get(waiting.pop(), ()):
            if node not in found:
                found.add(node)
                waiting.append(node)
    return found
