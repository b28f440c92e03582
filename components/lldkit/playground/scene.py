"""A scene: a seeded run of a component whose parameters can be asked for by name and text, and the figure of it."""

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from inspect import signature
from typing import Any, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from lldkit.charts import Figure

__all__ = ["SEED_BOUNDS", "Control", "Scene"]

T = TypeVar("T")
SEED_BOUNDS = (0, 9_999)
SLIDER_STEPS = 100


@dataclass(frozen=True, slots=True)
class Control:
    """What a page shows for one parameter: a slider over `bounds`, a list of `choices`, a switch, or a line of text.

    `default` is the text that stands for the parameter's default; the empty text is None.
    """

    name: str
    kind: Literal["slider", "choice", "switch", "text"]
    default: str
    bounds: tuple[float, float] | None = None
    step: float | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scene(Generic[T]):
    """`picture(trace(**parameters))`, where equal parameters give equal figures.

    A parameter of `trace` can be set if it is a number with `bounds` (or named `seed`), a `bool`, a `Literal` or one of
    the `choices`; the others keep their defaults. `trace` itself refuses values out of bounds with a ValueError.
    """

    trace: Callable[..., T]
    picture: Callable[[T], Figure]
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def controls(self) -> list[Control]:
        """The parameters that can be set, in the order of `trace`."""
        hints = get_type_hints(self.trace)
        defaults = {name: parameter.default for name, parameter in signature(self.trace).parameters.items()}
        made = (self._control(name, hints[name], default) for name, default in defaults.items())
        return [control for control in made if control is not None]

    def figure(self, asked: Mapping[str, str]) -> Figure:
        """The figure for the parameters `asked`, each a text as in `Control.default`.

        Raises `ValueError` that names an unknown parameter, a text that is no value of its type, or one out of bounds.
        """
        known, hints = [control.name for control in self.controls()], get_type_hints(self.trace)
        for name in asked:
            if name not in known:
                close = get_close_matches(name, known, n=1)
                raise ValueError(f"there is no parameter {name!r}; " + (f"try {close[0]}" if close else _list(known)))
        given = {name: _parsed(name, hints[name], text) for name, text in asked.items()}
        low, high = SEED_BOUNDS
        if not low <= given.get("seed", low) <= high:
            raise ValueError(f"seed must be from {low} to {high}, got {given['seed']}")
        return self.picture(self.trace(**given))

    def _control(self, name: str, hint: Any, default: object) -> Control | None:
        kind, text = _without_none(hint), _text(default)
        choices = tuple(self.choices.get(name, get_args(kind) if get_origin(kind) is Literal else ()))
        if choices:
            return Control(name, "choice", text, choices=choices)
        if kind is bool:
            return Control(name, "switch", text)
        bounds = SEED_BOUNDS if name == "seed" else self.bounds.get(name)
        if bounds is None:
            return None
        if kind not in (int, float) or kind != hint:
            return Control(name, "text", text, bounds)
        return Control(name, "slider", text, bounds, 1.0 if kind is int else _step(*bounds, float(text)))


def _step(*reachable: float) -> float:
    """A power of ten that parts the bounds into at least a hundred steps, and reaches them and the default exactly."""
    low, high, _ = reachable
    places = 0
    while (high - low) * 10**places < SLIDER_STEPS or any(round(value, places) != value for value in reachable):
        places += 1
    return round(0.1**places, places)


def _list(names: Sequence[str]) -> str:
    return f"there are {', '.join(names)}" if names else "there are none"


def _without_none(hint: Any) -> Any:
    """`X` of `X | None`."""
    if get_origin(hint) in (Union, types.UnionType):
        return next(part for part in get_args(hint) if part is not type(None))
    return hint


def _text(value: object) -> str:
    """A value as a query has it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(map(_text, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _parsed(name: str, hint: Any, text: str) -> Any:
    """The value that `text` stands for, by the parameter's type."""
    kind = _without_none(hint)
    if not text and kind != hint:
        return None
    if kind is bool:
        if text not in ("true", "false"):
            raise ValueError(f"{name} must be true or false, got {text!r}")
        return text == "true"
    if get_origin(kind) is tuple:
        kinds, parts = get_args(kind), text.split(",")
        if len(kinds) != len(parts):
            raise ValueError(f"{name} must be {len(kinds)} numbers with commas between them, got {text!r}")
        return tuple(_parsed(name, each, part) for each, part in zip(kinds, parts, strict=True))
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            raise ValueError(f"{name} must be {'a whole' if kind is int else 'a'} number, got {text!r}") from None
    return text
