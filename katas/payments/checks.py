"""The directed checks and the scenarios of payments."""

import contextlib
import itertools
import json

from interface import (
    SECRET,
    AmountExceeded,
    Balance,
    Bus,
    Claim,
    Declined,
    Gateway,
    GatewayTimeout,
    Host,
    InProgress,
    InvalidTransition,
    Killed,
    LeaseLost,
    Mismatch,
    OutcomeUnknown,
    Paid,
    Payment,
    Replay,
    Signed,
    SignatureInvalid,
    Store,
    Transition,
    UnknownPayment,
    signature,
)
from lldkit.dojo.author import Desk, check, scenario


def refused(desk, error, call, *args, **kwargs):
    """The error, of this type, that a call raises."""
    caught = []

    def noting():
        try:
            return call(*args, **kwargs)
        except error as raised:
            caught.append(raised)
            raise

    desk.raises(error, noting)
    return caught[0]


def authorized(desk, amount=100, **options):
    """Payments with one that is authorized."""
    payments = desk.make(clock=desk.clock(), **options)
    payments.create(amount)
    payments.apply("p1", "confirm")
    payments.apply("p1", "authorize")
    return payments


# -- level 1: what may follow what ---------------------------------------------------------------------------------


@check(level=1)
def a_payment_takes_its_road(desk: Desk) -> None:
    """An order that is shipped before it is paid, or paid and never shipped: both begin with a wrong state."""
    clock = desk.clock()
    payments = desk.make(clock=clock)
    desk.expect(payments.create(100), "p1")
    desk.expect(payments.create(50), "p2")
    desk.expect(payments.state("p1"), "created")
    desk.expect(payments.apply("p1", "confirm"), "processing")
    clock.advance(2)
    desk.expect(payments.apply("p1", "challenge"), "requires_action")
    desk.expect(payments.apply("p1", "authorize"), "authorized")
    desk.expect(payments.apply("p1", "capture"), "captured")
    desk.expect(payments.state("p2"), "created")
    desk.expect(
        payments.history("p1"),
        [
            Transition("created", "confirm", "processing", 0.0),
            Transition("processing", "challenge", "requires_action", 2.0),
            Transition("requires_action", "authorize", "authorized", 2.0),
            Transition("authorized", "capture", "captured", 2.0),
        ],
    )
    desk.expect(payments.history("p2"), [])


@check(level=1)
def without_a_clock_it_is_the_machines(desk: Desk) -> None:
    """Who only wants to try it out should not have to build a clock first."""
    payments = desk.make()
    payments.create(100)
    desk.expect(payments.apply("p1", "void"), "voided")


@check(level=1, kills=["w01"])
def final_states_are_final(desk: Desk) -> None:
    """A voided payment that is captured after all takes money for goods that nobody sends."""
    for events in (("confirm", "authorize", "capture"), ("void",), ("confirm", "authorize", "expire")):
        desk.afresh()
        payments = desk.make(clock=desk.clock())
        payments.create(100)
        for event in events:
            payments.apply("p1", event)
        for event in ("confirm", "authorize", "capture", "void", "expire", "decline"):
            error = refused(desk, InvalidTransition, payments.apply, "p1", event)
            desk.true(error.allowed == (), "nothing is allowed", f"allowed: {error.allowed}")
        desk.expect(len(payments.history("p1")), len(events))


@check(level=1, kills=["w02"])
def a_declined_card_is_not_the_end(desk: Desk) -> None:
    """One card in ten is declined; most of these customers have another one."""
    payments = desk.make(clock=desk.clock())
    payments.create(100)
    payments.apply("p1", "confirm")
    desk.expect(payments.apply("p1", "decline"), "created")
    payments.apply("p1", "confirm")
    payments.apply("p1", "challenge")
    desk.expect(payments.apply("p1", "decline"), "created")
    payments.apply("p1", "confirm")
    desk.expect(payments.apply("p1", "authorize"), "authorized")


@check(level=1, kills=["w03"])
def the_history_is_a_copy(desk: Desk) -> None:
    """An audit trail that any reader can empty is none."""
    payments = desk.make(clock=desk.clock())
    payments.create(100)
    payments.apply("p1", "confirm")
    desk.quietly('payments.history("p1").clear()', lambda: payments.history("p1").clear())
    desk.expect(len(payments.history("p1")), 1)


@check(level=1)
def what_is_refused_says_what_is_allowed(desk: Desk) -> None:
    """ "Invalid state" in a log at night is no help; the state, the event and what would be right are."""
    payments = desk.make(clock=desk.clock())
    payments.create(100)
    payments.apply("p1", "confirm")
    error = refused(desk, InvalidTransition, payments.apply, "p1", "capture")
    found = (error.state, error.event, error.allowed)
    desk.expect(found, ("processing", "capture", ("authorize", "challenge", "decline")))
    desk.expect(payments.state("p1"), "processing")
    desk.expect(len(payments.history("p1")), 1)
    payments.apply("p1", "authorize")
    error = refused(desk, InvalidTransition, payments.apply, "p1", "confirm")
    seen = [event for event in error.allowed if event != "part"]  # level 2 adds it
    desk.true(seen == ["capture", "expire", "void"], "capture, expire and void are allowed", f"allowed: {seen}")


@check(level=1)
def what_cannot_be_is_refused(desk: Desk) -> None:
    """An order over -5 pays the customer."""
    payments = desk.make(clock=desk.clock())
    for amount in (0, -5, True, 1.0, "5", None):
        desk.raises(ValueError, payments.create, amount)
    desk.expect(payments.create(1), "p1")
    desk.raises(ValueError, payments.apply, "p1", "pay")
    for call in (payments.state, payments.history):
        desk.raises(UnknownPayment, call, "p2")
    desk.raises(UnknownPayment, payments.apply, "p2", "confirm")


# -- level 2: parts of an amount -----------------------------------------------------------------------------------


@check(level=2, kills=["w06"])
def the_last_capture_releases_the_rest(desk: Desk) -> None:
    """Money that stays blocked on a card for a week makes its owner call the bank, and then you."""
    payments = authorized(desk)
    desk.expect(payments.get("p1"), Payment("p1", "authorized", 100, 100, 0, 0))
    desk.expect(payments.capture("p1", 60), Payment("p1", "captured", 100, 0, 60, 0))
    desk.expect(payments.get("p1"), Payment("p1", "captured", 100, 0, 60, 0))
    desk.raises(InvalidTransition, payments.capture, "p1", 10)


@check(level=2)
def an_order_is_captured_in_parts(desk: Desk) -> None:
    """Goods are sent in two parcels, and money may be taken for what has left the house."""
    payments = authorized(desk)
    desk.expect(payments.capture("p1", 60, final=False), Payment("p1", "partially_captured", 100, 40, 60, 0))
    error = refused(desk, AmountExceeded, payments.capture, "p1", 41)
    desk.expect((error.requested, error.available), (41, 40))
    desk.expect(payments.refund("p1", 5).held, 40)
    error = refused(desk, AmountExceeded, payments.capture, "p1", 41)
    desk.expect((error.requested, error.available), (41, 40))
    desk.expect(payments.capture("p1", 10, final=False), Payment("p1", "partially_captured", 100, 30, 70, 5))
    error = refused(desk, InvalidTransition, payments.apply, "p1", "confirm")
    desk.expect(error.allowed, ("capture", "expire", "part", "void"))
    desk.expect(payments.capture("p1"), Payment("p1", "captured", 100, 0, 100, 5))
    desk.expect([line.event for line in payments.history("p1")], ["confirm", "authorize", "part", "part", "capture"])


