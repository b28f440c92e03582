"""`lldkit rate-limiter replay`: real access logs in, a report out, nonsense refused in one line."""

import gzip
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from lldkit.__main__ import main
from lldkit.rate_limiter import fixed_window, gcra, per_minute, sliding_log
from lldkit.rate_limiter.access_log import LONGEST, Request, lines_of, parse_line
from lldkit.rate_limiter.cli import quota_of
from lldkit.rate_limiter.replay import MOST_BINS, Replay

SECOND = 1_000_000
MIDNIGHT = round(datetime(2026, 3, 1, tzinfo=UTC).timestamp()) * SECOND


def line(second: int, client: str = "203.0.113.7", *, user: str = "-", path: str = "/") -> str:
    time = datetime.fromtimestamp(MIDNIGHT / SECOND + second, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    return f'{client} - {user} [{time}] "GET {path} HTTP/1.1" 200 512 "-" "curl/8"'


def test_common_and_combined_lines_are_read() -> None:
    common = '203.0.113.7 - ann [01/Mar/2026:02:00:05 +0200] "GET /a/b?c=d HTTP/1.1" 200 -'
    assert parse_line(common) == Request(MIDNIGHT + 5 * SECOND, "203.0.113.7", "ann", "/a/b")
    assert parse_line(common + ' "http://example.org/" "Mozilla \\"5\\""') == parse_line(common)
    assert parse_line(common.replace("203.0.113.7", "2001:db8::1")) is not None
    negative = common.replace("02:00:05 +0200", "00:00:05 -0330")
    assert parse_line(negative) == Request(MIDNIGHT + (5 + 3 * 3_600 + 1_800) * SECOND, "203.0.113.7", "ann", "/a/b")
    strange = common.replace("GET /a/b?c=d HTTP/1.1", '\\x16\\x03 \\"')
    assert parse_line(strange) is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        '203.0.113.7 - - [01/Mar/2026:00:00:05] "GET / HTTP/1.1" 200 1',
        '203.0.113.7 - - [31/Feb/2026:00:00:05 +0000] "GET / HTTP/1.1" 200 1',
        '203.0.113.7 - - [01/Mär/2026:00:00:05 +0000] "GET / HTTP/1.1" 200 1',
        '203.0.113.7 - - [01/Mar/2026:00:00:05 *0000] "GET / HTTP/1.1" 200 1',
        '203.0.113.7 - - [01/Mar/2026:00:00:05 +0000] "GET / HTTP/1.1" OK 1',
        '203.0.113.7 - - [01/Mar/2026:00:00:05 +0000] "GET / HTTP/1.1 200 1',
    ],
)
def test_other_lines_are_not(text: str) -> None:
    assert parse_line(text) is None


def test_lines_come_out_of_plain_and_packed_files_in_bounded_memory() -> None:
    text = b"one\r\n" + b"x" * (3 * LONGEST) + b"\n\xfftwo"
    for stored in (text, gzip.compress(text)):
        lines = list(lines_of(io.BufferedReader(io.BytesIO(stored))))
        assert [len(each) for each in lines] == [3, LONGEST, 4]
        assert (lines[0], lines[2]) == ("one", "\ufffdtwo")


def test_each_algorithm_is_reported_with_its_worst_window_and_most_affected_keys() -> None:
    replay = Replay([(rule, per_minute(2)) for rule in (gcra, sliding_log, fixed_window)])
    for second in (58, 58, 59, 60, 61):  # three before the edge of a minute and two after it
        replay.request("a", MIDNIGHT + second * SECOND)
    replay.request("b", MIDNIGHT + 61 * SECOND)
    reports = {report.algorithm: report for report in replay.report(top=1)}
    assert {name: (each.admitted, each.refused) for name, each in reports.items()} == {
        "gcra": (3, 3),
        "sliding_log": (3, 3),
        "fixed_window": (5, 1),
    }
    worst = reports["fixed_window"].worst
    assert worst is not None
    assert (worst.units, worst.key, worst.at) == (4, "a", MIDNIGHT + 58 * SECOND)
    assert reports["sliding_log"].most_affected == (("a", 3, 5),)
    assert reports["gcra"].keys_refused == 1
    assert replay.series() == (1.0, [[2, 2, 2, 2], [1, 0, 0, 0], [1, 0, 0, 1], [2, 1, 1, 2]])


def test_a_time_before_the_last_one_counts_as_the_last_one() -> None:
    replay = Replay([(fixed_window, per_minute(1))])
    replay.request("a", MIDNIGHT + 60 * SECOND)
    replay.request("a", MIDNIGHT + 59 * SECOND)
    assert replay.report(top=0)[0].refused == 1


def test_the_series_keeps_its_size_and_its_sum_however_long_the_log() -> None:
    replay = Replay([(gcra, per_minute(5))])
    for minute in range(10_000):
        replay.request(str(minute), MIDNIGHT + minute * 60 * SECOND)
    seconds, rows = replay.series()
    assert (seconds, len(rows) <= MOST_BINS) == (1_024.0, True)
    assert [sum(column) for column in zip(*rows, strict=True)] == [10_000, 10_000]


