"""The layers: where settings come from. Each reads one source, and says where each key was written."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

from lldkit.clock import SYSTEM, Clock
from lldkit.config.dotenv import parse_dotenv
from lldkit.config.files import cannot_read, parse_json, parse_toml, read_text
from lldkit.config.interface import ConfigError, Layer, Loaded, Problem
from lldkit.config.merge import same
from lldkit.config.names import Names, Planting, Variable
from lldkit.config.paths import path_of
from lldkit.config.schema import Plan
from lldkit.snapshot import Document, DocumentStore, VersionNotFound
from lldkit.snapshot.file import FileWatch

__all__ = ["Args", "Directory", "DotEnv", "Env", "File", "Store", "Values", "bound"]

PathLike = str | os.PathLike[str]


class Values:
    """A mapping of this program: typed values, as they are in TOML."""

    def __init__(self, mapping: Mapping[str, object], name: str = "values") -> None:
        if not isinstance(mapping, Mapping):
            raise TypeError(f"Values takes a mapping, got a {type(mapping).__name__}")
        self.name = name
        self._mapping = mapping
        self._seen: object = None
        self._generation = 0

    def load(self) -> Loaded:
        """A copy, so that what happens to the mapping later does not show."""
        return Loaded(_copied(self._mapping))

    def fingerprint(self) -> object:
        """Another number when the mapping is another one. O(size)."""
        now = _copied(self._mapping)
        if not same(now, self._seen):
            self._seen = now
            self._generation += 1
        return self._generation


class _Watched:
    """A source that is a set of files; `fingerprint` costs one `stat` for each of them while nothing changes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._watches: dict[str, FileWatch] = {}
        self._generation = 0

    def unshare(self) -> None:
        """Watch by itself what another one watches, too."""
        paths, self._watches = list(self._watches), {}
        for path in paths:
            self._watch(path)

    def _watch(self, path: PathLike) -> None:
        if str(path) not in self._watches:
            self._watches[str(path)] = watch = FileWatch(Path(path), clock=self._clock)
            watch.changed()

    def fingerprint(self) -> object:
        """Another number when a file is another one, or may be."""
        if any([watch.changed() for watch in self._watches.values()]):  # noqa: C419 - all of them look
            self._generation += 1
        return self._generation


class File(_Watched):
    """A TOML or JSON file; the ending of `path` says which. `optional=True` tolerates that it is not there."""

    def __init__(self, path: PathLike, *, optional: bool = False, clock: Clock = SYSTEM) -> None:
        super().__init__(clock)
        self.name = os.fspath(path)
        parsers = {".toml": parse_toml, ".json": parse_json}
        ending = os.path.splitext(self.name)[1].lower()  # noqa: PTH122 - the name is shown as it was given
        if ending not in parsers:
            raise ValueError(f"a File ends in .toml or .json, got {self.name!r}")
        self._parse = parsers[ending]
        self._optional = optional
        self._watch(path)

    def load(self) -> Loaded:
        """Read and parse it."""
        try:
            text = read_text(self.name)
        except FileNotFoundError:
            if self._optional:
                return Loaded({})
            raise
        return self._parse(self.name, text)


class DotEnv(_Watched):
    """A `.env` file, whose names mean what they mean in `Env`; what the schema does not know is reported.

    `optional=False` asks for the file to be there. The environment itself is never written.
    """

    def __init__(
        self,
        path: PathLike = ".env",
        *,
        prefix: str = "",
        nested: str = "__",
        optional: bool = True,
        clock: Clock = SYSTEM,
    ) -> None:
        super().__init__(clock)
        self.name = os.fspath(path)
        self.names = Names(prefix, nested, is_shared=False)
        self._optional = optional
        self._watch(path)

    def load(self) -> Loaded:
        """Read it; of a name that stands twice the last one counts."""
        try:
            lines = parse_dotenv(read_text(self.name))
        except FileNotFoundError:
            if self._optional:
                return Loaded({})
            raise
        said = {
            each.key: Variable(each.key, each.value, f"{self.name}:{each.line}")
            for each in lines
            if each.key is not None and each.value is not None
        }
        bad = [_bad_line(self.name, each.line) for each in lines if each.error]
        loaded = self.names.read(self.name, said.values(), self._text_of)
        return replace(loaded, problems=(*bad, *loaded.problems))

    def _text_of(self, path: str) -> str:
        self._watch(path)
        return _less_one_newline(read_text(path))


def _bad_line(name: str, line: int) -> Problem:
    return Problem("unreadable", "", name, f"{name}:{line}", "this line is no NAME=value", "quotes must be closed")


class Env(_Watched):
    """Variables of the environment that begin with `prefix`; `nested` stands for the dot of a path.

    Letter case does not count. A list is `a,b` or JSON, a section or dict can be JSON. `NAME_FILE` says in which file
    the text of `NAME` is. A variable belongs to the layer with the longest prefix; one that the schema does not know is
    reported by `unknown_keys`, and never an error.
    """

    def __init__(
        self, prefix: str = "", *, nested: str = "__", environ: Mapping[str, str] | None = None, clock: Clock = SYSTEM
    ) -> None:
        super().__init__(clock)
        if not nested:
            raise ValueError("nested must be a text such as '__', got ''")
        self.name = "env"
        self.names = Names(prefix, nested)
        self._environ = os.environ if environ is None else environ

    def load(self) -> Loaded:
        """Read the variables that are ours."""
        variables = (Variable(name, text, f"env {name}") for name, text in self._ours())
        return self.names.read(self.name, variables, self._text_of)

    def fingerprint(self) -> object:
        """The variables that are ours, and the files that they name."""
        return self._ours(), super().fingerprint()

    def _ours(self) -> tuple[tuple[str, str], ...]:
        """Only our variables are looked up, because an environment decodes at each look."""
        mine = self.names.mine
        return tuple((name, self._environ[name]) for name in list(self._environ) if mine(name))

    def _text_of(self, path: str) -> str:
        self._watch(path)
        return _less_one_newline(read_text(path))


