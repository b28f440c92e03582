"""The only writer: edits applied to the newest document, checked, and published if nobody was faster."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

from lldkit.arguments import check_count
from lldkit.clock import SYSTEM, Clock
from lldkit.feature_flags.context import Context
from lldkit.feature_flags.edits import Edit, Replace, edited
from lldkit.feature_flags.interface import CycleError, FlagSyntaxError
from lldkit.feature_flags.link import changed_keys, circle, link
from lldkit.feature_flags.model import RuleSet, Runtime
from lldkit.feature_flags.parse import NATIVE, SCHEMA
from lldkit.feature_flags.preview import Impact, impact_of
from lldkit.snapshot import Document, DocumentStore, VersionConflict, VersionNotFound
from lldkit.snapshot.documents import frozen

__all__ = ["Commit", "Entry", "FlagAdmin"]

BLANK: Mapping[str, object] = {"schema": SCHEMA, "flags": {}}


@dataclass(frozen=True, slots=True)
class Commit:
    """What was published; `changed` are the keys whose meaning changed, also through what they need."""

    version: int
    parent: int | None
    author: str
    reason: str
    at: datetime
    changed: frozenset[str]


@dataclass(frozen=True, slots=True)
class Entry:
    """A version in the history; of one flag `flag` is what it was in that version, None where it was not there."""

    version: int
    parent: int | None
    author: str
    reason: str
    at: datetime
    flag: object = None


class FlagAdmin:
    """Changes the native document of a store, whole or not at all. Safe for threads, tasks and other writers.

    Every verb raises `StoreUnavailable` where the store does not answer, and has a twin for tasks with the prefix `a`.
    """

    def __init__(self, store: DocumentStore, *, clock: Clock = SYSTEM, attempts: int = 5) -> None:
        self._store = store
        self._clock = clock
        self._attempts = check_count("attempts", attempts, least=1)

    def commit(self, edits: Sequence[Edit], *, author: str, reason: str = "", expected: int | None = None) -> Commit:
        """Publish the document after `edits`.

        Without `expected` a writer that was faster is built upon, up to `attempts` times; with it the newest version
        must be that one. `VersionConflict`; `FlagSyntaxError` or `CycleError` for problems that were not there before,
        `UnknownFlag` or ValueError for an edit of what is not there: then nothing is written.
        """
        return self._publish(lambda body: edited(body, edits), author, reason, expected)

    async def acommit(
        self, edits: Sequence[Edit], *, author: str, reason: str = "", expected: int | None = None
    ) -> Commit:
        """`commit` for tasks."""
        return await asyncio.to_thread(self.commit, edits, author=author, reason=reason, expected=expected)

    def preview(self, edits: Sequence[Edit], contexts: Iterable[Context]) -> Impact:
        """Who of `contexts` would be served something else after `edits`. Nothing is written."""
        head = self._head()
        before = _rules(head.body if head else BLANK, 1)
        after = _checked(before, edited(head.body if head else BLANK, edits))
        return impact_of(before, after, contexts, Runtime(self._clock.now, Random(0).random))

    async def apreview(self, edits: Sequence[Edit], contexts: Iterable[Context]) -> Impact:
        """`preview` for tasks."""
        return await asyncio.to_thread(self.preview, edits, contexts)

    def history(self, key: str | None = None, *, limit: int = 50) -> Sequence[Entry]:
        """The last `limit` versions that the store keeps, newest first; with a key those that changed this flag."""
        documents = self._store.history(limit=limit)
        if key is None:
            return [_entry(document) for document in documents]
        found = []
        for at, document in enumerate(documents):
            flag = _flag(document, key)
            before = documents[at + 1] if at + 1 < len(documents) else None
            if before is None and document.parent is not None:
                continue  # what it was before is beyond the limit
            if repr(flag) != repr(None if before is None else _flag(before, key)):
                found.append(_entry(document, flag))
        return found

    async def ahistory(self, key: str | None = None, *, limit: int = 50) -> Sequence[Entry]:
        """`history` for tasks."""
        return await asyncio.to_thread(self.history, key, limit=limit)

    def rollback(self, *, to: int, author: str, reason: str) -> Commit:
        """Publish the document of version `to` once more, as a new version. `VersionNotFound`, and as `commit`."""
        old = self._store.read(to)
        return self._publish(lambda body: edited(body, [Replace(old.body)]), author, reason, None)

    async def arollback(self, *, to: int, author: str, reason: str) -> Commit:
        """`rollback` for tasks."""
        return await asyncio.to_thread(self.rollback, to=to, author=author, reason=reason)

    def _publish(
        self,
        change: Callable[[Mapping[str, object]], Mapping[str, object]],
        author: str,
        reason: str,
        expected: int | None,
    ) -> Commit:
        for attempt in range(1, self._attempts + 1):
            head = self._head()
            version, body = (head.version, head.body) if head else (0, BLANK)
            if expected is not None and version != expected:
                raise VersionConflict(expected, version)
            before = _rules(body, max(1, version))
            new = change(body)
            after = _checked(before, new)
            try:
                done = self._store.publish(new, expected=version, author=author, reason=reason)
            except VersionConflict:
                if expected is not None or attempt == self._attempts:
                    raise
            else:
                return Commit(done.version, done.parent, author, reason, done.created_at, changed_keys(before, after))
        raise AssertionError("the last attempt returns or raises")

    def _head(self) -> Document | None:
        try:
            return self._store.read()
        except VersionNotFound:
            return None


def _rules(body: Mapping[str, object], version: int) -> RuleSet:
    return link(NATIVE.load(body), version)


def _checked(before: RuleSet, body: Mapping[str, object]) -> RuleSet:
    """The new version, if it has no problems that the old one did not have: those of others stop nobody."""
    loaded = NATIVE.load(frozen(body), before.flags)  # as it will be read, so that what is the same is known as such
    after = link(loaded, before.version + 1)
    known = {(problem.key, problem.message) for problem in before.problems}
    problems = loaded.problems if any(not each.key for each in loaded.problems) else after.problems
    new = [problem for problem in problems if (problem.key, problem.message) not in known]
    for problem in new:
        if path := circle(after, problem.key):
            raise CycleError(path, new)
    if new:
        raise FlagSyntaxError(new)
    return after


def _flag(document: Document, key: str) -> object:
    flags = document.body.get("flags")
    return flags.get(key) if isinstance(flags, Mapping) else None


def _entry(document: Document, flag: object = None) -> Entry:
    return Entry(document.version, document.parent, document.author, document.reason, document.created_at, flag)
