"""Tariffs and sessions of others, and amounts that others divided."""

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from lldkit.money import Money
from lldkit.parking_lot import Dimension, Period, Tariff
from lldkit.parking_lot.bill import apportion

if TYPE_CHECKING:
    from conftest import Vectors

COSTS = {
    "total_fixed_cost": Dimension.FLAT,
    "total_time_cost": Dimension.TIME,
    "total_parking_cost": Dimension.PARKING_TIME,
    "total_energy_cost": Dimension.ENERGY,
}


def four_digits(exact: Fraction) -> Decimal:
    return (Decimal(exact.numerator) / exact.denominator).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def expected(case: dict[str, Any], name: str) -> tuple[Decimal, Decimal]:
    cost = case["expected"].get(name, {"excl_vat": "0", "incl_vat": "0"})
    net, gross = (Decimal(cost[which]).quantize(Decimal("0.0001")) for which in ("excl_vat", "incl_vat"))
    return net, gross


def test_sessions_cost_what_others_say(vectors: "Vectors") -> None:
    cases = vectors.json("ocpi-tariffs", "cdrs.json")
    assert len(cases) == 5
    deviating = [case["name"] for case in cases if "deviates" in case]
    assert deviating == ["025kwh_min_price/cdr2_less_than_2kWh"]
    for case in cases:
        periods = [
            Period(
                datetime.fromisoformat(period["start"]),
                {Dimension(kind): Decimal(volume) for kind, volume in period["volumes"].items()},
            )
            for period in case["periods"]
        ]
        bill = Tariff.from_ocpi(case["tariff"]).price_periods(periods, datetime.fromisoformat(case["end"]))
        total = (Decimal("0.5"), Decimal("0.55")) if "deviates" in case else expected(case, "total_cost")
        assert (four_digits(bill.exact_net), four_digits(bill.exact)) == total, case["name"]
        for name, dimension in COSTS.items():
            net, gross = bill.by_dimension.get(dimension, (Fraction(0), Fraction(0)))
            assert (four_digits(net), four_digits(gross)) == expected(case, name), (case["name"], name)


def as_meant(value: Any) -> Any:
    """JSON with its numbers as decimals, whether they were written as numbers or as texts."""
    if isinstance(value, dict):
        return {name: as_meant(each) for name, each in value.items()}
    if isinstance(value, list):
        return [as_meant(each) for each in value]
    try:
        return Decimal(str(value))
    except ArithmeticError:
        return value


def test_tariffs_of_others_are_read_and_written_with_the_same_meaning(vectors: "Vectors") -> None:
    found = vectors.json("ocpi-tariffs", "tariffs.json")
    tariffs = list(found.values()) if isinstance(found, dict) else found
    assert len(tariffs) == 12
    for document in tariffs:
        read = Tariff.from_ocpi(document)
        written = read.to_ocpi()
        assert Tariff.from_ocpi(written) == read
        wanted = as_meant(document)
        for component in (each for element in wanted["elements"] for each in element["price_components"]):
            component["step_size"] = max(Decimal(1), component["step_size"])  # a step of 0 is no step
        assert as_meant(written) == wanted


def test_amounts_are_shared_out_by_largest_remainder_as_others_do(vectors: "Vectors") -> None:
    cases = vectors.json("money", "allocation.json")
    cases = cases["cases"] if isinstance(cases, dict) else cases
    assert len(cases) == 18
    for case in cases:
        total, weights = case["amount"], case["weights"]
        exact = [Fraction(total * weight, 100 * sum(weights)) for weight in weights]
        assert [part.amount for part in apportion(Money(total, "EUR"), exact)] == case["parts"], case
