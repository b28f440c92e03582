"""The kata grades the component behind its adapter, its reference is green, and what it fakes keeps its promises."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType

import pytest

from lldkit.dojo import grade, load_kata


def test_the_reference_passes_every_level() -> None:
    kata = load_kata("payments")
    report = grade(kata, kata.folder / "solutions" / "level6.py")
    assert (report.verdict.value, report.reached) == ("green", 6)


def test_our_payments_pass_the_levels_of_their_kata() -> None:
    kata = load_kata("payments")
    report = grade(kata, kata.folder / "library.py", level=5)
    assert (report.verdict.value, report.reached) == ("green", 5)


@pytest.mark.parametrize(
    ("bug", "level", "check"),
    [
        ("w05_dollars_in_floats", 2, "cents_are_exact"),
        ("w11_body_written_again", 4, "the_bytes_are_what_is_signed"),
        ("w15_writes_back_a_copy", 5, "two_do_not_take_the_same_money"),
        ("w17_books_after_the_commit", 6, "whoever_dies_wherever"),
    ],
)
def test_a_planted_bug_is_named(bug: str, level: int, check: str) -> None:
    kata = load_kata("payments")
    report = grade(kata, kata.folder / "wrong" / f"{bug}.py", level=level)
    assert (report.verdict.value, report.failure) == ("red", check)
    assert report.looks_like is not None
    assert report.looks_like.id == bug[:3]


@pytest.fixture
def interface(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module that solutions import; dataclasses look it up by its name."""
    spec = spec_from_file_location("interface", load_kata("payments").folder / "interface.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "interface", module)
    spec.loader.exec_module(module)
    return module


def test_a_transaction_of_the_store_is_whole_or_nothing(interface: ModuleType) -> None:
    store = interface.Store()
    with store.transaction() as rows:
        rows["payment", "k"] = {"state": "processing"}
    with pytest.raises(KeyError), store.transaction() as rows:
        del rows["payment", "k"], rows["nothing"]
    with pytest.raises(TypeError, match=r"got \[\]"), store.transaction() as rows:
        rows["payment", "k"] = {"log": []}
    rows["payment", "k"] = {"state": "a copy"}
    with store.connect(interface.Host()).transaction() as rows:
        assert rows == {("payment", "k"): {"state": "processing"}}


def test_a_killed_process_reaches_nothing_any_more(interface: ModuleType) -> None:
    host = interface.Host()
    store, gateway, bus = interface.Store(host), interface.Gateway(host), interface.Bus(host)
    host.on_step = lambda step: host.kill() if step == "stored" else None
    with pytest.raises(interface.Killed), store.transaction() as rows:
        rows["k"] = {"state": "processing"}
    with pytest.raises(interface.Killed), store.transaction() as rows:
        rows.clear()
    with pytest.raises(interface.Killed):
        gateway.send("k", 60)
    with pytest.raises(interface.Killed):
        bus.publish(interface.Paid("k", 60))
    assert (gateway.charges, bus.heard) == ([], [])
    with store.connect(interface.Host()).transaction() as rows:
        assert rows == {"k": {"state": "processing"}}


def test_within_a_transaction_nothing_else_is_done(interface: ModuleType) -> None:
    host = interface.Host()
    store, gateway = interface.Store(host), interface.Gateway(host)
    with store.transaction(), pytest.raises(RuntimeError, match="within a transaction"):
        gateway.send("k", 60)
    with pytest.raises(RuntimeError, match="within a transaction"), store.transaction(), store.transaction():
        pass
    assert gateway.send("k", 60)


def test_the_gateway_answers_a_key_as_before(interface: ModuleType) -> None:
    gateway = interface.Gateway(limit=100)
    assert [gateway.send("k", 60), gateway.send("k", 60), gateway.send("j", 101), gateway.send("j", 1)] == [
        True,
        True,
        False,
        False,
    ]
    assert gateway.connect(interface.Host()).charges == [60]
