"""Every claim of safety for threads, under the deterministic scheduler."""

from collections.abc import Callable
from typing import Any

from claims.contract import take
from claims.helpers import memory_desk
from lldkit import interleave
from lldkit.claims import AnyOf, ClaimExpired, ClaimLost, ClaimRefused, Exactly, MemoryClaims, Unit
from lldkit.clock import ManualClock

INCLUDE = ["lldkit.claims"]
Program = tuple[dict[str, Callable[[], object]], Callable[[], object]]


def prove(program: Callable[[], Program], *, schedules: int = 80) -> None:
    interleave.explore(program, schedules=schedules, include=INCLUDE).assert_ok()


def seats(count: int, **options: Any) -> MemoryClaims:
    claims = MemoryClaims(**({"clock": ManualClock()} | options))
    claims.add(*(Unit(f"A{n}", pool="seats") for n in range(count)))
    return claims


def test_a_unit_is_never_in_two_live_claims() -> None:
    def program() -> Program:
        claims, got, refused = seats(2), list[str](), list[int]()

        def body() -> None:
            try:
                got.extend(take(claims, AnyOf("seats")).units)
            except ClaimRefused:
                refused.append(1)

        return {"x": body, "y": body, "z": body}, lambda: sorted(got) == ["A0", "A1"] and len(refused) == 1

    prove(program)


def test_two_replicas_of_one_journal_never_give_a_unit_twice() -> None:
    def program() -> Program:
        desk, got, refused = memory_desk(), list[str](), list[int]()
        desk.seats("A1", "A2")

        def body(claims: Any) -> None:
            try:
                got.extend(take(claims, AnyOf("seats")).units)
            except ClaimRefused:
                refused.append(1)

        bodies: dict[str, Callable[[], object]] = {
            "x": lambda: body(desk.claims),
            "y": lambda: body(desk.other),
            "z": lambda: body(desk.other),
        }
        return bodies, lambda: sorted(got) == ["A1", "A2"] and len(refused) == 1

    prove(program)


def test_opposite_orders_do_not_lock_each_other_out() -> None:
    def program() -> Program:
        claims, got = seats(2), list[tuple[str, ...]]()

        def body(*ids: str) -> None:
            try:
                got.append(take(claims, Exactly(*ids)).units)
            except ClaimRefused:
                got.append(())

        bodies: dict[str, Callable[[], object]] = {"x": lambda: body("A0", "A1"), "y": lambda: body("A1", "A0")}
        return bodies, lambda: sorted(got) == [(), ("A0", "A1")]

    prove(program)


def test_of_a_confirmation_and_the_next_claim_exactly_one_wins() -> None:
    def program() -> Program:
        clock = ManualClock()
        claims = seats(1, clock=clock)
        held, won = take(claims, AnyOf("seats"), ttl=10), list[str]()
        clock.advance(9)

        def confirm() -> None:
            try:
                claims.confirm(held.token)
                won.append("first")
            except (ClaimExpired, ClaimLost):
                pass

        def reclaim() -> None:
            clock.advance(1)
            try:
                take(claims, AnyOf("seats"))
                won.append("second")
            except ClaimRefused:
                pass

        return {"x": confirm, "y": reclaim}, lambda: len(won) == 1

    prove(program)


def test_releases_at_once_say_true_once() -> None:
    def program() -> Program:
        claims, said = seats(1), list[bool]()
        held = take(claims, AnyOf("seats"))

        def body() -> None:
            said.append(claims.release(held.token))

        return {"x": body, "y": body}, lambda: sorted(said) == [False, True] and claims.free("seats") == 1

    prove(program)


def test_a_listener_may_call_the_claims_again() -> None:
    told: list[int] = []

    def listen(_: object) -> None:
        told.append(claims.free("seats"))

    claims = seats(2, on_event=listen)
    held = take(claims, AnyOf("seats"), ttl=10)
    claims.confirm(held.token)
    claims.release(held.token)
    assert told == [1, 1, 2]
