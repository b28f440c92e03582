"""Rules in order; values are compared by kind and value, because Python takes True for 1."""

from typing import Any

from interface import Document, User, Value

NOTHING = object()  # what a flag serves that serves nothing


def kind(value: object) -> str:
    """What values are compared by, beside their value."""
    return "number" if type(value) in {int, float} else type(value).__name__


def among(value: object, values: list[Any]) -> bool:
    """Whether `value` is one of `values`."""
    return any(kind(value) == kind(each) and value == each for each in values)


OPERATORS = {
    "in": among,
    "not_in": lambda value, values: not among(value, values),
    "gte": lambda value, limit: kind(value) == "number" and value >= limit,
    "lt": lambda value, limit: kind(value) == "number" and value < limit,
}


class Flags:
    """Answers what a document of flags serves."""

    def __init__(self, document: Document) -> None:
        self._flags = document["flags"]

    def enabled(self, key: str, user: User, default: bool) -> bool:
        """What the flag serves to the user, or `default`."""
        return self.variant(key, user, default)

    def variant(self, key: str, user: User, default: Value) -> Value:
        """The same for values of every kind."""
        value = self._served(key, user)
        return value if kind(value) == kind(default) else default

    def _served(self, key: str, user: User) -> Any:
        flag = self._flags.get(key)
        if flag is None:
            return NOTHING
        if not flag["enabled"]:
            return flag.get("off", NOTHING)
        for rule in flag.get("rules", ()):
            if self._all_hold(rule.get("when", ()), user):
                return rule["serve"]
        return flag.get("serve", NOTHING)

    def _all_hold(self, conditions: list[Any], user: User) -> bool:
        return all(self._holds(condition, user) for condition in conditions)

    def _holds(self, condition: list[Any], user: User) -> bool:
        operator, attribute, operand = condition
        return OPERATORS[operator](user.get(attribute), operand)