@check(level=2, needs=["an_order_is_captured_in_parts"])
def a_capture_of_all_is_the_last(desk: Desk) -> None:
    """A payment that waits for a capture of nothing is never done."""
    payments = authorized(desk)
    payments.capture("p1", 60, final=False)
    desk.expect(payments.capture("p1", 40, final=False), Payment("p1", "captured", 100, 0, 100, 0))


@check(level=2, needs=["an_order_is_captured_in_parts"])
def what_was_taken_stays_taken(desk: Desk) -> None:
    """The first parcel has left; the second one is cancelled."""
    for event in ("void", "expire"):
        desk.afresh()
        payments = authorized(desk)
        payments.capture("p1", 60, final=False)
        desk.expect(payments.apply("p1", event), "captured")
        desk.expect(payments.get("p1"), Payment("p1", "captured", 100, 0, 60, 0))
    desk.afresh()
    payments = authorized(desk)
    payments.apply("p1", "void")
    desk.expect(payments.get("p1"), Payment("p1", "voided", 100, 0, 0, 0))


@check(level=2, kills=["w04"])
def no_more_comes_back_than_was_taken(desk: Desk) -> None:
    """A refund of the ordered 100, where 60 were delivered and paid, is a present of 40."""
    payments = authorized(desk)
    payments.capture("p1", 60)
    error = refused(desk, AmountExceeded, payments.refund, "p1", 70)
    desk.expect((error.requested, error.available), (70, 60))
    desk.expect(payments.refund("p1", 25), Payment("p1", "captured", 100, 0, 60, 25))
    error = refused(desk, AmountExceeded, payments.refund, "p1", 36)
    desk.expect((error.requested, error.available), (36, 35))
    desk.expect(payments.refund("p1"), Payment("p1", "captured", 100, 0, 60, 60))
    error = refused(desk, AmountExceeded, payments.refund, "p1")
    desk.expect((error.requested, error.available), (0, 0))
    desk.expect(len(payments.history("p1")), 3)


@check(level=2, kills=["w05"])
def cents_are_exact(desk: Desk) -> None:
    """0.1 + 0.2 is more than 0.3, and the last parcel of the order cannot be paid."""
    payments = authorized(desk, 30)
    payments.capture("p1", 10, final=False)
    desk.expect(payments.capture("p1", 20), Payment("p1", "captured", 30, 0, 30, 0))
    desk.expect(payments.refund("p1", 29), Payment("p1", "captured", 30, 0, 30, 29))
    desk.afresh()
    payments = authorized(desk, 2**53 + 1)
    desk.expect(payments.capture("p1"), Payment("p1", "captured", 2**53 + 1, 0, 2**53 + 1, 0))


@check(level=2)
def parts_that_cannot_be_are_refused(desk: Desk) -> None:
    """A capture of half a cent is rounded by somebody, and nobody knows by whom."""
    payments = authorized(desk)
    for amount in (0, -1, True, 0.5, "5"):
        desk.raises(ValueError, payments.capture, "p1", amount)
        desk.raises(ValueError, payments.refund, "p1", amount)
    desk.raises(ValueError, payments.apply, "p1", "part")
    desk.raises(UnknownPayment, payments.capture, "p2")
    desk.raises(UnknownPayment, payments.refund, "p2")
    desk.raises(UnknownPayment, payments.get, "p2")
    desk.expect(payments.get("p1"), Payment("p1", "authorized", 100, 100, 0, 0))
    payments.create(5)
    desk.raises(InvalidTransition, payments.capture, "p2", 6)
    desk.raises(ValueError, payments.capture, "p2", 0)
    desk.raises(ValueError, payments.apply, "p2", "part")


# -- level 3: the same request again -------------------------------------------------------------------------------

BUY = {"amount": 100, "to": "acme"}


@check(level=3)
def what_was_done_is_told_again(desk: Desk) -> None:
    """A client whose connection broke asks again; it wants its receipt, not another bill."""
    payments = desk.make(clock=desk.clock())
    desk.expect(payments.begin("k", BUY), Claim("k", 1))
    payments.complete(Claim("k", 1), "p1")
    desk.expect(payments.begin("k", BUY), Replay("p1"))
    desk.expect(payments.begin("k", BUY), Replay("p1"))
    desk.expect(payments.begin("j", BUY), Claim("j", 1))
    payments.complete(Claim("j", 1), "")
    desk.expect(payments.begin("j", BUY), Replay(""))


@check(level=3, kills=["w07"])
def a_key_is_taken_before_the_work(desk: Desk) -> None:
    """A double click is two requests within 100 milliseconds, and the bank takes a second."""
    clock = desk.clock()
    payments = desk.make(clock=clock, lease=8)
    payments.begin("k", BUY)
    error = refused(desk, InProgress, payments.begin, "k", BUY)
    desk.expect(error.retry_after, 8.0)
    clock.advance(3)
    desk.expect(refused(desk, InProgress, payments.begin, "k", BUY).retry_after, 5.0)
    payments.complete(Claim("k", 1), "p1")
    desk.expect(payments.begin("k", BUY), Replay("p1"))


@check(level=3, kills=["w08"])
def a_key_belongs_to_its_request(desk: Desk) -> None:
    """A client that counts its orders from 1 again gets the receipt of last year's order for this year's."""
    payments = desk.make(clock=desk.clock())
    payments.begin("k", BUY)
    for other in ({"amount": 100, "to": "acne"}, {"amount": 100}, {}, {"amount": "100", "to": "acme"}):
        desk.raises(Mismatch, payments.begin, "k", other)
    payments.complete(Claim("k", 1), "p1")
    desk.raises(Mismatch, payments.begin, "k", {"amount": 200, "to": "acme"})
    desk.expect(payments.begin("k", {"to": "acme", "amount": 100}), Replay("p1"))
    payments.begin("j", {"gift": True, "note": None})
    desk.raises(Mismatch, payments.begin, "j", {"gift": 1, "note": None})


@check(level=3, needs=["a_key_belongs_to_its_request"])
def other_values_are_another_request(desk: Desk) -> None:
    """Two requests that look alike once they are written down: one customer gets the receipt of the other."""
    for one, other in (({"a": None}, {}), ({"a": 0}, {"a": False}), ({"a": 1, "b": 2}, {"a=1,b": 2})):
        for request, another in ((one, other), (other, one)):
            desk.afresh()
            payments = desk.make(clock=desk.clock())
            payments.begin("k", request)
            desk.raises(Mismatch, payments.begin, "k", another)


@check(level=3, kills=["w09"], needs=["what_was_done_is_told_again"])
def a_live_claim_is_left_alone(desk: Desk) -> None:
    """Whoever takes over from somebody who is only slow does everything twice."""
    clock = desk.clock()
    payments = desk.make(clock=clock, lease=8)
    payments.begin("k", BUY)
    clock.advance(7.875)
    desk.expect(refused(desk, InProgress, payments.begin, "k", BUY).retry_after, 0.125)
    clock.advance(0.125)
    desk.expect(payments.begin("k", BUY), Claim("k", 2))
    desk.expect(refused(desk, InProgress, payments.begin, "k", BUY).retry_after, 8.0)
    clock.advance(8)
    desk.raises(Mismatch, payments.begin, "k", {})
    desk.expect(payments.begin("k", BUY), Claim("k", 3))


