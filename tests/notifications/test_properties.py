"""Laws that hold for all inputs, against naive models."""

from datetime import UTC, datetime, timedelta

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lldkit.clock import MICRO
from lldkit.notifications import (
    DEFAULT_LANES,
    Digest,
    Matcher,
    MatcherSyntaxError,
    Priority,
    QuietHours,
    ReceiptEvent,
    Route,
    parse_matchers,
)
from lldkit.notifications.digest import closes_at
from lldkit.notifications.lanes import shares
from notifications.helpers import World

MINUTE = timedelta(minutes=1)
WALLS = st.integers(0, 24 * 60 - 1).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")
HOURS = st.tuples(WALLS, WALLS).filter(lambda pair: pair[0] != pair[1])
INSTANTS = st.integers(0, 2 * 366 * 24 * 60).map(lambda minute: datetime(2023, 6, 1, tzinfo=UTC) + minute * MINUTE)
WORDS = st.text('ab=~!,{}"\\ \n\x00ü🙂', max_size=8)
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca", "UTC"]


@settings(deadline=None)
@given(HOURS, INSTANTS)
def test_where_no_clock_changes_quiet_hours_are_a_matter_of_minutes(hours: tuple[str, str], instant: datetime) -> None:
    start, end = (int(text[:2]) * 60 + int(text[3:]) for text in hours)
    minute = instant.hour * 60 + instant.minute
    left = (end - minute) % 1_440 or 1_440
    is_quiet = (minute - start) % 1_440 < (end - start) % 1_440
    assert QuietHours(*hours).until(instant, "UTC") == (instant + left * MINUTE if is_quiet else None)


@settings(deadline=None)
@given(HOURS, INSTANTS, st.sampled_from(ZONES))
def test_quiet_hours_end_later_and_when_they_end_it_is_not_quiet(
    hours: tuple[str, str], instant: datetime, zone: str
) -> None:
    quiet = QuietHours(*hours)
    until = quiet.until(instant, zone)
    assume(until is not None)
    assert until is not None
    assert until > instant
    assert quiet.until(until, zone) is None
    before = until - timedelta(microseconds=1)
    assert before < instant or quiet.until(before, zone) == until


@settings(deadline=None)
@given(WORDS, st.sampled_from(["=", "!="]), WORDS)
def test_a_matcher_that_was_written_is_read_again(name: str, operator: str, value: str) -> None:
    matcher = Matcher(name, operator, value)  # type: ignore[arg-type]
    assert parse_matchers(str(matcher)) == (matcher,)


@settings(deadline=None)
@given(st.text(alphabet='ab=~!,{}" \\', max_size=12))
def test_any_text_is_matchers_or_an_error_with_a_position_inside(text: str) -> None:
    found = MatcherSyntaxError("", 0)
    try:
        parse_matchers(text)
    except MatcherSyntaxError as error:
        found = error
    assert 0 <= found.position <= len(text)


@settings(deadline=None)
@given(st.integers(1, 10_000), st.fixed_dictionaries({each: st.integers(1, 100) for each in Priority}))
def test_every_lane_has_a_share_and_all_together_hardly_more_than_the_batch(
    size: int, weights: dict[Priority, int]
) -> None:
    found = shares(weights, size)
    assert list(found) == list(Priority)
    assert min(found.values()) >= 1
    assert sum(found.values()) <= size + len(Priority)
    for priority, share in found.items():
        assert abs(share - max(1.0, size * weights[priority] / sum(weights.values()))) <= 0.5
    assert list(shares(DEFAULT_LANES, 15).values()) == [8, 4, 2, 1]


@settings(deadline=None)
@given(st.lists(st.integers(1, 100), min_size=1, max_size=20), st.integers(1, 60), st.integers(0, 120))
def test_a_sliding_digest_closes_after_silence_or_at_its_greatest_age(gaps: list[int], window: int, more: int) -> None:
    digest = Digest(window_seconds=window, sliding=True, max_age_seconds=window + more)
    opened = now = 0
    closes = closes_at(digest, opened, now)
    for gap in gaps:
        if now + gap * MICRO >= closes:
            break
        now += gap * MICRO
        later = closes_at(digest, opened, now)
        assert later >= closes
        closes = later
    assert closes == min(now + window * MICRO, (window + more) * MICRO)


ORDER = ["sent", "delivered", "read", "acknowledged"]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from([ReceiptEvent.DELIVERED, ReceiptEvent.READ, ReceiptEvent.ACKNOWLEDGED]), max_size=6))
def test_receipts_never_lead_backwards(events: list[ReceiptEvent]) -> None:
    world = World(Route(to=("email",)))
    receipt = world.notify()
    world.run()
    furthest = "sent"
    for event in events:
        moved = world.router.record(event, message_id=f"{receipt}-1") == "applied"
        assert moved is (ORDER.index(event) > ORDER.index(furthest))
        furthest = max(furthest, event, key=ORDER.index)
    assert world.states(receipt) == [f"email {furthest}"]
