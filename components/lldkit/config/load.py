"""Layers to one typed value, or to everything that is wrong with them. Pure, but for the checks of the user."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from lldkit.config.checks import NonFinite
from lldkit.config.coerce import Misfit, is_finite
from lldkit.config.interface import MISSING, ConfigError, KeyPath, Kind, Problem
from lldkit.config.paths import path_text
from lldkit.config.schema import Free, Hidden, Many, Options, Plan, Scalar, Section, Table, hides, leaves
from lldkit.config.secret import HIDDEN, Secret
from lldkit.config.stack import Named, Said, all_say, conflict, location_of, opened, settled, step
from lldkit.config.suggest import did_you_mean

__all__ = ["Judgement", "Rules", "Unknown", "judge", "rejected"]

Unknown = Literal["error", "report", "ignore"]


@dataclass(frozen=True, slots=True)
class Rules:
    """What a value is judged by: the schema, or with `build` somebody else's; a check; what to do with unknown keys."""

    plan: Section | Free
    check: Callable[[Any], Iterable[Problem]] | None = None
    unknown: Unknown = "error"
    build: Callable[[Any], Any] | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """The value, which counts if there are no `problems`; `document` is what `build` was given, if there is one."""

    value: Any
    problems: tuple[Problem, ...]
    strangers: tuple[Problem, ...]
    document: Any = None


def judge(rules: Rules, layers: Sequence[Named], *, unreadable: Sequence[Problem] = ()) -> Judgement:
    """Build the value that the layers, weakest first, make together; find all problems at once. O(keys x layers).

    What is missing is no problem where a layer is `unreadable`, since it may well be there.
    """
    builder = Builder(rules)
    value = builder.value(rules.plan, all_say(layers), ())
    problems = [*unreadable, *(each for _, loaded in layers for each in loaded.problems)]
    told = {each.path for each in problems}
    problems += [each for each in builder.problems if each.kind != "missing" or not (unreadable or each.path in told)]
    strangers = [each for _, loaded in layers for each in loaded.strangers]
    if rules.unknown == "error":
        problems += builder.unknown
    elif rules.unknown == "report":
        strangers += builder.unknown
    document = value if rules.build else None
    if not problems and rules.build is not None:
        value, problems = builder.judged_by(rules.build, value)
    if not problems and rules.check is not None:
        problems = builder.checked(rules.check, value)
    return Judgement(value, tuple(problems), tuple(strangers), document)


def rejected(rules: Rules, value: Any) -> list[Problem]:
    """What the check of the user has against a value that was built before."""
    return [] if rules.check is None else Builder(rules).checked(rules.check, value)