@check(level=3, needs=["what_was_done_is_told_again"])
def whoever_was_overtaken_is_told(desk: Desk) -> None:
    """The answer of a process that slept for a minute must not replace the right one."""
    clock = desk.clock()
    payments = desk.make(clock=clock, lease=8)
    payments.begin("k", BUY)
    clock.advance(64)
    payments.begin("k", BUY)
    desk.raises(LeaseLost, payments.complete, Claim("k", 1), "late")
    desk.raises(LeaseLost, payments.release, Claim("k", 1))
    payments.complete(Claim("k", 2), "p1")
    desk.raises(LeaseLost, payments.complete, Claim("k", 2), "again")
    desk.raises(LeaseLost, payments.release, Claim("k", 2))
    desk.raises(LeaseLost, payments.complete, Claim("j", 1), "nobody's")
    desk.expect(payments.begin("k", BUY), Replay("p1"))


@check(level=3, needs=["what_was_done_is_told_again"])
def slow_work_counts_if_nobody_was_faster(desk: Desk) -> None:
    """The money was taken; that it took a minute is no reason to forget it."""
    clock = desk.clock()
    payments = desk.make(clock=clock, lease=8)
    payments.begin("k", BUY)
    clock.advance(64)
    payments.complete(Claim("k", 1), "p1")
    desk.expect(payments.begin("k", BUY), Replay("p1"))


@check(level=3, kills=["w10"], needs=["what_was_done_is_told_again"])
def a_released_key_is_free(desk: Desk) -> None:
    """A typing error in the form must not lock the customer out with his corrected one."""
    payments = desk.make(clock=desk.clock(), lease=8)
    payments.begin("k", {"amount": -5})
    payments.release(Claim("k", 1))
    desk.raises(LeaseLost, payments.complete, Claim("k", 1), "nothing")
    desk.expect(payments.begin("k", {"amount": 5}), Claim("k", 2))
    payments.release(Claim("k", 2))
    desk.expect(payments.begin("k", {}), Claim("k", 3))


@check(level=3)
def a_lease_is_above_zero(desk: Desk) -> None:
    """A lease of 0 seconds protects nobody."""
    desk.raises(ValueError, desk.make, clock=desk.clock(), lease=0)
    clock = desk.clock()
    payments = desk.make(clock=clock)
    payments.begin("k", BUY)
    desk.expect(refused(desk, InProgress, payments.begin, "k", BUY).retry_after, 30.0)


@check(level=3)
def a_request_is_kept_as_it_was(desk: Desk) -> None:
    """Handlers reuse their dicts."""
    payments = desk.make(clock=desk.clock())
    request = dict(BUY)
    payments.begin("k", request)
    desk.quietly("# the dict is emptied", request.clear)
    desk.raises(Mismatch, payments.begin, "k", {})


# -- level 4: webhooks ---------------------------------------------------------------------------------------------


def body(event, amount=None, id="p1"):
    """What the gateway writes; it likes spaces."""
    told = {"payment": id, "event": event} | ({} if amount is None else {"amount": amount})
    return json.dumps(told, separators=(" , ", " : ")).encode()


def deliver(payments, id, event, amount=None):
    """A webhook as it must be; what became of it."""
    return payments.receive(body(event, amount), Signed(body(event, amount), id, 0))


def listening(desk, *events, secrets=(SECRET,)):
    """Payments with one of 100, to which some events have happened."""
    payments = desk.make(clock=desk.clock(), secrets=[*secrets])
    payments.create(100)
    for event in events:
        payments.apply("p1", event)
    return payments


@check(level=4, kills=["w11"])
def the_bytes_are_what_is_signed(desk: Desk) -> None:
    """It works until the gateway writes a space, or a name, in another way than your JSON library."""
    payments = listening(desk)
    for spelled in (
        body("confirm"),
        b'{"event":"authorize","payment":"p1"}',
        b'{"payment": "p1", "event": "\\u0076oid"}',
    ):
        desk.expect(payments.receive(spelled, Signed(spelled, f"m{len(spelled)}", 0)), "applied")
    desk.expect(payments.state("p1"), "voided")


@check(level=4, kills=["w12"])
def any_signature_will_do(desk: Desk) -> None:
    """While a secret is replaced the gateway signs with two, for a day; who looks at one only is deaf that day."""
    payments = listening(desk, secrets=(b"new",))
    for number, (secrets, event) in enumerate((((b"old", b"new"), "confirm"), ((b"new", b"next"), "authorize"))):
        told = body(event)
        desk.expect(payments.receive(told, Signed(told, f"m{number}", 0, *secrets)), "applied")


@check(level=4)
def any_secret_will_do(desk: Desk) -> None:
    """While a secret is replaced the shop knows two, for a day; who tries one only is deaf that day."""
    payments = listening(desk, secrets=(b"old", b"new"))
    for secret, event in ((b"new", "confirm"), (b"old", "authorize")):
        told = body(event)
        desk.expect(payments.receive(told, Signed(told, f"m{event}", 0, secret)), "applied")
    told = body("void")
    desk.raises(SignatureInvalid, payments.receive, told, Signed(told, "m3", 0, b"other"))


@check(level=4)
def without_a_secret_nobody_is_believed(desk: Desk) -> None:
    """The variable with the secret is not set on the new machine, and everybody may say what was paid."""
    payments, told = listening(desk, secrets=()), body("confirm")
    desk.raises(SignatureInvalid, payments.receive, told, Signed(told, "m1", 0))
    desk.expect(payments.state("p1"), "created")


@check(level=4)
def what_is_not_signed_is_not_believed(desk: Desk) -> None:
    """Anybody can post "payment 17 is paid" to a public address."""
    told = body("confirm")
    right = Signed(told, "m1", 1000)

    def shop(now=1000):
        desk.afresh()
        payments = desk.make(clock=desk.clock(now), secrets=[SECRET])
        payments.create(100)
        return payments

    def expect(expected, headers, text=told, now=1000):
        payments = shop(now)
        desk.expect(refused(desk, SignatureInvalid, payments.receive, text, headers).reason, expected)
        desk.expect(payments.state("p1"), "created")

    def stamped(stamp):
        return {**right, "webhook-timestamp": stamp, "webhook-signature": signature(SECRET, "m1", stamp, told)}

    for name in right:
        expect("header_missing", {key: value for key, value in right.items() if key != name})
    for stamp in ("+1000", "1_000", "1000.0", "-1000", "1000\n", "\u0661\u0660\u0660\u0660", "x"):
        expect("header_malformed", stamped(stamp))
    expect("timestamp_too_old", Signed(told, "m1", 699))
    expect("timestamp_too_old", Signed(told, "m1", 700), now=1000.5)
    expect("timestamp_too_new", Signed(told, "m1", 1301))
    expect("timestamp_too_new", Signed(told, "m1", 1300), now=999.5)
    expect("no_match", right, told + b" ")
    expect("no_match", {**right, "webhook-id": "m2"})
    expect("no_match", {**right, "webhook-timestamp": "1001"})
    for offered in ("v1,\u00e4 v1 x", right["webhook-signature"].replace("v1,", "v2,")):
        expect("no_match", {**right, "webhook-signature": offered})
    for at in (700, 1300):
        desk.expect(shop().receive(told, Signed(told, "m1", at)), "applied")
    payments, endless = shop(), stamped("9" * 5000)
    line = 'payments.receive(body, headers)  # signed, with "9" * 5000 as webhook-timestamp'
    desk.raises(SignatureInvalid, desk.quietly, line, lambda: payments.receive(told, endless))


