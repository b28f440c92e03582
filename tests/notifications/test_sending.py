"""What becomes of a message that is due: attempts, backoffs, leases, fences, limits, breakers, lanes, release."""

from datetime import timedelta
from typing import Any, get_args

import pytest

from lldkit.circuit_breaker import Breakers, CircuitBreaker, consecutive
from lldkit.notifications import (
    Accepted,
    Dead,
    Decided,
    Decision,
    FakeChannel,
    Later,
    Limit,
    Message,
    Mode,
    NotificationEvent,
    Outcome,
    Preferences,
    Priority,
    QuietHours,
    Reason,
    ReceiptEvent,
    Recipient,
    Refused,
    Retried,
    Route,
    Sent,
    Unclear,
    Verdict,
)
from lldkit.rate_limiter import RateLimiter, per_hour
from notifications.helpers import NOON, World

PLAIN = Route(to=("email",))


def test_a_message_is_stored_first_and_sent_when_it_is_due() -> None:
    world = World(PLAIN)
    receipt = world.notify()
    assert (world.sent(), world.states(receipt)) == ([], ["email queued"])
    assert world.run().sent == 1
    (message,) = world.channels["email"].sent
    assert (message.id, message.idempotency_key, message.address) == (f"{receipt}-1", f"{receipt}-1", "u1@example.com")
    assert (message.subject, message.text, message.attempt) == ("about x", "it is x", 1)
    assert world.run().sent == 0


def test_every_attempt_has_the_same_id_and_key() -> None:
    world = World(PLAIN, scripts={"email": [Later("busy"), Unclear("timeout"), Later("busy")]})
    receipt = world.notify()
    for _ in range(4):
        world.run(10)
    assert {(each.id, each.idempotency_key) for each in world.channels["email"].calls} == {(f"{receipt}-1",) * 2}
    assert [each.attempt for each in world.channels["email"].calls] == [1, 2, 3, 4]
    assert len(world.sent()) == 1
    assert world.states(receipt) == ["email sent"]


def test_a_retry_waits_for_its_backoff_or_for_what_the_provider_asks() -> None:
    world = World(PLAIN, scripts={"email": [Later("busy"), Later("busy", retry_after=60.0), Later("x", 1e9)]})
    world.notify()
    world.run()
    assert world.router.next_due() == NOON + timedelta(seconds=10)
    world.run(10)
    assert world.router.next_due() == NOON + timedelta(seconds=70)
    world.run(60)
    assert world.router.next_due() == NOON + timedelta(seconds=70, days=1)  # no provider is left alone for longer


def test_attempts_end_in_a_dead_letter_that_can_be_replayed_once() -> None:
    world = World(PLAIN, max_attempts=2, scripts={"email": [Later("busy"), Later("still busy")]})
    receipt = world.notify()
    world.run()
    assert world.run(10).dead == 1
    (dead,) = world.router.dead_letters()
    assert (dead.id, dead.reason, dead.attempts) == (f"{receipt}-1", "still busy", 2)
    again = world.router.replay(dead.id)
    assert world.router.replay(dead.id) == again
    assert world.router.dead_letters() == []
    world.run()
    assert [each.idempotency_key for each in world.channels["email"].calls] == [dead.id] * 3
    assert [each.state for each in world.router.deliveries(receipt)] == ["dead", "sent"]
    with pytest.raises(ValueError, match="only dead letters can be replayed"):
        world.router.replay(again.id)


def test_a_refusal_is_final_and_counts_one_attempt() -> None:
    world = World(PLAIN, scripts={"email": [Refused("unknown user")]})
    receipt = world.notify()
    assert world.run().dead == 1
    assert world.router.deliveries(receipt)[0].reason == "unknown user"
    assert [type(event) for event in world.events] == [Decided, Dead]


class Raising(FakeChannel):
    """A channel that breaks at its first call."""

    def send(self, message: Message, /) -> Outcome:
        if not self.calls:
            self.calls.append(message)
            raise RuntimeError("password=hunter2")
        return super().send(message)


