"""The report: what it makes of a row, and that it keeps the rooms it did not run."""

from pathlib import Path

import pytest

from benchmarks.report import (
    Row,
    as_markdown,
    as_text,
    chart,
    losses,
    main,
    merge,
    quantity,
    ratio,
    rooms,
    rows,
    run,
    section,
    versions,
)

HOT = Row(
    "hot key",
    "s",
    "<= 2 x floor",
    "lldkit",
    "lock",
    {"lldkit": 6e-7, "limits": 9e-6, "lock": 3e-7, "token-bucket": 5e-7},
)
BYTES = Row("bytes per key", "B", "", "lldkit", None, {"lldkit": 120.0, "limits": 300.0})


def test_rows_are_read_from_the_json_and_foreign_benchmarks_are_not() -> None:
    info = {"row": "bytes per key", "unit": "B", "target": "", "ours": "lldkit", "floor": None}
    document = {"benchmarks": [{"extra_info": {}}, {"extra_info": {**info, "values": dict(BYTES.values)}}]}
    assert rows(document) == [BYTES]


def test_the_table_is_ranked_with_ratios_to_us_and_to_the_floor() -> None:
    assert as_text(HOT).splitlines() == [
        "hot key         needs  beside lldkit  beside the floor (lock)",
        "lock           300 ns         0.50 x                   1.00 x",
        "token-bucket   500 ns         0.83 x                   1.67 x",
        "lldkit         600 ns         1.00 x                   2.00 x",
        "limits        9.00 us         15.0 x                   30.0 x",
        "target: <= 2 x floor",
    ]
    assert as_markdown(BYTES).splitlines() == [
        "| bytes per key | needs | beside lldkit |",
        "| --- | ---: | ---: |",
        "| **lldkit** | **120 B** | **1.00 x** |",
        "| limits | 300 B | 2.50 x |",
    ]


def test_where_we_lose_is_said_and_the_floor_is_no_rival() -> None:
    assert losses([HOT, BYTES]) == "Where lldkit is behind:\n\n- hot key: token-bucket needs 0.83 of what lldkit needs"
    assert losses([BYTES]) == "In no row of this run does a peer need less than lldkit."


def test_figures_are_written_to_three_digits() -> None:
    assert [quantity(value, "s") for value in (0.0, 9.99e-7, 1e-6, 0.0123, 61.0)] == [
        "0.00 ns",
        "999 ns",
        "1.00 us",
        "12.3 ms",
        "61.0 s",
    ]
    assert quantity(100_000, "B") == "100,000 B"
    assert [ratio(value) for value in (0.5, 14.25, 1280)] == ["0.50 x", "14.2 x", "1,280 x"]


def test_versions_are_those_of_the_installed_subjects() -> None:
    row = Row("r", "s", "", "lldkit", None, {"lldkit": 1.0, "pytest in a loop": 1.0, "hand-written": 1.0})
    assert versions([row]) == f"lldkit 0.1.0, pytest {pytest.__version__}"


def test_a_section_names_day_machine_and_what_was_left_out() -> None:
    text = section("rate_limiter", [HOT, BYTES], "2030-01-02", ["test_redis"])
    assert text.startswith("## rate_limiter\n\n2030-01-02, CPython 3.")
    assert " cores, " in text
    assert "![rate_limiter beside its peers](img/benchmarks-rate_limiter.svg)" in text
    assert text.endswith("Left out in this run: test_redis.")


def test_rooms_that_were_not_run_keep_their_sections() -> None:
    first = merge("", {"retry": "## retry\n\nold", "cache": "## cache\n\nold"})
    second = merge(first, {"retry": "## retry\n\nnew\n"})
    assert second.count("# Benchmarks\n") == 1
    assert second.index("## cache\n\nold") < second.index("## retry\n\nnew")
    assert "## retry\n\nold" not in second
    assert merge(second, {}) == second


def test_the_chart_shows_every_figure() -> None:
    svg = chart("rate_limiter", [HOT, BYTES]).to_svg()
    for text in ("hot key", "bytes per key", "9.00 us, 15.0 x", "120 B, 1.00 x"):
        assert text in svg


def test_an_unknown_room_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["no_such_room"]) == 2
    assert "no benchmarks for no_such_room; there are:" in capsys.readouterr().err
    assert "beside" not in rooms()


BENCHMARKS = """
import pytest
from benchmarks.beside import beside, code, value_row

def test_loop(benchmark):
    beside(benchmark, {"lldkit": code("sum(r)", r=range(100)), "peer": code("sum(r)", r=range(10_000))}, row="sum")

def test_bytes(benchmark):
    value_row(benchmark, {"lldkit": lambda: 1.0}, row="bytes")

@pytest.mark.skip
def test_engine(benchmark): ...
"""


def test_a_real_run_gives_its_rows_and_the_names_of_what_was_skipped(tmp_path: Path) -> None:
    (tmp_path / "test_planted.py").write_text(BENCHMARKS, encoding="utf-8")
    found, skipped = run(tmp_path / "test_planted.py")
    assert [(row.title, row.unit, row.ranked) for row in found] == [
        ("sum", "s", ["lldkit", "peer"]),
        ("bytes", "B", ["lldkit"]),
    ]
    assert skipped == ["test_engine"]


def test_a_run_without_its_peers_names_them_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "test_planted.py").write_text("import no_such_peer\n", encoding="utf-8")
    with pytest.raises(
        SystemExit, match=r"^not installed: no_such_peer; `make clean bench` .*\ntest_planted.py failed"
    ):
        run(tmp_path / "test_planted.py")


def test_a_failing_benchmark_ends_the_run_with_its_output(tmp_path: Path) -> None:
    (tmp_path / "test_planted.py").write_text("def test_a(benchmark):\n    assert 1 == 2\n", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"(?s)assert 1 == 2.*test_planted.py failed; nothing was written"):
        run(tmp_path / "test_planted.py")


def test_a_run_in_which_all_is_skipped_has_no_rows(tmp_path: Path) -> None:
    (tmp_path / "test_planted.py").write_text("import pytest\n@pytest.mark.skip\ndef test_a(): ...\n", encoding="utf-8")
    assert run(tmp_path / "test_planted.py") == ([], ["test_a"])
