"""Idempotency keys alone, as an HTTP handler uses them: on every store."""

from collections.abc import Callable

import pytest

from lldkit.clock import ManualClock
from lldkit.payments.canonical import fingerprint
from lldkit.payments.errors import IdempotencyInProgress, IdempotencyKeyInvalid, IdempotencyMismatch, LeaseLost
from lldkit.payments.idempotency import Claim, Idempotency, Replay
from lldkit.payments.memory import MemoryStore
from lldkit.payments.store import Store

ORDER = fingerprint(b'{"a": 1, "b": 2.0}')
SHOP = ("shop", "pay")


class Handler:
    """Keys of one handler, with a clock of the test."""

    def __init__(self, store: Store) -> None:
        self.clock = ManualClock()
        self.keys = Idempotency(store=store, clock=self.clock, max_response_bytes=10)

    def begin(self, key: str = "k", scope: tuple[str, ...] = SHOP, request: str = ORDER) -> Claim | Replay:
        return self.keys.begin(key, scope=scope, fingerprint=request)

    def claimed(self) -> Claim:
        claim = self.begin()
        assert isinstance(claim, Claim)
        return claim


@pytest.fixture
def handler(store: Store) -> Handler:
    return Handler(store)


def test_a_live_claim_is_not_taken_one_microsecond_before_its_lease_ends(handler: Handler) -> None:
    first = handler.claimed()
    assert (first.fence, first.is_new) == (1, True)
    handler.clock.advance(30 - 1e-6)
    with pytest.raises(IdempotencyInProgress) as caught:
        handler.begin()
    assert caught.value.retry_after == pytest.approx(1e-6)
    handler.clock.advance(1e-6)
    second = handler.claimed()
    assert (second.fence, second.is_new) == (2, False)


@pytest.mark.parametrize(
    "end", [lambda keys, claim: keys.complete(claim, b"late"), Idempotency.release], ids=["complete", "release"]
)
def test_whoever_was_overtaken_cannot_end_the_work_of_the_next(
    handler: Handler, end: Callable[[Idempotency, Claim], None]
) -> None:
    first = handler.claimed()
    handler.clock.advance(30)
    second = handler.claimed()
    with pytest.raises(LeaseLost) as caught:
        end(handler.keys, first)
    assert caught.value.fence == 1
    handler.keys.complete(second, b"done")
    assert handler.begin() == Replay(b"done")
    with pytest.raises(LeaseLost):
        end(handler.keys, first)


def test_an_owner_whose_lease_is_over_may_end_its_work_if_nobody_has_taken_over(handler: Handler) -> None:
    claim = handler.claimed()
    handler.clock.advance(3_600)
    handler.keys.complete(claim, b"done")
    assert handler.begin() == Replay(b"done")


def test_one_key_is_one_request_and_its_outcome_is_kept_for_a_day(handler: Handler) -> None:
    handler.keys.complete(handler.claimed(), b"done")
    assert handler.begin(request=fingerprint(b'{"b":2,"a":1}')) == Replay(b"done")
    with pytest.raises(IdempotencyMismatch):
        handler.begin(request=fingerprint(b'{"a": "1", "b": 2}'))
    handler.clock.advance(86_400 - 1e-6)
    assert handler.begin() == Replay(b"done")
    handler.clock.advance(1e-6)
    assert handler.claimed().fence == 2


def test_scopes_do_not_meet(handler: Handler) -> None:
    handler.claimed()
    others = [("k", ("other", "pay")), ("k", ("shop", "refund")), ("pay", ("shop", "k")), ("k", ("shop",))]
    assert [type(handler.begin(key, scope)) for key, scope in others] == [Claim] * 4


def test_a_released_key_is_free_for_any_request(handler: Handler) -> None:
    handler.keys.release(handler.claimed())
    assert isinstance(handler.begin(request="another"), Claim)


def test_a_released_key_keeps_its_fence_so_that_whoever_was_overtaken_stays_so(handler: Handler) -> None:
    slow = handler.claimed()
    handler.clock.advance(30)
    handler.keys.release(handler.claimed())
    third = handler.claimed()
    assert (third.fence, third.is_new) == (3, True)
    with pytest.raises(LeaseLost):
        handler.keys.complete(slow, b"late")
    handler.keys.complete(third, b"done")
    assert handler.begin() == Replay(b"done")


@pytest.mark.parametrize(
    "end", [lambda keys, claim: keys.complete(claim, b"again"), Idempotency.release], ids=["complete", "release"]
)
def test_what_is_ended_cannot_be_ended_again(handler: Handler, end: Callable[[Idempotency, Claim], None]) -> None:
    done = handler.claimed()
    handler.keys.complete(done, b"done")
    with pytest.raises(LeaseLost):
        end(handler.keys, done)
    assert handler.begin() == Replay(b"done")
    other = handler.begin("j")
    assert isinstance(other, Claim)
    handler.keys.release(other)
    with pytest.raises(LeaseLost):
        end(handler.keys, other)
    assert isinstance(handler.begin("j", request="another"), Claim)


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_a_key_has_1_to_255_characters(key: str) -> None:
    with pytest.raises(IdempotencyKeyInvalid, match="1 to 255 characters"):
        Handler(MemoryStore()).begin(key)


def test_a_response_is_bounded_and_one_that_is_too_long_is_not_kept() -> None:
    handler = Handler(MemoryStore())
    claim = handler.claimed()
    with pytest.raises(ValueError, match="at most 10 bytes, got 11"):
        handler.keys.complete(claim, b"x" * 11)
    handler.keys.complete(claim, b"x" * 10)