def test_a_channel_that_raises_costs_its_own_delivery_an_attempt_and_tells_no_secret() -> None:
    world = World(PLAIN, channels={"email": (channel := Raising("email"))})
    first, second = world.notify(), world.notify()
    report = world.run()
    assert (report.sent, report.retried) == (1, 1)
    assert (world.states(first), world.states(second)) == (["email retrying"], ["email sent"])
    assert "hunter2" not in repr((world.router.deliveries(first), world.events))
    world.run(10)
    assert len(channel.sent) == 2


def test_an_answer_that_is_no_outcome_costs_its_own_delivery_an_attempt() -> None:
    class Mute(FakeChannel):
        def send(self, message: Message, /) -> Outcome:
            outcome = super().send(message)
            return outcome if len(self.sent) > 1 else None  # type: ignore[return-value]

    world = World(PLAIN, channels={"email": Mute("email")})
    first, second = world.notify(), world.notify()
    assert (world.run().retried, world.states(first), world.states(second)) == (1, ["email retrying"], ["email sent"])
    assert world.router.deliveries(first)[0].reason == "answered with a NoneType"
    world.run(10)
    assert world.states(first) == ["email sent"]


def test_a_directory_that_raises_costs_one_delivery_some_time() -> None:
    class Moody:
        broken = False

        def get(self, recipient_id: str, /) -> Recipient | None:
            if self.broken and recipient_id == "u1":
                raise OSError("down")
            return Recipient(recipient_id, {"email": f"{recipient_id}@example.com"})

    moody = Moody()
    world = World(PLAIN, directory=moody)
    first, second = world.notify(), world.notify(recipient="u2")
    moody.broken = True
    report = world.run()
    assert (report.sent, report.deferred) == (1, 1)
    assert (world.states(first), world.states(second)) == (["email deferred"], ["email sent"])
    moody.broken = False
    assert world.run(60).sent == 1


def test_who_cannot_say_how_to_unsubscribe_costs_one_delivery_some_time() -> None:
    down = {"u1"}

    def link(recipient: Recipient, category: str) -> str:
        if recipient.id in down:
            raise OSError("down")
        return f"https://shop.example/{category}/{recipient.id}"

    world = World(PLAIN, unsubscribe=link)
    world.directory.put(Recipient("u2", {"email": "u2@example.com"}))
    first, second = world.notify(), world.notify(recipient="u2")
    report = world.run()
    assert (report.sent, report.deferred) == (1, 1)
    assert (world.states(first), world.states(second)) == (["email deferred"], ["email sent"])
    assert world.router.deliveries(first)[0].attempts == 0
    down.clear()
    assert world.run(60).sent == 1
    assert world.channels["email"].sent[1].headers["List-Unsubscribe"] == "<https://shop.example/news/u1>"


def test_a_listener_that_raises_changes_nothing() -> None:
    def raising(_: object) -> None:
        raise RuntimeError

    world = World(PLAIN, on_event=raising)
    receipt = world.notify()
    assert world.run().sent == 1
    assert world.states(receipt) == ["email sent"]


def test_no_event_shows_an_address_or_a_content() -> None:
    world = World(PLAIN, scripts={"email": [Later("busy")]})
    world.notify(data={"name": "TOP SECRET"})
    world.run()
    world.run(10)
    assert [type(event) for event in world.events] == [Decided, Retried, Sent]
    told = repr((world.events, world.channels["email"].sent))
    assert "example.com" not in told
    assert "TOP SECRET" not in told