@check(level=4, kills=["w33"], needs=["what_is_not_signed_is_not_believed"])
def a_known_id_proves_nothing(desk: Desk) -> None:
    """Whoever guesses ids learns from the answers which of them the shop has had."""
    payments = listening(desk)
    desk.expect(deliver(payments, "m1", "confirm"), "applied")
    told = body("authorize")
    forged = {**Signed(told, "m1", 0), "webhook-signature": "v1,x"}
    desk.expect(refused(desk, SignatureInvalid, payments.receive, told, forged).reason, "no_match")


@check(level=4)
def a_webhook_counts_once(desk: Desk) -> None:
    """Gateways send again what was not answered within seconds: the refund of 10 becomes one of 20."""
    payments = listening(desk, "confirm", "authorize", "capture")
    desk.expect(deliver(payments, "m1", "refund", 10), "applied")
    desk.expect(deliver(payments, "m1", "refund", 10), "duplicate")
    desk.expect(deliver(payments, "m2", "refund", 10), "applied")
    desk.expect(payments.get("p1").refunded, 20)


@check(level=4, kills=["w13"])
def what_comes_late_is_stale(desk: Desk) -> None:
    """ "Your payment is being processed", the customer reads, an hour after the receipt; and the order waits."""
    payments = listening(desk, "confirm", "authorize", "capture")
    before = payments.history("p1")
    for number, event in enumerate(("confirm", "authorize", "challenge", "void")):
        desk.expect(deliver(payments, f"m{number}", event), "stale")
    desk.expect(deliver(payments, "m8", "capture", 5), "stale")
    desk.expect(payments.state("p1"), "captured")
    desk.expect(payments.history("p1"), before)
    desk.afresh()
    payments = listening(desk, "confirm")
    desk.expect(deliver(payments, "m1", "confirm"), "stale")
    payments.apply("p1", "decline")
    desk.expect(payments.state("p1"), "created")


@check(level=4, kills=["w14"])
def what_comes_early_waits(desk: Desk) -> None:
    """The refund's webhook overtakes that of the capture, and the books are wrong until the end of the month."""
    payments = listening(desk, "confirm", "authorize")
    desk.expect(deliver(payments, "m1", "refund", 10), "held")
    desk.expect(deliver(payments, "m1", "refund", 10), "duplicate")
    desk.expect(payments.get("p1"), Payment("p1", "authorized", 100, 100, 0, 0))
    desk.expect(deliver(payments, "m2", "capture", 60), "applied")
    desk.expect(payments.get("p1"), Payment("p1", "partially_captured", 100, 40, 60, 10))


@check(level=4, needs=["what_comes_early_waits"])
def our_own_calls_free_what_waits(desk: Desk) -> None:
    """A webhook is often faster than the answer to the call that caused it."""
    payments = listening(desk)
    desk.expect(deliver(payments, "m1", "refund", 10), "held")
    desk.expect(deliver(payments, "m2", "authorize"), "held")
    desk.expect(payments.apply("p1", "confirm"), "authorized")
    desk.expect(payments.capture("p1", 60).refunded, 10)
    desk.expect(deliver(payments, "m3", "refund", 51), "held")
    desk.expect(payments.get("p1").refunded, 10)


@check(level=4, needs=["our_own_calls_free_what_waits"])
def what_has_become_stale_is_forgotten(desk: Desk) -> None:
    """The challenge of the first card is put to the customer when he tries his second one."""
    payments = listening(desk)
    desk.expect(deliver(payments, "m1", "challenge"), "held")
    desk.expect(deliver(payments, "m2", "challenge"), "held")
    desk.expect(payments.apply("p1", "confirm"), "requires_action")
    desk.expect(payments.apply("p1", "decline"), "created")
    desk.expect(payments.apply("p1", "confirm"), "processing")


@check(level=4, needs=["what_comes_early_waits"])
def any_order_ends_alike(desk: Desk) -> None:
    """Webhooks have no order, whatever the manual says."""
    facts = (("confirm", None), ("authorize", None), ("capture", 60), ("capture", 40), ("refund", 70))
    for order in itertools.permutations(enumerate(facts)):
        desk.afresh()
        payments = listening(desk)
        for number, (event, amount) in order:
            deliver(payments, f"m{number}", event, amount)
        desk.expect(payments.get("p1"), Payment("p1", "captured", 100, 0, 100, 70))


@check(level=4)
def what_nobody_understands_is_parked(desk: Desk) -> None:
    """The gateway has something new since yesterday; that must neither break the shop nor move its money."""
    odd = [b"", b"{", b"[]", b"1", b"null", b"\xff", b"{}", b'{"payment": "p1"}', b'{"event": "void"}']
    odd += [body("void", id="p2"), body("pay"), body("part", 5), body("capture"), body("capture", 0)]
    odd += [body("refund", True), body("capture", "5"), body("capture", 5.0), body(["void"]), body("void", id=["p1"])]
    for told in odd:
        desk.afresh()
        payments = listening(desk, "confirm", "authorize")
        desk.expect(payments.receive(told, Signed(told, "m1", 0)), "parked")
        desk.expect(payments.receive(told, Signed(told, "m1", 0)), "duplicate")
        desk.expect(payments.get("p1"), Payment("p1", "authorized", 100, 100, 0, 0))
    desk.afresh()
    payments, deep = listening(desk), b"[" * 100_000
    line = 'payments.receive(b"[" * 100_000, Signed(b"[" * 100_000, "m1", 0))'
    desk.expect(desk.quietly(line, lambda: payments.receive(deep, Signed(deep, "m1", 0))), "parked")


# -- level 5: two sides, two phases, two threads -------------------------------------------------------------------


def merchants(desk, *names, hold=64, **options):
    """A clock, and payments of 100, one authorized for each of these merchants."""
    clock = desk.clock()
    payments = desk.make(clock=clock, hold=hold, **options)
    for name in names:
        id = payments.create(100, merchant=name)
        payments.apply(id, "confirm")
        payments.apply(id, "authorize")
    return clock, payments


@check(level=5)
def each_cent_has_two_sides(desk: Desk) -> None:
    """What is on one account only was lost, or invented."""
    _, payments = merchants(desk, "acme", "gateway")
    desk.expect(payments.balance("gateway"), Balance(200, 0, 0, 0))
    desk.expect(payments.balance("merchant", "acme"), Balance(0, 0, 100, 0))
    payments.capture("p1", 60, final=False)
    desk.expect(payments.balance("gateway"), Balance(140, 60, 0, 0))
    desk.expect(payments.balance("merchant", "acme"), Balance(0, 0, 40, 60))
    payments.capture("p1", 10)
    payments.refund("p1", 20)
    desk.expect(payments.balance("gateway"), Balance(100, 70, 0, 20))
    desk.expect(payments.balance("merchant", "acme"), Balance(0, 20, 0, 70))
    desk.expect(payments.balance("merchant", "gateway"), Balance(0, 0, 100, 0))
    payments.apply("p2", "void")
    desk.expect(payments.balance("merchant", "gateway"), Balance(0, 0, 0, 0))
    payments.payout("acme", 50)
    desk.expect(payments.balance("bank"), Balance(0, 0, 0, 50))
    desk.expect(payments.balance("merchant", "acme"), Balance(0, 70, 0, 70))
    desk.expect(payments.balance("merchant", "nobody"), Balance(0, 0, 0, 0))


