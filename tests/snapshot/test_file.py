"""FileStore: read-only files, whole versions, crashes, full disks; FileWatch: every change and nothing else."""

import errno
import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lldkit.clock import ManualClock
from lldkit.snapshot import StoreUnavailable, VersionConflict, VersionNotFound
from lldkit.snapshot.file import FileStore, FileWatch, ReadOnly


def test_without_a_folder_for_versions_the_file_is_read_only_and_its_contents_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "app.json"
    store = FileStore(path)
    with pytest.raises(VersionNotFound):
        store.read()
    path.write_text('{"n": 1}')
    first = store.read()
    assert (first.version, dict(first.body), first.parent) == (1, {"n": 1}, None)
    assert store.read() is first
    path.write_text('{"n": 2}')
    assert (store.read().version, dict(store.read().body), store.read().parent) == (2, {"n": 2}, 1)
    with pytest.raises(VersionNotFound) as raised:
        store.read(1)
    assert (raised.value.oldest, raised.value.newest) == (2, 2)
    with pytest.raises(ReadOnly, match="give its store a versions_directory"):
        store.publish({"n": 3}, expected=2, author="ana")
    assert path.read_text() == '{"n": 2}'


@pytest.mark.parametrize("content", ['{"n": ', "[1]", "", "\xff"])
def test_a_file_that_holds_no_document_is_an_error(tmp_path: Path, content: str) -> None:
    path = tmp_path / "app.json"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(StoreUnavailable):
        FileStore(path).read()


def test_the_file_holds_the_newest_body_for_others(tmp_path: Path) -> None:
    path = tmp_path / "app.json"
    store = FileStore(path, versions_directory=tmp_path / "versions")
    store.publish({"n": 1}, expected=0, author="ana")
    store.publish({"n": 2}, expected=1, author="ana")
    assert json.loads(path.read_text()) == {"n": 2}
    path.write_text('{"n": 99}')
    assert dict(store.read().body) == {"n": 2}, "edits by hand are not versions"
    assert [each.name for each in sorted((tmp_path / "versions").iterdir())] == [
        ".lock",
        "0000000001.json",
        "0000000002.json",
    ]


def test_two_stores_of_one_folder_are_one(tmp_path: Path) -> None:
    one, other = (FileStore(tmp_path / "app.json", versions_directory=tmp_path / "versions") for _ in range(2))
    first = one.publish({"n": 1}, expected=0, author="ana")
    assert other.read() == first
    with pytest.raises(VersionConflict):
        other.publish({"n": 2}, expected=0, author="bob")


PUBLISHES = """
import sys
from lldkit.snapshot.file import FileStore

store = FileStore(sys.argv[1], versions_directory=sys.argv[2])
version = 0
while True:
    version = store.publish({"n": version, "same": version}, expected=version, author="w").version
    print(version, flush=True)
"""


def test_what_was_acknowledged_survives_the_death_of_the_writer_and_nothing_is_torn(tmp_path: Path) -> None:
    path, folder = tmp_path / "app.json", tmp_path / "versions"
    writer = subprocess.Popen(
        [sys.executable, "-c", PUBLISHES, str(path), str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    acknowledged = [int(writer.stdout.readline()) for _ in range(20)][-1]
    writer.send_signal(signal.SIGKILL)
    acknowledged = max([acknowledged, *(int(line) for line in writer.stdout.read().split())])
    writer.stdout.close()
    writer.wait()
    store = FileStore(path, versions_directory=folder)
    head = store.read()
    assert head.version in {acknowledged, acknowledged + 1}
    assert all(each.body["n"] == each.body["same"] == each.version - 1 for each in store.history(limit=1_000))
    assert store.publish({"n": 0}, expected=head.version, author="ana").version == head.version + 1


def test_a_full_disk_is_told_and_leaves_the_last_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileStore(tmp_path / "app.json", versions_directory=tmp_path / "versions")
    store.publish({"n": 1}, expected=0, author="ana")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreUnavailable):
        store.publish({"n": 2}, expected=1, author="ana")
    monkeypatch.undo()
    assert store.read().version == 1
    assert sorted(each.name for each in (tmp_path / "versions").iterdir()) == [".lock", "0000000001.json"]
    assert store.publish({"n": 2}, expected=1, author="ana").version == 2


class Files:
    """A file that is written at moments of a clock of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = ManualClock(start=datetime(2026, 6, 1, tzinfo=UTC))
        self.watch = FileWatch(path, clock=self.clock)

    def write(self, text: str, *, at: float | None = None) -> None:
        self.path.write_text(text)
        moment = self.clock.now().timestamp() if at is None else at
        os.utime(self.path, (moment, moment))


@pytest.fixture
def watched(tmp_path: Path) -> Files:
    return Files(tmp_path / "app.toml")


def test_each_change_is_seen_once(watched: Files) -> None:
    assert [watched.watch.changed(), watched.watch.changed()] == [True, False], "a missing file is a state too"
    watched.write("a")
    assert [watched.watch.changed(), watched.watch.changed()] == [True, False]
    watched.clock.advance(10)
    watched.write("b")
    assert [watched.watch.changed(), watched.watch.changed()] == [True, False]
    watched.path.unlink()
    assert [watched.watch.changed(), watched.watch.changed()] == [True, False]


def test_an_edit_of_the_same_size_within_one_tick_of_the_file_systems_clock_is_seen(watched: Files) -> None:
    watched.write("a")
    now = watched.clock.now().timestamp()
    watched.watch.changed()
    watched.write("b", at=now)
    assert watched.watch.changed() is True


def test_the_same_content_written_again_is_no_change(watched: Files) -> None:
    watched.write("a")
    watched.watch.changed()
    watched.clock.advance(60)
    watched.write("a")
    assert watched.watch.changed() is False


def test_a_file_that_rests_costs_one_stat(watched: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    watched.write("a")
    watched.clock.advance(60)
    watched.watch.changed()

    def refuse(_: Any) -> bytes:
        raise AssertionError("the content was read")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert [watched.watch.changed() for _ in range(3)] == [False] * 3


def test_a_link_that_points_elsewhere_is_a_change(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).write_text(name)
        os.utime(tmp_path / name, (0, 0))
    link = tmp_path / "current"
    link.symlink_to("old")
    watch = FileWatch(link, clock=ManualClock())
    assert watch.changed() is True
    (tmp_path / "aside").symlink_to("new")
    (tmp_path / "aside").replace(link)
    assert [watch.changed(), watch.changed()] == [True, False]


def test_a_wall_clock_that_was_set_back_hides_nothing(watched: Files) -> None:
    watched.write("a")
    watched.clock.advance(60)
    watched.watch.changed()
    watched.clock.step_wall(-timedelta(days=1).total_seconds())
    watched.write("b")
    assert watched.watch.changed() is True
