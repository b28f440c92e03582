"""Traces and the command that simulates them."""

import gzip
import io
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from lldkit.__main__ import main
from lldkit.cache import TraceRecorder, simulate
from lldkit.cache.trace import requests


def lines(count: int = 400) -> str:
    return "".join(f"{number % 7}\n" for number in range(count))


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress], ids=["plain", "gzip", "xz"])
def test_plain_and_packed_traces_say_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "trace"
    path.write_bytes(pack(lines().encode()))
    assert main(["cache", "simulate", str(path), "--sizes", "3,7", "--policies", "lru,fifo", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["requests"], told["keys"]) == (400, 7)
    assert told["hit_ratio"]["3"]["lru"] == 0.0
    assert told["hit_ratio"]["7"] == {"lru": 393 / 400, "fifo": 393 / 400, "belady": 393 / 400}
    assert 0 < told["hit_ratio"]["3"]["belady"] < 1


def test_the_table_names_the_best_policy_and_the_chart_is_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, svg = tmp_path / "trace", tmp_path / "chart.svg"
    path.write_text(lines())
    assert main(["cache", "simulate", str(path), "--sizes", "4", "--policies", "lru,w-tinylfu", "--svg", str(svg)]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "400 requests of 7 keys"
    assert shown[-1].split()[0] == "4"
    assert shown[-1].split()[-1] == "w-tinylfu"
    assert "w-tinylfu" in svg.read_text()


def test_standard_input_is_read_and_weights_decide(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "user,size\na,6\nb,6\na,6\nc,4\na,6\n"  # both a and c fit into 10, a and b do not
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(text.encode()))))
    command = ["cache", "simulate", "-", "--column", "user", "--weight-column", "size", "--sizes", "10"]
    assert main([*command, "--policies", "lru", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"requests": 5, "keys": 3, "hit_ratio": {"10": {"lru": 1 / 5}}}


def test_a_long_simulation_has_a_bar_on_a_terminal_and_leaves_nothing_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    path = tmp_path / "trace"
    path.write_text(lines())
    command = ["cache", "simulate", str(path), "--sizes", "4,5", "--policies", "lru,fifo"]
    for requests_of_a_long_one, is_shown in ((401, False), (400, True)):
        terminal = Terminal()
        monkeypatch.setattr("lldkit.cache.cli.LONG", requests_of_a_long_one)
        monkeypatch.setattr("sys.stderr", terminal)
        assert main(command) == 0
        assert ("[#######" in terminal.getvalue(), " 75%" in terminal.getvalue()) == (is_shown, is_shown)
        assert terminal.getvalue().rpartition("\r")[2] == ""
    monkeypatch.setattr("sys.stderr", io.StringIO())
    assert main(command) == 0
    assert capsys.readouterr().err == ""


def test_columns_and_weights_are_read() -> None:
    text = "user,size\na,5\nb,3\na,5\n"
    assert list(requests(text.splitlines(keepends=True), column="user", weight_column="size")) == [
        ("a", 5),
        ("b", 3),
        ("a", 5),
    ]


@pytest.mark.parametrize(
    ("arguments", "content", "message"),
    [
        (["--sizes", "0"], "a\n", "sizes are whole numbers"),
        (["--policies", "mru"], "a\n", "got 'mru'"),
        (["--column", "x"], "user\na\n", "there is no column 'x'; the first line names user"),
        (["--column", "a", "--weight-column", "w"], "a,w\nk,-1\n", "line 2: a weight is a whole number"),
        (["--weight-column", "w"], "a\n", "--weight-column needs --column"),
        ([], "", "there is no request in"),
    ],
)
def test_nonsense_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], content: str, message: str
) -> None:
    path = tmp_path / "trace"
    path.write_text(content)
    try:
        code = main(["cache", "simulate", str(path), *arguments])
    except SystemExit as left:
        code = int(left.code or 0)
    error = capsys.readouterr().err
    assert code == 2
    assert message in error
    assert error.count("\n") == 1


def test_a_missing_and_a_damaged_trace_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", "simulate", str(tmp_path / "none")]) == 2
    assert "cannot read" in capsys.readouterr().err
    damaged = tmp_path / "damaged"
    damaged.write_bytes(gzip.compress(Random(1).randbytes(5_000))[:2_000])
    assert main(["cache", "simulate", str(damaged)]) == 2
    assert "is damaged" in capsys.readouterr().err


def test_a_recorder_keeps_all_requests_for_the_same_sample_of_the_keys() -> None:
    rng, whole, part = Random(5), list[str](), list[str]()
    record_all, record = TraceRecorder(whole.append), TraceRecorder(part.append, sample=0.1)
    keys = [int(rng.paretovariate(0.8)) % 20_000 for _ in range(60_000)]
    for key in keys:
        record_all(key)
        record(key)
    kept = set(part)
    assert whole == [f"{key!r}\n" for key in keys]
    assert part == [line for line in whole if line in kept]
    assert 0.07 < len(kept) / len(set(whole)) < 0.13
    with pytest.raises(ValueError, match="sample must be a finite number > 0 and <= 1, got 0"):
        TraceRecorder(part.append, sample=0)


def test_a_sampled_trace_at_a_sampled_size_has_nearly_the_same_hit_ratio() -> None:
    rng = Random(6)
    keys = [int(rng.random() ** 1.5 * 20_000) for _ in range(100_000)]
    sampled: list[str] = []
    record = TraceRecorder(sampled.append, sample=0.1)
    for key in keys:
        record(key)
    whole = simulate(keys, policy="lru", maxsize=2_000).hit_ratio
    assert abs(simulate(sampled, policy="lru", maxsize=200).hit_ratio - whole) < 0.04