def test_every_event_is_told_and_none_shows_an_address() -> None:
    chain = Route(matchers=("category=alert",), to=("push", "sms"), mode=Mode.FALLBACK)
    world = World(Route(to=("email",), routes=(chain,)), scripts={"push": [Refused("gone")], "sms": [Later("busy")]})
    alert, news = world.notify("alert"), world.notify()
    world.run()
    world.run()
    world.recipient(preferences=Preferences(quiet=QuietHours("13:59", "15:00")))  # it is 14:00 in Berlin
    world.run(10)
    world.recipient()
    world.run(3_600)
    world.run(60)
    world.router.record(ReceiptEvent.DELIVERED, message_id=f"{alert}-2")
    world.router.record(ReceiptEvent.BOUNCED, message_id=f"{news}-1")
    late = world.notify("order")
    world.router.unsuppress("email", "u1@example.com")
    later = world.notify("order")
    world.recipient(preferences=Preferences(channels={"email": False}))
    world.run()
    assert (world.states(late), world.states(later)) == (["email suppressed"], ["email suppressed"])
    assert {type(event) for event in world.events} == set(get_args(NotificationEvent))
    assert not [word for word in ("example.com", "+15550100", "token-1", "it is") if word in repr(world.events)]
    assert all(event.at.utcoffset() == timedelta(0) for event in world.events)


# --- leases and fences ---


def test_a_lost_worker_is_replaced_when_its_lease_has_run_out() -> None:
    world = World(PLAIN)
    receipt = world.notify()
    sender = world.router._sender
    (claimed,) = sender.claim(world.router._lanes, "email", 1)
    assert sender.begin(*claimed) is not None
    assert world.states(receipt) == ["email sending"]
    assert world.run(59.9).sent == 0
    assert world.router.next_due() == NOON + timedelta(seconds=60)
    assert world.run(0.1).sent == 1
    assert world.channels["email"].sent[0].attempt == 2


def test_the_outcome_of_the_slow_worker_is_refused_by_its_fence() -> None:
    world = World(PLAIN)
    receipt = world.notify()

    class Slow(FakeChannel):
        def send(self, message: Message, /) -> Outcome:
            world.clock.advance(61)  # and while it is at it, the other takes over
            world.router.run_due()
            return Refused("too late to matter")

    world.again(channels={"email": Slow("email")}).run_due()
    assert world.states(receipt) == ["email sent"]
    assert world.router.deliveries(receipt)[0].attempts == 2


def test_while_the_second_worker_is_sending_the_outcome_of_the_first_is_refused() -> None:
    world = World(PLAIN)
    receipt = world.notify()
    sender = world.router._sender
    attempts = []
    for _ in range(2):
        (claimed,) = sender.claim(world.router._lanes, "email", 1)
        begun = sender.begin(*claimed)
        assert begun is not None
        attempts.append(begun[0])
        world.clock.advance(61)
    sender._settle(attempts[0], Refused("too late"))
    assert world.states(receipt) == ["email sending"]
    sender._settle(attempts[1], Accepted("p-2"))
    assert world.states(receipt) == ["email sent"]
    assert world.router.deliveries(receipt)[0].provider_id == "p-2"


def test_who_never_lives_to_settle_kills_no_more_than_the_most_workers() -> None:
    world = World(PLAIN, max_attempts=3)
    receipt = world.notify()
    sender = world.router._sender
    for number in range(4):
        (claimed,) = sender.claim(world.router._lanes, "email", 1)
        assert (sender.begin(*claimed) is not None) is (number < 3)
        world.clock.advance(60)
    assert world.states(receipt) == ["email dead"]


def test_an_interrupted_run_ends_its_leases() -> None:
    class Interrupting(FakeChannel):
        def send(self, message: Message, /) -> Outcome:
            self.calls.append(message)
            if len(self.calls) == 2:
                raise KeyboardInterrupt
            return Accepted(message.id)

    world = World(PLAIN)
    first, second, third = (world.notify() for _ in range(3))
    with pytest.raises(KeyboardInterrupt):
        world.again(channels={"email": Interrupting("email")}).run_due()
    assert [world.states(each)[0] for each in (first, second, third)] == [
        "email sent",
        "email retrying",
        "email queued",
    ]
    assert world.run().sent == 2


# --- limits and breakers ---


def limited(world_limits: list[Limit], **given: Any) -> World:
    return World(Route(to=("sms",)), limits=world_limits, **given)