@dataclass
class Builder:
    """Walks the plan and what is said about it; `MISSING` stands for a value that has a problem."""

    rules: Rules
    problems: list[Problem] = field(default_factory=list)
    unknown: list[Problem] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)
    is_secret: bool = False  # what is being built

    def value(self, plan: Plan, said: Said, path: KeyPath, default: Any = MISSING) -> Any:
        """What `said` makes of `plan` at `path`, or its default."""
        said = settled(opened(plan, said))
        if found := conflict(said):
            lower, upper = (f"{layer.name} ({location_of(layer, path)})" for layer in found)
            message = f"one of {lower} and {upper} has a section here, and the other a single value"
            return self._wrong("merge_conflict", found.upper, path, message)
        if not said and default is not MISSING:
            return default
        if not said and not isinstance(plan, Section | Free):
            self.problems.append(Problem("missing", path_text(path), "", "", "is required, and no layer says it"))
            return MISSING
        before = len(self.problems)
        value = self._built(plan, said, path, default)
        if value is MISSING or len(self.problems) > before:
            return MISSING
        return self._within(plan, value, said, path)

    def _built(self, plan: Plan, said: Said, path: KeyPath, default: Any) -> Any:  # noqa: PLR0911 - a case for each kind
        match plan:
            case Scalar():
                return self._scalar(plan, *said[-1], path)
            case Many():
                return self._many(plan, *said[-1], path)
            case Section():
                return self._section(plan, said, path, default)
            case Options():
                return self._options(plan, said, path, default)
            case Table():
                return self._table(plan, said, path, default)
            case Hidden():
                return self._hidden(plan, said, path)
            case Free():
                return self._document(said, path)

    def _scalar(self, plan: Scalar, layer: Named, node: Any, path: KeyPath) -> Any:
        text = layer.loaded.text
        try:
            value = plan.read(node, text)
        except Misfit as misfit:
            found = "an empty text" if node == "" else self._shown(plan, node)
            return self._wrong("wrong_type", layer, path, f"must be {misfit}, found {found}")
        if not is_finite(value) and not any(isinstance(check, NonFinite) for check in plan.checks):
            return self._wrong("out_of_range", layer, path, "must be a finite number")
        return value

    def _section(self, plan: Section, said: Said, path: KeyPath, default: Any) -> Any:
        if not self._is_mapping(plan, said, path, "a section"):
            return MISSING
        values: dict[str, Any] = {}
        for name, each in plan.fields.items():
            fallback = each.fallback() if default is MISSING or default is None else getattr(default, name)
            values[name] = self.value(each.plan, step(said, name), (*path, name), fallback)
        for layer, node in said:
            self.unknown += [self._stranger(plan, layer, (*path, key)) for key in node if key not in plan.fields]
        if MISSING in values.values():
            return MISSING
        try:
            return plan.make(**values)
        except Exception as error:  # noqa: BLE001 - whatever __post_init__ raises is its way to say no
            where = said[-1][0] if said else None
            return self._wrong("rejected", where, path, self._told(error))

    def _many(self, plan: Many, layer: Named, node: Any, path: KeyPath) -> Any:
        items = _split(node) if layer.loaded.text and isinstance(node, str) else node
        if not isinstance(items, list | tuple | set | frozenset):
            return self._wrong("wrong_type", layer, path, f"must be a list, found {self._shown(plan, node)}")
        plans = plan.items if plan.fixed else plan.items * len(items)
        if len(plans) != len(items):
            return self._wrong("wrong_type", layer, path, f"must have {len(plans)} items, found {len(items)}")
        built = [
            None
            if item is None and isinstance(each, Options) and each.optional
            else self.value(each, [(layer, item)], (*path, place))
            for place, (each, item) in enumerate(zip(plans, items, strict=True))
        ]
        try:
            return plan.make(built)
        except TypeError:
            return self._wrong("wrong_type", layer, path, "must have items that can be in a set")

    def _options(self, plan: Options, said: Said, path: KeyPath, default: Any) -> Any:
        layer, node = said[-1]
        if plan.optional and layer.loaded.text and node == "":
            return None
        if len(plan.options) == 1:
            return self.value(plan.options[0], said, path, MISSING if default is None else default)
        for option in plan.options:
            trial = Builder(self.rules, is_secret=self.is_secret)
            value = trial.value(option, said, path)
            if not trial.problems:
                self.secrets |= trial.secrets
                return value
        found = self._shown(plan, node)
        return self._wrong("wrong_type", layer, path, f"fits none of its {len(plan.options)} types, found {found}")

    def _table(self, plan: Table, said: Said, path: KeyPath, default: Any) -> Any:
        if not self._is_mapping(plan, said, path, "a mapping"):
            return MISSING
        table = dict(default) if isinstance(default, Mapping) else {}
        for key in dict.fromkeys(key for _, node in said for key in node):
            nodes = settled(step(said, key))
            if not isinstance(key, str):
                self._wrong("wrong_type", said[-1][0], path, f"must have texts as keys, found {key!r}")
            elif nodes:
                table[key] = self.value(plan.item, nodes, (*path, key), table.get(key, MISSING))
        return MappingProxyType(table)

    def _document(self, said: Said, path: KeyPath) -> Any:
        """The plain document that the layers make, for who builds it elsewhere."""
        if said and not isinstance(said[-1][1], Mapping):
            return _plain(said[-1][1])
        merged = {}
        for key in dict.fromkeys(key for _, node in said for key in node):
            if nodes := settled(step(said, key)):
                merged[key] = self.value(Free(), nodes, (*path, key))
        return merged

    def _hidden(self, plan: Hidden, said: Said, path: KeyPath) -> Any:
        said = [(layer, node.reveal() if isinstance(node, Secret) else node) for layer, node in said]
        outer, self.is_secret = self.is_secret, True
        value = self.value(plan.inner, said, path)
        self.is_secret = outer
        if value is MISSING:
            return MISSING
        self.secrets.add(str(value))
        return Secret(value)

    def _within(self, plan: Plan, value: Any, said: Said, path: KeyPath) -> Any:
        for check in plan.checks if value is not None else ():
            bare = value.reveal() if isinstance(value, Secret) else value
            try:
                wanted = check.wants(bare)
            except TypeError:
                wanted = f"something that {type(check).__name__} can judge"
            if wanted:
                found = self._shown(plan, said[-1][1]) if said else "its default"
                layer = said[-1][0] if said else None
                return self._wrong("out_of_range", layer, path, f"must be {wanted}, found {found}")
        return value

    def _is_mapping(self, plan: Plan, said: Said, path: KeyPath, what: str) -> bool:
        if not said or isinstance(said[-1][1], Mapping):
            return True
        layer, node = said[-1]
        self._wrong("wrong_type", layer, path, f"must be {what}, found {self._shown(plan, node)}")
        return False

    def _shown(self, plan: Plan, node: Any) -> str:
        """What was found; of a secret only the type."""
        if self.is_secret or hides(plan):
            return f"a {type(node).__name__}"
        text = repr(node)
        return text if len(text) <= 60 else f"{text[:57]}..."

    def _stranger(self, plan: Section, layer: Named, path: KeyPath) -> Problem:
        siblings = [path_text((*path[:-1], name)) for name in plan.fields]
        known = [*siblings, *map(path_text, leaves(self.rules.plan))]
        text, where = path_text(tuple(each if isinstance(each, int) else str(each) for each in path)), layer
        hint = did_you_mean(text, known)
        return Problem("unknown_key", text, where.name, location_of(where, path), "the schema has no such key", hint)

    def _wrong(self, kind: Kind, layer: Named | None, path: KeyPath, message: str) -> Any:
        name, location = (layer.name, location_of(layer, path)) if layer else ("", "")
        self.problems.append(Problem(kind, path_text(path), name, location, message))
        return MISSING

    def _told(self, error: Exception) -> str:
        """What an error of the user's code says, without the secrets that it may know."""
        text = f"{type(error).__name__}: {error}"
        for secret in sorted(filter(None, self.secrets), key=len, reverse=True):
            text = text.replace(secret, HIDDEN)
        return text

    def judged_by(self, build: Callable[[Any], Any], document: Any) -> tuple[Any, list[Problem]]:
        """What `build` makes of the document, or why not; of a foreign error only what names no values."""
        try:
            return build(document), []
        except ConfigError as error:
            return MISSING, list(error.problems)
        except Exception as error:  # noqa: BLE001 - whatever it raises is its way to say no
            details = getattr(error, "errors", None)
            if not callable(details):
                return MISSING, [Problem("rejected", "", "", "", f"{type(error).__name__} when it was built")]
            return MISSING, [
                Problem("rejected", path_text(tuple(each["loc"])), "", "", str(each.get("type", "does not fit")))
                for each in details()
            ]

    def checked(self, check: Callable[[Any], Iterable[Problem]], value: Any) -> list[Problem]:
        """What the check of the user finds."""
        try:
            return list(check(value))
        except Exception as error:  # noqa: BLE001 - a check that raises says no
            return [Problem("rejected", "", "", "", self._told(error))]


def _split(text: str) -> Any:
    """A list in text: JSON, or parts between commas; empty for an empty text."""
    text = text.strip()
    if text.startswith("["):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return [part.strip() for part in text.split(",")] if text else []


def _plain(value: Any) -> Any:
    """A copy that belongs to who gets it."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
