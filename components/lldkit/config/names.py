"""Names of variables to paths of keys: `APP_POOL__SIZE` is `pool.size`. Pure, but for reading the `_FILE`s."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from lldkit.config.interface import KeyPath, Loaded, Problem
from lldkit.config.paths import path_text
from lldkit.config.schema import Free, Options, Plan, Section, Table, leaves
from lldkit.config.suggest import did_you_mean

__all__ = ["Names", "Planting", "Variable"]

FILE = "_file"


class Variable(NamedTuple):
    """A name, its text, and where it was said."""

    name: str
    text: str
    location: str


@dataclass
class Planting:
    """A tree that grows by path, text by text; two that cannot both be there are ambiguous."""

    layer: str
    tree: dict[str, object] = field(default_factory=dict)
    locations: dict[KeyPath, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def put(self, path: tuple[str, ...], text: str, location: str) -> None:
        """Say `text` at `path`, unless somebody said it, or something above or below it, before."""
        for length in range(1, len(path) + 1):
            if path[:length] in self.locations:
                self._clash(path, location, self.locations[path[:length]])
                return
        node = self.tree
        for key in path[:-1]:
            node = node.setdefault(key, {})  # type: ignore[assignment]
        if path[-1] in node:
            below = next(each for each in self.locations if each[: len(path)] == path)
            self._clash(path, location, self.locations[below])
            return
        node[path[-1]] = text
        self.locations[path] = location

    def _clash(self, path: KeyPath, location: str, other: str) -> None:
        both = " and ".join(sorted((location, other)))
        self.problems.append(Problem("ambiguous", path_text(path), self.layer, location, f"{both} both say it"))

    def loaded(self, *problems: Problem, strangers: Iterable[Problem] = ()) -> Loaded:
        """What has grown, as the word of a text layer."""
        return Loaded(self.tree, self.locations, True, (*problems, *self.problems), tuple(strangers))


@dataclass(frozen=True, slots=True)
class Names:
    """How variables are named: a prefix, what stands for a dot, and which longer prefixes belong to others.

    Letter case does not count. What the schema does not know is a stranger, since others may use the prefix too; a
    name that ends in `_FILE` says in which file the text is. Keys of a dict are in lower case.
    """

    prefix: str = ""
    nested: str = "__"
    plan: Plan = field(default_factory=Free)
    others: tuple[str, ...] = ()
    is_shared: bool = True  # with others, so that without a prefix nothing there is known to be ours

    def mine(self, name: str) -> bool:
        """Whether a variable has our prefix, and no longer one that is another layer's."""
        begins = name[: len(self.prefix)].casefold() == self.prefix.casefold() and len(name) > len(self.prefix)
        return begins and not any(name.casefold().startswith(other.casefold()) for other in self.others)

    def read(self, layer: str, variables: Iterable[Variable], read_file: Callable[[str], str]) -> Loaded:
        """The tree of the variables that are ours."""
        planting, problems, strangers = Planting(layer), list[Problem](), list[Problem]()
        for name, text, location in variables:
            if not self.mine(name):
                continue
            rest = name[len(self.prefix) :]
            if path := self.place(rest):
                planting.put(path, text, location)
            elif rest.casefold().endswith(FILE) and (path := self.place(rest[: -len(FILE)])):
                try:
                    planting.put(path, read_file(text), location)
                except (OSError, ValueError):
                    message = "names a file that cannot be read as UTF-8 text"
                    problems.append(Problem("unreadable", path_text(path), layer, location, message))
            elif self.prefix or not self.is_shared:
                strangers.append(self._stranger(name, layer, location))
        return planting.loaded(*problems, strangers=strangers)

    def place(self, rest: str) -> tuple[str, ...]:
        """The path of a name without its prefix; empty for one that the schema does not know."""
        plan: Plan | None = self.plan
        path: list[str] = []
        for part in rest.split(self.nested):
            key, plan = _step(plan, part)
            if not key or plan is None:
                return ()
            path.append(key)
        return tuple(path)

    def _stranger(self, name: str, layer: str, location: str) -> Problem:
        known = (self.prefix + self.nested.join(path).upper() for path in leaves(self.plan) if path)
        message = "the schema has no such key"
        return Problem("unknown_key", name, layer, location, message, did_you_mean(name, known))


def _step(plan: Plan | None, part: str) -> tuple[str, Plan | None]:
    """The key that `part` names in a section, and its plan."""
    if isinstance(plan, Options) and len(plan.options) == 1:
        plan = plan.options[0]
    if isinstance(plan, Table):
        return part.lower(), plan.item
    if isinstance(plan, Free):
        return part.lower(), plan
    if not isinstance(plan, Section):
        return "", None
    fields: Mapping[str, object] = plan.fields
    exact = part if part in fields else ""
    key = exact or next((name for name in fields if name.casefold() == part.casefold()), "")
    return key, plan.fields[key].plan if key else None