@pytest.mark.parametrize(
    ("text", "limit", "seconds"),
    [("10/minute", 10, 60), ("5/s", 5, 1), ("100/30s", 100, 30), (" 7 / 2 hours ", 7, 7_200), ("1/1.5day", 1, 129_600)],
)
def test_limits_are_written_as_people_write_them(text: str, limit: int, seconds: float) -> None:
    assert (quota_of(text).limit, quota_of(text).period) == (limit, seconds)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    lines = [line(second, f"203.0.113.{second % 2}", user="ann", path=f"/{second % 3}") for second in range(120)]
    path.write_text("\n".join([*lines[:60], "nonsense", "", *lines[60:]]) + "\n")
    return path


def replayed(arguments: list[Any], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    try:
        code = main(["rate-limiter", "replay", *map(str, arguments)])
    except SystemExit as stop:
        code = int(str(stop.code))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_table_tells_counts_shares_and_malformed_lines(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = replayed([log, "--limit", "30/minute", "--algorithm", "sliding_log"], capsys)
    assert (code, err) == (0, "")
    assert "120 requests of 2 clients, 2026-03-01T00:00:00Z to 2026-03-01T00:01:59Z" in out
    assert "2 of 122 lines are malformed and were left out" in out
    assert "sliding_log" in out
    assert "120           0    0.0%" in out  # each client asks every other second: 30 a minute exactly
    code, out, _ = replayed([log, "--limit", "15/minute", "--algorithm", "fixed_window"], capsys)
    assert "60          60   50.0%            2  15 by 203.0.113.0 from 2026-03-01T00:00:00Z" in out


def test_json_is_one_document_with_every_figure(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = replayed([log, "--limit", "15/minute", "--burst", "3", "--json", "--top", "1", "--by", "user"], capsys)
    report = json.loads(out)
    assert (report["requests"], report["lines"], report["malformed"], report["keys"]) == (120, 122, 2, 1)
    assert (report["limit"], report["period_seconds"], report["burst"]) == (15, 60.0, 3)
    by_name = {each["algorithm"]: each for each in report["algorithms"]}
    assert set(by_name) == {"gcra", "token_bucket", "sliding_log", "sliding_counter", "fixed_window"}
    assert by_name["gcra"]["admitted"] == 3 + 29  # three at once, then one every four seconds, the last at 116 s
    assert by_name["gcra"]["most_affected"] == [["ann", 88, 120]]


def test_packed_logs_and_standard_input_are_read(
    log: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = log.with_suffix(".gz")
    packed.write_bytes(gzip.compress(log.read_bytes()))
    expected = replayed([log, "--limit", "15/minute", "--json"], capsys)[1].replace(str(log), "")
    assert replayed([packed, "--limit", "15/minute", "--json"], capsys)[1].replace(str(packed), "") == expected
    with packed.open("rb") as stream:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(stream))
        assert replayed(["-", "--limit", "15/minute", "--json"], capsys)[1].replace('"-"', '""') == expected


def test_a_cut_gzip_stream_is_reported_up_to_where_it_is_whole(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packed = log.with_suffix(".gz")
    packed.write_bytes(gzip.compress(log.read_bytes() * 200)[:-20])
    code, out, err = replayed([packed, "--limit", "15/minute"], capsys)
    assert code == 1
    assert "requests of 2 clients" in out
    assert "the gzip stream is damaged after line" in err


def test_the_picture_is_drawn(log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    svg = tmp_path / "replay.svg"
    assert replayed([log, "--limit", "15/minute", "--svg", svg], capsys)[0] == 0
    assert ET.parse(svg).getroot().tag.endswith("svg")


def test_a_bar_shows_on_a_terminal_how_far_the_reader_is(
    log: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert "] " in replayed([log, "--limit", "15/minute"], capsys)[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.log", "--limit", "5/s"], "cannot read 'nowhere.log'"),
        ([".", "--limit", "5/s"], "cannot read '.'"),
        ([__file__, "--limit", "5/s"], "no request in"),
        ([__file__, "--limit", "ten"], "10/minute, 5/second or 100/30s, got 'ten'"),
        ([__file__, "--limit", "0/s"], "limit must be at least 1, got 0"),
        ([__file__, "--limit", "5/fortnight"], "got '5/fortnight'"),
        ([__file__, "--limit", "5/s", "--burst", "0"], "at least 1 is wanted, got '0'"),
        ([__file__, "--limit", "5/s", "--top", "-1"], "whole number of 0 or more is wanted, got '-1'"),
        ([__file__], "--limit"),
        ([], "ACCESS_LOG"),
    ],
)
def test_nonsense_is_refused_in_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = replayed(arguments, capsys)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
