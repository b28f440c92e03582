"""The last good documents of remote layers on disk, so that a restart survives a store that is away. No secrets."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lldkit.config.schema import Hidden, Options, Plan, Section, Table, hides
from lldkit.snapshot.kept import keep_text, kept_text

__all__ = ["read_cache", "write_cache"]


def write_cache(path: Path, plan: Plan, trees: Mapping[str, Mapping[str, object]]) -> None:
    """Keep what the schema knows of each layer's tree, but for its secrets; readable by its owner only. `OSError`."""
    keep_text(path, json.dumps({name: _public(plan, tree) for name, tree in trees.items()}, ensure_ascii=False))


def read_cache(path: Path) -> Mapping[str, Mapping[str, object]]:
    """The trees by the names of their layers; none where the file is missing or damaged."""
    text = kept_text(path)
    trees: Mapping[str, Mapping[str, object]] = {} if text is None else json.loads(text)
    return trees


def _public(plan: Plan, node: Any) -> Any:
    """What may be written of a tree; what the schema does not know may be a secret, too."""
    if isinstance(plan, Options) and len(plan.options) == 1:
        plan = plan.options[0]
    if isinstance(node, Mapping) and isinstance(plan, Section):
        known = {key: plan.fields[key].plan for key in node if key in plan.fields}
        return {key: _public(each, node[key]) for key, each in known.items() if _may_show(each, node[key])}
    if isinstance(node, Mapping):
        item = plan.item if isinstance(plan, Table) else plan
        return {key: _public(item, each) for key, each in node.items() if _may_show(item, each)}
    return [_public(plan, each) for each in node] if isinstance(node, list | tuple) else node


def _may_show(plan: Plan, node: object) -> bool:
    """Whether nothing in it is a secret, or a mapping tells its parts apart."""
    return not hides(plan) or (isinstance(node, Mapping) and not _is_hidden(plan))


def _is_hidden(plan: Plan) -> bool:
    return isinstance(plan, Hidden) or (isinstance(plan, Options) and any(map(_is_hidden, plan.options)))
