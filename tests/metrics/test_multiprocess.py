"""Processes for real: forked, killed, restarted, and files that are torn, lost or cannot be written."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from lldkit.clock import ManualClock
from lldkit.metrics import Explicit, Registry
from lldkit.metrics import multiprocess as module
from lldkit.metrics.multiprocess import MultiProcess
from metrics.helpers import number

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")  # we fork on purpose


class Worker:
    """A process that shares a folder and does what it is told, one line at a time; it never flushes by itself."""

    def __init__(self, folder: Path) -> None:
        here, there = os.pipe(), os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            signal.alarm(60)
            with suppress(BaseException):
                self.obey(folder, here[0], there[1])
            os._exit(0)
        os.close(here[0])
        os.close(there[1])
        self.orders, self.answers = os.fdopen(here[1], "w"), os.fdopen(there[0])

    @staticmethod
    def obey(folder: Path, orders: int, answers: int) -> None:
        registry = Registry()
        shared = MultiProcess(folder, registry, flush_seconds=3_600)
        names = {
            "registry": registry,
            "shared": shared,
            "counter": registry.counter("c"),
            "histogram": registry.histogram("h", buckets=Explicit((1.0,))),
            "last": registry.gauge("last", aggregate="last"),
            "all": registry.gauge("all", aggregate="all"),
            "die_in_mid_write": die_in_mid_write,
        }
        with os.fdopen(orders) as lines:
            for line in lines:
                answer = eval(line, names)
                os.write(answers, f"{answer!r}\n".encode())

    def do(self, *orders: str) -> str:
        answer = ""
        for order in orders:
            self.orders.write(order + "\n")
            self.orders.flush()
            answer = self.answers.readline().strip()
        return answer

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self.end()

    def end(self) -> None:
        self.orders.close()
        self.answers.close()
        os.waitpid(self.pid, 0)


@contextmanager
def working(folder: Path, count: int = 1) -> Iterator[list[Worker]]:
    workers = [Worker(folder) for _ in range(count)]
    try:
        yield workers
    finally:
        for worker in workers:
            with suppress(ChildProcessError, ValueError, BrokenPipeError):
                worker.kill()


@contextmanager
def sharing(folder: Path, **options: Any) -> Iterator[MultiProcess]:
    with MultiProcess(folder, Registry(clock=ManualClock()), flush_seconds=3_600, **options) as shared:
        yield shared


def data_files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_any_process_answers_for_all(tmp_path: Path) -> None:
    with working(tmp_path, 3) as workers:
        for by, worker in enumerate(workers, 1):
            worker.do(f"counter.inc({by})", f"histogram.observe({by / 2})", f"all.set({by})", "shared.flush()")
        for worker in workers:
            assert worker.do("shared.snapshot().get('c').value") == "6"
        assert workers[0].do("shared.snapshot().get('h').counts") == "(2, 1)"
        assert workers[1].do("sorted(s.value.value for s in shared.snapshot().family('all').series)") == "[1, 2, 3]"


def test_the_counters_of_the_dead_stay_and_their_gauges_go(tmp_path: Path) -> None:
    with working(tmp_path, 2) as (dying, staying):
        dying.do("counter.inc(5)", "histogram.observe(0.5)", "last.set(9)", "all.set(9)", "shared.flush()")
        assert staying.do("shared.snapshot().get('last').value") != "None"
        dying.kill()
        staying.do("last.set(1)", "counter.inc()")
        for _ in range(3):
            assert staying.do("shared.snapshot().get('c').value") == "6"
        assert staying.do("shared.snapshot().get('h').count") == "1"
        assert staying.do("shared.snapshot().get('last').value") == "1"
        assert staying.do("[s.value.value for s in shared.snapshot().family('all').series]") == "[0]"


def test_a_killed_process_loses_what_it_had_not_flushed_and_nothing_else(tmp_path: Path) -> None:
    with working(tmp_path, 2) as (dying, staying):
        dying.do("counter.inc(5)", "shared.flush()", "counter.inc(100)")
        dying.kill()
        assert staying.do("shared.snapshot().get('c').value") == "5"


def test_many_short_lives_leave_few_files_and_a_total_that_never_falls(tmp_path: Path) -> None:
    seen = 0
    with sharing(tmp_path) as shared:
        for life in range(200):
            if life % 20:
                short = Registry(clock=ManualClock())
                with MultiProcess(tmp_path, short, flush_seconds=3_600):
                    short.counter("c").inc()
            else:
                killed = Worker(tmp_path)
                killed.do("counter.inc(1)", "shared.flush()")
                killed.kill()
            if life % 20 == 19:
                before, seen = seen, number(shared.snapshot(), "c")
                assert seen == life + 1 > before
                assert data_files(tmp_path) == {
                    *("accumulator.json", "folder.lock", f"{shared.id}.json", f"{shared.id}.lock")
                }


@pytest.mark.parametrize("step", ["before", "between"])
def test_a_fold_that_is_killed_at_any_step_counts_nobody_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    with working(tmp_path, 1) as (dying,):
        dying.do("counter.inc(5)", "shared.flush()")
        dying.kill()
    with sharing(tmp_path) as shared:
        pid = os.fork()
        if pid == 0:
            broken(step)
            with suppress(BaseException):
                shared.snapshot()
            os._exit(1)
        assert os.waitpid(pid, 0)[1] == signal.SIGKILL
        assert number(shared.snapshot(), "c") == 5
        assert number(shared.snapshot(), "c") == 5


def broken(step: str) -> None:
    """Let this process kill itself when it folds: before the accumulator is written, or before files are removed."""
    write, unlink = module._replace, Path.unlink

    def die(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def replace(path: Path, text: str) -> None:
        if step == "before" and path.name == module.ACCUMULATOR:
            path.with_suffix(".tmp").write_text(text[: len(text) // 2])
            die()
        write(path, text)

    def remove(path: Path, *, missing_ok: bool = False) -> None:
        if step == "between" and path.suffix == ".json":
            die()
        unlink(path, missing_ok=missing_ok)

    module._replace = replace
    Path.unlink = remove  # type: ignore[method-assign,assignment]


@pytest.mark.parametrize("written", [0.0, 0.5, 1.0])
def test_a_process_that_is_killed_while_it_writes_counts_as_it_did_before(tmp_path: Path, written: float) -> None:
    with working(tmp_path, 2) as (dying, staying):
        dying.do("counter.inc(5)", "shared.flush()", "counter.inc(100)")
        dying.orders.write(f"die_in_mid_write({written}) or shared.flush()\n")
        dying.orders.flush()
        assert dying.answers.readline() == ""
        assert os.waitpid(dying.pid, 0)[1] == signal.SIGKILL
        assert any(path.suffix == ".tmp" for path in tmp_path.iterdir())
        for _ in range(2):
            assert staying.do("shared.snapshot().get('c').value") == "5"
        assert (
            staying.do("registry.snapshot().get('lldkit_metrics_collect_errors', {'metric': 'multiprocess'})") == "None"
        )
        assert not any(name.endswith(".tmp") for name in data_files(tmp_path))


def die_in_mid_write(share: float) -> None:
    """Let this process kill itself at its next flush, when this share of the file beside the real one is written."""

    def write(path: Path, text: str, **_: Any) -> int:
        with path.open("w", encoding="utf-8") as file:
            file.write(text[: int(len(text) * share)])
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    Path.write_text = write  # type: ignore[method-assign,assignment]


def test_two_collectors_at_once_count_nobody_twice(tmp_path: Path) -> None:
    with working(tmp_path, 8) as workers:
        for worker in workers[:4]:
            worker.do("counter.inc(5)", "shared.flush()")
            worker.kill()
        for worker in workers[4:]:
            worker.orders.write("shared.snapshot().get('c').value\n")
            worker.orders.flush()
        assert {worker.answers.readline().strip() for worker in workers[4:]} == {"20"}


def test_a_pid_that_is_used_again_is_another_process(tmp_path: Path) -> None:
    with sharing(tmp_path) as shared:
        other = Registry(clock=ManualClock())
        with MultiProcess(tmp_path, other, flush_seconds=3_600) as again:
            assert again.id != shared.id
            assert again.id.split("-")[0] == shared.id.split("-")[0]
            other.counter("c").inc(2)
            again.flush()
        assert number(shared.snapshot(), "c") == 2
        assert number(shared.snapshot(), "c") == 2


def test_a_damaged_file_is_skipped_and_reported(tmp_path: Path) -> None:
    with working(tmp_path, 2) as (one, two), sharing(tmp_path) as shared:
        for worker in (one, two):
            worker.do("counter.inc(5)", "shared.flush()")
        damaged = next(path for path in tmp_path.glob(f"{one.pid}-*.json"))
        damaged.write_text(damaged.read_text()[:100])
        assert number(shared.snapshot(), "c") == 5
        errors = shared._registry.snapshot()
        assert number(errors, "lldkit_metrics_collect_errors", metric="multiprocess") == 1
        one.do("shared.flush()")
        assert number(shared.snapshot(), "c") == 10


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps({"folded": [], "snapshot": "{}"})])
def test_a_damaged_accumulator_is_reported(tmp_path: Path, text: str) -> None:
    (tmp_path / module.ACCUMULATOR).write_text(text)
    with sharing(tmp_path) as shared:
        shared.snapshot()
        assert number(shared._registry.snapshot(), "lldkit_metrics_collect_errors", metric="multiprocess") == 1


def test_a_full_disk_costs_the_flush_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with sharing(tmp_path) as shared:
        counter = shared._registry.counter("c")
        counter.inc()
        assert shared.flush()

        def full(*_: object, **__: object) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(Path, "write_text", full)
            counter.inc()
            assert not shared.flush()
        assert shared.flush()
        assert number(shared.snapshot(), "c") == 2
        assert number(shared.snapshot(), "lldkit_metrics_collect_errors", metric="multiprocess") == 1


def test_a_folder_that_is_removed_is_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    with working(folder) as (worker,):
        worker.do("counter.inc(5)", "shared.flush()")
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
        assert worker.do("shared.flush()") == "True"
        with sharing(folder) as shared:
            for _ in range(2):
                assert number(shared.snapshot(), "c") == 5


def test_a_forked_child_is_a_process_of_its_own(tmp_path: Path) -> None:
    with sharing(tmp_path) as shared:
        counter = shared._registry.counter("c")
        counter.inc(5)
        shared.flush()
        pid = os.fork()
        if pid == 0:
            with suppress(BaseException):
                counter.inc(2)
                shared.flush()
            os._exit(0)
        os.waitpid(pid, 0)
        assert number(shared.snapshot(), "c") == 7
        assert number(shared.snapshot(), "c") == 7


def test_a_child_that_is_forked_while_the_folder_is_locked_does_not_keep_it_locked(tmp_path: Path) -> None:
    with sharing(tmp_path) as shared:
        with shared._folder_locked():
            pid = os.fork()
            if pid == 0:
                signal.alarm(20)
                shared._registry.counter("c").inc(2)
                os._exit(0 if shared.flush() else 1)  # waits until the parent unlocks
        assert os.waitpid(pid, 0)[1] == 0
        assert number(shared.snapshot(), "c") == 2


def test_a_metric_that_an_older_release_defined_differently_is_reported_and_the_newer_wins(tmp_path: Path) -> None:
    old = Registry(clock=ManualClock())
    with MultiProcess(tmp_path, old, flush_seconds=3_600):
        old.histogram("h", buckets=Explicit((7.0,))).observe(1.0)
        old.counter("c").inc(3)
    clock = ManualClock()
    clock.advance(10)
    new = Registry(clock=clock)
    with MultiProcess(tmp_path, new, flush_seconds=3_600) as shared:
        new.histogram("h", buckets=Explicit((1.0,))).observe(1.0)
        snapshot = shared.snapshot()
        value: Any = snapshot.get("h")
        assert (value.bounds, value.count, number(snapshot, "c")) == ((1.0,), 1, 3)


def test_the_thread_flushes_in_time_and_ends_with_close(tmp_path: Path) -> None:
    clock = ManualClock()
    registry = Registry(clock=clock)
    shared = MultiProcess(tmp_path, registry, flush_seconds=5)
    registry.counter("c").inc()
    clock.wait_for_sleepers(1)
    assert not list(tmp_path.glob("*.json"))
    clock.advance(5)
    clock.wait_for_sleepers(1)  # it sleeps again, so it has flushed
    assert len(list(tmp_path.glob("*.json"))) == 1
    shared.close()
    shared.close()
    assert not shared._periodic.alive
    assert not shared.flush()
    assert [number(shared.snapshot(), "c") for _ in range(2)] == [1, 1]


def test_nonsense_is_refused(tmp_path: Path) -> None:
    make: Callable[[], object] = lambda: MultiProcess(tmp_path, Registry(), flush_seconds=0)  # noqa: E731
    with pytest.raises(ValueError, match="flush_seconds"):
        make()
