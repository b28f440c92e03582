"""What every solution of this kata gets and gives: layers, schemas, errors, the store, the shape of the settings."""

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

Layer = Callable[[], dict[str, Any]]
"""A source of settings: called without arguments, it says a dict of values and of sections, which are dicts again."""


class Says:
    """A layer for tests: says its arguments in turn, one at each call, and the last one for ever.

    An exception among them is raised. Some layers have `changed_at` (level 4): the second of their last edit.
    """

    def __init__(self, *said: Any, changed_at: int | None = None) -> None:
        self._said, self._calls = said, 0
        if changed_at is not None:
            self.changed_at = changed_at

    def __call__(self) -> dict[str, Any]:
        said = self._said[min(self._calls, len(self._said) - 1)]
        self._calls += 1
        if isinstance(said, Exception):
            raise said
        return said

    def __repr__(self) -> str:
        edited = [f"changed_at={self.changed_at}"] if hasattr(self, "changed_at") else []
        return f"Says({', '.join([*map(repr, self._said), *edited])})"


def nearest(path: str, known: Iterable[str]) -> str | None:
    """The known path that looks most like `path`, None if none does."""
    return next(iter(difflib.get_close_matches(path, list(known), 1)), None)


class Missing(LookupError):
    """Nothing is at `path`; `near` is the path that was perhaps meant, or None."""

    def __init__(self, path: str, near: str | None) -> None:
        super().__init__(path, near)
        self.path, self.near = path, near


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong (level 2): where, who says it, and what was found there, as its repr."""

    kind: str
    path: str
    layers: tuple[str, ...] = ()
    found: str = ""


class Invalid(Exception):
    """What the layers say cannot be served (level 2); `problems` is sorted by path."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems, key=lambda each: (each.path, each.kind, each.layers))
        super().__init__(*self.problems)


@dataclass(frozen=True, slots=True)
class Said:
    """What one layer says about a path, and whether that is what counts (level 3)."""

    layer: str
    value: Any
    wins: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the history (level 5): `parent` is the version that it was made from, None for the first."""

    version: int
    parent: int | None
    author: str


class Absent(Enum):
    """The type of `ABSENT`."""

    ABSENT = "ABSENT"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = Absent.ABSENT
"""In the place of an old or a new value that is not there (levels 4 and 5); None is a value."""


class VersionNotFound(LookupError):
    """There is no such version, or it is kept no more (level 5)."""


class Conflict(Exception):
    """Somebody was faster: the version is `actual`, not `expected` (level 5)."""

    def __init__(self, expected: int, actual: int) -> None:
        super().__init__(expected, actual)
        self.expected, self.actual = expected, actual


class Secret:
    """A text that does not show itself (level 6)."""

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.reveal() == self._text

    def __hash__(self) -> int:
        return 0


# -- the schemas of the checks; their annotations are types, never texts


@dataclass(frozen=True)
class Pool:
    """A section."""

    size: int = 10
    wait: float = 2.5


@dataclass(frozen=True)
class App:
    """A schema: only `name` has no default."""

    name: str
    port: int = 80
    debug: bool = False
    limit: int | None = None
    pool: Pool = Pool(size=20)
    regions: tuple[str, ...] = ()  # level 3


@dataclass(frozen=True)
class Database:
    """A section that is as secret as what is in it (level 6)."""

    password: Secret
    host: str = "localhost"


@dataclass(frozen=True)
class Shop:
    """A schema with a secret (level 6)."""

    database: Database
    port: int = 80


# -- the store of level 6


class StoreDown(Exception):
    """The store does not answer."""


@dataclass(frozen=True, slots=True)
class Document:
    """What the store has: versions count from 1 for each origin; a store that is made anew has another origin."""

    origin: str
    version: int
    values: Mapping[str, Any] = field(default_factory=dict)


class Store:
    """A fake shared store. Settings call `read` and `subscribe`; everything else is for the checks.

    `on_trip(verb)` is called before each `"read"` and `"subscribe"`; the checks let others publish there.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._documents = [Document("first", 1, values)]
        self._hints: list[Callable[[int], object]] = []
        self.on_trip: Callable[[str], object] = lambda verb: None
        self.down = self.lagging = self.losing = False

    def read(self) -> Document:
        """The newest document, or an older one from a replica that lags behind. `StoreDown`."""
        self.on_trip("read")
        if self.down:
            raise StoreDown
        return self._documents[-2 if self.lagging else -1]

    def subscribe(self, hint: Callable[[int], object]) -> None:
        """Have `hint(version)` called after changes. It never fails, even while the store is down."""
        self.on_trip("subscribe")
        self._hints.append(hint)

    def publish(self, **values: Any) -> None:
        """The next document; a hint for everybody, unless it is lost."""
        newest = self._documents[-1]
        self._documents.append(Document(newest.origin, newest.version + 1, values))
        if not self.losing:
            self.hint(newest.version + 1)

    def make_anew(self, **values: Any) -> None:
        """Lose everything and begin with version 1 of another origin."""
        self._documents.append(Document(self._documents[-1].origin + "'", 1, values))
        self.hint(1)

    def hint(self, version: int) -> None:
        """Send a hint, whatever it says."""
        for hint in list(self._hints):
            hint(version)

    def __repr__(self) -> str:
        return f"Store({dict(self._documents[0].values)})"


class Disk:
    """A place for one document that survives the process."""

    def __init__(self, document: Document | None = None) -> None:
        self._document = document

    def save(self, document: Document) -> None:
        """Keep this one."""
        self._document = document

    def load(self) -> Document | None:
        """The one that was kept."""
        return self._document

    def __repr__(self) -> str:
        return f"Disk({self._document!r})" if self._document else "Disk()"


class Settings(Protocol):
    """The class that you write. The level that first asks for a name stands behind it."""

    def __init__(
        self,
        *,
        layers: Mapping[str, Layer],
        schema: type | None = None,  # level 2
        keep: int = 100,  # level 5
        store: Store | None = None,  # level 6
        disk: Disk | None = None,  # level 6
    ) -> None: ...

    def get(self, path: str, default: Any = ...) -> Any:
        """What is at `path`, else `default` if it is given, else `Missing`."""

    def explain(self, path: str) -> tuple[Said, ...]:
        """Who says something about the value at `path`, weakest first (level 3)."""

    def reload(self) -> bool:
        """Ask the layers again; whether something else is served now (level 4)."""

    def watch(self, path: str, listener: Callable[[Any, Any], object]) -> Callable[[], object]:
        """Have `listener(old, new)` called when what is at `path` changes; the function returned ends that (level 4)."""

    def version(self) -> int:
        """The number of what is served (level 5)."""

    def history(self) -> list[Entry]:
        """The versions that are kept, oldest first (level 5)."""

    def diff(self, a: int, b: int) -> dict[str, tuple[Any, Any]]:
        """Each path whose value differs, with the value in `a` and in `b` (level 5)."""

    def rollback(self, to: int, *, expected: int, author: str) -> int:
        """Serve again what version `to` served; the number of the new version (level 5)."""

    def release(self) -> bool:
        """End the hold of a rollback, and reload (level 5)."""
