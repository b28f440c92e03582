"""The graded process: reads an order, examines the solution, writes one report on a private pipe, ends.

The nonce and the duplicate of the pipe are taken before the solution is imported; standard output and error then lead
nowhere, and what is printed goes to a bounded tape. A watchdog thread ends what loops or waits for ever; a kernel timer
that the watchdog keeps winding up ends what holds the interpreter inside a C call.

It is started as a plain file, so that a grade does not pay for the imports of the package around it.
"""

from __future__ import annotations

import sys

_ROOT = __file__.replace("\\", "/").rsplit("/", 3)[0]
_light = type(sys)("lldkit.dojo")  # gives access to the modules beside this one without the package's own imports
_light.__path__ = [f"{_ROOT}/lldkit/dojo"]
if __name__ == "__main__":
    sys.path.insert(0, _ROOT)
    sys.modules["lldkit.dojo"] = _light

import faulthandler  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import signal  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402

from lldkit.dojo import examine  # noqa: E402
from lldkit.dojo.frames import error_line, line_of, named  # noqa: E402

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any, Protocol

    class Watched(Protocol):
        """What the watchdog watches: `progress` changes whenever a call has returned."""

        label: str

        def progress(self) -> tuple[object, ...]: ...
        def stuck(self, reason: str, why: str, line: int | None) -> None: ...
        def summary(self) -> dict[str, Any]: ...


__all__ = ["Tape", "Watchdog", "Wire", "main", "waits_for_the_machine"]

TICK = 0.1  # seconds between two looks of the watchdog, at most
SILENCE = 0.5  # seconds of silence, at least, which are not only a machine that is busy
FROZEN = 1_700_000_000.0  # what the real clocks read for a solution that asks them beside its injected clock


class Wire:
    """The private way to the grader: one JSON document per line, each with the nonce."""

    def __init__(self, nonce: str) -> None:
        target = os.dup(1)  # not inherited by processes that the solution starts
        lock, process, end = threading.Lock(), os.getpid, os._exit

        def send(*, last: bool = False, **document: object) -> None:
            data = json.dumps({"nonce": nonce, "pid": process(), **document}).encode() + b"\n"
            with lock:
                while data:
                    data = data[os.write(target, data) :]
                if last:
                    end(0)  # no exit handler and no thread of the solution has the last word

        self.send = send


class Tape:
    """Standard output and error of the solution: keeps the beginning of what is printed during one check."""

    KEPT = 2000  # characters; 500 are shown when paths of the machine have been taken out
    encoding = "utf-8"
    errors = "strict"
    closed = False

    def __init__(self) -> None:
        self.text, self.forged, self.touched = "", False, False

    def write(self, text: str) -> int:
        """Keep the first characters, and see whether somebody prints a grade."""
        if '"verdict"' in text:
            self.forged = True
        if len(self.text) < self.KEPT:
            self.text += str(text[: self.KEPT])
        return len(text)

    def close(self) -> None:
        """Remember that the solution closed a stream that is not its own."""
        self.touched = True

    detach = close

    def flush(self) -> None:
        """Nothing waits to be written."""

    def isatty(self) -> bool:
        """Say that this is no terminal."""
        return False

    def fileno(self) -> int:
        """The descriptor of standard output, which leads nowhere."""
        return 1

    def writable(self) -> bool:
        """Say that it can be written to."""
        return True


def divert() -> tuple[Tape, Callable[[], str], int]:
    """Lead the standard streams away; the tape, a function that says what is wrong with them, the trace's file."""
    trace = os.dup(2)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    tape = Tape()
    sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = tape  # type: ignore[assignment, misc]
    was = [os.fstat(descriptor) for descriptor in (1, 2)]

    def damage() -> str:
        if sys.stdout is not tape or sys.stderr is not tape:
            return "replaces the standard streams"
        try:
            whole = all(os.path.samestat(os.fstat(fd), stat) for fd, stat in zip((1, 2), was, strict=True))
        except OSError:
            whole = False
        if tape.touched or not whole:
            return "closes the standard streams"
        return "prints a report of its own" if tape.forged else ""

    return tape, damage, trace


class Watchdog(threading.Thread):
    """Ends the process when the check under way makes no progress: `limit` seconds of CPU, or of silence."""

    def __init__(self, exam: Watched, send: Callable[..., None], limit: float) -> None:
        super().__init__(daemon=True)
        self.exam, self.send, self.limit = exam, send, limit
        self._tick = min(TICK, limit / 5)
        self._sleep, self._cpu = time.sleep, time.process_time  # before anybody can replace them
        self._me = threading.get_ident
        self._kept_waiting = waits_for_the_machine
        self._frames, self._wind_up = sys._current_frames, getattr(signal, "setitimer", None)  # noqa: SLF001

    def run(self) -> None:
        """Watch; a fault of the watchdog itself is told as ours."""
        try:
            self._watch()
        except BaseException:  # noqa: BLE001  # whatever it is, it is our fault and must be told
            self.send(last=True, problem=_our_fault())

    def _watch(self) -> None:
        """Look now and then; the ticks of a machine that is too busy to run us do not count."""
        progress, start, last, silent, beat = self.exam.progress(), 0.0, 0.0, 0, 0
        while True:
            if self._wind_up is not None:
                self._wind_up(signal.ITIMER_PROF, self.limit + 4 * self._tick)
            self._sleep(self._tick)
            beat += 1
            if beat % 5 == 0:
                self.send(beat=beat)
            now = self._cpu()
            if (current := self.exam.progress()) != progress:
                progress, start, silent, last = current, now, 0, now
                continue
            silent = silent + 1 if now - last < self._tick / 100 else 0
            last = now
            if now - start >= self.limit:
                self._end("loop", f"does not return: {self.limit:g} s of CPU went by inside one call")
            elif silent * self._tick >= max(SILENCE, self.limit) and not self._kept_waiting():
                self._end("silence", "waits for something that never happens (a lock, a sleep, an event)")

    def _end(self, reason: str, why: str) -> None:
        frames = self._frames()
        frames.pop(self._me(), None)
        lines = [line for frame in frames.values() if (line := line_of(frame, self.exam.label)) is not None]
        self.exam.stuck(reason, why, lines[0] if lines else None)
        self.send(last=True, **self.exam.summary())


