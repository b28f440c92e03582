"""The layers as the configuration knows them: what each said last, and whether it can be read and reached now."""

from collections.abc import Sequence
from pathlib import Path

from lldkit.config.cache import read_cache, write_cache
from lldkit.config.files import cannot_read
from lldkit.config.interface import ConfigError, Layer, Loaded, Problem
from lldkit.config.layers import Store, bound
from lldkit.config.schema import Plan
from lldkit.config.stack import Named
from lldkit.snapshot import DocumentStore, StoreUnavailable

__all__ = ["Source", "Sources"]


class Source:
    """Reads a layer when it may say something else.

    What cannot be read is tried at every look, because its fingerprint need not change when that does.
    """

    __slots__ = ("_fingerprint", "layer", "loaded", "lost", "problems")

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.loaded: Loaded | None = None
        self.problems: tuple[Problem, ...] = ()
        self.lost = False
        self._fingerprint: object = None

    def look(self) -> bool:
        """Read the layer if need be; say whether it stands otherwise than before."""
        try:
            now = self.layer.fingerprint()
            if now == self._fingerprint and self.loaded is not None and not self.problems and not self.lost:
                return False
            loaded = self.layer.load()
        except StoreUnavailable:
            was, self.lost = self.lost, True
            return not was
        except Exception as error:  # noqa: BLE001 - whatever a layer raises, it could not be read
            before, self.problems = self.problems, _problems(self.layer.name, error)
            was, self.lost = self.lost, False
            return was or before != self.problems
        self._fingerprint = now
        self.loaded, self.problems, self.lost = loaded, (), False
        return True


class Sources:
    """All layers, weakest first. Belongs to who has the turn to write."""

    def __init__(self, layers: Sequence[Layer], plan: Plan, cache_file: Path | None) -> None:
        self._plan = plan
        self._sources = [Source(layer) for layer in bound(layers, plan)]
        self._cache_file = cache_file
        self.moved = False
        self.from_cache: set[str] = set()  # the layers for which the disk still speaks

    def look(self) -> None:
        """Read what may say something else, and note it in `moved` if anything stands otherwise than before."""
        for source in self._sources:
            if source.look():
                self.moved = True
                if not source.lost:
                    self.from_cache.discard(source.layer.name)

    @property
    def origin(self) -> str:
        """Where a version that is made now comes from."""
        return "cache" if self.from_cache else "layers"

    def said(self) -> tuple[Named, ...]:
        """What each layer said last."""
        return tuple(Named(each.layer.name, each.loaded) for each in self._sources if each.loaded is not None)

    def unreadable(self) -> list[Problem]:
        """Why layers cannot be read."""
        return [problem for each in self._sources for problem in each.problems]

    def lost(self) -> set[str]:
        """The names of the layers that cannot be reached."""
        return {each.layer.name for each in self._sources if each.lost}

    def stores(self) -> list[DocumentStore]:
        """The stores behind the layers that are some."""
        return [each.layer.store for each in self._sources if isinstance(each.layer, Store)]

    def fill_from_cache(self) -> None:
        """Let the disk speak for the layers that are away; raise for the first one for which it cannot."""
        away = [each for each in self._sources if each.lost]
        trees = read_cache(self._cache_file) if away and self._cache_file else {}
        for each in away:
            if each.layer.name not in trees:
                raise StoreUnavailable(each.layer.name)
            each.loaded = Loaded(trees[each.layer.name])
            self.from_cache.add(each.layer.name)

    def write_cache(self) -> None:
        """Keep what the stores said last, unless one of them is away. `OSError`."""
        if self._cache_file is not None and not self.lost():
            said = [each for each in self._sources if isinstance(each.layer, Store) and each.loaded]
            write_cache(
                self._cache_file, self._plan, {each.layer.name: each.loaded.tree for each in said if each.loaded}
            )


def _problems(name: str, error: Exception) -> tuple[Problem, ...]:
    if isinstance(error, ConfigError):
        return error.problems
    why = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
    return (cannot_read(name, f"cannot be read: {why}"),)
