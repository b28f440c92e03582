"""How an exception carries why its call was given up: in its own `__dict__`, and as a note (PEP 678)."""

from typing import Any

from lldkit.retry.interface import GiveUp

__all__ = ["gave_up", "mark"]

# Not `vars(error)`: an exception may be a frozen dataclass, or define __slots__, __setattr__ or __dict__ of its own.
_dict_of: Any = BaseException.__dict__["__dict__"].__get__
KEY = "__lldkit_retry__"
PREFIX = "gave up: "


def gave_up(exc: BaseException) -> GiveUp | None:
    """Why the call that raised `exc` was given up; None when it was not to be retried. The outermost policy counts."""
    found = _dict_of(exc).get(KEY)
    return found if isinstance(found, GiveUp) else None


def mark(exc: BaseException, give_up: GiveUp) -> None:
    """Attach `give_up` to `exc`. It and its note replace earlier ones, so that an object raised often stays small."""
    attributes = _dict_of(exc)
    earlier = attributes.get(KEY)
    notes = [note for note in attributes.get("__notes__", ()) if earlier is None or note != f"{PREFIX}{earlier}"]
    attributes["__notes__"] = [*notes, f"{PREFIX}{give_up}"]
    attributes[KEY] = give_up