@check(level=5)
def a_merchant_by_default(desk: Desk) -> None:
    """A small shop has one merchant, itself."""
    _, payments = merchants(desk)
    payments.create(100)
    payments.apply("p1", "confirm")
    payments.apply("p1", "authorize")
    desk.expect(payments.balance("merchant", "shop"), Balance(0, 0, 100, 0))


@check(level=5)
def nobody_spends_what_he_does_not_have(desk: Desk) -> None:
    """A merchant who was paid out and is gone leaves you with his refunds."""
    _, payments = merchants(desk, "acme", "acme", secrets=[SECRET])
    desk.raises(AmountExceeded, payments.payout, "acme", 1)
    payments.capture("p1")
    for amount in (0, -2, True):
        desk.raises(ValueError, payments.payout, "acme", amount)
    error = refused(desk, AmountExceeded, payments.payout, "acme", 101)
    desk.expect((error.requested, error.available), (101, 100))
    payments.payout("acme", 70)
    error = refused(desk, AmountExceeded, payments.refund, "p1", 31)
    desk.expect((error.requested, error.available), (31, 30))
    desk.expect(deliver(payments, "m1", "refund", 60), "held")
    desk.expect(payments.get("p1").refunded, 0)
    payments.capture("p2", 20)
    error = refused(desk, AmountExceeded, payments.refund, "p1")
    desk.expect((error.requested, error.available), (100, 50))
    desk.expect(payments.refund("p1", 50).refunded, 50)
    desk.expect(payments.balance("merchant", "acme"), Balance(0, 120, 0, 120))


@check(level=5, kills=["w31"], needs=["nobody_spends_what_he_does_not_have"])
def a_refund_waits_for_money(desk: Desk) -> None:
    """The merchant has been paid out; his next sale pays for the refund, if anybody remembers it."""
    _, payments = merchants(desk, "acme", "acme", secrets=[SECRET])
    payments.capture("p1")
    payments.payout("acme", 100)
    desk.expect(deliver(payments, "m1", "refund", 50), "held")
    desk.expect(payments.get("p1").refunded, 0)
    payments.capture("p2")
    desk.expect(payments.get("p1").refunded, 50)
    desk.expect(payments.balance("merchant", "acme"), Balance(0, 150, 0, 200))


@check(level=5, kills=["w16"])
def a_hold_ends_though_nobody_looks(desk: Desk) -> None:
    """The bank has let go of the money a week ago; your forecast counts it until somebody opens the order."""
    clock, payments = merchants(desk, "acme", "acme")
    payments.capture("p1", 60, final=False)
    clock.advance(63.875)
    desk.expect(payments.balance("merchant", "acme"), Balance(0, 0, 140, 60))
    clock.advance(0.125)
    desk.expect(payments.balance("merchant", "acme"), Balance(0, 0, 0, 60))
    desk.expect(payments.balance("gateway"), Balance(0, 60, 0, 0))
    desk.expect(payments.get("p1"), Payment("p1", "captured", 100, 0, 60, 0))


@check(level=5)
def what_has_expired_is_gone(desk: Desk) -> None:
    """A capture of money that nobody holds any more is refused by the bank, days later."""
    clock, payments = merchants(desk, "acme", "acme", hold=8)
    clock.advance(7.875)
    desk.expect(payments.capture("p1", 60).captured, 60)
    clock.advance(64)
    desk.raises(InvalidTransition, payments.capture, "p2")
    desk.expect(payments.state("p2"), "expired")
    desk.expect(payments.history("p2")[-1], Transition("authorized", "expire", "expired", 8.0))
    desk.expect(payments.history("p1")[-1], Transition("authorized", "capture", "captured", 7.875))
    desk.raises(ValueError, desk.make, clock=desk.clock(), hold=0)
    desk.make(clock=desk.clock(), hold=0.5, lease=0.5)
    for verb, expected in (("state", "expired"), ("get", Payment("p1", "expired", 100, 0, 0, 0)), ("history", 3)):
        desk.afresh()
        clock, payments = merchants(desk, "acme", hold=8)
        clock.advance(8)
        found = getattr(payments, verb)("p1")
        desk.expect(len(found) if verb == "history" else found, expected)


@check(level=5, kills=["w30"], needs=["what_has_expired_is_gone"])
def captures_do_not_move_the_end(desk: Desk) -> None:
    """The second parcel is late; the bank has let go of the money, and only your books think that it has not."""
    clock, payments = merchants(desk, "acme", hold=8)
    clock.advance(4)
    desk.expect(payments.capture("p1", 60, final=False).held, 40)
    clock.advance(3.875)
    desk.expect(payments.state("p1"), "partially_captured")
    clock.advance(0.125)
    desk.expect(payments.state("p1"), "captured")
    desk.expect(payments.history("p1")[-1], Transition("partially_captured", "expire", "captured", 8.0))


@check(level=5, needs=["each_cent_has_two_sides"])
def a_hold_is_a_week_if_nobody_says(desk: Desk) -> None:
    """That is how long most banks hold."""
    clock = desk.clock()
    payments = desk.make(clock=clock)
    payments.create(100)
    payments.apply("p1", "confirm")
    clock.advance(8)
    payments.apply("p1", "authorize")
    clock.advance(604_799.875)
    desk.expect(payments.balance("gateway").debits_pending, 100)
    clock.advance(0.125)
    desk.expect(payments.balance("gateway").debits_pending, 0)


def answer(log, call, *args, **kwargs):
    """Write down what a call came to."""
    try:
        found = call(*args, **kwargs)
    except (AmountExceeded, InvalidTransition, InProgress, LeaseLost) as error:
        found = type(error).__name__
    log.append(found)


@scenario(level=5, kills=["w15"], schedules=60)
def two_do_not_take_the_same_money(make):
    """Two parcels leave at once, and 120 are taken from a card that was good for 100."""
    payments, log = make(clock=make.clock()), []
    payments.create(100)
    payments.apply("p1", "confirm")
    payments.apply("p1", "authorize")

    def captures():
        answer(log, payments.capture, "p1", 60, final=False)

    def holds():
        told = sorted(each if type(each) is str else "captured" for each in log)
        return make.expect((told, payments.get("p1").captured), (["AmountExceeded", "captured"], 60))

    return {"one": captures, "two": captures}, holds


@scenario(level=5, schedules=60, needs=["two_do_not_take_the_same_money"])
def books_are_read_as_a_whole(make):
    """A report that is written in the middle of a capture does not add up, once a month."""
    payments, log = make(clock=make.clock()), []
    payments.create(100)
    payments.apply("p1", "confirm")
    payments.apply("p1", "authorize")

    def reads():
        seen, books = payments.get("p1"), payments.balance("gateway")
        log.append((seen.held + seen.captured, books.debits_pending + books.debits_posted))

    def captures():
        payments.capture("p1", 60, final=False)

    return {"reads": reads, "captures": captures}, lambda: make.expect(log, [(100, 100)])


