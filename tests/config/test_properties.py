"""A configuration against "merge everything from scratch", over random edits, reloads, rollbacks, holds, overrides."""

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lldkit.config import Change, Config, ConfigError, Env, Values, parse_dotenv
from lldkit.config.layers import bound
from lldkit.config.load import Rules, judge
from lldkit.config.locate import json_lines
from lldkit.config.schema import section_of
from lldkit.config.stack import Named


@dataclass(frozen=True, slots=True)
class Inner:
    x: int = 10
    y: int | None = 20


@dataclass(frozen=True, slots=True)
class Root:
    a: int = 0
    inner: Inner = Inner(x=11)
    tags: tuple[int, ...] = ()


CLASH = object()  # a section and a single value, one over the other


def from_scratch(trees: list[dict[str, Any]]) -> Root | None:
    """What the layers make, by the most naive reading of the rules; None if they make nothing valid."""
    said: dict[str, Any] = {}
    for tree in trees:
        for key, node in tree.items():
            if node is None:
                said.pop(key, None)  # and with it whatever did not fit together
            elif said.get(key) is CLASH or (key in said and isinstance(node, dict) != isinstance(said[key], dict)):
                said[key] = CLASH
            elif isinstance(node, dict):
                said[key] = {**said.get(key, {}), **node}
                said[key] = {name: each for name, each in said[key].items() if each is not None}
            else:
                said[key] = node
    inner = said.get("inner", {})
    if not isinstance(inner, dict) or not all(type(each) is int for each in inner.values()):
        return None
    if type(said.get("a", 0)) is not int or not isinstance(said.get("tags", []), list):
        return None
    return Root(said.get("a", 0), Inner(inner.get("x", 11), inner.get("y", 20)), tuple(said.get("tags", ())))


numbers = st.integers(0, 3)
edits = st.one_of(
    st.tuples(st.just("a"), st.one_of(numbers, st.none(), st.just("bad"))),
    st.tuples(
        st.just("inner"), st.one_of(st.just(3), st.none(), st.dictionaries(st.sampled_from("xy"), numbers | st.none()))
    ),
    st.tuples(st.just("tags"), st.one_of(st.lists(numbers, max_size=2), st.none())),
)


class Machine(RuleBasedStateMachine):
    """`Config` beside a list of the versions that must have been served."""

    @initialize()
    def begin(self) -> None:
        self.trees: list[dict[str, Any]] = [{}, {}, {}]
        self.config = Config(Root, layers=[Values(tree, f"layer {place}") for place, tree in enumerate(self.trees)])
        self.served: list[Root] = [Root()]  # by version
        self.held = False
        self.heard: list[Change] = []
        self.config.watch("inner", self.heard.append)
        self.inner = Root().inner
        self.loaded: list[dict[str, Any]] = [{}, {}, {}]  # the words of the version that is served

    @rule(place=st.integers(0, 2), edit=edits)
    def edit(self, place: int, edit: tuple[str, Any]) -> None:
        self.trees[place][edit[0]] = edit[1]

    @rule(place=st.integers(0, 2), key=st.sampled_from(["a", "inner", "tags"]))
    def remove(self, place: int, key: str) -> None:
        self.trees[place].pop(key, None)

    def expect(self, root: Root) -> None:
        self.served.append(root)

    @rule()
    def reload(self) -> None:
        self.judge(self.config.reload())

    def judge(self, result: Any) -> None:
        root = from_scratch(self.trees)
        assert (root is None) == bool(result.problems)
        applied = root is not None and root != self.served[-1] and not self.held
        assert result.applied == applied
        if applied:
            assert root is not None
            self.expect(root)
        if root is not None and not self.held:
            self.loaded = json.loads(json.dumps(self.trees))

    @rule(back=st.integers(0, 5))
    def rollback(self, back: int) -> None:
        to = max(1, len(self.served) - back)
        words = self.loaded if to == len(self.served) else None
        assert self.config.rollback(to=to, author="ana", reason="test") == len(self.served) + 1
        self.expect(self.served[to - 1])
        self.held = True
        self.loaded = words or [dict(layer.loaded.tree) for layer in self.config._history.newest.layers]

    @rule()
    def release(self) -> None:
        result = self.config.release()
        self.held = False
        self.judge(result)

    @rule(edit=edits)
    def override(self, edit: tuple[str, Any]) -> None:
        trees = [*self.loaded, {edit[0]: edit[1]}]
        root = from_scratch(trees)
        try:
            with self.config.override({edit[0]: edit[1]}) as found:
                assert self.config.current == found == root
        except ConfigError:
            assert root is None

    @invariant()
    def serves_the_last_good_version(self) -> None:
        assert self.config.current == self.served[-1]
        assert self.config.version == len(self.served)
        assert self.config.held == self.held

    @invariant()
    def listeners_heard_each_change_of_their_subtree(self) -> None:
        expected = []
        for number, (old, new) in enumerate(zip(self.served, self.served[1:], strict=False), 2):
            if old.inner != new.inner:
                expected.append(Change("inner", old.inner, new.inner, number))
        assert self.heard == expected

    @invariant()
    def history_and_diff_agree(self) -> None:
        assert [entry.version for entry in self.config.history()] == list(range(len(self.served), 0, -1))
        assert bool(self.config.diff(1, len(self.served))) == (self.served[0] != self.served[-1])

    @invariant()
    def the_winner_explains_the_value(self) -> None:
        found = self.config.explain("inner.x")
        assert found.value == found.winner.value == self.config.current.inner.x


Machine.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
test_a_configuration_is_what_its_layers_make_from_scratch = Machine.TestCase


names = st.sampled_from(["A", "a", "INNER__X", "inner__X", "INNER", "TAGS", "NONSENSE"])
texts = st.sampled_from(["", "1", " 2 ", "x", "1,2", "[1]", '{"x": 5}', "{"])


@given(st.dictionaries(names, texts, max_size=4))
@settings(deadline=None)
def test_any_environment_gives_a_value_or_problems_that_name_a_variable(environ: dict[str, str]) -> None:
    found = judge(Rules(section_of(Root)), [Named("env", bound([Env(environ=environ)], section_of(Root))[0].load())])
    assert all(problem.location.removeprefix("env ") in environ for problem in found.problems)
    assert found.problems or isinstance(found.value, Root)


@given(st.text(alphabet="ab='\"\\#\n\r \t", max_size=30))
@settings(deadline=None)
def test_any_text_is_an_env_file_whose_lines_are_in_order(text: str) -> None:
    lines = [each.line for each in parse_dotenv(text)]
    assert lines == sorted(set(lines))
    assert not lines or lines[-1] <= text.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1


keys = st.text(alphabet='a"\\{\n', max_size=3)
trees = st.recursive(
    st.integers(0, 9) | keys, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3)
)


def lines_of(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """All keys of a document, in the order in which they are written."""
    found: list[tuple[Any, ...]] = []
    for key, inner in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        found += [(*path, key)] * isinstance(node, dict) + lines_of(inner, (*path, key))
    return found


@given(st.dictionaries(keys, trees, max_size=4))
@settings(deadline=None)
def test_the_scanner_finds_the_keys_of_any_json_on_their_lines(document: dict[str, Any]) -> None:
    text = json.dumps(document, indent=1)
    found = json_lines(text)
    assert list(found) == lines_of(document)
    for path, line in found.items():
        assert text.splitlines()[line - 1].strip().startswith(json.dumps(path[-1]) + ":")
