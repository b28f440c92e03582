"""The ledger to the microsecond, its bounds, its snapshots, and what each decision costs in steps."""

import pickle
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from claims.contract import take
from claims.helpers import memory_desk
from lldkit.claims import AnyOf, ClaimExpired, ClaimRefused, Count, Exactly, MemoryClaims, Run, Token, Unit
from lldkit.claims import journal as journals
from lldkit.claims.free import FreeIndex
from lldkit.claims.journal import JournalDamaged, MemoryJournal, Replica
from lldkit.claims.sealed import seal, unseal_all
from lldkit.clock import ManualClock


def test_a_hold_of_ten_seconds_is_there_just_before_and_gone_at_ten() -> None:
    desk = memory_desk()
    desk.seats("A1")
    held = take(desk.claims, AnyOf("seats"), ttl=10)
    desk.advance(9.999999)
    assert desk.claims.free("seats") == 0
    desk.advance(0.000001)
    assert desk.claims.free("seats") == 1
    with pytest.raises(ClaimExpired) as expired:
        desk.claims.confirm(held.token)
    assert expired.value.expired_at == held.expires_at


def test_a_clock_that_is_set_back_brings_no_hold_to_life_and_lowers_no_fence() -> None:
    clock = ManualClock()
    claims = MemoryClaims(clock=clock)
    claims.add(Unit("A1", pool="seats"))
    held = take(claims, AnyOf("seats"), ttl=10)
    clock.advance(10)
    assert claims.free("seats") == 1
    clock.step_wall(-3_600)
    assert claims.free("seats") == 1
    with pytest.raises(ClaimExpired):
        claims.confirm(held.token)
    later = take(claims, AnyOf("seats"), ttl=10)
    assert later.fence > held.fence
    assert later.created_at >= held.created_at + timedelta(seconds=10)


def test_many_expired_holds_are_counted_at_once_and_looked_at_once() -> None:
    clock = ManualClock()
    claims = MemoryClaims(clock=clock)
    claims.add(*(Unit(f"A{n:05}", pool="seats") for n in range(3_000)))
    for _ in range(3_000):
        take(claims, AnyOf("seats"), ttl=10)
    clock.advance(10)
    assert claims.free("seats") == 3_000
    index = claims._replica.state._free
    before = index.steps
    assert take(claims, AnyOf("seats"), ttl=10).units == ("A00000",)
    assert index.steps - before <= 2


@pytest.mark.parametrize("size", [100, 100_000])
def test_finding_the_first_free_unit_takes_as_many_steps_in_a_pool_of_any_size(size: int) -> None:
    index = FreeIndex()
    for n in range(size):
        index.add(f"A{n:06}", "p", {"north": size - n})
    index.first("p", "north")
    index.steps = 0
    for _ in range(50):
        found = index.first("p", "north")
        assert found is not None
        index.take(found)
    assert index.steps <= 100
    for n in range(size - 50, size):
        index.give(f"A{n:06}")
    assert index.first("p", "north") == f"A{size - 1:06}"


def test_a_unit_that_comes_and_goes_is_in_each_heap_once() -> None:
    index = FreeIndex()
    index.add("A", "p", {})
    index.first("p", "")
    index.first("p", "north")
    for _ in range(1_000):
        index.take("A")
        index.give("A")
    assert [len(heap) for _, heap in index._pools["p"].heaps.values()] == [1, 1]


def test_a_refusal_says_when_the_first_hold_ends_and_for_several_units_when_all_have() -> None:
    desk = memory_desk()
    desk.seats("A1", "A2")
    take(desk.claims, Exactly("A1"), ttl=30)
    take(desk.claims, Exactly("A2"), ttl=50)
    for want, seconds in ((AnyOf("seats"), 30), (Run("seats", 2), 30), (Exactly("A1", "A2"), 50)):
        with pytest.raises(ClaimRefused) as refused:
            take(desk.other, want)
        assert refused.value.retry_after == seconds
        assert pickle.loads(pickle.dumps(refused.value)).retry_after == seconds  # between processes


