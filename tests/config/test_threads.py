"""Every claim of safety for threads: under the deterministic scheduler, and with real threads that meet."""

import sys
import threading
from collections.abc import Callable
from pathlib import Path

from config.helpers import Pair
from lldkit import interleave
from lldkit.config import Change, Config, File, Store, Values
from lldkit.snapshot import MemoryStore

INCLUDE = ["lldkit.config", "lldkit.snapshot"]
Program = tuple[dict[str, Callable[[], object]], Callable[[], object]]


def prove(program: Callable[[], Program], *, schedules: int = 60) -> None:
    interleave.explore(program, schedules=schedules, include=INCLUDE).assert_ok()


def test_readers_see_whole_versions_that_only_rise() -> None:
    def program() -> Program:
        tree: dict[str, object] = {"a": 1, "b": 1}
        config, seen = Config(Pair, layers=[Values(tree)]), list[tuple[int, Pair]]()

        def write() -> None:
            tree.update({"a": 2, "b": 2})
            config.reload()

        def read() -> None:
            for _ in range(2):
                snapshot = config.snapshot
                seen.append((snapshot.version, snapshot.value))

        def check() -> None:
            assert all(version == pair.a == pair.b for version, pair in seen)
            assert [version for version, _ in seen] == sorted(version for version, _ in seen)

        return {"writer": write, "reader": read}, check

    prove(program)


def test_racing_reloads_make_one_version_and_listeners_end_at_the_newest() -> None:
    def program() -> Program:
        store, heard = MemoryStore({"a": 1}), list[Change]()
        config = Config(Pair, layers=[Store(store)])
        config.watch("a", heard.append)

        def publish() -> None:
            store.publish({"a": 2}, expected=1, author="ana")
            config.reload()

        def check() -> None:
            config.reload()
            assert config.version == 2
            assert [(change.old, change.new, change.version) for change in heard] == [(1, 2, 2)]

        return {"writer": publish, "first": config.reload, "second": config.reload}, check

    prove(program)


def test_who_watches_and_then_reads_misses_nothing() -> None:
    def program() -> Program:
        tree: dict[str, object] = {"a": 1}
        config, heard, read = Config(Pair, layers=[Values(tree)]), list[Change](), list[int]()

        def write() -> None:
            tree["a"] = 2
            config.reload()

        def watch() -> None:
            config.watch("a", heard.append)
            read.append(config.current.a)

        def check() -> None:
            assert (read == [2] and len(heard) <= 1) or (read == [1] and heard[0].new == 2)
            tree["a"] = 1
            config.reload()
            assert heard[-1].new == 1

        return {"writer": write, "watcher": watch}, check

    prove(program)


def test_a_rollback_and_a_reload_never_share_a_number() -> None:
    def program() -> Program:
        tree: dict[str, object] = {"a": 1}
        config, numbers = Config(Pair, layers=[Values(tree)]), list[int]()

        def reload() -> None:
            tree["a"] = 2
            config.reload()

        def rollback() -> None:
            numbers.append(config.rollback(to=1, author="ana", reason=""))

        def check() -> None:
            versions = [entry.version for entry in config.history()]
            assert versions == list(range(len(versions), 0, -1))
            assert config.current.a == 1
            assert numbers == [config.version]

        return {"reload": reload, "rollback": rollback}, check

    prove(program)


def test_an_override_in_one_thread_is_never_seen_in_another() -> None:
    def program() -> Program:
        config, seen = Config(Pair, layers=[Values({"a": 1})]), list[int]()

        def override() -> None:
            with config.override({"a": 9}):
                assert config.current.a == 9

        def read() -> None:
            seen.extend(config.current.a for _ in range(3))

        def check() -> None:
            assert set(seen) == {1}
            assert "current" not in vars(type(config))

        return {"override": override, "other": override, "reader": read}, check

    prove(program)


def test_a_file_rewritten_in_a_loop_is_never_seen_torn(tmp_path: Path) -> None:
    file, aside = tmp_path / "pair.toml", tmp_path / "aside"
    file.write_text("a = 0\nb = 0\n")
    config, torn, over = Config(Pair, layers=[File(file)]), list[Pair](), threading.Event()

    def read() -> None:
        while not over.is_set():
            pair = config.current
            if pair.a != pair.b:
                torn.append(pair)

    readers = [threading.Thread(target=read) for _ in range(2)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for reader in readers:
            reader.start()
        for number in range(1, 201):
            aside.write_text(f"a = {number}\nb = {number}\n")
            aside.replace(file)
            assert config.reload().applied
    finally:
        over.set()
        sys.setswitchinterval(interval)
    for reader in readers:
        reader.join(20)
    assert (torn, config.current, config.version) == ([], Pair(200, 200), 201)
