"""What is forgotten after its time, and what never is."""

from datetime import timedelta

from lldkit.payments.store import Store
from payments.helpers import Shop, usd


def test_pruning_forgets_keys_and_webhooks_of_old_but_neither_history_nor_ledger(store: Store) -> None:
    shop = Shop(store)
    intent = shop.payments.create(usd(100), merchant="acme", idempotency_key="order")
    shop.payments.confirm(intent.id, method="4242424242424242", idempotency_key="pay")
    shop.delivered()
    began, history, balance = shop.clock.now(), shop.payments.history(intent.id), shop.balance()
    shop.clock.advance(3_600)
    young = shop.payments.create(usd(100), merchant="acme", idempotency_key="young")
    assert shop.payments.prune(began) == 2  # the ids of two webhooks; keys are kept for a day
    shop.clock.advance(86_400 - 3_600)
    assert shop.payments.prune(began + timedelta(days=1)) == 2  # the two old keys
    assert shop.payments.prune(began + timedelta(days=1)) == 0
    assert shop.payments.create(usd(100), merchant="acme", idempotency_key="young") == young
    assert shop.payments.create(usd(100), merchant="acme", idempotency_key="order") != intent
    assert (shop.payments.history(intent.id), shop.balance()) == (history, balance)


def test_pruning_takes_all_that_is_old_however_much_it_is() -> None:
    shop = Shop()
    for number in range(2_500):
        shop.payments.create(usd(100), merchant="acme", idempotency_key=f"order {number}")
    shop.clock.advance(86_400)
    assert shop.payments.prune(shop.clock.now()) == 2_500
