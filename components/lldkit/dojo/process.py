"""A graded process from outside: started in its own group, listened to, and ended with all that it started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import IO, Any

__all__ = ["GradedProcess", "batched"]

PROC = Path("/proc")
ROUNDS, PAUSE = 400, 0.005  # of looking for processes that were started while others were being ended
SILENT = 30.0  # seconds without a sign of life; only what the process cannot notice itself takes so long
MOST = 8_000_000  # bytes that are read from a graded process
MARK = "LLDKIT_GRADED"
_KERNEL_THREAD = 0x00200000  # PF_KTHREAD among the flags of /proc/PID/stat
_PASSED_ON = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


class GradedProcess:
    """One process: `run` gives it an order and afterwards `frames`, `code`, `trace` and `silent` say what came of it.

    `clock` (seconds) says how long nothing has been heard.
    """

    def __init__(self, *, hash_seed: str = "0", clock: Callable[[], float] = time.monotonic) -> None:
        self._hash_seed = hash_seed
        self.nonce = os.urandom(16).hex()
        self.frames: list[dict[str, Any]] = []  # what was said with the right nonce by the right process
        self.foreign = 0  # lines that were not
        self.code: int | None = None
        self.trace = ""
        self.silent = False
        self._clock, self._heard = clock, clock()
        self._reported = threading.Event()

    def run(self, order: dict[str, Any]) -> None:
        """Start, give the order, listen to the end, and leave nothing behind."""
        with _unnamed_file() as trace:
            child = self._start(trace)
            try:
                listener = threading.Thread(target=self._listen, args=(child,), daemon=True)
                listener.start()
                _tell(child, {**order, "nonce": self.nonce})
                self._wait(listener, child)
            finally:
                _end_group(child)
                self.code = child.wait()
                listener.join(1)
                child.stdout.close()  # type: ignore[union-attr]
            if self.code != 0 or any(frame.get("spawned") for frame in self.frames):
                _end_stragglers(self.nonce[:16])
            trace.seek(0)
            self.trace = trace.read(65536).decode("utf-8", "replace")

    def _start(self, trace: IO[bytes]) -> subprocess.Popen[bytes]:
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environment |= {"PYTHONHASHSEED": self._hash_seed, MARK: self.nonce[:16]}
        group: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            group = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        script = str(Path(__file__).with_name("child.py"))
        return subprocess.Popen(  # noqa: S603  # the command is ours: this interpreter and child.py
            [sys.executable, "-P", "-s", "-X", "utf8", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=trace,
            env=environment,
            **group,
        )

    def _listen(self, child: subprocess.Popen[bytes]) -> None:
        read = 0
        for line in iter(lambda: child.stdout.readline(MOST), b""):  # type: ignore[union-attr]
            read += len(line)
            self._heard = self._clock()
            if read > MOST:
                return
            self._take(line, child.pid)

    def _take(self, line: bytes, pid: int) -> None:
        try:
            frame = json.loads(line)
        except ValueError:
            frame = None
        if not isinstance(frame, dict) or frame.get("nonce") != self.nonce or frame.get("pid") != pid:
            self.foreign += 1
            self._reported.set()
            return
        self.frames.append(frame)
        if "done" in frame or "problem" in frame:
            self._reported.set()

    def _wait(self, listener: threading.Thread, child: subprocess.Popen[bytes]) -> None:
        while listener.is_alive():
            if self._reported.is_set():
                listener.join(0.5)  # its end closes the pipe, unless something that it started holds it open
                return
            listener.join(0.1)
            quiet = self._clock() - self._heard
            if quiet > SILENT or (quiet > 1 and _stopped(child.pid)):
                self.silent = True
                return


def _unnamed_file() -> IO[bytes]:
    """A file for this process and its child alone; where memory serves, a grade need not import `tempfile`."""
    in_memory = getattr(os, "memfd_create", None)
    if in_memory is not None:
        return os.fdopen(in_memory("trace"), "w+b")
    import tempfile

    return tempfile.TemporaryFile()


def batched(
    order: dict[str, Any], items: Sequence[object], key: str, ended: Callable[[GradedProcess], Any]
) -> list[Any]:
    """What graded processes say under `key` of each item of a batch.

    An item that ends its process is what `ended` makes of it; the next process goes on with the item after it.
    """
    found: list[Any] = []
    while len(found) < len(items):
        process = GradedProcess()
        process.run({**order, "batch": items[len(found) :]})
        told = [frame[key] for frame in process.frames if key in frame]
        found += told
        if len(found) < len(items) and not (process.frames and key in process.frames[-1]):
            found.append(ended(process))
    return found


def _stopped(pid: int) -> bool:
    """Whether a signal has stopped the process (where /proc shows it)."""
    try:
        return (PROC / str(pid) / "stat").read_text("ascii", "replace").rpartition(")")[2].split()[0] in {"T", "t"}
    except (OSError, IndexError):
        return False


def _tell(child: subprocess.Popen[bytes], order: dict[str, Any]) -> None:
    try:
        child.stdin.write(json.dumps(order).encode())  # type: ignore[union-attr]
        child.stdin.close()  # type: ignore[union-attr]
    except OSError:  # it has ended already, which will be told
        return


def _end_group(child: subprocess.Popen[bytes]) -> None:
    """Kill the process and its group, before it is reaped: until then its number is not given to anybody else."""
    if sys.platform == "win32":
        tree = ["taskkill", "/F", "/T", "/PID", str(child.pid)]
        subprocess.run(tree, capture_output=True, check=False)  # noqa: S603  # the command is ours
        return
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        child.kill()


def _end_stragglers(mark: str) -> None:
    """Kill what left the group but still carries the mark in its environment (where /proc shows it)."""
    wanted = f"{MARK}={mark}".encode()
    for _ in range(ROUNDS):
        if sum(_end_marked(process, wanted) for process in PROC.glob("[0-9]*")) == 0:
            return
        time.sleep(PAUSE)


def _end_marked(process: Path, wanted: bytes) -> bool:
    """Kill a process with the mark; whether it has to be looked at again, as it was killed or is being loaded."""
    try:
        environment = (process / "environ").read_bytes()
        if wanted in environment.split(b"\0"):
            os.kill(int(process.name), signal.SIGKILL)
            return True
        return not environment and _is_being_loaded(process)
    except OSError:
        return False


def _is_being_loaded(process: Path) -> bool:
    """Whether a process is within `exec`: for an instant it has neither environment nor arguments, and is alive."""
    state = (process / "stat").read_text("ascii", "replace").rpartition(")")[2].split()
    dead, kernels_own = state[0] in {"Z", "X"}, int(state[6]) & _KERNEL_THREAD
    return not dead and not kernels_own and not (process / "cmdline").read_bytes()
