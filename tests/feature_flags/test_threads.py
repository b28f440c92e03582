"""Every claim of safety for threads, under the deterministic scheduler: a switch between any two reads."""

from collections.abc import Callable
from typing import Any

from feature_flags.helpers import document, flag
from lldkit import interleave
from lldkit.feature_flags import Context, Exposure, FlagAdmin, FlagClient, FlagsChanged, PutFlag
from lldkit.snapshot import MemoryStore

INCLUDE = ["lldkit.feature_flags", "lldkit.snapshot"]
Program = tuple[dict[str, Callable[[], object]], Callable[[], object]]
NEEDY = flag(prerequisites=[{"flag": "base", "variants": ["on"]}], serve="on", off="off")


def body(state: str) -> dict[str, Any]:
    """Two flags that say the same in every version, and one that needs the first."""
    return document({"base": flag(serve=state), "same": flag(serve=state), "needy": NEEDY})


def prove(program: Callable[[], Program], *, schedules: int = 60) -> None:
    interleave.explore(program, schedules=schedules, include=INCLUDE).assert_ok()


def test_an_evaluation_and_a_view_see_one_version_whole() -> None:
    def program() -> Program:
        store = MemoryStore(body("on"))
        client, seen = FlagClient(store), list[tuple[Any, ...]]()

        def write() -> None:
            store.publish(body("off"), expected=1, author="ana")
            client.refresh()

        def read() -> None:
            view = client.view()
            seen.append((view.version, view.boolean("needy", False), view.boolean("same", False)))
            seen.append((view.version, view.boolean("base", False), view.boolean("needy", False)))
            found = client.details("needy", None)
            seen.append((found.version, found.value, found.value))

        def check() -> None:
            assert all(one is other is (version == 1) for version, one, other in seen)

        return {"writer": write, "reader": read}, check

    prove(program)


def test_an_older_version_and_a_doubled_hint_change_nothing() -> None:
    def program() -> Program:
        store, heard = MemoryStore(body("on")), list[FlagsChanged]()
        client = FlagClient(store)
        client.on_change(heard.append)

        def publish() -> None:
            store.publish(body("off"), expected=1, author="ana")
            client.refresh()

        def check() -> None:
            client.refresh()
            assert client.boolean("needy", True) is False
            assert [change.version for change in heard] == [2]

        return {"writer": publish, "first": client.refresh, "second": client.refresh}, check

    prove(program)


def test_an_override_in_one_thread_is_never_seen_in_another() -> None:
    def program() -> Program:
        client, seen = FlagClient(body("on")), list[bool]()

        def override() -> None:
            with client.override({"base": False}):
                assert client.boolean("base", True) is False
            assert client.boolean("base", False) is True

        def read() -> None:
            for _ in range(3):
                seen.append(client.boolean("base", False))

        def check() -> None:
            assert seen == [True] * 3
            assert client.boolean("base", False) is True

        return {"overrider": override, "reader": read}, check

    prove(program)


def test_two_threads_expose_a_unit_once() -> None:
    def program() -> Program:
        heard: list[Exposure] = []
        client = FlagClient(body("on"), on_exposure=heard.append)

        def ask() -> None:
            client.boolean("base", False, Context("u"))

        def check() -> None:
            assert [(each.key, each.unit) for each in heard] == [("base", "u")]

        return {"one": ask, "other": ask}, check

    prove(program)


def test_two_commits_lose_no_edit() -> None:
    def program() -> Program:
        store = MemoryStore(document({}))

        def commit(name: str) -> Callable[[], object]:
            return lambda: FlagAdmin(store).commit([PutFlag(name, flag())], author=name)

        def check() -> None:
            flags: Any = store.read().body["flags"]
            assert set(flags) == {"a", "b"}

        return {"a": commit("a"), "b": commit("b")}, check

    prove(program)
