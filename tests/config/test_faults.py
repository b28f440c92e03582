"""Files that vanish, shrink and come back, first loads that fail, and forks in the middle."""

import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from config.helpers import Heard, Pair, replaced
from lldkit.config import Config, ConfigError, ConfigEvent, File, Values


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "pair.toml"
    path.write_text("a = 1\nb = 0\n")
    return path


@pytest.mark.parametrize("broken", ["a = ", 'a = "x"', "a = 1\nc = 2", "a = 99999999999999999999\nb = {}", None])
def test_a_broken_file_leaves_the_same_object_and_version(file: Path, broken: str | None) -> None:
    config = Config(Pair, layers=[Values({"b": 7}), File(file)])
    current = config.current
    if broken is None:
        file.unlink()
    else:
        file.write_text(broken)
    for _ in range(2):
        result = config.reload()
        assert result.problems
        assert (config.current is current, config.version) == (True, 1)
    file.write_text("a = 2")
    assert config.reload().applied
    assert config.current == Pair(2, 7)


@pytest.mark.parametrize("how", ["rename", "delete and create", "truncate then write", "same tick", "retarget a link"])
def test_every_way_of_changing_a_file_is_seen(tmp_path: Path, file: Path, how: str) -> None:
    link = tmp_path / "link.toml"
    link.symlink_to(file)
    config = Config(Pair, layers=[File(link)])
    seen = file.stat()
    if how == "rename":
        replaced(file, "a = 2\nb = 0\n")
    elif how == "delete and create":
        file.unlink()
        assert config.reload().problems
        file.write_text("a = 2\nb = 0\n")
    elif how == "truncate then write":
        file.write_text("a = ")
        assert config.reload().problems
        file.write_text("a = 2\nb = 0\n")
    elif how == "same tick":
        file.write_text("a = 2\nb = 0\n")
        os.utime(file, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    else:
        (tmp_path / "other.toml").write_text("a = 2\nb = 0\n")
        link.unlink()
        link.symlink_to(tmp_path / "other.toml")
    assert config.reload().applied
    assert (config.current, config.version) == (Pair(2, 0), 2)


def test_a_touched_file_with_the_same_content_is_no_change(file: Path) -> None:
    events: list[ConfigEvent] = []
    config = Config(Pair, layers=[File(file)], on_event=events.append)
    for text in ("a = 1\nb = 0\n", "# a comment\na = 1\nb = 0\n"):
        replaced(file, text)
        assert not config.reload().applied
    assert (config.version, len(events)) == (1, 1)
    assert config.explain("a").winner.location == f"{file}:2"


def test_an_unchanged_tick_looks_once_at_each_file_and_reads_none(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.utime(file, (1, 1))
    config = Config(Pair, layers=[File(file)])
    config.reload()
    calls: list[str] = []
    stat, read = Path.stat, Path.open

    def counted(name: str, real: Any) -> Any:
        def call(path: Path, *rest: Any, **more: Any) -> Any:
            calls.append(name)
            return real(path, *rest, **more)

        return call

    monkeypatch.setattr(Path, "stat", counted("stat", stat))
    monkeypatch.setattr(Path, "open", counted("open", read))
    config.reload()
    assert calls == ["stat"]


def test_a_file_that_may_not_be_read_for_a_while_is_read_when_it_may_again(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, opened = Config(Pair, layers=[File(file)]), Path.open

    def refuse(path: Path, *rest: Any, **more: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    replaced(file, "a = 5")
    os.utime(file, (1, 1))  # so that nothing but the refusal is a reason to try again
    monkeypatch.setattr(Path, "open", refuse)
    assert config.reload().problems[0].message == "cannot be read: Permission denied"
    assert config.current.a == 1
    monkeypatch.setattr(Path, "open", opened)
    assert config.reload().applied
    assert config.current.a == 5


def test_a_follower_of_files_reloads_and_ends_within_its_second(file: Path) -> None:
    config = Config(Pair, layers=[File(file)])
    heard = Heard(config)
    with config.follow(poll_seconds=0.05) as following:
        replaced(file, "a = 2")
        assert heard.wait_for(2)
        file.write_text("a = ")
        replaced(file, "a = 3")
        assert heard.wait_for(3)
    assert not following._thread.is_alive()
    assert following.status.version == config.version


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_serves_at_once_and_follows_by_itself(file: Path) -> None:
    config = Config(Pair, layers=[File(file)])
    reader, writer = os.pipe()
    with config.follow(poll_seconds=0.05), config._turn, config._bus._speaking:  # held by somebody while it forks
        child = os.fork()
        if child == 0:
            signal.alarm(60)
            heard = Heard(config)
            os.write(writer, b"serves " if config.current.a == 1 else b"")
            replaced(file, "a = 2")
            os.write(writer, b"follows" if heard.wait_for(2) else b"")
            os._exit(0)
    os.close(writer)
    try:
        assert os.waitpid(child, 0)[1] == 0
        assert os.read(reader, 100) == b"serves follows"
    finally:
        os.close(reader)


def test_a_first_load_that_fails_leaves_nothing_behind(file: Path) -> None:
    file.write_text("a = ")
    before = set(threading.enumerate())
    with pytest.raises(ConfigError):
        Config(Pair, layers=[File(file)])
    assert set(threading.enumerate()) <= before