@scenario(level=5, schedules=60, needs=["two_do_not_take_the_same_money"])
def one_of_two_does_the_work(make):
    """A double click reaches two threads of one process."""
    payments, claims, ends = make(clock=make.clock()), [], []
    payments.begin("j", {})

    def asks():
        answer(claims, payments.begin, "k", {})
        answer(ends, payments.complete, Claim("j", 1), "p1")

    def holds():
        seen = (sorted(type(each).__name__ for each in claims), sorted(map(str, ends)))
        return make.expect(seen, (["Claim", "str"], ["LeaseLost", "None"]))

    return {"one": asks, "two": asks}, holds


@scenario(level=5, schedules=60, needs=["two_do_not_take_the_same_money"])
def a_claim_is_ended_once(make):
    """The work is given back and done: the next one does it again."""
    payments, log = make(clock=make.clock()), []
    payments.begin("k", {})

    def ends(call, *args):
        return lambda: answer(log, call, Claim("k", 1), *args)

    def holds():
        return make.expect(sorted(map(str, log)), ["LeaseLost", "None"])

    return {"done": ends(payments.complete, "p1"), "free": ends(payments.release)}, holds


@scenario(level=5, schedules=60, needs=["two_do_not_take_the_same_money"])
def a_webhook_that_comes_twice_counts_once(make):
    """The gateway has waited for an answer, and sends its webhook again; both are there at once."""
    payments, log = make(clock=make.clock(), secrets=[SECRET]), []
    payments.create(100)
    told = body("confirm")

    def hears():
        answer(log, payments.receive, told, Signed(told, "m1", 0))

    def holds():
        return make.expect(sorted(log), ["applied", "duplicate"])

    return {"one": hears, "two": hears}, holds


@scenario(level=5, kills=["w32"], needs=["two_do_not_take_the_same_money"], schedules=60)
def nobody_is_paid_out_twice(make):
    """Two clerks send a merchant his money at once, and he has it twice."""
    payments, log = make(clock=make.clock()), []
    payments.create(100)
    for event in ("confirm", "authorize", "capture"):
        payments.apply("p1", event)

    def sends():
        answer(log, payments.payout, "shop", 60)

    def holds():
        return make.expect(
            (sorted(map(str, log)), payments.balance("bank").credits_posted), (["AmountExceeded", "None"], 60)
        )

    return {"one": sends, "two": sends}, holds


@scenario(level=5, needs=["two_do_not_take_the_same_money"], schedules=60)
def nobody_gets_it_back_twice(make):
    """The customer asks the shop and the bank for the same refund, and has it twice."""
    payments, log = make(clock=make.clock()), []
    payments.create(100)
    for event in ("confirm", "authorize", "capture"):
        payments.apply("p1", event)

    def refunds():
        answer(log, payments.refund, "p1", 60)

    def holds():
        told = sorted(each if type(each) is str else "refunded" for each in log)
        return make.expect((told, payments.get("p1").refunded), (["AmountExceeded", "refunded"], 60))

    return {"one": refunds, "two": refunds}, holds


@scenario(level=5, kills=["w25"], needs=["two_do_not_take_the_same_money"], schedules=60)
def two_payments_are_two(make):
    """Two customers press "buy" at once, and one of them pays for both."""
    payments = make(clock=make.clock())

    def holds():
        return make.expect(sorted(payments.get(id).amount for id in ("p1", "p2")), [30, 60])

    return {"one": lambda: payments.create(30), "two": lambda: payments.create(60)}, holds


# -- level 6: whoever dies -----------------------------------------------------------------------------------------

LEASE = 8


class World:
    """A store, a gateway and a bus that survive, and processes that need not."""

    def __init__(self, desk):
        self.desk, self.clock = desk, desk.clock()
        self.store, self.gateway, self.bus = Store(), Gateway(limit=100), Bus()

    def process(self, host=None):
        """A process; what `host` does happens to it."""
        host = host or Host()
        parts = {
            "store": self.store.connect(host),
            "gateway": self.gateway.connect(host),
            "bus": self.bus.connect(host),
        }
        return self.desk.make(clock=self.clock, lease=LEASE, **parts)

    def at(self, host, step, act, note):
        """Let `act` happen once, at this step of a host; the story tells it as `note`."""

        def on_step(now):
            if now == step:
                host.on_step = lambda _: None
                self.desk.quietly(f"# {note}", act)

        host.on_step = on_step

    def books_are_behind(self):
        """Whether the money is in no book."""
        books = self.desk.quietly("# the money is in the books", lambda: self.process().balance("gateway"))
        return books.debits_posted == 0

    def expect_one_charge(self, amount=60):
        """Payment, money, books and messages agree."""
        self.desk.expect(self.gateway.charges, [amount])
        reader = self.process()
        self.desk.expect(reader.get("k"), Payment("k", "captured", amount, 0, amount, 0))
        self.desk.expect(reader.balance("gateway"), Balance(0, amount, 0, 0))
        self.desk.expect(reader.balance("merchant", "shop"), Balance(0, 0, 0, amount))


def timeout():
    raise GatewayTimeout


@check(level=6)
def one_key_is_one_charge(desk: Desk) -> None:
    """Who presses "pay" twice wants one pair of shoes."""
    world = World(desk)
    one, two = world.process(), world.process()
    desk.expect(one.charge("k", 60), Payment("k", "captured", 60, 0, 60, 0))
    desk.expect(two.charge("k", 60), Payment("k", "captured", 60, 0, 60, 0))
    desk.raises(Mismatch, two.charge, "k", 61)
    desk.raises(Mismatch, two.charge, "k", 60, merchant="acme")
    world.expect_one_charge()
    desk.expect(two.charge("j", 30, merchant="acme").captured, 30)
    desk.expect(one.balance("merchant", "acme"), Balance(0, 0, 0, 30))
    desk.expect(one.balance("gateway"), Balance(0, 90, 0, 0))
    desk.raises(ValueError, one.charge, "i", 0)
    desk.raises(UnknownPayment, one.get, "i")


@check(level=6, needs=["one_key_is_one_charge"])
def a_no_stays_a_no(desk: Desk) -> None:
    """A declined card is an answer, too: whoever asks again gets it again."""
    world = World(desk)
    one, two = world.process(), world.process()
    desk.raises(Declined, one.charge, "k", 101)
    desk.raises(Declined, two.charge, "k", 101)
    desk.expect(two.get("k"), Payment("k", "created", 101, 0, 0, 0))
    desk.expect(two.balance("gateway"), Balance(0, 0, 0, 0))
    desk.expect(two.recover(), 0)
    two.relay()
    desk.expect(world.bus.heard, [])


@check(level=6, kills=["w19"], needs=["one_key_is_one_charge"])
def no_answer_is_no_no(desk: Desk) -> None:
    """ "Payment failed, please try another card", the page says, and the first card was charged."""
    for step in ("gateway", "answer"):
        desk.afresh()
        world, host = World(desk), Host()
        one, two = world.process(host), world.process()
        world.at(host, step, timeout, f"no answer comes: {WHERE[step]}")
        with contextlib.suppress(Declined, OutcomeUnknown, InProgress, GatewayTimeout):
            one.charge("k", 60)
        state = ""
        with contextlib.suppress(UnknownPayment):  # the_question_is_written_down_first tells of it
            state = two.get("k").state
        desk.true(state != "created", "nobody has refused it", f"it is {state!r}, as if the card had been declined")


