"""Threads over one store, under the deterministic scheduler."""

from collections.abc import Callable
from contextlib import suppress

from lldkit import interleave
from lldkit.machine import InvalidTransition
from lldkit.payments.errors import AmountExceeded, IdempotencyInProgress, OperationInProgress
from lldkit.payments.idempotency import Claim, Idempotency
from lldkit.payments.ledger import Ledger
from lldkit.payments.memory import MemoryStore
from lldkit.payments.outbox import OutboxMessage
from lldkit.payments.transfers import Account, AccountLimit, Transfer, TransferStatus
from payments.helpers import Shop, usd

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
