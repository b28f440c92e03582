"""The SQL beside this module: texts under names."""

import re
from importlib import resources

__all__ = ["Statements", "statements"]

ROWS = "SELECT kind, id, value, version, coalesce(due, leased) FROM notifications_rows"


class Statements(dict[str, str]):
    """Statements by name; `migrations` are those that make the tables, in order."""

    @property
    def migrations(self) -> list[str]:
        """The statements whose names begin with "migration"."""
        return [text for name, text in self.items() if name.startswith("migration")]


def statements(file: str, **given: str) -> Statements:
    """Read a file of statements, each under a line `-- : name`, and put what is given in for `{name}`."""
    given = {"rows": ROWS, **given}
    text = resources.files("lldkit.notifications").joinpath(file).read_text(encoding="utf-8")
    for name, value in given.items():
        text = text.replace(f"{{{name}}}", value)
    _, *parts = re.split(r"^-- : (.+)\n", text, flags=re.MULTILINE)
    return Statements(zip(parts[::2], (part.strip() for part in parts[1::2]), strict=True))