@check(level=6, needs=["no_answer_is_no_no"])
def that_nobody_knows_is_said(desk: Desk) -> None:
    """Who is told "in process" waits; who is told "unknown" knows that somebody must ask."""
    for step in ("gateway", "answer"):
        desk.afresh()
        world, host = World(desk), Host()
        one, two = world.process(host), world.process()
        world.at(host, step, timeout, f"no answer comes: {WHERE[step]}")
        desk.raises(OutcomeUnknown, one.charge, "k", 60)
        desk.expect(two.get("k"), Payment("k", "outcome_unknown", 60, 0, 0, 0))
        desk.expect(two.balance("gateway"), Balance(0, 0, 0, 0))


@check(level=6, kills=["w18"], needs=["one_key_is_one_charge", "that_nobody_knows_is_said"])
def a_question_keeps_its_key(desk: Desk) -> None:
    """The gateway knows a question by its key; under a new one it is another question, and another charge."""
    for step, verb in itertools.product(("gateway", "answer"), ("charge", "recover")):
        desk.afresh()
        world, host = World(desk), Host()
        one, two = world.process(host), world.process()
        world.at(host, step, timeout, f"no answer comes: {WHERE[step]}")
        desk.raises(OutcomeUnknown, one.charge, "k", 60)
        world.clock.advance(1)
        if verb == "charge":
            desk.expect(two.charge("k", 60), Payment("k", "captured", 60, 0, 60, 0))
        else:
            desk.expect(two.recover(), 1)
        desk.expect(two.recover(), 0)
        world.expect_one_charge()


@check(level=6, kills=["w27"], needs=["that_nobody_knows_is_said"])
def a_key_belongs_to_its_charge(desk: Desk) -> None:
    """The form is changed and sent again under the old key: the customer reads 61, and 60 are taken."""
    world, host = World(desk), Host()
    one, two = world.process(host), world.process()

    def meanwhile():
        desk.raises(Mismatch, two.charge, "k", 61)
        desk.raises(Mismatch, two.charge, "k", 60, merchant="acme")
        timeout()

    world.at(host, "answer", meanwhile, "the answer does not come; others use the key meanwhile")
    desk.raises(OutcomeUnknown, one.charge, "k", 60)
    desk.raises(Mismatch, two.charge, "k", 61)
    desk.raises(Mismatch, two.charge, "k", 60, merchant="acme")
    desk.expect(two.get("k").state, "outcome_unknown")


@check(level=6, kills=["w28"], needs=["a_question_keeps_its_key"])
def who_recovers_asks_all(desk: Desk) -> None:
    """One question that the gateway cannot answer keeps all others from being asked, every night."""
    world, host = World(desk), Host()
    one, two = world.process(host), world.process()
    for key in ("k", "j"):
        world.at(host, "answer", timeout, f"no answer comes: {WHERE['answer']}")
        desk.raises(OutcomeUnknown, one.charge, key, 30)
    world.at(host, "answer", timeout, f"the first question gets no answer: {WHERE['answer']}")
    desk.expect(one.recover(), 1)
    desk.expect(two.recover(), 1)
    desk.expect([two.get(key).state for key in ("k", "j")], ["captured", "captured"])


@check(level=6, needs=["who_recovers_asks_all"])
def who_gets_no_answer_again_asks_later(desk: Desk) -> None:
    """A gateway that is away is away for everybody, and for more than one question."""
    world, host = World(desk), Host()
    payments = world.process(host)
    host.on_step = lambda step: timeout() if step == "answer" else None
    desk.raises(OutcomeUnknown, payments.charge, "k", 60)
    desk.raises(OutcomeUnknown, payments.charge, "k", 60)
    desk.raises(OutcomeUnknown, payments.charge, "j", 101)
    desk.expect(payments.recover(), 0)
    desk.expect(payments.get("k").state, "outcome_unknown")
    desk.quietly("# the gateway is back", lambda: setattr(host, "on_step", lambda _: None))
    desk.expect(payments.recover(), 2)
    world.expect_one_charge()
    desk.raises(Declined, payments.charge, "j", 101)


@check(level=6, kills=["w23"], needs=["one_key_is_one_charge"])
def the_question_is_written_down_first(desk: Desk) -> None:
    """Whoever is killed after he has asked must have left a note, or nobody ever asks what became of it."""
    world, host = World(desk), Host()
    one, two = world.process(host), world.process()
    seen = []
    world.at(host, "gateway", lambda: seen.append(two.get("k")), "the gateway is asked; what do others see?")
    one.charge("k", 60)
    desk.expect(seen, [Payment("k", "processing", 60, 0, 0, 0)])


@check(level=6, needs=["the_question_is_written_down_first"])
def who_asks_is_left_alone_for_a_while(desk: Desk) -> None:
    """A slow gateway is no dead process."""
    world, host = World(desk), Host()
    one, two = world.process(host), world.process()
    seen = []

    def meanwhile():
        for seconds in (0, 2, 5.875):
            world.clock.advance(seconds)
            try:
                two.charge("k", 60)
            except InProgress as error:
                seen.append(error.retry_after)
            seen.append(two.recover())

    world.at(host, "gateway", meanwhile, "the gateway takes its time; others try")
    one.charge("k", 60)
    desk.expect(seen, [8.0, 0, 6.0, 0, 0.125, 0])
    world.expect_one_charge()


@check(level=6, needs=["who_asks_is_left_alone_for_a_while"])
def who_is_dead_is_left_alone_no_longer(desk: Desk) -> None:
    """The customer waits for his receipt; who asked for him will not come back."""
    for verb in ("charge", "recover"):
        desk.afresh()
        world, host = World(desk), Host()
        one, two = world.process(host), world.process()
        world.at(host, "answer", host.kill, f"the process is killed: {WHERE['answer']}")
        with contextlib.suppress(Killed):
            one.charge("k", 60)
        world.clock.advance(LEASE)
        if verb == "charge":
            desk.expect(two.charge("k", 60), Payment("k", "captured", 60, 0, 60, 0))
        else:
            desk.expect(two.recover(), 1)
        world.expect_one_charge()


@check(level=6, kills=["w24"], needs=["who_asks_is_left_alone_for_a_while", "a_question_keeps_its_key"])
def who_recovers_is_left_alone_too(desk: Desk) -> None:
    """Three processes find out the same after a restart, and the gateway hears each question three times."""
    asked_again(desk, "recover", 0)


@check(level=6, needs=["who_recovers_is_left_alone_too"])
def who_asks_again_is_left_alone_too(desk: Desk) -> None:
    """The second question is as slow as the first one, and its time begins anew."""
    for verb, seconds in itertools.product(("recover", "charge"), (0, 64)):
        asked_again(desk, verb, seconds)


def asked_again(desk, verb, seconds):
    """A question gets no answer, and is asked again so much later; nobody else asks it meanwhile."""
    desk.afresh()
    world, lost, slow = World(desk), Host(), Host()
    one, two, three = world.process(lost), world.process(slow), world.process()
    seen = []

    def meanwhile():
        desk.expect(three.get("k").state, "processing")
        seen.append(refused(desk, InProgress, three.charge, "k", 60).retry_after)
        seen.append(three.recover())

    world.at(lost, "answer", timeout, f"no answer comes: {WHERE['answer']}")
    desk.raises(OutcomeUnknown, one.charge, "k", 60)
    if seconds:
        world.clock.advance(seconds)
    world.at(slow, "gateway", meanwhile, "the gateway is asked again; what do others see?")
    if verb == "recover":
        desk.expect(two.recover(), 1)
    else:
        desk.expect(two.charge("k", 60).state, "captured")
    desk.expect(seen, [8.0, 0])
    world.expect_one_charge()