class Directory(_Watched):
    """A folder with a file for each key, as Kubernetes mounts a ConfigMap or a Secret.

    The name of a file is a dotted key, its content less one final newline the text. Names that begin with two dots are
    skipped. Where there is a link `..data`, all keys of one load are of the generation that it leads to.
    """

    def __init__(self, path: PathLike, *, optional: bool = False, clock: Clock = SYSTEM) -> None:
        super().__init__(clock)
        self.name = os.fspath(path)
        self._optional = optional

    def load(self) -> Loaded:
        """Read all files; anew if another generation took their place meanwhile."""
        while True:
            root = self._root()
            try:
                return self._read(root)
            except FileNotFoundError:
                if self._root() != root:
                    continue
                if self._optional and not Path(self.name).exists():
                    return Loaded({})
                raise

    def _root(self) -> str:
        """Where the files are: the folder itself, or the generation that `..data` leads to."""
        data = Path(self.name, "..data")
        return os.path.realpath(data) if data.is_symlink() else self.name

    def _read(self, root: str) -> Loaded:
        planting, problems = Planting(self.name), []
        for path in sorted(Path(root).iterdir()):
            if path.name.startswith("..") or path.is_dir():
                continue
            location = os.path.join(self.name, path.name)  # noqa: PTH118 - the name is shown as it was given
            try:
                planting.put(path_of(path.name), _less_one_newline(read_text(path)), location)
            except ConfigError as error:
                problems += [replace(each, layer=self.name, location=location) for each in error.problems]
            except ValueError:
                problems.append(
                    Problem("unreadable", "", self.name, location, "the name of this file is no dotted key")
                )
        return planting.loaded(*problems)

    def fingerprint(self) -> object:
        """The generation, or the state of every file."""
        root = self._root()
        if root != self.name:
            return root
        names = tuple(sorted(os.listdir(root))) if Path(root).is_dir() else None  # noqa: PTH208 - only names
        for name in names or ():
            self._watch(Path(root, name))
        self._watches = {path: watch for path, watch in self._watches.items() if Path(path).name in (names or ())}
        return names, super().fingerprint()


class Args:
    """Texts such as `db.pool.size=20`, from the command line; of a path that is said twice the last text counts."""

    def __init__(self, items: Iterable[str]) -> None:
        self.name = "args"
        self._items = tuple(items)

    def load(self) -> Loaded:
        """Split them."""
        planting, problems, said = Planting(self.name), [], {}
        for number, item in enumerate(self._items, 1):
            path, equals, text = item.partition("=")
            try:
                said[path_of(path.strip() if equals else "")] = text
            except ValueError:
                where = f"argument {number}"
                problems.append(Problem("unreadable", "", self.name, where, "an argument is written path=value"))
        for keys, text in said.items():
            planting.put(keys, text, f"--set {'.'.join(keys)}")
        return planting.loaded(*problems)

    def fingerprint(self) -> object:
        """They never change."""
        return ()


class Store:
    """The newest version in a `lldkit.snapshot` store, as a layer of typed values.

    A replica that lags behind is not believed. `optional=True` tolerates that nothing was published yet. With
    `cache_file`, `Config` keeps the last good document on disk.
    """

    def __init__(self, store: DocumentStore, *, name: str = "store", optional: bool = False) -> None:
        self.name = name
        self.store = store
        self._optional = optional
        self._document: Document | None = None

    def load(self) -> Loaded:
        """What the last look has found."""
        if self._document is None:
            self.fingerprint()
        if (document := self._document) is None:
            if self._optional:
                return Loaded({})
            raise ConfigError([cannot_read(self.name, "nothing was published yet")])
        location = f"{self.name} version {document.version}"
        return Loaded(document.body, {(key,): location for key in document.body})

    def fingerprint(self) -> object:
        """Look at the store: its origin and version."""
        try:
            found = self.store.read()
        except VersionNotFound:
            return None if self._document is None else (self._document.origin, self._document.version)
        known = self._document
        if known is None or found.origin != known.origin or found.version > known.version:
            self._document = known = found
        return known.origin, known.version


def bound(layers: Sequence[Layer], plan: Plan) -> list[Any]:
    """The layers, those that read names knowing the schema and the longer prefixes of the others."""
    prefixes = [each.names.prefix for each in layers if isinstance(each, Env)]
    return [_bound(each, plan, prefixes) if isinstance(each, Env | DotEnv) else each for each in layers]


def _bound(layer: Env | DotEnv, plan: Plan, prefixes: Sequence[str]) -> Env | DotEnv:
    names = layer.names
    longer = [each for each in prefixes if len(each) > len(names.prefix)] if isinstance(layer, Env) else []
    twin = copy(layer)
    twin.unshare()
    twin.names = replace(names, plan=plan, others=tuple(longer))
    return twin


def _less_one_newline(text: str) -> str:
    return re.sub(r"\r?\n\Z", "", text)


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copied(each) for key, each in value.items()}
    return [_copied(each) for each in value] if isinstance(value, list | tuple) else value
