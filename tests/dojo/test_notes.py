"""F15: what a reviewer would say, read from the syntax tree; it never blocks."""

import textwrap

import pytest

from lldkit.dojo.notes import notes

LADDER = "    elif isinstance(a, str): g()\n"
CASES = {
    "real_clock": ("essential", 3, "import time\ndef f():\n    return time.monotonic()\n"),
    "bare_except": ("essential", 4, "def f():\n    try:\n        g()\n    except:\n        pass\n"),
    "lock_without_with": ("actionable", 2, "def f(self):\n    self._lock.acquire()\n"),
    "isinstance_ladder": ("informative", 2, "def f(a):\n    if isinstance(a, int): g()\n" + 2 * LADDER),
    "module_state": ("actionable", 1, "seen = {}\n"),
    "wait_without_loop": ("essential", 2, "def f(self):\n    self._condition.wait()\n"),
    "work_under_lock": ("informative", 3, "def f(self, loader):\n    with self._lock:\n        return loader()\n"),
    "locks_in_with": ("celebratory", None, "def f(self):\n    with self._lock:\n        return self.n\n"),
}


@pytest.mark.parametrize("name", CASES)
def test_each_kind_of_note_is_found_at_its_line(name: str) -> None:
    kind, line, source = CASES[name]
    assert (name, kind, line) in [(note.id, note.kind, note.line) for note in notes(source, green=True)]


@pytest.mark.parametrize(
    "source",
    [
        "def f(self):\n    return self._clock.monotonic()\n",
        "def f():\n    try:\n        g()\n    except BaseException:\n        raise\n",
        "def f(self):\n    while not self.n:\n        self._condition.wait()\n",
        "TABLE = {'a': 1}\n",
        "def f(future):\n    try:\n        g()\n    except BaseException as error:\n        future.fail(error)\n",
        "def f(self, loader):\n    loader()\n    self._clock.sleep(1)\n",
        "def broken(:\n",
    ],
)
def test_what_is_right_gets_no_note(source: str) -> None:
    assert notes(source, green=True) == ()


def test_a_method_that_a_decorator_runs_under_a_lock_is_no_strangers_code() -> None:
    source = (
        "def f(method):\n    def g(self):\n        with self._lock:\n            return method(self)\n    return g\n"
    )
    assert [note.id for note in notes(source, green=True)] == ["locks_in_with"]


def test_where_no_clock_is_given_the_steady_one_of_the_machine_is_right() -> None:
    assert notes("import time\ndeadline = time.monotonic() + 1\n", clock=False) == ()
    (note,) = notes("import time\ndeadline = time.time() + 1\n", clock=False)
    assert (note.id, note.kind) == ("real_clock", "essential")
    assert "time.monotonic" in note.says


def test_a_red_solution_hears_neither_praise_nor_what_can_wait() -> None:
    source = textwrap.dedent("""
        def f(self, loader):
            with self._lock:
                self._clock.sleep(1)
                return loader()
    """)
    assert notes(source) == ()
    assert [note.id for note in notes(source, green=True)] == ["locks_in_with", "work_under_lock", "work_under_lock"]
