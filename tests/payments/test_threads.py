"""Threads over one store, under the deterministic scheduler."""

import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from random import Random

from lldkit import interleave
from lldkit.machine import InvalidTransition
from lldkit.payments.errors import AmountExceeded, IdempotencyInProgress, OperationInProgress
from lldkit.payments.fake_gateway import FakeGateway
from lldkit.payments.idempotency import Claim, Idempotency
from lldkit.payments.interface import GatewayReply, GatewayRequest
from lldkit.payments.ledger import Ledger
from lldkit.payments.memory import MemoryStore
from lldkit.payments.outbox import OutboxMessage
from lldkit.payments.store import Change, Key, Row
from lldkit.payments.transfers import Account, AccountLimit, Transfer, TransferStatus
from payments.helpers import Shop, together, usd

INCLUDE = ["lldkit.payments"]
Program = tuple[dict[str, Callable[[], object]], Callable[[], object]]


def prove(program: Callable[[], Program], *, schedules: int = 40) -> None:
    interleave.explore(program, schedules=schedules, include=INCLUDE).assert_ok()


def test_of_two_captures_of_60_of_100_one_is_made() -> None:
    def program() -> Program:
        shop, taken, refused = Shop(), list[int](), list[object]()
        intent = shop.authorized()

        def capture() -> None:
            try:
                shop.payments.capture(intent.id, usd(60), final=False)
                taken.append(60)
            except (OperationInProgress, AmountExceeded) as refusal:
                refused.append(refusal)

        def invariant() -> bool:
            ledger, effects = shop.balance(), shop.gateway.effects(intent.id)
            return (taken, len(refused), effects.captured, ledger.credits_posted) == ([60], 1, 60, 60)

        return {"a": capture, "b": capture}, invariant

    prove(program)


def test_a_capture_and_a_void_at_once_are_one_of_the_two() -> None:
    def program() -> Program:
        shop, done = Shop(), list[str]()
        intent = shop.authorized()

        def capture() -> None:
            with suppress(OperationInProgress, InvalidTransition):
                shop.payments.capture(intent.id)
                done.append("captured")

        def void() -> None:
            with suppress(OperationInProgress, InvalidTransition):
                shop.payments.void(intent.id)
                done.append("voided")

        def invariant() -> bool:
            effects = shop.gateway.effects(intent.id)
            after = shop.payments.get(intent.id)
            return done == [str(after.state)] and effects.captured + effects.voided == 100 and effects.money_calls == 2

        return {"a": capture, "b": void}, invariant

    prove(program)


def test_a_webhook_and_the_answer_that_it_tells_of_are_one_capture() -> None:
    def program() -> Program:
        shop = Shop()
        intent = shop.authorized()
        shop.delivered()

        def capture() -> None:
            shop.payments.capture(intent.id)

        def invariant() -> bool:
            after = shop.payments.get(intent.id)
            return (after.captured, shop.balance().credits_posted) == (usd(100), 100)

        return {"a": capture, "b": shop.delivered, "c": shop.payments.recover}, invariant

    prove(program)


def test_one_of_two_threads_gets_the_claim_of_a_key() -> None:
    def program() -> Program:
        keys, got = Idempotency(store=MemoryStore(), clock=Shop().clock), list[object]()

        def begin() -> None:
            with suppress(IdempotencyInProgress):
                got.append(keys.begin("k", scope=("shop",), fingerprint="f"))

        return {"a": begin, "b": begin, "c": begin}, lambda: [type(each) for each in got] == [Claim]

    prove(program)


def test_transfers_that_meet_never_break_a_limit() -> None:
    def program() -> Program:
        ledger, statuses = Ledger(store=MemoryStore(), clock=Shop().clock), list[TransferStatus]()
        ledger.open(Account("bank", "USD"), Account("purse", "USD", limit=AccountLimit.DEBITS_WITHIN_CREDITS))
        ledger.post(Transfer("in", debit="bank", credit="purse", amount=10, currency="USD"))

        def spend(name: str) -> Callable[[], None]:
            transfer = Transfer(name, debit="purse", credit="bank", amount=6, currency="USD")
            return lambda: statuses.extend(ledger.apply([transfer]))

        def invariant() -> bool:
            outcomes = sorted(statuses) == [TransferStatus.CREATED, TransferStatus.EXCEEDS_CREDITS]
            return outcomes and ledger.balance("purse").debits_posted == 6

        return {"a": spend("a"), "b": spend("b")}, invariant

    prove(program)


def test_two_relays_never_hold_messages_of_one_payment() -> None:
    def program() -> Program:
        shop = Shop()
        shop.authorized()
        got: dict[str, list[OutboxMessage]] = {}

        def relay(name: str) -> Callable[[], None]:
            def claim() -> None:
                got[name] = shop.payments.outbox.claim(limit=1)

            return claim

        return {"a": relay("a"), "b": relay("b")}, lambda: sorted(map(len, got.values())) == [0, 1]

    prove(program)


class Watched(MemoryStore):
    """A store that looks at every payment that is written."""

    def commit(self, change: Change, /) -> None:
        for write in change.writes:
            if write.key[0] == "intents" and write.value is not None:
                intent = write.value.intent
                assert intent.captured + intent.voided <= intent.authorized
                assert usd(0) <= intent.refunded <= intent.captured <= usd(100)
        super().commit(change)


class Between(MemoryStore):
    """A store in which `then` happens once, before the books are read."""

    then: Callable[[], object] | None = None

    def read(self, keys: Collection[Key], /) -> Mapping[Key, Row]:
        if self.then is not None and any(table == "accounts" for table, _ in keys):
            then, self.then = self.then, None
            then()
        return super().read(keys)


def test_who_reads_the_books_of_a_newer_payment_decides_again_and_does_not_blame_them() -> None:
    shop = Shop(store := Between())
    intent = shop.payments.capture(shop.authorized().id)
    store.then = lambda: shop.payments.refund(intent.id, usd(20))
    shop.payments.refund(intent.id, usd(10))
    assert [refund.amount for refund in shop.payments.refunds(intent.id)] == [usd(20), usd(10)]


class OneByOne:
    """A gateway that answers one thread after the other."""

    def __init__(self, gateway: FakeGateway) -> None:
        self.gateway, self.lock = gateway, threading.Lock()

    def send(self, request: GatewayRequest, /) -> GatewayReply:
        with self.lock:
            return self.gateway.send(request)

    def query(self, request_key: str, /) -> GatewayReply | None:
        with self.lock:
            return self.gateway.query(request_key)


def test_eight_threads_of_random_verbs_never_take_or_give_back_too_much() -> None:
    shop = Shop(Watched())
    shop.payments.gateway = OneByOne(shop.gateway)
    intents = [shop.authorized().id for _ in range(3)]

    def act(number: int) -> None:
        rng = Random(number)
        for _ in range(30):
            intent_id, amount = rng.choice(intents), usd(rng.randint(1, 60))
            with suppress(OperationInProgress, AmountExceeded, InvalidTransition):
                match rng.randrange(4):
                    case 0:
                        shop.payments.capture(intent_id, amount, final=rng.random() < 0.1)
                    case 1:
                        shop.payments.refund(intent_id, amount)
                    case 2:
                        shop.payments.recover()
                    case _:
                        shop.payments.get(intent_id)

    together(act)
    for intent_id in intents:
        intent, effects = shop.payments.get(intent_id), shop.gateway.effects(intent_id)
        assert (intent.captured, intent.refunded) == (usd(effects.captured), usd(effects.refunded))
    assert shop.payments.reconcile(shop.gateway.statement()).agrees
