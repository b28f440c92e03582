"""`lldkit payments`: what it prints, what it finds, what it refuses."""

from contextlib import closing
from pathlib import Path

import pytest

from lldkit.__main__ import main
from lldkit.payments.fake_gateway import FakeGateway
from lldkit.payments.sqlite import SQLiteStore
from payments.helpers import Shop

HEADER = "kind,amount,currency,reference,request_key\n"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with shop.db, in which one payment of 1.00 was captured under the key pi_1:2."""
    monkeypatch.chdir(tmp_path)
    with closing(SQLiteStore("shop.db", synchronous="NORMAL")) as store:
        Shop(store).captured()
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], rows: str, expected: int) -> list[str]:
    Path("statement.csv").write_text(HEADER + rows)
    assert main(["payments", "reconcile", "statement.csv", "--db", "shop.db"]) == expected
    captured = capsys.readouterr()
    return (captured.out or captured.err).splitlines()


def test_a_diagram_is_text_for_mermaid(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["payments", "diagram", "refund"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("stateDiagram-v2\n    [*] --> PENDING\n")
    assert "    SUCCEEDED --> FAILED : fail\n" in out


def test_a_scenario_is_killed_everywhere_and_nothing_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["payments", "explore", "--scenario", "buy"]) == 0
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith("buy: ")
    assert last == "0 left something wrong"


def test_a_gateway_that_forgets_its_keys_is_found(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeGateway, "query", lambda *_: None)
    monkeypatch.setattr(FakeGateway, "send", lambda gateway, request: gateway._do(request))
    assert main(["payments", "explore", "--scenario", "capture"]) == 1
    out = capsys.readouterr().out.splitlines()
    assert any(", gateway.send: " in line and "operations of pi_1: 4 here, 5 there" in line for line in out)


def test_a_statement_that_agrees(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = told(capsys, "capture,1.00,USD,gw_1,pi_1:2\nfee,0.03,USD,gw_1,\n", 0)
    assert lines == ["1 matched, 1 fees"]


def test_every_difference_is_named(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "capture,1.01,USD,gw_1,pi_1:2\ncapture,1.00,USD,gw_1,pi_1:2\nrefund,0.10,USD,gw_9,other\n"
    assert told(capsys, rows, 1) == [
        "0 matched, 0 fees",
        "missing here:  refund of 0.10 USD, other",
        "differs:       capture of 1.01 USD, pi_1:2, here 1.00 USD",
        "duplicated:    capture of 1.00 USD, pi_1:2",
    ]
    assert told(capsys, "", 1) == ["0 matched, 0 fees", "missing there: capture of 1.00 USD, pi_1:2"]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ("payout,1.00,USD,,\n", "line 2: kind is one of capture, refund, fee, got 'payout'"),
        ("capture,1.001,USD,,\n", "line 2: USD has at most 2 digits after the point, got '1.001'"),
        ("capture,1.00,XYZ,,\n", "line 2: "),
    ],
)
def test_a_statement_that_makes_no_sense_is_refused_by_its_line(
    shop: Path, capsys: pytest.CaptureFixture[str], rows: str, reason: str
) -> None:
    (line,) = told(capsys, rows, 2)
    assert line.startswith(f"lldkit payments: {reason}")


def test_a_statement_without_a_column_and_a_shop_that_is_not_there_are_refused(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("short.csv").write_text("kind,amount\n")
    assert main(["payments", "reconcile", "short.csv", "--db", "shop.db"]) == 2
    assert "lacks the columns currency, reference, request_key" in capsys.readouterr().err
    Path("short.csv").write_text(HEADER)
    assert main(["payments", "reconcile", "short.csv", "--db", "other.db"]) == 2
    assert "there is no file other.db" in capsys.readouterr().err
    assert not Path("other.db").exists()
    assert main(["payments", "reconcile", "none.csv", "--db", "shop.db"]) == 2