def test_ten_messages_at_five_per_hour_are_sent_five_now_and_five_later_in_order() -> None:
    world = World(Route(to=("sms",)))
    limiter = RateLimiter(per_hour(5), clock=world.clock)
    router = world.again(limits=[Limit(limiter, per="recipient", channel="sms")])
    for number in range(10):
        router.notify("u1", "news", {"name": str(number)})
    assert router.run_due().sent == 5
    for _ in range(5):
        world.clock.advance(720)
        router.run_due()
    assert world.sent("sms") == [f"it is {number}" for number in range(10)]


def test_a_limit_is_seen_when_a_message_is_taken_and_nothing_is_drawn() -> None:
    world = World(Route(to=("sms",)))
    limiter = RateLimiter(per_hour(1), clock=world.clock)
    router = world.again(limits=[Limit(limiter, per="recipient")])
    router.notify("u1", "news", {"name": "x"})
    assert router.notify("u1", "news", {"name": "x"}).decisions[0].verdict is Verdict.SEND
    router.run_due()
    (decision,) = router.notify("u1", "news", {"name": "x"}).decisions
    until = NOON + timedelta(hours=1)
    assert decision == Decision("sms", Verdict.DEFER, Reason.RATE_LIMITED, until, "limits and breakers")


def test_a_limit_that_refuses_leaves_the_tokens_of_the_others() -> None:
    world = World(Route(to=("sms",)))
    wide, narrow = (RateLimiter(per_hour(count), clock=world.clock) for count in (5, 1))
    router = world.again(limits=[Limit(wide, per="total"), Limit(narrow, per="recipient")])
    for _ in range(3):
        router.notify("u1", "news", {"name": "x"})
    report = router.run_due()
    assert (report.sent, report.deferred) == (1, 2)
    assert wide.peek(("total", "")).remaining == 4


def test_a_limit_counts_its_channel_and_its_priorities_only() -> None:
    world = World(Route(to=("sms", "email")))
    limiter = RateLimiter(per_hour(1), clock=world.clock)
    limit = Limit(limiter, per="category", channel="sms", priorities={Priority.LOW})
    router = world.again(limits=[limit])
    for priority in (Priority.LOW, Priority.LOW, Priority.HIGH):
        router.notify("u1", "news", {"name": priority.value}, priority=priority)
    router.run_due()
    assert sorted(map(str, world.sent("sms"))) == ["it is high", "it is low"]
    assert len(world.sent("email")) == 3
    with pytest.raises(ValueError, match="per must be one of"):
        Limit(limiter, per="planet")  # type: ignore[arg-type]


def breakers(world: World, failures: int = 2) -> Breakers:
    return Breakers(lambda name: CircuitBreaker(name, trip=consecutive(failures), clock=world.clock, jitter=0.0))


def test_an_open_breaker_costs_no_attempt() -> None:
    world = World(PLAIN, scripts={"email": [Later("down"), Later("down")]})
    router = world.again(breakers=breakers(world))
    receipts = [router.notify("u1", "news", {"name": "x"}).id for _ in range(3)]
    report = router.run_due()
    assert (report.retried, report.deferred) == (2, 1)
    (last,) = router.deliveries(receipts[-1])
    assert (last.attempts, last.reason, last.due_at) == (0, "breaker_open", NOON + timedelta(seconds=30))
    world.clock.advance(30)
    assert router.run_due().sent == 3


def test_an_open_breaker_lets_the_next_channel_start_at_once() -> None:
    world = World(Route(to=("push", "sms"), mode=Mode.FALLBACK), scripts={"push": [Later("down")]})
    router = world.again(breakers=breakers(world, failures=1))
    first, second = (router.notify("u1", "news", {"name": "x"}).id for _ in range(2))
    router.run_due()
    router.run_due()
    assert world.states(second) == ["push suppressed", "sms sent"]
    third = router.notify("u1", "news", {"name": "x"})
    assert [(each.channel, each.verdict, each.reason) for each in third.decisions] == [
        ("push", Verdict.SUPPRESS, Reason.BREAKER_OPEN),
        ("sms", Verdict.SEND, Reason.ROUTED),
    ]
    assert world.states(first) == ["push retrying", "sms standby"]
