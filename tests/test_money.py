"""Money: exact in every currency, never rounded, never mixed, and whole again after it was divided."""

import csv
import operator
import pickle
from decimal import Decimal
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import Vectors
from lldkit.money import CurrencyMismatch, Money, minor_units

TEN = Money(10_00, "USD")


def test_given_allocations(vectors: Vectors) -> None:
    cases = vectors.json("money", "allocation.json")
    assert len(cases) == 18
    for case in cases:
        parts = Money(case["amount"], "EUR").allocate(case["weights"])
        assert [part.amount for part in parts] == case["parts"], case


def test_given_decimals(vectors: Vectors) -> None:
    cases = vectors.json("money", "decimal.json")
    assert (len(cases["parse"]), len(cases["format"])) == (52, 19)
    for case in cases["parse"]:
        if case.get("refused"):
            with pytest.raises(ValueError, match="digits after the point"):
                Money.parse(case["text"], case["currency"])
        else:
            assert Money.parse(case["text"], case["currency"]) == Money(case["amount"], case["currency"])
    for case in cases["format"]:
        assert Money(case["amount"], case["currency"]).format() == case["text"]


def test_given_currencies(vectors: Vectors) -> None:
    with (vectors.path("money") / "iso4217.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 179
    for row in rows:
        if row["minor_units"]:
            assert minor_units(row["code"]) == int(row["minor_units"])
        else:
            with pytest.raises(ValueError, match=f"got '{row['code']}'"):
                minor_units(row["code"])


@pytest.mark.parametrize("amount", [True, 1.0, "1", None, Decimal(1)])
def test_an_amount_is_a_whole_number(amount: Any) -> None:
    with pytest.raises(TypeError, match="whole number of minor units"):
        Money(amount, "USD")


@pytest.mark.parametrize("currency", ["usd", "XXX", "XAU", "", "US", "DM"])
def test_a_currency_without_minor_unit_is_refused(currency: str) -> None:
    with pytest.raises(ValueError, match="ISO 4217"):
        Money(1, currency)


@pytest.mark.parametrize("text", ["", "+1", "1.", ".5", "1,5", " 1", "1\n", "1e3", "1_0", "\u0661", "--1", "NaN"])
def test_what_is_no_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a decimal"):
        Money.parse(text, "USD")


def test_sums_products_and_order_are_those_of_the_amounts() -> None:
    five = Money(5_00, "USD")
    assert TEN + five == Money(15_00, "USD")
    assert five - TEN == -five
    assert 3 * five == five * 3 == Money(15_00, "USD")
    same = Money(5_00, "USD")
    assert [five < TEN, five <= TEN, five > TEN, five >= TEN] == [True, True, False, False]
    assert [five < same, five <= same, five > same, five >= same] == [False, True, False, True]
    assert sorted([TEN, five]) == [five, TEN]


def test_two_currencies_are_never_mixed() -> None:
    euros = Money(10_00, "EUR")
    assert euros != TEN
    for mix in (operator.add, operator.sub, operator.lt, operator.le, operator.gt, operator.ge):
        with pytest.raises(CurrencyMismatch, match="expected an amount in USD, got one in EUR") as caught:
            mix(TEN, euros)
        assert (caught.value.expected, caught.value.found) == ("USD", "EUR")


def test_money_is_not_added_to_numbers_nor_multiplied_by_fractions() -> None:
    with pytest.raises(TypeError):
        TEN + 1  # type: ignore[operator]
    for factor in (1.5, True, TEN):
        with pytest.raises(TypeError):
            TEN * factor  # type: ignore[operator]


def test_a_mismatch_travels_between_processes() -> None:
    copy = pickle.loads(pickle.dumps(CurrencyMismatch("USD", "EUR")))
    assert (copy.expected, copy.found) == ("USD", "EUR")


def test_it_prints_with_its_currency() -> None:
    assert f"{TEN} {Money(-5, 'KWD')} {Money(7, 'JPY')}" == "10.00 USD -0.005 KWD 7 JPY"


@pytest.mark.parametrize(
    ("amount", "weights", "rule", "parts"),
    [
        (15, (80, 15, 5), "largest", [12, 2, 1]),
        (15, (80, 15, 5), "first", [13, 2, 0]),
        (-15, (80, 15, 5), "largest", [-12, -2, -1]),
        (-15, (80, 15, 5), "first", [-13, -2, 0]),
        (5, (0, 7, 3), "first", [0, 4, 1]),
        (1, (0, 0, 1, 1), "first", [0, 0, 1, 0]),
    ],
)
def test_what_is_left_over_goes_by_the_rule(
    amount: int, weights: tuple[int, ...], rule: Literal["largest", "first"], parts: list[int]
) -> None:
    assert [part.amount for part in Money(amount, "USD").allocate(weights, rule=rule)] == parts


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1]])
def test_weights_that_divide_nothing_are_refused(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weight"):
        TEN.allocate(weights)


def test_weights_are_whole_and_rules_are_known() -> None:
    with pytest.raises(TypeError, match=r"a weight must be a whole number, got 0\.5"):
        TEN.allocate([0.5, 0.5])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="rule must be"):
        TEN.allocate([1], rule="last")  # type: ignore[arg-type]


amounts = st.integers(-(10**20), 10**20)


@given(
    amounts, st.lists(st.integers(0, 10**6), min_size=1, max_size=20).filter(any), st.sampled_from(["largest", "first"])
)
def test_parts_sum_up_and_stay_within_one_unit_of_their_share(amount: int, weights: list[int], rule: Any) -> None:
    parts = [part.amount for part in Money(amount, "USD").allocate(weights, rule=rule)]
    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * sum(weights) - amount * weight) < sum(weights)
        assert weight or not part
    mirrored = [part.amount for part in Money(-amount, "USD").allocate(weights, rule=rule)]
    assert mirrored == [-part for part in parts]


@given(amounts, st.sampled_from(["USD", "JPY", "KWD", "CLF"]))
def test_what_is_formatted_reads_back(amount: int, currency: str) -> None:
    money = Money(amount, currency)
    assert Money.parse(money.format(), currency) == money
    assert Decimal(money.format()) == Decimal(amount).scaleb(-minor_units(currency))