def _our_fault() -> str:
    """The trace of the exception under way."""
    import traceback  # slow to import, and seldom needed

    return traceback.format_exc(limit=-8)


def waits_for_the_machine(
    tasks: str = "/proc/self/task", *, names: Any = os.listdir, opened: Any = open, me: Any = threading.get_native_id
) -> bool:
    """Whether another thread of this process cannot go on before the disk answers or a processor is free (on Linux).

    Neither is anybody's fault.
    """
    mine = str(me())  # it runs: it is asking
    try:
        for task in names(tasks):
            with opened(f"{tasks}/{task}/stat", encoding="ascii", errors="replace") as stat:
                if task != mine and stat.read().rpartition(")")[2].split()[0] in {"D", "R"}:
                    return True
    except OSError:  # not Linux, or the thread has just ended
        pass
    return False


def freeze_time(label: str) -> Callable[[], None]:
    """Let the real clocks stand still for code of the solution, and refuse its real sleeps; returns the undoing."""
    names = ("time", "monotonic", "perf_counter", "time_ns", "monotonic_ns", "perf_counter_ns")
    real = {name: getattr(time, name) for name in (*names, "sleep")}
    from_solution = _called_from(label)

    def spy(name: str) -> Callable[..., Any]:
        frozen = int(FROZEN * 1e9) if name.endswith("_ns") else FROZEN

        def read() -> Any:
            return frozen if from_solution() else real[name]()

        return read

    def sleep(seconds: float) -> None:
        if not from_solution():
            real["sleep"](seconds)
        elif threading.current_thread() is not threading.main_thread():
            raise SystemExit  # this moment never comes; the thread ends without a word
        else:
            raise RuntimeError(f"time.sleep({seconds!r}) is real time: use the clock that was given")

    for name in names:
        setattr(time, name, spy(name))
    time.sleep = sleep  # type: ignore[assignment]  # the stub's parameter is positional-only

    def undo() -> None:
        for name, function in real.items():
            setattr(time, name, function)

    return undo


def _called_from(label: str) -> Callable[[], bool]:
    frame_at = sys._getframe  # noqa: SLF001

    def called() -> bool:
        caller: FrameType | None = frame_at(2)
        return caller is not None and caller.f_code.co_filename == label

    return called


def quiet_threads(tape: Tape, label: str) -> None:
    """Let an exception that ends a thread of the solution be printed in one line, without the machine's paths."""

    def hook(ended: Any) -> None:
        if ended.exc_type is not SystemExit:
            line = error_line(ended.exc_value, label)
            tape.write(f"a thread ended at {label}:{line} with {named(ended.exc_value)}\n")

    threading.excepthook = hook


def watch_for_processes() -> list[str]:
    """A list that tells whether the solution has started processes, which the grader must then look for."""
    seen: list[str] = []

    def hook(event: str, _: object) -> None:
        if event in {"os.fork", "os.forkpty", "os.posix_spawn", "os.system", "subprocess.Popen"}:
            seen.append(event)

    sys.addaudithook(hook)
    return seen


def _try_each(order: dict[str, Any], send: Callable[..., None]) -> None:
    """Try the learner's tests or calls on every solution of a batch, and end."""
    from lldkit.dojo.trial import Trial

    trials = [Trial(order, source) for source in order["batch"]]
    watchdog = Watchdog(trials[0], send, order["limit"])
    watchdog.start()
    for trial in trials:
        watchdog.exam = trial
        send(tried=trial.run())
    send(last=True, done=len(trials))


def main() -> None:
    """Do what the order on standard input says."""
    order = json.loads(sys.stdin.buffer.read())
    wire = Wire(order.pop("nonce"))
    send = wire.send
    tape, damage, trace = divert()
    faulthandler.enable(trace)
    quiet_threads(tape, order["label"])
    spawned = watch_for_processes()
    if hasattr(signal, "setitimer"):
        faulthandler.register(signal.SIGPROF, trace, chain=True)
    around: dict[str, Any] = {"send": send, "tape": tape, "damage": damage, "freeze": freeze_time, "spawned": spawned}
    try:
        if order.get("on_trial"):
            _try_each(order, send)
        exam = examine.Exam(order, **around)
        watchdog = Watchdog(exam, send, order["limit"])
        watchdog.start()
        if "batch" in order:
            power: dict[str, int] = {}
            for item in order["batch"]:
                watchdog.exam = exam = examine.Exam({**order, "source": item["source"]}, files=exam.files, **around)
                send(killer=exam.killer(item["first"], power))
        else:
            exam.run()
    except examine.GraderError as fault:
        send(last=True, problem=str(fault))
    except BaseException:  # noqa: BLE001  # whatever it is, it is our fault and must be told
        send(last=True, problem=_our_fault())
    send(last=True, **exam.summary())


if __name__ == "__main__":
    main()
