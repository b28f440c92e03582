"""Random windows and random histories, against models that look at every instant and every unit."""

import contextlib
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from claims.contract import Desk, day, take
from claims.helpers import memory_desk
from lldkit.claims import AnyOf, Claim, ClaimError, ClaimRefused, Count, Exactly, Run, Want
from lldkit.claims.windows import Windows

spans = st.tuples(st.integers(0, 12), st.integers(1, 6), st.integers(1, 3)).map(lambda s: (s[0], s[0] + s[1], s[2]))


@settings(deadline=None)
@given(st.lists(spans, max_size=20), st.lists(st.integers(0, 19)), spans)
def test_the_peak_is_what_a_count_at_every_instant_says(
    added: list[tuple[int, int, int]], removed: list[int], asked: tuple[int, int, int]
) -> None:
    windows, levels = Windows(), [0] * 40

    def change(span: tuple[int, int, int], sign: int) -> None:
        start, end, n = span
        windows.add("t", start, end, sign * n)
        for instant in range(start, end):
            levels[instant] += sign * n

    for span in added:
        change(span, 1)
    for index in {index for index in removed if index < len(added)}:
        change(added[index], -1)
    assert windows.peak("t", asked[0], asked[1]) == max(levels[asked[0] : asked[1]])


@settings(deadline=None)
@given(st.integers(1, 4), st.lists(spans, max_size=15))
def test_counts_are_admitted_exactly_while_they_fit(capacity: int, wanted: list[tuple[int, int, int]]) -> None:
    desk = memory_desk()
    desk.claims.set_capacity("rooms", capacity)
    levels = [0] * 40
    for start, end, n in wanted:
        fits = max(levels[start:end]) + n <= capacity
        try:
            take(desk.claims, Count("rooms", n, start=day(start), end=day(end)))
        except ClaimRefused:
            assert not fits
        else:
            assert fits
            for instant in range(start, end):
                levels[instant] += n


steps = st.lists(
    st.tuples(
        st.sampled_from(["any", "exactly", "run", "window", "confirm", "release", "wait", "service"]),
        st.integers(0, 7),
        st.integers(0, 1),
    ),
    max_size=40,
)


def happen(desk: Desk, held: list[Claim], *, what: str, pick: int, which: int) -> None:
    """One step of a history."""
    claims = (desk.claims, desk.other)[which]
    wants: dict[str, Want] = {
        "any": AnyOf("seats"),
        "exactly": Exactly(f"A{pick}", f"A{(pick + 3) % 8}"),
        "run": Run("seats", 1 + pick % 4),
        "window": Exactly(f"A{pick}", start=day(pick), end=day(pick + 2)),
    }
    if what in wants:
        held.append(take(claims, wants[what], ttl=10 + pick))
    elif what == "wait":
        desk.advance(1 + pick)
    elif what == "service":
        claims.set_service(f"A{pick}", in_service=bool(which))
    elif held:
        (claims.confirm if what == "confirm" else claims.release)(held[pick % len(held)].token)


@settings(deadline=None, max_examples=60)
@given(steps)
def test_in_any_history_a_unit_has_one_owner_and_the_count_of_free_ones_is_right(
    history: list[tuple[str, int, int]],
) -> None:
    desk = memory_desk()
    names = [f"A{n}" for n in range(8)]
    desk.seats(*names)
    held: list[Claim] = []
    for what, pick, which in history:
        with contextlib.suppress(ClaimError):
            happen(desk, held, what=what, pick=pick, which=which)
        live = desk.claims.owned("ana")
        taken = [unit for claim in live for unit in claim.units]
        windowed = {window.target for claim in live for window in claim.windows}
        out = {name for name in names if not desk.other.get(name).in_service}
        assert len(taken) == len(set(taken))
        assert desk.other.free("seats") == 8 - len(set(taken) | windowed | out)
        assert desk.claims._replica.state.dump() == desk.other._replica.state.dump()


def test_holds_that_end_at_different_times_end_in_their_order() -> None:
    desk = memory_desk()
    desk.seats(*(f"A{n}" for n in range(9)))
    order = [5, 1, 9, 3, 7]
    made = {ttl: take(desk.claims, AnyOf("seats"), ttl=ttl).id for ttl in order}
    desk.advance(10)
    told = [(change.claim_id, change.at) for change in desk.other.changes() if change.what == "expired"]
    assert [claim_id for claim_id, _ in told] == [made[ttl] for ttl in sorted(order)]
    assert told[-1][1] - told[0][1] == timedelta(seconds=8)
