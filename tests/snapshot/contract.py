"""What every document store promises; each engine's tests subclass it with a fixture `store`."""

import asyncio
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from lldkit.snapshot import DocumentStore, VersionConflict, VersionNotFound

ODD: dict[str, object] = {
    "": {"a.b": [1, 2.5, True, None, "é\u2028\U0001f600"], "deep": {"er": {"list": [[], {}, [{}]]}}},
    "big": 2**53,
    "text": 'quotes " \\ and\nlines',
}


class DocumentStoreContract:
    """The promises of `DocumentStore`. `LIMIT` is the history limit with which the fixture makes its store."""

    LIMIT = 5

    def test_an_empty_store_has_no_version(self, store: DocumentStore) -> None:
        with pytest.raises(VersionNotFound) as raised:
            store.read()
        assert (raised.value.version, raised.value.oldest, raised.value.newest) == (None, 0, 0)
        assert store.history() == ()

    def test_the_first_version_is_published_upon_nothing(self, store: DocumentStore) -> None:
        made = store.publish({"limit": 10}, expected=0, author="ana", reason="launch")
        assert (made.version, made.parent, made.author, made.reason) == (1, None, "ana", "launch")
        assert dict(made.body) == {"limit": 10}
        assert made.created_at.tzinfo is UTC
        assert abs((datetime.now(UTC) - made.created_at).total_seconds()) < 3_600
        assert store.read() == made

    def test_versions_count_up_in_one_origin_and_know_their_parents(self, store: DocumentStore) -> None:
        made = [store.publish({"n": n}, expected=n, author="ana") for n in range(3)]
        assert [(each.version, each.parent) for each in made] == [(1, None), (2, 1), (3, 2)]
        assert len({each.origin for each in made}) == 1
        assert store.history() == tuple(reversed(made))
        assert store.history(limit=2) == (made[2], made[1])
        assert store.read(2) == made[1]

    def test_who_builds_upon_an_old_version_is_told_the_newest_and_changes_nothing(self, store: DocumentStore) -> None:
        store.publish({"n": 1}, expected=0, author="ana")
        newest = store.publish({"n": 2}, expected=1, author="ana")
        for expected in (0, 1, 3):
            with pytest.raises(VersionConflict) as raised:
                store.publish({"n": 9}, expected=expected, author="bob")
            assert (raised.value.expected, raised.value.actual) == (expected, 2)
        assert store.read() == newest
        assert len(store.history()) == 2

    def test_old_versions_leave_and_their_numbers_are_not_used_again(self, store: DocumentStore) -> None:
        for n in range(self.LIMIT + 2):
            store.publish({"n": n}, expected=n, author="ana")
        assert [each.version for each in store.history()] == [7, 6, 5, 4, 3]
        for gone in (0, 1, 2, 8, -1):
            with pytest.raises(VersionNotFound) as raised:
                store.read(gone)
            assert (raised.value.version, raised.value.oldest, raised.value.newest) == (gone, 3, 7)

    def test_a_body_comes_back_as_it_was(self, store: DocumentStore) -> None:
        store.publish(ODD, expected=0, author="ana")
        assert plain(store.read().body) == ODD

    def test_nobody_can_change_what_is_stored(self, store: DocumentStore) -> None:
        body: dict[str, Any] = {"list": [1], "map": {"a": 1}}
        made = store.publish(body, expected=0, author="ana")
        body["list"].append(2)
        body["map"]["a"] = 2
        for held in (made, store.read(), store.history()[0]):
            assert plain(held.body) == {"list": [1], "map": {"a": 1}}
            with pytest.raises(TypeError):
                held.body["map"]["a"] = 3  # type: ignore[index]

    @pytest.mark.parametrize(
        ("body", "options", "says"),
        [
            ([1], {}, "body must be a mapping"),
            ({1: 2}, {}, "the keys of a document are texts, got 1"),
            ({"a": object()}, {}, "JSON values only, got a object"),
            ({"a": float("nan")}, {}, "not JSON compliant"),
            ({}, {"expected": -1}, "expected must be the newest version"),
            ({}, {"expected": True}, "expected must be the newest version"),
            ({}, {"author": ""}, "author must say who publishes"),
            ({}, {"author": None}, "author must be a str"),
            ({}, {"reason": 7}, "reason must be a str, got 7"),
        ],
    )
    def test_nonsense_is_refused_before_anything_has_changed(
        self, store: DocumentStore, body: Any, options: dict[str, Any], says: str
    ) -> None:
        with pytest.raises((TypeError, ValueError), match=says):
            store.publish(body, **{"expected": 0, "author": "ana", **options})
        assert store.history() == ()

    def test_a_document_that_is_too_deep_is_refused(self, store: DocumentStore) -> None:
        body: dict[str, object] = {}
        for _ in range(100_000):
            body = {"a": body}
        with pytest.raises(ValueError, match="64 levels deep"):
            store.publish(body, expected=0, author="ana")

    def test_eight_writers_lose_no_update(self, store: DocumentStore) -> None:
        store.publish({"sum": 0}, expected=0, author="ana")
        conflicts: list[VersionConflict] = []

        def work() -> None:
            done = 0
            while done < 5:
                head = store.read()
                try:
                    store.publish({"sum": head.body["sum"] + 1}, expected=head.version, author="w")  # type: ignore[operator]
                except VersionConflict as conflict:
                    conflicts.append(conflict)
                else:
                    done += 1

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert plain(store.read().body) == {"sum": 40}
        assert store.read().version == 41
        assert all(conflict.actual > conflict.expected for conflict in conflicts)

    def test_a_listener_hears_that_it_listens_and_then_of_each_publication(self, store: DocumentStore) -> None:
        stop = threading.Event()
        hints = store.hints(stop)
        assert next(hints) is True
        store.publish({"n": 1}, expected=0, author="ana")
        assert any(next(hints) for _ in range(50))
        heard = [next(hints) for _ in range(3)]
        assert heard[-1] is False, "nothing was published since"
        stop.set()
        assert list(hints) == []

    def test_what_was_published_before_the_listening_began_is_in_the_first_read(self, store: DocumentStore) -> None:
        store.publish({"n": 1}, expected=0, author="ana")
        stop = threading.Event()
        assert next(store.hints(stop)) is True
        assert store.read().version == 1
        stop.set()

    def test_tasks_have_the_same_verbs(self, store: DocumentStore) -> None:
        async def main() -> None:
            made = await store.apublish({"n": 1}, expected=0, author="ana", reason="why")
            assert await store.aread() == await store.aread(1) == made
            assert await store.ahistory(limit=1) == (made,)

        asyncio.run(main())


def plain(value: Any) -> Any:
    """A body as `json.loads` would give it."""
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, tuple) else value
