"""What the tests of feature flags share: documents, both engines, and a runtime without time and chance."""

from collections.abc import Mapping
from random import Random
from typing import Any

from lldkit.clock import ManualClock
from lldkit.feature_flags.compile import Compiled
from lldkit.feature_flags.context import EMPTY, Context
from lldkit.feature_flags.interface import Evaluation
from lldkit.feature_flags.interpret import evaluation_of, failed, interpret
from lldkit.feature_flags.link import link
from lldkit.feature_flags.model import RuleSet, Runtime
from lldkit.feature_flags.parse import NATIVE

CLOCK = ManualClock(auto_advance=True)
RUNTIME = Runtime(CLOCK.now, Random(1).random)


def flag(**fields: Any) -> dict[str, Any]:
    """A boolean flag that is off, but for what is given."""
    return {"type": "boolean", "variants": {"on": True, "off": False}, "serve": "off", **fields}


def when(condition: Any, **more: Any) -> dict[str, Any]:
    """A boolean flag that is on where `condition` holds."""
    return flag(rules=[{"id": "r", "when": condition, "serve": "on", **more}])


def document(flags: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"schema": "lldkit.flags/1", "flags": dict(flags), **more}


def rules_of(flags: Mapping[str, Any], **more: Any) -> RuleSet:
    return link(NATIVE.load(document(flags, **more)), 1)


def evaluated(rules: RuleSet, key: str, context: Context = EMPTY, runtime: Runtime = RUNTIME) -> Evaluation[Any]:
    """What both engines say, which must be the same."""
    decision, _ = interpret(rules, key, context, runtime)
    read = evaluation_of(rules, key, decision)
    try:
        compiled = Compiled(rules, runtime)[key](context).evaluation
    except Exception as error:  # noqa: BLE001 - the client contains it
        compiled = evaluation_of(rules, key, failed(error))
    assert compiled == read
    return read


def served(condition: Any, context: Context = EMPTY, **more: Any) -> bool:
    """Whether a condition holds for a context."""
    found = evaluated(rules_of({"f": when(condition)}, **more), "f", context)
    assert found.error_code is None
    return bool(found.value)
