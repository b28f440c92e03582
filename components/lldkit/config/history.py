"""The versions that were served: which, why, and of which words of the layers each was made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from lldkit.arguments import check_count
from lldkit.config.interface import Entry
from lldkit.config.schema import Options, Plan, Section
from lldkit.config.stack import Named
from lldkit.snapshot import VersionNotFound

__all__ = ["History", "Record", "document_of", "recorded"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Record(Generic[T]):
    """A version; `document` is what others built it of, or None where the schema did."""

    entry: Entry
    value: T
    layers: tuple[Named, ...]
    document: Any = None


class History(Generic[T]):
    """The last `limit` versions. Written by one thread at a time, read by any: `records` is replaced, never changed."""

    def __init__(self, limit: int) -> None:
        self._limit = check_count("history_limit", limit, least=1)
        self.records: tuple[Record[T], ...] = ()

    @property
    def newest(self) -> Record[T]:
        """The version that is served."""
        return self.records[-1]

    def add(self, record: Record[T]) -> None:
        """Serve another version; the oldest may leave."""
        self.records = (*self.records, record)[-self._limit :]

    def amend(self, record: Record[T]) -> None:
        """The newest version is of other words now, though of the same value."""
        self.records = (*self.records[:-1], record)

    def find(self, version: int) -> Record[T]:
        """A version that is still kept, else `VersionNotFound`."""
        records = self.records
        place = version - records[0].entry.version
        if not 0 <= place < len(records):
            raise VersionNotFound(version, records[0].entry.version, records[-1].entry.version)
        return records[place]

    def entries(self) -> Sequence[Entry]:
        """Their lines, newest first."""
        return tuple(each.entry for each in reversed(self.records))


def recorded(plan: Plan, record: Record[Any]) -> Any:
    """A version as a document."""
    return document_of(plan, record.value if record.document is None else record.document)


def document_of(plan: Plan, value: Any) -> Any:
    """A built value as a document of its typed leaves: sections as mappings."""
    if isinstance(plan, Options) and len(plan.options) == 1:
        plan = plan.options[0]
    if isinstance(plan, Section) and value is not None:
        return {name: document_of(field.plan, getattr(value, name)) for name, field in plan.fields.items()}
    return dict(value) if isinstance(value, Mapping) else value