@check(level=6, kills=["w22"], needs=["one_key_is_one_charge", "a_question_keeps_its_key"])
def an_answer_counts_once(desk: Desk) -> None:
    """The answer of a process that slept for a minute books the money once more."""
    for verb in ("charge", "recover"):
        desk.afresh()
        world, host = World(desk), Host()
        one, two = world.process(host), world.process()

        def overtakes(world=world, two=two, verb=verb):
            world.clock.advance(LEASE)
            if verb == "charge":
                two.charge("k", 60)
            else:
                two.recover()

        world.at(host, "answer", overtakes, f"the answer takes {LEASE} s; another process calls {verb}")
        desk.expect(one.charge("k", 60), Payment("k", "captured", 60, 0, 60, 0))
        world.expect_one_charge()
        two.relay()
        desk.expect(world.bus.heard, [Paid("k", 60)])


@check(level=6, needs=["an_answer_counts_once", "who_is_dead_is_left_alone_no_longer"])
def an_answer_is_better_than_none(desk: Desk) -> None:
    """Two ask the same; one gets no answer, and must not take the other one's away."""
    world, late, lost = World(desk), Host(), Host()
    one, two = world.process(late), world.process(lost)

    def fails():
        world.clock.advance(LEASE)
        world.at(lost, "answer", timeout, "")
        two.recover()

    world.at(late, "answer", fails, f"the answer takes {LEASE} s; another process recovers, and gets none")
    desk.expect(one.charge("k", 60).state, "captured")
    world.expect_one_charge()
    desk.afresh()
    world, late = World(desk), Host()
    one, two = world.process(late), world.process()

    def overtakes():
        world.clock.advance(LEASE)
        two.recover()
        timeout()

    world.at(late, "answer", overtakes, f"{LEASE} s later another process recovers; this one gets no answer")
    desk.expect(one.charge("k", 60).state, "captured")
    world.expect_one_charge()


@check(level=6, kills=["w20"], needs=["one_key_is_one_charge"])
def what_is_told_is_true(desk: Desk) -> None:
    """The warehouse hears "paid", asks, and reads "in process"; so it does not send the parcel, and never asks again."""
    world, host = World(desk), Host()
    one, two = world.process(host), world.process()
    seen = []
    world.at(
        host, "bus", lambda: seen.append(two.get("k").state), "a message is published; what does who hears it see?"
    )
    one.charge("k", 60)
    one.relay()
    desk.expect(seen, ["captured"])
    desk.expect(world.bus.heard, [Paid("k", 60)])
    one.relay()
    two.relay()
    desk.expect(world.bus.heard, [Paid("k", 60)])
    one.charge("j", 10)
    one.charge("i", 20)
    one.relay()
    desk.expect(sorted(world.bus.heard[1:], key=lambda paid: paid.amount), [Paid("j", 10), Paid("i", 20)])


@check(level=6, kills=["w21"], needs=["what_is_told_is_true"])
def no_message_gets_lost(desk: Desk) -> None:
    """The order is paid and never sent: the process died between the commit and the message."""
    number, dead = 0, True
    while dead:  # at its next step, until it has come to its end
        number += 1
        desk.afresh()
        world, host = World(desk), Host()
        one, two = world.process(host), world.process()
        dying(desk, host, number, None)
        with contextlib.suppress(Killed):
            one.charge("k", 60)
        dead = host.dead
        world.clock.advance(LEASE)
        two.charge("k", 60)
        two.relay()
        is_told = Paid("k", 60) in world.bus.heard or world.books_are_behind()  # which whoever_dies_wherever tells
        desk.true(is_told, "the message is published", "nobody has heard of it")


@check(level=6, kills=["w26"], needs=["no_message_gets_lost"])
def who_dies_while_he_tells_has_told(desk: Desk) -> None:
    """The order is paid and never sent: the message was crossed out, and then the process died."""
    number, dead = 0, True
    while dead:
        number += 1
        desk.afresh()
        world, host = World(desk), Host()
        one, two = world.process(host), world.process()
        one.charge("k", 60)
        dying(desk, host, number, None)
        with contextlib.suppress(Killed):
            one.relay()
        dead = host.dead
        two.relay()
        desk.true(Paid("k", 60) in world.bus.heard, "the message is published", "nobody has heard of it")


@check(level=6, kills=["w29"], needs=["what_is_told_is_true"])
def what_is_paid_meanwhile_is_told_too(desk: Desk) -> None:
    """While old orders are told a new one comes in; it is crossed out with them, and nobody sends it."""
    for step in ("bus", "sent"):
        desk.afresh()
        world, host = World(desk), Host()
        one, two = world.process(host), world.process()
        one.charge("k", 60)
        world.at(host, step, lambda two=two: two.charge("j", 30), f"{WHERE[step]} another process charges 'j'")
        one.relay()
        two.relay()
        desk.true(Paid("j", 30) in world.bus.heard, "both messages are published", f"heard: {world.bus.heard}")


WHERE = {
    "store": "before a transaction",
    "stored": "after a commit",
    "gateway": "before the gateway has done it",
    "answer": "after the gateway has done it",
    "bus": "before a message is published",
    "sent": "after a message is published",
}


def survives(payments):
    """Buy, and publish it, as far as the process lives."""
    try:
        payments.charge("k", 60)
        payments.relay()
    except (OutcomeUnknown, Killed):
        pass


def dying(desk, host, number, lost):
    """Kill a process at its step `number`; its first question gets no answer if `lost` says where."""
    steps = []

    def on_step(step):
        steps.append(step)
        if len(steps) == number:
            desk.quietly(f"# the process is killed: {WHERE[step]}", host.kill)
        if step == lost and steps.count(step) == 1:
            desk.quietly(f"# no answer comes: {WHERE[step]}", timeout)

    host.on_step = on_step


@check(
    level=6,
    kills=["w17"],
    needs=["one_key_is_one_charge", "who_dies_while_he_tells_has_told", "an_answer_counts_once"],
)
def whoever_dies_wherever(desk: Desk) -> None:
    """Every line of a program is the last one, some day; state, money, books and messages must agree then, too."""
    for second, lost in itertools.product((0, 3, 6, 9), (None, "gateway", "answer")):
        first, dead = 0, True
        while dead:  # at its next step, until it has come to its end
            first += 1
            desk.afresh()
            world, hosts = World(desk), []
            for number in (first, second) if second else (first,):
                hosts.append(Host())
                payments = world.process(hosts[-1])
                dying(desk, hosts[-1], number, lost)
                begins_with_recovery(payments)
                world.clock.advance(LEASE)
            dead = hosts[0].dead
            last = world.process()
            last.recover()
            last.charge("k", 60)
            last.relay()
            world.expect_one_charge()
            desk.true(set(world.bus.heard) == {Paid("k", 60)}, "the message is published", f"{world.bus.heard}")


def begins_with_recovery(payments):
    """What a process does that is started, perhaps again."""
    try:
        payments.recover()
    except Killed:
        return
    survives(payments)
