"""The linearizability document's picture: what the checker draws of a stale read."""

from interleave.models import register
from lldkit.interleave import History, Operation, check_linearizable

STALE = [
    Operation("writer", "write", (1,), None, 0, 1),
    Operation("writer", "write", (2,), None, 2, 7),
    Operation("reader A", "read", (), 2, 3, 4),
    Operation("reader B", "read", (), 1, 5, 6),
]


def generated() -> dict[str, str]:
    """The timeline, as text."""
    drawn = check_linearizable(History(STALE), register).timeline()
    return {"docs/linearizability.md#violation": f"```text\n{drawn}\n```"}
