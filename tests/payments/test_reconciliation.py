"""A gateway's statement beside a day of payments: whatever is wrong with it ends in the right bucket."""

import pytest

from lldkit.money import Money
from lldkit.payments.reconciliation import Reconciliation, StatementRow
from payments.helpers import Shop, faulty_day, usd


def buckets(found: Reconciliation) -> tuple[int, ...]:
    """How many are missing here, missing there, different, duplicated."""
    return len(found.missing_here), len(found.missing_there), len(found.differs), len(found.duplicated)


@pytest.mark.parametrize("seed", range(6))
def test_after_a_day_with_all_faults_there_is_no_difference_and_the_totals_add_up(seed: int) -> None:
    shop, _ = faulty_day(seed)
    rows = shop.gateway.statement()
    assert len(rows) == 24
    found = shop.payments.reconcile([*rows, StatementRow("fee", usd(3))])
    assert buckets(found) == (0, 0, 0, 0)
    assert len(found.matched) == len(rows)
    assert found.fees == [StatementRow("fee", usd(3))]
    total = sum((row.amount for row, _ in found.matched), usd(0))
    assert total == sum((movement.amount for _, movement in found.matched), usd(0))


@pytest.mark.parametrize("at", [0, 7, -1])
def test_each_kind_of_error_has_a_bucket_of_its_own(at: int) -> None:
    shop, _ = faulty_day(1)
    rows = shop.gateway.statement()
    row = rows[at]
    others = [each for each in rows if each is not row]

    dropped = shop.payments.reconcile(others)
    assert buckets(dropped) == (0, 1, 0, 0)
    assert dropped.missing_there[0].request_key == row.request_key

    doubled = shop.payments.reconcile([*rows, row])
    assert (buckets(doubled), doubled.duplicated) == ((0, 0, 0, 1), [row])

    for other in (Money(row.amount.amount + 1, "USD"), Money(row.amount.amount, "EUR")):
        found = shop.payments.reconcile([*others, row._replace(amount=other)])
        assert buckets(found) == (0, 0, 1, 0)
        assert found.differs[0][0].amount == other

    strange = shop.payments.reconcile([*rows, StatementRow("capture", row.amount, "gw_99", "outside:1")])
    assert buckets(strange) == (1, 0, 0, 0)


def test_a_row_without_key_is_found_by_its_reference_where_only_one_fits() -> None:
    shop = Shop()
    intent = shop.authorized()
    shop.payments.capture(intent.id, usd(60), final=False)
    (row,) = shop.gateway.statement()
    assert shop.payments.reconcile([row._replace(request_key="")]).agrees
    shop.payments.capture(intent.id, usd(40))
    rows = shop.gateway.statement()
    two_fit = shop.payments.reconcile([each._replace(request_key="") for each in rows])
    assert buckets(two_fit) == (2, 2, 0, 0)


def test_an_amount_alone_makes_no_pair() -> None:
    shop = Shop()
    shop.captured(100)
    found = shop.payments.reconcile([StatementRow("capture", usd(100))])
    assert buckets(found) == (1, 1, 0, 0)
