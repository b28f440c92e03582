"""What every engine of claims promises; each engine's tests subclass it with a fixture `desk`."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lldkit.claims import (
    AnyOf,
    Claim,
    ClaimExpired,
    ClaimLost,
    ClaimRefused,
    ClaimState,
    Count,
    Exactly,
    KeyMismatch,
    OwnerBusy,
    Run,
    Token,
    TooManyExtensions,
    Unit,
    UnitConflict,
    UnknownPool,
    UnknownUnit,
)

DAY = datetime(2040, 1, 1, tzinfo=UTC)


def day(n: float) -> datetime:
    return DAY + timedelta(days=n)


@dataclass
class Desk:
    """Claims, a second object that shares them, and a way to let time pass for both."""

    claims: Any
    other: Any
    advance: Callable[[float], None]

    def seats(self, *names: str) -> None:
        self.claims.add(*(Unit(name, pool="seats", row=name[0], position=int(name[1:])) for name in names))


class ClaimsContract:
    """The promises of `Claims`."""

    def test_any_of_takes_the_first_by_pool_then_rank_then_id(self, desk: Desk) -> None:
        desk.claims.add(
            Unit("b", pool="stalls", ranks={"north": 2}),
            Unit("a", pool="stalls", ranks={"north": 2}),
            Unit("c", pool="stalls", ranks={"north": 1}),
            Unit("z", pool="circle"),
            Unit("0", pool="stalls"),
        )
        taken = [take(desk.claims, AnyOf("stalls", "circle", order="north")).units for _ in range(5)]
        assert taken == [("c",), ("a",), ("b",), ("0",), ("z",)]

    def test_a_hold_lives_until_just_before_its_end_and_the_next_fence_is_higher(self, desk: Desk) -> None:
        desk.seats("A1")
        old = take(desk.claims, AnyOf("seats"), ttl=10)
        desk.advance(9.0)
        with pytest.raises(ClaimRefused) as refused:
            take(desk.other, AnyOf("seats"))
        assert refused.value.blocking == ("seats",)
        assert refused.value.retry_after is not None
        assert 0 < refused.value.retry_after <= 1.0
        assert desk.other.free("seats") == 0
        desk.advance(1.0)
        assert desk.other.free("seats") == 1
        with pytest.raises(ClaimExpired):
            desk.claims.confirm(old.token)
        new = take(desk.other, AnyOf("seats"))
        assert new.fence > old.fence
        with pytest.raises(ClaimExpired):
            desk.claims.confirm(old.token)
        assert not desk.claims.release(old.token)
        assert desk.claims.get("A1").claim_id == new.id

    def test_confirming_and_releasing_twice_is_said_and_harms_nobody(self, desk: Desk) -> None:
        desk.seats("A1")
        held = take(desk.claims, AnyOf("seats"), ttl=10)
        kept = desk.claims.confirm(held.token)
        assert (kept.state, kept.expires_at, kept.units) == (ClaimState.CONFIRMED, None, ("A1",))
        assert desk.other.confirm(held.token) == kept
        desk.advance(1_000)
        assert desk.claims.release(held.token)
        after = take(desk.other, AnyOf("seats"))
        assert not desk.claims.release(held.token)
        assert desk.claims.get("A1").claim_id == after.id
        with pytest.raises(ClaimLost):
            desk.claims.confirm(held.token)

    def test_a_guessed_token_is_lost(self, desk: Desk) -> None:
        desk.seats("A1")
        held = take(desk.claims, AnyOf("seats"), ttl=10)
        for guess in (Token("x"), Token(f"{held.id}.0123"), Token("nobody.0123")):
            with pytest.raises(ClaimLost):
                desk.claims.confirm(guess)
            assert not (("." in guess.reveal()) and desk.claims.release(guess))
        assert held.token.reveal() not in repr(held)

    def test_exactly_takes_all_or_nothing(self, desk: Desk) -> None:
        desk.seats("A1", "A2", "A3")
        take(desk.claims, Exactly("A2"))
        with pytest.raises(ClaimRefused) as refused:
            take(desk.other, Exactly("A1", "A2"))
        assert (refused.value.blocking, refused.value.retry_after) == (("A2",), None)
        assert desk.other.get("A1").free
        assert take(desk.other, Exactly("A3", "A1")).units == ("A1", "A3")

    def test_wants_of_one_claim_share_nothing_and_go_all_or_nothing(self, desk: Desk) -> None:
        desk.seats("A1", "A2", "A3", "A4", "B1")
        desk.claims.set_capacity("meals", 1)
        wants = (AnyOf("seats"), Run("seats", 2), Exactly("A1"), Count("meals", start=day(0), end=day(1)))
        got = take(desk.claims, *wants)
        assert set(got.units) == {"A1", "A2", "A3", "A4"}
        assert [(each.target, each.n) for each in got.windows] == [("meals", 1)]
        with pytest.raises(ClaimRefused):
            take(desk.claims, AnyOf("seats"), Count("meals", start=day(0), end=day(1)))
        assert desk.claims.get("B1").free

    def test_a_run_is_the_shortest_stretch_that_is_long_enough(self, desk: Desk) -> None:
        desk.seats(*(f"A{n}" for n in range(1, 13)))
        take(desk.claims, Exactly("A3", "A9"))
        assert take(desk.claims, Run("seats", 4)).units == ("A4", "A5", "A6", "A7")
        assert take(desk.claims, Run("seats", 2)).units == ("A1", "A2")
        with pytest.raises(ClaimRefused):
            take(desk.claims, Run("seats", 4))

    def test_windows_that_touch_do_not_conflict(self, desk: Desk) -> None:
        desk.seats("A1")
        take(desk.claims, Exactly("A1", start=day(1), end=day(2)))
        take(desk.claims, Exactly("A1", start=day(2), end=day(3)))
        with pytest.raises(ClaimRefused):
            take(desk.other, Exactly("A1", start=day(1.5), end=day(2.5)))
        with pytest.raises(ClaimRefused):  # for ever is longer than any window
            take(desk.other, Exactly("A1"))

    def test_counts_stay_within_the_capacity_at_every_instant(self, desk: Desk) -> None:
        desk.claims.set_capacity("rooms", 3)
        for start, end in [(1, 5), (1, 3), (3, 5), (2, 4)]:
            take(desk.claims, Count("rooms", start=day(start), end=day(end)))
        with pytest.raises(ClaimRefused):
            take(desk.other, Count("rooms", start=day(2), end=day(3)))
        assert desk.other.free("rooms", start=day(2), end=day(3)) == 0
        assert desk.other.free("rooms", start=day(4), end=day(5)) == 1

    def test_a_stay_that_is_over_ends_by_itself(self, desk: Desk) -> None:
        desk.seats("A1")
        now = take(desk.claims, AnyOf("seats"), ttl=1).created_at
        desk.advance(1)
        held = take(desk.claims, Exactly("A1", start=now, end=now + timedelta(hours=1)))
        assert not desk.claims.get("A1").free
        desk.advance(3_600)
        assert desk.claims.get("A1").free
        assert not desk.claims.release(held.token)

    def test_the_same_key_is_the_same_claim_and_another_request_is_refused(self, desk: Desk) -> None:
        desk.seats("A1", "A2")
        first = take(desk.claims, AnyOf("seats"), ttl=10, key="k")
        assert take(desk.other, AnyOf("seats"), ttl=10, key="k") == first
        with pytest.raises(KeyMismatch):
            take(desk.other, AnyOf("seats"), ttl=11, key="k")
        assert desk.claims.release(first.token, key="r")
        take(desk.claims, AnyOf("seats"))
        assert desk.other.release(first.token, key="r")
        desk.advance(100_000)
        assert take(desk.other, AnyOf("seats"), ttl=10, key="k").id != first.id

    def test_the_same_key_a_hundred_times_at_once_is_one_claim(self, desk: Desk) -> None:
        desk.seats(*(f"A{n}" for n in range(9)))
        got: list[Claim] = []

        def ask() -> None:
            for n in range(25):
                got.append(take((desk.claims, desk.other)[n % 2], AnyOf("seats"), ttl=10, key="k"))

        at_once(*[ask] * 4)
        assert len(got) == 100
        assert len({(claim.id, claim.token) for claim in got}) == 1
        assert desk.claims.free("seats") == 8

    def test_eight_threads_never_get_one_unit_twice(self, desk: Desk) -> None:
        desk.seats(*(f"A{n}" for n in range(50)))
        got: list[str] = []
        refused: list[int] = []

        def ask(claims: Any) -> None:
            for _ in range(50):
                try:
                    got.extend(take(claims, AnyOf("seats")).units)
                except ClaimRefused:
                    refused.append(1)

        at_once(*(lambda c=claims: ask(c) for claims in (desk.claims, desk.other) for _ in range(4)))
        assert len(got) == len(set(got)) == 50
        assert len(refused) == 350

    def test_an_exclusive_owner_has_one_live_claim(self, desk: Desk) -> None:
        desk.seats("A1", "A2")
        first = take(desk.claims, AnyOf("seats"), ttl=10, exclusive=True)
        with pytest.raises(OwnerBusy) as busy:
            take(desk.other, AnyOf("seats"))
        assert busy.value.claim_id == first.id
        desk.advance(10)
        assert take(desk.other, AnyOf("seats"), exclusive=True).units == ("A1",)

    def test_extensions_count_from_now_and_are_bounded(self, desk: Desk) -> None:
        desk.seats("A1")
        held = take(desk.claims, AnyOf("seats"), ttl=10)
        for _ in range(2):
            desk.advance(9)
            held = desk.other.extend(held.token, ttl_seconds=10)
        with pytest.raises(TooManyExtensions):
            desk.claims.extend(held.token, ttl_seconds=10)
        assert desk.claims.get("A1").expires_at == held.expires_at
        desk.advance(10)
        with pytest.raises(ClaimExpired) as expired:
            desk.claims.extend(held.token, ttl_seconds=10)
        assert expired.value.expired_at == held.expires_at

    def test_out_of_service_is_not_handed_out_and_comes_back(self, desk: Desk) -> None:
        desk.seats("A1", "A2")
        desk.claims.set_service("A1", in_service=False)
        desk.other.set_service("A1", in_service=False)
        assert take(desk.other, AnyOf("seats")).units == ("A2",)
        with pytest.raises(ClaimRefused):
            take(desk.other, Exactly("A1"))
        desk.claims.set_service("A1", in_service=True)
        assert take(desk.other, AnyOf("seats")).units == ("A1",)

    def test_adding_is_idempotent_and_a_different_unit_is_refused(self, desk: Desk) -> None:
        desk.seats("A1")
        desk.other.add(Unit("A1", pool="seats", row="A", position=1))
        with pytest.raises(UnitConflict):
            desk.other.add(Unit("A1", pool="elsewhere"))
        with pytest.raises(UnitConflict):
            desk.other.add(Unit("X", pool="seats", row="A", position=1))
        assert desk.claims.free("seats") == 1
        with pytest.raises(UnknownPool):
            desk.claims.free("elsewhere")
        with pytest.raises(UnknownPool):
            take(desk.claims, AnyOf("elsewhere"))
        with pytest.raises(UnknownUnit):
            desk.claims.get("X")

    def test_changes_are_told_in_order_and_never_show_a_token(self, desk: Desk) -> None:
        desk.seats("A1", "A2")
        held = take(desk.claims, AnyOf("seats"), ttl=10)
        kept = take(desk.claims, AnyOf("seats"), ttl=10)
        desk.claims.confirm(kept.token)
        desk.advance(10)
        desk.claims.release(kept.token)
        told = desk.other.changes()
        assert [(each.what, each.claim_id) for each in told] == [
            ("held", held.id),
            ("held", kept.id),
            ("confirmed", kept.id),
            ("expired", held.id),
            ("released", kept.id),
        ]
        assert told[3].at == held.expires_at
        assert desk.other.changes(after=told[2].seq, limit=1) == told[3:4]
        assert held.token.reveal().split(".")[1] not in repr(told)

    def test_owners_have_their_claims_until_they_end(self, desk: Desk) -> None:
        desk.seats("A1", "A2")
        held, kept = take(desk.claims, AnyOf("seats"), ttl=10), take(desk.claims, AnyOf("seats"))
        assert desk.other.owned("ana") == (held, kept)
        desk.advance(10)
        assert desk.other.owned("ana") == (kept,)
        desk.claims.release(kept.token)
        assert desk.other.owned("ana") == ()

    async def test_tasks_do_the_same(self, desk: Desk) -> None:
        await desk.claims.aadd(*(Unit(f"A{n}", pool="seats") for n in range(5)))
        await desk.claims.aset_capacity("rooms", 1)
        await desk.claims.aset_service("A4", in_service=False)
        got = await asyncio.gather(*(desk.claims.aclaim(AnyOf("seats"), owner="a", ttl_seconds=9) for _ in range(4)))
        assert sorted(each.units[0] for each in got) == ["A0", "A1", "A2", "A3"]
        assert (await desk.claims.aconfirm(got[0].token)).state is ClaimState.CONFIRMED
        assert (await desk.claims.aextend(got[1].token, ttl_seconds=20)).id == got[1].id
        assert await desk.claims.arelease(got[2].token)
        assert len(await desk.claims.aowned("a")) == 3
        assert await desk.claims.afree("seats") == 1
        assert not (await desk.claims.aget("A4")).in_service
        assert len(await desk.claims.achanges()) == 7

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"owner": "", "ttl_seconds": 1}, "owner must be a text"),
            ({"owner": "a", "ttl_seconds": 0}, "ttl_seconds must be a finite number > 0"),
            ({"owner": "a", "ttl_seconds": 1e9}, "ttl_seconds must be a finite number > 0 and <="),
            ({"owner": "a", "ttl_seconds": 1, "key": ""}, "key must be a text"),
        ],
    )
    def test_nonsense_is_refused_before_anything_changed(self, desk: Desk, options: Any, message: str) -> None:
        desk.seats("A1")
        with pytest.raises(ValueError, match=message):
            desk.claims.claim(AnyOf("seats"), **options)
        with pytest.raises(ValueError, match="wants something"):
            desk.claims.claim(owner="a", ttl_seconds=1)
        assert desk.claims.free("seats") == 1


def take(claims: Any, *wants: Any, ttl: float | None = None, **options: Any) -> Claim:
    claim: Claim = claims.claim(*wants, owner="ana", ttl_seconds=ttl, **options)
    return claim


def at_once(*bodies: Callable[[], None]) -> None:
    failures: list[BaseException] = []

    def guarded(body: Callable[[], None]) -> None:
        try:
            body()
        except BaseException as error:  # noqa: BLE001 - told below
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not failures