def test_the_log_is_cut_and_whoever_comes_later_begins_with_the_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "LEAST_BETWEEN_SNAPSHOTS", 20)
    desk = memory_desk()
    desk.seats("A1", "A2", "A3")
    desk.claims.set_capacity("rooms", 2)
    desk.claims.set_service("A3", in_service=False)
    start = datetime(2040, 1, 1, tzinfo=UTC)
    take(desk.claims, Count("rooms", start=start, end=start + timedelta(days=1)))
    kept = take(desk.claims, Exactly("A2"), key="k")
    for _ in range(40):
        desk.claims.release(take(desk.claims, Exactly("A1"), ttl=10).token)
    journal: Any = desk.claims._journal
    assert len(journal._records) < 60
    assert desk.other.owned("ana") == desk.claims.owned("ana")
    assert desk.other._replica.state.dump() == desk.claims._replica.state.dump()
    assert take(desk.other, Exactly("A2"), key="k") == kept
    assert desk.other.free("rooms", start=start, end=start + timedelta(days=1)) == 1
    assert not desk.other.get("A3").in_service


def test_what_has_ended_is_forgotten_after_a_while() -> None:
    clock = ManualClock()
    claims = MemoryClaims(clock=clock, keep_seconds=100)
    claims.add(Unit("A1", pool="seats"))
    for n in range(5):
        take(claims, AnyOf("seats"), ttl=10, key=str(n))
        clock.advance(10)
    clock.advance(100)
    claims.set_service("A1", in_service=False)
    state = claims._replica.state
    assert (len(state._claims), len(state._keys), len(state._forget)) == (0, 0, 0)


def test_a_torn_last_record_is_cut_off_and_a_damaged_one_before_is_told() -> None:
    good = [(1, seal({"k": "a"})), (2, seal({"k": "b"}))]
    torn = (3, seal({"k": "c"})[:-1])
    records, cut = unseal_all([*good, torn])
    assert ([seq for seq, _ in records], cut) == ([1, 2], 3)
    with pytest.raises(JournalDamaged) as damaged:
        unseal_all([good[0], (2, torn[1]), (3, seal({"k": "c"}))])
    assert damaged.value.seq == 2


def test_whoever_is_never_first_is_told_so_after_many_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "MOST_TRIES", 3)
    monkeypatch.setattr(MemoryJournal, "append", lambda *_, **__: False)
    replica: Replica[Any] = Replica(MemoryJournal(), MemoryClaims()._replica.state, clock=ManualClock())
    with pytest.raises(journals.Conflicted):
        replica.decide(lambda _state, now: ([{"k": "capacity", "at": now, "pool": "p", "n": 1}], lambda: None))


def test_tokens_are_not_shown_and_are_made_of_text() -> None:
    assert "secret" not in repr(Token("id.secret"))
    with pytest.raises(TypeError):
        Token(7)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Exactly(), "one or more"),  # noqa: PLW0108
        (lambda: Exactly("a", "a"), "different ids"),
        (lambda: Exactly("a", start=datetime(2040, 1, 1, tzinfo=UTC)), "start and end"),
        (lambda: AnyOf(), "one or more pools"),  # noqa: PLW0108
        (lambda: Run("p", 0), "length must be at least 1"),
        (lambda: Count("p", start=datetime(2040, 1, 2, tzinfo=UTC), end=datetime(2040, 1, 1, tzinfo=UTC)), "end after"),
        (lambda: Count("p", start=datetime(2040, 1, 1), end=datetime(2040, 1, 2)), "aware"),  # noqa: DTZ001
        (lambda: Unit("", pool="p"), "id must be a text"),
        (lambda: MemoryClaims(max_extensions=-1), "max_extensions must be"),
    ],
)
def test_nonsense_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
